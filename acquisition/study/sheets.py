"""The report's tables, as text: results, confounds, quality, data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from acquisition.study.cell import CONFOUNDS, PRIMARY, SECONDARY
from acquisition.study.design import group_of
from acquisition.study.measures import shown
from acquisition.study.words import NOT_DETERMINED, count, interval, p_text, signed, with_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from acquisition.study.cell import Cell, CellPhase, LeftOut, Mean
    from acquisition.study.design import Design, Member
    from acquisition.study.findings import Findings, Result
    from acquisition.study.gathering import Gathered
    from acquisition.study.measures import Shown

DASH = "–"
VEHICLE_ROWS = " (in the rows of the vehicle: paired difference to the baseline)"
TESTS = {
    "Welch t": "W",
    "Welch t over animals": "WA",
    "paired t": "t",
    "paired t over animals": "tA",
    "Tobit": "T",
    "Tobit against vehicle": "TV",
}
"""Short for the column of p."""
FOLDED = 30
"""A table of data with more rows is folded away."""


@dataclass(frozen=True)
class Sheet:
    """A table of the report."""

    heading: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    texts: frozenset[int] = frozenset({0})
    """Columns of words, which are set to the left."""
    is_long: bool = False
    """Worth folding away."""


def once(rows: Iterable[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Return rows in which a first column that repeats the row above is left empty."""
    out: list[tuple[str, ...]] = []
    last = ""
    for row in rows:
        out.append(row if row[0] != last else ("", *row[1:]))
        last = row[0]
    return tuple(out)


def result_sheet(findings: Findings) -> Sheet:
    """Return the primary and secondary measures of every group."""
    rows = [
        _result_row(r, is_virtual=findings.design.is_virtual)
        for m in (*PRIMARY, *SECONDARY)
        if m in findings.measures
        for r in findings.results.values()
        if r.measure == m
    ]
    head = ("measure", "group", _n_head(findings), "before", "after", "effect", "95 % CI", "95 % BCa CI", "effect, %",
            "p", "p perm.", "p Holm")  # fmt: skip
    against = findings.design.vehicle is not None
    what = "difference in differences to the vehicle cells" if against else "paired difference to the baseline"
    note = (
        "Before and after: mean ± SD between cells. "
        f"Effect: {what}{VEHICLE_ROWS if against else ''}, unless the test says otherwise; durations with censored "
        "values: medians, and the Tobit estimate of the change. Effect in %: mean over cells of the change in % of "
        "each cell's baseline, and 95 % CI. The first two measures are primary; the others are corrected together "
        "(p Holm). p: t paired t, W Welch t of the changes (tA, WA: of animal means, where animals gave several), "
        "T paired Tobit, TV Tobit against vehicle; p perm.: permutation."
    )
    return Sheet("Results", head, once(rows), note, frozenset({0, 1}))


def _result_row(r: Result, *, is_virtual: bool) -> tuple[str, ...]:
    info, c = shown(r.measure), r.contrast
    before, after = _sides(r, info)
    percent = signed(c.percent, 0, plus=True)
    if percent != NOT_DETERMINED:
        percent += f" ({interval(c.percent_interval, 0)})"
    return (
        with_unit(f"{info.words},", info.unit).rstrip(","),
        r.group,
        _n(r, is_virtual=is_virtual),
        before,
        after,
        signed(info.factor * c.estimate, info.digits, plus=True),
        interval(c.interval, info.digits, info.factor),
        interval(c.bca, info.digits, info.factor),
        percent,
        f"{p_only(c.p)} {TESTS[c.test]}",
        p_only(c.permutation),
        p_only(r.corrected.adjusted) if r.corrected is not None else DASH,
    )


def _n(r: Result, *, is_virtual: bool) -> str:
    cells = r.lasting.change.n_cells if r.lasting else r.paired.n_cells
    return f"{cells}" if r.lasting or is_virtual else f"{cells} / {r.paired.n_animals}"


def _n_head(findings: Findings) -> str:
    return "n virtual cells" if findings.design.is_virtual else "n cells / animals"


