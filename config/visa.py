"""What a rig file may say to the VISA and serial drivers, under the 'options' of their devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from protocols.model import PATTERN_WORDS, Model, Name
from protocols.quantities import Duration, Length, PositiveDuration, Temperature
from protocols.written import wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

Resource = Annotated[
    str,
    Field(
        pattern=r"^(ASRL|TCPIP|USB|GPIB)[^:]*::.+$|^ASRL.+$|^COM[0-9]+$|^/dev/[^ ]+$",
        examples=["COM3"],
        json_schema_extra={
            PATTERN_WORDS: "a serial port or a VISA resource belongs here, such as 'COM3', '/dev/ttyUSB0', "
            "'TCPIP::192.168.1.7::5025::SOCKET' or 'USB0::0x0957::0x0407::MY44012345::INSTR'"
        },
    ),
]
"""Where the instrument is: a serial port by its name, or any VISA resource."""


LONGEST_ANSWER = 1.0
"""Seconds: with its repetitions, an instrument that is silent must not make a run look hung."""


def _short(value: Duration) -> Duration:
    if value > LONGEST_ANSWER:
        raise wrong(f"'{value}' is too long: a run waits for it; at most 1 s")
    return value


class InstrumentOptions(Model):
    """Of every driver that speaks through VISA."""

    resource: Resource
    """Serial port ('COM3', '/dev/ttyUSB0') or VISA resource; 'patchrig devices' lists what is there."""
    visa_library: str = "@py"
    """'@py' needs no vendor's software; '@ivi' is NI-VISA or Keysight's; 'FILE@sim' is a simulated instrument."""
    timeout: PositiveDuration = Duration(0.5)
    """How long the instrument may take to answer."""


class PartOfRig(InstrumentOptions):
    """Of an instrument that a run waits for."""

    timeout: Annotated[PositiveDuration, AfterValidator(_short)] = Duration(0.5)
    """How long the instrument may take to answer, up to 1 s."""


class ValveLinkOptions(PartOfRig):
    """Of the driver 'valvelink', under 'perfusion: options:'; each line's 'pin' is the number of its valve."""

    baud: Literal[9600, 4800] = 9600
    """As the controller is set (its mode 8)."""
    address: int = Field(default=0, ge=0, le=9)
    """Of the controller's address switch."""
    marker: Name | None = None
    """The analogue input that its event marker is wired to; each opening is then confirmed."""


class PumpOptions(PartOfRig):
    """Of the driver 'ne1000', under 'pump: options:'."""

    baud: Literal[19200, 9600, 2400, 1200, 300] = 19200
    """As the pump is set."""
    address: int = Field(default=0, ge=0, le=99)
    """Of the pump, on a chain of several."""
    diameter: Length
    """Inner diameter of the syringe, such as '26.59 mm'; the pump counts strokes, not volumes."""
    direction: Literal["infuse", "withdraw"] = "infuse"
    """Which way it pumps."""
    watchdog: int = Field(default=0, ge=0, le=255)
    """Seconds without a word from us after which the pump stops by itself (its safe mode); 0 is never."""


class TC200Options(PartOfRig):
    """Of the driver 'tc200', under 'thermometer: options:'."""

    set_temperature: Temperature | None = None
    """Set when the rig is opened; left as it is if left out."""


VISA_OPTIONS: Mapping[tuple[str, str], type[Model]] = {
    ("perfusion", "valvelink"): ValveLinkOptions,
    ("pump", "ne1000"): PumpOptions,
    ("thermometer", "tc200"): TC200Options,
}
"""Part of the rig file and driver's name -> model of its options."""
