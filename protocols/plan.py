"""What a protocol will do, bounded before anything is opened: how long, how high, how much data.

A plan counts what the protocol itself can cause. Answers of a person and the computer's own time come on top.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from protocols import commands
from protocols.describing import describe
from protocols.errors import LimitExceeded, Refused
from protocols.quantities import Current, CurrentSteps, Voltage
from protocols.steps import Apply, Find, Hold, MembraneTest, Series, Step, SwitchTo, Wait
from protocols.waveforms import lies_within, samples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from protocols.protocol import Protocol
    from protocols.sweeps import Unit
    from protocols.waveforms import Waveform

__all__ = ["Plan", "PlanLimits", "PlannedStep", "describe", "make_plan"]

BYTES_PER_SAMPLE = 4
"""float32 in the session file, before compression."""
LOOK = 1.0
"""Seconds of one look at the potential while the bias is sought."""
READING = 0.1
"""Seconds of a look at current or potential beside a mode switch: whole periods of 50 and of 60 Hz."""
LOOK_SWEEPS = 1
"""At least one look is recorded when a bias is sought."""

Part = Literal["steps", "finish"]
UNITS: tuple[Unit, ...] = ("V", "A")


@dataclass(frozen=True)
class PlanLimits:
    """What a plan must know of the rig, SI."""

    voltage: tuple[float, float]
    """What may be commanded in voltage clamp."""
    current: tuple[float, float]
    """What may be commanded in current clamp."""
    sampling: float
    """The card's highest rate."""
    safe_voltage: float
    """Where voltage clamp begins, and where a switch without 'holding' goes."""
    dead_time: float = 0.0
    """Seconds from a valve to the bath."""
    settle: float = 0.5
    """Seconds after a mode switch."""


@dataclass(frozen=True)
class PlannedStep:
    """One step, bounded."""

    index: int
    """Counts from 0 within its part."""
    part: Part
    verb: str
    name: str
    """Of a find or series; otherwise the verb."""
    what: str
    """One line for people."""
    shortest: float
    longest: float
    """Seconds."""
    sweeps_min: int = 0
    sweeps_max: int = 0
    bytes_max: int = 0
    """Of samples, before compression."""
    unit: Unit | None = None
    """Of the command; None where nothing is played."""
    lowest: float | None = None
    highest: float | None = None
    """Worst case of the command, SI."""

    @property
    def number(self) -> str:
        """As people count: '3', or 'finish 1'."""
        return f"{self.index + 1}" if self.part == "steps" else f"finish {self.index + 1}"

    @property
    def command(self) -> str:
        """Worst case of the command in words; empty where nothing is played."""
        if self.unit is None or self.lowest is None or self.highest is None:
            return ""
        return _span((self.lowest, self.highest), self.unit)


@dataclass(frozen=True)
class Plan:
    """All steps, and what they come to."""

    title: str
    steps: tuple[PlannedStep, ...]
    """In order, those of 'finish' last."""
    notes: tuple[str, ...] = ()
    """What a person should know or do beforehand, one sentence each."""

    @property
    def shortest(self) -> float:
        """Seconds, when every criterion is met at once."""
        return sum(s.shortest for s in self.steps)

    @property
    def longest(self) -> float:
        """Seconds, when every criterion takes all the time it has."""
        return sum(s.longest for s in self.steps)

    @property
    def sweeps_max(self) -> int:
        """The most sweeps there can be."""
        return sum(s.sweeps_max for s in self.steps)

    @property
    def bytes_max(self) -> int:
        """Size of all samples, before compression."""
        return sum(s.bytes_max for s in self.steps)

    def extremes(self, unit: Unit) -> tuple[float, float] | None:
        """Return the lowest and highest command in 'V' or 'A', SI; None if nothing is played in that unit."""
        played = [s for s in self.steps if s.unit == unit and s.lowest is not None and s.highest is not None]
        if not played:
            return None
        return min(s.lowest or 0.0 for s in played), max(s.highest or 0.0 for s in played)

    def as_mapping(self) -> dict[str, Any]:
        """Return the plan as plain data, SI."""
        return {
            "title": self.title,
            "shortest": self.shortest,
            "longest": self.longest,
            "sweeps_max": self.sweeps_max,
            "bytes_max": self.bytes_max,
            "volts": self.extremes("V"),
            "amperes": self.extremes("A"),
            "notes": list(self.notes),
            "steps": [asdict(s) for s in self.steps],
        }

    @property
    def summary(self) -> tuple[str, ...]:
        """What to know besides the table, one sentence a line."""
        spans = [_span(found, unit) for unit in UNITS if (found := self.extremes(unit)) is not None]
        return (
            f"command never beyond {' and '.join(spans)}" if spans else "nothing is commanded",
            f"at most {self.sweeps_max} sweeps, {self.bytes_max / 1e6:.0f} MB before compression",
            *(f"note: {words}" for words in self.notes),
        )


