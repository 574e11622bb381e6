"""The guardian: waits for the run to end, and puts the rig to rest if it did not do so itself.

    python -m acquisition.guardian.watch RIG RECORD PID

Standard input is the lease (JSON, one message a line; see `lease`). 'ready' on standard output says that the drivers
are loaded and the rig is ours, 'taken: WORDS' that it is another's; later lines are records of what was done when the
run asked. Devices are opened only when they are needed: until then they belong to the run.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acquisition.guardian.claim import claimed
from acquisition.guardian.telling import told
from acquisition.precedence import going_first
from acquisition.rest import opened_as_far_as_possible, put_to_rest, told_once
from acquisition.session.guardian_record import Record, write
from config.loading import load_rig
from drivers.base import Gains
from drivers.build import devices_as_far_as_possible, load_drivers
from drivers.clock import WallClock
from protocols.errors import PatchrigError, Refused, TakenByAnother
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from acquisition.guardian.claim import Claim
    from acquisition.guardian.telling import Told
    from config.rig import Rig

log = logging.getLogger(__name__)

Messages = queue.Queue[dict[str, Any] | None]

PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between tries, first and longest: a card may stay reserved for a moment after its process has died."""
GRACE = 1.5
"""Seconds in which a card is waited for before the amplifier goes to I=0: a device server frees it after one."""
SOON, AT_ALL = 3.0, 600.0
"""Seconds until a run that waits for the answer is told, and until the guardian gives up."""
DEATH = 5.0
"""Seconds for a killed process to be gone, and its devices free."""


