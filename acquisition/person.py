"""Who answers the questions of a run."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Person(ABC):
    """Someone at the rig, or nobody."""

    @abstractmethod
    def ask(self, question: str, options: tuple[str, ...]) -> str:
        """Return one of `options`."""


class Unattended(Person):
    """Nobody is there: the first option is taken, and the log says so."""

    def ask(self, question: str, options: tuple[str, ...]) -> str:  # noqa: ARG002  there is nobody to read it
        """Return the first option."""
        return options[0]
