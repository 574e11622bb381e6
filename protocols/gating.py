"""Gates that could never speak, or that would speak against a good cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocols.conditions import Condition
from protocols.draft import Draft, DraftGate, DraftStep, require_of
from protocols.marks import Finding
from protocols.parts import Quality, Require
from protocols.steps import Hold, Series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUANTITIES = tuple(Quality.model_fields)

MEASURED = {
    "voltage": ("access_resistance", "input_resistance", "holding_current", "temperature"),
    "current": ("access_resistance", "input_resistance", "bias_current", "baseline_voltage", "spikes", "temperature"),
}
"""What sweeps of a clamp mode can tell."""

_PLAYED_IN = {"hold": "voltage", "membrane_test": "voltage", "find": "current", "series": "current"}


def _requires(d: Draft) -> Iterator[tuple[DraftStep, DraftGate]]:
    return ((s, gate) for s in d.all_steps if (gate := require_of(s)) is not None)


def _something_said(d: Draft) -> Iterator[Finding]:
    """Check that a gate has at least one condition."""
    for gate in (*d.stop_when, *(g for _, g in _requires(d))):
        if gate.gate is not None and not any(q in gate.raw for q in QUANTITIES):
            yield Finding(gate.path, f"no condition is given; there are {', '.join(QUANTITIES)}", on_key=True)


def _measured_there(d: Draft) -> Iterator[Finding]:
    """Check that a step's gate looks at what that step can tell."""
    for s, gate in _requires(d):
        clamp = _PLAYED_IN.get(s.verb)
        if clamp is None:
            continue
        for quantity in gate.raw:
            if quantity in QUANTITIES and quantity not in MEASURED[clamp]:
                hint = f"; '{s.verb}' is in {clamp} clamp and can tell {', '.join(MEASURED[clamp])}"
                yield Finding((*gate.path, quantity), f"'{quantity}' is not measured here{hint}", on_key=True)
        yield from _without_pulses(s, gate)


def _without_pulses(s: DraftStep, gate: DraftGate) -> Iterator[Finding]:
    """Check that there are pulses where resistances are looked at."""
    blind: tuple[str, ...] = ()
    if isinstance(s.step, Hold) and s.step.test_pulses is None:
        blind, cure = ("access_resistance", "input_resistance"), "test_pulses"
    elif isinstance(s.step, Series) and s.step.test_pulse is None:
        blind, cure = ("input_resistance",), "test_pulse"
    for quantity in blind:
        if quantity in gate.raw:
            yield Finding(
                (*gate.path, quantity), f"'{quantity}' is measured from '{cure}', and there are none", on_key=True
            )


def _measured_at_all(d: Draft) -> Iterator[Finding]:
    """Check that 'stop_when' looks at what some step of the protocol can tell."""
    clamps = {_PLAYED_IN[s.verb] for s in d.steps if s.verb in _PLAYED_IN}
    known = {q for c in clamps for q in MEASURED[c]}
    for gate in d.stop_when:
        for quantity in gate.raw:
            if clamps and quantity in QUANTITIES and quantity not in known:
                yield Finding(
                    (*gate.path, quantity), f"'{quantity}' is not measured in any step of this protocol", on_key=True
                )


def _right_way_round(d: Draft) -> Iterator[Finding]:
    """Check that 'require' says what must hold, and 'stop_when' what must not."""
    for gate in (*d.stop_when, *(g for _, g in _requires(d))):
        if gate.gate is None:
            continue
        for quantity in QUANTITIES:
            condition = getattr(gate.gate, quantity)
            if isinstance(condition, Condition) and (words := _reversed(condition, quantity, gate)):
                yield Finding((*gate.path, quantity), words)


def _reversed(condition: Condition, quantity: str, gate: DraftGate) -> str | None:
    if isinstance(gate.gate, Require):
        if condition.form in ("outside", "beyond"):
            inner = condition.text.removeprefix("outside ")
            cure = f"within {inner}" if condition.form == "beyond" else inner
            return f"'require' says what must hold, so a good cell would fail: write '{cure}'"
        wrong_way, cure = "above", "below"
    else:
        if condition.form in ("inside", "within"):
            cure = f"outside {condition.text.removeprefix('within ')}"
            return f"'stop_when' says what must not happen, so a good cell would be stopped: write '{cure}'"
        wrong_way, cure = "below", "above"
    if quantity == "access_resistance" and condition.form == wrong_way:
        return f"a good cell's access resistance is low: write '{cure} ...'"
    return None


def _fits_the_bath(d: Draft) -> Iterator[Finding]:
    """Check that the wanted temperature does not itself trip a gate."""
    if d.bath is None:
        return
    wanted = d.bath.temperature
    for gate in (*d.stop_when, *(g for _, g in _requires(d))):
        condition = gate.gate.temperature if gate.gate is not None else None
        if condition is None or _is_reversed(condition, gate):
            continue
        if condition.holds(float(wanted)) is not isinstance(gate.gate, Require):
            yield Finding((*gate.path, "temperature"), f"the bath is to be at {wanted}: this gate would speak at once")


def _is_reversed(condition: Condition, gate: DraftGate) -> bool:
    """Say whether the condition is the wrong way round, which is said already."""
    return _reversed(condition, "temperature", gate) is not None


gate_rules: tuple[Callable[[Draft], Iterator[Finding]], ...] = (
    _something_said,
    _measured_there,
    _measured_at_all,
    _right_way_round,
    _fits_the_bath,
)
