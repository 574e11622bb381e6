"""Does a cell count? Each criterion with what was measured, what was wanted, and the answer.

The limits are the protocol's `accept: {cell: ...}`; their defaults follow what laboratories that measure the
post-burst AHP of CA1 neurons ask for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from acquisition.analysis.phases import Phase, baseline_of, phases_of
from protocols.acceptance import Accept

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from acquisition.analysis.log_facts import LogFacts
    from acquisition.analysis.sweep_numbers import SweepNumbers
    from protocols.acceptance import CellLimits
    from protocols.conditions import Condition

NAN = float("nan")
AT_AN_END = 3
"""Sweeps whose median is the holding current at the beginning and at the end."""


@dataclass(frozen=True)
class Check:
    """One criterion."""

    name: str
    """Key of `accept: {cell: ...}`."""
    value: float
    """SI; changes of resistances as fractions. NaN if it was not measured."""
    limit: str
    """As written in the protocol."""
    ok: bool | None
    """None: not measured, which speaks neither for nor against the cell."""
    text: str
    """'access resistance rose 31 %, limit 20 %', 'resting potential not measured'."""


@dataclass(frozen=True)
class CellVerdict:
    """Whether a cell counts, and why not."""

    accepted: bool
    """No check failed."""
    reasons: tuple[str, ...]
    """What speaks against the cell."""
    checks: tuple[Check, ...]

    @property
    def text(self) -> str:
        """'cell accepted', or 'cell left out: access resistance rose 31 %, limit 20 %'."""
        if not self.accepted:
            return f"cell left out: {'; '.join(self.reasons)}"
        unknown = [c.text for c in self.checks if c.ok is None]
        return "cell accepted" + (f" ({', '.join(unknown)})" if unknown else "")

    def as_mapping(self) -> dict[str, Any]:
        """Return the verdict as JSON-able SI numbers; what was not measured is None."""
        checks = [vars(c) | {"value": c.value if math.isfinite(c.value) else None} for c in self.checks]
        return {"accepted": self.accepted, "text": self.text, "reasons": list(self.reasons), "checks": checks}


def judge_cell(
    numbers: Iterable[SweepNumbers],
    facts: LogFacts | None = None,
    rules: Accept | None = None,
    *,
    gated: Collection[str] = (),
) -> CellVerdict:
    """Return whether the cell of a session counts.

    Levels (resistances, action potential, resting potential) are judged in the baseline, the first phase with accepted
    sweeps. Changes are judged from the baseline to the first later phase; phases after that carry flags of their own
    in the summary. A session without a drug has no changes to judge.

    Parameters
    ----------
    numbers
        The sweeps of one session, as `gather` gives them.
    facts
        From `facts_of(session.log)`; without it the resting potential is not known.
    rules
        The protocol's `accept`; the defaults if left out.
    gated
        Quantities that the protocol has gates on: not to have measured their resistances speaks against the cell.

    >>> judge_cell(numbers, facts_of(session.log), session.protocol.accept).text  # doctest: +SKIP
    'cell left out: access resistance rose 31 %, limit 20 %'
    """
    numbers, limits = tuple(numbers), (rules or Accept()).cell
    phases = phases_of(numbers)
    baseline = baseline_of(numbers, phases)
    resting = facts.resting_potential if facts is not None else None
    checks = (
        _level("resting_potential", NAN if resting is None else resting, limits),
        *_baseline_checks(baseline, numbers, limits),
        *(_change_checks(baseline, phases[1], numbers, limits) if baseline and len(phases) > 1 else ()),
    )
    checks = tuple(_needed(c) if c.ok is None and RESISTANCES.get(c.name) in gated else c for c in checks)
    reasons = tuple(c.text for c in checks if c.ok is False)
    return CellVerdict(not reasons, reasons, checks)


RESISTANCES = {
    "access_resistance": "access_resistance",
    "access_change_within": "access_resistance",
    "input_resistance": "input_resistance",
    "input_change_within": "input_resistance",
}
"""Criterion -> the quantity of gates that it is about."""


def _needed(check: Check) -> Check:
    """Return the check of what was not measured as one that fails: the protocol wanted it watched."""
    return replace(check, ok=False, text=f"{check.text}, and the protocol has a gate on it")


def _baseline_checks(baseline: Phase | None, numbers: Sequence[SweepNumbers], limits: CellLimits) -> Iterator[Check]:
    """Yield the checks of the baseline: how many sweeps, and what they show."""
    accepted, needed = baseline.accepted if baseline else 0, limits.baseline_sweeps
    words = f"{accepted} accepted baseline sweeps, {needed} needed"
    yield Check("baseline_sweeps", float(accepted), str(needed), accepted >= needed, words)
    if baseline is None:
        return
    peak, potential = (typical(baseline.values.get(name, ())) for name in ("ap_peak", "V_b"))
    yield _level("overshoot", peak, limits)
    yield _level("spike_height", peak - potential, limits)
    yield _level("input_resistance", typical(baseline.values.get("Rin", ())), limits)
    access = typical(baseline.values.get("Rs", ()))
    yield _level("access_resistance", access if math.isfinite(access) else _tested_before(baseline, numbers), limits)


SHOWN = {
    "resting_potential": ("resting potential", 1e3, "mV", 1),
    "overshoot": ("action potential peak", 1e3, "mV", 1),
    "spike_height": ("action potential height", 1e3, "mV", 1),
    "input_resistance": ("input resistance", 1e-6, "MOhm", 0),
    "access_resistance": ("access resistance", 1e-6, "MOhm", 1),
}
"""Criterion -> what people call it, factor from SI, unit shown, decimals."""


def _level(name: str, value: float, limits: CellLimits) -> Check:
    """Return the check of a value against its condition."""
    condition: Condition = getattr(limits, name)
    called, factor, unit, digits = SHOWN[name]
    ok = condition.holds(value)
    if ok is None:
        return Check(name, value, condition.text, None, f"{called} not measured")
    return Check(name, value, condition.text, ok, f"{called} {value * factor:.{digits}f} {unit}, wanted {condition}")


def _change_checks(before: Phase, after: Phase, numbers: Sequence[SweepNumbers], limits: CellLimits) -> Iterator[Check]:
    """Yield the checks of what should have stayed as it was."""
    access = resistance_change("Rs", before, after, limits)
    tests = _tested_before(before, numbers), _tested_after(after, numbers)
    yield _change("Rs", *tests, limits) if access.ok is None else access
    yield resistance_change("Rin", before, after, limits)
    yield _holding(before, after, numbers, limits)


def resistance_change(measure: str, before: Phase, after: Phase, limits: CellLimits) -> Check:
    """Return the check of the change of 'Rs' or 'Rin' (medians of the phases) against its limit."""
    first, second = (typical(p.values.get(measure, ())) for p in (before, after))
    return _change(measure, first, second, limits)


def _tested_before(phase: Phase, numbers: Iterable[SweepNumbers]) -> float:
    """Return the access resistance of the last membrane test before a phase, where its bursts do not tell it; or NaN.

    An amplifier that does not tell its bridge leaves nothing else.
    """
    tests = [s for s in _membrane_tests(numbers) if s.start < phase.start]
    return tests[-1].value("Rs") if tests else NAN


def _tested_after(phase: Phase, numbers: Iterable[SweepNumbers]) -> float:
    """Return the access resistance of the first membrane test after a phase; NaN if there is none."""
    tests = [s for s in _membrane_tests(numbers) if s.start > phase.stop]
    return tests[0].value("Rs") if tests else NAN


def _membrane_tests(numbers: Iterable[SweepNumbers]) -> list[SweepNumbers]:
    found = [s for s in numbers if s.kind == "membrane_test" and math.isfinite(s.value("Rs"))]
    return sorted(found, key=lambda s: s.start)


def _change(measure: str, first: float, second: float, limits: CellLimits) -> Check:
    """Return the check of the change between two values."""
    name, called = {"Rs": ("access_change_within", "access"), "Rin": ("input_change_within", "input")}[measure]
    limit = float(getattr(limits, name))
    change = second / first - 1 if first else NAN
    if not math.isfinite(change):
        return Check(name, NAN, _percent(limit), None, f"change of {called} resistance not measured")
    direction = "rose" if change > 0 else "fell"
    text = f"{called} resistance {direction} {_percent(abs(change))}, limit {_percent(limit)}"
    return Check(name, change, _percent(limit), abs(change) <= limit, text)


def _holding(before: Phase, after: Phase, numbers: Sequence[SweepNumbers], limits: CellLimits) -> Check:
    """Return the check of the bias current, from the first sweeps of one phase to the last of another."""
    inside = {before.run: list[float](), after.run: list[float]()}
    for s in sorted(numbers, key=lambda s: s.start):
        if s.run in inside and math.isfinite(value := s.value("I_hold")):
            inside[s.run].append(value)
    limit = limits.holding_drift_within
    first, last = typical(inside[before.run][:AT_AN_END]), typical(inside[after.run][-AT_AN_END:])
    drift = last - first
    if not math.isfinite(drift):
        return Check("holding_drift_within", NAN, str(limit), None, "drift of the holding current not measured")
    text = f"holding current changed by {drift * 1e12:+.0f} pA, limit {limit}"
    return Check("holding_drift_within", drift, str(limit), abs(drift) <= limit, text)


def typical(values: Sequence[float]) -> float:
    """Return the median, NaN of nothing: one bad sweep must not decide over a cell."""
    return median(values) if values else NAN


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.0f} %"
