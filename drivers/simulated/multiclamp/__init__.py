"""A control library with the MultiClamp's exports, and a Commander behind it, for tests and dry runs."""
