"""What a small current pulse says of the membrane: input resistance, sag, time constant."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from acquisition.analysis import decay, membrane, sahp
from acquisition.analysis.in_progress import is_usable, once
from acquisition.analysis.rows import INCOMPLETE, NAN
from acquisition.analysis.settings import MEMBRANE_FIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from acquisition.analysis.in_progress import Stage, SweepInProgress
    from protocols.sweeps import Measurement
    from protocols.waveforms import Pulse

SMOOTH = 20e-3
"""Boxcar of the sag's peak: a whole cycle of 50 Hz; the sag itself takes 50 ms and more."""
CHARGING = (2e-3, 100e-3)
"""Part of the pulse, seconds from its start, that the charging curve is fitted to: behind the electrode, before Ih."""
CHARGING_BLOCK = 1e-3


def stages(sweep: SweepInProgress) -> Iterator[Stage]:
    """Yield a stage for each test pulse behind the step."""
    for pulse in sweep.tests:
        yield sweep.due(pulse.stop), partial(_pulse, sweep, pulse)


def _pulse(sweep: SweepInProgress, pulse: Pulse) -> Iterator[Measurement]:
    part = sweep.n(membrane.SETTLED_PART)
    span = (pulse.start - part, pulse.stop)
    before, wrong_before = sweep.trace.window(pulse.start - part, pulse.start)
    during, wrong = sweep.trace.window(pulse.start, pulse.stop)
    if pulse.stop - pulse.start < part:
        wrong = INCOMPLETE
    reasons = once(x for x in (wrong_before, wrong) if x)
    flags = (*reasons, *(("late_spikes",) if INCOMPLETE not in reasons and sweep.is_hit(span) else ()))
    can = is_usable(flags)
    value = membrane.input_resistance(before, during[-part:], pulse.amplitude) if can else NAN
    yield sweep.rows.row("Rin", value, "Ohm", span, flags)
    yield from _shape(sweep, during - before.mean(), pulse, span, flags) if can else _nothing(sweep, span, flags)


def _nothing(sweep: SweepInProgress, span: tuple[int, int], flags: tuple[str, ...]) -> Iterator[Measurement]:
    yield sweep.rows.row("sag", NAN, "1", span, flags)
    yield sweep.rows.row("tau_m", NAN, "s", span, flags)


def _shape(
    sweep: SweepInProgress, response: NDArray[np.float64], pulse: Pulse, span: tuple[int, int], flags: tuple[str, ...]
) -> Iterator[Measurement]:
    """Yield sag (1 - steady / peak) and membrane time constant of a response counted from before the pulse."""
    part = sweep.n(membrane.SETTLED_PART)
    early = response[:-part]
    peak = _peak(sweep, early, down=pulse.amplitude < 0) if len(early) > sweep.n(SMOOTH) else NAN
    sag = 1 - float(response[-part:].mean()) / peak if peak else NAN
    yield sweep.rows.row("sag", sag, "1", span, flags if np.isfinite(sag) else (*flags, "window_too_short"))
    fit = _charging(sweep, early)
    reasons = fit.reasons(MEMBRANE_FIT) if fit else ("no_fit",)
    yield sweep.rows.row("tau_m", fit.tau if fit and not reasons else NAN, "s", span, (*flags, *reasons))


def _peak(sweep: SweepInProgress, v: NDArray[np.float64], *, down: bool) -> float:
    box = sahp.smoothed(v, sweep.n(SMOOTH))
    return float(box.min() if down else box.max())


def _charging(sweep: SweepInProgress, response: NDArray[np.float64]) -> decay.Exponential | None:
    """Fit the charging curve in block means of 1 ms."""
    length = sweep.n(CHARGING_BLOCK)
    part = response[sweep.n(CHARGING[0] + sweep.delay) : sweep.n(CHARGING[1])]
    y = sahp.block_means(part, length)
    return decay.fit_charging(sahp.block_middles(len(y), length, sweep.rate), y, guess=0.02)
