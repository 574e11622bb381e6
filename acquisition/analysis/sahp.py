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

BLOCK = 20e-3
"""The baseline is the mean of block means of this length; a whole cycle of 50 Hz."""
LEAST_KEPT = 0.5
"""Part of the blocks: a baseline with more spikes than that is none."""
AROUND = 0.050
"""Half of the window of an amplitude at a latency: 100 ms are whole cycles of 50 and 60 Hz."""
SMOOTH = 5e-3
"""Boxcar of peaks: the minimum of raw samples is biased by -0.2 to -0.5 mV."""
MEDIUM, PEAK, AREA = (0.010, 0.300), (0.010, 1.000), (0.010, 2.000)
"""Windows of A_m, A_pk and S_fix, seconds from the step's end."""
CROSSED = 0.050
"""The AHP begins where the 5 ms boxcar falls below the baseline for this long."""
EVENT_BLOCK = 5e-3
"""Blocks whose median is held against the mean of a window: a synaptic event moves the mean alone."""
HUM_BLOCK = 1e-3
HUM_LEAST = 0.1
"""Seconds of baseline in which hum can be told from slow fluctuation."""
MAINS = (50.0, 60.0)
"""Hz; both have whole cycles in the 500 ms of the baseline."""


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
    """Return the baseline from `v` (samples,), V; 500 ms where the recording has room for them.

    `spikes_at` are peaks, in samples from the start of `v`; their blocks, and those they reach into with 5 ms before
    and 10 ms after, are left out. All values are NaN when too few blocks are left.
    """
    length = samples(BLOCK, rate)
    means = block_means(v, length)
    count = len(means)
    keep = np.ones(count, bool)
    for peak in spikes_at:
        first, stop = peak - samples(5e-3, rate), peak + samples(10e-3, rate)
        keep[max(first // length, 0) : max(stop // length + 1, 0)] = False
    if keep.sum() < max(LEAST_KEPT * count, 2):
        return Baseline(float("nan"), float("nan"), float("nan"), int((~keep).sum()))
    kept, centres = means[keep], (np.arange(count)[keep] + 0.5) * BLOCK
    away = centres - centres.mean()
    slope = float(away @ kept / (away @ away))
    return Baseline(float(kept.mean()), float(kept.std(ddof=1)), slope, int((~keep).sum()))


def mean(v: NDArray[np.float64]) -> float:
    """Return the plain mean."""
    return float(v.mean())


def block_means(v: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Return the means of blocks of `length` samples from the start of `v` (samples,); the rest is left out."""
    count = len(v) // length
    means: NDArray[np.float64] = v[: count * length].reshape(count, length).mean(axis=1)
    return means


def block_middles(count: int, length: int, rate: float) -> NDArray[np.float64]:
    """Return the middles of `count` such blocks, s."""
    middles: NDArray[np.float64] = (np.arange(count, dtype=float) + 0.5) * (length / rate)
    return middles


def area(v: NDArray[np.float64], rate: float, base: float) -> float:
    """Return the signed integral of `v` (samples,) above `base`, V s."""
    return float((v.mean() - base) * len(v) / rate)


def smoothed(v: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the means of all stretches of `width` samples that lie inside `v`; (len(v) - width + 1,)."""
    sums = np.empty(len(v) + 1)
    sums[0] = 0.0
    np.subtract(v, v[0], out=sums[1:])
    np.cumsum(sums[1:], out=sums[1:])
    means: NDArray[np.float64] = sums[width:] - sums[:-width]
    means /= width
    means += v[0]
    return means


def peak(v: NDArray[np.float64], rate: float, *, down: bool = True) -> tuple[float, float]:
    """Return the extreme of the 5 ms boxcar inside `v` (samples,), and its middle in seconds from the start of `v`."""
    return extreme(boxcar(v, rate), rate, down=down)


def boxcar(v: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """Return the means of all stretches of 5 ms inside `v` (samples,)."""
    return smoothed(v, samples(SMOOTH, rate))


def extreme(box: NDArray[np.float64], rate: float, *, down: bool = True) -> tuple[float, float]:
    """Return the extreme of a 5 ms boxcar, and its middle in seconds from the start of what was smoothed."""
    at = int(np.argmin(box) if down else np.argmax(box))
    return float(box[at]), (at + 0.5 * samples(SMOOTH, rate)) / rate


def crossing(box: NDArray[np.float64], rate: float, base: float) -> float:
    """Return when the 5 ms boxcar falls below `base` (V) and stays there for 50 ms; NaN if never.

    Seconds from the start of what was smoothed, as after Simkin et al. 2021 (10.7554/eLife.64434).
    """
    at = first_run(box < base, samples(CROSSED, rate))
    return (at + 0.5 * samples(SMOOTH, rate)) / rate if at >= 0 else float("nan")


def half_rise(box: NDArray[np.float64], rate: float, level: float, before: float) -> float:
    """Return when the 5 ms boxcar first reaches `level` (V) on its way to the peak at `before` s."""
    width = samples(SMOOTH, rate)
    reached = box[: max(samples(before, rate) - width // 2, 0) + 1] <= level
    return (int(np.argmax(reached)) + 0.5 * width) / rate if reached.any() else float("nan")


def first_run(mask: NDArray[np.bool_], length: int) -> int:
    """Return where `mask` (n,) is first true `length` times in a row; -1 if nowhere."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    starts, stops = edges[::2], edges[1::2]
    long = np.flatnonzero(stops - starts >= length)
    return int(starts[long[0]]) if len(long) else -1


def event(v: NDArray[np.float64], rate: float) -> float:
    """Return how far the mean of `v` (samples,) lies from the median of its 5 ms blocks, V: what an EPSP adds."""
    length = samples(EVENT_BLOCK, rate)
    if len(v) < 2 * length:
        return 0.0
    blocks = np.sort(block_means(v, length))
    middle = 0.5 * (blocks[(len(blocks) - 1) // 2] + blocks[len(blocks) // 2])
    return float(v.mean() - middle)


def hum(v: NDArray[np.float64], rate: float) -> float:
    """Return the amplitude (zero to peak) of the stronger of 50 and 60 Hz in `v` (samples,), V.

    A Hann window keeps the slow fluctuation of the membrane out of the line. Means of 1 ms lose little of it, which is
    put back, and nothing of the kind lies where they alias (1 kHz).
    """
    length = samples(HUM_BLOCK, rate)
    x = block_means(v, length)
    t, window = block_middles(len(x), length, rate), np.hanning(len(x) + 1)[: len(x)]
    x = (x - x.mean()) * window
    lines = (abs(np.sum(x * np.exp(-2j * np.pi * f * t))) / np.sinc(f * length / rate) for f in MAINS)
    return float(2 * max(lines) / window.sum())
