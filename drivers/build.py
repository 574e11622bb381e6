"""From a rig file to open devices: the only place that looks a driver up by name."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from drivers.hands import Nobody
from protocols.errors import HardwareError, PatchrigError, Refused
from protocols.explaining import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from types import TracebackType

    from config.faults import FaultList
    from config.rig import Rig
    from drivers.base import Amplifier, Daq, Device, Perfusion, Pump, Thermometer
    from drivers.clock import Clock
    from drivers.hands import Hands
    from drivers.simulated.ni.serving import Served
    from drivers.trouble import Trouble
    from protocols.marks import Finding

T = TypeVar("T")

SIMULATED = "simulated"

DRIVERS: Mapping[str, Mapping[str, str]] = {
    "daq": {SIMULATED: "drivers.simulated.devices:daq", "nidaqmx": "drivers.ni.daq:daq"},
    "amplifier": {
        SIMULATED: "drivers.simulated.devices:amplifier",
        "multiclamp": "drivers.multiclamp.amplifier:amplifier",
        "axopatch200b": "drivers.axopatch200b:amplifier",
        "telegraphed": "drivers.telegraphed:amplifier",
    },
    "perfusion": {
        SIMULATED: "drivers.simulated.devices:perfusion",
        "digital_valves": "drivers.ni.lines:perfusion",
        "valvelink": "drivers.visa.valvelink:perfusion",
    },
    "thermometer": {
        SIMULATED: "drivers.simulated.devices:thermometer",
        "analogue": "drivers.ni.analogue:thermometer",
        "tc200": "drivers.visa.tc200:thermometer",
    },
    "pump": {SIMULATED: "drivers.simulated.pump:pump", "ne1000": "drivers.visa.ne1000:pump"},
}
"""Kind of device -> driver's name in the rig file -> 'module:factory', imported when wanted. A factory takes a
`Context` and returns the device, not yet open. To add a driver, add a line."""

INPUTS: Mapping[str, str] = {"nidaqmx": "drivers.ni.analogue:read_volts"}
"""Driver of the card -> 'module:function' that takes a `Context` and returns the reading of an input: name to volts."""

FAULTS = "drivers.simulated.faults:troubles"
"""What makes faults from a `Context` that has a list of them."""

MISTAKES = "drivers.simulated.checking:mistakes"
"""What finds mistakes in a rig file's 'simulation'."""

DOORS: Mapping[str, str] = {"served": "drivers.simulated.multiclamp.served:doors"}
"""Scheme of an address that a rig file gives in place of a library's path, as in 'served://127.0.0.1:31764' ->
'module:function' that takes a `Context` and what follows the scheme, and returns what the library would have been."""


class Context:
    """What a driver may build its device from."""

    def __init__(
        self,
        rig: Rig,
        clock: Clock,
        seed: int,
        hands: Hands | None = None,
        faults: FaultList | None = None,
        *,
        by_force: bool = False,
    ) -> None:
        """Keep the rig file, the clock, the seed of whatever is random, who turns knobs (or nobody), and what fails.

        `by_force` takes devices from another program that has them, where they can be taken.
        """
        self.rig, self.clock, self.seed, self.faults, self.by_force = rig, clock, seed, faults, by_force
        self.hands: Hands = hands or Nobody()
        self._made: dict[Callable[[Context], Any], Any] = {}

    def shared(self, make: Callable[[Context], T]) -> T:
        """Return `make(self)`, made once: for devices that have a part in common."""
        if make not in self._made:
            self._made[make] = make(self)
        return cast("T", self._made[make])

    def read_volts(self) -> Callable[[str], float]:
        """Return the reading of the card's inputs: from an input's name to the volts that stand there.

        Raises
        ------
        HardwareError
            The rig's card is not one that reads single voltages.
        """
        driver = self.rig.daq.driver
        if driver not in INPUTS:
            words = f"the amplifier's telegraphs are read by the card, and '{driver}' reads no single voltages"
            raise HardwareError(self.rig.daq.device, words)
        return cast("Callable[[str], float]", _named(INPUTS[driver])(self))

    def behind(self, address: str) -> Any:
        """Return what is behind an address such as 'served://127.0.0.1:31764'; None if it is a path."""
        scheme, _, rest = address.partition("://")
        return _named(DOORS[scheme])(self, rest) if rest and scheme in DOORS else None


