"""Many sessions: what the cells of a study say together.

The way of the data: `gathering` maps `reading.read_cell` over the files, `blinding` replaces names by codes if that is
wanted, `design` sorts cells into groups, `findings` compares them, and `report` says it.
"""
