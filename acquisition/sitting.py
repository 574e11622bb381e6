"""A person at the terminal sits through a run: sees it, answers, pauses it, and can stop it."""

from __future__ import annotations

import logging
import signal
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from acquisition.controls import Controls
from acquisition.keys import Keys
from acquisition.person import AlwaysYes, Person, Unattended
from acquisition.run import Wish, run
from acquisition.terminal import Terminal, TerminalPerson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Literal

    from acquisition.door import Door
    from acquisition.events import RunFinished

    Answers = Literal["ask", "yes", "nobody"]

log = logging.getLogger(__name__)

ENDINGS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Ctrl-C, a polite kill, a closed terminal, Ctrl-Break on Windows: each puts the outputs to rest first."""


def sit(wish: Wish, *, answers: Answers, page: Page | None = None) -> tuple[RunFinished, Path]:
    """Run `wish` before a person, who has a `page` open as well if there is one.

    Ctrl-C stops (outputs to rest, data kept), twice leaves out 'finish'; space pauses, s stops after the sweep.
    """
    controls = Controls()
    if page is not None:
        return _sit_at_page(wish, controls, page, answers=answers)
    keys = Keys({" ": controls.toggle_pause, "s": lambda: controls.stop(after_sweep=True)})
    with Terminal() as terminal, keys:
        asker = TerminalPerson(terminal, keys)
        persons: dict[str, Person] = {"ask": asker, "yes": AlwaysYes(), "nobody": Unattended()}

        def end(*_: Any) -> None:
            controls.stop()
            if asker.is_asking:
                raise KeyboardInterrupt

        with _on_endings(end), _door_for_later(wish, controls) as door:
            return run(wish, observers=[terminal], person=persons[answers], controls=controls, door=door)


@contextmanager
def _door_for_later(wish: Wish, controls: Controls) -> Iterator[Door | None]:
    """Open the run's door, so that a page can be opened on it; a dry run is over too soon for that.

    Without a door the run is as good: what prevents it is a line in the log.
    """
    from acquisition.door import Door

    with ExitStack() as opened:
        door = None
        if wish.speed is not None:
            try:
                door = opened.enter_context(Door(controls))
            except OSError as error:
                log.warning("'patchrig view' will not be able to steer this run: %s", error)
        yield door


def _sit_at_page(wish: Wish, controls: Controls, page: Page, *, answers: Answers) -> tuple[RunFinished, Path]:
    """Run `wish` before a person who may sit at the page or at the terminal: a question can be answered at both."""
    from acquisition.door import Door
    from acquisition.person import AtTheDoor

    if page.begins_with_pipette:
        controls.watch_pipette("bath")
    with Door(controls) as door:
        actions = {" ": controls.toggle_pause, "s": lambda: controls.stop(after_sweep=True)}
        choices = {str(n): partial(door.questions.choose, n - 1) for n in range(1, 10)}
        keys = Keys({**actions, **choices})
        with Terminal() as terminal, keys, page.open(), _on_endings(lambda *_: controls.stop()):
            asker = AlwaysYes() if answers == "yes" else Aloud(AtTheDoor(door), terminal)
            return run(wish, observers=[terminal], person=asker, controls=controls, door=door)


@dataclass(frozen=True)
class Page:
    """How the page is opened beside a run."""

    open: Callable[[], AbstractContextManager[None]]
    begins_with_pipette: bool = False
    """Whether the run begins paused, with test pulses in the bath."""


class Aloud(Person):
    """Somebody whose questions are shown in the terminal, too, with the keys that answer them there."""

    def __init__(self, person: Person, terminal: Terminal) -> None:
        """Ask `person`, and write the question to `terminal`."""
        self._person, self._terminal = person, terminal

    def ask(self, question: str, options: tuple[str, ...], *, otherwise: str) -> str:
        """Return what the person says."""
        keys = ", ".join(f"{n} {option}" for n, option in enumerate(options, 1))
        self._terminal.say(f"{question} (here or on the page: {keys})")
        return self._person.ask(question, options, otherwise=otherwise)


@contextmanager
def _on_endings(act: Callable[..., None]) -> Iterator[None]:
    """Call `act` for every signal that would end the process, and put the old handlers back."""
    signals = [getattr(signal, name) for name in ENDINGS if hasattr(signal, name)]
    before = {s: signal.signal(s, act) for s in signals}
    try:
        yield
    finally:
        for s, handler in before.items():
            signal.signal(s, handler)