def make_plan(protocol: Protocol, limits: PlanLimits) -> Plan:
    """Return what `protocol` will do on a rig with `limits`.

    Raises
    ------
    LimitExceeded
        Some command could, in the worst case, go beyond the limits; all such steps are named.
    Refused
        The card cannot sample that fast.
    """
    if protocol.record.sampling > limits.sampling:
        raise Refused(too_fast(protocol, limits))
    plan = bounded(protocol, limits)
    if beyond := [words for s in plan.steps if (words := excess(s, limits))]:
        raise LimitExceeded("\n".join(beyond))
    return plan


def bounded(protocol: Protocol, limits: PlanLimits) -> Plan:
    """Return what `protocol` would do, whether it may or not."""
    planner = _Planner(protocol, limits)
    steps = [*planner.part("steps", protocol.steps), *planner.part("finish", protocol.finish)]
    return Plan(protocol.protocol, tuple(steps))


def excess(step: PlannedStep, limits: PlanLimits) -> str | None:
    """Return in words how `step` could go beyond `limits`; None if it cannot."""
    if step.unit is None or step.lowest is None or step.highest is None:
        return None
    allowed = limits.voltage if step.unit == "V" else limits.current
    if lies_within((step.lowest, step.highest), allowed):
        return None
    parts = " (bias, step and test pulse together)" if step.verb in ("find", "series") else ""
    return f"{step.what}: could command {step.command}{parts}; this rig allows {_span(allowed, step.unit)}"


def too_fast(protocol: Protocol, limits: PlanLimits) -> str:
    """Return in words that the card cannot sample that fast."""
    return f"{protocol.record.sampling} is more than this rig's card can sample, {limits.sampling / 1e3:g} kHz"


def _span(ends: tuple[float, float], unit: Unit) -> str:
    kind = Voltage if unit == "V" else Current
    return f"{kind(ends[0])} .. {kind(ends[1])}"


