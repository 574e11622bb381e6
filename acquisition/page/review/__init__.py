"""What the Review screen knows of a session file: its sweeps, traces, means and results, and windows that move."""
