"""Student's and Welch's t for means of cells: the estimate first, then its interval, then the test."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAN = float("nan")
NOTHING = (NAN, NAN)
"""An interval that is not determined."""
SAME = 1e-12
"""Values that differ by less than this fraction of their size do not vary: only rounding tells them apart."""


@dataclass(frozen=True)
class TTest:
    """A mean, or a difference of means, with its t test. NaN where it is not determined."""

    n: int
    """Values used; of both groups together for a difference between groups."""
    estimate: float
    interval: tuple[float, float]
    """95 % interval of `estimate`."""
    t: float
    df: float
    p: float
    """Two-sided."""


def one_sample(values: NDArray[np.float64]) -> TTest:
    """Test the mean of `values` (n,), finite, against 0."""
    n = len(values)
    if n < 2:
        return TTest(n, float(values[0]) if n else NAN, NOTHING, NAN, NAN, NAN)
    mean, sd = float(values.mean()), spread(values)
    return _test(n, mean, sd / math.sqrt(n), n - 1.0)


def welch(first: NDArray[np.float64], second: NDArray[np.float64]) -> TTest:
    """Test the mean of `first` (n,) minus the mean of `second` (m,), variances not assumed equal (Welch 1947)."""
    n, m = len(first), len(second)
    if not n or not m:
        return TTest(n + m, NAN, NOTHING, NAN, NAN, NAN)
    difference = float(first.mean() - second.mean())
    if min(n, m) < 2:
        return TTest(n + m, difference, NOTHING, NAN, NAN, NAN)
    a, b = spread(first) ** 2 / n, spread(second) ** 2 / m
    if a + b == 0:
        return TTest(n + m, difference, NOTHING, NAN, NAN, NAN)
    df = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (m - 1))
    return _test(n + m, difference, math.sqrt(a + b), df)


def spread(values: NDArray[np.float64]) -> float:
    """Return the SD of `values` (n,), n - 1 in the denominator; 0 when they differ by rounding only."""
    if len(values) < 2:
        return NAN
    sd = float(values.std(ddof=1))
    return 0.0 if sd <= SAME * float(np.abs(values).max()) else sd


def _test(n: int, estimate: float, se: float, df: float) -> TTest:
    from scipy.special import stdtr, stdtrit

    if not se > 0:
        return TTest(n, estimate, NOTHING, NAN, df, NAN)
    half = float(stdtrit(df, 0.975)) * se
    t = estimate / se
    return TTest(n, estimate, (estimate - half, estimate + half), t, df, float(2 * stdtr(df, -abs(t))))
