"""A person at the terminal sits through a run: sees it, answers, and can stop it with Ctrl-C."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from acquisition.controls import Controls
from acquisition.run import Wish, run
from acquisition.terminal import Terminal, TerminalPerson

if TYPE_CHECKING:
    from pathlib import Path

    from acquisition.events import RunFinished


def sit(wish: Wish, *, ask: bool) -> tuple[RunFinished, Path]:
    """Run `wish` before a person; Ctrl-C stops (outputs to rest, data kept), twice leaves out 'finish'."""
    controls = Controls()

    def on_interrupt(number: int, frame: Any) -> None:  # noqa: ARG001  the signature is Python's
        controls.stop()

    with Terminal() as terminal:
        before = signal.signal(signal.SIGINT, on_interrupt)
        try:
            person = TerminalPerson(terminal) if ask else None
            return run(wish, observers=[terminal], person=person, controls=controls)
        finally:
            signal.signal(signal.SIGINT, before)
