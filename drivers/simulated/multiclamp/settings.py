"""What a Commander keeps for each headstage, mode by mode."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from drivers.multiclamp.table import CHOICES, DOUBLES, MEMBRANE_SIGNALS, SWITCHES, Hardware
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULTS: Mapping[str, float] = {
    **dict.fromkeys((*DOUBLES, *SWITCHES, *CHOICES), 0.0),
    "PrimarySignalGain": 1.0,
    "SecondarySignalGain": 1.0,
    "PrimarySignalLPF": 4e3,
    "SecondarySignalLPF": 10e3,
    "ScopeSignalLPF": 10e3,
    "RsCompBandwidth": 1.02e3,
    "WholeCellCompCap": 33e-12,
    "WholeCellCompResist": 10e6,
}
AUTO_BRIDGE = 12.3e6
"""Ohms: what the automatic bridge balance of a Commander without a cell behind it finds."""


class Store(Protocol):
    """Where a headstage's mode and settings are kept."""

    def mode(self) -> ClampMode:
        """Return the mode."""

    def switch(self, mode: ClampMode) -> None:
        """Change it."""

    def get(self, name: str) -> float:
        """Return the setting `name` of the present mode."""

    def set(self, name: str, value: float) -> None:
        """Change it."""

    def auto_bridge(self) -> float:
        """Balance the bridge and return it, ohms."""

    def scales(self) -> Scales:
        """Return what a volt means in the present mode, at the present gains."""


@dataclass(frozen=True)
class Scales:
    """What the telegraph says of volts, SI."""

    command: float
    """V or A per volt at the external command input."""
    primary: tuple[str, float]
    """(unit, volts per unit)."""
    secondary: tuple[str, float]


BASE: Mapping[ClampMode, Scales] = {
    ClampMode.VOLTAGE: Scales(0.02, ("A", 0.5e9), ("V", 10.0)),
    ClampMode.CURRENT: Scales(400e-12, ("V", 10.0), ("A", 0.5e9)),
    ClampMode.ZERO: Scales(0.0, ("V", 10.0), ("A", 0.5e9)),
}
"""At gain 1 with a feedback of 500 MOhm: 0.5 V/nA, 10 V/V; 20 mV/V and 400 pA/V (700B, as telegraphed)."""


def fresh(hardware: Hardware) -> dict[ClampMode, dict[str, float]]:
    """Return the settings of a headstage as they are at first, with the membrane's signals chosen."""
    made = {}
    for mode in ClampMode:
        primary, secondary = MEMBRANE_SIGNALS[hardware, mode is ClampMode.VOLTAGE]
        made[mode] = {**DEFAULTS, "PrimarySignal": float(primary), "SecondarySignal": float(secondary)}
    return made


@dataclass
class OwnStore:
    """A headstage with nothing behind it: it keeps what it is told."""

    hardware: Hardware = Hardware.MC700B
    present: ClampMode = ClampMode.VOLTAGE
    base: dict[ClampMode, Scales] = field(default_factory=lambda: dict(BASE))
    kept: dict[ClampMode, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Fill in what was not given."""
        self.kept = self.kept or fresh(self.hardware)

    def mode(self) -> ClampMode:
        """Return the mode."""
        return self.present

    def switch(self, mode: ClampMode) -> None:
        """Change it."""
        self.present = mode

    def get(self, name: str) -> float:
        """Return the setting `name` of the present mode."""
        return self.kept[self.present][name]

    def set(self, name: str, value: float) -> None:
        """Change it."""
        self.kept[self.present][name] = value

    def auto_bridge(self) -> float:
        """Find what there is to find."""
        return AUTO_BRIDGE

    def scales(self) -> Scales:
        """Return the base scales times the gains."""
        base = self.base[self.present]
        (unit, volts), (other, volts_other) = base.primary, base.secondary
        gain, gain_other = self.get("PrimarySignalGain"), self.get("SecondarySignalGain")
        return Scales(base.command, (unit, volts * gain), (other, volts_other * gain_other))
