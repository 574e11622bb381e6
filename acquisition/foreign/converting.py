"""Makes a session of an ABF file: through the same journal and the same writer as a recording, sealed at the end."""

from __future__ import annotations

import importlib.metadata
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from acquisition.analysis.analyser import analyse
from acquisition.analysis.settings import Settings
from acquisition.foreign.arrays import sampled_enough
from acquisition.foreign.measuring import header_of, measure_part, spike_heights
from acquisition.foreign.papers import Animal, protocol_of, rig_of
from acquisition.foreign.parts import parts_of, with_beginnings
from acquisition.foreign.reading import AXON, doubts_of, read, words_of
from acquisition.recomputing import STORED_SETTINGS, log_settings
from acquisition.recording import recording as recording_session
from acquisition.recording import sealed
from acquisition.session.head import SessionHead
from protocols.errors import Refused
from protocols.sweeps import STORED_STEP, Channel, ClampMode, Frame, LogEntry, RecordedSweep

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from acquisition.foreign.parts import Part
    from acquisition.foreign.recording import ForeignRecording
    from acquisition.session.journal_recorder import JournalRecorder
    from acquisition.session.recovery import Seal
    from protocols.protocol import Protocol
    from protocols.sweeps import SweepHeader

SOFTWARE = ("patchrig", "numpy", "h5py", "pyabf")
FULL = 32_000
"""Counts that the largest number of a file of floats becomes: away from the rails, so that nothing looks clipped."""
BLOCK = 1 << 16
"""Samples handed over at once."""


@dataclass(frozen=True)
class Converted:
    """What came of a conversion."""

    session: Path
    seal: Seal
    sweeps: int
    """In the session: one for each step of each sweep of the file, and one for what comes before the first step."""
    notes: tuple[str, ...]
    """What a person should know of it."""


def convert(
    path: Path,
    *,
    out: Path | None = None,
    step: tuple[float, float] | None = None,
    channel: int | None = None,
    animal: Animal | None = None,
    cell: str = "cell1",
) -> Converted:
    """Make a session of an ABF file.

    Parameters
    ----------
    path
        The ABF file; it is only read.
    out
        The session file to make, or the folder for it. Left out: the folder of the ABF file.
    step
        Seconds from the sweep's start, where the file does not say.
    channel
        Which input, from 0.
    animal, cell
        What the file does not know.

    Raises
    ------
    Refused
        It cannot be read, or its numbers cannot be what they are called: a session would carry them on as true.
    SessionError
        The session cannot be written, or exists.
    """
    _must_be_abf(path)
    found, animal = read(path, channel=channel), animal or Animal()
    sampled_enough(found.rate)
    _must_be_plausible(found)
    parts = _parts(found, step)
    protocol, text = protocol_of(found, animal)
    settings = Settings.of(protocol)
    _must_be_plausible(found, spike_heights(measure_part(found, part, settings) for part in parts))
    source, notes = _as_counts(found)
    head = _head(source, (protocol, text), animal, cell, notes)
    nwb = _where(out or path.parent, head)
    with recording_session(nwb, head) as recorder:
        _log(recorder, source, settings)
        played = with_beginnings(source, parts)
        for index, part in enumerate(played):
            _record(recorder, source, part, index, settings)
        recorder.close("finished")
    return Converted(nwb, sealed(nwb), len(played), notes)


def _parts(recording: ForeignRecording, step: tuple[float, float] | None) -> list[Part]:
    """Return all steps that the file knows of; the stated one where it knows none, as nothing may be left out."""
    stated = None if step is None else parts_of(recording, step)
    if stated is not None and not any(s.levels and len(s.levels.values) > 1 for s in recording.sweeps):
        return stated
    return parts_of(recording, None)


def _where(out: Path, head: SessionHead) -> Path:
    return out / head.file_name if out.is_dir() else out


def _head(
    recording: ForeignRecording, protocol: tuple[Protocol, str], animal: Animal, cell: str, notes: tuple[str, ...]
) -> SessionHead:
    rig, rig_text = rig_of(recording)
    name, (started, doubtful) = recording.path.name, _started(recording)
    return SessionHead(
        protocol=protocol[0],
        protocol_text=protocol[1],
        rig=rig,
        rig_text=rig_text,
        identifier=str(uuid.uuid4()),
        session_id=f"{started:%Y%m%dT%H%M%S}-{recording.path.stem}",
        started=started,
        experimenter=("Unknown, Experimenter",),
        subject_id=animal.subject,
        cell_id=cell,
        software={package: importlib.metadata.version(package) for package in SOFTWARE},
        notes=" ".join([f"Converted from {name}; patchrig recorded none of it.", *notes, doubtful]),
    )


