"""Two ways out of the engine's thread: to the file, which loses nothing, and to observers, who may.

The writer lane blocks when it is full, and says so if the disk does not catch up. The live lane drops
what observers are too slow for (sample blocks first) and counts it, unless it was asked to be lossless.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, Self

from acquisition.events import Event, FrameArrived
from protocols.errors import DiskFull, SessionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from acquisition.events import Observer
    from protocols.sweeps import Frame, LogEntry, Measurement, SweepHeader

log = logging.getLogger(__name__)

GLANCE = 0.002
"""Seconds between looks whether a full queue has room again."""


class Recorder(Protocol):
    """What a session writer can do; the writer lane can do the same."""

    def begin_sweep(self, header: SweepHeader) -> None:
        """Open a sweep."""

    def samples(self, frame: Frame) -> None:
        """Add samples to it."""

    def end_sweep(self, *, complete: bool = True, reason: str | None = None) -> None:
        """Close it."""

    def measured(self, measurements: Sequence[Measurement]) -> None:
        """Store numbers."""

    def log(self, entry: LogEntry) -> None:
        """Store a line of the log."""

    def temperature(self, time: float, value: float) -> None:
        """Store a reading of the bath, degC."""

    def close(self, reason: str = "finished") -> None:
        """End the session."""


class WriterLane:
    """Runs a recorder's calls in order in a thread of its own. Nothing is dropped.

    At most `length` calls wait; then the engine does, for `patience` seconds and no longer.

    Raises
    ------
    SessionError
        From any call, once the recorder has failed or the disk is `patience` seconds behind.
    """

    def __init__(self, recorder: Recorder, *, length: int = 1024, patience: float = 8.0) -> None:
        """Start the thread. `patience` stays below the card's buffer of 10 s."""
        self._recorder, self._length, self._patience = recorder, length, patience
        # Bounded by `_enqueue`: `queue.Queue` has a lock in Python, for which engine and writer wait in turns.
        self._queue: queue.SimpleQueue[tuple[Callable[[], None], bool] | None] = queue.SimpleQueue()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def begin_sweep(self, header: SweepHeader) -> None:
        """Open a sweep, and return only when the recorder has: nothing may be played that cannot be recorded."""
        begun = threading.Event()

        def begin() -> None:
            try:
                if self._failure is None:
                    self._recorder.begin_sweep(header)
            finally:
                begun.set()

        self._raise_failure()
        self._enqueue(begin, is_last_word=True)  # or nobody would say that it did not begin
        if not begun.wait(self._patience):
            raise SessionError(f"the disk is {self._patience:g} s behind: the run stops before samples are lost")
        self._raise_failure()

    def samples(self, frame: Frame) -> None:
        """Add samples to it."""
        self._put(lambda: self._recorder.samples(frame))

    def end_sweep(self, *, complete: bool = True, reason: str | None = None) -> None:
        """Close it."""
        self._put_last_words(lambda: self._recorder.end_sweep(complete=complete, reason=reason))

    def measured(self, measurements: Sequence[Measurement]) -> None:
        """Store numbers."""
        self._put_last_words(lambda: self._recorder.measured(measurements))

    def log(self, entry: LogEntry) -> None:
        """Store a line of the log."""
        self._put_last_words(lambda: self._recorder.log(entry))

    def temperature(self, time: float, value: float) -> None:
        """Store a reading of the bath, degC."""
        self._put_last_words(lambda: self._recorder.temperature(time, value))

    def call(self, act: Callable[[], None]) -> None:
        """Let `act` be done in the writer's thread, after all that was queued before it."""
        self._put_last_words(act)

    def settle(self) -> None:
        """Return when all that was queued is written.

        Raises
        ------
        SessionError
            Some of it could not be.
        """
        written = threading.Event()
        self.call(written.set)
        written.wait(self._patience)
        self._raise_failure()

    def close(self, reason: str = "finished") -> None:
        """Write what is queued, close the recorder, end the thread, and raise if anything failed."""
        if not self._thread.is_alive():
            return
        self._queue.put(None)
        self._thread.join()
        self._recorder.close(reason if self._failure is None else f"failed: {self._failure}")
        self._raise_failure()

    def go_on(self) -> None:
        """Forget that the disk was full: space was made."""
        if isinstance(self._failure, DiskFull):
            self._failure = None

    def _put(self, call: Callable[[], None]) -> None:
        self._raise_failure()
        self._enqueue(call)

    def _put_last_words(self, call: Callable[[], None]) -> None:
        """Queue what a recorder may still be able to write after it failed: on a full disk it has a reserve for it."""
        self._enqueue(lambda: self._attempt(call) if self._failure is not None else call(), is_last_word=True)

    def _attempt(self, call: Callable[[], None]) -> None:
        with suppress(Exception):  # the first failure is the one that is reported
            call()

    def _enqueue(self, call: Callable[[], None], *, is_last_word: bool = False) -> None:
        if self._queue.qsize() >= self._length:
            self._wait_for_room()
        self._queue.put((call, is_last_word))

    def _wait_for_room(self) -> None:
        """Return when the queue is no longer full; the engine waits, and nothing is dropped."""
        deadline = time.monotonic() + self._patience
        while self._queue.qsize() >= self._length:
            if time.monotonic() > deadline:
                raise SessionError(f"the disk is {self._patience:g} s behind: the run stops before samples are lost")
            time.sleep(GLANCE)

    def _raise_failure(self) -> None:
        if isinstance(self._failure, DiskFull):
            raise DiskFull(str(self._failure)) from self._failure
        if self._failure is not None:
            raise SessionError(f"the session file cannot be written: {self._failure}") from self._failure

    def _work(self) -> None:
        """Run calls until told to end. After a failure only last words are tried; the queue is emptied all the same."""
        while (item := self._queue.get()) is not None:
            call, is_last_word = item
            if self._failure is None or is_last_word:
                try:
                    call()
                except Exception as error:  # noqa: BLE001  handed over to the engine by the next call
                    self._failure = error


