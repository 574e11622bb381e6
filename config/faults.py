"""What is to go wrong in a dry run, as data: which fault, when, how badly.

A fault is a mapping with one key, its kind, as a step of a protocol is:

    - access_jump: {at: 12 min, by: 100 %}

What each one does is in `drivers/simulated`, under the same name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from config.fit import plan_for
from protocols.errors import InvalidFile
from protocols.explaining import did_you_mean
from protocols.loading import load_text, read_text
from protocols.marks import Finding, located, read_marked
from protocols.model import Model, Name, YesNo
from protocols.quantities import (
    Current,
    Duration,
    EventRate,
    NotNegativeCurrent,
    NotNegativeVoltage,
    Percent,
    PositiveDuration,
    PositiveResistance,
    Resistance,
    Temperature,
    Voltage,
)
from protocols.steps import Find, Series, Step
from protocols.written import wrong

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from config.rig import Rig
    from protocols.protocol import Protocol


def _at_most_all(value: Percent) -> Percent:
    if value > 1:
        raise wrong(f"'{value}' is more than always; write '100 %' or less")
    return value


DRIVEN = ("primary", "secondary")
"""Inputs that the amplifier drives; on others of a rig file there is nothing to record in a dry run."""
MOST_EVENTS = 1000.0
"""Hz: the simulated cell throws its dice once a millisecond."""


def _at_most_one_per_ms(value: EventRate) -> EventRate:
    if value > MOST_EVENTS:
        words = f"'{value}' is more than the simulated cell can have, one in every millisecond; write '1 kHz' or less"
        raise wrong(words)
    return value


PossibleEvents = Annotated[EventRate, AfterValidator(_at_most_one_per_ms)]
"""Of events of one kind that a simulated cell can have."""
Chance = Annotated[Percent, AfterValidator(_at_most_all)]
OFTEN = 0.1
"""Seconds between faults of one kind, at least: each is a line of the log, and more often is a state of the rig."""


def _not_too_often(value: Duration) -> Duration:
    if value < OFTEN:
        raise wrong(f"'{value}' is too often for faults that come one by one; write '{Duration(OFTEN)}' or more")
    return value


class Fault(Step):
    """What all faults share: their moment."""

    at: Duration | None = None
    """How long after the session's start, or after what 'after' or 'in_sweep' name; '0 s' there if left out."""
    after: Name | None = None
    """'at' counts from here: the first sweep of a series or search of this name, or the first use of a solution."""
    in_sweep: int | None = Field(default=None, ge=0)
    """'at' counts from the start of this sweep; the first one is 0."""
    about_every: Annotated[PositiveDuration, AfterValidator(_not_too_often)] | None = None
    """Instead of 'at': at random, this long from one to the next on average, by the run's seed."""
    chance: Chance = Percent(1.0)
    """How likely it is to happen at all, by the run's seed."""

    @model_validator(mode="after")
    def _has_a_moment(self) -> Fault:
        """Refuse a fault without a moment, or with two."""
        begins = [key for key in ("after", "in_sweep") if getattr(self, key) is not None]
        if self.about_every is not None:
            if self.at is not None or begins:
                other = "at" if self.at is not None else begins[0]
                raise wrong("a fault that comes 'about_every' so often has no other moment", at=other)
        elif len(begins) == 2:
            raise wrong("'at' counts from one moment: write 'after' or 'in_sweep', not both", at="in_sweep")
        elif self.at is None and not begins:
            raise wrong("say when: 'at: 12 min', 'after: drug', 'in_sweep: 20' or 'about_every: 1 h'")
        return self


class Passing(Fault):
    """A fault that may pass."""

    for_: PositiveDuration | None = Field(default=None, alias="for")
    """How long it lasts; to the end of the session if left out."""


class SealLoss(Fault):
    """The seal gives way: current leaks past the cell and depolarises it."""

    verb, alone = "seal_loss", "at"
    to: PositiveResistance = Resistance(50e6)
    """What is left of it."""


class AccessJump(Fault):
    """The series resistance rises at once: the pipette clogs."""

    verb, alone = "access_jump", "at"
    by: Percent = Percent(1.0)
    """Of what it was."""


class AccessDrift(Fault):
    """The series resistance creeps up: the membrane grows over."""

    verb, alone = "access_drift", "at"
    by: Percent = Percent(1.0)
    """Of what it was, at the end of it."""
    over: PositiveDuration = Duration(600.0)
    """How long it takes."""


class CellDeath(Fault):
    """The cell lets go: its membrane leaks, its sodium and potassium run down, it fires no more."""

    verb, alone = "cell_death", "at"
    over: PositiveDuration = Duration(20.0)
    """How long it takes."""


