"""Is it steady? A robust slope over the last sweeps, and what else must hold for a baseline or for a drug.

Theil-Sen: the median of the slopes between all pairs of points; its interval follows from the variance of Kendall's
statistic (Sen 1968, J Am Stat Assoc 63:1379). `scipy.stats.theilslopes` computes both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Protocol

    from numpy.typing import NDArray

    from protocols.acceptance import BaselineSteady, DrugSteady

    class DriftLimit(Protocol):
        """A slope: 15 % per 10 min."""

        @property
        def fraction(self) -> float:
            """Change over `per`, as a fraction of the mean."""

        @property
        def per(self) -> float:
            """Seconds."""


NAN = float("nan")
FEWEST = 4
"""Values that a slope needs to be told; one beside the main one counts as not measured with fewer."""
FEWEST_IN_WINDOW = 3
"""Values that the mean of a window needs."""
INSTANT = 1e-6
"""Seconds by which sums of intervals may miss the same moment."""


@dataclass(frozen=True)
class Criterion:
    """Something that must hold beside the slope of the main measure."""

    name: str
    """Measure ('Rin', 'V_b'), 'since_arrival' or 'window_change'."""
    value: float
    """Change over the limit's time (a fraction, V for V_b); seconds since the arrival; a fraction between windows."""
    limit: float
    steady: bool | None
    """None: not measured, which speaks neither for nor against."""
    text: str
    interval: tuple[float, float] | None = None
    """95 % interval of a slope."""


