"""Names of the measures that every sweep gets without being asked for."""

from __future__ import annotations

AFTER_STEP = (*range(100, 2001, 100), 3000, 4000, 5000)
"""Milliseconds after the step's end at which the after-potential is read: A_100, A_200, ..."""

STANDARD_MEASURES: tuple[str, ...] = (
    "n_ap",
    "V_b",
    *(f"A_{t}" for t in AFTER_STEP),
    "A_pk",
    "A_m",
    "S_fix",
    "D50",
    "Rin",
    "Rm",
    "Rs",
    "Cm",
    "I_hold",
)
"""The standard family. Protocols may declare more, under other names."""
