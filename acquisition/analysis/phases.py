"""The phases of an experiment: runs of one series in one solution, and which of their sweeps speak for them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

from acquisition.acceptance import EXCLUDING, HEADLINE, PAIR_EXCLUDING, WARNING, is_range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from acquisition.analysis.stability import Verdict
    from acquisition.analysis.sweep_numbers import SweepNumbers

LAST = 10
"""Sweeps of a phase that enter its mean: 5 min at one sweep in 30 s."""
ALWAYS = ("A_1000", "S_fix", "D50", "A_pk", "n_ap", "Rin", "V_b", "Rs", "I_step", "I_hold")
"""Measures that every phase has a list for, be it empty."""
DURATIONS, CENSORED = ("D50", "D10", "D0"), "censored"
"""Measures whose end may not be seen before the sweep's, and the flag that says so."""
SAME_CURRENT = 1e-12
"""Step currents nearer to each other than this are the same, A: a converter's rounding."""


@dataclass(frozen=True)
class Phase:
    """One run of sweeps in one solution: the accepted ones at its end."""

    label: str
    condition: str
    sweeps: tuple[int, ...]
    """Indices of those that enter the means."""
    recorded: int
    start: float
    """Seconds from the session's start to the first and the last of them."""
    stop: float
    values: Mapping[str, tuple[float, ...]] = field(repr=False)
    """Measure -> SI values in order, finite ones only."""
    run: int = -1
    accepted: int = 0
    """Accepted sweeps, those before the last ten included."""
    bounds: Mapping[str, tuple[float, ...]] = field(default_factory=dict, repr=False)
    """Duration -> what it exceeds in each of `sweeps` in which its end was not seen, s; none where all were."""
    warned: Mapping[str, int] = field(default_factory=dict)
    """Warning flag -> how many of `sweeps` have it."""
    steadiness: Verdict | None = None
    """Baseline or drug rule at the phase's end."""
    flags: tuple[str, ...] = ()
    """'not_steady', 'step_changed', and against the first phase 'rs_changed', 'rin_changed'."""
    reasons: tuple[str, ...] = ()
    """The flags in words."""

    @property
    def is_comparable(self) -> bool:
        """Whether the phase may enter paired statistics."""
        return PAIR_EXCLUDING.isdisjoint(self.flags)


def burst_runs(sweeps: Sequence[SweepNumbers]) -> list[list[SweepNumbers]]:
    """Return the runs of series whose sweeps can be compared: those with one step current, in the order of time."""
    return [run for run in runs_of(sweeps) if (steps := currents(run)) and not is_range(steps)]


def runs_of(sweeps: Sequence[SweepNumbers]) -> list[list[SweepNumbers]]:
    """Return the sweeps of each run of a series, in the order of time."""
    by_run: dict[int, list[SweepNumbers]] = {}
    for sweep in sorted((s for s in sweeps if s.kind == "series"), key=lambda s: s.start):
        by_run.setdefault(sweep.run, []).append(sweep)
    return list(by_run.values())


def currents(run: Sequence[SweepNumbers]) -> list[float]:
    """Return the step currents that are known, A, in order."""
    return [v for s in run if math.isfinite(v := s.value("I_step"))]


def in_last_solution(run: Sequence[SweepNumbers]) -> list[SweepNumbers]:
    """Return the sweeps after the solution of a run had arrived."""
    return [s for s in run if s.condition == run[-1].condition]


def phases_of(sweeps: Sequence[SweepNumbers], *, last: int = LAST) -> tuple[Phase, ...]:
    """Return the phases with accepted sweeps, in the order of time."""
    return tuple(p for run in burst_runs(sweeps) if (p := accepted_phase(run, last)).sweeps)


def baseline_of(sweeps: Sequence[SweepNumbers], phases: Sequence[Phase]) -> Phase | None:
    """Return the phase that the others are compared with: the first, if it came before any change of solution.

    When no sweep of the control was accepted, neither a drug nor its wash-out may pass for it.
    """
    runs = burst_runs(sweeps)
    control = {run[-1].run for run in takewhile(lambda run: run[-1].condition == runs[0][-1].condition, runs)}
    return phases[0] if phases and phases[0].run in control else None


def accepted_phase(run: Sequence[SweepNumbers], last: int = LAST) -> Phase:
    """Return a run as a phase whose means are over its last accepted sweeps."""
    here = in_last_solution(run)
    accepted = [s for s in here if s.is_accepted]
    return _phase(here, accepted[-last:], EXCLUDING, accepted=len(accepted))


def unaccepted_phase(run: Sequence[SweepNumbers], last: int = LAST) -> Phase:
    """Return the last sweeps of a run that at least have an AHP to look at."""
    here = in_last_solution(run)
    return _phase(here, [s for s in here if math.isfinite(s.value(HEADLINE))][-last:], frozenset(), accepted=0)


def step_changes(sweeps: Sequence[SweepNumbers]) -> tuple[int, ...]:
    """Return the sweeps of series whose step current differs from that of the one before, whatever the phase."""
    bursts = [s for run in burst_runs(sweeps) for s in run if math.isfinite(s.value("I_step"))]
    return tuple(b.index for a, b in pairwise(bursts) if abs(b.value("I_step") - a.value("I_step")) > SAME_CURRENT)


def _phase(
    run: Sequence[SweepNumbers], counted: Sequence[SweepNumbers], excluding: frozenset[str], *, accepted: int
) -> Phase:
    """Return `run` as a phase whose means are over `counted`, without values that have a flag in `excluding`."""
    names = dict.fromkeys((*ALWAYS, *(m.name for s in counted for m in s.measurements)))
    starts = [s.start for s in counted] or [float("nan")]
    values = {n: tuple(v for s in counted if (v := counted_value(s, n, excluding)) is not None) for n in names}
    indices = tuple(s.index for s in counted)
    last = run[-1]
    bounds = {n: found for n in DURATIONS if (found := tuple(_bounds(counted, n, excluding)))}
    return Phase(
        last.label, last.condition, indices, len(run), starts[0], starts[-1], values, last.run, accepted,
        bounds, _warned(counted),
    )  # fmt: skip


def _bounds(sweeps: Sequence[SweepNumbers], name: str, excluding: frozenset[str]) -> Iterator[float]:
    """Yield the lower bounds of a duration whose end was not seen."""
    for s in sweeps:
        m = s.measured(name)
        if m and CENSORED in m.flags and excluding.isdisjoint(m.flags):
            limit = s.value("D_limit")
            watched = m.window[1] - m.window[0] if m.window else math.nan  # where an older analyser left no limit
            yield limit if math.isfinite(limit) else watched


def counted_value(sweep: SweepNumbers, name: str, excluding: frozenset[str] = EXCLUDING) -> float | None:
    """Return a finite value without excluding flags."""
    m = sweep.measured(name)
    return m.value if m and math.isfinite(m.value) and excluding.isdisjoint(m.flags) else None


def _warned(sweeps: Sequence[SweepNumbers]) -> dict[str, int]:
    raised = [{f for m in s.measurements for f in m.flags} & WARNING for s in sweeps]
    return {flag: n for flag in sorted(WARNING) if (n := sum(flag in flags for flags in raised))}
