"""Quality gates: conditions on the latest values, and what to do when one does not hold.

A gate never looks at the after-potential itself (peers that gate on post-pulse voltage reject exactly the
sweeps with a good sAHP); it looks at the baseline before the step, at resistances and at counts.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from protocols.parts import Require
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from protocols.conditions import OnFail
    from protocols.parts import StopWhen
    from protocols.sweeps import Measurement

SMOOTHED = frozenset({"access_resistance", "input_resistance"})
"""Single-sweep resistances are noisy (an edge jump of 0.3-3 ms): gates see the median of the last five."""
SMOOTHING = 5
SPOILT = frozenset({"clipped", "gap"})
"""Flags of samples that say nothing of the cell."""
BLIND = 3
"""Sweeps in a row without a value after which a gate acts as if it had failed: the last value it saw is too old."""

_SOURCES = {
    ClampMode.VOLTAGE: {"Rs": "access_resistance", "Rm": "input_resistance", "I_hold": "holding_current"},
    ClampMode.CURRENT: {
        "Rs": "access_resistance",
        "Rin": "input_resistance",
        "I_hold": "bias_current",
        "V_b": "baseline_voltage",
        "n_ap": "spikes",
    },
}
_SHOWN = {
    "access_resistance": ("access resistance", 1e-6, "MOhm"),
    "input_resistance": ("input resistance", 1e-6, "MOhm"),
    "holding_current": ("holding current", 1e12, "pA"),
    "bias_current": ("bias current", 1e12, "pA"),
    "baseline_voltage": ("baseline potential", 1e3, "mV"),
    "temperature": ("bath temperature", 1.0, "degC"),
    "spikes": ("spikes", 1.0, ""),
}


class Vitals:
    """The latest values of what gates can look at, and the first ones, by clamp mode."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.mode = ClampMode.VOLTAGE
        self._recent: dict[tuple[ClampMode, str], deque[float]] = defaultdict(lambda: deque(maxlen=SMOOTHING))
        self._first: dict[tuple[ClampMode, str], list[float]] = defaultdict(list)
        self._blind: dict[tuple[ClampMode, str], int] = defaultdict(int)

    def take(self, measurements: Iterable[Measurement], *, averaged: bool = False) -> None:
        """Note what is finite among `measurements` of the present mode.

        Those of an `averaged` sweep (a membrane test) stand for themselves: they replace what is remembered.
        """
        names = _SOURCES.get(self.mode, {})
        seen = [m for m in measurements if m.name in names]
        for m in seen:
            if averaged and math.isfinite(m.value):
                self._remember_alone((self.mode, names[m.name]), m.value)
            self.note(names[m.name], m.value)
        for name in {m.name for m in seen}:
            is_spoilt = all(math.isnan(m.value) and SPOILT & set(m.flags) for m in seen if m.name == name)
            key = (self.mode, names[name])
            self._blind[key] = self._blind[key] + 1 if is_spoilt else 0

    def blind(self, quantity: str) -> int:
        """Return for how many sweeps in a row the samples were too bad to measure this, in the present mode."""
        return self._blind[self.mode, quantity]

    def _remember_alone(self, key: tuple[ClampMode, str], value: float) -> None:
        """Forget what was seen before an average; where nothing was, it is all that a reference needs."""
        self._recent[key].clear()
        if not self._first[key]:
            self._first[key] = [value] * SMOOTHING

    def note(self, quantity: str, value: float) -> None:
        """Note one value, SI (temperature degC)."""
        if not math.isfinite(value):
            return
        key = (self.mode, quantity)
        self._recent[key].append(value)
        if len(self._first[key]) < SMOOTHING:
            self._first[key].append(value)

    def now(self, quantity: str) -> float | None:
        """Return the present value; None when it was never measured in this mode."""
        recent = self._recent[self.mode, quantity]
        if not recent:
            return None
        return median(recent) if quantity in SMOOTHED else recent[-1]

    def start(self, quantity: str) -> float | None:
        """Return the reference for 'of start': the median of the first five values in this mode."""
        first = self._first[self.mode, quantity]
        return median(first) if first else None


@dataclass(frozen=True)
class Tripped:
    """A gate that acts: what was seen, what was wanted, what to do."""

    text: str
    action: OnFail


class Gatekeeper:
    """Looks at gates after every sweep and says each thing once, until it has been well again."""

    def __init__(self) -> None:
        """Nothing has tripped."""
        self._said: set[tuple[int, str]] = set()

    def look(self, gates: Iterable[Require | StopWhen], vitals: Vitals) -> list[Tripped]:
        """Return the gates that act now, worst action last."""
        tripped = [t for gate in gates for t in self._one(gate, vitals)]
        return sorted(tripped, key=lambda t: ("note", "skip", "ask", "stop").index(t.action))

    def _one(self, gate: Require | StopWhen, vitals: Vitals) -> list[Tripped]:
        required = isinstance(gate, Require)
        action = gate.on_fail if isinstance(gate, Require) else gate.then
        found = []
        for quantity in _SHOWN:
            condition = getattr(gate, quantity)
            value = vitals.now(quantity)
            if condition is None or value is None:
                continue
            answer = condition.holds(value, vitals.start(quantity))
            key, is_blind = (id(gate), quantity), vitals.blind(quantity) >= BLIND
            if not is_blind and (answer is None or answer is required):
                self._said.discard(key)
            elif action == "skip" or key not in self._said:
                self._said.add(key)
                seen = _sentence(quantity, value, condition.text, required=required)
                found.append(Tripped(_blind_sentence(quantity, condition.text) if is_blind else seen, action))
        return found


def _blind_sentence(quantity: str, condition: str) -> str:
    name = _SHOWN[quantity][0]
    return (
        f"{name} could not be measured in {BLIND} sweeps, their samples are clipped or lost; the gate is '{condition}'"
    )


def _sentence(quantity: str, value: float, condition: str, *, required: bool) -> str:
    name, factor, unit = _SHOWN[quantity]
    shown = f"{name} is {value * factor:.4g} {unit}".rstrip()
    return f"{shown}; wanted {condition}" if required else f"{shown}: {condition}"
