"""The report of a rehearsal: the same page as that of a study, with what a rehearsal alone can say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from acquisition.rehearsal.counts import losses, missed_faults, whole
from acquisition.rehearsal.figure_plan import plan_figure
from acquisition.rehearsal.figure_power import power_figure
from acquisition.rehearsal.planned import few_words
from acquisition.rehearsal.power import DRAWS, LEAST_CELLS, MOST, Comparison
from acquisition.rehearsal.sheets import (
    cell_sheet,
    clock,
    ending_sheet,
    gate_sheet,
    loss_sheet,
    needed_text,
    power_sheet,
    spread_sheet,
    time_sheet,
)
from acquisition.rehearsal.virtual_cell import Arm, Ending
from acquisition.study.answer import answer as study_answer
from acquisition.study.effect_sheet import effect_sheet
from acquisition.study.figure_effect import effect_figure
from acquisition.study.methods import Paragraph, recording_methods
from acquisition.study.report import Picture, Report
from acquisition.study.sheets import confound_sheet, result_sheet
from acquisition.study.words import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from acquisition.rehearsal.planned import Planned
    from acquisition.rehearsal.power import Curve
    from acquisition.rehearsal.rehearsing import Rehearsal
    from acquisition.study.findings import Findings
    from acquisition.study.sheets import Sheet

POWER = (
    "Power of a two-sided test at 5 % against the number of accepted cells. Lines: share of {draws} studies of so many "
    "virtual cells, drawn with replacement, that find an effect; bands: 95 %, what the number of virtual cells leaves "
    "open. Dashed: noncentral t, as if changes were normal. Blue: the drug cells alone, against their own baseline; "
    "red: against as many vehicle cells. Grey, open: vehicle cells alone, whose 'effects' are run-down; full: vehicle "
    "against vehicle, false positives. Horizontal lines: 5 and 80 %."
)
GLANCE = (
    "a, what became of the virtual cells, with the 95 % interval (Wilson) and their number; a lost cell counts once. "
    "b, how long experiments took that came to their end; line: median. c, change of every usable cell, mean and 95 % "
    "t interval; above it the effect, which is against vehicle where there are vehicle cells."
)
EFFECT = (
    "a, every virtual cell before (left) and after (right) the change of solution, with means and 95 % CI. b, change "
    "of every cell; shape: bootstrap distribution of the mean; bar: mean and 95 % t interval. c, change minus that of "
    "the vehicle cells."
)
COSTS = {Ending.GATE: "the gate ", Ending.LEFT_OUT: "left out, ", Ending.FAILED: ""}
"""Before what costs most cells; a run that failed says so itself."""
SOURCE = (
    "from simulated cells: no living cell was recorded. The same protocol, rig file and seeds give the same numbers "
    "with the command 'patchrig rehearse'."
)


def report_of(rehearsal: Rehearsal) -> Report:
    """Return the report."""
    return Report(
        f"Rehearsal of '{rehearsal.title}'",
        _byline(rehearsal),
        tuple(answer(rehearsal)),
        tuple(_caveats(rehearsal)),
        tuple(_pictures(rehearsal)),
        tuple(s for s in _sheets(rehearsal) if s.rows or s.note),
        tuple(_methods(rehearsal)),
        is_blind=False,
        source=SOURCE,
    )


def _byline(rehearsal: Rehearsal) -> str:
    arms = [f"{len(cells)} {arm}" for arm in Arm if (cells := rehearsal.of(arm))]
    seeds = f"seeds {rehearsal.cells[0].seed} to {rehearsal.cells[-1].seed}; " if rehearsal.cells else ""
    return f"{count(len(rehearsal.cells), 'virtual cell')} ({', '.join(arms)}); {seeds}rig '{rehearsal.rig.rig}'"


def answer(rehearsal: Rehearsal) -> Iterator[str]:
    """Yield what a person wants to know first: success, time, effect, number of cells."""
    if not rehearsal.cells:
        yield "No virtual cell was finished."
        return
    yield _success(rehearsal)
    time = whole(rehearsal.cells)
    if time is not None:
        yield f"It takes {clock(time.median)} (median; 5 to 95 %: {clock(time.low)} to {clock(time.high)})."
    if rehearsal.findings is not None:
        yield from study_answer(rehearsal.findings, blind=False)
    for group in rehearsal.groups:
        yield from _needed(rehearsal.planned_of(group), rehearsal)
    if few := few_words(rehearsal.planned):
        yield few
    yield from _missed(rehearsal)


def _success(rehearsal: Rehearsal) -> str:
    found = rehearsal.success
    low, high = (100 * x for x in found.interval)
    said = (
        f"The protocol ends with a usable result in {found.count} of {found.of} virtual cells "
        f"({100 * found.fraction:.0f} %, 95 % CI {low:.0f} to {high:.0f} %)."
    )
    worst = next(iter(losses(rehearsal.cells)), None)
    if worst is None:
        return said
    how = COSTS[worst.ending]
    return f"{said} What costs most cells: {how}{worst.text} ({count(worst.share.count, 'cell')})."


def _needed(planned: Sequence[Planned], rehearsal: Rehearsal) -> Iterator[str]:
    """Yield how many cells a study needs, and how many it must begin with."""
    for p in planned:
        curve = p.main
        if p.measure != "A_1000" or curve is None:
            continue
        yield (
            f"{p.group}: for a power of 80 % on the sAHP at 1 s {'in % of baseline' if p.in_percent else 'in mV'}, "
            f"{_how_many(curve, rehearsal)}"
        )


def _how_many(curve: Curve, rehearsal: Rehearsal) -> str:
    if curve.is_too_few:
        return f"{curve.of} usable virtual cells are too few to say (at least {LEAST_CELLS}): rehearse more (--cells)."
    where = "in each group" if curve.test is Comparison.AGAINST else "that are compared with their own baseline"
    if curve.needed is None:
        return f"{MOST} accepted cells {where} are too few."
    rate = rehearsal.success.fraction
    begin = f"; begin {math.ceil(curve.needed / rate)} to be left with so many" if rate < 1 else ""
    return f"a study needs {needed_text(curve)} accepted cells {where} (95 % interval in brackets){begin}."


def _caveats(rehearsal: Rehearsal) -> Iterator[str]:
    yield (
        "All cells are simulated: this says what the protocol does with cells as the rig file's 'simulation' describes "
        "them, and is only as good as that."
    )
    if rehearsal.is_cut_short:
        yield f"It was ended early: {len(rehearsal.cells)} of {rehearsal.asked.cells} cells."
    if rehearsal.asked.faults is not None:
        yield f"Faults were injected: {rehearsal.asked.faults.name}."


def _missed(rehearsal: Rehearsal) -> Iterator[str]:
    """Yield which injected faults never came, and in how many cells."""
    for name, found in missed_faults(rehearsal.cells):
        cells = count(found.of, "virtual cell")
        yield f"F{name[1:]} never came in {found.count} of {cells}: runs ended before."


def _pictures(rehearsal: Rehearsal) -> Iterator[Picture]:
    first, *others = rehearsal.groups or ("",)
    power = POWER.format(draws=f"{DRAWS:,}")
    if rehearsal.cells:
        planned = rehearsal.planned_of(first)
        more = f" Below: {power[0].lower()}{power[1:]}" if any(p.curves for p in planned) else ""
        yield Picture(plan_figure(rehearsal, planned), "The rehearsal at a glance.", GLANCE + more)
    for group in others:
        if planned := tuple(p for p in rehearsal.planned_of(group) if p.curves):
            yield Picture(power_figure(planned), f"Power: {group}.", power)
    if rehearsal.findings is not None and (figure := effect_figure(rehearsal.findings, "A_1000")):
        yield Picture(figure, "The effect to expect.", EFFECT)


def _sheets(rehearsal: Rehearsal) -> Iterator[Sheet]:
    cells, findings = rehearsal.cells, rehearsal.findings
    if not cells:
        return
    yield ending_sheet(rehearsal)
    yield gate_sheet(cells)
    yield loss_sheet(cells)
    yield time_sheet(cells)
    if rehearsal.planned:
        yield spread_sheet(rehearsal.planned)
        yield power_sheet(rehearsal.planned)
    if findings is not None:
        yield from _study_sheets(findings)
    yield cell_sheet(cells)


def _study_sheets(findings: Findings) -> Iterator[Sheet]:
    """Yield the tables that a study of these cells would have."""
    yield result_sheet(findings)
    yield effect_sheet(findings)
    yield confound_sheet(findings)


def _methods(rehearsal: Rehearsal) -> Iterator[Paragraph]:
    yield Paragraph("Rehearsal", _how(rehearsal))
    yield Paragraph("Simulation", _simulation(rehearsal))
    written = [c.cell for c in rehearsal.of(Arm.WRITTEN) if c.cell is not None]
    if written:
        yield from recording_methods(written, blind=False)


def _how(rehearsal: Rehearsal) -> str:
    vehicle = rehearsal.of(Arm.VEHICLE)
    asked = rehearsal.asked
    answers = "Questions were answered by their first option." if asked.answers else (
        "Nobody answered questions: a gate that would ask stopped the run."
    )  # fmt: skip
    arms = (
        "Vehicle cells ran the same protocol, valves included, with the compounds left out; they are other cells than "
        "those with the compound. " if vehicle else ""
    )  # fmt: skip
    return (
        "Every virtual cell is an ordinary run with the simulated devices of the rig and time that moves as fast as "
        f"the computer can; its seed says which cell and which noise. {arms}Samples were measured as in a recording, "
        "and cells judged and compared as 'patchrig compare' does; cells without a usable result do not enter effect "
        f"and power. {answers} Power: {DRAWS:,} studies drawn from the virtual cells with replacement, and beside them "
        "the noncentral t; two-sided at 5 %, not corrected for the number of measures."
    )


def _simulation(rehearsal: Rehearsal) -> str:
    written = rehearsal.rig.simulation
    told = ", ".join(f"{k}: {v}" for k, v in written.items()) or "defaults"
    name = rehearsal.asked.rig.name
    return f"The rig file '{name}' says of the simulated cells: {told}. What it leaves out has its default."
