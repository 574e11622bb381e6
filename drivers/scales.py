"""The scale factors that a rig file declares, and how found ones differ from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.base import Gains
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.rig import AmplifierEntry, ModeScales

SAME_SCALE = 1e-3
"""Relative difference up to which two scale factors are the same."""


def scales_of(entry: AmplifierEntry) -> dict[ClampMode, Gains]:
    """Return the scale factors of each mode; I=0 has those of current clamp, and no command."""
    return {
        ClampMode.VOLTAGE: _gains(ClampMode.VOLTAGE, entry.voltage_clamp, float(entry.voltage_clamp.command)),
        ClampMode.CURRENT: _gains(ClampMode.CURRENT, entry.current_clamp, float(entry.current_clamp.command)),
        ClampMode.ZERO: _gains(ClampMode.ZERO, entry.current_clamp, 0.0),
    }


def _gains(mode: ClampMode, scales: ModeScales, command: float) -> Gains:
    outputs = {"primary": scales.primary, "secondary": scales.secondary}
    return Gains(mode, command, {name: (scale.unit, 1 / float(scale)) for name, scale in outputs.items()})


def differences(found: Gains, declared: Gains, *, known: str = "rig file says") -> str:
    """Return in words how telegraphed gains differ from those the rig file declares; empty if they do not.

    `known` introduces the second number where it comes from elsewhere.
    """
    pairs = [("command", found.command, declared.command, _command_scale(found.mode))]
    pairs += [
        (name, scale, declared.inputs[name][1], _output_scale(unit)) for name, (unit, scale) in found.inputs.items()
    ]
    wrong = [
        f"the scale of '{name}' in {found.mode} is {written(is_)}, {known} {written(should)}"
        for name, is_, should, written in pairs
        if abs(is_ - should) > SAME_SCALE * abs(should)
    ]
    return "; ".join(wrong)


def _command_scale(mode: ClampMode) -> Callable[[float], str]:
    """Return how SI per volt at the output is written in the field."""
    if mode.command_unit == "V":
        return lambda scale: f"{scale * 1e3:.4g} mV/V"
    return lambda scale: f"{scale * 1e12:.4g} pA/V"


def _output_scale(unit: str) -> Callable[[float], str]:
    """Return how SI per volt at the input is written in the field, the other way round."""
    if unit == "V":
        return lambda scale: f"{1 / scale:.4g} mV/mV"
    return lambda scale: f"{1e-9 / scale:.4g} V/nA"
