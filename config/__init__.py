"""What an experiment is done with: the rig, as data."""
