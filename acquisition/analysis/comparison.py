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

    Intervals come from a circular block bootstrap (Politis & Romano 1992) with blocks of three sweeps, widened for
    few sweeps as `_interval` says; the same values give the same interval. They describe this cell: a p-value within
    one cell would only describe its drift.

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
    mean_x, mean_y = float(x.mean()), float(y.mean())
    freedom = max(len(x) / _block(len(x)) + len(y) / _block(len(y)) - 2, 1.0)
    difference = _interval(b - a, mean_y - mean_x, freedom)
    if not mean_x or np.any(a == 0):
        return difference, NOTHING
    return difference, _interval(100 * (b - a) / a, 100 * (mean_y - mean_x) / mean_x, freedom)


def _interval(resampled: NDArray[np.float64], estimate: float, freedom: float) -> tuple[float, float]:
    """Return the 95 % interval of `estimate`.

    Plain percentiles of ten autocorrelated sweeps a side (lag-one correlation 0.3) hold the truth in 74 % of cases
    and not in 95 %; with the deviations widened by t over z, with the number of blocks as sample size, in 94 %. At a
    correlation of 0.5 they hold it in 89 % (plain: 66 %, Welch's t: 75 %), at 0.7 in 79 % (57 %, 60 %): no interval
    can make up for sweeps that hardly differ from their neighbours.
    """
    from scipy.special import ndtri, stdtrit

    widened = stdtrit(freedom, 0.975) / ndtri(0.975)
    low, high = estimate + widened * (np.percentile(resampled, LEVEL) - estimate)
    return float(low), float(high)


def resampled_means(values: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Return (RESAMPLES,) means of `values` (n,), drawn again in blocks of three on a circle.

    Within blocks of b nothing varies freely, which makes their means vary too little by (n - b) / n; this is undone.
    """
    n, length = len(values), _block(len(values))
    starts = random.integers(0, n, size=(RESAMPLES, -(-n // length)))
    places = ((starts[..., None] + np.arange(length)) % n).reshape(RESAMPLES, -1)[:, :n]
    middle = values.mean()
    means: NDArray[np.float64] = middle + np.sqrt(n / (n - length)) * (values[places].mean(axis=1) - middle)
    return means


def _block(n: int) -> int:
    return min(BLOCK, n - 1)
