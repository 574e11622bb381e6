"""The whole examination, section by section, in the order in which a person would mend things."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from acquisition.doctor.computer import look_at_computer
from acquisition.doctor.devices import Looking, look_at_drivers
from acquisition.doctor.finding import Check, Finding, Section, Verdict, bad, note, ok, section
from acquisition.doctor.folder import look_at_folder
from acquisition.doctor.leftovers import look_for_leftovers
from acquisition.doctor.loop import look_at_loop
from acquisition.doctor.model_cell import ModelCell, look_at_model_cell
from acquisition.guardian import guarding
from acquisition.register import entries, is_on
from config.loading import load_rig
from drivers.clock import WallClock
from drivers.hands import Nobody

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from acquisition.guardian import Unguarded
    from acquisition.register import Entry
    from config.rig import Rig
    from drivers.build import Devices
    from drivers.clock import Clock
    from drivers.hands import Hands

RECORD = "doctor"
"""Name of a trial in the folder where sessions go: a guardian that had to act writes its record there."""
REST = "patchrig safe, with this rig file, and look at the rig"
LOOP_QUESTION = "The command output will move. Is the amplifier at I=0, and a cable from the output to an input?"
CELL_QUESTION = "The rig will be commanded. Is a MODEL CELL on the headstage, and no cell?"


def nobody(question: str) -> bool:  # noqa: ARG001  nobody reads it
    """Return no: without a person's yes nothing is commanded."""
    return False


@dataclass(frozen=True)
class Wish:
    """What to look at, and what the person allows."""

    rig: Path
    out: Path
    loopback: bool = False
    """Move the command output, the amplifier being at I=0."""
    model_cell: ModelCell | None = None
    """What is on the headstage; it will be clamped."""
    agree: Callable[[str], bool] = nobody
    """Asks the person, and returns whether the answer is yes."""
    hands: Hands = field(default_factory=Nobody)
    clock: Clock = field(default_factory=WallClock)
    guard: Callable[[Path, Rig, Path, Devices], Unguarded] = guarding
    """Gives the lease under which the rig is commanded."""
    state: Path | None = None
    """Where programs say what they are at; the user's state folder if left out."""

    @property
    def register(self) -> Path | None:
        """Where runs are registered."""
        return self.state / "running" if self.state else None

    @property
    def claims(self) -> Path | None:
        """Where rigs are claimed."""
        return self.state / "rigs" if self.state else None


def examine(wish: Wish) -> Iterator[Section]:
    """Yield section after section, each when it is done. Outputs move only if the person asked for it and said yes."""
    yield look_at_computer()
    read: list[Rig] = []
    cure = "correct it: patchrig check shows the place"
    file = section("Rig file", (Check("rig file", partial(_read, wish.rig, read), cure),))
    rig = read[0] if read else None
    yield look_at_folder(wish.out, rig, busy=any(e.lives for e in entries(wish.register)))
    yield look_for_leftovers(wish.out, wish.register)
    yield file
    if rig is None:
        return
    if busy := [e for e in entries(wish.register) if e.lives and e.holds and is_on(e, wish.rig)]:
        yield Section(f"Rig: {rig.rig}", (_left_alone(busy[0]),))
        return
    yield from _devices(wish, rig)


def is_well(sections: Iterable[Section]) -> bool:
    """Return whether nothing is bad."""
    return not any(f.verdict is Verdict.BAD for s in sections for f in s.findings)


def _read(path: Path, into: list[Rig]) -> Iterator[Finding]:
    into.append(load_rig(path))
    yield ok("rig file", f"{path} is well formed")


def _left_alone(entry: Entry) -> Finding:
    words = f"{entry.session.name} is running on it (process {entry.pid}); it was left alone"
    return note("rig", words, "run doctor again when the session is over")


def _devices(wish: Wish, rig: Rig) -> Iterator[Section]:
    """Yield what is to be said of the devices, then loop and model cell if they are wanted and allowed."""
    wanted = [
        *([("Loop", "loop", LOOP_QUESTION)] if wish.loopback else []),
        *([("Model cell", "model cell", CELL_QUESTION)] if wish.model_cell else []),
    ]
    allowed = {what for _, what, question in wanted if wish.agree(question)}
    yield look_at_drivers(rig, wish.clock)
    guard = partial(wish.guard, wish.rig, rig, wish.out / RECORD) if allowed else None
    with Looking(rig, wish.clock, wish.hands, guard=guard, claims=wish.claims) as looking:
        yield looking.look()
        for title, what, _ in wanted:
            yield _trial(title, what, wish, looking, allowed=what in allowed)


def _trial(title: str, what: str, wish: Wish, looking: Looking, *, allowed: bool) -> Section:
    """Return what a trial that commands the rig finds, or why it was not made."""
    trial, cell = looking.trial, wish.model_cell
    if not allowed:
        return Section(title, (bad(what, "not tried: nobody said yes", "answer yes, or say --yes"),))
    if trial is None:
        return Section(title, (bad(what, "not tried: card or amplifier is not well", "mend what is said above"),))
    if what == "loop" or cell is None:
        return section(title, (Check(what, partial(look_at_loop, trial), REST),))
    return section(title, (Check(what, partial(look_at_model_cell, trial, wish.clock, cell), REST),))
