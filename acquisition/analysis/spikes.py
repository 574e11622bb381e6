"""Finds action potentials: causally, so that live and offline agree, and by rules in seconds, so that rates agree.

A candidate is an upward crossing of the slope's threshold. It is judged once `DELAY` of what follows is known, and
the judgement never changes. Height, width and a down-stroke are asked for, because a level alone counts the noise
on a depolarisation block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from protocols.waveforms import samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SLOPE_OVER = 0.1e-3
"""Seconds over which the slope is taken: the same at every sampling rate of 10 kHz and above."""
RISE = 2.5e-3
"""Seconds from crossing to peak, at most."""
FALL = 5e-3
"""Seconds from peak to the down-stroke, at most."""
DELAY = 8e-3
"""Seconds after a crossing at which it can be judged."""
LOOK_BACK = 3e-3
"""Seconds before a crossing in which its threshold is looked for."""
FLAT, FEWEST_EQUAL = 0.15e-3, 3
"""Seconds, and samples at the least, of equal values that make a peak clipped. A real peak falls by a millivolt in that
time; over three samples at 100 kHz it falls by less than the step of a converter."""
NEAR_EDGE = 0.5e-3
"""Seconds from an edge of the command within which a jump of the electrode could pass for an upstroke."""


@dataclass(frozen=True)
class SpikeRules:
    """What an action potential is. mV/ms of the literature are V/s."""

    upstroke: float = 20.0
    """Slope that makes a candidate, V/s."""
    onset: float = 10.0
    """The threshold is the last sample before the upstroke with less than this slope, V/s."""
    downstroke: float = -10.0
    """Slope that must follow, V/s."""
    refractory: float = 1.5e-3
    lowest_peak: float = -20e-3
    least_height: float = 15e-3
    """From threshold to peak."""
    half_width: tuple[float, float] = (0.2e-3, 4e-3)
    half_width_at_edge: float = 0.4e-3
    """Least half-width of a spike that starts at an edge of the command."""


@dataclass(frozen=True)
class Spike:
    """One action potential; positions are sample indices in the sweep, values SI."""

    crossing: int
    threshold: float
    peak_at: int
    peak: float
    half_width: float
    upstroke: float
    """Steepest slope before the peak, V/s."""
    downstroke: float
    """Steepest slope after it, V/s; negative."""
    is_flat: bool
    """Equal samples at the peak for 0.15 ms: the converter or the amplifier ran out of range."""


def slope_lag(rate: float) -> int:
    """Return the samples over which slopes are taken."""
    return max(1, samples(SLOPE_OVER, rate))


def find_spikes(
    v: NDArray[np.float64],
    rate: float,
    rules: SpikeRules,
    *,
    start: int,
    stop: int,
    edges: Sequence[int] = (),
    last: Spike | None = None,
) -> list[Spike]:
    """Return the spikes whose upstroke crosses in samples [start, stop).

    Parameters
    ----------
    v : (samples,), V
        Must hold `DELAY` beyond `stop`. Lost samples are NaN; no spike touches them.
    rate
        Samples per second.
    rules
        What counts as an action potential.
    start, stop
        Samples in which an upstroke may cross.
    edges
        Samples at which the command jumps.
    last
        The spike before `start`, if there is one: two spikes cannot share a peak.
    """
    found: list[Spike] = []
    refractory, before = samples(rules.refractory, rate), -samples(1.0, rate)
    for crossing in _crossings(v, rate, rules.upstroke, start, stop):
        if crossing - before < refractory:
            continue
        before = crossing
        spike = _judge(v, rate, rules, crossing, edges)
        if spike is not None and (last is None or spike.peak_at > last.peak_at):
            found.append(spike)
            last = spike
    return found


def _crossings(v: NDArray[np.float64], rate: float, upstroke: float, start: int, stop: int) -> list[int]:
    lag = slope_lag(rate)
    first = max(start, lag + 1)
    if stop <= first:
        return []
    rise = upstroke * lag / rate
    steep = v[first - 1 : stop] - v[first - 1 - lag : stop - lag] >= rise
    return [int(i) + first for i in np.flatnonzero(steep[1:] & ~steep[:-1])]


def _judge(v: NDArray[np.float64], rate: float, rules: SpikeRules, crossing: int, edges: Sequence[int]) -> Spike | None:
    """Return the spike that begins at `crossing`, or None if it is not one."""
    lag = slope_lag(rate)
    around = v[crossing : crossing + samples(DELAY, rate)]
    if np.isnan(around).any():
        return None
    top = int(np.argmax(around[: samples(RISE, rate) + 1]))
    peak_at, peak = crossing + top, float(around[top])
    begin = onset(v, rate, crossing, rules.onset)
    threshold = float(v[begin])
    fall = v[peak_at + 1 : peak_at + 1 + samples(FALL, rate)]
    steepest = float((fall[lag:] - fall[:-lag]).min()) * rate / lag if len(fall) > lag else 0.0
    if peak < rules.lowest_peak or peak - threshold < rules.least_height or steepest > rules.downstroke:
        return None
    width = _half_width(v, rate, begin, peak_at, 0.5 * (threshold + peak))
    at_edge = any(abs(begin - e) <= samples(NEAR_EDGE, rate) for e in edges)
    least = max(rules.half_width[0], rules.half_width_at_edge if at_edge else 0.0)
    if not least <= width <= rules.half_width[1]:
        return None
    rise = v[max(crossing - lag, lag) : peak_at + 1]
    upstroke = float((rise[lag:] - rise[:-lag]).max()) * rate / lag
    return Spike(crossing, threshold, peak_at, peak, width, upstroke, steepest, _is_flat(v, rate, peak_at))


def onset(v: NDArray[np.float64], rate: float, crossing: int, slope: float) -> int:
    """Return the last sample before the upstroke at `crossing` that rises by less than `slope` (V/s).

    Laboratories differ in the slope: 10 mV/ms here, 5 mV/ms (Simkin et al. 2021), 5 % of the steepest (IPFX).
    """
    lag = slope_lag(rate)
    first = max(crossing - samples(LOOK_BACK, rate), lag)
    slow = v[first : crossing + 1] - v[first - lag : crossing + 1 - lag] < slope * lag / rate
    where = np.flatnonzero(slow)
    return first + int(where[-1]) if len(where) else first


def _half_width(v: NDArray[np.float64], rate: float, begin: int, peak_at: int, level: float) -> float:
    """Return the seconds between the crossings of `level` around the peak, interpolated; NaN without a fall."""
    up = begin + int(np.argmax(v[begin : peak_at + 1] >= level))
    fallen = v[peak_at : peak_at + samples(FALL, rate)] < level
    if not fallen.any():
        return float("nan")
    down = peak_at + int(np.argmax(fallen))
    rose = up - _part(v, up, level) if up > begin else float(up)
    return (down - _part(v, down, level) - rose) / rate


def _part(v: NDArray[np.float64], i: int, level: float) -> float:
    """Return how far before sample `i` the line from sample i - 1 crosses `level`, in samples."""
    return float((v[i] - level) / (v[i] - v[i - 1]))


def _is_flat(v: NDArray[np.float64], rate: float, peak_at: int) -> bool:
    """Whether the peak, the first of the largest samples, is followed by equal ones for longer than a spike's is."""
    least = max(FEWEST_EQUAL, samples(FLAT, rate))
    run = v[peak_at : peak_at + least]
    return len(run) == least and bool((run == v[peak_at]).all())
