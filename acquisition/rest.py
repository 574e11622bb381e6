"""The rig's safe state, reached whatever became of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocols.errors import HardwareError, PatchrigError
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.rig import SafeState
    from drivers.build import Devices

READ_BACK = 1e-3
"""Part of the output's range by which it may differ from what was written."""


def put_to_rest(devices: Devices, safe: SafeState) -> list[str]:
    """Put command and perfusion where `safe` says, for the mode the amplifier is in now.

    Each part is tried whatever became of the others. Returns what could not be done, in words.
    """
    parts: tuple[Callable[[], None], ...] = (
        lambda: _rest_command(devices, safe),
        lambda: devices.perfusion.select(safe.line),
    )
    return [words for part in parts for words in _attempt(part)]


def _attempt(part: Callable[[], None]) -> list[str]:
    try:
        part()
    except PatchrigError as error:
        return [str(error)]
    return []


def _rest_command(devices: Devices, safe: SafeState) -> None:
    """Write the safe level of the present mode and read it back; if that fails, leave the cell to I=0."""
    amplifier, daq = devices.amplifier, devices.daq
    gains = amplifier.gains()
    if gains.mode is ClampMode.ZERO:
        return
    level = float(safe.voltage_clamp if gains.mode is ClampMode.VOLTAGE else safe.current_clamp)
    try:
        daq.park(level, gains)
        found = daq.output_volts() * gains.command
    except HardwareError:
        amplifier.set_mode(ClampMode.ZERO)
        raise
    if abs(found - level) > READ_BACK * daq.output_range * abs(gains.command):
        amplifier.set_mode(ClampMode.ZERO)
        words = f"the output reads {found:.4g} where {level:.4g} was written; amplifier to I=0"
        raise HardwareError(daq.name, words)
