"""Which sweeps count, and what they say of an experiment: one row per measure, before against after."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from acquisition.acceptance import (
    EXCLUDING,
    EXPECTED_IN_A_RANGE,
    HEADLINE,
    by_sweep,
    is_accepted,
    reasons_against,
)
from acquisition.analysis.comparison import Effect, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from protocols.sweeps import Measurement

__all__ = [
    "HEADLINE", "LAST", "SHOWN", "Change", "MembraneTest", "Phase", "SpikeCounts", "Summary", "SweepNumbers",
    "gather", "is_accepted", "summarise",
]  # fmt: skip

LAST = 10
"""Sweeps of a phase that enter its mean: 5 min at one sweep in 30 s."""

SHOWN: Mapping[str, tuple[str, str, float, int]] = {
    "A_1000": ("sAHP at 1 s", "mV", 1e3, 2),
    "S_fix": ("AHP area, 10 ms to 2 s", "mV s", 1e3, 2),
    "D50": ("AHP half-decay", "s", 1.0, 2),
    "A_pk": ("AHP peak", "mV", 1e3, 2),
    "n_ap": ("spikes", "", 1.0, 1),
    "Rin": ("input resistance", "MOhm", 1e-6, 0),
    "V_b": ("baseline potential", "mV", 1e3, 1),
    "Rs": ("access resistance", "MOhm", 1e-6, 1),
}
"""Measure -> what people call it, unit shown, factor from SI, decimals."""


NOTHING: Mapping[int, str] = MappingProxyType({})
COUNTED = frozenset({"n_ap", "V_b"})
"""Measures whose change in % says nothing: their difference is shown."""


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


@dataclass(frozen=True)
class Change:
    """One measure of a later phase against the first."""

    measure: str
    before: str
    after: str
    """Labels of the phases."""
    effect: Effect
    """SI."""

    @property
    def text(self) -> str:
        """One line: 'sAHP at 1 s: -3.02 -> -1.81 mV, -40 % (95 % interval -46 to -33 %), n = 10 and 10 sweeps'."""
        name, unit, factor, digits = SHOWN[self.measure]
        e = self.effect
        means = f"{e.mean_before * factor:.{digits}f} -> {e.mean_after * factor:.{digits}f} {unit}".rstrip()
        if self.measure in COUNTED:
            return f"{name}: {means}, {e.difference * factor:+.{digits}f} {unit}".rstrip()
        low, high = e.percent_interval
        sure = f" (95 % interval {low:.0f} to {high:.0f} %)" if math.isfinite(low) else ""
        return f"{name}: {means}, {e.percent:+.0f} %{sure}, n = {e.n_before} and {e.n_after} sweeps"


@dataclass(frozen=True)
class SpikeCounts:
    """The result of a series over a range of currents in one solution."""

    label: str
    condition: str
    currents: tuple[float, ...]
    """Step currents in ascending order, A."""
    spikes: tuple[float, ...]
    """Mean count at each."""

    @property
    def text(self) -> str:
        """One line: 'f_i (ACSF): spikes 0 up to 100 pA, 1 at 150, 3.5 at 200 pA'."""
        silent = next((i for i, n in enumerate(self.spikes) if n > 0), len(self.spikes))
        shown = [f"{1e12 * current:.0f}" for current in self.currents]
        words = [f"0 up to {shown[silent - 1]} pA"] if silent else []
        words += [f"{n:.3g} at {at}" for n, at in zip(self.spikes[silent:], shown[silent:], strict=True)]
        unit = "" if words[-1].endswith("pA") else " pA"
        return f"{self.label} ({self.condition}): spikes {', '.join(words)}{unit}"


@dataclass(frozen=True)
class MembraneTest:
    """The last membrane test, SI."""

    label: str
    time: float
    """Seconds from the session's start."""
    access: float
    membrane: float
    capacitance: float
    holding: float

    @property
    def text(self) -> str:
        """One line, in the words of the run's log."""
        return (
            f"{self.label} at {self.time / 60:.0f} min: Ra {self.access * 1e-6:.1f} MOhm, "
            f"Rm {self.membrane * 1e-6:.0f} MOhm, Cm {self.capacitance * 1e12:.0f} pF, "
            f"holding {self.holding * 1e12:.0f} pA"
        )


