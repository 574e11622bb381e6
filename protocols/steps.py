"""The verbs of a protocol.

A step is a mapping with one key, its verb, so that a file reads aloud:

    - hold: {voltage: -70 mV, for: 5 min}

A verb's executor has the same name in `acquisition/steps/`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from protocols.conditions import (
    IfNot,
    SpikeCount,
)
from protocols.model import Model, Name, YesNo
from protocols.parts import (
    Bridge,
    CurrentPulse,
    FollowSpikes,
    Rebias,
    Require,
    Stable,
    StepSize,
    TestPulses,
    TtlPulses,
)
from protocols.quantities import (
    Current,
    CurrentSteps,
    Duration,
    PositiveCurrent,
    PositiveDuration,
    PositiveVoltage,
    TestVoltage,
    Voltage,
)
from protocols.written import wrong


class Step(Model):
    """What all steps share."""

    verb: ClassVar[str]
    alone: ClassVar[str | None] = None
    """Key whose value may stand right after the verb: '- wait: 2 min' is '- wait: {for: 2 min}'."""

    @model_validator(mode="before")
    @classmethod
    def _unwrap(cls, value: Any) -> Any:
        """Take what is under the verb."""
        if not (isinstance(value, dict) and set(value) == {cls.verb}):
            return value
        inner = value[cls.verb]
        if inner is None:
            return {}
        return inner if cls.alone is None or isinstance(inner, dict) else {cls.alone: inner}


class Hold(Step):
    """Voltage clamp at a potential, recorded without gaps, with test pulses meanwhile."""

    verb = "hold"
    voltage: Voltage
    """Holding potential, such as '-70 mV'."""
    for_: PositiveDuration = Field(alias="for")
    """How long, such as '5 min'."""
    test_pulses: TestPulses | None = None
    """Pulses during the hold; none if left out."""
    ttl: tuple[TtlPulses, ...] = ()
    """Pulses on the rig's TTL lines, in the hold."""
    require: Require | None = None
    """Looked at when the hold ends."""


class MembraneTest(Step):
    """Voltage clamp: access resistance, input resistance and capacitance from the mean of test pulses."""

    verb = "membrane_test"
    step: TestVoltage = Voltage(-5e-3)
    """Size, such as '-5 mV'."""
    width: PositiveDuration = Duration(0.05)
    """50 ms or more, see 'test_pulses'."""
    average: int = Field(default=20, ge=1, le=1000)
    """How many pulses."""
    require: Require | None = None
    """What a good cell must show."""


class SwitchTo(Step):
    """Change of clamp mode, through I=0, verified by telegraph."""

    verb = "switch_to"
    clamp: Literal["voltage", "current"]
    """Mode to switch to."""
    bias_to: Voltage | None = None
    """Current clamp: bring the cell here with a bias current."""
    tolerance: PositiveVoltage = Voltage(1e-3)
    """How near is near enough."""
    max_bias: PositiveCurrent = Current(300e-12)
    """Refuse a cell that needs more, either way."""
    within: PositiveDuration = Duration(60.0)
    """Give up biasing after this long."""
    bridge: Bridge = "auto"
    """Bridge balance: the amplifier's own procedure, as it is, off, or a value such as '12 MOhm'."""
    holding: Voltage | None = None
    """Voltage clamp: potential to switch to; the rig's safe potential if left out."""
    if_not_reached: IfNot = "ask"
    """What to do when the bias cannot be found within the ceiling and the time."""


class Find(Step):
    """Search for a step current that gives the wanted number of spikes, confirmed."""

    verb = "find"
    name: Name
    """Later steps use the current found by this name."""
    step: CurrentSteps
    """Range and grid, such as '200 pA .. 400 pA by 25 pA'."""
    width: PositiveDuration
    """Length of the step."""
    until_spikes: SpikeCount
    """Wanted number, such as '3..4'."""
    every: PositiveDuration
    """Onset to onset."""
    before: Duration = Duration(1.0)
    """Recorded before the step."""
    after: Duration = Duration(1.0)
    """Recorded after the step."""
    confirm: int = Field(default=2, ge=1, le=10)
    """How many sweeps at the current must agree, the first included."""
    at_most: int = Field(default=12, ge=1, le=100)
    """Give up after this many sweeps."""
    rebias: Rebias | None = None
    """How the bias current follows the cell."""
    ttl: tuple[TtlPulses, ...] = ()
    """Pulses on the rig's TTL lines, in each sweep."""
    if_none: IfNot = "ask"
    """What to do when no current in the range gives the wanted number."""

    @model_validator(mode="after")
    def _within_interval(self) -> Find:
        """Refuse sweeps that do not fit their interval."""
        _fits(self)
        return self


