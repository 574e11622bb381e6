"""What steps are made of: gates, pulses, how the bias follows a cell, what counts as steady."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from protocols.conditions import (
    CurrentCondition,
    Drift,
    OnFail,
    ResistanceCondition,
    SpikeCount,
    TemperatureCondition,
    VoltageCondition,
)
from protocols.model import NAME, Model, Name
from protocols.quantities import (
    Current,
    CurrentSteps,
    Duration,
    Offset,
    Percent,
    PositiveCurrent,
    PositiveDuration,
    PositiveVoltage,
    Resistance,
    TestCurrent,
    TestVoltage,
    Voltage,
)
from protocols.quantity import Quantity
from protocols.written import offered, wrong


def _step_size(value: Any) -> Any:
    """Read a name as it is, 'A .. B by C' as a grid, and everything else as a current."""
    if not isinstance(value, str):
        return value if isinstance(value, CurrentSteps) else Current.parse(value)
    if re.fullmatch(NAME, value):
        return value
    return CurrentSteps.parse(value) if ".." in value else Current.parse(value)


def _bridge(value: Any) -> Any:
    if value in ("auto", "keep", "off"):
        return str(value)
    if isinstance(value, Quantity) or (isinstance(value, str) and any(c.isdigit() for c in value)):
        return Resistance.parse(value)
    raise wrong("write 'auto', 'keep', 'off' or a resistance such as '12 MOhm'")


StepSize = Annotated[
    Current | CurrentSteps | str,
    PlainValidator(_step_size),
    WithJsonSchema(
        {
            "type": "string",
            "anyOf": [{"pattern": NAME}, Current.json_schema(), CurrentSteps.json_schema()],
            "defaultSnippets": offered("burst", Current.example, CurrentSteps.example),
        }
    ),
]
"""A current, a grid of currents, or the name of an earlier 'find'."""

Bridge = Annotated[
    Literal["auto", "keep", "off"] | Resistance,
    PlainValidator(_bridge),
    WithJsonSchema({"type": "string", "anyOf": [{"enum": ["auto", "keep", "off"]}, Resistance.json_schema()]}),
]
"""How the bridge is balanced."""


class Quality(Model):
    """Conditions on the latest measured values. Those left out are not looked at."""

    access_resistance: ResistanceCondition | None = None
    """Such as 'below 25 MOhm' or 'within 20 % of start'."""
    input_resistance: ResistanceCondition | None = None
    """Such as 'above 60 MOhm'."""
    holding_current: CurrentCondition | None = None
    """Voltage clamp: the current that holds the cell."""
    bias_current: CurrentCondition | None = None
    """Current clamp: the current that holds the cell."""
    baseline_voltage: VoltageCondition | None = None
    """Current clamp: the potential before the step."""
    temperature: TemperatureCondition | None = None
    """Of the bath."""
    spikes: SpikeCount | None = None
    """Action potentials during the step, such as '3..4'."""


class Require(Quality):
    """What must hold. The first condition that fails acts."""

    on_fail: OnFail = "ask"
    """ask the person, note it and go on, skip the sweep (leave it out of means), or stop the run."""


class StopWhen(Quality):
    """What must not happen, looked at after every sweep. The first condition that comes true acts."""

    then: OnFail = "stop"
    """stop the run, ask the person, skip the sweep, or note it and go on."""


class TestPulses(Model):
    """Small steps during a hold, from which access and input resistance are followed."""

    step: TestVoltage = Voltage(-5e-3)
    """Size, such as '-5 mV'."""
    width: PositiveDuration = Duration(0.05)
    """50 ms or more: shorter pulses underestimate the membrane resistance and capacitance."""
    every: PositiveDuration = Duration(10.0)
    """Onset to onset."""


class CurrentPulse(Model):
    """A small current step near the end of each sweep, from which input resistance is measured."""

    current: TestCurrent = Current(-50e-12)
    """Size, such as '-50 pA'."""
    width: PositiveDuration = Duration(0.3)
    """300 ms reaches the steady state of a CA1 neuron."""
    before_end: PositiveDuration = Duration(0.8)
    """Onset, counted back from the end of the sweep: in the last second, far from the next baseline."""


class TtlPulses(Model):
    """A pulse, or several, on one of the rig's TTL lines during a sweep, on the sample clock of the command."""

    line: Name
    """Name of a line under 'ttl' in the rig file, such as 'stimulator'."""
    at: Offset
    """Rising edge of the first pulse, such as '100 ms'."""
    width: PositiveDuration
    """How long the line is high, such as '1 ms'; one sample at least."""
    counted_from: Literal["sweep_start", "step_start", "step_end"] = "sweep_start"
    """What 'at' counts from; negative before a step."""
    count: int = Field(default=1, ge=1, le=100_000)
    """How many pulses."""
    every: PositiveDuration | None = None
    """Rising edge to rising edge, when there are several."""


class Rebias(Model):
    """How the bias current follows a drifting cell: between sweeps only, never from step to end of AHP."""

    to: Voltage
    """Potential to return to, such as '-60 mV'."""
    within: PositiveVoltage = Voltage(0.5e-3)
    """Leave the bias alone while the baseline is this near."""
    by_at_most: PositiveCurrent = Current(10e-12)
    """Largest change from one sweep to the next."""


class FollowSpikes(Model):
    """How the step current follows the cell's excitability, so that the count of spikes stays: between sweeps only."""

    by: PositiveCurrent = Current(10e-12)
    """Change after a sweep with too few spikes, or too many."""
    within: PositiveCurrent = Current(50e-12)
    """Farthest from the current that 'find' found; each sweep's current stands in the file."""


class Stable(Model):
    """A written criterion of a steady baseline, over the last accepted sweeps."""

    measure: Name
    """Which measure: 'A_1000', 'Rin', or one declared under 'measures'."""
    last: int = Field(default=10, ge=4, le=200)
    """How many sweeps to look at."""
    drift_below: Drift = Drift.parse("15 % per 10 min")
    """Theil-Sen slope over those sweeps; its 95 % interval must contain 0 as well."""
    cv_below: Percent | None = None
    """Coefficient of variation over those sweeps."""
