"""Measures recordings of other programs with the analyser that measures ours."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from acquisition.analysis.analyser import analyse
from acquisition.foreign.arrays import explained, sampled_enough
from acquisition.foreign.parts import Part, parts_of
from acquisition.foreign.reading import doubts_of, read, words_of
from protocols.errors import Refused
from protocols.sweeps import RecordedSweep, Sweep, SweepHeader

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from acquisition.analysis.settings import Settings
    from acquisition.foreign.recording import ForeignRecording
    from protocols.sweeps import Measurement

IMPLAUSIBLE = "implausible"
"""Flag of everything measured although the numbers cannot be what they are called: a person insisted."""


@dataclass(frozen=True)
class MeasuredPart:
    """What was measured around one step of one sweep."""

    sweep: int
    """As the file counts."""
    step: int
    """Which step of the sweep, from 1; 0 in voltage clamp."""
    start: float
    """Seconds from the file's beginning to the sweep's."""
    edges: tuple[float, float]
    """Of the step, seconds from the sweep's beginning; NaN in voltage clamp."""
    amplitude: float
    """Of the step, above the holding level, SI; NaN if not known."""
    measurements: tuple[Measurement, ...]
    """Windows in seconds from the sweep's beginning."""


@dataclass(frozen=True)
class Findings:
    """What a file gave."""

    recording: ForeignRecording
    parts: tuple[MeasuredPart, ...]
    warnings: tuple[str, ...] = ()


def measure_file(
    path: Path,
    settings: Settings,
    *,
    step: tuple[float, float] | None = None,
    channel: int | None = None,
    sweeps: tuple[int, int] | None = None,
    assume: str | None = None,
) -> Findings:
    """Measure a recording that another program made.

    Parameters
    ----------
    path
        ABF or NWB.
    settings
        As for our own sweeps.
    step
        Seconds from the sweep's start, where the file does not say, or to measure one of several.
    channel
        See `reading.read`.
    sweeps
        First and last to measure, as the file counts; all if left out.
    assume
        What one number of the signal is; see `reading.read`. What is implausible is then measured, and flagged.

    Raises
    ------
    Refused
        It cannot be read, its numbers cannot be what they are called, or nothing says where the step is.
    """
    recording = read(path, channel=channel, assume=assume)
    sampled_enough(recording.rate)
    found = doubts_of(recording)
    if found and not recording.assumed:
        raise Refused(words_of(recording, found))
    parts = [p for p in parts_of(recording, step) if _is_wanted(recording, p, sweeps)]
    if not parts:
        last = recording.sweeps[-1].number
        raise Refused(f"{path.name} has sweeps 0..{last}: --sweeps {sweeps[0]}..{sweeps[1]} has none" if sweeps else "")
    made = [measure_part(recording, part, settings) for part in parts]
    if not found and (found := doubts_of(recording, spike_heights(made))) and not recording.assumed:
        raise Refused(words_of(recording, found))
    if not found:
        return Findings(recording, tuple(made))
    return Findings(recording, tuple(_flagged(m) for m in made), (words_of(recording, found),))


def _is_wanted(recording: ForeignRecording, part: Part, sweeps: tuple[int, int] | None) -> bool:
    return sweeps is None or sweeps[0] <= recording.sweeps[part.sweep].number <= sweeps[1]


def measure_part(recording: ForeignRecording, part: Part, settings: Settings) -> MeasuredPart:
    """Return the measures of one part, with windows counted from the beginning of the file's sweep."""
    sweep = recording.sweeps[part.sweep]
    header = header_of(recording, part, index=sweep.number)
    recorded = RecordedSweep(header, {"primary": sweep.stored[part.first : part.stop]})
    shift = part.first / recording.rate
    rows = tuple(_placed(m, shift) for m in analyse(recorded, settings))
    steps = part.command.of("step") if part.step else ()
    edges = (steps[0].start / recording.rate + shift, steps[-1].stop / recording.rate + shift) if steps else None
    amplitude = steps[0].amplitude if steps else math.nan
    return MeasuredPart(sweep.number, part.step, sweep.start, edges or (math.nan, math.nan), amplitude, rows)


def header_of(recording: ForeignRecording, part: Part, *, index: int) -> SweepHeader:
    """Return a part as a sweep that was to be played."""
    start = recording.sweeps[part.sweep].start + part.first / recording.rate
    return SweepHeader(
        sweep=Sweep(index, recording.mode, part.command),
        start=start,
        label=recording.protocol or "recorded",
        kind="series",
        run=max(part.step, 1),
        condition="as recorded",
        channels=(recording.channel,),
        holding=part.command.holding,
        amplifier=recording.amplifier,
    )


def _placed(m: Measurement, shift: float) -> Measurement:
    """Return a measurement with its window counted from the file's sweep, and a reason if it has no value."""
    window = None if m.window is None else (m.window[0] + shift, m.window[1] + shift)
    return replace(explained(m), window=window)


def _flagged(made: MeasuredPart) -> MeasuredPart:
    rows = tuple(replace(m, flags=(*m.flags, IMPLAUSIBLE)) for m in made.measurements)
    return replace(made, measurements=rows)


def spike_heights(parts: Iterable[MeasuredPart]) -> list[float]:
    """Return the height of the first action potential of each part that has one, V."""
    found = []
    for part in parts:
        of = {m.name: m.value for m in part.measurements}
        found.append(of.get("ap_peak", math.nan) - of.get("ap_threshold", math.nan))
    return [h for h in found if math.isfinite(h)]
