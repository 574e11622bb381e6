"""What each phase of a session is for: baseline, test solution, wash-out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from acquisition.acceptance import EXCLUDING
from acquisition.analysis.log_facts import facts_of
from acquisition.analysis.phases import burst_runs
from acquisition.study.cell import DURATIONS, NOT_MEASURED, CellPhase, Mean, Role, Rules, Solution
from acquisition.study.durations import mean_of_sweeps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from acquisition.analysis.summary import Phase, Summary, SweepNumbers
    from acquisition.study.source import Source
    from protocols.protocol import Protocol

ARRIVING = " (arriving)"


@dataclass(frozen=True)
class Run:
    """All sweeps of one series in time order, before it is asked which count."""

    label: str
    condition: str
    """The solution that was in the bath at its end."""
    sweeps: tuple[SweepNumbers, ...]


@dataclass(frozen=True)
class Timeline:
    """The series of a session that can be compared with each other, and what each is for."""

    runs: tuple[Run, ...]
    roles: tuple[Role, ...]
    solutions: Mapping[str, Solution]
    """Label -> what it is."""
    zero: float
    """Arrival of the first test solution, s from the session's start."""

    @classmethod
    def of(cls, session: Source, numbers: Sequence[SweepNumbers], rules: Rules) -> Timeline:
        """Read the order of solutions from protocol, sweeps and log."""
        runs = _comparable(_runs(numbers), session.protocol)
        base = runs[0].condition if runs else ""
        solutions = _solutions(session.protocol, base, rules)
        for run in runs:
            solutions.setdefault(run.condition, Solution(run.condition))
        roles = _roles(runs, solutions)
        return cls(runs, roles, solutions, _arrival(session, runs, roles))

    @property
    def bursts(self) -> tuple[SweepNumbers, ...]:
        """All sweeps of these series."""
        return tuple(s for run in self.runs for s in run.sweeps)

    def minutes(self, seconds: float) -> float:
        """Return session time as minutes from the test solution's arrival."""
        return (seconds - self.zero) / 60

    def role(self, sweep: SweepNumbers) -> Role:
        """Return what a sweep's series is for."""
        return next(role for run, role in zip(self.runs, self.roles, strict=True) if sweep in run.sweeps)


def phases_of(summary: Summary, numbers: Sequence[SweepNumbers], timeline: Timeline) -> tuple[CellPhase, ...]:
    """Return the phases that have accepted sweeps, each with the means that `review` shows."""
    by_index = {s.index: s for s in numbers}
    out = []
    for phase in summary.phases:
        sweeps = [by_index[i] for i in phase.sweeps]
        run = next((r for r in timeline.runs if sweeps[0] in r.sweeps), None)
        if run is not None:
            out.append(_phase(phase, sweeps, run, timeline))
    return tuple(out)


def _phase(phase: Phase, sweeps: Sequence[SweepNumbers], run: Run, timeline: Timeline) -> CellPhase:
    return CellPhase(
        role=timeline.roles[timeline.runs.index(run)],
        label=phase.label,
        solution=timeline.solutions[run.condition],
        start=phase.start,
        stop=phase.stop,
        minutes=(timeline.minutes(phase.start), timeline.minutes(phase.stop)),
        accepted=len(phase.sweeps),
        recorded=phase.recorded,
        measures=_means(sweeps, phase.values),
        is_comparable=phase.is_comparable,
        remarks=phase.reasons,
    )


def _means(sweeps: Sequence[SweepNumbers], known: Mapping[str, tuple[float, ...]]) -> dict[str, Mean]:
    """Return every measure's mean; those of the summary are taken as it has them."""
    units = {m.name: m.unit for s in sweeps for m in s.measurements}
    out = {
        name: mean_of_sweeps(sweeps, name) if name in DURATIONS else _mean(known.get(name) or _values(sweeps, name))
        for name in units
    }
    return {name: replace(mean, unit=units[name]) for name, mean in out.items() if mean.n or mean.censored}


def _values(sweeps: Sequence[SweepNumbers], name: str) -> tuple[float, ...]:
    found = (m for s in sweeps for m in s.measurements if m.name == name)
    return tuple(m.value for m in found if math.isfinite(m.value) and EXCLUDING.isdisjoint(m.flags))


def _mean(values: Sequence[float]) -> Mean:
    if not values:
        return NOT_MEASURED
    return Mean(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else math.nan, len(values))


def _runs(numbers: Sequence[SweepNumbers]) -> list[Run]:
    """Return the series whose sweeps can be compared, in the order of time."""
    return [Run(sweeps[-1].label, sweeps[-1].condition, tuple(sweeps)) for sweeps in burst_runs(numbers)]


def _comparable(runs: Sequence[Run], protocol: Protocol) -> tuple[Run, ...]:
    """Leave out series whose step is longer or shorter than the first's: another question is asked there."""
    from protocols.steps import Series

    width = {s.name: float(s.width) for s in protocol.steps if isinstance(s, Series)}
    wanted = next((width[r.label] for r in runs if r.label in width), None)
    return tuple(r for r in runs if width.get(r.label, wanted) == wanted)


def _solutions(protocol: Protocol, base: str, rules: Rules) -> dict[str, Solution]:
    """Return the protocol's solutions by label; a compound that the baseline has too is no difference."""
    listed = protocol.solutions.values()
    there = next((s.compound for s in listed if s.label == base), None)
    out = {}
    for key, s in protocol.solutions.items():
        c = s.compound
        names = {key, s.label, *([c.name] if c else [])}
        is_named = rules.vehicle is not None and rules.vehicle.casefold() in {n.casefold() for n in names}
        if c is None or is_named or (there and (c.name, c.concentration) == (there.name, there.concentration)):
            out[s.label] = Solution(s.label)
        else:
            out[s.label] = Solution(s.label, c.name, float(c.concentration), c.vehicle)
    return out


def _roles(runs: Sequence[Run], solutions: Mapping[str, Solution]) -> tuple[Role, ...]:
    """Say what each run is for.

    The first is the baseline. In a cell that gets a compound, solutions with one are the test and what follows is
    wash-out. In a cell that never does, the first later run is the test: vehicle, or mere time.
    """
    has_drug = any(not _solution(r, solutions).is_vehicle for r in runs[1:])
    roles: list[Role] = []
    for i, run in enumerate(runs):
        if i == 0:
            roles.append(Role.BASELINE)
        elif run.condition.endswith(ARRIVING):
            roles.append(Role.OTHER)
        elif has_drug:
            after = Role.WASH if Role.TEST in roles else Role.OTHER
            roles.append(after if _solution(run, solutions).is_vehicle else Role.TEST)
        elif Role.TEST not in roles:
            roles.append(Role.TEST)
        else:
            roles.append(Role.WASH if run.condition == runs[0].condition else Role.OTHER)
    return tuple(roles)


def _solution(run: Run, solutions: Mapping[str, Solution]) -> Solution:
    return solutions.get(run.condition, Solution(run.condition))


def _arrival(session: Source, runs: Sequence[Run], roles: Sequence[Role]) -> float:
    """Return when the first test solution reached the bath: valve and dead time, from the log."""
    test = next((r for r, role in zip(runs, roles, strict=True) if role is Role.TEST), None)
    if test is None:
        return runs[0].sweeps[-1].start if runs else 0.0
    if test.condition == runs[0].condition:
        return test.sweeps[0].start
    known = facts_of(session.log).arrival(test.condition, test.sweeps[-1].start)
    return test.sweeps[0].start if known is None else known
