"""The scale factors that a rig file declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.base import Gains
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from config.rig import AmplifierEntry, ModeScales


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
