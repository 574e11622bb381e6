"""Cuts sweeps into parts that are measured: one for each step, from the pulse before it to the step after it.

So no baseline reaches into an earlier pulse and no window into a later step: such a window is incomplete, and says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from acquisition.foreign import commands
from acquisition.foreign.commands import Group, Levels
from protocols.errors import Refused
from protocols.sweeps import ClampMode
from protocols.waveforms import Pulse, Waveform, samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acquisition.foreign.recording import ForeignRecording

NEAR = 1e-3
"""Seconds. A stated edge this near to a commanded one is that one, rounded by a person."""
EXAMPLE = "--step 0.5..0.65 (seconds from the sweep's start)"


@dataclass(frozen=True)
class Part:
    """Samples [first, stop) of a sweep, and what was commanded in them."""

    sweep: int
    """Place in the file's list of sweeps."""
    step: int
    """Which step of the sweep, from 1; 0 without one: a sweep in voltage clamp, or what comes before the first step."""
    first: int
    stop: int
    command: Waveform
    """Counted from `first`."""


def parts_of(recording: ForeignRecording, step: tuple[float, float] | None) -> list[Part]:
    """Return the parts of a recording to measure, sweep by sweep.

    Parameters
    ----------
    recording
        As read.
    step
        Seconds from the sweep's start, where a person says so; the recorded command otherwise.

    Raises
    ------
    Refused
        There is no step to measure, or what a person says contradicts the file. The message says what to do.
    """
    if recording.mode is ClampMode.VOLTAGE:
        if step is not None:
            raise Refused(
                f"{recording.path.name} is voltage clamp (response in {recording.header_unit}): it has no "
                "afterhyperpolarization to measure after a step. Leave --step out to measure its test pulses"
            )
        return _voltage_clamp(recording)
    groups = _known_groups(recording)
    if step is not None:
        return _around(recording, groups, [_stated(recording, groups, step)])
    if not recording.has_command:
        raise Refused(f"{recording.path.name}: {recording.no_command}. Say where the step is: {EXAMPLE}")
    steps = commands.trains([g for g in groups if g.role == "step"], recording.rate)
    if not steps:
        raise Refused(
            f"{recording.path.name}: its command is flat in all {len(recording.sweeps)} sweeps, so nothing in it is a "
            f"step. If something else drove the cell, say when: {EXAMPLE}"
        )
    return _around(recording, groups, steps)


def _known_groups(recording: ForeignRecording) -> list[Group]:
    if not recording.has_command:
        return []
    levels = [s.levels for s in recording.sweeps if s.levels is not None]
    return commands.with_roles(commands.groups_of(levels), recording.rate)


def _voltage_clamp(recording: ForeignRecording) -> list[Part]:
    name = recording.path.name
    levels = [s.levels for s in recording.sweeps if s.levels is not None]
    if not recording.has_command:
        raise Refused(f"{name} is voltage clamp and {recording.no_command}: without test pulses nothing is measured")
    groups = commands.with_test_pulses(commands.groups_of(levels), recording.rate)
    if not any(g.role == "test_pulse" for g in groups):
        msg = f"{name} is voltage clamp without a test pulse of {1e3 * commands.SMALL_STEP:.0f} mV or less"
        raise Refused(f"{msg}: nothing says what patch and membrane are")
    made = []
    for i, holding in enumerate(commands.holdings(levels)):
        pulses = tuple(_pulse(g, i, 0) for g in groups if g.amplitudes[i])
        n = levels[i].n_samples
        made.append(Part(i, 0, 0, n, Waveform(recording.rate, n, holding, pulses)))
    return made


