"""The curve Inh = Imax / (1 + (IC50 / c)^h) over all IC50s at once.

With IC50 and slope given, the best Imax is a ratio of sums. So the whole likelihood is laid out over a grid of log IC50
and slope, Imax solved for at every point: there is no start value and no local minimum to be caught in, and the grid is
the profile likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BEYOND = 3.0
"""Decades outside the tested concentrations in which an IC50 is looked for."""
HIGHEST_TOP = 100.0
"""Imax, %: nothing is blocked more than wholly."""
SLOPES = np.geomspace(0.25, 6.0, 41)
ROWS_AT_ONCE = 4_000_000
ZOOMS = 12
"""Refinements of the grid around its best point, each three times finer."""


@dataclass(frozen=True)
class Sums:
    """What the fit needs to know of the data: it depends on nothing else."""

    log_c: NDArray[np.float64]  # (concentrations,), rising
    n: NDArray[np.float64]  # (concentrations,), cells at each
    total: NDArray[np.float64]  # (concentrations,), sum of their inhibition, %
    squares: float
    """Sum of all squared inhibitions."""

    @property
    def n_cells(self) -> int:
        """Cells at all concentrations."""
        return int(self.n.sum())

    def grid(self, step: float) -> NDArray[np.float64]:
        """Return the values of log IC50 that are looked at (g,)."""
        return axis(float(self.log_c[0]), float(self.log_c[-1]), step)


@dataclass(frozen=True)
class Best:
    """The best curve: log10 IC50, slope, Imax (%) and the residual sum of squares."""

    log_ic50: float
    hill: float
    top: float
    rss: float


def axis(lowest: float, highest: float, step: float) -> NDArray[np.float64]:
    """Return the values of log IC50 to look at (g,), for concentrations from `lowest` to `highest` (log10)."""
    return np.arange(lowest - BEYOND, highest + BEYOND + step / 2, step)


def shape(log_c: NDArray[np.float64], x: NDArray[np.float64], h: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the curve for Imax 1 at `log_c` (c,), for log IC50 `x` (g,) and slopes `h` (s,): (s, g, c)."""
    from scipy.special import expit

    curve: NDArray[np.float64] = expit(np.log(10) * h[:, None, None] * (log_c - x[:, None]))
    return curve


def gains(
    curve: NDArray[np.float64], n: NDArray[np.float64], total: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return by how much each curve lowers the sum of squares, and its Imax, both (..., s, g).

    `curve` is (s, g, c); `n` and `total` are (..., c).
    """
    with_data, own = np.tensordot(total, curve, (-1, -1)), np.tensordot(n, curve**2, (-1, -1))
    top = np.zeros_like(with_data)
    np.divide(with_data, own, out=top, where=own > 0)
    top = np.clip(top, 0.0, HIGHEST_TOP)
    return 2 * top * with_data - top**2 * own, top


def best(sums: Sums, x: NDArray[np.float64], h: NDArray[np.float64]) -> Best:
    """Return the best curve of those with log IC50 in `x` (g,) and slope in `h` (s,), refined between grid points."""
    low, high = (x[0], h[0]), (x[-1], h[-1])
    step, ratio = float(x[1] - x[0]), float(h[1] / h[0]) if len(h) > 1 else 1.0
    for _ in range(1 + ZOOMS):
        gain, top = gains(shape(sums.log_c, x, h), sums.n, sums.total)
        i, j = np.unravel_index(int(gain.argmax()), gain.shape)
        found = Best(float(x[j]), float(h[i]), float(top[i, j]), float(max(sums.squares - gain[i, j], 0.0)))
        x = np.clip(found.log_ic50 + step * np.linspace(-1, 1, 7), low[0], high[0])
        h = np.clip(found.hill * ratio ** np.linspace(-1, 1, 7), low[1], high[1]) if ratio > 1 else h
        step, ratio = step / 3, ratio ** (1 / 3)
    return found


def best_of_many(
    log_c: NDArray[np.float64],
    x: NDArray[np.float64],
    h: NDArray[np.float64],
    n: NDArray[np.float64],
    total: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the best log IC50 on the grid for many data sets, `n` and `total` (m, c); NaN where nothing is blocked."""
    curve = shape(log_c, x, h)
    rows = max(1, ROWS_AT_ONCE // (len(x) * len(h)))
    found = np.empty(len(n))
    for start in range(0, len(n), rows):
        part = slice(start, start + rows)
        gain = gains(curve, n[part], total[part])[0].max(axis=1)
        place = gain.argmax(axis=1)
        found[part] = np.where(gain[np.arange(len(place)), place] > 0, x[place], np.nan)
    return found


def accepted(values: NDArray[np.float64], rss: NDArray[np.float64], limit: float) -> tuple[float, float]:
    """Return the lowest and highest of `values` (n,), rising, whose `rss` (n,) is at most `limit`.

    Between grid points the crossing is interpolated; infinity where the end of the grid is still accepted.
    """
    inside = np.flatnonzero(rss <= limit)
    if not len(inside):
        return float("nan"), float("nan")
    first, last = int(inside[0]), int(inside[-1])
    low = -np.inf if first == 0 else _crossing(values, rss, first, first - 1, limit)
    high = np.inf if last == len(values) - 1 else _crossing(values, rss, last, last + 1, limit)
    return float(low), float(high)


def _crossing(values: NDArray[np.float64], rss: NDArray[np.float64], inner: int, outer: int, limit: float) -> float:
    part = (limit - rss[inner]) / (rss[outer] - rss[inner])
    return float(values[inner] + part * (values[outer] - values[inner]))


def highest_rss(least: float, df: int) -> float:
    """Return the sum of squares up to which a value lies in the 95 % profile interval.

    least x (1 + F(1, df) / df), Bates & Watts 1988, Nonlinear Regression Analysis, chapter 6.
    """
    from scipy.special import fdtri

    return least * (1 + float(fdtri(1, df, 0.95)) / df)
