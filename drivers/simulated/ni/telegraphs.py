"""What an amplifier with knobs says of itself in volts, on the inputs that the rig file names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.amplifiers import TelegraphedOptions
from config.ni import NiDaqOptions, options_of
from drivers.telegraphs import (
    CapacitanceTelegraph,
    FrequencyTelegraph,
    GainTelegraph,
    ModeTelegraph,
    telegraphs_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.rig import Rig
    from drivers.simulated.patch import SimulatedAmplifier

USUAL = {"axopatch200b": "axopatch_200b"}
"""Driver -> the table it takes when the rig file names none."""
SWITCHED_OFF = -0.5
"""Volts of a capacitance telegraph while compensation is off: where the knob stands, negative (Axopatch 200B manual,
page 115)."""


def telegraph_wires(rig: Rig, amplifier: SimulatedAmplifier) -> dict[str, Callable[[], float]]:
    """Return input pin -> what stands there, for the telegraphs that the rig file names."""
    if rig.amplifier.driver not in ("telegraphed", *USUAL):
        return {}
    options = options_of("amplifier", TelegraphedOptions, rig.amplifier.options)
    table = telegraphs_of(options.model or USUAL[rig.amplifier.driver])
    wires: list[tuple[str | None, Callable[[], float]]] = []
    if table.gain is not None:
        wires.append((options.gain, _gain(table.gain, amplifier)))
    if table.mode is not None:
        wires.append((options.mode, _mode(table.mode, amplifier)))
    if table.frequency is not None:
        wires.append((options.frequency, _corner(table.frequency, amplifier)))
    if table.capacitance is not None:
        wires.append((options.capacitance, _capacitance(table.capacitance, amplifier, beta=options.beta)))
    pins = _pins(rig)
    return {pins[name]: volts for name, volts in wires if name in pins}


def _pins(rig: Rig) -> dict[str | None, str]:
    """Return the name of each analogue input -> its pin, without the device."""
    entries = dict(rig.inputs)
    if rig.daq.driver == "nidaqmx":
        entries |= options_of("daq", NiDaqOptions, rig.daq.options).telegraphs
    return {name: entry.pin.rsplit("/", 1)[-1] for name, entry in entries.items()}


def _gain(table: GainTelegraph, amplifier: SimulatedAmplifier) -> Callable[[], float]:
    def volts() -> float:
        unit, per_volt = amplifier.gains().inputs["primary"]
        at_one = table.current if unit == "A" else table.potential
        gain = 1 / (per_volt * float(at_one or 1.0))
        return min(zip(table.gains, table.steps, strict=True), key=lambda pair: abs(pair[0] / gain - 1))[1]

    return volts


def _mode(table: ModeTelegraph, amplifier: SimulatedAmplifier) -> Callable[[], float]:
    def volts() -> float:
        positions = table.leading_to(amplifier.mode())
        return positions[0].volts if positions else 0.0

    return volts


def _corner(table: FrequencyTelegraph, amplifier: SimulatedAmplifier) -> Callable[[], float]:
    def volts() -> float:
        corner = amplifier.state().low_pass
        return min(zip(table.hertz, table.volts, strict=True), key=lambda pair: abs(pair[0] - corner))[1]

    return volts


def _capacitance(table: CapacitanceTelegraph, amplifier: SimulatedAmplifier, *, beta: float) -> Callable[[], float]:
    def volts() -> float:
        found = amplifier.state().whole_cell_capacitance
        return SWITCHED_OFF if found is None else 10 * found * beta / float(table.full)

    return volts
