"""What can be said in the middle of a sweep, for screens. Provisional: never stored, and later samples change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisition.analysis import decay, sahp
from acquisition.analysis.rows import NAN
from acquisition.analysis.spikes import DELAY, find_spikes

if TYPE_CHECKING:
    from acquisition.analysis.in_progress import SweepInProgress


@dataclass(frozen=True)
class SoFar:
    """A sweep in the making, SI."""

    spikes: int = 0
    """Since the step began, as far as they can be judged (8 ms)."""
    lowest: float = NAN
    """Lowest 5 ms boxcar from 10 ms after the step on, from the baseline: the AHP's peak is at least this deep."""
    d50: float = NAN
    """When it was back at half of that, seconds from the step's end; NaN as long as it is not."""


def so_far(sweep: SweepInProgress) -> SoFar:
    """Return what the samples up to now say. Touches nothing that a measure is made of."""
    have, known = sweep.trace.have, sweep.trace.have - sweep.n(DELAY)
    if known <= sweep.on:
        return SoFar()
    evoked = find_spikes(sweep.trace.values, sweep.rate, sweep.settings.spikes, start=sweep.on, stop=known)
    first, stop = sweep.off + sweep.n(sahp.PEAK[0]), min(have, sweep.clean)
    v = sweep.trace.values[first:stop]
    if len(v) < sweep.n(sahp.SMOOTH) or np.isnan(v).any():
        return SoFar(len(evoked))
    box = sahp.boxcar(sweep.trace.values[sweep.off : min(stop, sweep.off + sweep.n(sahp.PEAK[1]))], sweep.rate)
    lowest, at = sahp.extreme(box[sweep.n(sahp.PEAK[0]) :], sweep.rate)
    base = sweep.found.baseline.mean
    back = decay.back_at(decay.course(v, sweep.rate), 0.5 * (base + lowest), at)
    return SoFar(len(evoked), lowest - base, back + sahp.PEAK[0])
