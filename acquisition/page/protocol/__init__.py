"""The Protocol screen: a file as text with what 'check' says of it, its sweeps, and its course in time."""
