"""The way back from the afterhyperpolarisation: durations, decay, and where the cell is at the sweep's end.

A potential that does not come back gives no duration: NaN, the flag `censored`, and `D_limit` as the lower bound.
"The end of the sweep" is never a duration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquisition.analysis import decay, sahp
from acquisition.analysis.in_progress import COUNTS, is_usable, once
from acquisition.analysis.rows import NAN
from protocols.waveforms import samples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from acquisition.analysis.in_progress import Stage, SweepInProgress
    from protocols.sweeps import Measurement

END = 0.5
"""Length of the window at the sweep's end."""
RECOVERED_BY = 3.0
"""Seconds after the step from which on the cell should be back at its baseline."""
RETURNS = {"D50": 0.5, "D10": 0.1, "D0": 0.0}
"""Parts of the peak that are left when each duration is over."""


def stages(sweep: SweepInProgress) -> Iterator[Stage]:
    """Yield the durations when the undisturbed part of the sweep is over, and the rest at the sweep's end.

    Nothing needs the rest earlier, and so no block of samples costs more than a millisecond.
    """
    stop = (sweep.clean - sweep.off) / sweep.rate
    if sweep.off + sweep.n(sahp.PEAK[1]) <= sweep.n_samples:
        yield sweep.due(sweep.clean), lambda: _durations(sweep, stop)
        yield sweep.n_samples, lambda: _decay(sweep, stop)
    if stop >= 2 * END:
        yield sweep.n_samples, lambda: _end(sweep, stop)


def _durations(sweep: SweepInProgress, stop: float) -> Iterator[Measurement]:
    """Yield all that counts from the peak, seconds from the step's end."""
    start = sahp.PEAK[0]
    v, span, flags, can = _window(sweep, stop)
    returns = _returns(sweep, v, start) if can else dict.fromkeys(RETURNS, NAN)
    censored = (*flags, "censored") if can else flags
    for name, value in returns.items():
        yield sweep.rows.row(name, value, "s", span, flags if np.isfinite(value) else censored)
    yield sweep.rows.row("D_limit", decay.limit(stop) if can else NAN, "s", span, flags)
    rise = _half_rise(sweep) if can else NAN
    why = censored if can and not np.isfinite(returns["D50"]) else (*flags, "no_rise") if can else flags
    yield sweep.rows.row("HW", returns["D50"] - rise, "s", span, flags if np.isfinite(returns["D50"] - rise) else why)
    yield _total_area(sweep, returns["D0"], span, flags, censored)
    sweep.found.back = returns["D0"]


def _returns(sweep: SweepInProgress, v: NDArray[np.float64], start: float) -> dict[str, float]:
    """Return when what is left of the peak has fallen to each level."""
    base, depth = sweep.found.baseline.mean, sweep.found.lowest - sweep.found.baseline.mean
    course = decay.course(v, sweep.rate)
    after = sweep.found.lowest_at - start
    return {name: decay.back_at(course, base + part * depth, after) + start for name, part in RETURNS.items()}


def _half_rise(sweep: SweepInProgress) -> float:
    """Return when the AHP reached half of its peak, seconds from the step's end."""
    level = 0.5 * (sweep.found.baseline.mean + sweep.found.lowest)
    return sahp.half_rise(sweep.found.box, sweep.rate, level, sweep.found.lowest_at)


def _total_area(
    sweep: SweepInProgress, back: float, span: tuple[int, int], flags: tuple[str, ...], censored: tuple[str, ...]
) -> Measurement:
    """Return the signed integral from the AHP's onset to its return."""
    first = sweep.found.crossed
    if not np.isfinite(back) or not np.isfinite(first):
        why = censored if np.isfinite(first) else (*flags, *(() if flags else ("no_ahp",)))
        return sweep.rows.row("S_tot", NAN, "V s", span, why)
    at = (sweep.off + sweep.n(first), sweep.off + sweep.n(back))
    v, wrong = sweep.trace.window(*at)
    value = NAN if wrong else sahp.area(v, sweep.rate, sweep.found.baseline.mean)
    return sweep.rows.row("S_tot", value, "V s", at, once([*flags, *([wrong] if wrong else [])]))


