"""The four simulated devices of a rig file, made around one world."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from config.faults import DRIVEN
from drivers.base import Limits
from drivers.scales import scales_of
from drivers.simulated.bath import SimulatedPerfusion, SimulatedThermometer
from drivers.simulated.board import STEPS, SimulatedDaq
from drivers.simulated.patch import SimulatedAmplifier
from drivers.simulated.pharmacology import drug_table
from drivers.simulated.population import drugs_of
from drivers.simulated.settings import Simulation, read_settings
from drivers.simulated.troubled import Broken, TroubledAmplifier, TroubledDaq, TroubledPerfusion, TroubledThermometer
from drivers.simulated.world import Converter, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.build import Context

D = TypeVar("D")


def daq(context: Context) -> SimulatedDaq:
    """Return the board, with the rig's channels, ranges and limits."""
    rig = context.rig
    limits = Limits(
        voltage=(float(rig.limits.voltage.low), float(rig.limits.voltage.high)),
        current=(float(rig.limits.current.low), float(rig.limits.current.high)),
        sampling=float(rig.daq.sampling_limit),
    )
    return _kind(context, SimulatedDaq, TroubledDaq)(
        rig.daq.device,
        limits,
        context.shared(world_of),
        context.shared(_converter),
        clock=context.clock,
        output_range=float(rig.outputs["command"].range),
        block=float(rig.daq.block),
        ttl=tuple(rig.ttl),
    )


def amplifier(context: Context) -> SimulatedAmplifier:
    """Return the amplifier, with the rig's scales."""
    entry, make = context.rig.amplifier, _kind(context, SimulatedAmplifier, TroubledAmplifier)
    return make(scales_of(entry), context.shared(world_of), settle=float(entry.settle), seed=context.seed)


def perfusion(context: Context) -> SimulatedPerfusion:
    """Return the perfusion, with the rig's lines; the safe one is open."""
    make = _kind(context, SimulatedPerfusion, TroubledPerfusion)
    return make(context.rig.perfusion, context.shared(world_of), line=context.rig.safe.line)


def thermometer(context: Context) -> SimulatedThermometer:
    """Return the bath's thermometer."""

    def troubled(*plain: Any, **named: Any) -> SimulatedThermometer:
        return TroubledThermometer(*plain, world=context.shared(world_of), **named)

    make = _kind(context, SimulatedThermometer, troubled)
    return make(float(context.shared(settings_of).temperature), context.clock, seed=context.seed)


def _kind(context: Context, plain: Callable[..., D], troubled: Callable[..., D]) -> Callable[..., D]:
    """Return what makes a device: one that nothing happens to, or one that faults of this run act on."""
    return plain if context.faults is None else partial(troubled, broken=context.shared(broken_of))


def broken_of(_context: Context) -> Broken:
    """Return what is wrong with the devices: nothing yet."""
    return Broken()


def settings_of(context: Context) -> Simulation:
    """Return what the rig file says of the simulation."""
    return read_settings(context.rig.simulation)


def _converter(context: Context) -> Converter:
    inputs = {name: entry for name, entry in context.rig.inputs.items() if name in DRIVEN}
    return Converter(tuple(inputs), {name: float(entry.range) / STEPS for name, entry in inputs.items()})


def world_of(context: Context) -> World:
    """Return the cell with the pipette on it, in voltage clamp at the rig's safe potential."""
    return World(
        context.shared(settings_of),
        scales_of(context.rig.amplifier),
        context.shared(_converter),
        clock=context.clock,
        seed=context.seed,
        holding=float(context.rig.safe.voltage_clamp),
        drugs=drug_table(drugs_of(context.shared(settings_of), context.seed)),
    )
