"""What time does on the board: it passes, or it waits to be wanted."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from drivers.clock import DemandClock, WallClock

if TYPE_CHECKING:
    from threading import Condition

    from drivers.clock import Clock

GLANCE = 0.005
"""Seconds of a person's time between looks at what has come in; the lateness of a block is at most this."""


class Pace(ABC):
    """How the board waits. Seconds are the board's own unless said otherwise."""

    clock: Clock
    passes_by_itself: bool
    """Whether somebody must keep the cell alive while no client asks."""

    def now(self) -> float:
        """Return seconds since the board was switched on."""
        return self.clock.now()

    @abstractmethod
    def deadline(self, timeout: float) -> float:
        """Return the moment at which a client who waits `timeout` of its own seconds gives up; -1 is never."""

    @abstractmethod
    def wait(self, changed: Condition, moment: float) -> None:
        """Let time pass towards `moment`; the caller holds `changed` and looks again afterwards."""


class WallPace(Pace):
    """Time passes as on the wall, or `speed` times as fast."""

    passes_by_itself = True

    def __init__(self, speed: float = 1.0) -> None:
        """Start now."""
        self.clock, self._speed = WallClock(speed), speed

    def deadline(self, timeout: float) -> float:
        """Return the moment, a client's second being `speed` of the board's."""
        return math.inf if timeout < 0 else self.now() + timeout * self._speed

    def wait(self, changed: Condition, moment: float) -> None:
        """Sleep until `moment`, a change or a glance later."""
        changed.wait(min(max((moment - self.now()) / self._speed, 0.0), GLANCE))


class DemandPace(Pace):
    """Time stands still until a client would have to wait; then it jumps there.

    So a study takes as long as its computations, and the same calls give the same samples.
    """

    passes_by_itself = False

    def __init__(self) -> None:
        """Start at zero."""
        self.clock = DemandClock()

    def deadline(self, timeout: float) -> float:
        """Return the moment."""
        return math.inf if timeout < 0 else self.now() + timeout

    def wait(self, changed: Condition, moment: float) -> None:
        """Jump; where there is nothing to jump to, wait for another client's doings."""
        if math.isinf(moment):
            changed.wait(GLANCE)
        else:
            self.clock.wait_until(moment)
