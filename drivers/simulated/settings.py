"""What a rig file may say about the simulated rig, under 'simulation'. The defaults are a calm, healthy recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from config.faults import PossibleEvents
from protocols.errors import HardwareError
from protocols.explaining import explain
from protocols.marks import Finding, Marked, show
from protocols.model import Model, Name
from protocols.quantities import (
    Capacitance,
    Current,
    Duration,
    EventRate,
    Frequency,
    NotNegativeCurrent,
    NotNegativeVoltage,
    Percent,
    PositiveDuration,
    PositiveResistance,
    Resistance,
    Temperature,
    Voltage,
)
from protocols.written import wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "simulation"
T = TypeVar("T")
OrOff = Annotated[T | None, BeforeValidator(lambda written: None if written == "off" else written)]
"""'off' is not the same as left out, which leaves it to the population."""
MOST_FLUCTUATION = 0.5
"""Of the slow AHP from sweep to sweep: at an SD of 50 % one sweep in 44 has none."""


def _mostly_above_0(value: Percent) -> Percent:
    if value > MOST_FLUCTUATION:
        most = Percent(MOST_FLUCTUATION)
        raise wrong(f"'{value}' would leave sweeps without any slow AHP; write '{most}' or less, such as '6 %'")
    return value


class WholeCellCompensation(Model):
    """The amplifier's knobs for the membrane's charging transient in voltage clamp."""

    capacitance: Capacitance
    """Cancelled membrane capacitance."""
    series_resistance: Resistance
    """Sets the time constant of the cancelled transient."""


class Simulation(Model):
    """The simulated cell, patch, bath and noise."""

    population: Name = "ca1_young"
    """The kind of neurons from which the seed draws one; see drivers/simulated/populations.toml."""
    cell: Name | None = None
    """A preset of drivers/simulated/cells.toml in the middle of the population, instead of its own."""
    parameters: dict[Name, float] = Field(default_factory=dict)
    """Changes to the preset, in its own units (pF, nS, mV, ms, µM, pA)."""
    variability: Percent = Percent(1.0)
    """How much cells and recordings of different seeds differ, as a part of the published spread; 0 %: not at all."""
    series_resistance: PositiveResistance = Resistance(12e6)
    """Of the pipette in whole-cell configuration, at the start."""
    series_resistance_drift: Percent = Percent(0.002)
    """Per minute."""
    start: Literal["bath", "patch", "cell"] = "cell"
    """Where the pipette is: in the bath, sealed onto the cell, or in whole-cell configuration."""
    pipette_resistance: PositiveResistance = Resistance(5e6)
    """Of the open tip in the bath."""
    touch_at: PositiveDuration = Duration(20.0)
    """When a pipette that starts in the bath touches the cell and begins to seal."""
    sealing: PositiveDuration = Duration(2.0)
    """Time constant with which the leak between tip and membrane closes."""
    break_in_at: PositiveDuration = Duration(60.0)
    """When the patch breaks, if the pipette does not start in the cell."""
    pipette_capacitance: Capacitance = Capacitance(6e-12)
    """Of pipette and holder to the bath."""
    capacitance_compensation: Capacitance = Capacitance(5e-12)
    """Fast capacitance, neutralised by the amplifier."""
    seal: PositiveResistance = Resistance(3e9)
    """In parallel with the cell."""
    resistance_correction: Percent = Percent(0.0)
    """Series resistance correction in voltage clamp."""
    whole_cell_compensation: WholeCellCompensation | None = None
    """Off if left out."""
    offset: Voltage = Voltage(0.0)
    """Of the electrode, uncorrected."""
    junction_potential: Voltage = Voltage(0.0)
    """Liquid junction potential: the recorded potential is the true one plus this, minus 'offset'."""
    run_down: OrOff[PositiveDuration] = None
    """Time constant of the loss of L-type current, or 'off'."""
    sahp_run_down: OrOff[PositiveDuration] = None
    """Time constant of the loss of the slow AHP's conductance, or 'off'."""
    rest_drift: Voltage = Voltage(0.0)
    """Drift of the resting potential, per minute; the holding current follows."""
    noise: bool = True
    """Thermal, membrane and amplifier noise, slow fluctuations, and synaptic events."""
    membrane_fluctuation: NotNegativeCurrent = Current(4e-12)
    """SD of a slow current (0.1 s) by which the potential wanders; it limits how well one sweep shows a slow AHP."""
    sahp_fluctuation: Annotated[Percent, AfterValidator(_mostly_above_0)] = Percent(0.06)
    """SD of the slow AHP's conductance from sweep to sweep."""
    epsp_rate: OrOff[PossibleEvents] = EventRate(0.2)
    """Spontaneous synaptic events, at most 1 kHz, or 'off'."""
    spontaneous_spikes: OrOff[PossibleEvents] = None
    """Spikes that nobody asked for, of synaptic events large enough, or 'off'."""
    hum: NotNegativeVoltage = Voltage(5e-6)
    """Line hum on the voltage signal, amplitude."""
    hum_current: NotNegativeCurrent = Current(0.3e-12)
    """Line hum on the current signal in voltage clamp, amplitude."""
    hum_frequency: Frequency = Frequency(50.0)
    """Of the line."""
    exchange: PositiveDuration = Duration(40.0)
    """Time constant of the bath's exchange once a solution has arrived."""
    temperature: Temperature = Temperature(30.0)
    """Of the bath, give or take 0.1 °C: what the thermometer reads and what sets the speed of the cell's channels."""

    @model_validator(mode="after")
    def _seals_before_it_breaks_in(self) -> Self:
        if self.start == "bath" and self.break_in_at <= self.touch_at:
            raise wrong("it must be after 'touch_at': write, for example, 'break_in_at: 60 s'", at="break_in_at")
        return self


def explained(error: ValidationError, written: Mapping[str, Any]) -> list[Finding]:
    """Return what is wrong with `written`, each with its path in the rig file."""
    found = [explain(e, Simulation, Marked(dict(written))) for e in error.errors(include_url=False)]
    return [Finding((KEY, *f.path), f.message, on_key=f.on_key) for f in found]


def read_settings(written: Mapping[str, Any]) -> Simulation:
    """Return the settings that a rig file's 'simulation' asks for.

    Raises
    ------
    HardwareError
        With every mistake, each with the key and a cure.
    """
    try:
        return Simulation.model_validate(dict(written))
    except ValidationError as error:
        lines = [f"{show(f.path)}: {f.message}" for f in explained(error, written)]
        raise HardwareError("simulated rig", "; ".join(lines)) from error