def _must_be_abf(path: Path) -> None:
    if not path.is_file():
        raise Refused(f"{path}: there is no such file")
    with path.open("rb") as file:
        if file.read(4) not in AXON:
            msg = f"{path.name} is not an ABF file. An NWB file can be measured as it is: patchrig analyse {path}"
            raise Refused(msg)


def _must_be_plausible(recording: ForeignRecording, heights: Sequence[float] = ()) -> None:
    if against := doubts_of(recording, heights):
        raise Refused(words_of(recording, against, is_final=True))


def _as_counts(recording: ForeignRecording) -> tuple[ForeignRecording, tuple[str, ...]]:
    """Return the recording with counts, and what was done to get them."""
    if all(s.counts is not None for s in recording.sweeps):
        return recording, ("Samples are the file's own converter counts with its gain.",)
    largest = max(float(np.nanmax(np.abs(s.stored), initial=0.0)) for s in recording.sweeps)
    size = (largest or 1.0) / FULL
    unit = "pA" if recording.channel.unit == "A" else "mV"
    sweeps = tuple(replace(s, counts=np.rint(s.stored / size).astype(np.int16)) for s in recording.sweeps)
    channel = Channel("primary", recording.channel.unit, (0.0, size * STORED_STEP[recording.channel.unit]))
    note = f"The file has floating-point samples; here they are counts of {size:.3g} {unit}, each off by half at most."
    return replace(recording, sweeps=sweeps, channel=channel), (note,)


def _started(recording: ForeignRecording) -> tuple[datetime, str]:
    """Return when the recording began, with a time zone, and what is doubtful about that."""
    if recording.started is not None:
        return recording.started.astimezone(), "Its clock has no time zone; that of the converting computer stands."
    written = datetime.fromtimestamp(recording.path.stat().st_mtime, UTC).astimezone()
    return written, "It does not say when it was recorded; the time at which the file was written stands."


def _log(recorder: JournalRecorder, recording: ForeignRecording, settings: Settings) -> None:
    """Write where the session comes from, how it is measured, and what the experimenter had tagged."""
    digest = sha256(recording.path.read_bytes()).hexdigest()
    source = {"file": recording.path.name, "format": recording.form, "sha256": digest, "program": recording.program}
    recorder.log(LogEntry(0.0, "converted", f"converted from {recording.path.name} (SHA-256 {digest})", source))
    recorder.log(LogEntry(0.0, STORED_SETTINGS, *log_settings(settings)))
    for time, text in sorted(recording.tags):
        recorder.log(LogEntry(time, "note", text))


def _record(recorder: JournalRecorder, recording: ForeignRecording, part: Part, index: int, settings: Settings) -> None:
    """Record one part as a sweep of its own, with its measures."""
    sweep = recording.sweeps[part.sweep]
    rows = [x[part.first : part.stop] for x in (sweep.counts, sweep.second) if x is not None]
    header = _header(recording, part, index)
    counts = np.stack(rows).astype(np.int16)
    recorder.begin_sweep(header)
    for first in range(0, counts.shape[1], BLOCK):
        recorder.samples(Frame(first, counts[:, first : first + BLOCK]))
    recorder.end_sweep()
    stored = {c.name: c.stored(row) for c, row in zip(header.channels, counts, strict=True)}
    recorder.measured(analyse(RecordedSweep(header, stored), settings))


def _header(recording: ForeignRecording, part: Part, index: int) -> SweepHeader:
    header = header_of(recording, part, index=index)
    channels = (recording.channel, *([recording.second] if recording.second is not None else []))
    if recording.mode is ClampMode.VOLTAGE:
        return replace(header, channels=channels, kind="membrane_test", label="membrane test")
    if not part.step:
        return replace(header, channels=channels, kind="hold", label="before the step")
    return replace(header, channels=channels, label=f"step {part.step}")
