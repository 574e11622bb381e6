"""What a study shows: every measure, every group, against itself before and against vehicle cells.

All statistics come from `acquisition.statistics`; here stands only what is compared with what.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

from acquisition.statistics.bootstrap import FEWEST_UNITS
from acquisition.statistics.groups import difference_in_differences
from acquisition.statistics.multiplicity import holm
from acquisition.statistics.paired import paired
from acquisition.statistics.survival import apart, kaplan_meier, paired_tobit
from acquisition.study.cell import CONFOUNDS, DURATIONS, PRIMARY, SECONDARY
from acquisition.study.design import By, Design, design_of, named
from acquisition.study.models import mixed_model, responses_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from acquisition.statistics.groups import DifferenceInDifferences
    from acquisition.statistics.mixed import Mixed
    from acquisition.statistics.multiplicity import Corrected
    from acquisition.statistics.paired import Paired
    from acquisition.statistics.student import TTest
    from acquisition.statistics.survival import KaplanMeier, PairedTobit
    from acquisition.study.cell import Cell, Mean
    from acquisition.study.design import Group, Member
    from acquisition.study.models import Response

RESAMPLES = 10_000
SEED = 0
"""One seed for every study: the same sessions give the same report."""

Pair = tuple["Mean", "Mean"]


@dataclass(frozen=True)
class Contrast:
    """The number that answers the question for one measure and one group, SI."""

    estimate: float
    interval: tuple[float, float]
    """95 % t interval; profile likelihood where durations are censored."""
    bca: tuple[float, float]
    """95 % BCa bootstrap interval; NaN where durations are censored."""
    p: float
    test: str
    """'Welch t', 'paired t' (each also 'over animals'), 'Tobit', 'Tobit against vehicle'."""
    permutation: float
    """p of the permutation test."""
    percent: float
    """The estimate in % of the baseline's magnitude: mean over cells."""
    percent_interval: tuple[float, float]


@dataclass(frozen=True)
class Lasting:
    """A duration of which some ends were not seen."""

    before: KaplanMeier
    after: KaplanMeier
    change: PairedTobit


@dataclass(frozen=True)
class Result:
    """One measure in one group."""

    measure: str
    group: str
    paired: Paired
    against: DifferenceInDifferences | None = None
    """The same against the vehicle cells."""
    lasting: Lasting | None = None
    """Where durations are censored: instead of means."""
    lasting_vehicle: Lasting | None = None
    """The same of the vehicle cells."""
    corrected: Corrected | None = None
    """Holm over the secondary measures."""

    @property
    def contrast(self) -> Contrast:
        """The difference in differences if there are vehicle cells, the paired difference otherwise."""
        if self.lasting is not None:
            return _lasting_contrast(self.lasting, self.lasting_vehicle)
        if self.against is not None:
            d, percent = self.against.change, self.against.percent
            of_cells = Contrast(
                d.difference, d.interval, d.bca, d.p, "Welch t", d.permutation.p, percent.difference, percent.interval
            )
            return _of_animals(of_cells, d.animals, min(d.animals_first, d.animals_second))
        p = self.paired
        change = p.percent
        of_cells = Contrast(
            p.difference, p.interval, p.bca, p.p, "paired t", p.sign_flip.p, change.mean, change.mean_interval
        )
        return _of_animals(of_cells, p.animals, p.n_animals)


def _of_animals(of_cells: Contrast, test: TTest | None, animals: int) -> Contrast:
    """Return the contrast with the test of animal means where cells nest: cells of one animal are not independent.

    Of fewer than three animals in a group nothing can be said so; then the test of cells stands, and a note.
    """
    if test is None or not math.isfinite(test.interval[0]) or animals < FEWEST_UNITS:
        return of_cells
    name = f"{of_cells.test} over animals"
    return replace(of_cells, estimate=test.estimate, interval=test.interval, p=test.p, test=name)


def _lasting_contrast(lasting: Lasting, vehicle: Lasting | None) -> Contrast:
    nothing = (math.nan, math.nan)
    if vehicle is None:
        c = lasting.change
        return Contrast(c.difference, c.interval, nothing, c.p, "Tobit", math.nan, math.nan, nothing)
    d = apart(lasting.change, vehicle.change)
    return Contrast(d.difference, d.interval, nothing, d.p, "Tobit against vehicle", math.nan, math.nan, nothing)


@dataclass(frozen=True)
class Between:
    """Two groups against each other, where none is known to be the vehicle."""

    measure: str
    first: str
    second: str
    difference: DifferenceInDifferences


