"""The tables of a rehearsal, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquisition.rehearsal import counts
from acquisition.rehearsal.counts import Share, Span, share
from acquisition.rehearsal.power import FEWEST, MOST, Comparison
from acquisition.rehearsal.virtual_cell import Arm, Ending
from acquisition.statistics.percent import per_cell
from acquisition.study.measures import shown
from acquisition.study.sheets import DASH, FOLDED, Sheet, once
from acquisition.study.words import NOT_DETERMINED, signed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from acquisition.rehearsal.planned import Planned
    from acquisition.rehearsal.power import Curve
    from acquisition.rehearsal.rehearsing import Rehearsal
    from acquisition.rehearsal.virtual_cell import VirtualCell

SHOWN_CELLS = (3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 40)
"""Numbers of cells in the table of power."""


def ending_sheet(rehearsal: Rehearsal) -> Sheet:
    """Return how the runs ended, for each arm and for all."""
    arms = [(str(arm), rehearsal.of(arm)) for arm in Arm if rehearsal.of(arm)]
    groups = [*arms, *([("all", rehearsal.cells)] if len(arms) > 1 else [])]
    rows = [(str(e), *(percent_of(share(cells, lambda c, e=e: c.ending is e)) for _, cells in groups)) for e in Ending]  # type: ignore[misc]
    head = ("ending", *(f"{name}, n = {len(cells)}" for name, cells in groups))
    note = (
        "Cells, and in % with the 95 % interval (Wilson). 'Usable': the protocol finished, and the cell passes its "
        "'accept: {cell: ...}' with resistances steady enough to be compared."
    )
    return Sheet("How it ended", head, tuple(rows), note)


def percent_of(found: Share) -> str:
    """Return '12: 85 % (79 to 89)'."""
    if not found.of:
        return DASH
    low, high = (100 * x for x in found.interval)
    return f"{found.count}: {100 * found.fraction:.0f} % ({low:.0f} to {high:.0f})"


def time_sheet(cells: Sequence[VirtualCell]) -> Sheet:
    """Return how long steps and whole runs take."""
    spans = [*counts.phases(cells), *([w] if (w := counts.whole(cells)) else [])]
    note = "Of the experiment, over the cells that came through the step. Steps as the protocol numbers them."
    return Sheet("How long it takes", ("step", "cells", "median", "5 %", "95 %"), tuple(map(_time_row, spans)), note)


def _time_row(span: Span) -> tuple[str, ...]:
    return span.name, str(span.n), clock(span.median), clock(span.low), clock(span.high)


def clock(seconds: float) -> str:
    """Return '4.5 s' or '11.5 min'."""
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"


def gate_sheet(cells: Sequence[VirtualCell]) -> Sheet:
    """Return what gates did."""
    n = len(cells)
    rows = tuple(
        (g.cause, g.action, g.step, f"{g.cells} ({100 * g.cells / n:.0f} %)", f"{g.times / g.cells:.1f}", str(g.ended))
        for g in counts.gates(cells)
    )
    head = ("gate", "action", "step, most often", "cells", "times per such cell", "runs it ended")
    note = "" if rows else "No gate acted."
    return Sheet("What gates did", head, rows, note, frozenset({0, 1, 2}))


def loss_sheet(cells: Sequence[VirtualCell]) -> Sheet:
    """Return why finished cells, failed runs and sweeps were left out."""
    kinds = (
        ("cell does not count", counts.left_out(cells)),
        ("run failed", counts.failures(cells)),
        ("sweep left out of means", counts.rejected_sweeps(cells)),
    )
    rows = [(what, r.text, str(r.cells), str(r.times)) for what, reasons in kinds for r in reasons]
    note = _sweeps_note(cells)
    return Sheet("What was left out, and why", ("what", "why", "cells", "times"), once(rows), note, frozenset({0, 1}))


def _sweeps_note(cells: Sequence[VirtualCell]) -> str:
    through = [c.cell for c in cells if c.cell is not None and c.ending in (Ending.USABLE, Ending.LEFT_OUT)]
    if not through:
        return ""
    lost, n = sum(len(c.left_out) for c in through), len(through)
    without = sum(not c.left_out for c in through)
    return (
        f"Sweeps of the {n} cells whose run came to its end: {lost / n:.1f} left out per cell on average, "
        f"none in {without} of {n} cells."
    )


def spread_sheet(planned: Sequence[Planned]) -> Sheet:
    """Return the effect a study is to expect, and its spread between cells."""
    rows = tuple(_spread_row(p) for p in planned)
    head = ("measure", "group", "cells", "vehicle cells", "effect", "SD between cells", "SD, vehicle", "effect / SD",
            "cells for 80 %, against vehicle", "cells for 80 %, within cells")  # fmt: skip
    note = (
        "Effect: mean change with the drug, less the mean change with the vehicle where there are vehicle cells. SD: "
        "of the change, between cells. Cells for 80 %: fewest (in each group) with which 80 % of the drawn studies "
        "find the effect, two-sided at 5 %, and what the number of virtual cells leaves open (95 %)."
    )
    return Sheet("What to expect, and how many cells it takes", head, rows, note, frozenset({0, 1}))


def _spread_row(p: Planned) -> tuple[str, ...]:
    info = shown(p.measure)
    factor, digits = (1.0, 1) if p.in_percent else (info.factor, info.digits)
    sds = [signed(factor * sd, digits) for sd in p.sds]
    ratio = abs(p.effect) / p.sds[0] if p.sds[0] > 0 else float("nan")
    return (
        p.words, p.group, str(len(p.drug)), str(len(p.vehicle)) if len(p.vehicle) else DASH,
        signed(factor * p.effect, digits, plus=True), sds[0], sds[1] if len(p.vehicle) else DASH, signed(ratio, 1),
        needed_text(p.curve(Comparison.AGAINST)), needed_text(p.curve(Comparison.PAIRED)),
    )  # fmt: skip


def needed_text(curve: Curve | None) -> str:
    """Return '9 (7 to 13)'; '> 40' where the curve ends before; words where the virtual cells are too few."""
    if curve is None:
        return DASH
    if curve.is_too_few:
        return "too few cells to say"
    needed, low, high = (_cells_text(n) for n in (curve.needed, *curve.needed_interval))
    return f"{needed} ({low} to {high})" if curve.needed is not None else needed


def _cells_text(n: int | None) -> str:
    return f"> {MOST}" if n is None else f"≤ {n}" if n == FEWEST else str(n)


def power_sheet(planned: Sequence[Planned]) -> Sheet:
    """Return power against cells, by both ways."""
    several = len({p.group for p in planned}) > 1
    rows = [row for p in planned for row in _power_rows(p, f"{p.group}: {p.words}" if several else p.words)]
    head = ("measure", "test", *(f"n = {n}" for n in SHOWN_CELLS))
    note = (
        "Power in %, by drawing 4,000 studies of n virtual cells with replacement / by the noncentral t, as if changes "
        "were normal. 'Vehicle against vehicle' is the rate of false positives; 'vehicle, within cells' is how often a "
        "study without vehicle cells would find an effect that is run-down."
    )
    return Sheet("Power against the number of cells", head, once(rows), note, frozenset({0, 1}))


def _power_rows(p: Planned, name: str) -> Iterator[tuple[str, ...]]:
    for curve in p.curves:
        pairs = [curve.at(n) for n in SHOWN_CELLS]
        yield name, str(curve.test), *(f"{100 * a:.0f} / {100 * b:.0f}" for a, b in pairs)


def cell_sheet(cells: Sequence[VirtualCell]) -> Sheet:
    """Return every virtual cell."""
    rows = tuple(_cell_row(c) for c in cells)
    head = ("seed", "arm", "ending", "why", "time", "sweeps", "sAHP at 1 s before, mV", "after, mV", "change, %")
    note = "The same seed with 'patchrig run --simulate --seed' is the same cell again, as written."
    return Sheet("The virtual cells", head, rows, note, frozenset({0, 1, 2, 3}), is_long=len(rows) > FOLDED)


def _cell_row(c: VirtualCell) -> tuple[str, ...]:
    before, after = _pair(c)
    (change,) = per_cell(np.array([before]), np.array([after]))
    values = (signed(1e3 * before, 2), signed(1e3 * after, 2), signed(change, 0, plus=True))
    known = tuple(DASH if v == NOT_DETERMINED else v for v in values)
    time = clock(c.duration) if c.duration == c.duration else DASH
    return str(c.seed), str(c.arm), str(c.ending), "; ".join(c.why), time, str(c.sweeps), *known


def _pair(c: VirtualCell) -> tuple[float, float]:
    nothing = float("nan")
    if c.cell is None or c.cell.baseline is None:
        return nothing, nothing
    after = c.cell.tests[0].mean("A_1000").value if c.cell.tests else nothing
    return c.cell.baseline.mean("A_1000").value, after
