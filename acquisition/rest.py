"""The rig's safe state, reached whatever became of the run."""

from __future__ import annotations

import math
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from protocols.errors import HardwareError, PatchrigError
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from config.rig import SafeState
    from drivers.base import Gains
    from drivers.build import Devices

READ_BACK = 1e-3
"""Part of the output's range by which it may differ from what was written."""
SHORT = 40
"""Letters of an explanation that may as well be told twice."""


def put_to_rest(devices: Devices, safe: SafeState, last: Gains | None = None, *, last_resort: bool = True) -> list[str]:
    """Put command, perfusion, pump and amplifier where `safe` says, for the mode the amplifier is in now.

    Each part is tried whatever became of the others; the command, on which the cell's life depends, comes first. `last`
    are the gains as last verified: they serve when the amplifier does not answer any more. `last_resort` is I=0 for a
    command that cannot be written; without it the caller tries again. Returns what could not be done, in words.
    """
    parts: tuple[Callable[[], None], ...] = (
        lambda: _rest_command(devices, safe, last, last_resort=last_resort),
        lambda: devices.perfusion.select(safe.line),
        lambda: _rest_pump(devices, safe),
        lambda: _rest_amplifier(devices, safe),
    )
    return [words for part in parts for words in _attempt(part)]


def hold_at_once(devices: Devices, safe: SafeState, last: Gains | None) -> None:
    """Write the safe level of the amplifier's present mode, then open the safe line: at once after a failed sweep.

    What fails here is tried again, thoroughly, and told by `put_to_rest`.
    """
    gains = last
    with suppress(HardwareError):
        gains = devices.amplifier.gains()
    if gains is not None:
        with suppress(PatchrigError):
            devices.daq.park(*_aim(devices, safe, gains))
    with suppress(PatchrigError):
        devices.perfusion.select(safe.line)


def told_once(lines: Sequence[str]) -> list[str]:
    """Return `lines`, with 'as above' in place of an explanation that stands in an earlier one.

    A card that is gone is gone for inputs, output and valves: each is named, the cure is told once.
    """
    return [_told_before(line, lines[:i]) for i, line in enumerate(lines)]


def _told_before(line: str, before: Sequence[str]) -> str:
    parts = line.split(": ")
    for i in range(len(parts) - 1, 0, -1):  # the shortest that is worth it: which device it was stays
        explanation = ": ".join(parts[i:])
        if len(explanation) > SHORT and any(explanation in told for told in before):
            return ": ".join([*parts[:i], "as above"])
    return line


@contextmanager
def opened_as_far_as_possible(devices: Devices) -> Iterator[tuple[Devices, dict[str, str]]]:
    """Open what a rig is put to rest with, each device whatever became of the others.

    Gives the devices, and kind of device -> why it could not be opened: an amplifier that is off must not keep the
    valves open.
    """
    closed: dict[str, str] = {}
    with ExitStack() as opened:
        for kind, device in devices.by_kind.items():
            if kind != "thermometer":
                closed.update((kind, words) for words in _attempt(lambda d=device: opened.enter_context(d)))  # type: ignore[misc]
        yield devices, closed


def _attempt(part: Callable[[], object]) -> list[str]:
    try:
        part()
    except Exception as error:  # noqa: BLE001  whatever a driver raises, the other parts must be tried
        return [str(error) if isinstance(error, PatchrigError) else f"{type(error).__name__}: {error}"]
    return []


def _rest_pump(devices: Devices, safe: SafeState) -> None:
    if devices.pump is not None and safe.pump == "stop":
        devices.pump.stop()


def _rest_amplifier(devices: Devices, safe: SafeState) -> None:
    """Leave the amplifier where the rig file declares."""
    if safe.amplifier == "keep" or devices.amplifier.mode() is ClampMode.ZERO:
        return
    devices.amplifier.set_mode(ClampMode.ZERO)
    _park(devices, *_aim(devices, safe, devices.amplifier.gains()))


def _rest_command(devices: Devices, safe: SafeState, last: Gains | None, *, last_resort: bool) -> None:
    """Write the safe level of the present mode and read it back; where that fails, leave the cell to I=0."""
    amplifier = devices.amplifier
    try:
        gains = amplifier.gains()
    except Exception as error:  # a driver that did not open may break in a way of its own
        _rest_unanswered(devices, safe, last, error)
        raise
    if gains.mode is not ClampMode.ZERO and not gains.command:
        # the command input is off: no level can hold the cell, and whoever switches it on gets what stands there
        amplifier.set_mode(ClampMode.ZERO)
        gains = amplifier.gains()
    try:
        _park(devices, *_aim(devices, safe, gains))
    except HardwareError:
        if last_resort:
            amplifier.set_mode(ClampMode.ZERO)
        raise


def _rest_unanswered(devices: Devices, safe: SafeState, last: Gains | None, why: Exception) -> None:
    """Do what can be done while the amplifier does not say its mode: the level of the mode it was in, then I=0."""
    if last is None:
        done = f"and nobody knows in which mode it is, so the command was left alone: {_standing(devices)}"
    else:
        failed = _attempt(lambda: _park(devices, *_aim(devices, safe, last)))
        done = f"and {failed[0]}" if failed else f"the command is at rest for {last.mode}, in which it was last"
    try:
        devices.amplifier.set_mode(ClampMode.ZERO)
    except Exception as error:
        words = f"does not answer ({why}); {done}. Look at its front panel, and TURN IT TO I=0 BY HAND"
        raise HardwareError(devices.amplifier.name, words) from error


def _standing(devices: Devices) -> str:
    """Return in words which volts stand at the command output."""
    try:
        volts = devices.daq.output_volts()
    except Exception:  # noqa: BLE001  the card may be the next device that is not there
        volts = math.nan
    told = "NOBODY KNOWS HOW MANY VOLTS" if math.isnan(volts) else f"{volts:.3g} V"
    return f"{told} STAND AT THE OUTPUT"


def _aim(devices: Devices, safe: SafeState, gains: Gains) -> tuple[float, Gains]:
    """Return the safe level for a mode, and the scale factors to write it with.

    In I=0 the command is ignored, but it is what the cell gets when a person turns the knob: then most likely to
    current clamp, where the -3.5 V that held -70 mV in voltage clamp would be -1.4 nA. So the level is that mode's.
    """
    if gains.mode is ClampMode.VOLTAGE:
        return float(safe.voltage_clamp), gains
    used = devices.amplifier.gains_in(ClampMode.CURRENT) if gains.mode is ClampMode.ZERO else gains
    return float(safe.current_clamp), used


def _park(devices: Devices, level: float, gains: Gains) -> None:
    daq = devices.daq
    daq.park(level, gains)
    found = daq.output_volts() * gains.command
    if abs(found - level) > READ_BACK * daq.output_range * abs(gains.command):
        words = f"the output reads {found:.4g} where {level:.4g} was written; amplifier to I=0"
        raise HardwareError(daq.name, words)
