"""Time courses: the slow AHP in % of the baseline, and below it what could pass for an effect."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisition.figure_story import INK, QUIET, tidy
from acquisition.statistics.student import one_sample
from acquisition.study.cell import Role
from acquisition.study.drawing import WIDTH, colours, wrapped
from acquisition.study.measures import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from acquisition.study.cell import Cell, CoursePoint
    from acquisition.study.design import Design, Group
    from acquisition.study.drawing import Numbers

COLUMNS = 3
"""Groups side by side."""
STRIPS = ("Rin", "V_b", "I_step", "Rs")
LABELS = {"Rin": "R$_{in}$\n(MΩ)", "V_b": "V$_b$\n(mV)", "I_step": "step\n(pA)", "Rs": "R$_s$\n(MΩ)"}
LEAST_SPAN = {"Rin": 30.0, "V_b": 4.0, "I_step": 60.0, "Rs": 10.0}
"""Noise should look like noise: least height of a scale, in the shown unit."""
FEWEST = 3
"""Cells that give a band: an interval of two is as high as the page."""
INTERVAL = 0.5
"""Minutes between sweeps, where a cell does not say."""


@dataclass(frozen=True)
class _Mean:
    """The cells' mean against time."""

    minutes: Numbers
    mean: Numbers
    low: Numbers
    high: Numbers


def course_figures(design: Design) -> Iterator[tuple[tuple[Group, ...], Figure]]:
    """Yield figures with up to three groups side by side, and the groups in each."""
    groups = [g for g in design.groups if g.accepted]
    for first in range(0, len(groups), COLUMNS):
        part = tuple(groups[first : first + COLUMNS])
        yield part, _figure(design, part)


def _figure(design: Design, groups: Sequence[Group]) -> Figure:
    from matplotlib.figure import Figure

    strips = [
        s for s in STRIPS if any(math.isfinite(p.values[s]) for g in groups for m in g.accepted for p in m.cell.course)
    ]
    heights = [0.28, 2.6, *[0.75] * len(strips)]
    width = min(WIDTH, 1.1 + 3.4 * len(groups))
    figure = Figure(figsize=(width, 0.85 * sum(heights) + 0.7), dpi=150, facecolor="none")
    grid = figure.add_gridspec(len(heights), len(groups), height_ratios=heights, hspace=0.18, wspace=0.1,
                               left=0.86 / width, right=1 - 0.1 / width, bottom=0.1, top=0.97)  # fmt: skip
    palette = colours(design)
    panels: list[list[Axes]] = []
    span = _span([m.cell for g in groups for m in g.accepted])
    for column, group in enumerate(groups):
        axes = [figure.add_subplot(grid[row, column]) for row in range(len(heights))]
        _column(axes, group, strips, palette[group.name], span)
        panels.append(axes)
    _align(panels, width)
    return figure


def _column(axes: Sequence[Axes], group: Group, strips: Sequence[str], colour: str, span: tuple[float, float]) -> None:
    cells = [m.cell for m in group.accepted]
    _bar(axes[0], group, cells, colour, span)
    _course(axes[1], cells, colour, lambda p: p.percent)
    axes[1].axhline(100, color=QUIET, lw=0.6, ls=(0, (4, 3)), zorder=0)
    axes[1].set_ylabel("sAHP at 1 s\n(% of baseline)")
    for panel, name in zip(axes[2:], strips, strict=True):
        _course(panel, cells, colour, _value_of(name))
        panel.set_ylabel(LABELS[name])
    for panel in axes[1:]:
        panel.set_xlim(*span)
        panel.axvline(0, color=QUIET, lw=0.5, zorder=0)
        tidy(panel)
        panel.tick_params(labelbottom=panel is axes[-1])
    axes[-1].set_xlabel("time from arrival (min)")


def _value_of(name: str) -> Callable[[CoursePoint], float]:
    """Return what takes a measure from a sweep, in the shown unit."""
    factor = shown(name).factor
    return lambda point: factor * point.values[name]


