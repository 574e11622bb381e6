"""A run with injected faults: what simulated devices cannot do themselves, and what is written down of it."""

from __future__ import annotations

import errno
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from acquisition.events import Logged
from acquisition.lanes import WriterLane
from acquisition.session.disk import Volume
from protocols.errors import PatchrigError, SessionError
from protocols.sweeps import LogEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from acquisition.lanes import LiveLane, Recorder
    from drivers.trouble import Occurred, Trouble
    from protocols.sweeps import Frame, SweepHeader

INJECTED = "injected"
"""Kind of a log line for a fault that was brought about on purpose."""
MISSED = "missed_fault"
"""Kind of a log line, at the run's end, for one whose moment never came."""
NAMED = ("find", "series")
"""Kinds of sweeps whose label is a name of the protocol's. Others have words of ours: 'bias' may be a series, too."""


def die() -> None:
    """Kill this process as the system kills one: nothing is said and nothing is closed."""
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))  # on Windows SIGTERM ends a process at once


def pretend_to_die() -> None:
    """End the run alone, where many runs share a process."""
    raise PatchrigError("the program was killed (injected)")


class FillableVolume(Volume):
    """A disk that can be full: then it has no room but what is given back to it."""

    def __init__(self) -> None:
        """Have room."""
        self._room: float | None = None

    @property
    def is_full(self) -> bool:
        """Whether it was filled, and nobody has made space."""
        return self._room is not None

    def fill(self) -> None:
        """Have no room from now on."""
        self._room = 0

    def make_space(self) -> None:
        """Have room again."""
        self._room = None

    def write_at(self, descriptor: int, parts: Sequence[bytes | memoryview], position: int) -> None:
        """Write, or fail as a full disk does."""
        self._use(sum(memoryview(part).nbytes for part in parts))
        super().write_at(descriptor, parts, position)

    def reserve(self, descriptor: int, size: int) -> None:
        """Reserve, or fail as a full disk does."""
        self._use(size)
        super().reserve(descriptor, size)

    def freed(self, size: int) -> None:
        """Have that much more room."""
        if self._room is not None:
            self._room += size

    def _use(self, size: int) -> None:
        if self._room is None:
            return
        if size > self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._room -= size


class TroubledWriter(WriterLane):
    """The way to the file in a run with injected faults: it knows what begins when, and writes down what happens.

    All of it is called in the engine's thread, so that the same faults come at the same samples in every run.
    """

    def __init__(
        self, recorder: Recorder, trouble: Trouble, volume: FillableVolume, live: LiveLane, *, die: Callable[[], None]
    ) -> None:
        """Be told by `trouble`; `die` is how the program is killed."""
        super().__init__(recorder)
        self._trouble, self._volume, self._live, self._die = trouble, volume, live, die
        self._is_full = False
        trouble.attach(self)

    def begin_sweep(self, header: SweepHeader) -> None:
        """Open a sweep; what waits for it, or for its series, counts from its first sample."""
        self._trouble.begins(header.sweep.index, header.start)
        if header.kind in NAMED:
            self._trouble.begins(header.label, header.start)
        super().begin_sweep(header)

    def samples(self, frame: Frame) -> None:
        """Add samples; a full disk is heard of at once, however fast time is simulated."""
        super().samples(frame)
        if self._is_full:
            self.settle()

    def log(self, entry: LogEntry) -> None:
        """Store a line of the log; what waits for a solution counts from the valve's switch.

        Before the last line stand the faults that never came.
        """
        if entry.kind == "solution":
            self._trouble.begins(str(entry.data["solution"]), float(str(entry.data["switched"])))
        if entry.kind == "end":
            for missed in self._trouble.missed(entry.time):
                self._tell(missed, MISSED)
        super().log(entry)

    def go_on(self) -> None:
        """Forget that the disk was full: the person has made space."""
        self._volume.make_space()
        self._is_full = False
        super().go_on()

    def tell(self, occurred: Occurred) -> None:
        """Write down that a fault has happened."""
        self._tell(occurred, INJECTED)

    def _tell(self, occurred: Occurred, kind: str) -> None:
        entry = LogEntry(occurred.time, kind, occurred.text, occurred.data)
        super().log(entry)
        self._live.tell(Logged(entry))

    def fill_disk(self) -> None:
        """Let the disk be full for what is written after this."""
        self._is_full = True
        self.call(self._volume.fill)

    def kill(self) -> None:
        """Kill the program once it is written down why."""
        with suppress(SessionError):
            self.settle()
        self._die()