def mistakes_in(rig: Rig) -> list[Finding]:
    """Return what is wrong with parts of a rig file that only a driver understands; nothing is opened."""
    return cast("list[Finding]", _named(MISTAKES)(rig.simulation)) if rig.simulation else []


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
    pump: Pump | None = None
    trouble: Trouble | None = None
    """What goes wrong on purpose; None when nothing does."""
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
    def by_kind(self) -> dict[str, Device]:
        """Kind of device -> device, in the order of opening."""
        devices: dict[str, Device | None] = {
            "daq": self.daq,
            "amplifier": self.amplifier,
            "perfusion": self.perfusion,
            "thermometer": self.thermometer,
            "pump": self.pump,
        }
        return {kind: device for kind, device in devices.items() if device is not None}

    @property
    def all(self) -> tuple[Device, ...]:
        """The devices in the order of opening."""
        return tuple(self.by_kind.values())


class MissingPackage(HardwareError):
    """A driver needs a package that is not installed; `package` names it."""

    def __init__(self, kinds: str, package: str) -> None:
        """Say which devices need it, and how to get it."""
        self.package = package
        super().__init__(kinds, f"the package '{package}' is not installed: pip install {package}")


class Absent:
    """In the place of a device that could not even be made: whatever is asked of it says why."""

    needs_wall_time = True

    def __init__(self, kind: str, why: Exception) -> None:
        """Keep why."""
        self.name = kind
        self._why = why if isinstance(why, PatchrigError) else HardwareError(kind, f"{type(why).__name__}: {why}")

    def __enter__(self) -> Self:
        """Refuse."""
        raise self._why

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def __getattr__(self, name: str) -> Any:
        """Refuse."""
        raise self._why


def known_drivers() -> dict[str, str]:
    """Return the name of each driver, with the kinds of device it drives."""
    names = sorted({name for drivers in DRIVERS.values() for name in drivers})
    return {name: ", ".join(kind for kind, drivers in DRIVERS.items() if name in drivers) for name in names}


