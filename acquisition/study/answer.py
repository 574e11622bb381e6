"""The answer in plain words: what the solution did to the slow AHP, how surely, in how many cells."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from acquisition.acceptance import HEADLINE
from acquisition.study.measures import concentration_interval, concentration_text, shown
from acquisition.study.words import among, count, interval, listed, p_text, signed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acquisition.study.design import Design, Group
    from acquisition.study.findings import Findings, Result
    from acquisition.study.models import Response

LARGEST_PERCENT = 1000
"""Beyond it a baseline was 0, and the number says nothing."""
RUN_DOWN = (
    "There are no vehicle cells: run-down of the whole-cell recording is not excluded and may be part or all of it."
)


def answer(findings: Findings, *, blind: bool) -> tuple[str, ...]:
    """Return the answer, one sentence or two per group."""
    design = findings.design
    out: list[str] = []
    for group in design.tested:
        result = findings.result(group.name, HEADLINE)
        if result is not None:
            name = f"Condition {group.name}" if blind else group.name
            out.append(_sentence(result, name, design.vehicle, is_virtual=design.is_virtual))
    if not design.tested and design.vehicle is not None and (r := findings.result(design.vehicle.name, HEADLINE)):
        out.append(f"There are vehicle cells only. {_sentence(r, 'vehicle', None, is_virtual=design.is_virtual)}")
    if not out:
        out.append("No accepted cell has a baseline and a test solution to compare; the quality table says why.")
    if design.tested and design.vehicle is None and not blind:
        out.append(RUN_DOWN)
    if blind:
        out.append("Conditions are coded, and which of them is the vehicle is not told; changes are to each cell's own "
                   "baseline and contain run-down.")  # fmt: skip
    out += [_response(r) for r in findings.responses]
    return tuple(out)


def _sentence(r: Result, name: str, vehicle: Group | None, *, is_virtual: bool) -> str:
    info, c = shown(r.measure), r.contrast
    n = among(r.paired.n_cells, r.paired.n_animals, is_virtual=is_virtual)
    against = r.against is not None and vehicle is not None
    if against and vehicle is not None:
        others = among(len(vehicle.accepted), len(vehicle.animals), is_virtual=is_virtual)
        n += f"; vehicle {others.partition('=')[2].strip()}"
    effect = f"{signed(info.factor * c.estimate, info.digits, plus=True)} {info.unit}"
    if math.isnan(c.interval[0]):
        return f"{name}: the {info.words} changed by {effect}; how surely is not determined ({n})."
    sure = f"95 % CI {interval(c.interval, info.digits, info.factor)}"
    percent = f"{signed(c.percent, 0, plus=True)} % of the baseline" if abs(c.percent) < LARGEST_PERCENT else ""
    beyond = " beyond its change in vehicle cells" if against else ""
    if c.interval[0] <= 0 <= c.interval[1]:
        return (
            f"No change of the {info.words} by {name} was shown{beyond}: {effect} ({sure}"
            f"{f'; {percent}' if percent else ''}; {p_text(c.p)}, {c.test}; {n})."
        )
    smaller = c.estimate * r.paired.mean_before < 0
    size = f"{abs(info.factor * c.estimate):.{info.digits}f} {info.unit}"
    return (
        f"{name} {'reduced' if smaller else 'increased'} the {info.words} by {size}{beyond} (change {effect}, "
        f"{sure}{f'; {percent}' if percent else ''}; {p_text(c.p)}, {c.test}; {n})."
    )


def _response(response: Response) -> str:
    fit = response.fit
    if not fit.determined:
        words = {"lower": "above", "upper": "below"}.get(fit.bound, "")
        bound = f"; it is {words} {concentration_text(fit.bound_value)}" if words else ""
        return f"The IC50 of {response.compound} is not determined ({fit.reason}){bound}."
    return (
        f"IC50 of {response.compound}: {concentration_text(fit.ic50)} "
        f"(95 % CI {concentration_interval(fit.ic50_interval, fit.ic50)}), "
        f"greatest inhibition {fit.top:.0f} % (95 % CI {interval(fit.top_interval, 0)} %)."
    )


def title(findings: Findings, *, blind: bool) -> str:
    """Return the report's title."""
    groups = findings.design.tested
    if blind:
        return f"Slow AHP under coded conditions {listed([g.name for g in groups])}" if groups else "Slow AHP, coded"
    compounds = list(dict.fromkeys(g.compound or g.name for g in groups))
    if not compounds:
        return "Slow AHP in vehicle cells" if findings.design.vehicle else "Slow AHP"
    return f"Slow AHP under {listed(compounds)}" + (" against vehicle" if findings.design.vehicle else "")


def caveats(findings: Findings) -> Iterator[str]:
    """Yield what a reader must know before believing the answer."""
    design = findings.design
    if left := len(design.cells) - len(design.accepted):
        beside = ", and the table with every cell" if findings.with_all else ""
        yield f"{count(left, 'cell')} left out; see the quality table{beside}."
    if simulated := sum(c.is_simulated for c in design.cells):
        yield f"{simulated} of these {len(design.cells)} cells are simulated: no living cell was recorded."
    if any(c.is_cumulative for c in design.accepted):
        yield "Some cells had several test solutions one after the other: later ones carry what earlier ones left."
    yield from _same_names(design)
    notes = (n for r in findings.results.values() if r.measure == HEADLINE for n in _notes(r))
    yield from dict.fromkeys(notes)


def _same_names(design: Design) -> Iterator[str]:
    """Yield what to think of sessions of one cell, and of animals without a name: n would be wrong."""
    names = Counter((c.animal, c.cell) for c in design.accepted)
    if "unknown" in {animal for animal, _ in names}:
        yield "Some sessions do not name their animal; they count as one animal called 'unknown'."
    for (animal, cell), n in names.items():
        if n > 1:
            yield f"{n} sessions are of cell {cell} of animal {animal}, and each counts as a cell of its own."


def _notes(r: Result) -> Iterator[str]:
    found = r.against.change.notes if r.against is not None else r.paired.notes
    yield from (f"{r.group}: {note}." for note in found)