@dataclass(frozen=True)
class Verdict:
    """Whether the last sweeps are steady, and why."""

    n: int
    """Sweeps looked at."""
    needed: int
    slope: float
    """Change of magnitude over the limit's time, as a fraction of the mean; NaN with fewer than two sweeps."""
    interval: tuple[float, float]
    """95 % interval of `slope`."""
    per: float
    """The limit's time, s."""
    cv: float
    """SD over mean."""
    is_level: bool
    """Whether slope and variation are as wanted."""
    shows_cv: bool = False
    besides: tuple[Criterion, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against it so far."""
        return self.is_level and all(c.steady is not False for c in self.besides)

    @property
    def steady(self) -> bool:
        """Whether nothing speaks against it, with enough sweeps."""
        return self.holds and self.n >= self.needed

    @property
    def contains_0(self) -> bool:
        """Whether the slope may be none."""
        return self.interval[0] <= 0 <= self.interval[1]

    @property
    def text(self) -> str:
        """One line: '8 of 10 sweeps steady, slope -2 %/10 min, CI contains 0; Rin +1 %, V_b +0.1 mV'."""
        return self._words(" steady" if self.holds else " not steady")

    @property
    def why(self) -> str:
        """The same without the verdict: '10 of 10 sweeps, slope -22 %/10 min, CI excludes 0; ...'."""
        return self._words("")

    def _words(self, verdict: str) -> str:
        count = f"{self.n} sweeps" if self.n > self.needed else f"{self.n} of {self.needed} sweeps"
        besides = ", ".join(c.text for c in self.besides)
        if self.n < FEWEST:
            return count
        words = [
            f"{count}{verdict}",
            f"slope {_percent(self.slope)}/{_duration(self.per)}",
            f"CI {'contains' if self.contains_0 else 'excludes'} 0",
            *([f"CV {100 * self.cv:.0f} %"] if self.shows_cv else []),
        ]
        return ", ".join(words) + (f"; {besides}" if besides else "")

    def also(self, criteria: Sequence[Criterion]) -> Verdict:
        """Return the verdict when `criteria` must hold as well."""
        return replace(self, besides=(*self.besides, *criteria))

    def as_mapping(self) -> dict[str, Any]:
        """Return the verdict as JSON-able numbers; NaN becomes None."""
        return {
            "steady": self.steady,
            "n": self.n,
            "needed": self.needed,
            "slope": _known(self.slope),
            "interval": [_known(x) for x in self.interval],
            "per": self.per,
            "cv": _known(self.cv),
            "besides": [
                {
                    "name": c.name,
                    "value": _known(c.value),
                    "limit": c.limit,
                    "steady": c.steady,
                    "interval": [_known(x) for x in c.interval] if c.interval else None,
                }
                for c in self.besides
            ],
        }


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
    n, per, shows_cv = len(y), drift_below.per, cv_below is not None
    if n < 2:
        return Verdict(n, last, NAN, (NAN, NAN), per, NAN, is_level=False, shows_cv=shows_cv)
    slope, interval = relative_slope(t, y, per)
    middle = float(y.mean())
    cv = abs(float(y.std(ddof=1)) / middle) if middle else NAN
    calm = cv_below is None or cv < cv_below
    is_level = abs(slope) < drift_below.fraction and interval[0] <= 0 <= interval[1] and calm
    return Verdict(n, last, slope, interval, per, cv, is_level, shows_cv)


def beside_baseline(
    times: Sequence[float], values: Mapping[str, Sequence[float]], *, last: int, per: float, rules: BaselineSteady
) -> tuple[Criterion, ...]:
    """Return what must hold beside the main measure for a baseline to be steady: Rin and V_b.

    The input resistance is judged as the main measure is. The baseline potential has no natural zero, so that its
    drift is judged in volts, against the deviation at which a sweep is warned of. The bias follows it in small steps,
    so a drift can be certain and yet negligible: it is steady, too, when the whole interval is within the limit.

    Parameters
    ----------
    times, values
        Accepted sweeps (s) and their 'Rin' (Ohm) and 'V_b' (V), NaN where not measured.
    last
        How many sweeps to look at.
    per
        Time over which the drift of the potential is counted, s.
    rules
        The protocol's `accept: {baseline: ...}`.
    """
    return (
        _resistance(*_finite(times[-last:], values["Rin"][-last:]), rules),
        _potential(*_finite(times[-last:], values["V_b"][-last:]), per, float(rules.potential_within)),
    )


def _resistance(t: NDArray[np.float64], y: NDArray[np.float64], rules: BaselineSteady) -> Criterion:
    limit = rules.input_resistance
    if len(y) < FEWEST:
        return Criterion("Rin", NAN, limit.fraction, None, "Rin not measured")
    slope, interval = relative_slope(t, y, limit.per)
    contains_0 = interval[0] <= 0 <= interval[1]
    steady = abs(slope) < limit.fraction and contains_0
    words = f"Rin {_percent(slope)}/{_duration(limit.per)}" + ("" if contains_0 else " (CI excludes 0)")
    return Criterion("Rin", slope, limit.fraction, steady, words, interval)


def _potential(t: NDArray[np.float64], y: NDArray[np.float64], per: float, within: float) -> Criterion:
    if len(y) < FEWEST:
        return Criterion("V_b", NAN, within, None, "V_b not measured")
    slope, low, high = (per * x for x in theil_sen(t - t[0], y))
    steady = abs(slope) < within and (low <= 0 <= high or max(-low, high) < within)
    return Criterion("V_b", slope, within, steady, f"V_b {1e3 * slope:+.1f} mV/{_duration(per)}", (low, high))


def judge_drug(times: Sequence[float], values: Sequence[float], *, arrival: float, rules: DrugSteady) -> Verdict:
    """Say whether the effect of a solution that reached the bath at `arrival` (s) is complete.

    Complete is: not before the rules' time after the arrival, the mean of the last window near that of the window
    before, and a slope over the last window whose 95 % interval contains 0.

    Parameters
    ----------
    times, values
        Onsets (s) and values (SI) of the accepted sweeps since the arrival, in order.
    arrival
        Seconds from the session's start.
    rules
        The protocol's `accept: {drug: ...}`.
    """
    window = float(rules.window)
    here = [i for i, t in enumerate(times) if t > times[-1] - window + INSTANT]
    t, y = np.asarray(times, float)[here], np.asarray(values, float)[here]
    criteria, n = after_arrival(times, values, arrival=arrival, rules=rules), len(here)
    if n < 2:
        return Verdict(n, FEWEST_IN_WINDOW, NAN, (NAN, NAN), 2 * window, NAN, is_level=False, besides=criteria)
    slope, interval = relative_slope(t, y, 2 * window)
    is_level = interval[0] <= 0 <= interval[1]
    return Verdict(n, FEWEST_IN_WINDOW, slope, interval, 2 * window, NAN, is_level, besides=criteria)


def after_arrival(
    times: Sequence[float], values: Sequence[float], *, arrival: float, rules: DrugSteady
) -> tuple[Criterion, Criterion]:
    """Return what must hold beside the slope for a drug effect to be complete: the time, and two equal windows."""
    t, y = np.asarray(times, float), np.asarray(values, float)
    since, least, window = (float(t[-1]) - arrival if len(t) else 0.0), float(rules.not_before), float(rules.window)
    has_waited = since >= least - INSTANT
    minutes = f"{math.floor(since / 60 + INSTANT)}"
    words = f"{minutes} min" if has_waited else f"{minutes} of {_duration(least)}"
    waited = Criterion("since_arrival", since, least, has_waited, f"{words} after arrival")
    later = y[t > t[-1] - window + INSTANT] if len(t) else y
    earlier = y[(t <= t[-1] - window + INSTANT) & (t > t[-1] - 2 * window + INSTANT)] if len(t) else y
    limit = float(rules.change_within)
    if min(len(earlier), len(later)) < FEWEST_IN_WINDOW or not earlier.mean():
        words = f"too few sweeps for two windows of {_duration(window)}"
        return waited, Criterion("window_change", NAN, limit, False, words)
    change = float(later.mean() / earlier.mean()) - 1
    words = f"mean of the last {_duration(window)} {100 * change:+.1f} % from that before"
    return waited, Criterion("window_change", change, limit, abs(change) < limit, words)


def relative_slope(t: NDArray[np.float64], y: NDArray[np.float64], per: float) -> tuple[float, tuple[float, float]]:
    """Return the change of the magnitude of `y` (n,) over `per` seconds as a fraction of its mean, and its interval."""
    middle = float(y.mean())
    if not middle:
        return NAN, (NAN, NAN)
    slope, low, high = (x / middle for x in theil_sen((t - t[0]) / per, y))
    return slope, (min(low, high), max(low, high))


def theil_sen(t: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the Theil-Sen slope of `y` over `t`, both (n,), and its 95 % interval.

    Raises
    ------
    ValueError
        All times are equal.
    """
    from scipy.stats import theilslopes

    if np.ptp(t) == 0:
        msg = "a slope needs values at two different times"
        raise ValueError(msg)
    found = theilslopes(y, t, 0.95)
    return float(found.slope), float(found.low_slope), float(found.high_slope)


def _finite(times: Sequence[float], values: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    t, y = np.asarray(times, float), np.asarray(values, float)
    known = np.isfinite(y)
    return t[known], y[known]


def _percent(fraction: float) -> str:
    return f"{100 * fraction:+.0f} %"


def _duration(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
