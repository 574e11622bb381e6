"""Numbers made of sweeps: SI in, SI out, the same code live and in review."""
