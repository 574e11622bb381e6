"""What MultiClamp Commander telegraphs, decoded: the only source of scale factors and of the command's sensitivity.

The control library has no call for these. The Commander sends them as one record, MC_TELEGRAPH_DATA, packed to four
bytes: 128 bytes from a 700A (API 5), 256 from a 700B (API 13), the shorter being the beginning of the longer
(MultiClampBroadcastMsg.hpp of the maker's telegraph SDK; facts only).
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from drivers.base import Gains
from drivers.multiclamp.table import MODES, Hardware
from protocols.errors import HardwareError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.multiclamp.library import Headstage
    from protocols.sweeps import ClampMode

SIZE_700A = 128
SIZE_700B = 256
LAST_SHORT_VERSION = 6
"""Up to this API version the record has 128 bytes."""
BYPASS = 1e5
"""Hz: the corner that stands for 'no filter'."""

UNITS: Mapping[int, tuple[str, float]] = {
    0: ("V", 1.0),
    1: ("V", 1e3),
    2: ("V", 1e6),
    3: ("A", 1.0),
    4: ("A", 1e3),
    5: ("A", 1e6),
    6: ("A", 1e9),
    7: ("A", 1e12),
}
"""Number of a scale factor's unit -> (unit of the signal, how many of the telegraphed units are one SI unit)."""

_UINT, _DOUBLE, _TEXT = ctypes.c_uint32, ctypes.c_double, ctypes.c_char * 16


class TelegraphData(ctypes.Structure):
    """The record, field by field, with the maker's names."""

    _pack_ = 4
    _layout_ = "ms"
    _fields_ = (
        ("uVersion", _UINT),
        ("uStructSize", _UINT),
        ("uComPortID", _UINT),
        ("uAxoBusID", _UINT),
        ("uChannelID", _UINT),
        ("uOperatingMode", _UINT),
        ("uScaledOutSignal", _UINT),
        ("dAlpha", _DOUBLE),
        ("dScaleFactor", _DOUBLE),
        ("uScaleFactorUnits", _UINT),
        ("dLPFCutoff", _DOUBLE),
        ("dMembraneCap", _DOUBLE),
        ("dExtCmdSens", _DOUBLE),
        ("uRawOutSignal", _UINT),
        ("dRawScaleFactor", _DOUBLE),
        ("uRawScaleFactorUnits", _UINT),
        ("uHardwareType", _UINT),
        ("dSecondaryAlpha", _DOUBLE),
        ("dSecondaryLPFCutoff", _DOUBLE),
        ("szAppVersion", _TEXT),
        ("szFirmwareVersion", _TEXT),
        ("szDSPVersion", _TEXT),
        ("szSerialNumber", _TEXT),
        ("dSeriesResistance", _DOUBLE),
        ("pcPadding", ctypes.c_char * 76),
    )


class TelegraphError(HardwareError):
    """The telegraph is silent or says what cannot be."""

    def __init__(self, message: str) -> None:
        """Name the device."""
        super().__init__("MultiClamp telegraph", message)


@dataclass(frozen=True)
class Output:
    """One of the amplifier's outputs."""

    unit: str
    """Of the signal: 'V' or 'A'; empty if nothing with a unit is selected."""
    volts_per_unit: float
    """V at the connector per SI unit of the signal, gain included; 0 when the signal is an auxiliary one."""


@dataclass(frozen=True)
class Telegraph:
    """What one headstage telegraphs, SI."""

    hardware: Hardware
    serial: str
    """As digits; '0' or empty in demo mode."""
    com: int
    device: int
    channel: int
    mode: ClampMode
    primary: Output
    secondary: Output
    command: float
    """V or A commanded per volt at the external command input; 0 in I=0, and when the input is off."""
    low_pass: float
    """Hz; 100 kHz means that the filter is bypassed."""
    membrane_capacitance: float | None = None
    series_resistance: float | None = None


class TelegraphSource(Protocol):
    """Where telegraphs come from: the Commander's window messages on Windows, or whatever stands for them."""

    def open(self) -> None:
        """Get ready to read."""

    def read(self, headstage: Headstage) -> Telegraph:
        """Return what `headstage` telegraphs now.

        Raises
        ------
        TelegraphError
            Nothing came in time, or nonsense.
        """

    def close(self) -> None:
        """Stop; never raises, and may be called twice."""


def decode(raw: bytes) -> Telegraph:
    """Return what the record `raw`, 128 or 256 bytes, says.

    Raises
    ------
    TelegraphError
        It is too short, or a field has no meaning.
    """
    if len(raw) < SIZE_700A:
        raise TelegraphError(f"a record of {len(raw)} bytes came; {SIZE_700A} are the least")
    data = TelegraphData.from_buffer_copy(raw[:SIZE_700B].ljust(SIZE_700B, b"\0"))
    if len(raw) < SIZE_700B or data.uVersion <= LAST_SHORT_VERSION:
        data = TelegraphData.from_buffer_copy(raw[: TelegraphData.dSecondaryAlpha.offset].ljust(SIZE_700B, b"\0"))
    return Telegraph(
        hardware=_meaning(Hardware, data.uHardwareType, "amplifier"),
        serial=data.szSerialNumber.decode("ascii", "replace").strip(),
        com=data.uComPortID,
        device=data.uAxoBusID,
        channel=data.uChannelID,
        mode=_mode(data.uOperatingMode),
        primary=_output(data.dScaleFactor, data.dAlpha, data.uScaleFactorUnits),
        # a 700A does not send the secondary output's gain: it is fixed at 1
        secondary=_output(data.dRawScaleFactor, data.dSecondaryAlpha or 1.0, data.uRawScaleFactorUnits),
        command=data.dExtCmdSens,
        low_pass=data.dLPFCutoff,
        membrane_capacitance=data.dMembraneCap or None,
        series_resistance=data.dSeriesResistance or None,
    )


def gains_of(telegraph: Telegraph) -> Gains:
    """Return the scale factors that `telegraph` says.

    Raises
    ------
    TelegraphError
        An output has no scale factor, or the primary output shows another signal than the mode's response.
    """
    outputs = {"primary": telegraph.primary, "secondary": telegraph.secondary}
    for name, output in outputs.items():
        if output.volts_per_unit <= 0:
            raise TelegraphError(
                f"the {name} output has no scale factor in {telegraph.mode}: an auxiliary signal is selected; "
                f"choose a membrane signal for it in MultiClamp Commander"
            )
    if telegraph.primary.unit != telegraph.mode.response_unit:
        wanted = "Membrane Current" if telegraph.mode.response_unit == "A" else "Membrane Potential"
        raise TelegraphError(f"the primary output must show '{wanted}' in {telegraph.mode}; choose it in the Commander")
    inputs = {name: (output.unit, 1 / output.volts_per_unit) for name, output in outputs.items()}
    return Gains(telegraph.mode, telegraph.command, inputs)


def _mode(number: int) -> ClampMode:
    for mode, known in MODES.items():
        if number == known:
            return mode
    raise TelegraphError(f"mode {number} is unknown")


def _meaning(kind: type[Hardware], number: int, what: str) -> Hardware:
    try:
        return kind(number)
    except ValueError as error:
        raise TelegraphError(f"{what} {number} is unknown") from error


def _output(factor: float, gain: float, unit: int) -> Output:
    name, units = UNITS.get(unit, ("", 0.0))
    return Output(name, factor * gain * units)
