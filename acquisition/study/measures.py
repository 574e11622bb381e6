"""What the measures are called, and in which unit people read them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Shown:
    """One measure at the border to a reader."""

    name: str
    words: str
    unit: str
    factor: float
    """From SI."""
    digits: int
    is_magnitude: bool = True
    """Whether a change in % means something."""


_KNOWN = (
    Shown("A_1000", "sAHP at 1 s", "mV", 1e3, 2),
    Shown("S_fix", "AHP area, 10 ms to 2 s", "mV s", 1e3, 2),
    Shown("A_pk", "AHP peak", "mV", 1e3, 2),
    Shown("D50", "AHP half-decay", "s", 1.0, 2),
    Shown("D10", "AHP decay to 10 %", "s", 1.0, 2),
    Shown("D0", "AHP duration", "s", 1.0, 2),
    Shown("tau_s", "decay time constant of the sAHP", "s", 1.0, 2),
    Shown("adaptation", "adaptation of the intervals", "", 1.0, 3),
    Shown("Rin", "input resistance", "MΩ", 1e-6, 0),
    Shown("V_b", "baseline potential", "mV", 1e3, 1, is_magnitude=False),
    Shown("I_step", "step current", "pA", 1e12, 0),
    Shown("Rs", "access resistance", "MΩ", 1e-6, 1),
    Shown("n_ap", "spikes in the step", "", 1.0, 1, is_magnitude=False),
)
UNITS = (("M", 1.0), ("mM", 1e-3), ("µM", 1e-6), ("nM", 1e-9), ("pM", 1e-12))
SHOWN: Mapping[str, Shown] = {s.name: s for s in _KNOWN}


def shown(name: str) -> Shown:
    """Return how a measure is shown; one that nobody named here is shown as it is, in SI."""
    return SHOWN.get(name, Shown(name, name, "", 1.0, 3))


def concentration_text(molar: float) -> str:
    """Return a concentration as people write it: 1e-6 mol/l is '1 µM', 1e-7 is '0.1 µM', 3e-8 is '30 nM'."""
    if not 0 < molar < math.inf:
        return "0 M" if molar == 0 else "not determined" if math.isnan(molar) else "∞"
    unit, size = _unit(molar)
    return f"{molar / size:.3g} {unit}"


def concentration_interval(ends: tuple[float, float], like: float) -> str:
    """Return '0.08 to 0.2 µM', both ends in the unit in which `like` is written; mol/l."""
    unit, size = _unit(like)
    low, high = ("∞" if math.isinf(x) else f"{x / size:.2g}" for x in ends)
    return "not determined" if any(map(math.isnan, ends)) else f"{low} to {high} {unit}"


def _unit(molar: float) -> tuple[str, float]:
    return next(((u, s) for u, s in UNITS if molar >= 0.0995 * s), UNITS[-1])