@dataclass(frozen=True)
class Findings:
    """Everything that the report says in numbers."""

    design: Design
    results: Mapping[tuple[str, str], Result]
    """(group, measure) -> result; accepted cells only."""
    with_all: Mapping[tuple[str, str], Result]
    """The primary measures with the cells that were left out as well; empty if none was."""
    between: tuple[Between, ...] = ()
    mixed: Mixed | None = None
    """Of the headline measure, in mV; None where every cell is an animal."""
    responses: tuple[Response, ...] = ()
    """Concentration-response, one per compound with two concentrations and more."""

    def result(self, group: str, measure: str) -> Result | None:
        """Return one result; None if the group has no such measure."""
        return self.results.get((group, measure))

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures there are results of, in the order of the report."""
        return tuple(dict.fromkeys(m for _, m in self.results))


def compare_cells(cells: Iterable[Cell], by: By = By.CONDITION, *, resamples: int = RESAMPLES) -> Findings:
    """Compare the cells of a study; the same cells give the same numbers.

    >>> compare_cells([read_cell(p) for p in paths]).result("MEM 1 µM", "A_1000").contrast  # doctest: +SKIP
    """
    cells = tuple(cells)
    design = design_of(cells, by)
    measures = tuple(m for m in (*PRIMARY, *SECONDARY, *CONFOUNDS) if any(m in c.names() for c in design.accepted))
    results = results_of(design, measures, resamples=resamples)
    return Findings(
        design,
        _corrected(results, design),
        _with_all(design, resamples),
        tuple(_between(design, resamples)),
        mixed_model(design, resamples),
        responses_of(design_of(cells, By.CONCENTRATION), resamples),
    )


def results_of(design: Design, measures: Sequence[str], *, resamples: int = RESAMPLES) -> dict[tuple[str, str], Result]:
    """Return (group, measure) -> result for the accepted cells of every group, vehicle included."""
    vehicle = design.vehicle
    groups = [*([vehicle] if vehicle else []), *design.tested]
    out = {(g.name, m): _result(g, m, vehicle, resamples) for m in measures for g in groups}
    return {key: result for key, result in out.items() if result is not None}


def _result(group: Group, measure: str, vehicle: Group | None, resamples: int) -> Result | None:
    """Return the result of one measure; None where no cell has it before and after."""
    members, pairs = _having(group.accepted, measure)
    if not pairs:
        return None
    before, after = _columns(pairs)
    result = Result(
        measure, group.name, paired(before, after, clusters=list(named(members)), seed=SEED, resamples=resamples)
    )
    is_alone = vehicle is None or group is vehicle
    controls, others = ([], []) if vehicle is None or is_alone else _having(vehicle.accepted, measure)
    if measure in DURATIONS and any(m.censored for pair in (*pairs, *others) for m in pair):
        return replace(result, lasting=_lasting(pairs), lasting_vehicle=_lasting(others) if others else None)
    if not others:
        return result
    return replace(result, against=_against(members, pairs, controls, others, resamples))


def _having(members: Iterable[Member], measure: str) -> tuple[list[Member], list[Pair]]:
    """Return the members that have a measure before and after, be it as a bound, and the pairs."""
    found = [(m, m.pair(measure)) for m in members]
    there = [(m, pair) for m, pair in found if all(math.isfinite(x.value) or x.is_censored for x in pair)]
    return [m for m, _ in there], [pair for _, pair in there]


def _columns(pairs: Sequence[Pair]) -> tuple[list[float], list[float]]:
    return [b.value for b, _ in pairs], [a.value for _, a in pairs]


def _against(
    members: Sequence[Member], pairs: Sequence[Pair], controls: Sequence[Member], others: Sequence[Pair], resamples: int
) -> DifferenceInDifferences:
    return difference_in_differences(
        *_columns(pairs),
        *_columns(others),
        drug_clusters=list(named(members)),
        vehicle_clusters=list(named(controls)),
        seed=SEED,
        resamples=resamples,
    )


def _lasting(pairs: Sequence[Pair]) -> Lasting:
    """Return medians and change of durations of which some are lower bounds."""
    sides = [[pair[i] for pair in pairs] for i in (0, 1)]
    values = [[m.bound if m.is_censored else m.value for m in side] for side in sides]
    censored = [[m.is_censored for m in side] for side in sides]
    return Lasting(
        kaplan_meier(values[0], censored[0]),
        kaplan_meier(values[1], censored[1]),
        paired_tobit(*values, before_censored=censored[0], after_censored=censored[1]),
    )


def _corrected(results: Mapping[tuple[str, str], Result], design: Design) -> dict[tuple[str, str], Result]:
    """Correct the secondary measures of each tested group together."""
    out = dict(results)
    for group in design.tested:
        family = {m: r.contrast.p for (g, m), r in results.items() if g == group.name and m in SECONDARY}
        for measure, corrected in (holm(family) if family else {}).items():
            out[group.name, measure] = replace(out[group.name, measure], corrected=corrected)
    return out


def _with_all(design: Design, resamples: int) -> dict[tuple[str, str], Result]:
    """Return the primary results with every cell, to see whether the answer hangs on those left out."""
    if all(m.counts for g in design.groups for m in g.members):
        return {}
    return results_of(_everyone(design), PRIMARY, resamples=resamples)


def _everyone(design: Design) -> Design:
    """Return the design as if every cell with two phases had been accepted."""
    groups = tuple(replace(g, members=tuple(map(_counting, g.members))) for g in design.groups)
    return replace(design, groups=groups)


def _counting(member: Member) -> Member:
    cell, after = replace(member.cell, is_accepted=True), replace(member.after, is_comparable=True)
    return replace(member, cell=cell, after=after)


def _between(design: Design, resamples: int) -> Iterator[Between]:
    """Compare every two groups, where none is known to be the vehicle."""
    if design.vehicle is not None:
        return
    for first, second in combinations(design.tested, 2):
        for measure in PRIMARY:
            (a, x), (b, y) = _having(first.accepted, measure), _having(second.accepted, measure)
            if x and y:
                yield Between(measure, first.name, second.name, _against(a, x, b, y, resamples))
