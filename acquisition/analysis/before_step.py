"""What the cell was at before the step: baseline, its noise and hum, the currents. Known when the step begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquisition.analysis import sahp
from acquisition.analysis.rows import NAN

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from acquisition.analysis.in_progress import Stage, SweepInProgress
    from protocols.sweeps import Measurement

PULSE_BEFORE = 1.0
"""A test pulse ending within this before the baseline may have shifted it (0.7 mV seen)."""


def stages(sweep: SweepInProgress) -> Iterator[Stage]:
    """Yield the one stage: when the step begins."""
    yield sweep.on, lambda: _before(sweep)


def _before(sweep: SweepInProgress) -> Iterator[Measurement]:
    first, stop = sweep.settings.baseline
    span = (sweep.on + sweep.n(first), sweep.on + sweep.n(stop))
    v, wrong = sweep.trace.window(*span)
    found, flags = sahp.NO_BASELINE, (wrong,) if wrong else ()
    if wrong is None:
        peaks = [s.peak_at - span[0] for s in sweep.spikes(sweep.on)]
        found = sahp.baseline(v, sweep.rate, peaks)
        flags = (*flags, *_reservations(sweep, v, found, span))
    sweep.found.baseline, sweep.found.base_flags = found, flags
    rows = sweep.rows
    yield rows.row("V_b", found.mean, "V", span, flags)
    yield rows.row("V_b_sd", found.sd, "V", span, flags)
    yield rows.row("V_b_slope", found.slope, "V/s", span, flags)
    yield _hum(sweep, v, found, span, wrong)
    yield rows.row("I_step", sweep.step.amplitude, "A", (sweep.step.start, sweep.step.stop))
    yield rows.row("I_hold", sweep.header.holding, "A", (0, sweep.n_samples))


def _reservations(
    sweep: SweepInProgress, v: NDArray[np.float64], found: sahp.Baseline, span: tuple[int, int]
) -> Iterator[str]:
    """Yield the flags of a baseline."""
    if found.dropped:
        yield "baseline_spikes"
    else:
        yield from sweep.events(v)
    first = span[0] - sweep.n(PULSE_BEFORE)
    if any(p.stop > first and p.start < span[1] for p in sweep.header.sweep.command.of("test_pulse")):
        yield "test_pulse_near"
    if sweep.aim.potential is not None:
        off = abs(found.mean - sweep.aim.potential)
        if off > sweep.settings.near_target:
            yield "vhold"
        if off > sweep.settings.far_from_target:
            yield "vhold_far"


def _hum(
    sweep: SweepInProgress, v: NDArray[np.float64], found: sahp.Baseline, span: tuple[int, int], wrong: str | None
) -> Measurement:
    """Return the line hum; a spike has power at 50 Hz, too."""
    short = len(v) < sweep.n(sahp.HUM_LEAST)
    why = wrong or ("baseline_spikes" if found.dropped else "window_too_short" if short else None)
    if why:
        return sweep.rows.row("hum", NAN, "V", span, [why])
    value = sahp.hum(v, sweep.rate)
    return sweep.rows.row("hum", value, "V", span, ["hum"] if value > sweep.settings.most_hum else [])
