"""What a rig file may say about the simulated rig, under 'simulation'. The defaults are a calm, healthy recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError

from protocols.errors import HardwareError
from protocols.explaining import explain
from protocols.marks import Marked, show
from protocols.model import Model, Name
from protocols.quantities import (
    Capacitance,
    Current,
    Duration,
    Frequency,
    Percent,
    PositiveDuration,
    Resistance,
    Temperature,
    Voltage,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

PositiveResistance = Annotated[Resistance, Field(gt=0)]


class WholeCellCompensation(Model):
    """The amplifier's knobs for the membrane's charging transient in voltage clamp."""

    capacitance: Capacitance
    """Cancelled membrane capacitance."""
    series_resistance: Resistance
    """Sets the time constant of the cancelled transient."""


class Simulation(Model):
    """The simulated cell, patch, bath and noise."""

    cell: Name = "ca1_pyramidal"
    """A preset of drivers/simulated/cells.toml."""
    parameters: dict[Name, float] = Field(default_factory=dict)
    """Changes to the preset, in its own units (pF, nS, mV, ms, µM, pA)."""
    variability: Percent = Percent(0.5)
    """How much cells of different seeds differ; 100 % is the spread between real cells, 0 % makes all the same."""
    series_resistance: PositiveResistance = Resistance(12e6)
    """Of the pipette in whole-cell configuration, at the start."""
    series_resistance_drift: Percent = Percent(0.002)
    """Per minute."""
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
    run_down: PositiveDuration | None = None
    """Time constant of the loss of L-type current; none if left out."""
    noise: bool = True
    """Thermal, membrane and amplifier noise, and synaptic events."""
    epsp_rate: Frequency | None = Frequency(0.2)
    """Spontaneous synaptic events."""
    hum: Voltage = Voltage(5e-6)
    """Line hum on the voltage signal, amplitude."""
    hum_current: Current = Current(0.3e-12)
    """Line hum on the current signal in voltage clamp, amplitude."""
    hum_frequency: Frequency = Frequency(50.0)
    """Of the line."""
    exchange: PositiveDuration = Duration(40.0)
    """Time constant of the bath's exchange once a solution has arrived."""
    temperature: Temperature = Temperature(30.0)
    """What the thermometer reads, give or take 0.1 °C. It changes nothing else: the cell is fitted to 34 °C."""


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
        found = [explain(e, Simulation, Marked(dict(written))) for e in error.errors(include_url=False)]
        lines = [f"{show(('simulation', *f.path))}: {f.message}" for f in found]
        raise HardwareError("simulated rig", "; ".join(lines)) from error