class Series(Step):
    """Sweeps with one step each, at an interval, for a time, a number, or until a measure is stable."""

    verb = "series"
    name: Name
    """Such as 'baseline'; the sweeps carry it."""
    step: StepSize
    """A current, a stepped range (one level a sweep, in order, over and over), or a name given by 'find'."""
    width: PositiveDuration
    """Length of the step."""
    every: PositiveDuration
    """Onset to onset."""
    before: Duration = Duration(1.5)
    """Recorded before the step."""
    after: Duration
    """Recorded after the step: a slow AHP needs 5 s and more."""
    sweeps: int | None = Field(default=None, ge=1, le=10_000)
    """End after this many sweeps."""
    for_: PositiveDuration | None = Field(default=None, alias="for")
    """End after this long."""
    counted_from: Literal["start", "arrival"] = "start"
    """Whether 'for', 'at_least' and 'at_most' run from the first sweep or from the solution's arrival."""
    until_stable: Stable | None = None
    """End when this criterion is met."""
    at_least: Duration | None = None
    """Not before."""
    at_most: PositiveDuration | None = None
    """Not after."""
    if_not_stable: IfNot = "ask"
    """What to do when 'at_most' passes and the criterion is not met."""
    rebias: Rebias | None = None
    """How the bias current follows the cell; it stays as it is if left out."""
    follow_spikes: FollowSpikes | None = None
    """How the step current keeps the count of spikes that 'find' asked for; it stays as it is if left out."""
    test_pulse: CurrentPulse | None = None
    """For input resistance in every sweep."""
    ttl: tuple[TtlPulses, ...] = ()
    """Pulses on the rig's TTL lines, in each sweep."""
    require: Require | None = None
    """Looked at after every sweep."""

    @model_validator(mode="after")
    def _ends(self) -> Series:
        """Refuse a series without an end, or with sweeps that do not fit their interval."""
        _fits(self)
        if self.follow_spikes is not None and not isinstance(self.step, str):
            raise wrong("'follow_spikes' keeps the count of a 'find'; name that as the 'step'", at="follow_spikes")
        if self.sweeps is None and self.for_ is None and self.until_stable is None:
            raise wrong("say when the series ends: 'sweeps: 20', 'for: 15 min' or 'until_stable: {measure: ...}'")
        if self.until_stable is not None and self.at_most is None:
            raise wrong("'until_stable' needs 'at_most', or an unstable cell would run for ever", at="until_stable")
        if self.at_most is not None and (self.at_least or 0.0) > self.at_most:
            raise wrong(f"'at_least' ({self.at_least}) is longer than 'at_most' ({self.at_most})", at="at_least")
        return self


def _fits(step: Find | Series) -> None:
    """Refuse sweeps longer than the interval between them."""
    length = step.before + step.width + step.after
    if length > step.every:
        raise wrong(
            f"a sweep lasts {length:g} s (before + width + after), but one starts every {step.every}: "
            "lengthen 'every' or shorten 'after'",
            at="every",
        )


class Apply(Step):
    """Switch the perfusion to a solution. The dead time comes from the rig file."""

    verb = "apply"
    solution: Name
    """Name of a solution in this file."""
    wait_for_arrival: YesNo = False
    """Wait out the dead time before the next step."""


class Wait(Step):
    """Do nothing, at the present holding level."""

    verb, alone = "wait", "for"
    for_: Duration = Field(alias="for")
    """How long."""


class Note(Step):
    """A line for the log."""

    verb, alone = "note", "text"
    text: str = Field(min_length=1)
    """What to write."""


class Prompt(Step):
    """A question to the person; the answer is logged. 'stop' ends the run."""

    verb, alone = "prompt", "question"
    question: str = Field(min_length=1)
    """Such as 'Has the drug bottle been filled?'."""
    options: tuple[str, ...] = Field(default=("continue", "stop"), min_length=1)
    """The first is the answer when nobody can be asked."""


VERBS: dict[str, type[Step]] = {
    s.verb: s for s in (Hold, MembraneTest, SwitchTo, Find, Series, Apply, Wait, Note, Prompt)
}


def _verb(value: Any) -> str | None:
    if isinstance(value, Step):
        return value.verb
    if isinstance(value, dict) and len(value) == 1:
        (key,) = value
        return key if key in VERBS else None
    return None


AnyStep = Annotated[
    Annotated[Hold, Tag("hold")]
    | Annotated[MembraneTest, Tag("membrane_test")]
    | Annotated[SwitchTo, Tag("switch_to")]
    | Annotated[Find, Tag("find")]
    | Annotated[Series, Tag("series")]
    | Annotated[Apply, Tag("apply")]
    | Annotated[Wait, Tag("wait")]
    | Annotated[Note, Tag("note")]
    | Annotated[Prompt, Tag("prompt")],
    Discriminator(
        _verb,
        custom_error_type="unknown_verb",
        custom_error_message="a step is one verb and what belongs to it; the verbs are " + ", ".join(VERBS),
        custom_error_context={"thing": "step", "verb": "verb", "verbs": ", ".join(VERBS), "example": "- wait: 2 min"},
    ),
]
