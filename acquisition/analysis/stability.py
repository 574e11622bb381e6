"""Is it steady? A robust slope over the last sweeps, with its interval.

Theil-Sen: the median of the slopes between all pairs of points. Its interval follows from the variance of Kendall's
statistic (Sen 1968, J Am Stat Assoc 63:1379), as in scipy.stats.theilslopes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from numpy.typing import NDArray

    class DriftLimit(Protocol):
        """A slope: 15 % per 10 min."""

        @property
        def fraction(self) -> float:
            """Change over `per`, as a fraction of the mean."""

        @property
        def per(self) -> float:
            """Seconds."""


Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Verdict:
    """Whether the last sweeps are steady, and why."""

    steady: bool
    n: int
    """Sweeps looked at."""
    needed: int
    slope: float
    """Change of magnitude over the limit's time, as a fraction of the mean; NaN with fewer than two sweeps."""
    interval: tuple[float, float]
    """95 % interval of `slope`."""
    cv: float
    """SD over mean."""
    text: str


def judge(
    times: Sequence[float],
    values: Sequence[float],
    *,
    last: int,
    drift_below: DriftLimit,
    cv_below: float | None = None,
) -> Verdict:
    """Say whether the `last` of `values` (SI, accepted sweeps only) at `times` (s) are steady.

    Steady is: enough sweeps, a slope below the limit whose 95 % interval contains 0, and a small enough coefficient
    of variation if one is asked for.
    """
    t, y = np.asarray(times[-last:], float), np.asarray(values[-last:], float)
    n, nothing = len(y), float("nan")
    if n < 2:
        return Verdict(False, n, last, nothing, (nothing, nothing), nothing, f"{n} of {last} sweeps")
    middle = float(y.mean())
    # times from the first, in units of the limit: slopes come out as change over the limit's time
    slope, low, high = (x / middle if middle else nothing for x in theil_sen((t - t[0]) / drift_below.per, y))
    low, high = min(low, high), max(low, high)
    cv = abs(float(y.std(ddof=1)) / middle) if middle else nothing
    contains_0 = low <= 0 <= high
    calm = cv_below is None or cv < cv_below
    steady = n >= last and abs(slope) < drift_below.fraction and contains_0 and calm
    words = [
        f"{n} of {last} sweeps",
        f"slope {100 * slope:+.0f} % per {_duration(drift_below.per)}",
        f"interval {'contains' if contains_0 else 'excludes'} 0",
        *([f"CV {100 * cv:.0f} %"] if cv_below is not None else []),
    ]
    text = ", ".join(words) + (": steady" if steady else ": not yet" if n < last else ": not steady")
    return Verdict(steady, n, last, slope, (low, high), cv, text)


def theil_sen(t: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the Theil-Sen slope of `y` over `t`, both (n,), and its 95 % interval.

    Raises
    ------
    ValueError
        All times are equal.
    """
    first, second = np.triu_indices(len(y), 1)
    run, rise = t[second] - t[first], y[second] - y[first]
    slopes = np.sort(rise[run != 0] / run[run != 0])
    if not len(slopes):
        msg = "a slope needs values at two different times"
        raise ValueError(msg)
    variance = _kendall_variance(len(y), t, y)
    half = Z_95 * np.sqrt(variance)
    upper = min(round((len(slopes) + half) / 2), len(slopes) - 1)
    lower = max(round((len(slopes) - half) / 2) - 1, 0)
    return float(np.median(slopes)), float(slopes[lower]), float(slopes[upper])


def _kendall_variance(n: int, t: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Return Sen's eq. 2.6: the variance of Kendall's statistic, corrected for ties."""
    ties = [c for x in (t, y) for c in np.unique(x, return_counts=True)[1].tolist()]
    total = n * (n - 1) * (2 * n + 5) - sum(c * (c - 1) * (2 * c + 5) for c in ties)
    return float(max(total, 0)) / 18


def _duration(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"
