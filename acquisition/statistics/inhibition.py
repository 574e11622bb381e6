"""Inhibition of the sAHP in each cell, %, and the concentration it was measured at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisition.statistics.cells import Nesting, animals, columns, nesting
from acquisition.statistics.hill import Sums
from acquisition.statistics.student import NAN
from protocols.errors import Refused

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Cells:
    """One value per cell, finite, and the sums of them at each concentration."""

    place: NDArray[np.intp]  # (cells,), number of the concentration of each
    inhibition: NDArray[np.float64]  # (cells,), %
    nested: Nesting
    sums: Sums
    dropped: int


def percent_inhibition(
    before: ArrayLike, after: ArrayLike, *, vehicle_before: ArrayLike = (), vehicle_after: ArrayLike = ()
) -> NDArray[np.float64]:
    """Return the inhibition of each cell (n,), %, corrected for the run-down of vehicle cells if any are given.

    What is left in a drug cell is compared with what is left in vehicle cells at the same time (ratio of their means):
    100 x (1 - (after / before) / (vehicle after / vehicle before)). A drug that blocks everything gives 100 % whatever
    the run-down.

    Raises
    ------
    Refused
        Arrays that belong together differ in length.
    """
    x, y = columns(before=before, after=after)
    u, v = columns(vehicle_before=vehicle_before, vehicle_after=vehicle_after)
    left = np.full(len(x), np.nan)
    np.divide(y, x, out=left, where=x != 0)
    if not len(u):
        return 100 * (1 - left)
    both = np.isfinite(u) & np.isfinite(v)
    run_down = float(v[both].sum() / u[both].sum()) if both.any() and u[both].sum() else NAN
    return 100 * (1 - left / run_down) if run_down > 0 else np.full(len(x), np.nan)


def read(concentrations: ArrayLike, inhibition: ArrayLike, clusters: ArrayLike | None) -> Cells:
    """Return the cells that have both values, checked.

    Raises
    ------
    Refused
        The arrays differ in length, or a concentration is not above 0.
    """
    c, y = columns(concentrations=concentrations, inhibition=inhibition)
    names = animals(clusters, len(c))
    if np.any(c <= 0):
        msg = f"a concentration of {c[c <= 0][0]:g} mol/l has no logarithm: give vehicle cells to percent_inhibition"
        raise Refused(msg)
    kept = np.isfinite(c) & np.isfinite(y)
    # 1e-6 and 1e-6 written as 1000e-9 are one concentration
    log_c, place = np.unique(np.round(np.log10(c[kept]), 9), return_inverse=True)
    y = y[kept]
    n, total = np.bincount(place, minlength=len(log_c)), np.bincount(place, y, len(log_c))
    sums = Sums(log_c.astype(np.float64), n.astype(np.float64), total.astype(np.float64), float((y**2).sum()))
    return Cells(place.astype(np.intp), y, nesting(names[kept]), sums, int(np.count_nonzero(~kept)))


def concentration_text(c: float) -> str:
    """Return "320 nM", "3.20 µM" or "1.50 mM" for `c` in mol/l."""
    if not 0 < c < math.inf:
        return f"{c:g} M"
    for unit, size in (("M", 1.0), ("mM", 1e-3), ("µM", 1e-6), ("nM", 1e-9)):
        if c >= size:
            return f"{c / size:#.3g} {unit}".replace(". ", " ")
    return f"{c / 1e-12:#.3g} pM".replace(". ", " ")
