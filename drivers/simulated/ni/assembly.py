"""From a rig file to a board with a preparation behind it, wired as the file says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.ni import AnalogueThermometerOptions, options_of
from drivers.build import Context
from drivers.scales import scales_of
from drivers.simulated.bath import SimulatedThermometer
from drivers.simulated.devices import settings_of, world_of
from drivers.simulated.ni.board import Board
from drivers.simulated.ni.card import Card
from drivers.simulated.ni.preparation import Preparation, ThermometerWire, Valve, Wires
from drivers.simulated.ni.telegraphs import telegraph_wires
from drivers.simulated.patch import SimulatedAmplifier

if TYPE_CHECKING:
    from config.rig import Rig
    from drivers.simulated.ni.faults import Faults
    from drivers.simulated.ni.pace import Pace


def board_of(rig: Rig, pace: Pace, *, seed: int = 1, card: Card | None = None, faults: Faults | None = None) -> Board:
    """Return the board that `rig` describes, switched on.

    Parameters
    ----------
    rig
        Its 'daq: device' names the card; inputs, outputs, valves, thermometer and telegraphs are wired as written;
        the amplifier has the file's scales; 'simulation' says what the cell is like.
    pace
        How time passes.
    seed
        Which cell and noise: the same as `patchrig run --simulate --seed`.
    card
        Another model of card.
    faults
        What goes wrong.
    """
    card = card or Card(device=rig.daq.device)
    context = Context(rig, pace.clock, seed)
    world = context.shared(world_of)
    amplifier = SimulatedAmplifier(scales_of(rig.amplifier), world, settle=float(rig.amplifier.settle), seed=seed)
    thermometer = SimulatedThermometer(float(context.shared(settings_of).temperature), pace.clock, seed=seed)
    wires = wires_of(rig)
    wires.telegraphs.update(telegraph_wires(rig, amplifier))
    preparation = Preparation(world, amplifier, thermometer, wires, dead_time=float(rig.perfusion.dead_time))
    return Board(preparation, pace, card=card, faults=faults)


def wires_of(rig: Rig) -> Wires:
    """Return which terminal goes where."""
    valves = {
        name: Valve(own_pin(line.pin), line.opens == "high")
        for name, line in rig.perfusion.lines.items()
        if line.pin is not None and "line" in line.pin
    }
    return Wires(
        command=own_pin(rig.outputs["command"].pin),
        signals={own_pin(rig.inputs[name].pin): name for name in ("primary", "secondary") if name in rig.inputs},
        valves=valves,
        thermometer=_thermometer(rig),
    )


def own_pin(pin: str) -> str:
    """Return a pin's name without the device: 'Dev1/ai0' is 'ai0', 'port0/line1' stays."""
    parts = pin.strip("/").split("/")
    return "/".join(parts[-2:] if parts[-1].startswith("line") else parts[-1:])


def _thermometer(rig: Rig) -> ThermometerWire | None:
    if rig.thermometer is None or rig.thermometer.driver != "analogue":
        return None
    options = options_of("thermometer", AnalogueThermometerOptions, rig.thermometer.options)
    return ThermometerWire(own_pin(options.input.pin), float(options.per_degree), float(options.at_zero))
