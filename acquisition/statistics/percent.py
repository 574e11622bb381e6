"""Changes in per cent of the magnitude before, with intervals that know that the value before is uncertain too."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisition.statistics.bootstrap import bca, mean_of
from acquisition.statistics.student import NAN, NOTHING, one_sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquisition.statistics.bootstrap import Statistic
    from acquisition.statistics.cells import Nesting


@dataclass(frozen=True)
class PercentChange:
    """The change in % of the magnitude before: an AHP of -4 mV that becomes -3 mV changed by -25 %."""

    of_means: float
    """100 x (mean after / mean before - 1)."""
    of_means_interval: tuple[float, float]
    """95 % interval of `of_means` by Fieller's theorem; NaN when the mean before is not clearly different from 0."""
    of_means_bca: tuple[float, float]
    """The same by BCa bootstrap."""
    per_cell: tuple[float, ...]
    """Change of every cell used, in %, in the order of the cells; NaN where a cell's value before is 0."""
    mean: float
    """Mean of `per_cell`; NaN when a cell's value before is 0."""
    mean_interval: tuple[float, float]
    """95 % t interval of `mean`."""
    mean_bca: tuple[float, float]
    """The same by BCa bootstrap."""


def percent_change(
    before: NDArray[np.float64], after: NDArray[np.float64], nested: Nesting, *, seed: int, resamples: int
) -> PercentChange:
    """Return the change of pairs (cells,), all finite; `nested` says which animals are drawn in the bootstrap."""
    cells = per_cell(before, after)
    group = [np.arange(nested.n_units)]
    test = one_sample(cells)
    mean_before = float(before.mean()) if len(before) else 0.0
    return PercentChange(
        100 * (float(after.mean()) / mean_before - 1) if mean_before else NAN,
        fieller(before, after),
        bca(_ratio(before, after), nested.unit, group, seed=seed, resamples=resamples),
        tuple(cells.tolist()),
        test.estimate,
        test.interval,
        bca(mean_of(cells), nested.unit, group, seed=seed, resamples=resamples),
    )


def per_cell(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the change of each cell (cells,), %; NaN where the value before is 0."""
    change = np.full(len(before), np.nan)
    np.divide(after, before, out=change, where=before != 0)
    return 100 * (change - 1)


def fieller(before: NDArray[np.float64], after: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % interval, %, of the ratio of the means of pairs (cells,), less 1.

    All ratios q for which after - q x before does not differ from 0 in a paired t test (Fieller 1954, J R Stat Soc B
    16:175). NaN when these are not one finite interval, which is when the mean before does not differ from 0.
    """
    from scipy.special import stdtrit

    n = len(before)
    if n < 2:
        return NOTHING
    x, y = float(before.mean()), float(after.mean())
    (v_x, v_xy), (_, v_y) = np.cov(before, after) * float(stdtrit(n - 1, 0.975)) ** 2 / n
    a, b, c = x**2 - v_x, x * y - v_xy, y**2 - v_y
    if a <= 0 or v_x + v_y == 0:
        return NOTHING
    root = math.sqrt(max(b**2 - a * c, 0.0))
    return float(100 * ((b - root) / a - 1)), float(100 * ((b + root) / a - 1))


def _ratio(before: NDArray[np.float64], after: NDArray[np.float64]) -> Statistic:
    return lambda weights: 100 * ((weights @ after) / (weights @ before) - 1)
