"""One cell of a study without its samples: small, picklable, JSON-able, and all that the report needs of a session."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from acquisition.analysis.summary import Change

PRIMARY = ("A_1000", "S_fix")
"""The two measures that answer the question; no correction for their number."""
SECONDARY = ("A_pk", "D50", "tau_s", "adaptation")
"""Corrected together (Holm); those that no session has are left out."""
CONFOUNDS = ("Rin", "V_b", "I_step", "Rs", "n_ap")
"""What could pass for an effect."""
DURATIONS = frozenset({"D50", "D10", "D0"})
"""Measures that may be censored: the sweep ended before the cell had come back."""


class Role(StrEnum):
    """What a phase is for in the study's design."""

    BASELINE = "baseline"
    TEST = "test"
    """The drug, or in a vehicle cell what stands in its place."""
    WASH = "wash"
    OTHER = "other"
    """Recorded, shown in the time course, not compared."""


@dataclass(frozen=True)
class Rules:
    """What is asked of every session alike."""

    last: int = 10
    """Accepted sweeps at the end of a phase that enter its means."""
    vehicle: str | None = None
    """A solution, by label, name or compound, that counts as vehicle although the protocol names a compound in it."""


@dataclass(frozen=True)
class Solution:
    """What flowed."""

    label: str
    compound: str | None = None
    """None: nothing beyond what the baseline had, so a vehicle or time control."""
    concentration: float | None = None
    """mol/l."""
    vehicle: str | None = None
    """The compound's, such as '0.01 % DMSO'."""

    @property
    def is_vehicle(self) -> bool:
        """Whether nothing is in it that the baseline had not."""
        return self.compound is None


@dataclass(frozen=True)
class Mean:
    """A measure over the accepted sweeps of a phase, SI."""

    value: float
    """NaN when it could not be had; for a duration with censored sweeps, their Kaplan-Meier median."""
    sd: float
    """Between sweeps; NaN with fewer than two."""
    n: int
    """Sweeps with a value."""
    censored: int = 0
    """Sweeps of which only a lower bound is known."""
    bound: float = math.nan
    """Where `value` is NaN because too many sweeps are censored: it is longer than this."""
    unit: str = ""
    """SI."""

    @property
    def is_censored(self) -> bool:
        """Whether only a bound is known."""
        return not math.isfinite(self.value) and math.isfinite(self.bound)


NOT_MEASURED = Mean(math.nan, math.nan, 0)


@dataclass(frozen=True)
class CellPhase:
    """One run of sweeps in one solution."""

    role: Role
    label: str
    """Name of the series in the protocol."""
    solution: Solution
    start: float
    """Seconds from the session's start to the first and the last accepted sweep."""
    stop: float
    minutes: tuple[float, float]
    """The same, in minutes from the arrival of the first test solution."""
    accepted: int
    """Sweeps in the means."""
    recorded: int
    measures: Mapping[str, Mean] = field(repr=False)
    is_comparable: bool = True
    """False: access or input resistance changed too much since the baseline for a paired comparison."""
    remarks: tuple[str, ...] = ()
    """What `review` says of the phase: not steady, step current changed, ..."""

    def mean(self, measure: str) -> Mean:
        """Return a measure, `NOT_MEASURED` if the session has none."""
        return self.measures.get(measure, NOT_MEASURED)


@dataclass(frozen=True)
class CoursePoint:
    """One sweep in the time course, SI."""

    sweep: int
    minutes: float
    """From the arrival of the first test solution."""
    role: Role
    is_accepted: bool
    percent: float
    """A_1000 in % of the baseline's mean."""
    values: Mapping[str, float]
    """A_1000 and the confounds."""


@dataclass(frozen=True)
class LeftOut:
    """A sweep that does not enter means, and why."""

    sweep: int
    minutes: float
    phase: str
    role: Role
    reason: str


@dataclass(frozen=True)
class Within:
    """What changed within this cell, as `review` says it: descriptive, one measure of one later phase."""

    measure: str
    phase: str
    difference: float
    interval: tuple[float, float]
    percent: float
    percent_interval: tuple[float, float]

    @classmethod
    def of(cls, change: Change) -> Within:
        """Return the summary's change as plain numbers."""
        e = change.effect
        return cls(change.measure, change.after, e.difference, e.interval, e.percent, e.percent_interval)


VIRTUAL = "virtual"
"""Names of animals that there are none of begin so: those of a rehearsal's cells."""


@dataclass(frozen=True)
class Cell:
    """A session of a study."""

    path: str
    identifier: str
    """The session's UUID."""
    session: str
    animal: str
    cell: str
    slice: str | None
    """If the session says which."""
    age: str
    strain: str
    sex: str
    started: str
    """ISO 8601, with time zone."""
    is_simulated: bool
    title: str
    """Of the protocol."""
    protocol_text: str = field(repr=False)
    solutions: tuple[str, ...]
    """Every name of a solution in the protocol: keys, labels, compounds."""
    software: Mapping[str, str] = field(repr=False)
    analysers: tuple[str, ...]
    phases: tuple[CellPhase, ...]
    within: tuple[Within, ...] = field(repr=False)
    course: tuple[CoursePoint, ...] = field(repr=False)
    left_out: tuple[LeftOut, ...] = field(repr=False)
    is_accepted: bool
    reasons: tuple[str, ...]
    """Why the cell is left out."""
    warnings: tuple[str, ...] = ()
    temperature: float = math.nan
    """Mean of the bath during the sweeps, degC."""
    filtering: str = ""
    """The amplifier's output filter, such as 'low-pass 4 kHz'."""

    @property
    def is_virtual(self) -> bool:
        """Whether it is of a rehearsal: no living cell, and no animal either."""
        return self.is_simulated and self.animal.startswith(VIRTUAL)

    @property
    def baseline(self) -> CellPhase | None:
        """The phase everything is compared with; None when no baseline sweep was accepted."""
        return next((p for p in self.phases if p.role is Role.BASELINE), None)

    @property
    def tests(self) -> tuple[CellPhase, ...]:
        """The phases that are compared with the baseline, in order."""
        return tuple(p for p in self.phases if p.role is Role.TEST)

    @property
    def wash(self) -> CellPhase | None:
        """The last phase of wash-out."""
        found = [p for p in self.phases if p.role is Role.WASH]
        return found[-1] if found else None

    @property
    def is_cumulative(self) -> bool:
        """Whether it had several test solutions one after the other."""
        return len({p.solution for p in self.tests}) > 1

    def as_mapping(self) -> dict[str, Any]:
        """Return the record as JSON-able SI numbers; NaN becomes None, and the protocol's text is left out."""
        facts: dict[str, Any] = _plain(asdict(self))
        del facts["protocol_text"]
        return facts

    def names(self) -> Iterator[str]:
        """Yield every measure that a phase has, in order."""
        yield from dict.fromkeys(name for p in self.phases for name in p.measures)


@dataclass(frozen=True)
class Unreadable:
    """A file that could not be read, and why."""

    path: str
    reason: str


def _plain(value: Any) -> Any:
    """Return `value` with lists for tuples and None for NaN."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