class EpspBarrage(Passing):
    """Synaptic events rain on the cell, as when a slice begins to burst."""

    verb, alone = "epsp_barrage", "at"
    rate: PossibleEvents = EventRate(200.0)
    """Events per second, at most 1 kHz."""


class Hum(Passing):
    """The line's hum, louder: a lamp, a pump, a lost ground."""

    verb, alone = "hum", "at"
    voltage: NotNegativeVoltage = Voltage(2e-3)
    """Amplitude on the voltage signal."""
    current: NotNegativeCurrent = Current(50e-12)
    """Amplitude on the current signal in voltage clamp."""


class SaturatedInput(Passing):
    """An input of the card stands at full scale: an amplifier's output that is overloaded, a cable pulled."""

    verb, alone = "saturated_input", "at"
    input: Name = "primary"
    """Which one, as the rig file calls it."""


class WrongGain(Passing):
    """The gain of the primary output is not what it was."""

    verb, alone = "wrong_gain", "at"
    times: float = Field(default=5.0, gt=0, le=1000)
    """Factor between the gain and what it was."""
    of: Literal["knob", "telegraph", "amplifier"] = "knob"
    """'knob': turned, and told by the telegraph. 'telegraph': only told. 'amplifier': really so, and not told."""


class ModeTurned(Fault):
    """Somebody turns the mode knob."""

    verb, alone = "mode_turned", "at"
    to: Literal["voltage", "current", "zero"] = "zero"
    """Clamp mode; 'zero' is I=0."""


class DroppedBlock(Fault):
    """One block of samples is lost on its way from the card."""

    verb, alone = "dropped_block", "at"


class LateBlock(Fault):
    """The computer does not come to read: a block arrives late. Beyond 10 s the card's buffer overflows."""

    verb, alone = "late_block", "at"
    by: PositiveDuration = Duration(2.0)
    """How late."""


class StuckValve(Passing):
    """A valve does not move any more."""

    verb, alone = "stuck_valve", "at"
    line: Name | None = None
    """Which one, as the rig file calls it; all of them if left out."""
    told: YesNo = False
    """Whether the controller notices, as one that reads its valves back does."""


class TemperatureDrift(Fault):
    """The heater fails: the bath goes to another temperature, and the cell with it."""

    verb, alone = "temperature_drift", "at"
    to: Temperature = Temperature(24.0)
    """Where it ends."""
    over: PositiveDuration = Duration(300.0)
    """How long it takes."""


class SilentThermometer(Passing):
    """The thermometer does not answer."""

    verb, alone = "silent_thermometer", "at"


class SilentAmplifier(Passing):
    """The amplifier does not answer: its program was closed, its cable is out. The pipette stays as it was."""

    verb, alone = "silent_amplifier", "at"


class FullDisk(Fault):
    """The disk is full, until the person says that there is space."""

    verb, alone = "full_disk", "at"


class KilledProcess(Fault):
    """The program is killed, as by the system for want of memory: nothing is said, nothing is closed."""

    verb, alone = "killed_process", "at"


KINDS: dict[str, type[Fault]] = {
    kind.verb: kind
    for kind in (
        SealLoss, AccessJump, AccessDrift, CellDeath, EpspBarrage, Hum, SaturatedInput, WrongGain, ModeTurned,
        DroppedBlock, LateBlock, StuckValve, TemperatureDrift, SilentThermometer, SilentAmplifier, FullDisk,
        KilledProcess,
    )
}  # fmt: skip
"""Kind of fault, as written in a file -> its model."""


def _kind(value: Any) -> str | None:
    if isinstance(value, Fault):
        return value.verb
    if isinstance(value, dict) and len(value) == 1:
        (key,) = value
        return key if key in KINDS else None
    return None


AnyFault = Annotated[
    Annotated[SealLoss, Tag("seal_loss")]
    | Annotated[AccessJump, Tag("access_jump")]
    | Annotated[AccessDrift, Tag("access_drift")]
    | Annotated[CellDeath, Tag("cell_death")]
    | Annotated[EpspBarrage, Tag("epsp_barrage")]
    | Annotated[Hum, Tag("hum")]
    | Annotated[SaturatedInput, Tag("saturated_input")]
    | Annotated[WrongGain, Tag("wrong_gain")]
    | Annotated[ModeTurned, Tag("mode_turned")]
    | Annotated[DroppedBlock, Tag("dropped_block")]
    | Annotated[LateBlock, Tag("late_block")]
    | Annotated[StuckValve, Tag("stuck_valve")]
    | Annotated[TemperatureDrift, Tag("temperature_drift")]
    | Annotated[SilentThermometer, Tag("silent_thermometer")]
    | Annotated[SilentAmplifier, Tag("silent_amplifier")]
    | Annotated[FullDisk, Tag("full_disk")]
    | Annotated[KilledProcess, Tag("killed_process")],
    Discriminator(
        _kind,
        custom_error_type="unknown_verb",
        custom_error_message="a fault is one kind and what belongs to it; the kinds are " + ", ".join(KINDS),
        custom_error_context={
            "thing": "fault",
            "verb": "kind",
            "verbs": ", ".join(KINDS),
            "example": "- access_jump: 12 min",
        },
    ),
]


