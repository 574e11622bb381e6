"""The rig, as data: which devices, how they are wired, what they may do, what is safe. Never any science."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from protocols.model import Model, Name
from protocols.quantities import (
    CommandScale,
    Current,
    CurrentRange,
    Duration,
    FlowRate,
    Frequency,
    InstrumentVoltage,
    OutputScale,
    PositiveInstrumentVoltage,
    Voltage,
    VoltageRange,
)
from protocols.written import wrong

SHORTEST_BLOCK, LONGEST_BLOCK = 0.005, 0.2
"""Seconds. The amplifier is looked at, and a stop is heard, between blocks: a longer one is a cell that waits."""


def _bounded_block(value: Duration) -> Duration:
    if not SHORTEST_BLOCK <= value <= LONGEST_BLOCK:
        raise wrong(
            f"'{value}' must be from 5 ms to 200 ms: a shorter block costs the computer's time, and during a longer "
            "one nobody sees that a knob was turned or hears a stop; 50 ms suits most rigs"
        )
    return value


class DaqEntry(Model):
    """The converter card."""

    driver: Name
    """'simulated', 'nidaqmx', ..."""
    device: str = "Dev1"
    """As the vendor's tool shows it."""
    sampling_limit: Frequency
    """The card's highest rate with these channels."""
    block: Annotated[Duration, AfterValidator(_bounded_block)] = Duration(0.05)
    """Length of one read, 5 to 200 ms; 50 ms suits most rigs."""
    options: dict[str, Any] = Field(default_factory=dict)
    """For this driver alone."""


class ModeScales(Model):
    """An amplifier's scale factors in one clamp mode; every switch of mode compares them with the telegraph."""

    command: CommandScale
    """Command per volt at the output: '20 mV/V' in voltage clamp, '400 pA/V' in current clamp."""
    primary: OutputScale
    """Primary output: '1 V/nA' in voltage clamp, '10 mV/mV' in current clamp."""
    secondary: OutputScale
    """Secondary output: the other signal."""


class AmplifierEntry(Model):
    """The patch-clamp amplifier."""

    driver: Name
    """'simulated', 'multiclamp', ..."""
    channel: int = Field(default=1, ge=1, le=8)
    """Which headstage."""
    voltage_clamp: ModeScales
    """Scale factors in voltage clamp."""
    current_clamp: ModeScales
    """Scale factors in current clamp and I=0."""
    settle: Duration = Duration(0.5)
    """After a mode switch."""
    options: dict[str, Any] = Field(default_factory=dict)
    """For this driver alone."""


class Input(Model):
    """One analogue input."""

    pin: str
    """Such as 'ai0'."""
    range: PositiveInstrumentVoltage = InstrumentVoltage(10.0)
    """Full scale, each way."""
    terminal: Literal["DIFF", "RSE", "NRSE", "PSEUDODIFF"] | None = None
    """Differential or single-ended, as it is wired; the card's default if left out."""


class Output(Model):
    """One analogue output."""

    pin: str
    """Such as 'ao0'."""
    range: PositiveInstrumentVoltage = InstrumentVoltage(10.0)
    """Full scale, each way."""


class TtlLine(Model):
    """One digital line that sweeps can pulse: low at rest, high during a pulse."""

    pin: str
    """Digital line of the card, such as 'port0/line4'; it must have a sample clock (on X Series: port 0)."""


class Line(Model):
    """One perfusion line."""

    pin: str | None = None
    """Digital line, such as 'port0/line0', or the valve controller's channel."""
    opens: Literal["high", "low"] = "high"
    """Level that opens the valve."""


class PerfusionEntry(Model):
    """Valves and tubing."""

    driver: Name
    """'simulated', 'digital_valves', ..."""
    lines: dict[Name, Line] = Field(min_length=1)
    """By name; protocols use these names."""
    dead_time: Duration
    """From a valve to the bath, measured with dye; results count from arrival."""
    flow: FlowRate | None = None
    """For the methods section."""
    options: dict[str, Any] = Field(default_factory=dict)
    """For this driver alone."""


class ThermometerEntry(Model):
    """The bath's thermometer."""

    driver: Name
    """'simulated', ..."""
    options: dict[str, Any] = Field(default_factory=dict)
    """For this driver alone."""


class PumpEntry(Model):
    """The pump that feeds the bath."""

    driver: Name
    """'simulated', 'ne1000', ..."""
    rate: FlowRate
    """What it delivers when it runs, such as '2 mL/min'."""
    limit: FlowRate
    """What it may ever deliver, whoever asks."""
    options: dict[str, Any] = Field(default_factory=dict)
    """For this driver alone."""


class RigLimits(Model):
    """What may ever be commanded, whatever a protocol says."""

    voltage: VoltageRange
    """In voltage clamp, such as '-120 mV .. 60 mV'."""
    current: CurrentRange
    """In current clamp, such as '-500 pA .. 1000 pA'."""


class SafeState(Model):
    """Where outputs go on every way out. It depends on the mode: zero volts is not safe in voltage clamp."""

    voltage_clamp: Voltage
    """Holding potential, such as '-70 mV'."""
    current_clamp: Current
    """Bias current, such as '0 pA'."""
    line: Name
    """Perfusion line."""
    pump: Literal["stop", "keep"] = "stop"
    """'stop' the pump, or 'keep' it as it is, because a slice without flow dies."""
    amplifier: Literal["keep", "zero_current"] = "keep"
    """'keep' the mode, or leave the amplifier at I=0, where no command reaches the cell ('zero_current')."""


class Rig(Model):
    """One rig."""

    rig: str = Field(min_length=3)
    """What people call it."""
    format: Literal[1]
    """Version of this language."""
    institution: str | None = None
    """For the session file."""
    lab: str | None = None
    """For the session file."""
    daq: DaqEntry
    """The converter card."""
    amplifier: AmplifierEntry
    """The patch-clamp amplifier."""
    inputs: dict[Name, Input]
    """Analogue inputs; 'primary' must be among them."""
    outputs: dict[Name, Output]
    """Analogue outputs; 'command' must be among them."""
    ttl: dict[Name, TtlLine] = Field(default_factory=dict)
    """Digital lines that sweeps can pulse, by name, such as 'stimulator' or 'camera'; protocols use these names."""
    perfusion: PerfusionEntry
    """Valves and tubing."""
    thermometer: ThermometerEntry | None = None
    """The bath's thermometer."""
    pump: PumpEntry | None = None
    """The pump that feeds the bath."""
    limits: RigLimits
    """What may ever be commanded."""
    safe: SafeState
    """Where outputs go on every way out."""
    simulation: dict[str, Any] = Field(default_factory=dict)
    """What the simulated devices are made of; real devices ignore it, the simulator checks it."""
