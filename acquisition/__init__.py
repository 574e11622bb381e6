"""How an experiment is run, recorded, measured and looked at."""
