"""Before against after in one cell, with intervals that know that neighbouring sweeps resemble each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

BLOCK = 3
"""Sweeps drawn together: the slow fluctuation of the membrane spans a few sweeps."""
RESAMPLES = 5000
LEVEL = (2.5, 97.5)
"""Percentiles of a 95 % interval."""
NOTHING = (float("nan"), float("nan"))


@dataclass(frozen=True)
class Effect:
    """What changed from before to after, in the unit of the values."""

    mean_before: float
    mean_after: float
    n_before: int
    n_after: int
    difference: float
    """After minus before."""
    interval: tuple[float, float]
    """95 % interval of `difference`; NaN with fewer than two values on a side."""
    percent: float
    """Change of the magnitude in % of the mean before: an AHP of -4 mV that becomes -3 mV changed by -25 %."""
    percent_interval: tuple[float, float]


def compare(before: ArrayLike, after: ArrayLike, *, seed: int = 0) -> Effect:
    """Compare the values of accepted sweeps, (n,) and (m,), in the order in which they were recorded.

    Intervals are percentiles of a moving-block bootstrap (Kuensch 1989, Ann Stat 17:1217) with blocks of three sweeps,
    the same for the same values. They describe this cell; a p-value within one cell would only describe its drift.

    >>> compare([-4.0, -4.2, -3.8], [-2.0, -2.1, -1.9]).percent
    -50.0
    """
    x, y = np.asarray(before, float), np.asarray(after, float)
    if not len(x) or not len(y):
        mean_x, mean_y = (float(v.mean()) if len(v) else float("nan") for v in (x, y))
        return Effect(mean_x, mean_y, len(x), len(y), float("nan"), NOTHING, float("nan"), NOTHING)
    mean_x, mean_y = float(x.mean()), float(y.mean())
    percent = 100 * (mean_y - mean_x) / mean_x if mean_x else float("nan")
    interval, percent_interval = _intervals(x, y, seed)
    return Effect(mean_x, mean_y, len(x), len(y), mean_y - mean_x, interval, percent, percent_interval)


def _intervals(
    x: NDArray[np.float64], y: NDArray[np.float64], seed: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the intervals of the difference and of the change in %."""
    if min(len(x), len(y)) < 2:
        return NOTHING, NOTHING
    random = np.random.default_rng(seed)
    a, b = resampled_means(x, random), resampled_means(y, random)
    low, high = np.percentile(b - a, LEVEL)
    if np.any(a == 0):
        return (float(low), float(high)), NOTHING
    least, most = np.percentile(100 * (b - a) / a, LEVEL)
    return (float(low), float(high)), (float(least), float(most))


def resampled_means(values: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Return (RESAMPLES,) means of `values` (n,), drawn again in overlapping blocks of three."""
    n = len(values)
    length = min(BLOCK, n - 1)
    starts = random.integers(0, n - length + 1, size=(RESAMPLES, -(-n // length)))
    places = (starts[..., None] + np.arange(length)).reshape(RESAMPLES, -1)[:, :n]
    means: NDArray[np.float64] = values[places].mean(axis=1)
    return means
