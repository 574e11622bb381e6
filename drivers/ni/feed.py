"""What outputs play, on its way to the card: always some samples ahead of what was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from protocols.sweeps import Sweep

START = 1.0
"""Seconds that are written before a sweep starts: more would delay its onset, by a slow network for long."""
GROWTH = 10
"""Blocks that are written while one is read, until the lead is reached."""


class Clocked(Protocol):
    """A task that plays samples on the inputs' clock."""

    def arm(self, rate: float, samples: int, *, buffer: int | None, trigger: bool) -> None:
        """Set clock, trigger and buffer."""

    def write(self, rows: NDArray[Any], /) -> None:
        """Append samples."""

    def start(self) -> None:
        """Wait for the clock."""

    def check(self) -> None:
        """Raise if it has stopped by itself."""


@dataclass(frozen=True)
class Ahead:
    """How far outputs are ahead of what was read, in samples."""

    start: int
    """Before the clock starts."""
    lead: int
    """Later on; a computer that stalls for longer ends the sweep."""
    growth: int
    """Most that is written at a time to get there."""

    @classmethod
    def of(cls, sweep: Sweep, lead: float, block: int) -> Ahead:
        """Return it for a sweep that is read in blocks of `block` samples, with a lead of `lead` seconds."""
        least = 2 * block  # for one is being read
        start = max(round(min(lead, START) * sweep.rate), least)
        whole = max(round(lead * sweep.rate), least)
        return cls(start, min(whole, sweep.n_samples + start), GROWTH * block)


class Feed:
    """One output's samples. Behind the sweep's end the last level goes on until the card is stopped."""

    def __init__(
        self, task: Clocked, sweep: Sweep, samples: Callable[[int, int], NDArray[Any]], ahead: Ahead | None
    ) -> None:
        """Take `samples` (first, count) from a function; without `ahead` all are written before the start."""
        self._task, self._sweep, self._samples, self._ahead = task, sweep, samples, ahead
        self._written = 0

    def arm(self, buffer: int | None, *, trigger: bool) -> None:
        """Set the clock and write ahead."""
        count = self._sweep.n_samples if self._ahead is None else self._ahead.start
        self._task.arm(self._sweep.rate, count, buffer=buffer, trigger=trigger)
        self._write_up_to(count)

    def start(self) -> None:
        """Wait for the inputs' clock."""
        self._task.start()

    def feed(self, done: int) -> None:
        """Write on, now that `done` samples were read.

        Raises
        ------
        CardError
            The output has run dry, or the card fails.
        """
        if self._ahead is not None:
            a = self._ahead
            wanted = min(done + a.lead, self._sweep.n_samples + a.start)
            self._write_up_to(min(wanted, max(self._written + a.growth, done + a.start)))
        if done >= self._sweep.n_samples:
            self._task.check()

    def _write_up_to(self, end: int) -> None:
        if end > self._written:
            self._task.write(self._samples(self._written, end - self._written))
            self._written = end
