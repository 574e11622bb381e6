"""The way back: when the potential returns to a level, and with what time constant. Pure functions, SI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import leastsq

from acquisition.analysis.sahp import block_means, first_run, smoothed
from protocols.waveforms import samples

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from acquisition.analysis.settings import FitRules

BOXCAR = 0.100
"""Returns are looked for in the potential smoothed by this, and must last as long again."""
BLOCK = 1e-3
"""Slow things are made of block means of this length."""
FIT_BLOCK = 10e-3
FIT_FROM, AFTER_PEAK = 0.5, 0.1
"""The exponential is fitted from 0.5 s, or 0.1 s after the peak if that is later: the medium AHP is over by then."""
LEAST_POINTS = 20

NAN = float("nan")
CONVERGED = (1, 2, 3, 4)
"""What MINPACK answers when it has found a minimum."""


@dataclass(frozen=True)
class Course:
    """A potential smoothed by 100 ms, in steps of 1 ms."""

    middles: NDArray[np.float64]
    """Seconds from the start of what was smoothed, (n,)."""
    box: NDArray[np.float64]
    """V, (n,)."""


def course(v: NDArray[np.float64], rate: float) -> Course:
    """Return `v` (samples,), V, smoothed. The boxcar lies inside `v`: the first middle is at 50 ms."""
    length, width = samples(BLOCK, rate), round(BOXCAR / BLOCK)
    if len(v) < width * length:
        return Course(np.empty(0), np.empty(0))
    box = smoothed(block_means(v, length), width)
    middles: NDArray[np.float64] = (np.arange(len(box), dtype=float) + 0.5 * width) * (length / rate)
    return Course(middles, box)


def back_at(course: Course, level: float, after: float) -> float:
    """Return when the course reaches `level` (V) and stays there for 100 ms, not before `after` (s); NaN if never."""
    at = first_run((course.box >= level) & (course.middles >= after), round(BOXCAR / BLOCK))
    return float(course.middles[at]) if at >= 0 else NAN


def limit(duration: float) -> float:
    """Return the latest return that can be seen in `duration` seconds: a longer one is censored there."""
    return duration - 1.5 * BOXCAR


@dataclass(frozen=True)
class Exponential:
    """`size * exp(-t / tau)`, counted from the fit's start."""

    size: float
    tau: float
    error: float
    """Standard error of tau, s."""
    r2: float

    def reasons(self, rules: FitRules) -> tuple[str, ...]:
        """Return what speaks against it; empty is good."""
        return (
            *(("fit_r2",) if not self.r2 >= rules.least_r2 else ()),
            *(("fit_error",) if not self.error < rules.largest_error * self.tau else ()),
            *(("fit_range",) if not rules.shortest <= self.tau <= rules.longest else ()),
        )


def fit_exponential(t: NDArray[np.float64], y: NDArray[np.float64], guess: float) -> Exponential | None:
    """Return the exponential towards 0 that is nearest to `y` (n,) at `t` (n,) s; None if there is none."""
    if len(y) < LEAST_POINTS:
        return None
    return _fitted(t, y, _towards_zero, _slopes_towards_zero, [float(y[0]), guess])


def fit_charging(t: NDArray[np.float64], y: NDArray[np.float64], guess: float) -> Exponential | None:
    """Return the exponential with which `y` (n,) at `t` (n,) s goes to a level of its own; None if there is none."""
    if len(y) < LEAST_POINTS:
        return None
    return _fitted(t, y, _towards_level, _slopes_towards_level, [float(y[0] - y[-1]), guess, float(y[-1])])


def _towards_zero(t: NDArray[np.float64], size: float, tau: float) -> NDArray[np.float64]:
    out: NDArray[np.float64] = size * np.exp(-t / tau)
    return out


def _slopes_towards_zero(t: NDArray[np.float64], size: float, tau: float) -> NDArray[np.float64]:
    e = np.exp(-t / tau)
    return np.column_stack([e, size * e * t / tau**2])


def _towards_level(t: NDArray[np.float64], size: float, tau: float, level: float) -> NDArray[np.float64]:
    return level + _towards_zero(t, size, tau)


def _slopes_towards_level(t: NDArray[np.float64], size: float, tau: float, level: float) -> NDArray[np.float64]:  # noqa: ARG001  the signature of the model
    return np.column_stack([_slopes_towards_zero(t, size, tau), np.ones_like(t)])


def _fitted(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    model: Callable[..., NDArray[np.float64]],
    slopes: Callable[..., NDArray[np.float64]],
    start: list[float],
) -> Exponential | None:
    """Fit by Levenberg-Marquardt on mV, so that all parameters are of one size."""
    scaled = [1e3 * start[0], start[1], *(1e3 * s for s in start[2:])]
    measured = 1e3 * y
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found, covariance, facts, _, how = leastsq(
            lambda p: model(t, *p) - measured, scaled, Dfun=lambda p: slopes(t, *p), full_output=True, maxfev=200
        )
        rest = float(np.sum(facts["fvec"] ** 2))
    if how not in CONVERGED or covariance is None or not (np.isfinite(found).all() and found[1] > 0):
        return None
    error = float(np.sqrt(covariance[1, 1] * rest / (len(y) - len(found))))
    spread = 1e6 * float(np.sum((y - y.mean()) ** 2))
    r2 = 1 - rest / spread if spread else NAN
    return Exponential(1e-3 * float(found[0]), float(found[1]), error, r2)
