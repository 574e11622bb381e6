"""Who says what time it is: the wall, or the one who waits.

All code that waits takes one of these, so no test sleeps and an hour's protocol can be rehearsed in seconds.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod


class Clock(ABC):
    """Seconds since the session's start, and the only way to wait."""

    is_wall_time: bool = False
    """Whether a second is a second: devices of metal need that."""

    @abstractmethod
    def now(self) -> float:
        """Return seconds since the session's start."""

    @abstractmethod
    def wait_until(self, moment: float) -> None:
        """Return when `moment` (seconds since the session's start) has come; at once if it is past."""


class WallClock(Clock):
    """Real time, or `speed` times faster for a rehearsal that a person watches."""

    def __init__(self, speed: float = 1.0) -> None:
        """Start now."""
        self._speed = speed
        self.is_wall_time = speed == 1.0
        self._start = time.monotonic()

    def now(self) -> float:
        """Return seconds since construction, times the speed."""
        return (time.monotonic() - self._start) * self._speed

    def wait_until(self, moment: float) -> None:
        """Sleep."""
        time.sleep(max(0.0, (moment - self.now()) / self._speed))


class DemandClock(Clock):
    """Time moves only when someone would wait: a dry run takes as long as its computations."""

    def __init__(self) -> None:
        """Start at zero."""
        self._now = 0.0

    def now(self) -> float:
        """Return the moment of the latest wait."""
        return self._now

    def wait_until(self, moment: float) -> None:
        """Jump."""
        self._now = max(self._now, moment)
