"""Mean sweeps of a phase, and the difference that a drug makes to them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from protocols.waveforms import samples

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from protocols.sweeps import RecordedSweep

    Numbers = NDArray[np.float64]

SPAN = (-0.70, 20.0)
"""Seconds from the step's end that are looked at, as far as there is something."""
BLOCK = 1e-3
"""Samples are averaged over this: nothing in a slow AHP is faster. It divides every window of the measures."""


@dataclass(frozen=True)
class MeanWaveform:
    """The mean of sweeps, aligned at the end of their step, as far as all of them go undisturbed."""

    time: Numbers
    """(n,) s from the step's end to the middle of each block."""
    mean: Numbers
    """(n,) V. NaN where one of the sweeps has lost samples."""
    sem: Numbers
    """(n,) V: standard error between sweeps; 0 for a single one."""
    sweeps: int
    step: float
    """Length of the step, s."""
    first: int
    """Number of the first block, counted from the step's end; negative."""


@dataclass(frozen=True)
class Difference:
    """What a drug did to the mean sweep: after minus before, each counted from its baseline."""

    time: Numbers
    """(n,) s from the step's end."""
    before: Numbers
    """(n,) V."""
    after: Numbers
    """(n,) V."""
    difference: Numbers
    """(n,) V: positive where the after-hyperpolarisation became smaller."""
    sem: Numbers
    """(n,) V: standard error of the difference, from that of the means."""
    n_before: int
    n_after: int
    step: float
    """Length of the step, s."""


def mean_waveform(sweeps: Iterable[tuple[RecordedSweep, float]], *, block: float = BLOCK) -> MeanWaveform:
    """Return the mean of current-clamp sweeps, each with the potential (V) that is taken off it.

    Each sweep is read from 0.7 s before the end of its step to its first test pulse after the step, or to its end.

    Raises
    ------
    ValueError
        There are no sweeps.
    """
    cut, step, unit = [], 0.0, block
    for sweep, level in sweeps:
        cut.append(_cut(sweep, level, block))
        unit = samples(block, sweep.rate) / sweep.rate
        step = (sweep.command.of("step")[-1].stop - sweep.command.of("step")[0].start) / sweep.rate
    if not cut:
        msg = "a mean waveform needs at least one sweep"
        raise ValueError(msg)
    first = max(place for place, _ in cut)
    aligned = [v[first - place :] for place, v in cut]
    n = min(len(v) for v in aligned)
    together = np.array([v[:n] for v in aligned])
    sem = together.std(axis=0, ddof=1) / math.sqrt(len(cut)) if len(cut) > 1 else np.zeros(n)
    time: Numbers = (first + np.arange(n, dtype=np.float64) + 0.5) * unit
    return MeanWaveform(time, together.mean(axis=0), sem, len(cut), step, first)


def difference_waveform(
    before: Iterable[tuple[RecordedSweep, float]],
    after: Iterable[tuple[RecordedSweep, float]],
    *,
    block: float = BLOCK,
) -> Difference:
    """Return the mean sweep after minus the mean sweep before, aligned at the step's end.

    Parameters
    ----------
    before, after
        The accepted sweeps of two phases, each with its own baseline potential (the measure V_b, V), which is taken
        off: the mean of the difference over 0.95 to 1.05 s is then the difference of the mean A_1000.
    block
        Seconds over which samples are averaged.

    Raises
    ------
    ValueError
        A phase has no sweeps.
    """
    return difference_between(mean_waveform(before, block=block), mean_waveform(after, block=block))


def difference_between(x: MeanWaveform, y: MeanWaveform) -> Difference:
    """Return mean waveform `y` minus mean waveform `x`, where both have something. Their blocks are of one length."""
    first = max(x.first, y.first)
    n = min(w.first + len(w.mean) for w in (x, y)) - first
    a, b = (slice(first - w.first, first - w.first + n) for w in (x, y))
    before, after = x.mean[a], y.mean[b]
    sem = np.hypot(x.sem[a], y.sem[b])
    return Difference(x.time[a], before, after, after - before, sem, x.sweeps, y.sweeps, x.step)


def _cut(sweep: RecordedSweep, level: float, block: float) -> tuple[int, Numbers]:
    """Return the number of the first block, counted from the step's end, and means over blocks (V) less `level`."""
    width, end = samples(block, sweep.rate), sweep.command.of("step")[-1].stop
    back = min(samples(-SPAN[0], sweep.rate), end) // width
    tests = [p.start for p in sweep.command.of("test_pulse") if p.start >= end]
    stop = min([end + samples(SPAN[1], sweep.rate), len(sweep.stored["primary"]), *tests])
    count = max(stop - end, 0) // width + back
    first = end - back * width
    means: Numbers = sweep.primary[first : first + count * width].reshape(count, width).mean(axis=1) - level
    return -back, means
