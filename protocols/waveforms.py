"""The command of one sweep: a holding level and the pulses upon it, counted in samples.

A waveform is described, not rendered, so that a five-minute hold costs nothing until it is played,
and so that every edge an analyser needs is known exactly and not searched for in the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Role = Literal["step", "test_pulse"]


@dataclass(frozen=True)
class Pulse:
    """A rectangular departure from the holding level over samples [start, stop)."""

    role: Role
    start: int
    stop: int
    amplitude: float
    """Added to the holding level, SI."""


@dataclass(frozen=True)
class TtlPulse:
    """A digital line of the rig that is high over samples [start, stop), and low otherwise."""

    line: str
    """The rig's name of the line: 'stimulator', 'camera'."""
    start: int
    stop: int


@dataclass(frozen=True)
class Waveform:
    """`n_samples` at `rate`, at `holding` except during `pulses` (in order, not overlapping)."""

    rate: float
    n_samples: int
    holding: float
    pulses: tuple[Pulse, ...] = ()

    def __post_init__(self) -> None:
        """Refuse pulses that overlap or leave the sweep: an analyser would measure the wrong window."""
        edges = [e for p in self.pulses for e in (p.start, p.stop)]
        if edges != sorted(edges) or (edges and (edges[0] < 0 or edges[-1] > self.n_samples)):
            msg = f"pulses must be in order, apart and inside 0..{self.n_samples} samples: {self.pulses}"
            raise ValueError(msg)

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.n_samples / self.rate

    @property
    def extremes(self) -> tuple[float, float]:
        """Lowest and highest level, SI."""
        levels = [self.holding, *(self.holding + p.amplitude for p in self.pulses)]
        return min(levels), max(levels)

    def values(self, first: int = 0, count: int | None = None) -> NDArray[np.float64]:
        """Return the command for samples [first, first + count), SI; the whole sweep by default."""
        stop = self.n_samples if count is None else min(first + count, self.n_samples)
        out = np.full(max(stop - first, 0), self.holding)
        for p in self.pulses:
            if p.stop > first and p.start < stop:
                out[max(p.start - first, 0) : p.stop - first] = self.holding + p.amplitude
        return out

    def of(self, role: Role) -> tuple[Pulse, ...]:
        """Return the pulses that play `role`."""
        return tuple(p for p in self.pulses if p.role == role)


def check_ttl(pulses: tuple[TtlPulse, ...], n_samples: int) -> None:
    """Refuse pulses that leave a sweep of `n_samples`, are empty, or touch another on the same line.

    Raises
    ------
    ValueError
        Two pulses that touch would be one edge less than was asked for.
    """
    for line in {p.line for p in pulses}:
        edges = [e for p in pulses if p.line == line for e in (p.start, p.stop)]
        apart = all(a < b for a, b in pairwise(edges))
        if not apart or edges[0] < 0 or edges[-1] > n_samples:
            msg = f"TTL pulses on '{line}' must be in order, apart and inside 0..{n_samples} samples: {edges}"
            raise ValueError(msg)


def lies_within(ends: tuple[float, float], allowed: tuple[float, float]) -> bool:
    """Return whether a command between `ends` stays in `allowed`, both SI.

    A part in 10^9 is let pass: sums of decimals miss their value by a last digit (-70 - 5 mV is -75.00000000000001 mV).
    """
    slack = 1e-9 * (allowed[1] - allowed[0])
    return allowed[0] - slack <= ends[0] and ends[1] <= allowed[1] + slack


def samples(seconds: float, rate: float) -> int:
    """Return the whole number of samples nearest to `seconds`."""
    return round(seconds * rate)


def step_sweep(
    rate: float,
    *,
    holding: float,
    before: float,
    width: float,
    after: float,
    amplitude: float,
    test_pulse: tuple[float, float, float] | None = None,
) -> Waveform:
    """Return a sweep with one step, and a test pulse (amplitude, width, seconds before the end) if wanted.

    The test pulse belongs in the last second: shortly before the baseline it would shift it
    (0.7 mV seen 0.1-0.45 s after a pulse).
    """
    on, n = samples(before, rate), samples(before + width + after, rate)
    pulses = [Pulse("step", on, on + samples(width, rate), amplitude)]
    if test_pulse is not None:
        size, pulse_width, before_end = test_pulse
        start = n - samples(before_end, rate)
        pulses.append(Pulse("test_pulse", start, start + samples(pulse_width, rate), size))
    return Waveform(rate, n, holding, tuple(pulses))


def pulse_train(
    rate: float, *, holding: float, duration: float, amplitude: float, width: float, every: float
) -> Waveform:
    """Return a hold with test pulses, the first half an interval after the start."""
    n, period, on = samples(duration, rate), samples(every, rate), samples(width, rate)
    starts = range(period // 2, n - 2 * on + 1, period) if period else range(0)
    return Waveform(rate, n, holding, tuple(Pulse("test_pulse", s, s + on, amplitude) for s in starts))
