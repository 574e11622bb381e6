"""The power curve: how many cells a study needs, with what the number of virtual cells leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acquisition.figure_story import CONTROL, FAINT, INK, LATER, QUIET, letter, tidy
from acquisition.rehearsal.planned import few_words
from acquisition.rehearsal.power import ALPHA, FEWEST, MOST, WANTED, Comparison
from acquisition.study.drawing import WIDTH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import GridSpec

    from acquisition.rehearsal.planned import Planned
    from acquisition.rehearsal.power import Curve

COLOURS = {
    Comparison.AGAINST: LATER[0],
    Comparison.PAIRED: LATER[1],
    Comparison.RUN_DOWN: CONTROL,
    Comparison.NOTHING: QUIET,
}
CONTROLS = (Comparison.RUN_DOWN, Comparison.NOTHING)
SIZE = 3.2
"""Inches: height of a row, and width of a panel that stands alone."""
WIDE = 1.5 * SIZE
"""Inches of width from which on the key stands in one row."""
WARNING = 0.42
"""Inches: height of a warning of two lines."""
TICKS = (3, 6, 12, 20, 30, 40)
NAMES = {"A_1000": "sAHP at 1 s", "S_fix": "area of the AHP"}
FEWER = (Comparison.AGAINST, Comparison.PAIRED, Comparison.RUN_DOWN, Comparison.NOTHING)
"""From top to bottom in the key."""


def power_figure(planned: Sequence[Planned]) -> Figure:
    """Return power against cells, a panel for each measure of one group."""
    from matplotlib.figure import Figure

    drawn = [p for p in planned if p.curves]
    width = max(WIDTH * len(drawn) / 3, SIZE + 0.9)
    few = few_words(drawn)
    below = 0.78 if width > WIDE else 1.12  # a key of three rows
    height = SIZE + (WARNING if few else 0.0) + below - 0.78
    figure = Figure(figsize=(width, height), dpi=150, facecolor="none")
    grid = figure.add_gridspec(
        1, len(drawn), wspace=0.12, left=0.55 / width, right=1 - 0.42 / width, bottom=below / height,
        top=1 - ((WARNING if few else 0.0) + 0.32) / height,
    )  # fmt: skip
    if few:
        warn(figure, few, 1 - 0.08 / height)
    panels = draw_power(figure, grid, drawn)
    for i, axes in enumerate(panels if len(drawn) > 1 else ()):
        letter(axes, "abcdef"[i], left=34.0 if i == 0 else 8.0)
    return figure


def warn(figure: Figure, words: str, top: float) -> None:
    """Write a warning over the whole width, below `top` (0..1 of the height)."""
    from textwrap import fill

    text = fill(words, round(figure.get_figwidth() * 16))
    figure.text(0.5, top, text, fontsize=8, color=LATER[0], ha="center", va="top", linespacing=1.3)


def draw_power(figure: Figure, grid: GridSpec, planned: Sequence[Planned]) -> list[Axes]:
    """Draw a panel for each of `planned`, which have curves, into the last row of `grid`, and the key below."""
    panels = [figure.add_subplot(grid[-1, i]) for i in range(len(planned))]
    for axes, plan in zip(panels, planned, strict=True):
        _draw(axes, plan)
        axes.set_title(_title(plan), fontsize=8, color=INK, pad=5)
        axes.tick_params(labelleft=axes is panels[0])
    panels[0].set_ylabel("power (%)", fontsize=8, color=INK)
    for level in (ALPHA, WANTED):
        panels[-1].text(MOST + 1.8, level, f"{100 * level:.0f} %", fontsize=7.5, color=QUIET, va="center")
    _key(figure, [t for t in FEWER if any(p.curve(t) for p in planned)], figure.get_figwidth())
    return panels


def _draw(axes: Axes, plan: Planned) -> None:
    for level in (ALPHA, WANTED):
        axes.axhline(level, color=FAINT, lw=0.8, zorder=0)
    for test in reversed(FEWER):
        if (curve := plan.curve(test)) is not None:
            _curve(axes, curve, COLOURS[test])
    if plan.main is not None and plan.main.needed is not None and plan.main.needed <= MOST:
        _needed(axes, plan.main.needed, COLOURS[plan.main.test])
    axes.set_xlim(FEWEST - 1.5, MOST + 1)
    axes.set_ylim(-0.02, 1.03)
    axes.set_xticks(TICKS)
    axes.set_yticks((0, 0.2, 0.4, 0.6, 0.8, 1.0), ("0", "20", "40", "60", "80", "100"))
    tidy(axes)
    axes.set_xlabel("cells" if plan.curve(Comparison.AGAINST) is None else "cells in each group", fontsize=8, color=INK)


def _curve(axes: Axes, curve: Curve, colour: str) -> None:
    """Draw what was drawn as a line with its band, and the formula beside it; controls as dots."""
    if curve.test in CONTROLS:
        is_open = curve.test is Comparison.RUN_DOWN
        style = {"mfc": "none", "mec": colour, "mew": 0.8} if is_open else {"mfc": colour, "mec": "none"}
        axes.plot(curve.cells, curve.drawn, "o", ms=2.4, clip_on=False, **style)
        return
    axes.fill_between(curve.cells, curve.low, curve.high, color=colour, alpha=0.16, lw=0)
    axes.plot(curve.cells, curve.formula, color=colour, lw=0.8, ls=(0, (4, 2)))
    axes.plot(curve.cells, curve.drawn, color=colour, lw=1.7)


def _needed(axes: Axes, cells: int, colour: str) -> None:
    """Mark the fewest cells with enough power."""
    from matplotlib.patheffects import withStroke

    axes.plot((cells, cells), (-0.02, WANTED), color=colour, lw=0.8, ls=(0, (2, 2)))
    on_right, words = cells < MOST - 8, f"{'≤ ' if cells == FEWEST else ''}{cells} cells"
    axes.annotate(words, (cells, 0.66), (4 if on_right else -4, 0), textcoords="offset points", fontsize=7.5,
                  color=colour, ha="left" if on_right else "right", zorder=6,
                  path_effects=[withStroke(linewidth=4, foreground="white")])  # fmt: skip


def _title(plan: Planned) -> str:
    unit = "% of baseline" if plan.in_percent else plan.words.rpartition(", ")[2]
    return f"{NAMES.get(plan.measure, plan.measure)}, {unit}"


def _key(figure: Figure, tests: Sequence[Comparison], width: float) -> None:
    """Say what the colours mean, in a row below."""
    from matplotlib.lines import Line2D

    marks, names = [_mark(test) for test in tests], [str(test) for test in tests]
    if not set(tests) <= set(CONTROLS):
        marks.append(Line2D([], [], color=QUIET, lw=0.9, ls=(0, (4, 2))))
        names.append("noncentral t")
    columns = len(marks) if width > WIDE else 2
    figure.legend(marks, names, loc="lower center", ncols=columns, frameon=False, fontsize=7.5, labelcolor=INK,
                  handletextpad=0.6, columnspacing=1.6, borderaxespad=0.2)  # fmt: skip


def _mark(test: Comparison) -> Any:
    from matplotlib.lines import Line2D

    if test not in CONTROLS:
        return Line2D([], [], color=COLOURS[test], lw=1.7)
    fill = "none" if test is Comparison.RUN_DOWN else COLOURS[test]
    return Line2D([], [], lw=0, marker="o", ms=3.2, mfc=fill, mec=COLOURS[test])
