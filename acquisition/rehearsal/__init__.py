"""A protocol on a virtual population: how often it succeeds, how long it takes, what it shows, with how many cells.

Every virtual cell is one ordinary run on the simulated devices of the rig, measured and judged as any session is. Only
the file is spared: the recorder keeps numbers and the log, and no samples.
"""
