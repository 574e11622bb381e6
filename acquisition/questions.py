"""A question of the run, which the engine's thread asks and any other may answer."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Questions:
    """The question that waits for an answer, if there is one; any thread may answer."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """Begin without a question; `changed` is called whenever one comes or is answered."""
        self._changed = changed
        self._number = 0
        self._answered = threading.Condition()
        self._answer: str | None = None
        self.pending: dict[str, Any] | None = None

    def ask(self, question: str, options: tuple[str, ...], *, every: float, glance: Callable[[], None]) -> str:
        """Return the option that somebody chose; call `glance`, which may raise, every so many seconds meanwhile."""
        with self._answered:
            self._number += 1
            self._answer = None
            self.pending = {"id": self._number, "text": question, "options": list(options)}
        self._changed()
        try:
            while True:
                with self._answered:
                    if self._answer is None:
                        self._answered.wait(every)
                    if self._answer is not None:
                        return self._answer
                glance()
        finally:
            with self._answered:
                self.pending = None
            self._changed()

    def answer(self, number: int | None, option: str) -> bool:
        """Answer question `number` (None: whichever waits); return False if it is not the one that waits."""
        with self._answered:
            pending = self.pending
            if pending is None or (number is not None and number != pending["id"]) or option not in pending["options"]:
                return False
            self._answer = option
            self._answered.notify_all()
            return True

    def choose(self, place: int) -> None:
        """Answer with the option at `place`, from 0 on, if there is a question: for single keys of a terminal."""
        pending = self.pending
        if pending is not None and place < len(pending["options"]):
            self.answer(pending["id"], pending["options"][place])
