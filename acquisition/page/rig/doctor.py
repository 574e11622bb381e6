"""Starts doctor as a process of its own: the page's server touches no device."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from acquisition.doctor.kept import last, version_of
from acquisition.register import entries, is_on
from protocols.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 180.0
"""Seconds after which an examination is asked to end: an instrument that never answers takes half a minute at most."""
BUSY = "{} is running on this rig, and doctor would touch its devices: let it look when the session is over"
NO_FILE = "this rig is known from a session only; choose its file"


class Examination:
    """The examination that this server has begun, one at a time."""

    def __init__(self, out: Path) -> None:
        """Examine for sessions that go to the folder `out`."""
        self._out = out
        self._task: asyncio.Task[None] | None = None
        self._began = 0.0
        self.failed = ""
        """Why the last one came to nothing; empty if it did not."""

    @property
    def is_running(self) -> bool:
        """Whether one goes on."""
        return self._task is not None and not self._task.done()

    def told(self) -> dict[str, Any]:
        """Return its state."""
        since = time.monotonic() - self._began if self.is_running else None
        return {"running": self.is_running, "since": since, "failed": self.failed}

    def begin(self, rig: Path) -> None:
        """Begin to examine the rig with file `rig`.

        Raises
        ------
        Refused
            A run is on it, or an examination goes on.
        """
        if self.is_running:
            raise Refused("doctor is at work already")
        if words := why_not(rig):
            raise Refused(words)
        self._began, self.failed = time.monotonic(), ""
        self._task = asyncio.create_task(self._examine(rig))

    async def _examine(self, rig: Path) -> None:
        command = ["-m", "acquisition.cli", "doctor", "--rig", str(rig), "--out", str(self._out), "--json"]
        pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *command, stdin=nothing, stdout=pipe, stderr=nothing
            )
        except OSError as error:
            self.failed = f"doctor could not be started: {error}"
            return
        try:
            said, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
            self.failed = _failure(said)
        except TimeoutError:
            self.failed = f"doctor did not come to an end within {PATIENCE:.0f} s: look at the devices"
        finally:
            with suppress(ProcessLookupError):  # it is over; if not, it closes what it opened and ends
                process.terminate()


def _failure(said: bytes) -> str:
    """Return why doctor came to nothing; what it found is kept by itself."""
    try:
        told = json.loads(said)
    except ValueError:
        return "doctor ended without a word; run 'patchrig doctor' in a terminal"
    return str(told.get("error", ""))


def why_not(rig: Path | None) -> str:
    """Return why doctor cannot look at a rig now; empty if it can."""
    if rig is None:
        return NO_FILE
    running = next((e for e in entries() if e.lives and is_on(e, rig)), None)
    return "" if running is None else BUSY.format(running.session.name)


def stored(rig: Path | None) -> dict[str, Any] | None:
    """Return what doctor said last of a rig, and whether its file is still the same; None if it never looked."""
    found = None if rig is None else last(rig)
    if rig is None or found is None:
        return None
    return {"when": found.when, "findings": found.findings, "same_file": found.of == version_of(rig)}
