"""What observers are told while a run goes on. Frozen values; an observer can keep them, never change them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from acquisition.analysis.stability import Verdict
    from protocols.sweeps import Frame, LogEntry, Measurement, SweepHeader

Reason = Literal["finished", "stopped by a gate", "stopped by the person", "hardware failed", "failed"]


@dataclass(frozen=True)
class StepStarted:
    """A step of the protocol begins."""

    time: float
    number: int
    of: int
    verb: str
    text: str


@dataclass(frozen=True)
class SweepStarted:
    """A sweep is about to be played."""

    header: SweepHeader


@dataclass(frozen=True)
class FrameArrived:
    """Samples of the present sweep. May be dropped when an observer is slow."""

    frame: Frame


@dataclass(frozen=True)
class Measured:
    """Numbers that became final."""

    measurements: tuple[Measurement, ...]


@dataclass(frozen=True)
class SweepFinished:
    """A sweep ended; its samples are with the writer."""

    header: SweepHeader
    complete: bool


@dataclass(frozen=True)
class SeriesProgress:
    """Where a series stands after a sweep."""

    name: str
    done: int
    expected: int
    """The most sweeps there can be."""
    verdict: Verdict | None = None
    """The stability criterion, when there is one."""


@dataclass(frozen=True)
class Waiting:
    """Nothing is recorded until `until` (seconds from the session's start)."""

    time: float
    until: float
    text: str


@dataclass(frozen=True)
class Logged:
    """A line of the session's log was written."""

    entry: LogEntry


@dataclass(frozen=True)
class RunFinished:
    """The run is over, outputs are at rest, the file is closed."""

    reason: Reason
    text: str
    time: float
    sweeps: int


Event = (
    StepStarted
    | SweepStarted
    | FrameArrived
    | Measured
    | SweepFinished
    | SeriesProgress
    | Waiting
    | Logged
    | RunFinished
)


class Observer(Protocol):
    """Someone who looks on: the terminal, the page.

    One that does nothing with blocks of samples may say so with `sees_samples = False`. Where nobody wants them they
    wake no thread.
    """

    def __call__(self, event: Event) -> None:
        """Take note of `event`. Raising does no harm to the run: the observer is dismissed."""
