"""The hardware: one device, one file; only here are pins and volts known."""
