"""The afterhyperpolarisation in fixed windows: amplitudes at latencies, peaks, areas, and what the protocol declares.

Each number appears when its window is over; `A_1000`, the headline, 1.05 s after the step.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from acquisition.analysis import sahp
from acquisition.analysis.in_progress import is_usable
from acquisition.analysis.rows import NAN
from protocols.measures import AFTER_STEP, AREAS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from acquisition.analysis.in_progress import Stage, SweepInProgress
    from acquisition.analysis.settings import Declared
    from protocols.sweeps import Measurement


STEEP = 0.2
"""Seconds after the step until which the medium AHP may be so steep that mean and median differ without an event."""


def stages(sweep: SweepInProgress) -> Iterator[Stage]:
    """Yield a stage for each window; what the command leaves no room for is not asked for."""
    for stop, stage in _windows(sweep):
        if stop <= sweep.n_samples:
            yield sweep.due(stop), stage


def _windows(sweep: SweepInProgress) -> Iterator[Stage]:
    """Yield where windows end, those of the protocol included, and their stages."""
    off = sweep.off
    yield off + sweep.n(sahp.MEDIUM[1]), partial(_peak, sweep, "A_m", "t_m", sahp.MEDIUM)
    yield off + sweep.n(sahp.PEAK[1]), partial(_onset_and_peak, sweep)
    for name, limits in AREAS.items():
        yield off + sweep.n(limits[1]), partial(_area, sweep, name, limits)
    for after in AFTER_STEP:
        latency = after / 1000
        yield off + sweep.n(latency + sahp.AROUND), partial(_amplitude, sweep, f"A_{after}", latency)
    for d in sweep.settings.declared:
        yield max(_span(sweep, d)[1], sweep.on), partial(_declared, sweep, d)


def _amplitude(sweep: SweepInProgress, name: str, latency: float) -> Iterator[Measurement]:
    v, span, flags = sweep.after(latency - sahp.AROUND, latency + sahp.AROUND)
    value = NAN
    if is_usable(flags):
        value = sahp.mean(v) - sweep.found.baseline.mean
        flags = (*flags, *(sweep.events(v) if latency >= STEEP else ()))
    if name == "A_1000":
        sweep.found.a_1000 = value
    yield sweep.rows.row(name, value, "V", span, flags)


def _onset_and_peak(sweep: SweepInProgress) -> Iterator[Measurement]:
    v, span, flags = sweep.after(0.0, sahp.PEAK[1])
    box = sahp.boxcar(v, sweep.rate) if is_usable(flags) else np.empty(0)
    sweep.found.box = box
    yield from _peak(sweep, "A_pk", "t_pk", sahp.PEAK, box[sweep.n(sahp.PEAK[0]) :])
    if is_usable(flags):
        sweep.found.crossed = sahp.crossing(box, sweep.rate, sweep.found.baseline.mean)
        flags = flags if np.isfinite(sweep.found.crossed) else (*flags, "no_ahp", *sweep.base_flags(None))
    yield sweep.rows.row("t_cross", sweep.found.crossed, "s", span, flags)


def _peak(
    sweep: SweepInProgress,
    name: str,
    time: str,
    limits: tuple[float, float],
    box: NDArray[np.float64] | None = None,
) -> Iterator[Measurement]:
    v, span, flags = sweep.after(*limits)
    lowest, at = NAN, NAN
    if is_usable(flags):
        lowest, at = sahp.extreme(box if box is not None and len(box) else sahp.boxcar(v, sweep.rate), sweep.rate)
    value, at = lowest - sweep.found.baseline.mean, at + limits[0]
    if value > -sweep.settings.smallest_ahp:
        flags = (*flags, "no_ahp")
    if name == "A_pk":
        sweep.found.lowest, sweep.found.lowest_at, sweep.found.lowest_flags = lowest, at, flags
    yield sweep.rows.row(name, value, "V", span, flags)
    yield sweep.rows.row(time, at, "s", span, flags)


def _area(sweep: SweepInProgress, name: str, limits: tuple[float, float]) -> Iterator[Measurement]:
    v, span, flags = sweep.after(*limits)
    value = sahp.area(v, sweep.rate, sweep.found.baseline.mean) if is_usable(flags) else NAN
    yield sweep.rows.row(name, value, "V s", span, flags)


# --- measures of the protocol's own -----------------------------------------------------------------------------------


def _span(sweep: SweepInProgress, d: Declared) -> tuple[int, int]:
    origin = {"step_start": sweep.on, "step_end": sweep.off, "sweep_start": 0}[d.counted_from]
    return origin + sweep.n(d.start), origin + sweep.n(d.stop)


def _declared(sweep: SweepInProgress, d: Declared) -> Iterator[Measurement]:
    span, base = _span(sweep, d), sweep.found.baseline.mean if d.minus_baseline else 0.0
    if span[0] >= sweep.off:
        v, wrong = sweep.undisturbed(span)
        flags = sweep.flags(span, wrong)
    else:
        v, wrong = sweep.trace.window(*span)
        flags = (wrong,) if wrong else ()
    flags = (*flags, *sweep.base_flags(wrong)) if d.minus_baseline else flags
    value = _measure(sweep, d, v, base) if is_usable(flags) else NAN
    if d.kind.startswith("peak") and span[1] - span[0] < sweep.n(sahp.SMOOTH):
        flags = (*flags, "window_too_short")
    yield sweep.rows.row(d.name, value, "V s" if d.kind == "area" else "V", span, flags)


def _measure(sweep: SweepInProgress, d: Declared, v: NDArray[np.float64], base: float) -> float:
    match d.kind:
        case "mean":
            return sahp.mean(v) - base
        case "area":
            return sahp.area(v, sweep.rate, base)
        case "peak_down" | "peak_up":
            if len(v) < sweep.n(sahp.SMOOTH):
                return NAN
            return sahp.peak(v, sweep.rate, down=d.kind == "peak_down")[0] - base
