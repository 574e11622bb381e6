"""What the sweeps of an experiment say: one row per measure, before against after, and how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.acceptance import HEADLINE, is_accepted
from acquisition.analysis.cell_acceptance import resistance_change
from acquisition.analysis.effects import SHOWN, Change, Confounds, changes, confounds
from acquisition.analysis.excitability import MembraneTest, SpikeCounts, last_membrane_test, spike_counts
from acquisition.analysis.phases import (
    LAST,
    SAME_CURRENT,
    Phase,
    baseline_of,
    burst_runs,
    in_last_solution,
    phases_of,
    step_changes,
    unaccepted_phase,
)
from acquisition.analysis.rejections import rejections, warnings
from acquisition.analysis.stability import beside_baseline, judge, judge_drug
from acquisition.analysis.sweep_numbers import SweepNumbers, gather
from protocols.acceptance import Accept

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from acquisition.analysis.log_facts import LogFacts
    from acquisition.analysis.stability import Verdict

__all__ = [
    "HEADLINE", "LAST", "SHOWN", "Change", "Confounds", "MembraneTest", "Phase", "SpikeCounts", "Summary",
    "SweepNumbers", "gather", "is_accepted", "summarise",
]  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """What an experiment shows."""

    phases: tuple[Phase, ...]
    changes: tuple[Change, ...]
    besides: tuple[Confounds, ...]
    """Per later phase: what else changed and could pass for an effect."""
    unaccepted: tuple[Phase, ...] = ()
    """Runs of a series without an accepted sweep: their last sweeps, whatever speaks against them."""
    rejections: tuple[str, ...] = ()
    """Why nothing of `unaccepted` entered: one line, or one per run if others have accepted sweeps."""
    spike_counts: tuple[SpikeCounts, ...] = ()
    membrane: MembraneTest | None = None
    baseline: Phase | None = None
    """The first of `phases`, if it is in the control; without it nothing is compared."""

    @property
    def confounds(self) -> tuple[str, ...]:
        """One line per later phase: what else changed."""
        return tuple(c.text for c in self.besides)

    def change(self, measure: str, after: str | None = None) -> Change | None:
        """Return the change of `measure` in the phase labelled `after`, or in the first later phase."""
        found = (c for c in self.changes if c.measure == measure and after in (None, c.after))
        return next(found, None)

    def lines(self) -> tuple[str, ...]:
        """Return the summary in words, for terminal and log."""
        out = []
        for before, after in ((self.baseline, p) for p in self.phases[1:] if self.baseline):
            out.append(f"{before.label} ({before.condition}) -> {after.label} ({after.condition})")
            out += [f"  {c.text}" for c in self.changes if c.after == after.label]
        if len(self.phases) == 1 or self.baseline is None:
            out += [_alone(p) for p in self.phases]
        out += [*self.confounds, *_trust(self.phases), *warnings(self.phases)]
        out += [*self.rejections, *(c.text for c in self.spike_counts)]
        if self.membrane and not self.phases:
            out += [self.membrane.text]
        return tuple(out)

    def as_mapping(self) -> dict[str, Any]:
        """Return the summary as JSON-able SI numbers; NaN becomes None."""
        return {
            "phases": [_phase_mapping(p) for p in self.phases],
            "changes": [c.as_mapping() for c in self.changes],
            "confounds": list(self.confounds),
            "besides": [c.as_mapping() for c in self.besides],
            "rejections": list(self.rejections),
            "spike_counts": [vars(c) for c in self.spike_counts],
            "membrane_test": vars(self.membrane) if self.membrane else None,
        }


def summarise(
    sweeps: Iterable[SweepNumbers],
    *,
    last: int = LAST,
    facts: LogFacts | None = None,
    rules: Accept | None = None,
) -> Summary:
    """Return before against after: each later phase of a series with bursts against the first.

    A phase is a run of one series in one solution; sweeps recorded while a solution was arriving are left out. Its
    means are over its last accepted sweeps. A series over a range of currents has no one response and is no phase.

    Parameters
    ----------
    sweeps
        As `gather` gives them.
    last
        How many accepted sweeps enter the means of a phase.
    facts
        From `facts_of(session.log)`: when solutions arrived. Without it a solution counts as arrived with the first
        sweep recorded in it.
    rules
        The protocol's `accept`; the defaults if left out.
    """
    numbers, rules = tuple(sweeps), rules or Accept()
    runs = burst_runs(numbers)
    found = phases_of(numbers, last=last)
    baseline = baseline_of(numbers, found)
    phases = tuple(
        _judged([replace(p, steadiness=_steadiness(p, baseline, runs, facts, rules)) for p in found], numbers, rules)
    )
    silent = [run for run in runs if not any(s.is_accepted for s in in_last_solution(run))]
    later = [(baseline, p) for p in phases[1:] if baseline]
    return Summary(
        phases,
        tuple(c for pair in later for c in changes(*pair)),
        tuple(confounds(*pair) for pair in later),
        tuple(p for run in silent if (p := unaccepted_phase(run, last)).sweeps),
        tuple(rejections(silent, is_everything=not phases)),
        tuple(spike_counts(numbers)),
        last_membrane_test(numbers),
        phases[0] if baseline else None,
    )


def _steadiness(
    phase: Phase, baseline: Phase | None, runs: Sequence[Sequence[SweepNumbers]], facts: LogFacts | None, rules: Accept
) -> Verdict:
    """Return whether a phase is steady at its end: by the rule of baselines, or by that of solutions that arrived."""
    run = next(run for run in runs if run[-1].run == phase.run)
    accepted = [s for s in in_last_solution(run) if s.is_accepted]
    is_baseline = baseline is not None and baseline.run == phase.run
    return _control(accepted, rules) if is_baseline else _drug(accepted, run, facts, rules)


def _control(accepted: Sequence[SweepNumbers], rules: Accept) -> Verdict:
    """Return whether the first phase is steady at its end."""
    times, rule = [s.start for s in accepted], rules.baseline
    verdict = judge(times, [s.value(HEADLINE) for s in accepted], last=rule.last, drift_below=rule.drift_below)
    beside = {name: [s.value(name) for s in accepted] for name in ("Rin", "V_b")}
    return verdict.also(beside_baseline(times, beside, last=rule.last, per=rule.drift_below.per, rules=rule))


def _drug(
    accepted: Sequence[SweepNumbers], run: Sequence[SweepNumbers], facts: LogFacts | None, rules: Accept
) -> Verdict:
    """Return whether the effect of a later phase is complete at its end."""
    here = in_last_solution(run)
    known = facts.arrival(here[-1].condition, here[-1].start) if facts is not None else None
    arrival = here[0].start if known is None else known
    times = [s.start for s in accepted]
    return judge_drug(times, [s.value(HEADLINE) for s in accepted], arrival=arrival, rules=rules.drug)


def _judged(phases: Iterable[Phase], numbers: Sequence[SweepNumbers], rules: Accept) -> Iterable[Phase]:
    """Yield the phases with their flags, and the flags in words."""
    changed = set(step_changes(numbers))
    first: Phase | None = None
    for phase in phases:
        raised = dict(_flags(phase, first or phase, rules))
        warned = changed & set(phase.sweeps)
        counts = {**phase.warned, **({"step_changed": len(warned)} if warned else {})}
        yield replace(phase, flags=tuple(raised), reasons=tuple(raised.values()), warned=counts)
        first = first or phase


def _flags(phase: Phase, first: Phase, rules: Accept) -> Iterable[tuple[str, str]]:
    """Yield what speaks against a phase, as flag and words."""
    if phase.steadiness is not None and not phase.steadiness.steady:
        yield "not_steady", f"not steady: {phase.steadiness.why}"
    steps = [*first.values["I_step"], *phase.values["I_step"]]
    if steps and max(steps) - min(steps) > SAME_CURRENT:
        yield "step_changed", f"step current {1e12 * steps[0]:.0f} pA at first, {1e12 * steps[-1]:.0f} pA at the end"
    for flag, measure in (("rs_changed", "Rs"), ("rin_changed", "Rin")):
        check = resistance_change(measure, first, phase, rules.cell)
        if check.ok is False:
            yield flag, f"{check.text}: not for paired comparison"


def _phase_mapping(phase: Phase) -> dict[str, Any]:
    return {
        "label": phase.label,
        "condition": phase.condition,
        "accepted": len(phase.sweeps),
        "accepted_in_all": phase.accepted,
        "recorded": phase.recorded,
        "start": phase.start,
        "stop": phase.stop,
        "means": {name: float(np.mean(v)) for name, v in phase.values.items() if v},
        "flags": list(phase.flags),
        "reasons": list(phase.reasons),
        "warned": dict(phase.warned),
        "steadiness": phase.steadiness.as_mapping() if phase.steadiness else None,
    }


def _trust(phases: Iterable[Phase]) -> Iterable[str]:
    """Yield whether each phase is steady, and what else speaks against comparing it."""
    for p in phases:
        if p.steadiness is not None and p.steadiness.steady:
            yield f"{p.label}: {p.steadiness.text}"
        yield from (f"{p.label}: {reason}" for reason in p.reasons)


def _alone(phase: Phase) -> str:
    v = phase.values[HEADLINE]
    return f"{phase.label} ({phase.condition}): sAHP at 1 s {1e3 * float(np.mean(v)):.2f} mV, n = {len(v)} sweeps"
