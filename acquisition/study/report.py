"""The report as content: words, figures, tables, in order; how it is set is the business of `pages` and `sheaf`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from acquisition.study.answer import answer, caveats, title
from acquisition.study.cell import PRIMARY
from acquisition.study.effect_sheet import effect_sheet
from acquisition.study.figure_courses import course_figures
from acquisition.study.figure_effect import effect_figure
from acquisition.study.figure_response import response_figure
from acquisition.study.method_words import analysis_methods
from acquisition.study.model_sheets import mixed_sheet, response_sheet, wash_sheet
from acquisition.study.sheets import (
    between_sheet,
    cell_sheet,
    confound_sheet,
    data_sheet,
    result_sheet,
    sensitivity_sheet,
    sweep_sheet,
)
from acquisition.study.words import count, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

    from acquisition.study.cell import Rules
    from acquisition.study.findings import Findings
    from acquisition.study.gathering import Gathered
    from acquisition.study.methods import Paragraph
    from acquisition.study.sheets import Sheet


FROM_SESSIONS = (
    "from the session files alone. Every number can be made again with the command 'patchrig compare' on the same "
    "files."
)


@dataclass(frozen=True)
class Picture:
    """A figure with its legend."""

    figure: Figure
    heading: str
    """The legend's first sentence, printed bold."""
    legend: str


@dataclass(frozen=True)
class Report:
    """A study on paper."""

    title: str
    byline: str
    answer: tuple[str, ...]
    caveats: tuple[str, ...]
    pictures: tuple[Picture, ...]
    sheets: tuple[Sheet, ...]
    methods: tuple[Paragraph, ...]
    is_blind: bool
    source: str = FROM_SESSIONS
    """What it was made from, and how it can be made again."""


def make_report(
    findings: Findings, gathered: Gathered, recorded: tuple[Paragraph, ...], rules: Rules, *, blind: bool
) -> Report:
    """Return the report. `recorded` is the part of the methods that comes from the protocols."""
    design = findings.design
    sheets = (
        result_sheet(findings),
        effect_sheet(findings),
        between_sheet(findings),
        mixed_sheet(findings),
        response_sheet(findings),
        sensitivity_sheet(findings),
        wash_sheet(findings),
        confound_sheet(findings),
        cell_sheet(design, gathered),
        sweep_sheet(design),
        data_sheet(findings),
    )
    animals = len({c.animal for c in design.accepted})
    return Report(
        title(findings, blind=blind),
        f"{count(len(design.accepted), 'cell')} of {count(animals, 'animal')}, from "
        f"{count(len(gathered.cells), 'session')}; groups by {design.by}",
        answer(findings, blind=blind),
        tuple(caveats(findings)),
        tuple(_pictures(findings)),
        tuple(s for s in sheets if s is not None and (s.rows or s.note)),
        (*recorded, *analysis_methods(findings, design.cells, rules, blind=blind)) if design.cells else (),
        blind,
    )


def _pictures(findings: Findings) -> Iterator[Picture]:
    for measure in PRIMARY:
        figure = effect_figure(findings, measure)
        if figure is not None:
            yield Picture(figure, f"{HEADINGS.get(measure, measure)}.", _effect_legend(findings))
    for groups, figure in course_figures(findings.design):
        yield Picture(figure, f"Time course: {listed([g.name for g in groups])}.", COURSE)
    for response in findings.responses:
        yield Picture(response_figure(response), f"Concentration-response of {response.compound}.", RESPONSE)


HEADINGS = {"A_1000": "Slow AHP 1 s after the step", "S_fix": "Area of the AHP, 10 ms to 2 s after the step"}
COURSE = (
    "Slow AHP at 1 s in % of each cell's baseline, and below it input resistance, baseline potential, step current and "
    "access resistance. Thin lines: accepted sweeps of one cell; thick line and band: mean of the cells and 95 % CI, "
    "where at least half of the cells have a sweep. The bar begins when the solution arrives in the bath and ends with "
    "the cells' median time of the first sweep of wash-out."
)
RESPONSE = (
    "Discs: cells; bars beside them: mean and 95 % CI at each concentration. Line and band: fit with its pointwise "
    "95 % band by profile likelihood, dashed the IC50; they are drawn where the data determine an IC50."
)


def _effect_legend(findings: Findings) -> str:
    legend = (
        "a, every cell before (left) and after (right) the change of solution, with means and 95 % CI (bars). "
        "b, change of every cell; shape: bootstrap distribution of the mean change (animals drawn); bar: mean and "
        "95 % t interval. Numbers below the names: cells / animals."
    )
    if findings.design.vehicle is not None:
        legend += " c, change minus the change in vehicle cells, with the 95 % Welch interval."
    return legend
