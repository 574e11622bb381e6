"""What a study of this protocol could show: the change of every virtual cell, its spread, and the power."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from acquisition.rehearsal.power import FEW, Comparison, Curve, curves
from acquisition.statistics.percent import per_cell
from acquisition.statistics.student import spread
from acquisition.study.cell import PRIMARY
from acquisition.study.measures import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from acquisition.study.design import Design, Group

    Numbers = NDArray[np.float64]

IN_PERCENT = ("A_1000",)
"""Measures that are planned for in % of each cell's baseline as well."""
NOBODY = np.empty(0)


@dataclass(frozen=True)
class Planned:
    """One measure of one group, as a study would test it."""

    group: str
    measure: str
    in_percent: bool
    """In % of each cell's baseline; SI otherwise."""
    drug: Numbers = field(repr=False)
    """Change of each cell, (cells,)."""
    vehicle: Numbers = field(repr=False)
    """The same of the vehicle cells; empty without them."""
    curves: tuple[Curve, ...] = field(repr=False)

    @property
    def words(self) -> str:
        """'sAHP at 1 s, mV'."""
        info = shown(self.measure)
        return f"{info.words}, {'% of baseline' if self.in_percent else info.unit}"

    @property
    def effect(self) -> float:
        """Mean change with the drug, less that with the vehicle where there is one."""
        return float(self.drug.mean()) - (float(self.vehicle.mean()) if len(self.vehicle) else 0.0)

    @property
    def sds(self) -> tuple[float, float]:
        """SD between cells of the changes, with drug and with vehicle."""
        return spread(self.drug), spread(self.vehicle)

    def curve(self, test: Comparison) -> Curve | None:
        """Return the curve of a test, if the cells allow it."""
        return next((c for c in self.curves if c.test is test), None)

    @property
    def main(self) -> Curve | None:
        """The curve of the comparison that excludes run-down, or else the one within cells."""
        return self.curve(Comparison.AGAINST) or self.curve(Comparison.PAIRED)


def few_words(planned: Iterable[Planned]) -> str | None:
    """Return the warning that the usable cells are few; None if they are not."""
    sizes = [len(x) for p in planned if p.curves for x in (p.drug, p.vehicle) if len(x)]
    if not sizes or min(sizes) >= FEW:
        return None
    return (
        f"Fewer than {FEW} usable virtual cells in a group (here {min(sizes)}): studies drawn from so few repeat "
        "themselves, and power and numbers of cells are only a rough guide."
    )


def plans(design: Design) -> tuple[Planned, ...]:
    """Return what can be planned for each group that got a compound: the primary measures, and one in % as well."""
    asked = [(m, p) for m in PRIMARY for p in (False, True) if not p or m in IN_PERCENT]
    return tuple(plan for group in design.tested for m, p in asked for plan in _planned(group, design.vehicle, m, p))


def _planned(group: Group, vehicle: Group | None, measure: str, in_percent: bool) -> Iterator[Planned]:
    drug = _changes(group, measure, in_percent=in_percent)
    others = _changes(vehicle, measure, in_percent=in_percent) if vehicle else NOBODY
    if len(drug):
        yield Planned(group.name, measure, in_percent, drug, others, curves(drug, others))


def _changes(group: Group, measure: str, *, in_percent: bool) -> Numbers:
    """Return the change of every accepted cell that has the measure before and after, (cells,)."""
    pairs = np.array([[m.value for m in member.pair(measure)] for member in group.accepted]).reshape(-1, 2)
    before, after = pairs[np.isfinite(pairs).all(axis=1)].T
    found = per_cell(before, after) if in_percent else after - before
    return found[np.isfinite(found)]
