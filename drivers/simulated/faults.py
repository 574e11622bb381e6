"""Faults of a dry run: drawn from their list by a seed, and started when their moment comes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from config.fault_moments import in_words, minutes
from config.faults import Passing, load_faults
from drivers.simulated.acts import Place, begin, words_of
from drivers.simulated.devices import broken_of, settings_of, world_of
from drivers.trouble import Occurred
from protocols.errors import HardwareError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from config.faults import AnyFault, FaultList
    from drivers.build import Context
    from drivers.simulated.troubled import Broken
    from drivers.simulated.world import World
    from drivers.trouble import Outside

NEEDS_NOISE = ("epsp_barrage", "hum")


@dataclass(frozen=True)
class Drawn:
    """A fault that a run of one seed meets."""

    number: int
    """Its place in the list, from 1."""
    fault: AnyFault
    moments: Iterator[float] | None = None
    """Of one that comes at random: when, s, without an end, each drawn when it is asked for."""


@dataclass(frozen=True)
class FaultPlan:
    """Faults, in the order of their list."""

    faults: tuple[AnyFault, ...]

    @classmethod
    def of(cls, written: FaultList) -> FaultPlan:
        """Return what a file asks for."""
        return cls(written.faults)

    def drawn(self, seed: int) -> tuple[Drawn, ...]:
        """Return the faults that a run of this seed meets, if it is long enough."""
        return tuple(one for i, fault in enumerate(self.faults) for one in _drawn(fault, i, seed))


def load(path: Path) -> FaultPlan:
    """Return what the file at `path` asks for, or raise `InvalidFile` with every mistake found."""
    return FaultPlan.of(load_faults(path))


def _drawn(fault: AnyFault, index: int, seed: int) -> Iterator[Drawn]:
    """Yield an entry if it is met. Each entry has a stream of its own: to add one changes no other."""
    random = Random(f"fault {index} {seed}")
    if fault.about_every is None:
        if random.random() < fault.chance:
            yield Drawn(index + 1, fault)
    elif fault.chance > 0:
        yield Drawn(index + 1, fault, _moments(random, fault.about_every / fault.chance))


def _moments(random: Random, about_every: float) -> Iterator[float]:
    """Yield moments at random, `about_every` seconds from one to the next on average."""
    moment = 0.0
    while True:
        moment += random.expovariate(1 / about_every)
        yield moment


class Unheard:
    """Nobody around the devices: what happens is remembered, and what only a run can do is refused."""

    def __init__(self) -> None:
        """Nothing has happened."""
        self.occurred: list[Occurred] = []

    def tell(self, occurred: Occurred) -> None:
        """Remember."""
        self.occurred.append(occurred)

    def fill_disk(self) -> None:
        """Refuse."""
        raise HardwareError("faults", "there is no run whose disk could be full")

    def kill(self) -> None:
        """Refuse."""
        raise HardwareError("faults", "there is no run that could be killed")


class Troubles:
    """The faults of one run: each is entered in the world's agenda as soon as its moment is known."""

    def __init__(self, drawn: Iterable[Drawn], world: World, broken: Broken) -> None:
        """Enter those that count from the session's start."""
        self._world, self._broken, self._waiting = world, broken, defaultdict[str | int, list[Drawn]](list)
        self._begun: dict[str | int, float] = {}
        self._to_come: dict[int, Drawn] = {}
        self.outside: Outside = Unheard()
        for one in drawn:
            start = beginning(one.fault)
            if one.moments is not None:
                self._enter_next(one)
                continue
            self._to_come[one.number] = one
            if start is None:
                self._enter(one, 0.0)
            else:
                self._waiting[start].append(one)

    def attach(self, outside: Outside) -> None:
        """Let `outside` hear of everything from now on."""
        self.outside = outside

    def begins(self, name: str | int, moment: float) -> None:
        """Enter what counts from here, the first time that it begins."""
        self._begun.setdefault(name, moment)
        for one in self._waiting.pop(name, ()):
            self._enter(one, moment)

    def missed(self, moment: float) -> tuple[Occurred, ...]:
        """Return the faults that never came, if the run ends at `moment`; not those that come at random."""
        return tuple(
            Occurred(
                moment, f"{in_words(number, one.fault)} never came: {self._why(one.fault, moment)}", _data(one.fault)
            )
            for number, one in sorted(self._to_come.items())
        )

    def _why(self, fault: AnyFault, moment: float) -> str:
        start = beginning(fault)
        if start is None:
            return f"the run ended after {minutes(moment)}"
        name = f"'{start}'" if isinstance(start, str) else f"sweep {start}"
        if start in self._begun:
            return f"the run ended {minutes(moment - self._begun[start])} after the start of {name}"
        if isinstance(start, str):
            return f"the run ended before {name} began"
        sweeps = sum(isinstance(begun, int) for begun in self._begun)
        return f"the run had {sweeps} sweep{'' if sweeps == 1 else 's'}"

    def _enter(self, one: Drawn, start: float) -> None:
        self._world.enter(start + (one.fault.at or 0.0), lambda: self._happens_once(one))

    def _enter_next(self, one: Drawn) -> None:
        """Enter the next time of a fault that comes at random; the one after it is drawn when it has come."""
        if one.moments is not None:
            self._world.enter(next(one.moments), lambda: self._happens_again(one))

    def _happens_once(self, one: Drawn) -> None:
        del self._to_come[one.number]
        self._happens(one.fault)

    def _happens_again(self, one: Drawn) -> None:
        self._enter_next(one)
        self._happens(one.fault)

    def _happens(self, fault: AnyFault) -> None:
        """Say so, then do it: a killed program says nothing any more."""
        self._tell(fault, words_of(fault))
        undo = begin(fault, Place(self._world, self._broken, self.outside))
        if undo is not None and isinstance(fault, Passing) and fault.for_ is not None:
            self._world.enter(self._world.now() + fault.for_, lambda: self._passes(fault, undo))

    def _passes(self, fault: AnyFault, undo: Callable[[], None]) -> None:
        self._tell(fault, f"{words_of(fault)}: it is over")
        undo()

    def _tell(self, fault: AnyFault, words: str) -> None:
        self.outside.tell(Occurred(self._world.now(), f"injected: {words}", _data(fault)))


def beginning(fault: AnyFault) -> str | int | None:
    """Return the series, search, solution or sweep from which a fault counts; None: the session's start."""
    return fault.after if fault.after is not None else fault.in_sweep


def _data(fault: AnyFault) -> dict[str, object]:
    """Return a fault as it was written."""
    written = fault.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"chance"})
    return {"fault": fault.verb, **written}


def troubles(context: Context) -> Troubles:
    """Return the faults that a rig's simulated devices meet.

    Raises
    ------
    HardwareError
        The rig file has switched off what a fault would make worse.
    """
    if context.faults is None:
        raise HardwareError("faults", "no list of faults was given")
    drawn = FaultPlan.of(context.faults).drawn(context.seed)
    quiet = [one.fault.verb for one in drawn if one.fault.verb in NEEDS_NOISE]
    if quiet and not context.shared(settings_of).noise:
        raise HardwareError("faults", f"'{quiet[0]}' needs 'noise: yes' in the rig file's 'simulation'")
    return Troubles(drawn, context.shared(world_of), context.shared(broken_of))