def open_devices(
    rig: Rig,
    clock: Clock,
    *,
    simulate: bool = False,
    seed: int = 1,
    hands: Hands | None = None,
    faults: FaultList | None = None,
) -> Devices:
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
    hands
        Who turns the knobs that no program can turn; nobody if left out.
    faults
        What is to go wrong; nothing if left out.

    Raises
    ------
    HardwareError
        A driver is unknown, a package that it needs is not installed, or the simulation's settings are wrong.
    Refused
        A device has a time of its own and the clock is not the wall's, or faults are wished for devices of metal.
    """
    context = Context(rig, clock, seed, hands, faults)
    opened = {kind: SIMULATED if simulate else name for kind, name in _drivers_of(rig).items()}
    trouble = None if faults is None else _trouble(context, opened)
    made, failed = _made(context, opened)
    if failed:
        raise _together(rig.rig, failed)
    used = seed if any(not d.needs_wall_time for d in made.values()) else None
    devices = _devices(made, opened, used, trouble)
    _check_time(devices, clock)
    return devices


def _trouble(context: Context, opened: Mapping[str, str]) -> Trouble:
    """Return the faults of a run on the `opened` drivers (kind -> name): simulated ones, or it is refused."""
    if metal := [f"{kind} ('{name}')" for kind, name in opened.items() if name != SIMULATED]:
        raise Refused(f"faults are injected into simulated devices only; {metal[0]} is not: use --simulate")
    return cast("Trouble", _named(FAULTS)(context))


def devices_as_far_as_possible(rig: Rig, clock: Clock, *, by_force: bool = False) -> Devices:
    """Return the devices of `rig`, with an `Absent` for each that cannot be made: the others must come to rest.

    `by_force` takes them from a living program that has them, where they can be taken.
    """
    opened = _drivers_of(rig)
    made, failed = _made(Context(rig, clock, 1, by_force=by_force), opened)
    return _devices({**made, **{kind: Absent(kind, why) for kind, why in failed.items()}}, opened, None)


def serve_board(rig: Rig, **wishes: Any) -> AbstractContextManager[Served]:
    """Return a simulated NI board wired as `rig` says, to be reached by NI's own client as long as a `with` lasts.

    `wishes` are those of `drivers.simulated.ni.serving.served_board`: address, link, seed, speed, faults, fillings.
    """
    from drivers.simulated.ni.serving import served_board

    return served_board(rig, **wishes)


def load_drivers(rig: Rig) -> None:
    """Import the drivers of `rig`, so that opening its devices later takes no time. Opens nothing.

    A driver that is not there is told when its device is made.
    """
    for kind, name in _drivers_of(rig).items():
        with suppress(HardwareError):
            _factory(kind, name)


def _drivers_of(rig: Rig) -> dict[str, str]:
    """Return kind of device -> driver that the rig file names."""
    return {
        "daq": rig.daq.driver,
        "amplifier": rig.amplifier.driver,
        "perfusion": rig.perfusion.driver,
        **({"thermometer": rig.thermometer.driver} if rig.thermometer else {}),
        **({"pump": rig.pump.driver} if rig.pump else {}),
    }


def _made(context: Context, names: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Exception]]:
    """Return kind -> device, and kind -> why it could not be made."""
    made: dict[str, Any] = {}
    failed: dict[str, Exception] = {}
    for kind, name in names.items():
        try:
            made[kind] = _factory(kind, name)(context)
        except ModuleNotFoundError as error:
            failed[kind] = MissingPackage(kind, (error.name or "").partition(".")[0])
        except Exception as error:  # noqa: BLE001  one device that cannot be made must not hide the others
            failed[kind] = error
    return made, failed


def _together(rig: str, failed: Mapping[str, Exception]) -> Exception:
    """Return one error that names all that could not be made, each cause once; a driver's own bug comes first."""
    if bugs := [e for e in failed.values() if not isinstance(e, PatchrigError)]:
        return bugs[0]
    packages: dict[str, list[str]] = {}
    for kind, error in failed.items():
        if isinstance(error, MissingPackage):
            packages.setdefault(error.package, []).append(kind)
    errors = [
        *(MissingPackage(", ".join(kinds), package) for package, kinds in packages.items()),
        *(e for e in failed.values() if not isinstance(e, MissingPackage)),
    ]
    if len(errors) == 1:
        return errors[0]
    return HardwareError(rig, "\n  ".join(["not all devices can be had:", *map(str, errors)]))


def _devices(
    made: Mapping[str, Any], drivers: Mapping[str, str], seed: int | None, trouble: Trouble | None = None
) -> Devices:
    parts = (made["daq"], made["amplifier"], made["perfusion"], made.get("thermometer"))
    return Devices(*parts, drivers, seed, made.get("pump"), trouble)


def _factory(kind: str, name: str) -> Callable[[Context], Any]:
    """Return what makes the device.

    Raises
    ------
    HardwareError
        There is no such driver, or a package that it needs is not installed.
    """
    known = DRIVERS[kind]
    if name not in known:
        raise HardwareError(kind, f"there is no driver '{name}'{did_you_mean(name, known)}; --simulate needs none")
    try:
        return _named(known[name])
    except ModuleNotFoundError as error:
        raise MissingPackage(kind, (error.name or "").partition(".")[0]) from error


def _named(path: str) -> Callable[..., Any]:
    """Return the function that 'module:function' names."""
    module, function = path.split(":")
    return cast("Callable[..., Any]", getattr(import_module(module), function))


def _check_time(devices: Devices, clock: Clock) -> None:
    """Refuse to hurry devices that cannot be hurried."""
    bound = [d.name for d in devices.all if d.needs_wall_time]
    if bound and not clock.is_wall_time:
        raise Refused(f"{', '.join(bound)}: real devices run at life speed only; use --speed life, or --simulate")
