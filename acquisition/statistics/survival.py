"""Durations that outlast the sweep: Kaplan-Meier medians and the paired Tobit model, never plain means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisition.statistics.cells import columns, count
from acquisition.statistics.student import NAN, NOTHING
from acquisition.statistics.tobit import PairedTobit, paired_tobit
from acquisition.statistics.words import number, with_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Apart", "KaplanMeier", "PairedTobit", "apart", "kaplan_meier", "paired_tobit"]


@dataclass(frozen=True)
class Apart:
    """The change of one group minus that of another, of durations some of which are censored."""

    difference: float
    interval: tuple[float, float]
    """95 %."""
    p: float


def apart(first: PairedTobit, second: PairedTobit) -> Apart:
    """Return the difference of two independent Tobit changes: drug cells first, vehicle cells second.

    The interval is made of the two intervals (MOVER: Zou & Donner 2008, Stat Med 27:1693), which need not be
    symmetric; p is that of a normal deviate with the half of it that points to 0.
    """
    from scipy.special import ndtr, ndtri

    difference = first.difference - second.difference
    (low_1, high_1), (low_2, high_2) = first.interval, second.interval
    down = math.hypot(first.difference - low_1, high_2 - second.difference)
    up = math.hypot(high_1 - first.difference, second.difference - low_2)
    towards_0 = down if difference > 0 else up
    if not math.isfinite(towards_0) or towards_0 == 0:
        return Apart(difference, NOTHING, NAN)
    p = float(2 * ndtr(-abs(difference) / towards_0 * ndtri(0.975)))
    return Apart(difference, (difference - down, difference + up), p)


@dataclass(frozen=True)
class KaplanMeier:
    """The distribution of a duration of which some are known only as "longer than"."""

    n: int
    n_censored: int
    n_dropped: int
    """Values left out because they are NaN."""
    median: float
    """NaN when fewer than half of the durations ended."""
    interval: tuple[float, float]
    """95 % of the median, log transform (Brookmeyer & Crowley 1982); infinity where it is open to the right.

    As survfit of R's survival package gives it.
    """
    times: tuple[float, ...]
    """Times at which durations ended, rising."""
    survival: tuple[float, ...]
    """Fraction still going on after each of `times`."""
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """One sentence for a results section, in the unit of the input."""
        return self.sentence()

    def sentence(self, *, scale: float = 1.0, unit: str = "") -> str:
        """Return `text` with times multiplied by `scale` and followed by `unit`."""
        who = f"{self.n_censored} of {count(self.n, 'duration')} censored"
        if np.isfinite(self.median):
            median = with_interval(self.median, self.interval, scale=scale, unit=unit)
            return f"Kaplan-Meier median {median}; {who}."
        at_least = (
            f" (95 % CI from {number(scale * self.interval[0])} {unit}".rstrip() + ")" if self.interval[0] > 0 else ""
        )
        return f"Kaplan-Meier median not reached{at_least}; {who}."


def kaplan_meier(durations: ArrayLike, censored: ArrayLike) -> KaplanMeier:
    """Estimate the median of `durations` (n,); where `censored` (n,) is true, the value is a lower bound.

    Raises
    ------
    Refused
        The arrays differ in length.
    """
    from statsmodels.duration.survfunc import SurvfuncRight

    values, is_censored = columns(durations=durations, censored=np.asarray(censored, dtype=np.float64))
    kept = np.isfinite(values) & np.isfinite(is_censored)
    dropped = int(np.count_nonzero(~kept))
    values, ended = values[kept], is_censored[kept] == 0
    notes = (f"{count(dropped, 'duration')} left out: missing",) if dropped else ()
    n, n_censored = len(values), int(np.count_nonzero(~ended))
    if not ended.any():
        return KaplanMeier(n, n_censored, dropped, NAN, NOTHING, (), (), (*notes, "no duration ended"))
    with np.errstate(all="ignore"):  # the log transform has no value where nothing goes on
        curve = SurvfuncRight(values, ended.astype(int))
        low, high = (float(limit) for limit in curve.quantile_ci(0.5, method="log"))
    times, survival = np.asarray(curve.surv_times, float), np.asarray(curve.surv_prob, float)
    if high == times[-1] and survival[-1] <= 0:
        high = math.inf  # there the transform has no value; survfit calls the interval open, statsmodels does not
    if n_censored > n / 2:
        notes = (*notes, "more than half of the durations are censored")
    return KaplanMeier(
        n,
        n_censored,
        dropped,
        _median(times, survival),
        (low, high),
        tuple(times.tolist()),
        tuple(survival.tolist()),
        notes,
    )


def _median(times: NDArray[np.float64], survival: NDArray[np.float64]) -> float:
    """Return the time at which half still goes on; the middle of the times if half goes on for a while, as survfit."""
    below = np.flatnonzero(survival < 0.5 - 1e-9)
    level = np.flatnonzero(np.abs(survival - 0.5) <= 1e-9)
    if not len(below):
        return float(times[level[0]]) if len(level) else NAN
    return float((times[level[0]] + times[below[0]]) / 2 if len(level) else times[below[0]])