def _stated(recording: ForeignRecording, groups: Sequence[Group], step: tuple[float, float]) -> tuple[Group, ...]:
    """Return the step that a person named, with the amplitude that the file has for it."""
    rate, shortest = recording.rate, min(len(s.stored) for s in recording.sweeps)
    on, off = (samples(x, rate) for x in step)
    if not 0 <= on < off <= shortest:
        raise Refused(
            f"--step {step[0]:g}..{step[1]:g}: write start and end in seconds from the sweep's start, inside the sweep "
            f"(0..{shortest / rate:g} s), such as {EXAMPLE}"
        )
    for train in commands.trains([g for g in groups if g.stop > g.start], rate):
        if _near(train[0].start, on, rate) and _near(train[-1].stop, off, rate):
            return tuple(replace(g, role="step") for g in train)
    overlapping = [g for g in groups if g.start < off and on < g.stop]
    if overlapping:
        found = ", ".join(f"{g.start / rate:g}..{g.stop / rate:g}" for g in groups)
        raise Refused(
            f"--step {step[0]:g}..{step[1]:g} contradicts the command in {recording.path.name}, which has pulses at "
            f"{found} s. Write one of these, or leave --step out to measure each step"
        )
    count = len(recording.sweeps)
    amplitude = 0.0 if recording.has_command else math.nan
    return (Group(on, off, (amplitude,) * count, ((on, off),) * count),)


def _near(edge: int, stated: int, rate: float) -> bool:
    return abs(edge - stated) <= max(1, NEAR * rate)


def _around(recording: ForeignRecording, groups: Sequence[Group], steps: Sequence[tuple[Group, ...]]) -> list[Part]:
    made = []
    for i, sweep in enumerate(recording.sweeps):
        holding = sweep.levels.values[0] if sweep.levels is not None else math.nan
        for number, train in enumerate(steps, 1):
            if train[-1].extents[i][1] > len(sweep.stored):  # a sweep that is too short to have this step
                continue
            first, stop, pulses = _limits(groups, train, i, len(sweep.stored))
            command = Waveform(recording.rate, stop - first, holding, pulses)
            made.append(Part(i, number, first, stop, command))
    return made


def _limits(
    groups: Sequence[Group], train: tuple[Group, ...], sweep: int, n_samples: int
) -> tuple[int, int, tuple[Pulse, ...]]:
    """Return where the part around a step begins and ends in a sweep, and the pulses in it."""
    on, off = train[0].extents[sweep][0], train[-1].extents[sweep][1]
    before = [g for g in groups if g.stop <= on]
    first = before[-1].extents[sweep][1] if before else 0
    stop, tests = n_samples, []
    for g in (g for g in groups if g.start >= off):
        if g.role == "step":  # of 0 pA too: the same windows in every sweep
            stop = min(g.extents[sweep][0], n_samples)
            break
        tests.append(_pulse(g, sweep, first))
    # a pulse without length stands for the one that ends as the part begins: the analyser asks how long ago that was
    ended = [Pulse("test_pulse", 0, 0, 0.0)] if before and before[-1].amplitudes[sweep] else []
    return first, stop, (*ended, *(_pulse(g, sweep, first) for g in train), *tests)


def with_beginnings(recording: ForeignRecording, parts: Sequence[Part]) -> list[Part]:
    """Return parts that leave no sample out: what comes before the first of a sweep is a part without a step."""
    made, last = list[Part](), -1
    for part in parts:
        if part.first and part.sweep != last:
            levels = recording.sweeps[part.sweep].levels
            groups = [] if levels is None else commands.groups_of([levels])
            pulses = tuple(replace(_pulse(g, 0, 0), role="test_pulse") for g in groups if g.stop <= part.first)
            command = Waveform(recording.rate, part.first, part.command.holding, pulses)
            made.append(Part(part.sweep, 0, 0, part.first, command))
        made.append(part)
        last = part.sweep
    return made


def _pulse(group: Group, sweep: int, first: int) -> Pulse:
    start, stop = group.extents[sweep]
    return Pulse(group.role, start - first, stop - first, group.amplitudes[sweep])


def commanded_rest(recording: ForeignRecording, sweep: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return for each sample of a sweep, (samples,), whether the command stands at its holding level."""
    found = recording.sweeps[sweep]
    levels: Levels | None = found.levels
    n = len(found.stored)
    if levels is None:
        return np.ones(n, bool)
    return np.asarray(levels.at(np.arange(n)) == levels.values[0])
