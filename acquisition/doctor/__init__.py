"""Looks at computer, rig and folder before an experiment, and says of everything what it found and what to do."""
