"""A person at the terminal sits through a run: sees it, answers, pauses it, and can stop it."""

from __future__ import annotations

import signal
from contextlib import contextmanager
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

    from acquisition.events import RunFinished

    Answers = Literal["ask", "yes", "nobody"]

ENDINGS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Ctrl-C, a polite kill, a closed terminal, Ctrl-Break on Windows: each puts the outputs to rest first."""


def sit(wish: Wish, *, answers: Answers) -> tuple[RunFinished, Path]:
    """Run `wish` before a person.

    Ctrl-C stops (outputs to rest, data kept), twice leaves out 'finish'; space pauses, s stops after the sweep.
    """
    controls = Controls()
    keys = Keys({" ": controls.toggle_pause, "s": lambda: controls.stop(after_sweep=True)})
    with Terminal() as terminal, keys:
        asker = TerminalPerson(terminal, keys)
        persons: dict[str, Person] = {"ask": asker, "yes": AlwaysYes(), "nobody": Unattended()}

        def end(*_: Any) -> None:
            controls.stop()
            if asker.is_asking:
                raise KeyboardInterrupt

        with _on_endings(end):
            return run(wish, observers=[terminal], person=persons[answers], controls=controls)


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
