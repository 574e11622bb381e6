"""Records a session into its journal: the only thing between the converter and the disk. HDF5 is not involved."""

from __future__ import annotations

from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Self

import numpy as np

from acquisition.session import disk, platform
from acquisition.session.headers import header_text
from acquisition.session.journal import Journal, Kind, journal_path
from acquisition.session.payloads import (
    SweepEnd,
    close_text,
    data_parts,
    end_text,
    head_text,
    link,
    log_text,
    measured_text,
    temperature_bytes,
)
from protocols.errors import DiskFull, SessionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from acquisition.session.head import SessionHead
    from protocols.sweeps import Frame, LogEntry, Measurement, SweepHeader

DISK_FULL = "disk_full"


class JournalRecorder:
    """A `Recorder` that appends to `NAME.nwb.journal`. Construction begins the session; use it with `with`.

    When the disk is full, the reserve is released, the running sweep is closed as 'disk_full' with all its
    samples, and the call raises. After space was made, the next sweep can begin with the same recorder.

    Raises
    ------
    SessionError
        From any call, when the journal cannot be written.
    """

    def __init__(
        self,
        nwb: Path,
        head: SessionHead,
        *,
        sync_every: float = 0.02,
        ballast: int = disk.BALLAST,
        volume: disk.Volume | None = None,
    ) -> None:
        """Create the journal and write the head, durably. Nothing that exists is ever overwritten.

        Parameters
        ----------
        nwb
            The session file that a packer will make; it must not exist.
        head
            What is known before the first sweep.
        sync_every
            Seconds between two syncs, and so the most that a power cut can take.
        ballast
            Bytes of disk in reserve; 0 for none.
        volume
            What is written to; the disk of `nwb` itself if left out.
        """
        if nwb.exists():
            raise SessionError(f"{nwb} exists already; a session file is never overwritten")
        self.path = nwb
        self._ballast = disk.Ballast(nwb, ballast, volume) if ballast else None
        self._journal = Journal(journal_path(nwb), sync_every=sync_every, volume=volume)
        self._running: _Running | None = None
        self._begun: set[int] = set()
        self._closed = self._is_on_reserve = False
        text = head_text(head)
        self._chain = link("", text)
        with self._nothing_left_if_it_fails(), self._words():
            self._journal.append(Kind.SESSION, text.encode())
            self._journal.sync()
            self._take_ballast()

    def __enter__(self) -> Self:
        """Do nothing: the journal is open already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close, whatever happened."""
        self.close("finished" if error is None else f"interrupted: {error}")

    def begin_sweep(self, header: SweepHeader) -> None:
        """Begin a sweep; that it began is durable when this returns.

        Raises
        ------
        SessionError
            Also when the disk is full: no sweep has begun then, and none may be played.
        """
        index = header.sweep.index
        self._must_be_open()
        if self._running is not None and not self._running.is_over:
            raise SessionError(f"sweep {index} begins before sweep {self._running.index} has ended")
        if index in self._begun:
            raise SessionError(f"{self.path.name} has a sweep {index} already")
        with self._words():
            self._take_ballast()
            self._journal.append(Kind.SWEEP_BEGIN, header_text(header).encode())
            self._journal.sync()
        self._begun.add(index)
        self._running = _Running(header)

    def samples(self, frame: Frame) -> None:
        """Append samples to the sweep: counts, exactly as converted."""
        sweep = self._current
        sweep.check(frame)
        if not frame.n_samples:
            return
        first, counts = data_parts(frame)
        self._append(Kind.DATA, first, counts)
        sweep.took(frame, counts)
        if self._is_on_reserve:
            self._end_for_want_of_space()

    def end_sweep(self, *, complete: bool = True, reason: str | None = None) -> None:
        """End the sweep; it is on the disk when this returns. A sweep that a full disk ended stays ended."""
        if self._running is not None and self._running.is_over:
            self._running = None
            return
        status = "complete" if complete else "incomplete"
        self._end(self._current.end(complete=complete, reason=reason, status=status))
        self._running = None

    def measured(self, measurements: Sequence[Measurement]) -> None:
        """Append numbers."""
        if measurements:
            self._append(Kind.MEASURED, measured_text(measurements).encode())

    def log(self, entry: LogEntry) -> None:
        """Append a line of the log, tied to the one before it."""
        text, made = log_text(entry, self._chain)
        self._append(Kind.LOG, text.encode())
        self._chain = made

    def temperature(self, time: float, value: float) -> None:
        """Append a reading of the bath, degC."""
        self._append(Kind.TEMPERATURE, temperature_bytes(time, value))

    def close(self, reason: str = "finished") -> None:
        """End the session: an open sweep is closed as incomplete. Closing twice does nothing."""
        if self._closed:
            return
        try:
            if self._running is not None:
                self.end_sweep(complete=False, reason=reason)
            self._append(Kind.CLOSE, close_text(reason).encode())
        finally:
            self._close()

    @property
    def _current(self) -> _Running:
        self._must_be_open()
        if self._running is None:
            raise SessionError("no sweep has begun")
        if self._running.is_over:
            raise DiskFull(self._full_words())
        return self._running

    def _append(self, kind: Kind, *payload: bytes | memoryview) -> None:
        """Append a frame, on the reserve if need be."""
        self._must_be_open()
        with self._words():
            try:
                self._journal.append(kind, *payload)
            except OSError as error:
                if not (disk.is_full(error) and self._ballast is not None and self._ballast.release()):
                    raise
                self._is_on_reserve = True
                self._journal.append(kind, *payload)

    def _end(self, end: SweepEnd) -> None:
        self._append(Kind.SWEEP_END, end_text(end).encode())
        with self._words():
            self._journal.sync()

    def _end_for_want_of_space(self) -> None:
        """Close the sweep with what it has, and say why."""
        sweep, words = self._current, self._full_words()
        self._end(sweep.end(complete=False, reason=f"{DISK_FULL}: {words}", status=DISK_FULL))
        sweep.is_over = True
        raise DiskFull(words)

    def _full_words(self) -> str:
        return (
            f"the disk of {self.path.parent} is full: the sweep was closed with everything recorded so far; "
            "make space, then go on"
        )

    def _must_be_open(self) -> None:
        if self._closed:
            raise SessionError(f"{self.path.name} is closed already")

    def _take_ballast(self) -> None:
        """Have the reserve, anew after it was needed."""
        if self._ballast is not None and not self._ballast.path.exists():
            self._ballast.take()
        self._is_on_reserve = False

    def _close(self) -> None:
        self._closed = True
        try:
            with self._words():
                self._journal.close()
        finally:
            if self._ballast is not None:
                self._ballast.release()

    @contextmanager
    def _nothing_left_if_it_fails(self) -> Iterator[None]:
        """Leave no journal that holds a head and nothing else: it would stand in the way of the next try."""
        try:
            yield
        except SessionError:
            self._close()
            platform.remove(self._journal.path)
            raise

    @contextmanager
    def _words(self) -> Iterator[None]:
        """Turn what the system raises into a sentence that says what to do."""
        try:
            yield
        except OSError as error:
            if disk.is_full(error):
                msg = f"the disk of {self.path.parent} is full; make space, then go on"
                raise DiskFull(msg) from error
            raise SessionError(f"{self._journal.path} cannot be written: {error.strerror or error}") from error


class _Running:
    """The sweep that is being recorded."""

    def __init__(self, header: SweepHeader) -> None:
        self.index, self._channels = header.sweep.index, len(header.channels)
        self._hash = sha256()
        self._n_samples = 0
        self.is_over = False

    def check(self, frame: Frame) -> None:
        """Refuse what cannot belong to the sweep."""
        counts = frame.counts
        if counts.ndim != 2 or len(counts) != self._channels:
            raise SessionError(f"sweep {self.index} has {self._channels} channels, a frame came with {counts.shape}")
        if counts.dtype != np.int16:
            raise SessionError(f"sweep {self.index}: counts must be int16, a frame came with {counts.dtype}")
        if frame.first < self._n_samples:
            msg = f"sweep {self.index}: a frame starts at {frame.first}, but {self._n_samples} samples are here already"
            raise SessionError(msg)

    def took(self, frame: Frame, counts: memoryview) -> None:
        """Count samples that are in the journal."""
        self._hash.update(counts)
        self._n_samples = frame.first + frame.n_samples

    def end(self, *, complete: bool, reason: str | None, status: str) -> SweepEnd:
        """Return how it ended."""
        return SweepEnd(self.index, complete, reason, self._hash.hexdigest(), self._n_samples, status)