@dataclass
class _Planner:
    """Walks through the steps, carrying what one leaves to the next: level, ceiling of the bias, the solution's way."""

    protocol: Protocol
    limits: PlanLimits
    voltage: float = field(init=False)
    """Holding potential, V."""
    has_fired: bool = False
    """Whether there was a burst before: the next series keeps its interval from it."""
    max_bias: float = 0.0
    """A; 0 until a bias was allowed."""
    since_apply: tuple[float, float] = (math.inf, math.inf)
    """Shortest and longest time since a solution was chosen, s."""
    found: dict[str, CurrentSteps] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.voltage = self.limits.safe_voltage

    def part(self, part: Part, steps: tuple[Step, ...]) -> Iterator[PlannedStep]:
        """Yield the steps of one part, bounded."""
        for index, step in enumerate(steps):
            bounds = self._bounds(step)
            name = step.name if isinstance(step, Find | Series) else step.verb
            yield PlannedStep(index, part, step.verb, name, describe(step, self.protocol), **bounds)
            shortest, longest = self.since_apply
            self.since_apply = (shortest + bounds["shortest"], longest + bounds["longest"])
            if isinstance(step, Apply):
                self.since_apply = (bounds["shortest"], bounds["longest"])

    def _bounds(self, step: Step) -> dict[str, Any]:
        match step:
            case Hold():
                self.voltage = float(step.voltage)
                bounds = self._one_sweep(commands.hold_command(step, self._rate))
            case MembraneTest():
                command = commands.membrane_test_command(step, self._rate, holding=self.voltage)
                bounds = self._one_sweep(command)
            case SwitchTo():
                bounds = self._switch(step)
            case Find():
                bounds = self._find(step)
            case Series():
                bounds = self._series(step)
            case Apply():
                bounds = _lasting(self.limits.dead_time if step.wait_for_arrival else 0.0)
            case Wait():
                bounds = _lasting(float(step.for_))
            case _:
                bounds = _lasting(0.0)
        return bounds

    @property
    def _rate(self) -> float:
        return float(self.protocol.record.sampling)

    def _bytes(self, n_samples: int) -> int:
        """Return the size of recorded channels and command."""
        return n_samples * (len(self.protocol.record.channels) + 1) * BYTES_PER_SAMPLE

    def _one_sweep(self, command: Waveform) -> dict[str, Any]:
        lowest, highest = command.extremes
        return {
            **_lasting(command.duration),
            "sweeps_min": 1,
            "sweeps_max": 1,
            "bytes_max": self._bytes(command.n_samples),
            "unit": "V",
            "lowest": lowest,
            "highest": highest,
        }

    def _switch(self, step: SwitchTo) -> dict[str, Any]:
        settle = READING + max(self.limits.settle, READING)
        if step.clamp == "voltage":
            self.voltage = float(step.holding) if step.holding is not None else self.limits.safe_voltage
            return {**_lasting(settle), "unit": "V", "lowest": self.voltage, "highest": self.voltage}
        self.max_bias = float(step.max_bias)
        bias = self.max_bias if step.bias_to is not None else 0.0
        looks = math.ceil(step.within / LOOK) + LOOK_SWEEPS if step.bias_to is not None else 0
        return {
            "shortest": settle + min(looks, LOOK_SWEEPS) * LOOK,
            "longest": settle + looks * LOOK,
            "sweeps_min": min(looks, LOOK_SWEEPS),
            "sweeps_max": looks,
            "bytes_max": looks * self._bytes(samples(LOOK, self._rate)),
            "unit": "A",
            "lowest": -bias,
            "highest": bias,
        }

    def _find(self, step: Find) -> dict[str, Any]:
        self.found[step.name] = step.step
        command = commands.find_command(step, self._rate, holding=0.0, amplitude=float(step.step.high))
        levels = (float(step.step.low), float(step.step.high))
        return self._sweeps(command, float(step.every), step.confirm, step.at_most, levels)

    def _series(self, step: Series) -> dict[str, Any]:
        grid = self.found[step.step] if isinstance(step.step, str) else step.step
        levels = (float(grid.low), float(grid.high)) if isinstance(grid, CurrentSteps) else (float(grid), float(grid))
        if step.follow_spikes is not None:
            levels = levels[0] - step.follow_spikes.within, levels[1] + step.follow_spikes.within
        command = commands.series_command(step, self._rate, holding=0.0, amplitude=levels[0])
        return self._sweeps(command, float(step.every), *self._count(step), levels)

    def _count(self, step: Series) -> tuple[int, int]:
        """Return the fewest and most sweeps: one starts at every interval before the end, and one at its start."""
        early, late = self._until_arrival(step)
        end = step.for_ if step.for_ is not None else step.at_most
        most = MOST if end is None else max(1, _intervals(late + end, step.every))
        fewest = MOST if end is None else max(1, _intervals(early + end, step.every))
        if step.until_stable is not None:
            fewest = min(fewest, max(step.until_stable.last, _intervals(early + (step.at_least or 0.0), step.every)))
        sweeps = step.sweeps if step.sweeps is not None else MOST
        return min(fewest, sweeps), min(most, sweeps)

    def _until_arrival(self, step: Series) -> tuple[float, float]:
        """Return the shortest and longest time from the first sweep to the arrival it counts from."""
        if step.counted_from == "start":
            return 0.0, 0.0
        shortest, longest = self.since_apply
        return max(0.0, self.limits.dead_time - longest), max(0.0, self.limits.dead_time - shortest)

    def _sweeps(
        self, command: Waveform, every: float, fewest: int, most: int, levels: tuple[float, float]
    ) -> dict[str, Any]:
        """Return the bounds of `fewest` to `most` sweeps with steps between `levels`, on any allowed bias."""
        others = [p.amplitude for p in command.of("test_pulse")]
        pause, self.has_fired = every if self.has_fired else 0.0, True
        return {
            "shortest": (fewest - 1) * every + command.duration,
            "longest": pause + (most - 1) * every + command.duration,
            "sweeps_min": fewest,
            "sweeps_max": most,
            "bytes_max": most * self._bytes(command.n_samples),
            "unit": "A",
            "lowest": min(0.0, *levels, *others) - self.max_bias,
            "highest": max(0.0, *levels, *others) + self.max_bias,
        }


MOST = 1_000_000
"""More sweeps than any series: 'as many as something else allows'."""


def _lasting(seconds: float) -> dict[str, Any]:
    return {"shortest": seconds, "longest": seconds}


def _intervals(seconds: float, every: float) -> int:
    """Return how many sweeps start within `seconds`; a rounding error does not make one more."""
    return math.ceil(seconds / every - 1e-9)
