"""What each kind of fault does to the world and to the devices, and how it passes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from config.faults import (
    AccessDrift,
    AccessJump,
    CellDeath,
    DroppedBlock,
    EpspBarrage,
    FullDisk,
    Hum,
    KilledProcess,
    LateBlock,
    ModeTurned,
    SaturatedInput,
    SealLoss,
    SilentAmplifier,
    SilentThermometer,
    StuckValve,
    TemperatureDrift,
    WrongGain,
)
from drivers.simulated.records import CONDUCTANCES
from protocols.quantities import Current, EventRate, Percent, Voltage
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.faults import AnyFault
    from drivers.simulated.cell import Cell
    from drivers.simulated.troubled import Broken
    from drivers.simulated.world import World
    from drivers.trouble import Outside

MODES = {"voltage": ClampMode.VOLTAGE, "current": ClampMode.CURRENT, "zero": ClampMode.ZERO}
DEAD_LEAK, DEAD_REVERSAL = 40.0, -5.0
"""nS and mV, chosen: a membrane of some 25 MOhm that draws the cell to where nothing is left to fire."""
DYING = 20
"""Stages of a cell's death."""
STAGE = 0.2
"""degC between two stages of a drift."""


@dataclass(frozen=True)
class Place:
    """Where a fault acts."""

    world: World
    broken: Broken
    outside: Outside


def words_of(fault: AnyFault) -> str:  # noqa: PLR0911, PLR0912  one line a kind
    """Return in words what happens."""
    match fault:
        case SealLoss():
            return f"the seal gives way, {fault.to} are left"
        case AccessJump():
            return f"the series resistance rises by {fault.by}"
        case AccessDrift():
            return f"the series resistance rises by {fault.by} within {fault.over}"
        case CellDeath():
            return f"the cell dies within {fault.over}"
        case EpspBarrage():
            return f"a barrage of synaptic events, {fault.rate}"
        case Hum():
            return f"hum of {fault.voltage} and {fault.current}"
        case SaturatedInput():
            return f"the input '{fault.input}' stands at full scale"
        case WrongGain():
            whose = {"knob": "turned and telegraphed", "telegraph": "telegraphed, but not so", "amplifier": "not told"}
            return f"the gain of the primary output is {fault.times:g} times what it was ({whose[fault.of]})"
        case ModeTurned():
            return f"the mode knob is turned to {MODES[fault.to]}"
        case DroppedBlock():
            return "a block of samples is lost"
        case LateBlock():
            return f"a block of samples comes {fault.by} late"
        case StuckValve():
            which = "the valves do" if fault.line is None else f"the valve of '{fault.line}' does"
            return f"{which} not move any more"
        case TemperatureDrift():
            return f"the bath goes to {fault.to} within {fault.over}"
        case SilentThermometer():
            return "the thermometer does not answer"
        case SilentAmplifier():
            return "the amplifier does not answer"
        case FullDisk():
            return "the disk is full"
        case KilledProcess():
            return "the program is killed"


def begin(fault: AnyFault, place: Place) -> Callable[[], None] | None:  # noqa: PLR0911, PLR0912  one line a kind
    """Do what `fault` does; return how it passes, or None if it does not."""
    world, broken = place.world, place.broken
    match fault:
        case SealLoss():
            return _changed(place, seal=fault.to)
        case AccessJump():
            world.clog(1 + fault.by)
        case AccessDrift():
            _creep(world, fault)
        case CellDeath():
            _die(world, fault.over)
        case EpspBarrage():
            return _changed(place, epsp_rate=EventRate(fault.rate, fault.rate.text))
        case Hum():
            return _changed(place, hum=Voltage(fault.voltage), hum_current=Current(fault.current))
        case SaturatedInput():
            return _overloaded(place, fault.input)
        case WrongGain():
            return _amplified(world, broken, fault)
        case ModeTurned():
            world.flip(MODES[fault.to])
        case DroppedBlock():
            broken.dropped += 1
        case LateBlock():
            broken.late += fault.by
        case StuckValve():
            return broken.stick(fault.line, told=fault.told)
        case TemperatureDrift():
            _cool(world, fault)
        case SilentThermometer():
            return broken.silence("thermometer")
        case SilentAmplifier():
            return broken.silence("amplifier")
        case FullDisk():
            place.outside.fill_disk()
        case KilledProcess():
            place.outside.kill()
    return None


def _changed(place: Place, **settings: object) -> Callable[[], None]:
    """Change settings of the world; return how they become what they would be without this change."""
    world, layers = place.world, place.broken.layers
    for name, value in settings.items():
        layers.setdefault(name, [getattr(world.settings, name)]).append(value)
    world.change(**settings)

    def undo() -> None:
        for name, value in settings.items():
            layers[name].remove(value)
        world.change(**{name: layers[name][-1] for name in settings})

    return undo


def _overloaded(place: Place, name: str) -> Callable[[], None]:
    """Let an input stand at full scale; return how it does no more, unless another fault holds it there."""
    names = place.broken.overloaded
    names.append(name)
    place.world.overload(frozenset(names))

    def undo() -> None:
        names.remove(name)
        place.world.overload(frozenset(names))

    return undo


def _amplified(world: World, broken: Broken, fault: WrongGain) -> Callable[[], None]:
    """Change the gain, what is told of it, or both."""

    def scale(times: float) -> None:
        if fault.of != "telegraph":
            world.amplify(times)
        if fault.of != "amplifier":
            broken.told_gain *= times

    scale(fault.times)
    return lambda: scale(1 / fault.times)


def _creep(world: World, fault: AccessDrift) -> None:
    """Let the series resistance grow exponentially for a while, beside the drift that it has."""
    per_minute = (1 + fault.by) ** (60 / fault.over)

    def drift(factor: float) -> None:
        now = float(world.settings.series_resistance_drift)
        world.change(series_resistance_drift=Percent((1 + now) * factor - 1))

    drift(per_minute)
    world.enter(world.now() + fault.over, lambda: drift(1 / per_minute))


def _die(world: World, over: float) -> None:
    """Open a leak and close the channels, step by step."""
    start = world.now()
    for stage in range(DYING):
        left = DYING - stage
        world.enter(start + over * (stage + 1) / DYING, lambda left=left: world.become(_weaker(world.cell, left)))  # type: ignore[misc]


def _weaker(cell: Cell, left: int) -> Cell:
    """Return the cell one stage nearer to death, `left` stages from it."""
    return replace(
        cell,
        leak_soma=cell.leak_soma + DEAD_LEAK / DYING,
        leak_reversal=cell.leak_reversal + (DEAD_REVERSAL - cell.leak_reversal) / left,
        **{name: getattr(cell, name) * (left - 1) / left for name in CONDUCTANCES},
    )


def _cool(world: World, fault: TemperatureDrift) -> None:
    """Move the bath in a straight line, in small stages."""
    start, before = world.now(), float(world.settings.temperature)
    stages = max(1, math.ceil(abs(fault.to - before) / STAGE))
    for stage in range(1, stages + 1):
        part = stage / stages
        celsius = before + (fault.to - before) * part
        world.enter(start + fault.over * part, lambda celsius=celsius: world.warm(celsius))  # type: ignore[misc]
