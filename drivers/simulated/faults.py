"""Faults of a dry run: drawn from their list by a seed, and started when their moment comes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from config.faults import Passing, load_faults
from drivers.simulated.acts import Place, begin, words_of
from drivers.simulated.devices import broken_of, settings_of, world_of
from drivers.trouble import Occurred
from protocols.errors import HardwareError
from protocols.quantities import Duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from config.faults import AnyFault, FaultList
    from drivers.build import Context
    from drivers.simulated.troubled import Broken
    from drivers.simulated.world import World
    from drivers.trouble import Outside

HORIZON = 12 * 3600.0
"""Seconds of a session for which random faults are drawn: longer than a slice lives."""
NEEDS_NOISE = ("epsp_barrage", "hum")


@dataclass(frozen=True)
class FaultPlan:
    """Faults, in the order of their list; those that `drawn` returns have definite moments and are certain."""

    faults: tuple[AnyFault, ...]

    @classmethod
    def of(cls, written: FaultList) -> FaultPlan:
        """Return what a file asks for."""
        return cls(written.faults)

    def drawn(self, seed: int) -> FaultPlan:
        """Return the faults that a run of this seed meets."""
        return FaultPlan(tuple(one for i, fault in enumerate(self.faults) for one in _drawn(fault, i, seed)))


def load(path: Path) -> FaultPlan:
    """Return what the file at `path` asks for, or raise `InvalidFile` with every mistake found."""
    return FaultPlan.of(load_faults(path))


def _drawn(fault: AnyFault, number: int, seed: int) -> Iterator[AnyFault]:
    """Yield the occurrences of one entry. Each entry has a stream of its own: to add one changes no other."""
    random = Random(f"fault {number} {seed}")
    if fault.about_every is None:
        if random.random() < fault.chance:
            yield fault
        return
    moment = random.expovariate(1 / fault.about_every)
    while moment < HORIZON:
        if random.random() < fault.chance:
            yield fault.model_copy(update={"at": Duration(moment), "about_every": None})
        moment += random.expovariate(1 / fault.about_every)


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

    def __init__(self, plan: FaultPlan, world: World, broken: Broken) -> None:
        """Enter those that count from the session's start; `plan` is a drawn one."""
        self._world, self._broken, self._waiting = world, broken, defaultdict[str | int, list["AnyFault"]](list)
        self.outside: Outside = Unheard()
        for fault in plan.faults:
            start = fault.after if fault.after is not None else fault.in_sweep
            if start is None:
                self._enter(fault, 0.0)
            else:
                self._waiting[start].append(fault)

    def attach(self, outside: Outside) -> None:
        """Let `outside` hear of everything from now on."""
        self.outside = outside

    def begins(self, name: str | int, moment: float) -> None:
        """Enter what counts from here, the first time that it begins."""
        for fault in self._waiting.pop(name, ()):
            self._enter(fault, moment)

    def _enter(self, fault: AnyFault, start: float) -> None:
        self._world.enter(start + (fault.at or 0.0), lambda: self._happens(fault))

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
        written = fault.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"chance"})
        self.outside.tell(Occurred(self._world.now(), f"injected: {words}", {"fault": fault.verb, **written}))


def troubles(context: Context) -> Troubles:
    """Return the faults that a rig's simulated devices meet.

    Raises
    ------
    HardwareError
        The rig file has switched off what a fault would make worse.
    """
    if context.faults is None:
        raise HardwareError("faults", "no list of faults was given")
    plan = FaultPlan.of(context.faults).drawn(context.seed)
    quiet = [f.verb for f in plan.faults if f.verb in NEEDS_NOISE]
    if quiet and not context.shared(settings_of).noise:
        raise HardwareError("faults", f"'{quiet[0]}' needs 'noise: yes' in the rig file's 'simulation'")
    return Troubles(plan, context.shared(world_of), context.shared(broken_of))