@dataclass
class Known:
    """What the run said last."""

    deadline: float | None = None
    """`time.monotonic` at which the lease runs out; None: never."""
    why: str = ""
    """What the run waits for, if it said so."""
    gains: Gains | None = None
    released: bool = False
    asked: bool = False
    rested: tuple[str, ...] | None = None
    """What the run, or the latest try, could not put to rest; None: nobody has tried."""
    told: tuple[Told, ...] = ()
    """How each device was left at the latest try."""
    by_force: bool = False
    """Whether devices are taken from a living program, because a person said so."""
    taken: str = ""
    """Who has the rig's card, if a living program has it: nothing was touched at the latest try."""
    attended: bool = False
    """Whether a person waits for the answer: a rig that another has is told at once, and not tried again."""

    def hear(self, message: dict[str, Any]) -> None:
        """Take over one message."""
        if "gains" in message:
            self.gains = _gains(message["gains"])
        if "lease" in message:
            seconds = message["lease"]
            self.deadline = None if seconds is None else time.monotonic() + seconds
            self.why = str(message.get("why", ""))
        if "rested" in message:
            self.rested = tuple(message["rested"])
        self.asked = self.asked or bool(message.get("ask"))
        self.released = self.released or bool(message.get("release"))

    @property
    def patience(self) -> float | None:
        """Seconds until the lease runs out; None: no end."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    @property
    def ending(self) -> str:
        """What a lease that has come to its end means: 'released', 'killed' or 'left'."""
        if not self.released:
            return "killed"
        at_rest = self.rested == () or (self.rested is None and self.gains is None)
        return "released" if at_rest else "left"


def watch(messages: Messages, known: Known) -> str:
    """Return why the guardian is wanted: 'killed', 'hung', 'asked', 'left', or 'released' if it is not."""
    while True:
        try:
            message = messages.get(timeout=known.patience)
        except queue.Empty:
            return "hung"
        if message is None:
            return known.ending
        known.hear(message)
        if known.asked:
            known.asked = False
            return "asked"


def rest(rig: Rig, known: Known, within: float, tell: Callable[[list[str]], object]) -> list[str]:
    """Put the rig to rest, trying again for `within` seconds; return what could not be done, in words.

    `tell` is called with that once, when it does not succeed soon.
    """
    began, pause, told = time.monotonic(), PAUSE, False
    while left := _rest_once(rig, known, last_resort=time.monotonic() - began > GRACE):
        passed = time.monotonic() - began
        if passed > within or (known.taken and known.attended):
            return left
        if passed > SOON:
            if not told:
                tell(left)
            told, pause = True, min(2 * pause, LONGEST_PAUSE)
        time.sleep(pause)
    return []


def _rest_once(rig: Rig, known: Known, *, last_resort: bool) -> list[str]:
    known.taken = ""
    try:
        found = devices_as_far_as_possible(rig, WallClock(), by_force=known.by_force)
        with suppress(PatchrigError):  # absent valves are told below
            found.perfusion.remind(known.rested or ())
        with opened_as_far_as_possible(found) as (devices, closed):
            left = put_to_rest(devices, rig.safe, known.gains, last_resort=last_resort)
            known.told = told(devices, rig, closed, left)
            known.rested = tuple(_all_left(closed.values(), left, known.told))
            return list(known.rested)
    except TakenByAnother as error:
        known.taken, known.told = str(error), ()
        return [known.taken]
    except PatchrigError as error:
        return [str(error)]
    except Exception as error:  # noqa: BLE001  a driver's bug must not end the only process that can still act
        return [f"{type(error).__name__}: {error}"]


def _all_left(closed: Iterable[str], left: Sequence[str], lines: Iterable[Told]) -> list[str]:
    """Return in words what is not at rest; what a device says of itself afterwards counts as well."""
    return told_once([*closed, *left]) if left else [one.line() for one in lines if not one.at_rest]


def _gains(told: dict[str, Any]) -> Gains:
    inputs = {name: (unit, scale) for name, (unit, scale) in told["inputs"].items()}
    return Gains(ClampMode(told["mode"]), told["command"], inputs)


def _read(lines: Iterable[str], into: Messages) -> None:
    with suppress(OSError):
        for line in lines:
            with suppress(json.JSONDecodeError):  # a line that was cut off by the kill
                into.put(json.loads(line))
    into.put(None)


def _end(pid: int, messages: Messages, known: Known) -> str:
    """End a run that hangs, and wait until it is gone: as long as it lives the devices are its own.

    As long as the lease has not come to its end the run lives, so `pid` is its number and nobody else's. Not by
    getppid: in a virtual environment on Windows our parent is the launcher, and the run is the launcher's child.
    Returns what became of it: 'hung' if it was ended, 'hangs' if it goes on, otherwise what `Known.ending` says.
    """
    if _is_over(messages, known, 0.0):
        return known.ending
    end_process(pid)
    return "hung" if _is_over(messages, known, DEATH) else "hangs"


def _is_over(messages: Messages, known: Known, within: float) -> bool:
    """Hear what there is to hear, and return whether the lease comes to its end within so many seconds."""
    until = time.monotonic() + within
    try:
        while (message := messages.get(timeout=max(0.0, until - time.monotonic()))) is not None:
            known.hear(message)
    except queue.Empty:
        return False
    return True


def end_process(pid: int) -> None:
    """End a process that does not listen any more; one that has gone or is not ours is left alone."""
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)


def main(rig_file: str, record_file: str, pid: str) -> None:
    """Guard until released, or until there is something to do; then do it and write it down."""
    for name in ("SIGINT", "SIGHUP", "SIGTERM", "SIGBREAK"):  # what ends the run must not end its guardian first
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    rig = load_rig(Path(rig_file))
    load_drivers(rig)
    try:
        with claimed(rig, int(pid)) as claim:
            _say("ready")
            _leave_the_terminal()
            with going_first():  # it sleeps until it is needed, and then a cell waits
                _guard(rig, Path(record_file), int(pid), claim)
    except Refused as error:
        _say(f"taken: {error}")


def _leave_the_terminal() -> None:
    """Let go of the run's standard error: whoever reads that to its end must not wait for a guardian, too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _guard(rig: Rig, file: Path, pid: int, claim: Claim) -> None:
    messages: Messages = queue.Queue(maxsize=1000)
    threading.Thread(target=_read, args=(sys.stdin, messages), daemon=True).start()
    known = Known()
    while (why := watch(messages, known)) != "released":
        began, doing = time.monotonic(), known.why
        if why == "hung" and (why := _end(pid, messages, known)) == "released":
            return
        note = partial(_write, file, why, began, doing)
        if why not in ("asked", "hangs"):
            claim.run_is_over()
        claim.leave(known.rested or ())
        # a run that asks waits for the answer, and is tried for longer when it has gone
        left = rest(rig, known, SOON if why == "asked" else AT_ALL, note)
        known.rested, done = tuple(left), note(left)
        claim.leave(left)
        if why != "asked":
            return
        _say(json.dumps(asdict(done)))


def _write(file: Path, why: str, began: float, doing: str, left: Iterable[str]) -> Record:
    """Write down what happened, for the session and for `doctor`."""
    not_done = tuple(left)
    done = Record(why, not not_done, not_done, round(time.monotonic() - began, 3), doing)
    try:
        write(file, done)
    except OSError as error:
        log.warning("%s: %s", file, error)
    return done


def _say(line: str) -> None:
    """Say a line to the run, if it is still there."""
    with suppress(OSError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
