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
    from collections.abc import Iterable, Iterator

    from protocols.conditions import OnFail
    from protocols.parts import StopWhen
    from protocols.sweeps import Measurement

SMOOTHED = frozenset({"access_resistance", "input_resistance"})
"""Single-sweep resistances are noisy (an edge jump of 0.3-3 ms): gates see the median of the last five."""
SMOOTHING = 5
UNTOLD = frozenset({"bridge_unknown", "no_step"})
"""Flags of values that the rig or the protocol never gives: a gate on them says so once, and stops nothing."""
BLIND = 3
"""Sweeps in a row without a value after which a gate acts as if it had failed: the last value it saw is too old."""
OF_THE_PIPETTE = "access_resistance"
"""The same in both clamp modes, as far as it is measured without bias."""

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


@dataclass(frozen=True)
class Blind:
    """For how long a quantity could not be measured."""

    sweeps: int = 0
    """In a row, up to the last one."""
    flags: tuple[str, ...] = ()
    """What the last one said of it."""
    averaged: bool = False
    """Whether the last one was an average: no other comes to make up for it."""

    @property
    def is_untold(self) -> bool:
        """Whether rig or protocol never give this value, so that waiting for it is vain."""
        return bool(self.sweeps) and not UNTOLD.isdisjoint(self.flags)


class Vitals:
    """The latest values of what gates can look at, and the first ones, by clamp mode."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.mode = ClampMode.VOLTAGE
        self._recent: dict[tuple[ClampMode, str], deque[float]] = defaultdict(lambda: deque(maxlen=SMOOTHING))
        self._first: dict[tuple[ClampMode, str], list[float]] = defaultdict(list)
        self._late: set[tuple[ClampMode, str]] = set()
        self._blind: dict[tuple[ClampMode, str], Blind] = defaultdict(Blind)

    def take(self, measurements: Iterable[Measurement], *, averaged: bool = False, failed: bool = False) -> None:
        """Note what is finite among `measurements` of one sweep in the present mode.

        Those of an `averaged` sweep (a membrane test) stand for themselves: they replace what is remembered. After an
        analysis that `failed` nothing was measured, whatever the sweep had to tell.
        """
        by: dict[str, list[Measurement]] = defaultdict(list)
        for m in measurements:
            if m.name in (names := _SOURCES.get(self.mode, {})):
                by[names[m.name]].append(m)
        for quantity in _SOURCES.get(self.mode, {}).values() if failed else by:
            self._see(quantity, by[quantity], averaged=averaged)

    def _see(self, quantity: str, made: list[Measurement], *, averaged: bool) -> None:
        """Note the values of one quantity in one sweep, or that there is none."""
        key = (self.mode, quantity)
        for m in made:
            if averaged and math.isfinite(m.value):
                self._remember_alone(key, m.value)
            self.note(quantity, m.value)
        if any(math.isfinite(m.value) for m in made):
            self._blind[key] = Blind()
            return
        flags = tuple(dict.fromkeys(f for m in made for f in m.flags))
        self._blind[key] = Blind(self._blind[key].sweeps + 1, flags, averaged)
        if self._blind[key].sweeps >= BLIND and not self._first[key]:
            self._late.add(key)

    def blind(self, quantity: str) -> Blind:
        """Return for how long this could not be measured, in the present mode."""
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
        """Return the reference for 'of start': the median of the first five values in this mode.

        Values that began to come only after several sweeps without may be those of another state of the cell: then
        the access resistance is counted from the voltage clamp's, if that was measured.
        """
        first = self._first[self.mode, quantity]
        if quantity == OF_THE_PIPETTE and (self.mode, quantity) in self._late:
            first = self._first[ClampMode.VOLTAGE, quantity] or first
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
        self._said: dict[tuple[int, str, str], Require | StopWhen] = {}
        """Keeps each gate that spoke, for a later one at its place in memory would be taken for it."""

    def look(self, gates: Iterable[Require | StopWhen], vitals: Vitals) -> list[Tripped]:
        """Return the gates that act now, worst action last."""
        tripped = [t for gate in gates for quantity in _SHOWN for t in self._one(gate, quantity, vitals)]
        return sorted(tripped, key=lambda t: ("note", "skip", "ask", "stop").index(t.action))

    def _one(self, gate: Require | StopWhen, quantity: str, vitals: Vitals) -> Iterator[Tripped]:
        """Yield what one condition of a gate does: act on a value, or because there has been none for too long."""
        condition = getattr(gate, quantity)
        if condition is None:
            return
        action, blind, value = _action(gate), vitals.blind(quantity), vitals.now(quantity)
        if _is_blind(gate, blind, value):
            text = _blind_sentence(quantity, blind, condition.text)
            yield from self._once(gate, quantity, "blind", Tripped(text, "note" if blind.is_untold else action))
            return
        self._said.pop((id(gate), quantity, "blind"), None)
        answer = None if value is None else condition.holds(value, vitals.start(quantity))
        if value is None or answer is None or answer is isinstance(gate, Require):
            self._said.pop((id(gate), quantity, "seen"), None)
            return
        text = _sentence(quantity, value, condition.text, required=isinstance(gate, Require))
        yield from self._once(gate, quantity, "seen", Tripped(text, action))

    def _once(self, gate: Require | StopWhen, quantity: str, why: str, tripped: Tripped) -> Iterator[Tripped]:
        """Yield what was not said yet; a sweep is skipped each time."""
        key = (id(gate), quantity, why)
        if tripped.action == "skip" or key not in self._said:
            self._said[key] = gate
            yield tripped


def _action(gate: Require | StopWhen) -> OnFail:
    return gate.on_fail if isinstance(gate, Require) else gate.then


def _is_blind(gate: Require | StopWhen, blind: Blind, value: float | None) -> bool:
    """Say whether a gate acts because it sees nothing.

    What a step requires of its sweep is asked of this sweep when it was an average, when the sweep is all that is at
    stake, and when there never was a value; else some sweeps without one are borne.
    """
    if blind.is_untold:
        return True
    at_once = isinstance(gate, Require) and (blind.averaged or value is None or gate.on_fail == "skip")
    return blind.sweeps >= (1 if at_once else BLIND)


def _blind_sentence(quantity: str, blind: Blind, condition: str) -> str:
    name, why = _SHOWN[quantity][0], ", ".join(flag.replace("_", " ") for flag in blind.flags)
    many = f" in {blind.sweeps} sweeps" if blind.sweeps > 1 and not blind.is_untold else ""
    known = f" ({why})" if why else ""
    return f"{name} could not be measured{many}{known}; the gate is '{condition}'"


def _sentence(quantity: str, value: float, condition: str, *, required: bool) -> str:
    name, factor, unit = _SHOWN[quantity]
    shown = f"{name} is {value * factor:.4g} {unit}".rstrip()
    return f"{shown}; wanted {condition}" if required else f"{shown}: {condition}"
