"""What changed from the first phase to a later one: each measure with its interval, and what may pass for an effect."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.acceptance import HEADLINE
from acquisition.analysis.comparison import Effect, compare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from acquisition.analysis.phases import Phase

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
COUNTED = frozenset({"n_ap", "V_b"})
"""Measures whose change in % says nothing: their difference is shown."""
NAN = float("nan")


@dataclass(frozen=True)
class Change:
    """One measure of a later phase against the first."""

    measure: str
    before: str
    after: str
    """Labels of the phases."""
    effect: Effect
    """SI. Medians stand for means, and nothing for the difference, where ends of durations were not seen."""
    censored: tuple[int, int] = (0, 0)
    """Sweeps before and after in which the end of a duration was not seen."""
    bounds: tuple[float, float] = (NAN, NAN)
    """What the duration exceeds where not even the median was seen, s."""

    @property
    def text(self) -> str:
        """One line, with both intervals: 'sAHP at 1 s: -3.02 -> -1.81 mV, -40 % (95 % interval -46 to -33 %), ...'."""
        name, unit, factor, digits = SHOWN[self.measure]
        e = self.effect
        if any(self.censored):
            return f"{name}: {self._side(0)} -> {self._side(1)}; no mean where the end was not seen"
        means = f"{e.mean_before * factor:.{digits}f} -> {e.mean_after * factor:.{digits}f} {unit}".rstrip()
        difference = f"{e.difference * factor:+.{digits}f} {unit}".rstrip()
        if self.measure in COUNTED:
            return f"{name}: {means}, {difference}"
        low, high = e.percent_interval
        sure = f" (95 % interval {low:.0f} to {high:.0f} %)" if math.isfinite(low) else ""
        low, high = (factor * x for x in e.interval)
        if math.isfinite(low):
            difference += f" ({low:+.{digits}f} to {high:+.{digits}f})"
        return f"{name}: {means}, {e.percent:+.0f} %{sure}, {difference}, n = {e.n_before} and {e.n_after} sweeps"

    def _side(self, side: int) -> str:
        """Return 'median 1.09 s (0 of 10 sweeps censored)' or 'longer than 5.5 s (8 of 10 sweeps censored)'."""
        _, unit, factor, digits = SHOWN[self.measure]
        e, hidden = self.effect, self.censored[side]
        median, seen = (e.mean_before, e.n_before) if side == 0 else (e.mean_after, e.n_after)
        known = math.isfinite(median)
        value = f"median {factor * median:.{digits}f}" if known else f"longer than {factor * self.bounds[side]:.1f}"
        return f"{value} {unit} ({hidden} of {seen + hidden} sweeps censored)"

    def as_mapping(self) -> dict[str, Any]:
        """Return the change as JSON-able SI numbers; NaN becomes None."""
        effect = {k: _known(v) for k, v in vars(self.effect).items()}
        facts = {"measure": self.measure, "before": self.before, "after": self.after, **effect}
        return {**facts, "censored": list(self.censored), "bounds": _known(self.bounds)}


@dataclass(frozen=True)
class Confounds:
    """What else changed from the first phase to a later one; NaN where it was not measured.

    AHP = conductance x driving force x input resistance: 10 % of input resistance are about 10 % of AHP. One spike more
    makes it larger by a third to a half.
    """

    after: str
    """Label of the later phase."""
    input_resistance: float
    """%."""
    baseline_potential: float
    """V."""
    step_current: float
    """%."""
    ahp_per_input_resistance: float
    """%: change of the sAHP at 1 s divided by Rin."""
    spikes: float = NAN
    """Change of the mean count."""

    @property
    def text(self) -> str:
        """One line, always the same five numbers."""
        return (
            f"besides, in {self.after}: spikes {_shown(self.spikes, '{:+.1f}')}, "
            f"input resistance {_percent(self.input_resistance)}, "
            f"baseline potential {_shown(1e3 * self.baseline_potential, '{:+.1f} mV')}, "
            f"step current {_percent(self.step_current)}; "
            f"sAHP per input resistance {_percent(self.ahp_per_input_resistance)}"
        )

    def as_mapping(self) -> dict[str, Any]:
        """Return the numbers, JSON-able; NaN becomes None."""
        return {k: _known(v) for k, v in vars(self).items()}


def changes(before: Phase, after: Phase) -> Iterator[Change]:
    """Yield the change of each measure that both phases have."""
    for name in SHOWN:
        if name in before.bounds or name in after.bounds:
            yield _censored(name, before, after)
        elif before.values[name] and after.values[name]:
            yield Change(name, before.label, after.label, compare(before.values[name], after.values[name]))


def _censored(name: str, before: Phase, after: Phase) -> Change:
    """Return the change of a duration some of whose ends were not seen: Kaplan-Meier medians, never plain means."""
    medians = [_median(p.values[name], p.bounds.get(name, ())) for p in (before, after)]
    effect = Effect(
        medians[0], medians[1], len(before.values[name]), len(after.values[name]),
        NAN, (NAN, NAN), NAN, (NAN, NAN),
    )  # fmt: skip
    hidden = [p.bounds.get(name, ()) for p in (before, after)]
    limits = [max(h, default=NAN) for h in hidden]
    return Change(name, before.label, after.label, effect, (len(hidden[0]), len(hidden[1])), (limits[0], limits[1]))


def _median(seen: tuple[float, ...], bounds: tuple[float, ...]) -> float:
    """Return the Kaplan-Meier median; NaN if fewer than half of the durations ended."""
    if not bounds:
        return float(np.median(seen)) if seen else NAN
    from acquisition.statistics.survival import kaplan_meier

    return kaplan_meier([*seen, *bounds], [False] * len(seen) + [True] * len(bounds)).median


def confounds(before: Phase, after: Phase) -> Confounds:
    """Return what else changed."""
    means = {n: (_mean(before, n), _mean(after, n)) for n in ("Rin", "V_b", "I_step", HEADLINE, "n_ap")}
    rin, potential, step, ahp, spikes = means.values()
    per_rin = _change(*(a / r if r else NAN for a, r in zip(ahp, rin, strict=True)))
    return Confounds(
        after.label, _change(*rin), potential[1] - potential[0], _change(*step), per_rin, spikes[1] - spikes[0]
    )


def _mean(phase: Phase, name: str) -> float:
    return float(np.mean(phase.values[name])) if phase.values[name] else NAN


def _change(before: float, after: float) -> float:
    """Return the change in %."""
    return 100 * (after / before - 1) if before else NAN


def _percent(value: float) -> str:
    return _shown(value, "{:+.0f} %")


def _shown(value: float, form: str) -> str:
    return form.format(value) if math.isfinite(value) else "not measured"


def _known(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_known(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
