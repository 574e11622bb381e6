"""From the command that a file recorded to the steps and test pulses in it. The response is never looked at.

A file's sweeps are looked at together: what differs from sweep to sweep is what the experiment was about, and a
hyperpolarizing pulse that is the same in all of them, beside a step, is there for the input resistance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from protocols.waveforms import Role

SHORTEST = 0.1e-3
"""Seconds. A command with shorter levels is a ramp, a sine or a noisy copy, and has no edges to measure from."""
ISOLATED = 0.100
"""Seconds since the pulse before, so that a test pulse is counted from the cell's own potential."""
TRAIN_PULSE, TRAIN_GAP = 0.020, 0.250
"""Seconds: equal pulses as short and as near to each other as this are one train, measured as one step."""
SMALL_STEP = 20e-3
"""Volts. In voltage clamp, larger steps open channels and say nothing of the membrane at rest."""
REST = 2e-3
"""Seconds of holding that a test pulse in voltage clamp needs before it."""
SAME = 1e-9
"""Part of the command's size below which two levels are equal."""


@dataclass(frozen=True)
class Levels:
    """A command as levels: `values[i]`, SI, from sample `starts[i]` on, up to `n_samples`."""

    starts: tuple[int, ...]
    values: tuple[float, ...]
    n_samples: int

    def at(self, samples: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the level at each of `samples`."""
        return np.asarray(self.values)[np.searchsorted(self.starts, samples, side="right") - 1]


def levels_of(command: NDArray[np.float64], rate: float) -> Levels | None:
    """Return a recorded command (samples,), SI, as levels; None if it is not made of rectangles."""
    if not len(command) or not np.isfinite(command).all():
        return None
    size = float(np.abs(command).max())
    changes = np.flatnonzero(np.abs(np.diff(command)) > SAME * size) + 1
    starts = np.concatenate(([0], changes))
    lengths = np.diff(np.concatenate((starts, [len(command)])))
    if len(starts) > 1 and lengths[1:-1].size and lengths[1:-1].min() < SHORTEST * rate:
        return None
    if len(starts) > len(command) * 0.01 + 10:
        return None
    return Levels(tuple(starts.tolist()), tuple(command[starts].tolist()), len(command))


@dataclass(frozen=True)
class Group:
    """Samples [start, stop) in which something is commanded in at least one sweep."""

    start: int
    stop: int
    amplitudes: tuple[float, ...]
    """Above the holding level, one per sweep; 0 where nothing is commanded."""
    extents: tuple[tuple[int, int], ...]
    """Where it is commanded in each sweep: all of it, or less if the sweeps differ in the pulse's length."""
    role: Role = "step"

    @property
    def varies(self) -> bool:
        """Whether sweeps differ."""
        return len(set(self.amplitudes)) > 1 or len(set(self.extents)) > 1


def holdings(sweeps: Sequence[Levels]) -> tuple[float, ...]:
    """Return the holding level of each sweep, SI: what is commanded when it begins."""
    return tuple(s.values[0] for s in sweeps)


def groups_of(sweeps: Sequence[Levels]) -> list[Group]:
    """Return what is commanded in a file's sweeps, in order; all 'step' as yet."""
    edges = sorted({e for s in sweeps for e in (*s.starts, s.n_samples)})
    firsts = np.asarray(edges[:-1], np.int64)
    size = max((abs(v) for s in sweeps for v in s.values), default=0.0)
    table = np.array([np.where(firsts < s.n_samples, s.at(firsts) - s.values[0], 0.0) for s in sweeps])
    table[np.abs(table) <= SAME * size] = 0.0
    found: list[list[int]] = []
    for i in np.flatnonzero(table.any(axis=0)).tolist():
        if found and found[-1][-1] == i - 1 and _prolongs(table[:, i - 1], table[:, i], SAME * size):
            found[-1].append(i)
        else:
            found.append([i])
    return [_group(table[:, pieces], [(edges[i], edges[i + 1]) for i in pieces]) for pieces in found]


def _prolongs(before: NDArray[np.float64], after: NDArray[np.float64], near: float) -> bool:
    """Whether two pieces are one pulse whose length differs between sweeps."""
    equal = np.abs(before - after) <= near
    return bool((equal | (before == 0) | (after == 0)).all() and (equal & (before != 0)).any())


def _group(table: NDArray[np.float64], spans: list[tuple[int, int]]) -> Group:
    start, stop = spans[0][0], spans[-1][1]
    amplitudes, extents = [], []
    for row in table:
        on = [span for level, span in zip(row, spans, strict=True) if level]
        amplitudes.append(float(row[np.flatnonzero(row)[0]]) if on else 0.0)
        extents.append((on[0][0], on[-1][1]) if on else (start, stop))
    return Group(start, stop, tuple(amplitudes), tuple(extents))


def with_roles(groups: Sequence[Group], rate: float) -> list[Group]:
    """Return current-clamp groups with their roles: steps, and test pulses for the input resistance."""
    from dataclasses import replace

    if len(groups) == 1:
        return list(groups)
    may_test = [
        not g.varies and g.amplitudes[0] < 0 and (i == 0 or g.start - groups[i - 1].stop >= ISOLATED * rate)
        for i, g in enumerate(groups)
    ]
    if all(may_test):  # nothing else is there to be the step
        return list(groups)
    return [replace(g, role="test_pulse" if t else "step") for g, t in zip(groups, may_test, strict=True)]


def with_test_pulses(groups: Sequence[Group], rate: float) -> list[Group]:
    """Return voltage-clamp groups with their roles: small pulses from the holding potential are test pulses."""
    from dataclasses import replace

    ends = [0, *(g.stop for g in groups)]
    roles: list[Role] = [
        "test_pulse" if max(map(abs, g.amplitudes)) <= SMALL_STEP and g.start - end >= REST * rate else "step"
        for g, end in zip(groups, ends, strict=False)
    ]
    return [replace(g, role=role) for g, role in zip(groups, roles, strict=True)]


def trains(steps: Sequence[Group], rate: float) -> list[tuple[Group, ...]]:
    """Return steps one by one, and the pulses of a train together."""
    found: list[list[Group]] = []
    for g in steps:
        if found and _goes_on(found[-1][-1], g, rate):
            found[-1].append(g)
        else:
            found.append([g])
    return [tuple(train) for train in found]


def _goes_on(last: Group, g: Group, rate: float) -> bool:
    short = max(last.stop - last.start, g.stop - g.start) <= TRAIN_PULSE * rate
    gap = g.start - last.stop
    return short and 0 < gap <= TRAIN_GAP * rate and last.amplitudes == g.amplitudes
