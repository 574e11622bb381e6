"""What a run knows of the cell and of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.base import Gains
    from protocols.sweeps import Measurement, RecordedSweep, SweepHeader


@dataclass(frozen=True)
class Found:
    """What a 'find' step found."""

    current: float
    """Step amplitude, A."""
    spikes: int


@dataclass(frozen=True)
class Flow:
    """The solution that was chosen last."""

    name: str
    label: str
    switched: float
    arrives: float


@dataclass(frozen=True)
class Trial:
    """A sweep that was played, with what was measured."""

    header: SweepHeader
    measurements: tuple[Measurement, ...]
    recorded: RecordedSweep | None
    """Only if asked for: a long hold is not kept in memory."""

    def value(self, name: str) -> float:
        """Return a measure of this sweep, SI; NaN if it was not made."""
        return next((m.value for m in self.measurements if m.name == name), float("nan"))


@dataclass
class State:
    """What the run knows of the cell and of itself. Lives and dies with the bench."""

    gains: Gains | None = None
    level: float = 0.0
    """Command outside pulses, SI of the mode."""
    flow: Flow | None = None
    sweeps: int = 0
    runs: int = 0
    found: dict[str, Found] = field(default_factory=dict)
    trims: dict[str, float] = field(default_factory=dict)
    """By the search's name: what was added to its current since, to keep the count of spikes, A."""
    membrane_resistance: float = 100e6
    """Latest input resistance, ohms; the default is a CA1 neuron's, used until one is measured."""
    max_bias: float = 300e-12
    thermometer_fault: str | None = None
    left_out: set[int] = field(default_factory=set)
    """Sweeps that the person has rejected and not taken back."""
    last_burst: float | None = None
    """When the last sweep with a step began, seconds from the session's start."""
