"""Data whose results are published."""

from __future__ import annotations

import numpy as np

DRUG_1 = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
DRUG_2 = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
"""Extra hours of sleep (Student 1908; R's `sleep`)."""

RYEGRASS = {
    0.0: (7.58, 8.0, 8.3285714, 7.25, 7.375, 7.9625),
    0.94: (8.3555556, 6.9142857, 7.75),
    1.88: (6.8714286, 6.45, 5.9222222),
    3.75: (1.925, 2.8857143, 4.2333333),
    7.5: (1.1875, 0.8571429, 1.0571429),
    15.0: (0.6875, 0.525, 0.825),
    30.0: (0.25, 0.22, 0.44),
}
"""Root length, cm, by concentration of ferulic acid, mM (Inderjit et al. 2002; drc::ryegrass)."""

# survival::aml, weeks (Miller 1997, Survival Analysis)
MAINTAINED = ([9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161], [0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 1])
NOT_MAINTAINED = ([5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45], [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0])


def inhibition(concentrations, cells, *, ic50, top, hill=1.0, sd, random):
    """Concentrations (mol/l) and inhibition (%) of `cells` cells at each."""
    c = np.repeat(concentrations, cells)
    return c, top / (1 + (ic50 / c) ** hill) + random.normal(0, sd, len(c))


def nested(random, *, animals, cells, sd_animal, sd_effect, sd_cell, sd, effect, interaction=0.0):
    """Values, conditions, animals, cells and ages; every second animal is aged."""
    rows = []
    for a in range(animals):
        of_animal, of_effect = random.normal(0, [sd_animal, sd_effect])
        for c in range(cells):
            of_cell = random.normal(0, sd_cell)
            for k, name in enumerate(("vehicle", "drug")):
                change = k * (effect + of_effect + interaction * (a % 2 - 0.5))
                value = -4e-3 + of_animal + of_cell + change + random.normal(0, sd)
                rows.append((value, name, f"rat {a}", f"cell {c}", "aged" if a % 2 else "young"))
    return [list(column) for column in zip(*rows, strict=True)]