def p_only(p: float) -> str:
    """Return '0.012' or '< 0.0001', for a column of them."""
    return DASH if math.isnan(p) else p_text(p).removeprefix("p ").removeprefix("= ")


def _sides(r: Result, info: Shown) -> tuple[str, str]:
    """Return mean ± SD before and after, or medians where durations are censored."""
    if r.lasting is not None:
        sides = (r.lasting.before, r.lasting.after)
        medians = [f"median {signed(k.median, info.digits)} ({k.n_censored} of {k.n} censored)" for k in sides]
        return medians[0], medians[1]
    p, f = r.paired, info.factor
    return _spread(p.mean_before * f, p.sd_before * f, info), _spread(p.mean_after * f, p.sd_after * f, info)


def _spread(mean: float, sd: float, info: Shown) -> str:
    return signed(mean, info.digits) + ("" if math.isnan(sd) else f" ± {sd:.{info.digits}f}")


def confound_sheet(findings: Findings) -> Sheet:
    """Return what else changed."""
    rows = [_confound_row(r, shown(m)) for m in CONFOUNDS for r in findings.results.values() if r.measure == m]
    head = ("measure", "group", "n cells", "before", "after", "change", "95 % CI", "change, %")
    note = (
        "The AHP scales with conductance, driving force and input resistance: 10 % of input resistance are about 10 % "
        "of AHP, and an action potential more or less about 13 % of a four-spike AHP. Paired changes in each group."
    )
    return Sheet("What could pass for an effect", head, once(rows), note, frozenset({0, 1}))


def _confound_row(r: Result, info: Shown) -> tuple[str, ...]:
    p, f = r.paired, info.factor
    percent = signed(p.percent.of_means, 1, plus=True) if info.is_magnitude else DASH
    return (
        with_unit(f"{info.words},", info.unit).rstrip(","),
        r.group,
        str(p.n_cells),
        _spread(p.mean_before * f, p.sd_before * f, info),
        _spread(p.mean_after * f, p.sd_after * f, info),
        signed(p.difference * f, info.digits + 1, plus=True),
        interval(p.interval, info.digits + 1, f),
        percent,
    )


def cell_sheet(design: Design, gathered: Gathered) -> Sheet:
    """Return every cell: whether it counts, and why not; and the files that could not be read."""
    counting = {c.identifier for c in design.accepted}
    rows = [_cell_row(c, design, counts=c.identifier in counting) for c in design.cells]
    rows += [(u.path and _name(u.path), DASH, DASH, DASH, "not read", u.reason, "") for u in gathered.unreadable]
    head = ("session", "animal", "cell", "group", "counts", "why not", "besides")
    note = f"{count(len(counting), 'cell')} of {len(design.cells)} count. " + " ".join(
        f"{d}." for d in gathered.doubled
    )
    return Sheet("Quality: cells", head, tuple(rows), note.strip(), frozenset({0, 1, 2, 3, 4, 5, 6}))


