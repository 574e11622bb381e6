"""Statistics across cells: numpy in, frozen dataclasses out; no files, no sessions, no global random state."""
