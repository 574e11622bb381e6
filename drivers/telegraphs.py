"""What an amplifier's telegraph voltages mean: tables as data, and one decoder for all of them."""

from __future__ import annotations

import functools
import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from protocols.errors import HardwareError
from protocols.explaining import did_you_mean
from protocols.model import Model
from protocols.quantities import Capacitance, CommandScale, OutputScale
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TOLERANCE = 0.4
"""Part of the distance to the next step by which a voltage may be off; beyond, the knob is between two steps, the
cable is out, or the table is another amplifier's."""
LONE_STEP = 1.0
"""Volts taken for that distance where there is one step only."""

Clamp = Literal["voltage", "current", "zero"]
CLAMPS: Mapping[Clamp, ClampMode] = {
    "voltage": ClampMode.VOLTAGE,
    "current": ClampMode.CURRENT,
    "zero": ClampMode.ZERO,
}


class NotAStep(HardwareError):
    """A telegraph voltage means nothing; `volts` is what was read."""

    def __init__(self, what: str, volts: float, steps: Sequence[float]) -> None:
        """Name the nearest steps."""
        self.volts = volts
        near = ", ".join(f"{s:g}" for s in sorted(sorted(steps, key=lambda s: abs(s - volts))[:2]))
        super().__init__(
            what, f"{volts:.3g} V is none of its steps (nearest {near} V): is the cable in, the knob on a position?"
        )


def nearest(volts: float, steps: Sequence[float], what: str) -> int:
    """Return the index of the step that `volts` means.

    Parameters
    ----------
    volts
        As read, averaged over some milliseconds.
    steps
        All voltages that mean something, in any order.
    what
        Which telegraph, for the message.

    Raises
    ------
    NotAStep
        `volts` is further from every step than 40 % of the distance to that step's next neighbour.
    """
    i = min(range(len(steps)), key=lambda k: abs(steps[k] - volts))
    gap = min((abs(s - steps[i]) for k, s in enumerate(steps) if k != i), default=LONE_STEP)
    if not abs(steps[i] - volts) <= TOLERANCE * gap:
        raise NotAStep(what, volts, steps)
    return i


class GainTelegraph(Model):
    """Of the scaled output."""

    start: float | None = None
    step: float | None = None
    volts: tuple[float, ...] | None = None
    gains: tuple[float, ...] = Field(min_length=1)
    current: OutputScale | None = None
    """Output at gain 1 while a current is recorded."""
    potential: OutputScale | None = None
    """Output at gain 1 while a potential is recorded."""
    negative: float | None = None
    """Factor when the voltage is negative."""

    @model_validator(mode="after")
    def _one_voltage_each(self) -> GainTelegraph:
        if (self.volts is None) == (self.start is None or self.step is None):
            raise ValueError("a gain telegraph needs either 'volts', or 'start' and 'step'")
        if self.volts is not None and len(self.volts) != len(self.gains):
            raise ValueError("'volts' and 'gains' are of different length")
        return self

    @property
    def steps(self) -> tuple[float, ...]:
        """Volts of each gain."""
        if self.volts is not None:
            return self.volts
        start, step = self.start or 0.0, self.step or 0.0
        return tuple(start + i * step for i in range(len(self.gains)))

    @property
    def all(self) -> tuple[float, ...]:
        """Every gain there is."""
        return self.gains + tuple(self.negative * g for g in self.gains if self.negative is not None)

    @property
    def reads_without_cable(self) -> bool:
        """Whether 0 V is one of the steps, so that a pulled cable looks like a gain."""
        return any(step == 0 for step in self.steps)

    def decode(self, volts: float) -> float:
        """Return the gain that `volts` means."""
        if self.negative is None or volts >= 0:
            return self.gains[nearest(volts, self.steps, "gain telegraph")]
        return self.negative * self.gains[nearest(-volts, self.steps, "gain telegraph")]


class Position(Model):
    """One position of a mode knob."""

    volts: float
    knob: str
    clamp: Clamp | None = None
    """None: no mode in which we record."""


class ModeTelegraph(Model):
    """Of the mode knob."""

    positions: tuple[Position, ...] = ()
    threshold: float | None = None
    above: Clamp | None = None
    below: Clamp | None = None

    @property
    def reads_without_cable(self) -> bool:
        """Whether 0 V means a mode, so that a pulled cable looks like one."""
        return self.threshold is not None or any(p.volts == 0 for p in self.positions)

    def decode(self, volts: float) -> Position:
        """Return the knob's position that `volts` means."""
        if self.threshold is None:
            return self.positions[nearest(volts, [p.volts for p in self.positions], "mode telegraph")]
        clamp = self.above if volts >= self.threshold else self.below
        return Position(volts=volts, knob=f"{clamp} clamp", clamp=clamp)

    def leading_to(self, mode: ClampMode) -> tuple[Position, ...]:
        """Return the positions that mean `mode`."""
        threshold = self.threshold or 0.0
        known = self.positions or tuple(
            Position(volts=volts, knob=f"{clamp} clamp", clamp=clamp)
            for clamp, volts in ((self.above, 2 * threshold), (self.below, 0.0))
            if clamp
        )
        return tuple(p for p in known if p.clamp is not None and CLAMPS[p.clamp] is mode)

    @property
    def highest(self) -> float:
        """Volts that the input must be able to read."""
        return max([p.volts for p in self.positions], default=self.threshold or 0.0)


class FrequencyTelegraph(Model):
    """Of the output filter."""

    volts: tuple[float, ...]
    hertz: tuple[float, ...]

    def decode(self, volts: float) -> float:
        """Return the corner, Hz, that `volts` means."""
        return self.hertz[nearest(volts, self.volts, "frequency telegraph")]


class CapacitanceTelegraph(Model):
    """Of the whole-cell compensation: continuous, so there is nothing to be nearest to."""

    full: Capacitance
    """At 10 V."""

    def decode(self, volts: float) -> float | None:
        """Return farads, or None if the compensation is switched off."""
        return None if volts < 0 else float(self.full) * volts / 10


class CommandTable(Model):
    """What the external command input can be."""

    voltage_clamp: tuple[CommandScale, ...]
    current_clamp: tuple[CommandScale, ...]


class Telegraphs(Model):
    """One amplifier."""

    name: str
    source: str
    gain: GainTelegraph | None = None
    mode: ModeTelegraph | None = None
    frequency: FrequencyTelegraph | None = None
    capacitance: CapacitanceTelegraph | None = None
    command: CommandTable | None = None

    @property
    def reach(self) -> Mapping[str, float]:
        """Telegraph -> volts that its input must be able to read."""
        found = {
            "gain": max(self.gain.steps) if self.gain else None,
            "mode": self.mode.highest if self.mode else None,
            "frequency": max(self.frequency.volts) if self.frequency else None,
            "capacitance": 10.0 if self.capacitance else None,
        }
        return {name: volts for name, volts in found.items() if volts is not None}


@functools.cache
def tables() -> Mapping[str, Telegraphs]:
    """Return all amplifiers of telegraphs.toml."""
    text = files("drivers").joinpath("telegraphs.toml").read_text(encoding="utf-8")
    return {key: Telegraphs.model_validate(entry) for key, entry in tomllib.loads(text).items()}


def telegraphs_of(model: str) -> Telegraphs:
    """Return the amplifier `model` of telegraphs.toml.

    Raises
    ------
    HardwareError
        There is none of that name.
    """
    known = tables()
    if model not in known:
        raise HardwareError("amplifier", f"no telegraph table is named '{model}'{did_you_mean(model, known)}")
    return known[model]
