"""The post-burst afterhyperpolarisation as pure functions of a stretch of voltage.

Amplitudes are signed (hyperpolarisation negative) and counted from the baseline before the step; times are counted
from the step's end, which is known from the command. Windows are whole: a function never sees a shorter one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from protocols.waveforms import samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BASELINE = (-0.510, -0.010)
"""Seconds from the step's start."""
BLOCK = 20e-3
"""The baseline is the mean of block means of this length; a whole cycle of 50 Hz."""
LEAST_BLOCKS = 13
"""Of 25: a baseline with more spikes than that is none."""
AROUND = 0.050
"""Half of the window of an amplitude at a latency: 100 ms are whole cycles of 50 and 60 Hz."""
SMOOTH = 5e-3
"""Boxcar of peaks: the minimum of raw samples is biased by -0.2 to -0.5 mV."""
MEDIUM, PEAK, AREA = (0.010, 0.300), (0.010, 1.000), (0.010, 2.000)
"""Windows of A_m, A_pk and S_fix, seconds from the step's end."""
DECAY_BOXCAR = 0.100
"""D50: smoothed by this, and above the level for as long again."""
DECAY_BLOCK = 1e-3


@dataclass(frozen=True)
class Baseline:
    """What the cell was at before the step, SI."""

    mean: float
    sd: float
    """Between blocks."""
    slope: float
    """V/s."""
    dropped: int
    """Blocks left out because of a spike."""


NO_BASELINE = Baseline(float("nan"), float("nan"), float("nan"), 0)


def baseline(v: NDArray[np.float64], rate: float, spikes_at: Sequence[int] = ()) -> Baseline:
    """Return the baseline from the 500 ms of `v` (samples,), V.

    `spikes_at` are peaks, in samples from the start of `v`; their blocks, and those they reach into with 5 ms before
    and 10 ms after, are left out. All values are NaN when too few blocks are left.
    """
    length = samples(BLOCK, rate)
    count = len(v) // length
    means = v[: count * length].reshape(count, length).mean(axis=1)
    keep = np.ones(count, bool)
    for peak in spikes_at:
        first, stop = peak - samples(5e-3, rate), peak + samples(10e-3, rate)
        keep[max(first // length, 0) : max(stop // length + 1, 0)] = False
    if keep.sum() < min(LEAST_BLOCKS, count):
        return Baseline(float("nan"), float("nan"), float("nan"), int((~keep).sum()))
    kept, centres = means[keep], (np.arange(count)[keep] + 0.5) * BLOCK
    away = centres - centres.mean()
    slope = float(away @ kept / (away @ away))
    return Baseline(float(kept.mean()), float(kept.std(ddof=1)), slope, int((~keep).sum()))


def mean(v: NDArray[np.float64]) -> float:
    """Return the plain mean."""
    return float(v.mean())


def area(v: NDArray[np.float64], rate: float, base: float) -> float:
    """Return the signed integral of `v` (samples,) above `base`, V s."""
    return float((v.mean() - base) * len(v) / rate)


def smoothed(v: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the means of all stretches of `width` samples that lie inside `v`; (len(v) - width + 1,)."""
    sums = np.concatenate(([0.0], np.cumsum(v - v[0])))
    means: NDArray[np.float64] = (sums[width:] - sums[:-width]) / width + v[0]
    return means


def peak(v: NDArray[np.float64], rate: float, *, down: bool = True) -> tuple[float, float]:
    """Return the extreme of the 5 ms boxcar inside `v` (samples,), and its middle in seconds from the start of `v`."""
    width = samples(SMOOTH, rate)
    box = smoothed(v, width)
    at = int(np.argmin(box) if down else np.argmax(box))
    return float(box[at]), (at + 0.5 * width) / rate


def half_decay(v: NDArray[np.float64], rate: float, level: float, after: float) -> float:
    """Return when `v` (samples,), smoothed by 100 ms, comes back to `level` (V) and stays there for 100 ms.

    Seconds from the start of `v`, not before `after` (the peak). NaN if it does not come back. The boxcar lies inside
    `v`, so the earliest answer is 50 ms.
    """
    length, width = samples(DECAY_BLOCK, rate), round(DECAY_BOXCAR / DECAY_BLOCK)
    count = len(v) // length
    if count < 2 * width:
        return float("nan")
    box = smoothed(v[: count * length].reshape(count, length).mean(axis=1), width)
    middles = (np.arange(len(box)) + 0.5 * width) * length / rate
    above = (box >= level) & (middles >= after)
    runs = smoothed(above.astype(float), width) > 1 - 0.5 / width
    return float(middles[np.argmax(runs)]) if runs.any() else float("nan")