def _window(sweep: SweepInProgress, stop: float) -> tuple[NDArray[np.float64], tuple[int, int], tuple[str, ...], bool]:
    """Return the way back, its place and flags, and whether there is an AHP to come back from."""
    v, span, flags = sweep.after(sahp.PEAK[0], stop)
    flags = once([*flags, *sweep.found.lowest_flags])
    return v, span, flags, is_usable(flags) and "no_ahp" not in flags and bool(np.isfinite(sweep.found.lowest))


def _decay(sweep: SweepInProgress, stop: float) -> Iterator[Measurement]:
    """Yield the time constant of the slow decay, if an exponential describes it, and how well it does."""
    start, back = sahp.PEAK[0], sweep.found.back
    v, span, flags, can = _window(sweep, stop)
    fit, first = None, max(decay.FIT_FROM, sweep.found.lowest_at + decay.AFTER_PEAK)
    if can:
        last = back if np.isfinite(back) else start + len(v) / sweep.rate
        fit = _fit(sweep, v, first - start, last - start)
        span = (sweep.off + sweep.n(first), sweep.off + sweep.n(last))
    reasons = fit.reasons(sweep.settings.decay) if fit else ("no_fit",) if can else ()
    good = fit is not None and not reasons
    why = (*flags, *reasons)
    yield sweep.rows.row("tau_s", fit.tau if fit and good else NAN, "s", span, why)
    yield sweep.rows.row("tau_s_error", fit.error if fit and good else NAN, "s", span, why)
    yield sweep.rows.row("tau_s_r2", fit.r2 if fit else NAN, "1", span, why)


def _fit(sweep: SweepInProgress, v: NDArray[np.float64], first: float, last: float) -> decay.Exponential | None:
    """Fit block means of 10 ms between `first` and `last`, seconds from the start of `v`."""
    length = samples(decay.FIT_BLOCK, sweep.rate)
    part = v[sweep.n(first) : sweep.n(last)]
    y = sahp.block_means(part, length) - sweep.found.baseline.mean
    return decay.fit_exponential(sahp.block_middles(len(y), length, sweep.rate), y, guess=1.0)


def _end(sweep: SweepInProgress, stop: float) -> Iterator[Measurement]:
    """Yield where the cell is at the end, and `A_1000` with the straight line from baseline to end taken off."""
    v, span, flags = sweep.after(stop - END, stop)
    known = bool(len(v)) and not np.isnan(v).any()
    value = sahp.mean(v) if known else NAN
    slope = sahp.baseline(v, sweep.rate).slope if known else NAN
    away = value - sweep.found.baseline.mean
    if stop - END >= RECOVERED_BY:
        flags = (*flags, *_drift(sweep, away))
    flags = tuple(f for f in flags if f not in COUNTS)
    yield sweep.rows.row("V_end", value, "V", span, flags)
    yield sweep.rows.row("V_end_slope", slope, "V/s", span, flags)
    if stop - END >= RECOVERED_BY:
        yield _detrended(sweep, away, stop, span, flags)


def _drift(sweep: SweepInProgress, away: float) -> Iterator[str]:
    ahp = 0.25 * abs(sweep.found.a_1000)
    if abs(away) > sweep.settings.end_near or abs(away) > max(ahp, sweep.settings.smallest_ahp):
        yield "drift"
    if abs(away) > sweep.settings.end_far:
        yield "not_recovered" if away < 0 else "risen"


def _detrended(
    sweep: SweepInProgress, away: float, stop: float, span: tuple[int, int], flags: tuple[str, ...]
) -> Measurement:
    """Return `A_1000` without the line through baseline and end."""
    middle = (sweep.on - sweep.off) / sweep.rate + 0.5 * sum(sweep.settings.baseline)
    part = (1.0 - middle) / (stop - 0.5 * END - middle)
    value = sweep.found.a_1000 - part * away
    return sweep.rows.row("A_1000_detrended", value, "V", span, flags)
