"""Which sweeps count, and what they say of an experiment: one row per measure, before against after."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from acquisition.analysis.comparison import Effect, compare

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from protocols.sweeps import Measurement

EXCLUDING = frozenset(
    {
        "ap_count",
        "clipped",
        "gap",
        "late_spikes",
        "no_spikes",
        "not_recovered",
        "vhold_far",
        "window_incomplete",
    }
)
"""Flags that leave a value out of means. Others (vhold, drift, baseline_spikes, ...) only warn."""
OF_THE_SWEEP = ("n_ap", "n_late", "V_b", "V_end", "ap_peak")
"""A flag on one of these speaks of the whole sweep."""
LAST = 10
"""Sweeps of a phase that enter its mean: 5 min at one sweep in 30 s."""
HEADLINE = "A_1000"

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


def is_accepted(measurements: Iterable[Measurement], measure: str) -> bool:
    """Say whether a sweep's value of `measure` enters means: it was made, and nothing speaks against it."""
    made = {m.name: m for m in measurements}
    if measure not in made or not math.isfinite(made[measure].value):
        return False
    return not reasons_against(made, measure)


def reasons_against(made: Mapping[str, Measurement], measure: str) -> tuple[str, ...]:
    """Return the flags that leave a sweep's `measure` out of means."""
    heard = [made[name] for name in (measure, *OF_THE_SWEEP) if name in made]
    return tuple(dict.fromkeys(f for m in heard for f in m.flags if f in EXCLUDING))


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

    @property
    def is_accepted(self) -> bool:
        """Whether it enters means."""
        return not self.is_rejected and is_accepted(self.measurements, HEADLINE)


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
    sweeps: Iterable[Listed], measurements: Iterable[Measurement], rejected: Container[int] = ()
) -> tuple[SweepNumbers, ...]:
    """Return each sweep of a session with its measurements; `rejected` are indices that the run left out.

    >>> gather(session.sweeps, session.measurements, session.rejected)  # doctest: +SKIP
    """
    made: dict[int, list[Measurement]] = {}
    for m in measurements:
        made.setdefault(m.sweep, []).append(m)
    return tuple(
        SweepNumbers(
            s.index, s.label, s.kind, s.run, s.condition, s.start, tuple(made.get(s.index, ())), s.index in rejected
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
class Summary:
    """What an experiment shows. Empty without at least one phase with accepted sweeps."""

    phases: tuple[Phase, ...]
    changes: tuple[Change, ...]
    confounds: tuple[str, ...]
    """One line per later phase: what else changed and could pass for an effect."""

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
        return (*out, *self.confounds)

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
        }


def summarise(sweeps: Iterable[SweepNumbers], *, last: int = LAST) -> Summary:
    """Return before against after: each later phase of a series with bursts against the first.

    A phase is a run of one series in one solution; sweeps recorded while a solution was arriving are left out. Its
    means are over its last accepted sweeps. A series over a range of currents has no one response and is no phase.
    """
    phases = tuple(p for p in _phases(sweeps, last) if p.sweeps)
    changes = tuple(
        Change(name, phases[0].label, later.label, compare(phases[0].values[name], later.values[name]))
        for later in phases[1:]
        for name in SHOWN
        if phases[0].values[name] and later.values[name]
    )
    return Summary(phases, changes, tuple(_confounds(phases[0], p) for p in phases[1:]))


def _phases(sweeps: Iterable[SweepNumbers], last: int) -> Iterable[Phase]:
    series = sorted((s for s in sweeps if s.kind == "series"), key=lambda s: s.start)
    for _, group in groupby(series, key=lambda s: s.run):
        run = list(group)
        if _has_one_step(run):
            here = [s for s in run if s.condition == run[-1].condition]
            yield _phase(here, [s for s in here if s.is_accepted][-last:])


def _has_one_step(run: Sequence[SweepNumbers]) -> bool:
    steps = {m.value for s in run for m in s.measurements if m.name == "I_step"}
    return len(steps) == 1


def _phase(run: Sequence[SweepNumbers], counted: Sequence[SweepNumbers]) -> Phase:
    names = (*SHOWN, "I_step")
    starts = [s.start for s in counted] or [float("nan")]
    values = {n: tuple(v for s in counted if (v := _value(s, n)) is not None) for n in names}
    indices = tuple(s.index for s in counted)
    return Phase(run[-1].label, run[-1].condition, indices, len(run), starts[0], starts[-1], values)


def _value(sweep: SweepNumbers, name: str) -> float | None:
    """Return a finite value without excluding flags."""
    m = next((m for m in sweep.measurements if m.name == name), None)
    return m.value if m and math.isfinite(m.value) and EXCLUDING.isdisjoint(m.flags) else None


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
