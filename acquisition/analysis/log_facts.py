"""What the session's log says that no sweep does: when a solution arrived, what the cell was at without current."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from protocols.sweeps import LogEntry


@dataclass(frozen=True)
class Switch:
    """A solution that was switched to."""

    label: str
    switched: float
    """Seconds from the session's start at which the valve opened."""
    arrives: float
    """And at which the solution was in the bath: the valve's time plus the rig's dead time."""
    compound: str | None = None
    concentration: float | None = None
    """mol/L."""


@dataclass(frozen=True)
class LogFacts:
    """What the log knows; nothing, for a recording without one."""

    switches: tuple[Switch, ...] = ()
    """In order; a solution that was flowing already is not a switch. The first is the control."""
    resting_potential: float | None = None
    """The first that was noted, V."""

    def arrival(self, condition: str, before: float) -> float | None:
        """Return when the solution called `condition` last arrived before a session time, s; None if it never did."""
        times = [s.arrives for s in self.switches if s.label == condition and s.switched <= before]
        return times[-1] if times else None


def facts_of(log: Iterable[LogEntry]) -> LogFacts:
    """Return what a session's log says of solutions and of the resting potential.

    >>> facts_of(session.log).arrival("MEM 1003 1 µM", before=3600.0)  # doctest: +SKIP
    """
    switches: list[Switch] = []
    resting: float | None = None
    for entry in log:
        if entry.kind == "solution" and (not switches or switches[-1].label != _label(entry)):
            switches.append(_switch(entry))
        elif entry.kind == "rest" and resting is None:
            resting = float(entry.data["potential"])
    return LogFacts(tuple(switches), resting)


def _label(entry: LogEntry) -> str:
    return str(entry.data.get("label", entry.text))


def _switch(entry: LogEntry) -> Switch:
    switched = float(entry.data.get("switched", entry.time))
    compound, concentration = entry.data.get("compound"), entry.data.get("concentration")
    return Switch(
        _label(entry),
        switched,
        float(entry.data.get("arrives", switched)),
        None if compound is None else str(compound),
        None if concentration is None else float(concentration),
    )
