"""The two models across groups: cells nested in animals, and inhibition against concentration."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from acquisition.acceptance import HEADLINE
from acquisition.statistics.compounds import compare
from acquisition.statistics.concentration import fit, percent_inhibition
from acquisition.statistics.mixed import mixed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from acquisition.statistics.compounds import Comparison
    from acquisition.statistics.concentration import ConcentrationResponse
    from acquisition.statistics.mixed import Mixed
    from acquisition.study.design import Design, Group, Member

MILLIVOLT = 1e3
NUMBER = r"\d+(?:\.\d+)?"
AGE = re.compile(
    rf"(?P<low>{NUMBER})\s*(?:(?:\.\.|-|to)\s*(?P<high>{NUMBER})\s*)?(?P<unit>days?|weeks?|months?|years?)"
)
MONTHS = {"d": 12 / 365.25, "w": 84 / 365.25, "m": 1.0, "y": 12.0}
BASELINE = "baseline"
OF_A_FIT = 2000
"""Resamples of a fit, at most: each is a curve."""
FEWEST = 2
"""Concentrations that can be drawn as a curve."""


@dataclass(frozen=True)
class Response:
    """One compound: inhibition of the headline measure against concentration."""

    compound: str
    concentrations: tuple[float, ...]
    """Of each cell, mol/l."""
    inhibition: tuple[float, ...]
    """Of each cell, %."""
    animals: tuple[str, ...]
    is_corrected: bool
    """For the run-down of vehicle cells."""
    fit: ConcentrationResponse


def mixed_model(design: Design, resamples: int) -> Mixed | None:
    """Return the mixed model of the headline measure in mV, where an animal gave several cells; otherwise None.

    With several groups the changes of the cells are compared with those of the first group (vehicle cells if there
    are any); with one group, after is compared with before.
    """
    groups = [g for g in design.groups if g.accepted]
    members = [(g, m) for g in groups for m in g.accepted if _has_both(m)]
    cells = {(m.cell.animal, m.cell.identifier) for _, m in members}
    if len(cells) == len({animal for animal, _ in cells}):
        return None
    rows = [(_change(m), g.name, m) for g, m in members] if len(groups) > 1 else _levels(members)
    return mixed(
        [MILLIVOLT * value for value, _, _ in rows],
        [name for _, name, _ in rows],
        [m.cell.animal for _, _, m in rows],
        [m.cell.identifier for _, _, m in rows],
        ages=_ages([m for _, _, m in rows]),
        reference=groups[0].name if len(groups) > 1 else BASELINE,
        resamples=resamples,
    )


def _ages(members: Sequence[Member]) -> list[float] | None:
    """Return the age of each, months; None where it is not known of all, or all are of one age."""
    ages = [months(m.cell.age) for m in members]
    return ages if all(map(math.isfinite, ages)) and len(set(ages)) > 1 else None


def months(age: str) -> float:
    """Return an age such as '24 months', '22 .. 26 months' (its middle) or '3 weeks', months; NaN if it is neither."""
    found = AGE.fullmatch(age.strip())
    if found is None:
        return math.nan
    ends = [float(x) for x in (found["low"], found["high"]) if x is not None]
    return sum(ends) / len(ends) * MONTHS[found["unit"][0]]


def _has_both(member: Member) -> bool:
    return all(math.isfinite(mean.value) for mean in member.pair(HEADLINE))


def _change(member: Member) -> float:
    before, after = member.pair(HEADLINE)
    return after.value - before.value


def _levels(members: Sequence[tuple[Group, Member]]) -> list[tuple[float, str, Member]]:
    pairs = [(g.name, m, m.pair(HEADLINE)) for g, m in members]
    return [row for name, m, (b, a) in pairs for row in ((b.value, BASELINE, m), (a.value, name, m))]


def responses_of(design: Design, resamples: int) -> tuple[Response, ...]:
    """Return the concentration-response of each compound with at least two concentrations; `design` is by them."""
    vehicle = design.vehicle.accepted if design.vehicle else ()
    compounds = dict.fromkeys(g.compound for g in design.tested if g.compound and g.concentration is not None)
    found = [(name, [g for g in design.tested if g.compound == name and g.concentration]) for name in compounds]
    return tuple(_response(str(name), groups, vehicle, resamples) for name, groups in found if len(groups) >= FEWEST)


def _response(compound: str, groups: Sequence[Group], vehicle: Iterable[Member], resamples: int) -> Response:
    rows = [(float(g.concentration or 0.0), m) for g in groups for m in g.accepted if _has_both(m)]
    controls = [m.pair(HEADLINE) for m in vehicle if _has_both(m)]
    inhibition = percent_inhibition(
        [m.pair(HEADLINE)[0].value for _, m in rows],
        [m.pair(HEADLINE)[1].value for _, m in rows],
        vehicle_before=[b.value for b, _ in controls],
        vehicle_after=[a.value for _, a in controls],
    )
    concentrations, animals = [c for c, _ in rows], [m.cell.animal for _, m in rows]
    made = fit(concentrations, inhibition, clusters=animals, resamples=min(resamples, OF_A_FIT))
    return Response(
        compound, tuple(concentrations), tuple(map(float, inhibition)), tuple(animals), bool(controls), made
    )


def compared(responses: Sequence[Response]) -> tuple[tuple[str, str, Comparison], ...]:
    """Return every two compounds with the comparison of their curves."""
    return tuple(
        (a.compound, b.compound, compare(a.concentrations, a.inhibition, b.concentrations, b.inhibition,
                                         first_clusters=a.animals, second_clusters=b.animals))
        for a, b in combinations(responses, 2)
    )  # fmt: skip
