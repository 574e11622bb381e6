"""The guardian: waits for the run to end, and puts the rig to rest if it did not do so itself.

    python -m acquisition.guardian.watch RIG RECORD PID

Standard input is the lease (JSON, one message a line; see `lease`); 'ready' on standard output says that the drivers
are loaded. Devices are opened only when they are needed: until then they belong to the run.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acquisition.rest import put_to_rest
from config.loading import load_rig
from drivers.base import Gains
from drivers.build import load_drivers, open_devices
from drivers.clock import WallClock
from protocols.errors import PatchrigError
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from config.rig import Rig

TRIES, PAUSE = 20, 0.1
"""A card may stay reserved for a moment after its process has died."""


@dataclass
class Known:
    """What the run said last."""

    deadline: float | None = None
    """`time.monotonic` at which the lease runs out; None: never."""
    gains: Gains | None = None
    released: bool = False

    def hear(self, message: dict[str, Any]) -> None:
        """Take over one message."""
        if "gains" in message:
            self.gains = _gains(message["gains"])
        if "lease" in message:
            seconds = message["lease"]
            self.deadline = None if seconds is None else time.monotonic() + seconds
        self.released = self.released or bool(message.get("release"))

    @property
    def patience(self) -> float | None:
        """Seconds until the lease runs out; None: no end."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())


def watch(messages: queue.Queue[dict[str, Any] | None]) -> tuple[str, Known]:
    """Return why the lease ended ('released', 'killed', 'hung'), and what the run said last."""
    known = Known()
    while True:
        try:
            message = messages.get(timeout=known.patience)
        except queue.Empty:
            return "hung", known
        if message is None:
            return ("released" if known.released else "killed"), known
        known.hear(message)


def rest(rig: Rig, known: Known) -> list[str]:
    """Put the rig to rest; return what could not be done, in words."""
    words: list[str] = []
    for _ in range(TRIES):
        words = _rest_once(rig, known)
        if not words:
            return []
        time.sleep(PAUSE)
    return words


def _rest_once(rig: Rig, known: Known) -> list[str]:
    try:
        with open_devices(rig, WallClock()) as devices:
            return put_to_rest(devices, rig.safe, known.gains)
    except PatchrigError as error:
        return [str(error)]


def _gains(told: dict[str, Any]) -> Gains:
    inputs = {name: (unit, scale) for name, (unit, scale) in told["inputs"].items()}
    return Gains(ClampMode(told["mode"]), told["command"], inputs)


def _read(lines: Iterable[str], into: queue.Queue[dict[str, Any] | None]) -> None:
    for line in lines:
        with suppress(json.JSONDecodeError):  # a line that was cut off by the kill
            into.put(json.loads(line))
    into.put(None)


def _end_of(pid: int) -> None:
    """End a run that hangs: as long as it lives the devices are its own."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)


def main(rig_file: str, record: str, pid: str) -> None:
    """Guard until released, or until there is something to do; then do it and write it down."""
    for name in ("SIGINT", "SIGHUP", "SIGTERM"):  # what ends the run must not end its guardian first
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    rig = load_rig(Path(rig_file))
    load_drivers(rig)
    messages: queue.Queue[dict[str, Any] | None] = queue.Queue(maxsize=1000)
    threading.Thread(target=_read, args=(sys.stdin, messages), daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    why, known = watch(messages)
    if why == "released":
        return
    began = time.monotonic()
    if why == "hung":
        _end_of(int(pid))
    left = rest(rig, known)
    _write(Path(record), why, left, time.monotonic() - began)


def _write(record: Path, why: str, left: list[str], seconds: float) -> None:
    """Write down what happened, for the session's recovery and for `doctor`."""
    told = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "run": why,
        "at_rest": not left,
        "not_done": left,
        "seconds": round(seconds, 3),
    }
    record.write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
