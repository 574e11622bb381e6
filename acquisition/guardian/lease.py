"""The run's end of the lease: it says that it lives, and the guardian acts when it no longer does.

The lease is the guardian's standard input. When the run is killed the system closes it, and the guardian knows at once;
when the run hangs, no beat comes before the lease runs out. Nothing here waits for the guardian, except at the start
and when it is asked to do what the run could not.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self

from acquisition.guardian.voice import Voice
from acquisition.session.guardian_record import Record, record_from
from protocols.errors import HardwareError, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from drivers.base import Gains

log = logging.getLogger(__name__)

LEASE = 10.0
"""Seconds without a beat after which a run counts as hung: longer than what is not announced. A disk that is behind
may take 8 s until the run ends by itself (`WriterLane`), an instrument that is silent 3 s."""
REMOTE_LEASE = 20.0
"""The same with the card behind a network, where one call may take 10 s before it counts as failed, and a read 2 s
longer (`drivers.ni.remote`)."""
BEAT = 0.25
"""Seconds between beats at least: more would only be noise."""
ANSWER = 30.0
"""Seconds that a guardian may take to do what the run could not."""
GOODBYE = 5.0
"""Seconds for a guardian with nothing to do to end."""


class Unguarded:
    """The lease of a run whose outputs die with it: nothing needs saying to anybody."""

    def __enter__(self) -> Self:
        """Do nothing."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""

    @property
    def guards(self) -> bool:
        """Whether somebody would act."""
        return False

    def beat(self) -> None:
        """Say nothing."""

    def verified(self, gains: Gains) -> None:
        """Tell nobody."""

    def rested(self, left: Sequence[str]) -> None:
        """Tell nobody."""

    def patient(self, why: str, seconds: float) -> None:
        """Announce nothing."""

    def news(self) -> list[str]:
        """Return nothing."""
        return []

    def ask_for_rest(self) -> Record | None:
        """Ask nobody."""
        return None

    @contextmanager
    def waiting(self, why: str, seconds: float | None = None) -> Iterator[None]:  # noqa: ARG002  as Lease
        """Announce nothing."""
        yield


class Lease(Unguarded):
    """What a run holds while it commands a rig. A context manager: leaving it in good order releases the guardian."""

    def __init__(self, rig: Path, record: Path, *, seconds: float = LEASE) -> None:
        """Prepare a guardian for the rig of the file `rig`; it writes what it had to do into `record`."""
        paths = [str(rig.absolute()), str(record.absolute())]
        self._voice = Voice([sys.executable, "-m", "acquisition.guardian.watch", *paths, str(os.getpid())])
        self._seconds, self._last = seconds, -BEAT
        self._waits: list[tuple[str, float | None]] = []

    def __enter__(self) -> Self:
        """Start the guardian and wait until it could act. The lease begins to run with the first beat.

        Raises
        ------
        Refused
            Another run has the rig.
        HardwareError
            The guardian does not start; a rig that nobody guards is not commanded.
        """
        first = self._voice.start()
        if first == "ready":
            return self
        self._voice.close(GOODBYE)
        if first.startswith("taken: "):
            raise Refused(first.removeprefix("taken: "))
        words = "does not start, and nothing would put the rig to rest if this program were killed"
        raise HardwareError("guardian", f"{words}: what it said stands above; 'patchrig doctor' looks further")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the guardian. It acts once more if the run has commanded the rig and not put it to rest."""
        self._voice.say({"release": True})
        if not self._voice.close(GOODBYE):
            log.warning("the guardian (process %s) goes on trying to put the rig to rest", self._voice.pid)

    @property
    def guards(self) -> bool:
        """Whether somebody would act."""
        return self._voice.is_heard

    def beat(self) -> None:
        """Say that the run lives; call it as often as you like."""
        now = time.monotonic()
        if now - self._last >= BEAT and not self._waits:
            self._last = now
            self._voice.say({"lease": self._seconds, "why": ""})

    def verified(self, gains: Gains) -> None:
        """Tell mode and scale factors as last verified: they serve when the amplifier no longer answers."""
        self._voice.say({"gains": {**asdict(gains), "mode": gains.mode.value, "inputs": dict(gains.inputs)}})

    def rested(self, left: Sequence[str]) -> None:
        """Tell that the run has put the rig to rest, and what it could not do; from now on it may take its time."""
        self._waits = [("its session to be sealed", None)]
        self._voice.say({"rested": list(left), "lease": None, "why": self._waits[-1][0]})

    def patient(self, why: str, seconds: float) -> None:
        """Ask for patience until the next beat: a person was asked for something and will be seen to do it."""
        self._say_wait(why, None if any(s is None for _, s in self._waits) else seconds)
        self._last = -BEAT

    def news(self) -> list[str]:
        """Return what became of guardians, in words, for the session's log."""
        return self._voice.news()

    def ask_for_rest(self) -> Record | None:
        """Let the guardian put the rig to rest with devices of its own; ours must be closed. None: it said nothing."""
        self._voice.say({"ask": True})
        told = self._voice.answer(ANSWER)
        return None if told is None else record_from(told)

    @contextmanager
    def waiting(self, why: str, seconds: float | None = None) -> Iterator[None]:
        """Announce a wait in which no beat can come: for a person (without end), or for a slow device."""
        self._waits.append((why, seconds))
        self._say_wait(why, seconds)
        try:
            yield
        finally:
            self._waits.pop()
            if self._waits:
                self._say_wait(*self._waits[-1])
            self._last = -BEAT
            self.beat()

    def _say_wait(self, why: str, seconds: float | None) -> None:
        message: dict[str, Any] = {"lease": seconds, "why": why}
        self._voice.say(message)
