"""The rig's safe state, reached whatever became of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocols.errors import HardwareError, PatchrigError
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.rig import SafeState
    from drivers.base import Gains
    from drivers.build import Devices

READ_BACK = 1e-3
"""Part of the output's range by which it may differ from what was written."""


def put_to_rest(devices: Devices, safe: SafeState, last: Gains | None = None) -> list[str]:
    """Put command and perfusion where `safe` says, for the mode the amplifier is in now.

    Each part is tried whatever became of the others. `last` are the gains as last verified: they serve when the
    amplifier does not answer any more. Returns what could not be done, in words.
    """
    parts: tuple[Callable[[], None], ...] = (
        lambda: _rest_command(devices, safe, last),
        lambda: devices.perfusion.select(safe.line),
    )
    return [words for part in parts for words in _attempt(part)]


def _attempt(part: Callable[[], None]) -> list[str]:
    try:
        part()
    except Exception as error:  # noqa: BLE001  whatever a driver raises, the other parts must be tried
        return [str(error) if isinstance(error, PatchrigError) else f"{type(error).__name__}: {error}"]
    return []


def _rest_command(devices: Devices, safe: SafeState, last: Gains | None) -> None:
    """Write the safe level of the present mode and read it back; where that fails, leave the cell to I=0."""
    amplifier = devices.amplifier
    try:
        gains = amplifier.gains()
    except HardwareError as error:
        _rest_unanswered(devices, safe, last, error)
        raise
    if gains.mode is ClampMode.ZERO:
        return
    try:
        _park(devices, _level(safe, gains.mode), gains)
    except HardwareError:
        amplifier.set_mode(ClampMode.ZERO)
        raise


def _rest_unanswered(devices: Devices, safe: SafeState, last: Gains | None, why: HardwareError) -> None:
    """Do what can be done while the amplifier does not say its mode: the level of the mode it was in, then I=0."""
    if last is not None and last.mode is not ClampMode.ZERO:
        _park(devices, _level(safe, last.mode), last)
    try:
        devices.amplifier.set_mode(ClampMode.ZERO)
    except HardwareError as error:
        raise HardwareError(
            devices.amplifier.name, f"does not answer ({why}); the command is at rest for the mode it was last in"
        ) from error


def _level(safe: SafeState, mode: ClampMode) -> float:
    return float(safe.voltage_clamp if mode is ClampMode.VOLTAGE else safe.current_clamp)


def _park(devices: Devices, level: float, gains: Gains) -> None:
    daq = devices.daq
    daq.park(level, gains)
    found = daq.output_volts() * gains.command
    if abs(found - level) > READ_BACK * daq.output_range * abs(gains.command):
        words = f"the output reads {found:.4g} where {level:.4g} was written; amplifier to I=0"
        raise HardwareError(daq.name, words)
