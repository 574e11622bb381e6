"""One way to go before others, whatever the system calls it."""

from __future__ import annotations

from abc import ABC, abstractmethod

NICE = -10
"""Of -20 to 19: about nine times the share of a program at 0 (sched(7): a factor of 1.25 a step)."""


class Way(ABC):
    """One way to go before others."""

    words: str
    """What it is, for the session's log."""
    is_strict: bool = False
    """Whether others wait as long as we compute; otherwise they have a smaller share."""

    @abstractmethod
    def take(self) -> None:
        """Go first, with every thread there is; to be called again for threads that began later.

        Every thread: any of them can hold the interpreter's lock, and one that holds it and waits for its turn on the
        processor keeps all the others waiting, however far in front they are.

        Raises
        ------
        OSError
            The system refuses.
        """

    @abstractmethod
    def give_back(self) -> None:
        """Be as before.

        Raises
        ------
        OSError
            The system refuses.
        """
