"""MultiClamp 700A and 700B, through the maker's AxMultiClampMsg library and the Commander's telegraph."""
