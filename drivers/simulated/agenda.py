"""What is to happen in the simulated world, in the order of its time."""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Act = Callable[[], None]


class Agenda:
    """Acts with their moments. What is due at the same moment happens in the order in which it was entered."""

    def __init__(self) -> None:
        """Have nothing to do."""
        self._waiting: list[tuple[float, int, Act]] = []
        self._number = count()

    def enter(self, moment: float, act: Act) -> None:
        """Let `act` happen at `moment`, seconds from the session's start; at once if that is past."""
        heapq.heappush(self._waiting, (moment, next(self._number), act))

    def first(self) -> float | None:
        """Return the moment of what comes next; None if nothing does."""
        return self._waiting[0][0] if self._waiting else None

    def take(self) -> Act:
        """Return what comes next, and strike it off."""
        return heapq.heappop(self._waiting)[2]
