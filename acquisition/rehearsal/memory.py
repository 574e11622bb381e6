"""A session that is kept in memory: what was measured and what happened, without samples and without a file.

The engine, its gates and the analysers see every sample as they do on a rig. What comes after a session file looks at
numbers and the log alone, so a cell that is read from here has the values of one read from a file, to the last bit.
A disk that is full on purpose is met as a file would meet it, although nothing is written.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from acquisition.acceptance import rejected_of
from acquisition.session.disk import Volume
from protocols.errors import DiskFull, SessionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from acquisition.session.head import SessionHead
    from protocols.protocol import Protocol
    from protocols.sweeps import Frame, LogEntry, Measurement, SweepHeader


FULL = "the disk is full: the sweep was closed with everything recorded so far; make space, then go on"
FULL_BEFORE = "the disk is full; make space, then go on"
"""The journal's words, without a folder: no file is made, and runs are counted by what ended them."""


@dataclass(frozen=True)
class RememberedSweep:
    """A line of the list of sweeps."""

    index: int
    label: str
    kind: str
    run: int
    condition: str
    start: float
    """Seconds from the session's start."""
    temperature: float | None
    """degC."""


class Memory:
    """A `Recorder` that keeps numbers and the log, and forgets samples."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._head: SessionHead | None = None
        self._running: RememberedSweep | None = None
        self._sweeps: list[RememberedSweep] = []
        self._measurements: list[Measurement] = []
        self._log: list[LogEntry] = []
        self._closed: str | None = None
        self._volume = Volume()

    @contextmanager
    def recording(self, nwb: Path, head: SessionHead, *, volume: Volume) -> Iterator[Memory]:  # noqa: ARG002  no file is made
        """Take a session; the same form as `acquisition.recording.recording`. `volume` is asked only if it is full."""
        self._head, self._volume = head, volume
        try:
            yield self
        finally:
            self.close("interrupted")

    @property
    def session(self) -> Remembered:
        """The session.

        Raises
        ------
        SessionError
            None was begun.
        """
        if self._head is None:
            raise SessionError("nothing was recorded: the run ended before its session began")
        return Remembered(self._head, tuple(self._sweeps), tuple(self._measurements), tuple(self._log), self._closed)

    def begin_sweep(self, header: SweepHeader) -> None:
        """Begin a sweep.

        Raises
        ------
        DiskFull
            No sweep has begun then.
        """
        if self._volume.is_full:
            raise DiskFull(FULL_BEFORE)
        h = header
        self._running = RememberedSweep(h.sweep.index, h.label, h.kind, h.run, h.condition, h.start, h.temperature)

    def samples(self, frame: Frame) -> None:  # noqa: ARG002  they have been measured
        """Forget samples: they have been measured.

        Raises
        ------
        DiskFull
            The sweep has ended with these samples.
        """
        if self._volume.is_full:
            self.end_sweep(complete=False)
            raise DiskFull(FULL)

    def end_sweep(self, *, complete: bool = True, reason: str | None = None) -> None:  # noqa: ARG002  nobody asks
        """End the sweep; it is in the list from now on."""
        if self._running is not None:
            self._sweeps.append(self._running)
        self._running = None

    def measured(self, measurements: Sequence[Measurement]) -> None:
        """Keep numbers."""
        self._measurements += measurements

    def log(self, entry: LogEntry) -> None:
        """Keep a line of the log."""
        self._log.append(entry)

    def temperature(self, time: float, value: float) -> None:
        """Forget a reading of the bath: sweeps have their own."""

    def close(self, reason: str = "finished") -> None:
        """End the session; the first reason stays."""
        self._closed = self._closed or reason


@dataclass(frozen=True)
class Remembered:
    """A session as a study's `Source`."""

    head: SessionHead
    sweeps: tuple[RememberedSweep, ...]
    """Those that ended, in order."""
    measurements: tuple[Measurement, ...]
    """In the order in which they were made."""
    log: tuple[LogEntry, ...]
    """What happened, in order."""
    closed: str | None
    """Why it ended."""

    @property
    def identifier(self) -> str:
        """The session's UUID."""
        return self.head.identifier

    @property
    def session_id(self) -> str:
        """The session's name."""
        return self.head.session_id

    @property
    def started(self) -> datetime:
        """When, with time zone."""
        return self.head.started

    @property
    def subject_id(self) -> str:
        """The animal."""
        return self.head.subject_id

    @property
    def cell_id(self) -> str:
        """The cell."""
        return self.head.cell_id

    @property
    def seed(self) -> int | None:
        """Of the simulated cell."""
        return self.head.seed

    @property
    def filtering(self) -> str:
        """The amplifier's output filter."""
        return self.head.filtering

    @property
    def software(self) -> Mapping[str, str]:
        """Package -> version."""
        return self.head.software

    @property
    def protocol_text(self) -> str:
        """The protocol, letter by letter."""
        return self.head.protocol_text

    @property
    def protocol(self) -> Protocol:
        """What the text means."""
        return self.head.protocol

    @property
    def rejected(self) -> dict[int, str]:
        """Sweep -> why the run left it out of means."""
        return rejected_of(self.log)
