"""How a run went, from its log: the time of each step, what gates did, which sweeps were rejected and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from acquisition.injection import MISSED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from protocols.sweeps import LogEntry

FINISH = "finish"
"""The protocol's last part, as one phase."""
BEFORE = "start"
"""What comes before the first step."""
_VALUE = re.compile(r" (?:is )?[-+]?\d[\d.]*(?:e[-+]?\d+)?(?: (?:MOhm|pA|mV|degC|%))?(?=[;:,])")
_NUMBER_FIRST = re.compile(r"^\d+ ")
_SWEEPS = re.compile(r" \(\d+ of \d+ sweeps?\)")


@dataclass(frozen=True)
class Phase:
    """A step of the protocol as it was run."""

    name: str
    """As people read it: '5 series: baseline'."""
    start: float
    """Seconds from the session's start."""
    stop: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.stop - self.start


@dataclass(frozen=True)
class Trip:
    """A gate that acted."""

    cause: str
    """What tripped, without the value that was seen: 'access resistance; wanted below 25 MOhm'."""
    action: str
    """note, skip, ask or stop."""
    phase: str


@dataclass(frozen=True)
class Course:
    """One run."""

    phases: tuple[Phase, ...]
    trips: tuple[Trip, ...]
    ended_by: Trip | None = None
    """The gate that ended the steps, or else 'finish'."""
    missed: tuple[str, ...] = ()
    """Injected faults whose moment never came: 'fault 3 (cell_death, sweep 60)'."""

    @property
    def last(self) -> str:
        """The step in which the main part ended."""
        main = [p.name for p in self.phases if p.name != FINISH]
        return main[-1] if main else BEFORE


def course_of(log: Sequence[LogEntry], *, answers: bool = False) -> Course:
    """Return how the run went that wrote `log`; with `answers`, a gate that asks was told to go on."""
    trips, ending = tuple(_trips(log)), ("stop",) if answers else ("ask", "stop")
    missed = tuple(entry.text.partition(" never came")[0] for entry in log if entry.kind == MISSED)
    return Course(tuple(_phases(log)), trips, next((t for t in trips if t.action in ending), None), missed)


def cause_of(text: str) -> str:
    """Return why something did not hold, without the value that was seen: so cells can be counted by it.

    >>> cause_of("access resistance is 25.31 MOhm; wanted below 25 MOhm")
    'access resistance; wanted below 25 MOhm'
    >>> cause_of("no current in 200 pA .. 400 pA by 25 pA gave 3..4 spikes; nearest was 400 pA with 2")
    'no current in 200 pA .. 400 pA by 25 pA gave 3..4 spikes'
    >>> cause_of("access resistance rose 31 %, limit 20 %")
    'access resistance rose, limit 20 %'
    >>> cause_of("4 accepted baseline sweeps, 6 needed")
    'too few accepted baseline sweeps, 6 needed'
    """
    text = _SWEEPS.sub("", _NUMBER_FIRST.sub("too few ", text.partition("; nearest was ")[0]))
    text = _VALUE.sub("", text, count=1)
    return re.sub(r"(' is not steady): .*", r"\1", text)


def _phases(log: Iterable[LogEntry]) -> Iterator[Phase]:
    """Yield the steps in order; those of 'finish' together."""
    name, start, now = "", 0.0, 0.0
    for entry in log:
        now = entry.time
        if entry.kind != "step":
            continue
        begun = _name(entry)
        if begun == name == FINISH:
            continue
        if name:
            yield Phase(name, start, now)
        name, start = begun, now
    if name:
        yield Phase(name, start, now)


def _name(entry: LogEntry) -> str:
    """Return '5 baseline: ...' for the line of a step."""
    head, _, words = entry.text.partition(": ")
    return FINISH if head.startswith(FINISH) else f"{entry.data.get('number', '?')} {words}"


def _trips(log: Iterable[LogEntry]) -> Iterator[Trip]:
    phase = BEFORE
    for entry in log:
        if entry.kind == "step":
            phase = _name(entry)
        elif entry.kind == "gate":
            action = str(entry.data.get("action", ""))
            yield Trip(cause_of(entry.text.removesuffix(f" ({action})")), action, phase)
        elif entry.kind == "rejected":
            yield Trip(cause_of(str(entry.data.get("reason", entry.text))), "skip", phase)
