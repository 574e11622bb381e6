"""Which cells are compared with which: groups of cells by what they got, and the vehicle group."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from acquisition.study.measures import concentration_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from acquisition.study.cell import Cell, CellPhase, Mean, Solution

VEHICLE = "vehicle"


class By(StrEnum):
    """What makes a group."""

    CONDITION = "condition"
    COMPOUND = "compound"
    CONCENTRATION = "concentration"


@dataclass(frozen=True)
class Member:
    """A cell in a group, with the two phases that are compared."""

    cell: Cell
    before: CellPhase
    after: CellPhase

    @property
    def counts(self) -> bool:
        """Whether it enters the comparison."""
        return self.cell.is_accepted and self.after.is_comparable

    def pair(self, measure: str) -> tuple[Mean, Mean]:
        """Return a measure before and after."""
        return self.before.mean(measure), self.after.mean(measure)


@dataclass(frozen=True)
class Group:
    """Cells that got the same."""

    name: str
    members: tuple[Member, ...] = field(repr=False)
    is_vehicle: bool = False
    compound: str | None = None
    concentration: float | None = None
    """mol/l; None where several are in the group."""

    @property
    def accepted(self) -> tuple[Member, ...]:
        """Those that enter the comparison."""
        return tuple(m for m in self.members if m.counts)

    @property
    def animals(self) -> tuple[str, ...]:
        """Animals of the accepted cells, each once."""
        return tuple(dict.fromkeys(m.cell.animal for m in self.accepted))


@dataclass(frozen=True)
class Design:
    """The study's groups, vehicle first, then by compound and rising concentration."""

    by: By
    groups: tuple[Group, ...]
    unplaced: tuple[Cell, ...] = ()
    """Cells with nothing to compare."""

    @property
    def vehicle(self) -> Group | None:
        """The vehicle or time-control cells; None without one that is accepted."""
        return next((g for g in self.groups if g.is_vehicle and g.accepted), None)

    @property
    def tested(self) -> tuple[Group, ...]:
        """The other groups that have accepted cells."""
        return tuple(g for g in self.groups if not g.is_vehicle and g.accepted)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell once."""
        placed = {m.cell.identifier: m.cell for g in self.groups for m in g.members}
        return (*placed.values(), *self.unplaced)

    @property
    def is_virtual(self) -> bool:
        """Whether all cells are of rehearsals, so that there are no animals to count."""
        return all(c.is_virtual for c in self.cells)

    @property
    def accepted(self) -> tuple[Cell, ...]:
        """Those that enter the comparison."""
        return tuple({m.cell.identifier: m.cell for g in self.groups for m in g.accepted}.values())


def group_of(solution: Solution, by: By) -> str:
    """Return the name of the group in which a cell belongs that got `solution`.

    >>> group_of(Solution("MEM 1 µM", "MEM", 1e-6), By.COMPOUND)  # doctest: +SKIP
    'MEM'
    """
    if solution.is_vehicle or solution.compound is None:
        return VEHICLE
    name = _name(solution, solution.compound, by)
    return name if name != VEHICLE else f"{name} ({solution.compound})"  # a bottle may be labelled so


def _name(solution: Solution, compound: str, by: By) -> str:
    match by:
        case By.CONDITION:
            return solution.label
        case By.COMPOUND:
            return compound
        case By.CONCENTRATION:
            amount = solution.concentration
            return compound if amount is None else f"{compound} {concentration_text(amount)}"


def design_of(cells: Iterable[Cell], by: By = By.CONDITION) -> Design:
    """Sort cells into groups. A cell that got several test solutions is a member of several groups.

    Where one group holds several solutions of a cell (`By.COMPOUND`, cumulative), the last one counts.
    """
    found: dict[str, dict[str, Member]] = {}
    unplaced = []
    for cell in cells:
        baseline = cell.baseline
        if baseline is None or not cell.tests:
            unplaced.append(cell)
            continue
        for test in cell.tests:
            found.setdefault(group_of(test.solution, by), {})[cell.identifier] = Member(cell, baseline, test)
    groups = [_group(name, tuple(members.values())) for name, members in found.items()]
    return Design(by, tuple(sorted(groups, key=_order)), tuple(unplaced))


def _group(name: str, members: tuple[Member, ...]) -> Group:
    solutions = [m.after.solution for m in members]
    amounts = {s.concentration for s in solutions}
    compounds = {s.compound for s in solutions}
    return Group(
        name,
        members,
        is_vehicle=solutions[0].is_vehicle,
        compound=solutions[0].compound if len(compounds) == 1 else None,
        concentration=solutions[0].concentration if len(amounts) == 1 else None,
    )


def _order(group: Group) -> tuple[bool, str, float, str]:
    return not group.is_vehicle, group.compound or "", group.concentration or 0.0, group.name


def named(members: Sequence[Member]) -> Iterator[str]:
    """Yield the animal of each member: what the statistics cluster by."""
    yield from (m.cell.animal for m in members)
