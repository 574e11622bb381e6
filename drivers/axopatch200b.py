"""Axopatch 200B, 200A and 200: no program can turn their knobs, but they telegraph where the knobs are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from config.amplifiers import TelegraphedOptions
from config.ni import options_of
from drivers.scales import SAME_SCALE
from drivers.telegraphed import TelegraphedAmplifier, telegraphed
from drivers.telegraphs import Telegraphs, telegraphs_of
from protocols.errors import HardwareError
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from config.rig import AmplifierEntry
    from drivers.build import Context

MODEL = "axopatch_200b"
KNOB = (0.5, 500.0)
"""The output gain knob's ends (manual, page 113). In voltage clamp the telegraphed gain is the knob's times beta."""


def amplifier(context: Context) -> TelegraphedAmplifier:
    """Return the Axopatch of the rig file.

    Raises
    ------
    HardwareError
        The rig file declares a command that this amplifier has not, or a telegraph has no fitting input.
    """
    entry = context.rig.amplifier
    options = options_of("amplifier", TelegraphedOptions, entry.options)
    table, beta = telegraphs_of(options.model or MODEL), float(options.beta)
    require_command(table, entry, beta)
    check = partial(check_gain, table.name, beta)
    return telegraphed(context, table, options, check_gain=check, capacitance_factor=1 / beta)


def check_gain(name: str, beta: float, gain: float, mode: ClampMode) -> None:
    """Refuse a telegraphed `gain` that the knob cannot give in `mode` with this `beta`: then beta is the other one."""
    factor = beta if mode is ClampMode.VOLTAGE else 1.0
    low, high = (end * factor for end in KNOB)
    if low * (1 - SAME_SCALE) <= gain <= high * (1 + SAME_SCALE):
        return
    words = f"telegraphs a gain of {gain:g} in {mode}; with beta = {beta:g} it has {low:g} to {high:g}"
    raise HardwareError(name, f"{words}. Compare the CONFIG switch with option 'beta' in the rig file")


def require_command(table: Telegraphs, entry: AmplifierEntry, beta: float) -> None:
    """Refuse a command scale that the amplifier has not: it is not telegraphed, so nothing else would notice."""
    if table.command is None:
        return
    for mode, declared, known in (
        ("voltage_clamp", entry.voltage_clamp.command, [float(s) for s in table.command.voltage_clamp]),
        ("current_clamp", entry.current_clamp.command, [float(s) / beta for s in table.command.current_clamp]),
    ):
        if not any(abs(declared - scale) <= SAME_SCALE * scale for scale in known):
            unit, factor = ("mV/V", 1e3) if mode == "voltage_clamp" else ("nA/V", 1e9)
            has = " or ".join(f"{scale * factor:g} {unit}" for scale in known)
            words = f"{mode}: command is declared as {declared}; with beta = {beta:g} it is {has}"
            raise HardwareError(table.name, words)
