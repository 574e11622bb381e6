"""What came of it: the session file, while it grows and afterwards. Only this room knows HDF5."""
