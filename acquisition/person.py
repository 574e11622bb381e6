"""Who answers the questions of a run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from protocols.errors import StoppedByPerson

if TYPE_CHECKING:
    from acquisition.door import Door

GLANCE = 0.1
"""Seconds between looks, while a question waits, whether the run is to be stopped."""


class Person(ABC):
    """Someone at the rig, or nobody."""

    @abstractmethod
    def ask(self, question: str, options: tuple[str, ...], *, otherwise: str) -> str:
        """Return one of `options`; `otherwise` is the answer when there is nobody.

        Raises
        ------
        StoppedByPerson
            The person answered with Ctrl-C.
        """


class Unattended(Person):
    """Nobody is there: a gate that would ask stops the run, a prompt takes its first option."""

    def ask(self, question: str, options: tuple[str, ...], *, otherwise: str) -> str:  # noqa: ARG002  nobody reads
        """Return `otherwise`."""
        return otherwise


class AlwaysYes(Person):
    """The person said beforehand: take the first option of every question."""

    def ask(self, question: str, options: tuple[str, ...], *, otherwise: str) -> str:  # noqa: ARG002  nobody reads
        """Return the first option."""
        return options[0]


class AtTheDoor(Person):
    """A person at the page, or at a terminal beside it."""

    def __init__(self, door: Door) -> None:
        """Ask through `door`."""
        self._door = door

    def ask(self, question: str, options: tuple[str, ...], *, otherwise: str) -> str:  # noqa: ARG002  somebody may come
        """Return the option that somebody chooses. Stopping the run at once answers every question."""

        def glance() -> None:
            if self._door.controls.stops == "now":
                raise StoppedByPerson(f"at the question: {question}")

        return self._door.questions.ask(question, options, every=GLANCE, glance=glance)
