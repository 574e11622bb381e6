"""The report's further tables: cells nested in animals, concentration-response, wash-out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from acquisition.acceptance import HEADLINE
from acquisition.statistics.student import one_sample
from acquisition.study.measures import concentration_interval, concentration_text
from acquisition.study.models import compared
from acquisition.study.sheets import DASH, Sheet, p_only
from acquisition.study.words import NOT_DETERMINED, interval, signed

if TYPE_CHECKING:
    from acquisition.study.design import Group
    from acquisition.study.findings import Findings
    from acquisition.study.models import Response


def mixed_sheet(findings: Findings) -> Sheet | None:
    """Return the mixed model of the headline measure; None where every cell is an animal of its own."""
    model = findings.mixed
    if model is None:
        return None
    rows = [
        (e.name, signed(e.estimate, 2, plus=True), interval(e.interval, 2), DASH if math.isnan(e.t) else f"{e.t:.2f}",
         DASH if math.isnan(e.df) else f"{e.df:.3g}", p_only(e.p))
        for e in model.effects
    ]  # fmt: skip
    several = sum(1 for g in findings.design.groups if g.accepted) > 1
    what = "changes of the cells from before to after" if several else "values of the cells"
    kind = "bootstrap over animals" if model.is_bootstrap else "mixed model"
    notes = " ".join(f"{n[0].upper()}{n[1:]}." for n in model.notes)
    note = (
        f"sAHP at 1 s, mV: {what}, against {model.reference}, by {kind}: {model.model} "
        f"({model.n_cells} cells, {model.n_animals} animals). {notes}"
    )
    head = ("effect", "estimate, mV", "95 % CI", "t", "df", "p")
    return Sheet("Cells nested in animals", head, tuple(rows), note.strip())


def response_sheet(findings: Findings) -> Sheet | None:
    """Return the fits of all compounds; None where no compound was given at two concentrations."""
    if not findings.responses:
        return None
    rows = [_response_row(r) for r in findings.responses]
    notes = [f"{r.compound}: {n}." for r in findings.responses for n in r.fit.notes]
    notes += [f"{a} and {b}: {c.text}" for a, b, c in compared(findings.responses)]
    head = ("compound", "concentrations", "n cells / animals", "IC50", "95 % CI", "95 % CI (bootstrap)", "Imax, %",
            "95 % CI of Imax", "Hill slope")  # fmt: skip
    return Sheet("Concentration-response", head, tuple(rows), " ".join(notes))


def _response_row(r: Response) -> tuple[str, ...]:
    fit = r.fit
    hill = f"{fit.hill:.2f}" + (" (fixed)" if fit.is_hill_fixed else f" ({interval(fit.hill_interval, 2)})")
    known, drawn = fit.determined, fit.bootstrap_interval
    return (
        r.compound,
        ", ".join(concentration_text(c) for c in fit.concentrations),
        f"{fit.n_cells} / {fit.n_animals}",
        concentration_text(fit.ic50) if known else f"{NOT_DETERMINED}: {fit.reason}",
        concentration_interval(fit.ic50_interval, fit.ic50) if known else _bound(r),
        concentration_interval((10 ** drawn[0], 10 ** drawn[1]), fit.ic50) if known else DASH,
        signed(fit.top, 0),
        interval(fit.top_interval, 0),
        hill if known else DASH,
    )


def _bound(r: Response) -> str:
    words = {"lower": "above", "upper": "below"}.get(r.fit.bound)
    return f"{words} {concentration_text(r.fit.bound_value)}" if words else DASH


def wash_sheet(findings: Findings) -> Sheet | None:
    """Return how much of the slow AHP came back in wash-out; None where no cell was washed."""
    rows = [row for g in findings.design.groups if (row := _wash_row(g)) is not None]
    head = ("group", "n cells", "after the change, % of baseline", "95 % CI", "wash-out, % of baseline", "95 % CI ")
    note = "sAHP at 1 s of the cells that were washed: means of the last accepted sweeps of each phase."
    return Sheet("Wash-out", head, tuple(rows), note) if rows else None


def _wash_row(group: Group) -> tuple[str, ...] | None:
    sides: list[tuple[float, float]] = []
    for m in group.accepted:
        before, after = (x.value for x in m.pair(HEADLINE))
        washed = m.cell.wash.mean(HEADLINE).value if m.cell.wash is not None else math.nan
        if before and math.isfinite(after) and math.isfinite(washed):
            sides.append((100 * after / before, 100 * washed / before))
    if not sides:
        return None
    tests = [one_sample(np.array(values)) for values in zip(*sides, strict=True)]
    numbers = [text for t in tests for text in (signed(t.estimate, 0), interval(t.interval, 0))]
    return group.name, str(len(sides)), *numbers