class LiveLane:
    """Tells observers, in a thread of its own. An observer that raises is dismissed; the run goes on."""

    def __init__(
        self, observers: Sequence[Observer], *, lossless: bool, length: int = 256, patience: float = 5.0
    ) -> None:
        """Start the thread. `lossless` makes the engine wait for observers: right only where time is simulated."""
        self._observers = list(observers)
        self._show_samples = any(getattr(observer, "sees_samples", True) for observer in observers)
        self._lossless, self._patience = lossless, patience
        self.dropped = 0
        self._queue: queue.Queue[Event | threading.Event | None] = queue.Queue(length)
        self._thread = threading.Thread(target=self._work, name="live", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """Nothing to do."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let observers see what is queued, for a few seconds at most, then end the thread."""
        try:
            self._queue.put(None, timeout=self._patience)
        except queue.Full:
            log.warning("an observer hangs; it is left behind")
            return
        self._thread.join(self._patience)

    def tell(self, event: Event) -> None:
        """Pass `event` on, or drop it and count it when observers are behind."""
        if not self._observers or (isinstance(event, FrameArrived) and not self._show_samples):
            return
        if self._lossless:
            self._queue.put(event)
            return
        if isinstance(event, FrameArrived) and self._queue.qsize() > self._queue.maxsize // 2:
            self.dropped += 1
            return
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            self.dropped += 1

    def drain(self) -> None:
        """Return when observers have seen everything told so far, or after a few seconds."""
        seen = threading.Event()
        try:
            self._queue.put(seen, timeout=self._patience)
        except queue.Full:
            return
        seen.wait(self._patience)

    def _work(self) -> None:
        while (event := self._queue.get()) is not None:
            if isinstance(event, threading.Event):
                event.set()
                continue
            for observer in tuple(self._observers):
                try:
                    observer(event)
                except Exception:
                    log.exception("an observer failed and is dismissed; the run is not affected")
                    self._observers.remove(observer)