@dataclass(frozen=True)
class Summary:
    """What an experiment shows."""

    phases: tuple[Phase, ...]
    changes: tuple[Change, ...]
    confounds: tuple[str, ...]
    """One line per later phase: what else changed and could pass for an effect."""
    unaccepted: tuple[Phase, ...] = ()
    """Runs of a series without an accepted sweep: their last sweeps, whatever speaks against them."""
    rejections: tuple[str, ...] = ()
    """Why nothing of `unaccepted` entered: one line, or one per run if others have accepted sweeps."""
    spike_counts: tuple[SpikeCounts, ...] = ()
    membrane: MembraneTest | None = None

    def change(self, measure: str, after: str | None = None) -> Change | None:
        """Return the change of `measure` in the phase labelled `after`, or in the first later phase."""
        found = (c for c in self.changes if c.measure == measure and after in (None, c.after))
        return next(found, None)

    def lines(self) -> tuple[str, ...]:
        """Return the summary in words, for terminal and log."""
        out = []
        for before, after in ((self.phases[0], p) for p in self.phases[1:]):
            out.append(f"{before.label} ({before.condition}) -> {after.label} ({after.condition})")
            out += [f"  {c.text}" for c in self.changes if c.after == after.label]
        if len(self.phases) == 1:
            out += [_alone(self.phases[0])]
        out += [*self.confounds, *self.rejections, *(c.text for c in self.spike_counts)]
        if self.membrane and not self.phases:
            out += [self.membrane.text]
        return tuple(out)

    def as_mapping(self) -> dict[str, Any]:
        """Return the summary as JSON-able SI numbers; NaN becomes None."""
        return {
            "phases": [
                {
                    "label": p.label,
                    "condition": p.condition,
                    "accepted": len(p.sweeps),
                    "recorded": p.recorded,
                    "start": p.start,
                    "stop": p.stop,
                    "means": {name: float(np.mean(v)) for name, v in p.values.items() if v},
                }
                for p in self.phases
            ],
            "changes": [
                {"measure": c.measure, "before": c.before, "after": c.after, **_plain(c.effect)} for c in self.changes
            ],
            "confounds": list(self.confounds),
            "rejections": list(self.rejections),
            "spike_counts": [vars(c) for c in self.spike_counts],
            "membrane_test": vars(self.membrane) if self.membrane else None,
        }


def summarise(sweeps: Iterable[SweepNumbers], *, last: int = LAST) -> Summary:
    """Return before against after: each later phase of a series with bursts against the first.

    A phase is a run of one series in one solution; sweeps recorded while a solution was arriving are left out. Its
    means are over its last accepted sweeps. A series over a range of currents has no one response and is no phase.
    """
    numbers = tuple(sweeps)
    runs = _runs(numbers)
    bursts = [run for run in runs if _has_one_step(run)]
    phases = tuple(p for run in bursts if (p := _accepted_phase(run, last)).sweeps)
    silent = [run for run in bursts if not any(s.is_accepted for s in _in_last_solution(run))]
    changes = tuple(
        Change(name, phases[0].label, later.label, compare(phases[0].values[name], later.values[name]))
        for later in phases[1:]
        for name in SHOWN
        if phases[0].values[name] and later.values[name]
    )
    return Summary(
        phases,
        changes,
        tuple(_confounds(phases[0], p) for p in phases[1:]),
        tuple(p for run in silent if (p := _unaccepted_phase(run, last)).sweeps),
        tuple(_rejections(silent, is_everything=not phases)),
        tuple(_counts(group) for run in runs if (group := [s for s in run if _counts_spikes(s)]) and _is_range(run)),
        _last_membrane_test(numbers),
    )


def _runs(sweeps: Sequence[SweepNumbers]) -> list[list[SweepNumbers]]:
    """Return the sweeps of each run of a series, in the order of time."""
    series = sorted((s for s in sweeps if s.kind == "series"), key=lambda s: s.start)
    return [list(group) for _, group in groupby(series, key=lambda s: s.run)]


def _in_last_solution(run: Sequence[SweepNumbers]) -> list[SweepNumbers]:
    """Return the sweeps after the solution of a run had arrived."""
    return [s for s in run if s.condition == run[-1].condition]


def _accepted_phase(run: Sequence[SweepNumbers], last: int) -> Phase:
    here = _in_last_solution(run)
    return _phase(here, [s for s in here if s.is_accepted][-last:], EXCLUDING)


def _unaccepted_phase(run: Sequence[SweepNumbers], last: int) -> Phase:
    """Return the last sweeps of a run that at least have an AHP to look at."""
    here = _in_last_solution(run)
    return _phase(here, [s for s in here if math.isfinite(s.value(HEADLINE))][-last:], frozenset())


def _rejections(runs: Sequence[Sequence[SweepNumbers]], *, is_everything: bool) -> Iterable[str]:
    """Yield 'no sweep was accepted: spikes 2, wanted 3..4 (110 of 110 sweeps)', for all runs together or for each."""
    if is_everything and runs:
        yield f"no sweep was accepted: {_commonest([s for run in runs for s in run])}"
        return
    for run in runs:
        yield f"{run[-1].label} ({run[-1].condition}): no sweep was accepted: {_commonest(_in_last_solution(run))}"


def _commonest(sweeps: Sequence[SweepNumbers]) -> str:
    """Return the commonest reasons against sweeps, each with how many it concerns."""
    reasons = Counter(_reason(s) for s in sweeps if not s.is_accepted)
    return "; ".join(f"{reason} ({n} of {len(sweeps)} sweeps)" for reason, n in reasons.most_common(3))