def _name(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def _cell_row(cell: Cell, design: Design, *, counts: bool) -> tuple[str, ...]:
    groups = dict.fromkeys(group_of(t.solution, design.by) for t in cell.tests)
    return (
        cell.session,
        cell.animal,
        cell.cell,
        ", ".join(groups) or DASH,
        "yes" if counts else "no",
        "; ".join(cell.reasons) or DASH,
        "; ".join(cell.warnings) or DASH,
    )


def sweep_sheet(design: Design) -> Sheet:
    """Return every sweep that was left out, neighbours with the same reason in one row."""
    rows = [row for cell in design.cells for row in _sweep_rows(cell)]
    n = sum(len(c.left_out) for c in design.cells)
    of = sum(len(c.course) for c in design.cells)
    head = ("cell", "animal", "phase", "sweeps", "number", "minutes", "reason")
    note = f"{n} of {count(of, 'sweep')} left out." if of else "There are no sweeps to compare."
    return Sheet("Quality: sweeps left out", head, tuple(rows), note, frozenset({0, 1, 2, 3, 6}), is_long=True)


def _sweep_rows(cell: Cell) -> Iterator[tuple[str, ...]]:
    def same(item: tuple[int, LeftOut]) -> tuple[int, str, str]:
        place, s = item
        return s.sweep - place, s.phase, s.reason

    for (_, phase, reason), found in groupby(enumerate(cell.left_out), key=same):
        sweeps = [s for _, s in found]
        first, last = sweeps[0], sweeps[-1]
        numbers = f"{first.sweep}" if first is last else f"{first.sweep} to {last.sweep}"
        ends = dict.fromkeys(signed(s.minutes, 1) for s in (first, last))
        yield cell.cell, cell.animal, phase, numbers, str(len(sweeps)), " to ".join(ends), reason


def data_sheet(findings: Findings) -> Sheet:
    """Return the values of every cell that counts."""
    measures = [m for m in (*PRIMARY, *SECONDARY) if m in findings.measures]
    infos = [shown(m) for m in measures]
    heads = [with_unit(f"{i.name},", i.unit).rstrip(",") + " before → after" for i in infos]
    head = ("group", "animal", "cell", "sweeps", *heads, "A_1000, %")
    rows = [_data_row(g.name, m, measures) for g in findings.design.groups for m in g.accepted]
    return Sheet(
        "Data",
        head,
        once(rows),
        "Means of the accepted sweeps of each cell.",
        frozenset({0, 1, 2}),
        is_long=len(rows) > 30,
    )


def _data_row(group: str, member: Member, measures: Sequence[str]) -> tuple[str, ...]:
    pairs = [(_shown(member.before, m), _shown(member.after, m)) for m in measures]
    cells = [DASH if before == after == DASH else f"{before} → {after}" for before, after in pairs]
    first, last = (x.value for x in member.pair(PRIMARY[0]))
    percent = signed(100 * (last / first - 1), 0, plus=True) if first else DASH
    sweeps = f"{member.before.accepted}, {member.after.accepted}"
    return group, member.cell.animal, member.cell.cell, sweeps, *cells, percent


def _shown(phase: CellPhase, measure: str) -> str:
    mean: Mean = phase.mean(measure)
    info = shown(measure)
    if mean.is_censored:
        return f"> {mean.bound * info.factor:.{info.digits}f}"
    return signed(mean.value * info.factor, info.digits) if math.isfinite(mean.value) else DASH


def sensitivity_sheet(findings: Findings) -> Sheet | None:
    """Return the primary measures with the cells that were left out as well; None if none was."""
    virtual = findings.design.is_virtual
    ordered = _ordered(findings.with_all.values())
    rows = [(shown(r.measure).words, r.group, _n(r, is_virtual=virtual), *_estimate(r)) for r in ordered]
    if not rows:
        return None
    head = ("measure", "group", _n_head(findings), "effect", "95 % CI", "p")
    note = "The same with the cells that were left out: does the answer hang on them?"
    return Sheet("With every cell", head, once(rows), note, frozenset({0, 1}))


def _estimate(r: Result) -> tuple[str, str, str]:
    info, c = shown(r.measure), r.contrast
    value = with_unit(signed(info.factor * c.estimate, info.digits, plus=True), info.unit)
    return value, interval(c.interval, info.digits, info.factor), p_only(c.p)


def _ordered(results: Iterable[Result]) -> list[Result]:
    return sorted(results, key=lambda r: PRIMARY.index(r.measure))


def between_sheet(findings: Findings) -> Sheet | None:
    """Return the comparisons of groups of which none is known to be the vehicle; None if there are none."""
    rows = []
    for b in findings.between:
        info, d = shown(b.measure), b.difference.change
        rows.append((
            f"{info.words}, {info.unit}", f"{b.first} minus {b.second}", f"{d.n_first}, {d.n_second}",
            signed(info.factor * d.difference, info.digits, plus=True), interval(d.interval, info.digits, info.factor),
            interval(d.bca, info.digits, info.factor), p_only(d.p), p_only(d.permutation.p),
        ))  # fmt: skip
    if not rows:
        return None
    head = ("measure", "change in", "n cells", "difference", "95 % CI", "95 % BCa CI", "p", "p perm.")
    note = "Differences of the changes from before to after; not corrected for the number of pairs."
    return Sheet("Groups against each other", head, once(rows), note, frozenset({0, 1}))
