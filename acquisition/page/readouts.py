"""The big numbers: what is measured, what is wanted, and since when it is not so."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from acquisition.acceptance import HEADLINE
from protocols.parts import Require
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from acquisition.page.story import Story
    from protocols.parts import StopWhen

WORDS = {"stop": "stop if", "ask": "ask if", "skip": "leave out if", "note": "note if"}
ADVICE = {
    "access_resistance": "look at the pipette: a little suction, or end the cell",
    "input_resistance": "the cell is changing: look at seal and slice",
    "holding_current": "the seal may be going: look at the leak",
    "bias_current": "the cell drifts: the bias follows by a little each sweep",
    "baseline_voltage": "wait for the bias to follow, or look at the pipette",
    "temperature": "look at heater and flow",
    "spikes": "the sweep does not count; the step current can follow (follow_spikes), or find it anew",
}
"""What a person can do about a gate."""


@dataclass(frozen=True)
class Readout:
    """One number on the screen."""

    name: str
    label: str
    unit: str
    """As shown; values are SI."""
    digits: int
    measures: tuple[str, ...]
    """The first of these that the last sweeps have."""
    gates: tuple[str, ...] = ()
    """Quantities of gates that look at it."""
    modes: Mapping[ClampMode, str] = field(default_factory=dict)
    """Another label in a mode."""


READOUTS = (
    Readout("sAHP", "sAHP at 1 s", "mV", 2, (HEADLINE,)),
    Readout("percent", "of baseline", "%", 0, ()),
    Readout("spikes", "spikes", "", 0, ("n_ap",), ("spikes",)),
    Readout("Rs", "access resistance", "MΩ", 1, ("Rs",), ("access_resistance",)),
    Readout("Rin", "input resistance", "MΩ", 0, ("Rin", "Rm"), ("input_resistance",)),
    Readout("V_b", "baseline potential", "mV", 1, ("V_b",), ("baseline_voltage",)),
    Readout("I_hold", "bias current", "pA", 0, ("I_hold",), ("bias_current", "holding_current"),
            {ClampMode.VOLTAGE: "holding current"}),
    Readout("temperature", "bath", "°C", 1, (), ("temperature",)),
)  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """What a gate says of the latest value of a quantity."""

    quantity: str
    holds: bool
    action: str
    limit: str
    """'wanted below 25 MOhm', 'stop if above 30 MOhm'."""
    lines: tuple[float, ...] = ()
    """Levels at which it changes its mind, SI."""


def judged(story: Story) -> Iterator[Judged]:
    """Yield what every gate that looks now says of the latest values."""
    step = story.programme.step
    own = getattr(step, "require", None)
    for gate in (*([own] if own is not None else []), *story.head.protocol.stop_when):
        yield from _one(gate, story)


def _one(gate: Require | StopWhen, story: Story) -> Iterator[Judged]:
    wanted = isinstance(gate, Require)
    action = gate.on_fail if isinstance(gate, Require) else gate.then
    for quantity in ADVICE:
        condition, value = getattr(gate, quantity), story.vitals.now(quantity)
        if condition is None:
            continue
        answer = None if value is None else condition.holds(value, story.vitals.start(quantity))
        limit = f"wanted {condition.text}" if wanted else f"{WORDS[action]} {condition.text}"
        lines = _lines(condition, story.vitals.start(quantity))
        yield Judged(quantity, answer is None or answer is wanted, action, limit, lines)


def _lines(condition: Any, start: float | None) -> tuple[float, ...]:
    """Return the levels at which a condition begins to hold or no longer does."""
    if not hasattr(condition, "form"):  # a count of spikes: the words say it
        return ()
    if condition.form in ("within", "beyond"):
        return () if start is None else (start * (1 - condition.low), start * (1 + condition.low))
    return tuple(x for x in (condition.low, condition.high) if math.isfinite(x))


class Watchfulness:
    """Remembers since when something is not as it should be."""

    def __init__(self) -> None:
        """Everything is well."""
        self._since: dict[str, float] = {}

    def since(self, name: str, now: float, *, is_well: bool) -> float | None:
        """Return since when `name` is not well, s; None if it is."""
        if is_well:
            self._since.pop(name, None)
            return None
        return self._since.setdefault(name, now)


def tiles(story: Story, watch: Watchfulness, live: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return the read-outs; `live` are measures of the present sweep, SI, which go before those of earlier ones."""
    found = list(judged(story))
    return [_tile(readout, story, watch, live, found) for readout in READOUTS]


def _tile(
    readout: Readout, story: Story, watch: Watchfulness, live: Mapping[str, float], found: list[Judged]
) -> dict[str, Any]:
    value, at = _value(readout, story, live)
    gates = [g for g in found if g.quantity in readout.gates and _is_of_mode(g.quantity, story.vitals.mode)]
    wrong = [g for g in gates if not g.holds]
    since = watch.since(readout.name, at, is_well=not wrong)
    level = "none" if not gates or value is None else "good" if not wrong else _level(wrong)
    return {
        "name": readout.name,
        "label": readout.modes.get(story.vitals.mode, readout.label),
        "value": value,
        "unit": readout.unit,
        "digits": readout.digits,
        "level": level,
        "limit": "; ".join(g.limit for g in (wrong or gates)[:2]),
        "since": since,
        "lines": sorted({x for g in gates for x in g.lines}),
        "note": _note(readout, story, value),
    }


def measured_at(story: Story, quantity: str) -> float:
    """Return when the latest value of a gate's quantity was measured, s."""
    return next((_value(r, story, {})[1] for r in READOUTS if quantity in r.gates), story.latest)


def _level(wrong: list[Judged]) -> str:
    return "bad" if any(g.action in ("stop", "ask") for g in wrong) else "note"


def _is_of_mode(quantity: str, mode: ClampMode) -> bool:
    other = {"bias_current": ClampMode.VOLTAGE, "holding_current": ClampMode.CURRENT}
    return other.get(quantity) is not mode


def _value(readout: Readout, story: Story, live: Mapping[str, float]) -> tuple[float | None, float]:
    """Return the latest value and when it was measured."""
    if readout.name == "temperature":
        time, value = story.temperatures[-1] if story.temperatures else (story.latest, math.nan)
        return _known(value), time
    if readout.name == "percent":
        return _percent(story, live), story.latest
    for name in readout.measures:
        if math.isfinite(live.get(name, math.nan)):
            return live[name], story.latest
    for sweep in reversed(story.sweeps[-3:]):
        for m in reversed(sweep.measurements):
            if m.name in readout.measures and math.isfinite(m.value):
                return m.value, sweep.start
    return None, story.latest


def _percent(story: Story, live: Mapping[str, float]) -> float | None:
    """Return the sAHP in % of the baseline's mean."""
    mean = (story.reference or {}).get("mean")
    value, _ = _value(READOUTS[0], story, live)
    return 100 * value / mean if mean and value is not None else None


def _note(readout: Readout, story: Story, value: float | None) -> str:
    """Return what else is to be said: how far the value that gates look at is from the start."""
    if readout.name not in ("Rs", "Rin") or value is None:
        return ""
    start, now = (of(readout.gates[0]) for of in (story.vitals.start, story.vitals.now))
    if not start or now is None:
        return ""
    several = "" if now == value else "median "
    return f"{several}{100 * (now / start - 1):+z.0f} % of start".replace("-", "−")


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
