"""Who answers the questions of a run."""

from __future__ import annotations

from abc import ABC, abstractmethod


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