def _reason(sweep: SweepNumbers) -> str:
    """Return why a sweep is left out: what the run said, or else its flags."""
    if sweep.reason:
        return sweep.reason.replace(" is ", " ").replace("; wanted", ", wanted")
    if sweep.is_rejected:
        return "rejected"
    made = {m.name: m for m in sweep.measurements}
    flags = reasons_against(made, HEADLINE) or (made[HEADLINE].flags if HEADLINE in made else ())
    return _flag_words(flags, sweep.value("n_ap")) or f"{SHOWN[HEADLINE][0]} not measured"


def _flag_words(flags: Sequence[str], spikes: float) -> str:
    count = f"spikes {spikes:.0f}, not as wanted"
    return " and ".join(count if flag == "ap_count" else flag.replace("_", " ") for flag in flags)


def _is_range(run: Sequence[SweepNumbers]) -> bool:
    return len({s.value("I_step") for s in run if math.isfinite(s.value("I_step"))}) > 1


def _counts_spikes(sweep: SweepNumbers) -> bool:
    """Whether a sweep of a range enters the mean count at its current."""
    made = {m.name: m for m in sweep.measurements}
    known = math.isfinite(sweep.value("n_ap")) and math.isfinite(sweep.value("I_step"))
    return known and not sweep.is_rejected and set(made["n_ap"].flags).isdisjoint(EXCLUDING - EXPECTED_IN_A_RANGE)


def _counts(sweeps: Sequence[SweepNumbers]) -> SpikeCounts:
    by_current: defaultdict[float, list[float]] = defaultdict(list)
    for s in sweeps:
        by_current[s.value("I_step")].append(s.value("n_ap"))
    currents = tuple(sorted(by_current))
    spikes = tuple(float(np.mean(by_current[c])) for c in currents)
    return SpikeCounts(sweeps[-1].label, sweeps[-1].condition, currents, spikes)


def _last_membrane_test(sweeps: Sequence[SweepNumbers]) -> MembraneTest | None:
    """Return the last sweep of a membrane test that could be measured; without one, the last other with test pulses."""
    found: list[MembraneTest] = []
    for s in sorted(sweeps, key=lambda s: (s.kind == "membrane_test", s.start)):
        access, resistance, capacitance, holding = (s.value(name) for name in ("Rs", "Rm", "Cm", "I_hold"))
        if all(math.isfinite(v) for v in (access, resistance, capacitance, holding)):
            found.append(MembraneTest(s.label, s.start, access, resistance, capacitance, holding))
    return found[-1] if found else None


def _has_one_step(run: Sequence[SweepNumbers]) -> bool:
    steps = {m.value for s in run for m in s.measurements if m.name == "I_step"}
    return len(steps) == 1


def _phase(run: Sequence[SweepNumbers], counted: Sequence[SweepNumbers], excluding: frozenset[str]) -> Phase:
    """Return `run` as a phase whose means are over `counted`, without values that have a flag in `excluding`."""
    names = (*SHOWN, "I_step")
    starts = [s.start for s in counted] or [float("nan")]
    values = {n: tuple(v for s in counted if (v := _value(s, n, excluding)) is not None) for n in names}
    indices = tuple(s.index for s in counted)
    return Phase(run[-1].label, run[-1].condition, indices, len(run), starts[0], starts[-1], values)


def _value(sweep: SweepNumbers, name: str, excluding: frozenset[str]) -> float | None:
    """Return a finite value without excluding flags."""
    m = next((m for m in sweep.measurements if m.name == name), None)
    return m.value if m and math.isfinite(m.value) and excluding.isdisjoint(m.flags) else None


def _confounds(before: Phase, after: Phase) -> str:
    """Return what else changed. AHP = conductance x driving force x Rin: 10 % of Rin are about 10 % of AHP."""
    means = {n: (_mean(before, n), _mean(after, n)) for n in ("Rin", "V_b", "I_step", HEADLINE)}
    rin, potential, step, ahp = (means[n] for n in ("Rin", "V_b", "I_step", HEADLINE))
    per_rin = _percent(ahp[0] / rin[0] if rin[0] else math.nan, ahp[1] / rin[1] if rin[1] else math.nan)
    return (
        f"besides, in {after.label}: input resistance {_percent(*rin)}, "
        f"baseline potential {_shown(1e3 * (potential[1] - potential[0]), '{:+.1f} mV')}, "
        f"step current {_percent(*step)}; sAHP per input resistance {per_rin}"
    )


def _alone(phase: Phase) -> str:
    v = phase.values[HEADLINE]
    return f"{phase.label} ({phase.condition}): sAHP at 1 s {1e3 * float(np.mean(v)):.2f} mV, n = {len(v)} sweeps"


def _mean(phase: Phase, name: str) -> float:
    return float(np.mean(phase.values[name])) if phase.values[name] else math.nan


def _percent(before: float, after: float) -> str:
    return _shown(100 * (after / before - 1) if before else math.nan, "{:+.0f} %")


def _shown(value: float, form: str) -> str:
    return form.format(value) if math.isfinite(value) else "not measured"


def _plain(effect: Effect) -> dict[str, Any]:
    return {k: _known(v) for k, v in vars(effect).items()}


def _known(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_known(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