class FaultList(Model):
    """What is to go wrong in a dry run."""

    trouble: str = Field(min_length=3)
    """What people call it."""
    format: Literal[1]
    """Version of this language."""
    faults: tuple[AnyFault, ...] = Field(min_length=1)
    """In any order."""


def load_faults(path: Path) -> FaultList:
    """Return the faults in the file at `path`, or raise `InvalidFile` with every mistake found."""
    return faults_from_text(read_text(path), str(path))


def faults_from_text(text: str, name: str) -> FaultList:
    """Return the faults that `text` lists; `name` stands for the file in messages."""
    return load_text(text, name, FaultList)


def faults_for(path: Path, protocol: Protocol, rig: Rig) -> FaultList:
    """Return the faults in the file at `path`, which fit a run of `protocol` on `rig`.

    Raises
    ------
    InvalidFile
        The file has mistakes, or names what protocol or rig have not: with every place in it.
    """
    text, name = read_text(path), str(path)
    made = faults_from_text(text, name)
    if findings := [*_moments(made, protocol), *_sweeps(made, protocol, rig), *_parts(made, protocol, rig)]:
        marked = read_marked(text)
        raise InvalidFile(name, text, [located(f, marked) for f in findings])
    return made


def _moments(made: FaultList, protocol: Protocol) -> Iterator[Finding]:
    """Find faults that wait for something that never comes, or for one of two things."""
    begins = [s.name for s in protocol.steps if isinstance(s, Find | Series)]
    known = [*begins, *protocol.solutions]
    for i, fault in enumerate(made.faults):
        name = fault.after
        if name is None or known.count(name) == 1:
            continue
        words = f"the protocol has no series, search or solution '{name}'{did_you_mean(name, known)}"
        if name in known:
            words = f"'{name}' is a step and a solution of the protocol: give one of them another name"
        yield Finding(("faults", i, fault.verb, "after"), words)


def _sweeps(made: FaultList, protocol: Protocol, rig: Rig) -> Iterator[Finding]:
    """Find faults in sweeps that there are not."""
    if all(fault.in_sweep is None for fault in made.faults):
        return
    most = plan_for(protocol, rig).sweeps_max
    for i, fault in enumerate(made.faults):
        if fault.in_sweep is not None and fault.in_sweep >= most:
            words = f"the protocol has at most {most} sweeps on this rig: write {most - 1} or less, the first one is 0"
            yield Finding(("faults", i, fault.verb, "in_sweep"), words)


def _parts(made: FaultList, protocol: Protocol, rig: Rig) -> Iterator[Finding]:
    """Find faults of what the rig has not, or of what this protocol would not notice."""
    for i, fault in enumerate(made.faults):
        here = ("faults", i, fault.verb)
        if isinstance(fault, StuckValve) and (why := _line_without_use(fault.line, protocol, rig)):
            yield Finding((*here, "line"), why)
        if isinstance(fault, SaturatedInput) and (why := _input_without_signal(fault.input, protocol, rig)):
            yield Finding((*here, "input"), why)
        if isinstance(fault, SilentThermometer) and rig.thermometer is None:
            yield Finding(here, f"'{rig.rig}' has no thermometer that could be silent", on_key=True)


def _line_without_use(name: str | None, protocol: Protocol, rig: Rig) -> str | None:
    """Return why the valve of a line cannot stick in a run; None if it can, and for all lines at once."""
    used = list(dict.fromkeys([*(s.line for s in protocol.solutions.values()), rig.safe.line]))
    if name is not None and name not in rig.perfusion.lines:
        return f"'{rig.rig}' has no line '{name}'{did_you_mean(name, rig.perfusion.lines)}"
    if name is not None and name not in used:
        return f"no solution of the protocol stands on '{name}', so its valve never moves; used are {', '.join(used)}"
    return None


def _input_without_signal(name: str, protocol: Protocol, rig: Rig) -> str | None:
    """Return why nobody would see an input at full scale."""
    recorded = ", ".join(protocol.record.channels)
    if name not in rig.inputs:
        return f"'{rig.rig}' has no input '{name}'{did_you_mean(name, rig.inputs)}"
    if name not in DRIVEN:
        return f"no signal drives '{name}': only {' and '.join(DRIVEN)} are the amplifier's"
    if name not in protocol.record.channels:
        return f"the protocol does not record '{name}', so nobody would see it; its 'channels' are {recorded}"
    return None