def _span(cells: Sequence[Cell]) -> tuple[float, float]:
    times = [p.minutes for c in cells for p in c.course]
    return (min(times) - 0.3, max(times) + 0.3) if times else (0.0, 1.0)


def _bar(axes: Axes, group: Group, cells: Sequence[Cell], colour: str, span: tuple[float, float]) -> None:
    """Draw the solution's bar from its arrival to the first sweep of wash-out, at the median of the cells."""
    ends = [_wash_begins(c) for c in cells]
    axes.set(xlim=span, ylim=(0, 1))
    axes.broken_barh([(0.0, float(np.median(ends)))], (0.05, 0.22), facecolor=colour, lw=0)
    axes.text(0.0, 0.42, wrapped(group.name, 34), ha="left", va="bottom", size=8, color=INK, weight="bold")
    axes.axis("off")


def _wash_begins(cell: Cell) -> float:
    """Return the time of the first sweep of wash-out, or of the last one without it, min."""
    washed = [p.minutes for p in cell.course if p.role is Role.WASH]
    return min(washed) if washed else max((p.minutes for p in cell.course), default=0.0)


def _course(axes: Axes, cells: Sequence[Cell], colour: str, value: Callable[[CoursePoint], float]) -> None:
    """Draw each cell thin, and the mean with its 95 % interval."""
    for cell in cells:
        points = [(p.minutes, value(p)) for p in cell.course if p.is_accepted and math.isfinite(value(p))]
        if points:
            axes.plot(*zip(*points, strict=True), "-", color=colour, lw=0.6, alpha=0.35, zorder=1)
    mean = _mean(cells, value)
    if len(mean.minutes):
        axes.fill_between(mean.minutes, mean.low, mean.high, color=colour, alpha=0.25, lw=0, zorder=2)
        axes.plot(mean.minutes, mean.mean, "-", color=colour, lw=1.8, zorder=3)


def _mean(cells: Sequence[Cell], value: Callable[[CoursePoint], float]) -> _Mean:
    """Return the mean over the cells in bins of one sweep interval, where at least half of the cells are."""
    interval = _interval(cells)
    bins: dict[int, dict[int, list[float]]] = {}
    for i, cell in enumerate(cells):
        for p in cell.course:
            if p.is_accepted and math.isfinite(v := value(p)):
                bins.setdefault(round(p.minutes / interval), {}).setdefault(i, []).append(v)
    rows = []
    for place in sorted(bins):
        values = np.array([np.mean(v) for v in bins[place].values()])
        if len(values) >= max(2, 0.5 * len(cells)):
            test = one_sample(values)
            ends = test.interval if len(values) >= FEWEST else (math.nan, math.nan)
            rows.append((place * interval, test.estimate, *ends))
    table = np.array(rows, float).reshape(-1, 4)
    return _Mean(*table.T)


def _interval(cells: Sequence[Cell]) -> float:
    """Return the usual time between sweeps, min."""
    gaps = [d for c in cells for d in np.diff([p.minutes for p in c.course]) if d > 0]
    return float(np.median(gaps)) if gaps else INTERVAL


def _align(panels: Sequence[Sequence[Axes]], width: float) -> None:
    """Give the panels of a row one scale, and write it once."""
    for row in range(1, len(panels[0])):
        here = [column[row] for column in panels]
        low, high = min(a.get_ylim()[0] for a in here), max(a.get_ylim()[1] for a in here)
        if row == 1:
            low, high = min(low, 0.0), max(high, 110.0)
        elif row - 2 < len(STRIPS):
            middle, half = 0.5 * (low + high), 0.5 * max(high - low, LEAST_SPAN.get(STRIPS[row - 2], 0.0))
            low, high = middle - half, middle + half
        for i, axes in enumerate(here):
            axes.set_ylim(low, high)
            axes.locator_params(axis="y", nbins=6 if row == 1 else 3)
            axes.yaxis.set_label_coords(-0.46 / (axes.get_position().width * width), 0.5)
            if i:
                axes.set_ylabel("")
                axes.tick_params(labelleft=False)
