"""What a rig file may say to the NI-DAQmx drivers, under the 'options' of its devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError

from config.rig import Input
from protocols.errors import HardwareError
from protocols.explaining import explain
from protocols.marks import Finding, Marked, show
from protocols.model import PATTERN_WORDS, Model, Name
from protocols.quantities import Duration, InstrumentVoltage, PositiveDuration
from protocols.written import wrong

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

M = TypeVar("M", bound=Model)


LEAST_LEAD = 0.1
"""Seconds: an ordinary computer stalls for tens of milliseconds now and then."""


def _long_enough(value: Duration) -> Duration:
    if value < LEAST_LEAD:
        raise wrong(f"'{value}' must be 100 ms or more: computers stall for tens of milliseconds; 12 s suits most rigs")
    return value


class NiDaqOptions(Model):
    """Of the driver 'nidaqmx', under 'daq: options:'."""

    grpc: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]+:[0-9]{1,5}$",
        examples=["192.168.1.20:31763"],
        json_schema_extra={PATTERN_WORDS: "Write host and port, such as '192.168.1.20:31763'."},
    )
    """NI gRPC Device Server on the computer with the card; without it, the NI-DAQmx library of this computer."""
    streaming: Literal["continuous", "finite"] = "continuous"
    """'continuous' feeds the output block by block; 'finite' writes a whole sweep before it starts."""
    lead: Annotated[Duration, AfterValidator(_long_enough)] = Duration(12.0)
    """How far outputs are ahead, two blocks or more: a longer stall ends the sweep. Best above 'input_buffer'."""
    output_buffer: PositiveDuration | None = None
    """Length of the output buffer; the lead and a second more if left out."""
    input_buffer: PositiveDuration = Duration(10.0)
    """Length of the input buffer, four blocks at least; samples not fetched in time are lost and recorded as a gap."""
    read_back: str = Field(
        default="internal",
        pattern=r"^(internal|none|ai[0-9]+)$",
        examples=["internal", "ai6"],
        json_schema_extra={PATTERN_WORDS: "Write internal, none, or an input such as 'ai6'."},
    )
    """How the output is checked: the card's own channel, an input wired to the output, or 'none'."""
    telegraphs: dict[Name, Input] = Field(default_factory=dict)
    """Telegraph outputs of the amplifier, by name; read between sweeps and followed during them."""


class DigitalValvesOptions(Model):
    """Of the driver 'digital_valves', under 'perfusion: options:'; there are none, each line's 'pin' says it all."""


class AnalogueThermometerOptions(Model):
    """Of the driver 'analogue', under 'thermometer: options:'."""

    input: Input
    """Where the thermometer's analogue output arrives."""
    per_degree: InstrumentVoltage
    """Volts per degree Celsius, such as '100 mV'."""
    at_zero: InstrumentVoltage = InstrumentVoltage(0.0)
    """Volts at 0 degrees Celsius."""


NI_OPTIONS: Mapping[tuple[str, str], type[Model]] = {
    ("daq", "nidaqmx"): NiDaqOptions,
    ("perfusion", "digital_valves"): DigitalValvesOptions,
    ("thermometer", "analogue"): AnalogueThermometerOptions,
}
"""Part of the rig file and driver's name -> model of its options."""


def option_findings(part: str, model: type[Model], written: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with the options of the device `part`, each with its place in the file."""
    try:
        model.model_validate(dict(written), by_alias=True, by_name=False)
    except ValidationError as error:
        for e in error.errors(include_url=False):
            found = explain(e, model, Marked(dict(written)))
            yield Finding((part, "options", *found.path), found.message, on_key=found.on_key)


def options_of(part: str, model: type[M], written: Mapping[str, Any]) -> M:
    """Return the options of the device `part`.

    Raises
    ------
    HardwareError
        With every mistake, each with the key and a cure.
    """
    if findings := list(option_findings(part, model, written)):
        raise HardwareError(part, "; ".join(f"{show(f.path)}: {f.message}" for f in findings))
    return model.model_validate(dict(written))
