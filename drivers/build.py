"""From a rig file to open devices: the only place that looks a driver up by name."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from protocols.errors import HardwareError, Refused
from protocols.explaining import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from config.rig import Rig
    from drivers.base import Amplifier, Daq, Device, Perfusion, Thermometer
    from drivers.clock import Clock

T = TypeVar("T")

SIMULATED = "simulated"

DRIVERS: Mapping[str, Mapping[str, str]] = {
    "daq": {SIMULATED: "drivers.simulated.devices:daq"},
    "amplifier": {SIMULATED: "drivers.simulated.devices:amplifier"},
    "perfusion": {SIMULATED: "drivers.simulated.devices:perfusion"},
    "thermometer": {SIMULATED: "drivers.simulated.devices:thermometer"},
}
"""Kind of device -> driver's name in the rig file -> 'module:factory', imported when wanted. A factory takes a
`Context` and returns the device, not yet open. To add a driver, add a line."""


class Context:
    """What a driver may build its device from."""

    def __init__(self, rig: Rig, clock: Clock, seed: int) -> None:
        """Keep the rig file, the clock, and the seed of whatever is random."""
        self.rig, self.clock, self.seed = rig, clock, seed
        self._made: dict[Callable[[Context], Any], Any] = {}

    def shared(self, make: Callable[[Context], T]) -> T:
        """Return `make(self)`, made once: for devices that have a part in common."""
        if make not in self._made:
            self._made[make] = make(self)
        return cast("T", self._made[make])


@dataclass(frozen=True)
class Devices:
    """The devices of one rig; a context manager that opens all of them and closes all of them on every way out."""

    daq: Daq
    amplifier: Amplifier
    perfusion: Perfusion
    thermometer: Thermometer | None
    drivers: Mapping[str, str] = field(default_factory=dict)
    """Kind of device -> driver that was really opened, whatever the rig file names."""
    seed: int | None = None
    """From which simulated devices draw; None when all devices are of metal."""
    _opened: ExitStack = field(default_factory=ExitStack, repr=False, compare=False)

    def __enter__(self) -> Self:
        """Open in order; if one fails, close those before it."""
        with ExitStack() as stack:
            for device in self.all:
                stack.enter_context(device)
            self._opened.push(stack.pop_all())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close in reverse order, each whatever became of the others."""
        self._opened.__exit__(kind, error, trace)

    @property
    def all(self) -> tuple[Device, ...]:
        """The devices in the order of opening."""
        devices: tuple[Device | None, ...] = (self.daq, self.amplifier, self.perfusion, self.thermometer)
        return tuple(d for d in devices if d is not None)


def known_drivers() -> dict[str, str]:
    """Return the name of each driver, with the kinds of device it drives."""
    names = sorted({name for drivers in DRIVERS.values() for name in drivers})
    return {name: ", ".join(kind for kind, drivers in DRIVERS.items() if name in drivers) for name in names}


def open_devices(rig: Rig, clock: Clock, *, simulate: bool = False, seed: int = 1) -> Devices:
    """Return the devices of `rig`, to be opened by `with`.

    Parameters
    ----------
    rig
        Names the drivers, wiring, scales and limits.
    clock
        All waiting goes through it.
    simulate
        Take the simulated driver for every device, with this rig's channels, scales, limits, lines and dead time.
    seed
        Which simulated cell and noise; devices of metal ignore it.

    Raises
    ------
    HardwareError
        A driver is unknown, or the simulation's settings are wrong.
    Refused
        A device has a time of its own and the clock is not the wall's.
    """
    context = Context(rig, clock, seed)
    names = {
        "daq": rig.daq.driver,
        "amplifier": rig.amplifier.driver,
        "perfusion": rig.perfusion.driver,
        **({"thermometer": rig.thermometer.driver} if rig.thermometer else {}),
    }
    opened = {kind: SIMULATED if simulate else name for kind, name in names.items()}
    made = {kind: _factory(kind, name)(context) for kind, name in opened.items()}
    used = seed if any(not d.needs_wall_time for d in made.values()) else None
    devices = Devices(made["daq"], made["amplifier"], made["perfusion"], made.get("thermometer"), opened, used)
    _check_time(devices, clock)
    return devices


def _factory(kind: str, name: str) -> Callable[[Context], Any]:
    known = DRIVERS[kind]
    if name not in known:
        raise HardwareError(kind, f"there is no driver '{name}'{did_you_mean(name, known)}; --simulate needs none")
    module, factory = known[name].split(":")
    return cast("Callable[[Context], Any]", getattr(import_module(module), factory))


def _check_time(devices: Devices, clock: Clock) -> None:
    """Refuse to hurry devices that cannot be hurried."""
    bound = [d.name for d in devices.all if d.needs_wall_time]
    if bound and not clock.is_wall_time:
        raise Refused(f"{', '.join(bound)}: real devices run at life speed only; use --speed life, or --simulate")
