"""The run's end of the lease: it says that it lives, and the guardian acts when it no longer does.

The lease is the guardian's standard input. When the run is killed the system closes it, and the guardian knows at once;
when the run hangs, no beat comes before the lease runs out. Nothing here waits for the guardian.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from drivers.base import Gains

log = logging.getLogger(__name__)

LEASE = 5.0
"""Seconds without a beat after which a run counts as hung: longer than any call of a driver that is not announced."""
BEAT = 0.25
"""Seconds between beats at least: more would only be noise."""


class Unguarded:
    """The lease of a run whose outputs die with it: nothing needs saying to anybody."""

    guards = False
    """Whether somebody would act."""

    def __enter__(self) -> Self:
        """Do nothing."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""

    def beat(self) -> None:
        """Say nothing."""

    def verified(self, gains: Gains) -> None:
        """Tell nobody."""

    @contextmanager
    def waiting(self, why: str, seconds: float | None = None) -> Iterator[None]:  # noqa: ARG002  as Lease
        """Announce nothing."""
        yield


class Lease(Unguarded):
    """What a run holds while it commands a rig. A context manager: leaving it in good order releases the guardian."""

    def __init__(self, rig: Path, record: Path) -> None:
        """Start a guardian for the rig of the file `rig`; it writes what it had to do into `record`."""
        self._command = [sys.executable, "-m", "acquisition.guardian.watch", str(rig), str(record), str(os.getpid())]
        self._guardian: subprocess.Popen[str] | None = None
        self._last = -BEAT
        self._held = 0

    def __enter__(self) -> Self:
        """Start the guardian and wait until it could act."""
        self._guardian = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, start_new_session=True
        )
        first = self._guardian.stdout.readline() if self._guardian.stdout else ""
        if first.strip() != "ready":
            self._guardian = None
            log.warning("the guardian did not start: nothing would put the rig to rest if this process died")
        self.guards = self._guardian is not None
        self.beat()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the guardian: the run has put the rig to rest itself, or has said why it could not."""
        self._say({"release": True})
        if self._guardian is not None:
            with suppress(OSError, subprocess.TimeoutExpired):
                self._guardian.communicate(timeout=LEASE)
        self._guardian = None

    def beat(self) -> None:
        """Say that the run lives; call it as often as you like."""
        now = time.monotonic()
        if now - self._last >= BEAT and not self._held:
            self._last = now
            self._say({"lease": LEASE})

    def verified(self, gains: Gains) -> None:
        """Tell mode and scale factors as last verified: they serve when the amplifier no longer answers."""
        self._say({"gains": {**asdict(gains), "mode": gains.mode.value, "inputs": dict(gains.inputs)}})

    @contextmanager
    def waiting(self, why: str, seconds: float | None = None) -> Iterator[None]:
        """Announce a wait in which no beat can come: for a person (without end), or for a slow device."""
        self._held += 1
        self._say({"lease": seconds, "why": why})
        try:
            yield
        finally:
            self._held -= 1
            self._last = -BEAT
            self.beat()

    def _say(self, message: Mapping[str, Any]) -> None:
        if self._guardian is None or self._guardian.stdin is None:
            return
        try:
            self._guardian.stdin.write(json.dumps(message) + "\n")
            self._guardian.stdin.flush()
        except (BrokenPipeError, ValueError):
            self._guardian, self.guards = None, False
            log.warning("the guardian has died: nothing would put the rig to rest if this process died, too")
