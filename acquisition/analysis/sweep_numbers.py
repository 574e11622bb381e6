"""Sweeps without their samples: what a comparison needs to know of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from acquisition.acceptance import HEADLINE, by_sweep, is_accepted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from protocols.sweeps import Measurement

NOTHING: Mapping[int, str] = MappingProxyType({})


@dataclass(frozen=True)
class SweepNumbers:
    """A sweep without its samples: where it belongs and what was measured."""

    index: int
    label: str
    kind: str
    run: int
    condition: str
    start: float
    """Seconds from the session's start."""
    measurements: tuple[Measurement, ...]
    is_rejected: bool = False
    """The run left it out, by a gate or by a person."""
    reason: str = ""
    """Why the run left it out."""

    @property
    def is_accepted(self) -> bool:
        """Whether it enters means."""
        return not self.is_rejected and is_accepted(self.measurements, HEADLINE)

    def measured(self, name: str) -> Measurement | None:
        """Return the measurement of that name, if there is one."""
        return next((m for m in self.measurements if m.name == name), None)

    def value(self, name: str) -> float:
        """Return the value of a measure, SI; NaN if it was not made."""
        return next((m.value for m in self.measurements if m.name == name), math.nan)


class Listed(Protocol):
    """A line of a session's list of sweeps."""

    @property
    def index(self) -> int:
        """Number of the sweep."""

    @property
    def label(self) -> str:
        """Name of its step."""

    @property
    def kind(self) -> str:
        """Verb of its step."""

    @property
    def run(self) -> int:
        """Which execution of which step."""

    @property
    def condition(self) -> str:
        """What the cell experienced."""

    @property
    def start(self) -> float:
        """Seconds from the session's start."""


def gather(
    sweeps: Iterable[Listed], measurements: Iterable[Measurement], rejected: Mapping[int, str] = NOTHING
) -> tuple[SweepNumbers, ...]:
    """Return each sweep of a session with one value of each measure; `rejected` says which the run left out, and why.

    >>> gather(session.sweeps, session.measurements, session.rejected)  # doctest: +SKIP
    """
    made = by_sweep(measurements)
    return tuple(
        SweepNumbers(
            s.index,
            s.label,
            s.kind,
            s.run,
            s.condition,
            s.start,
            tuple(made.get(s.index, {}).values()),
            s.index in rejected,
            rejected.get(s.index, ""),
        )
        for s in sweeps
    )
