"""The main figure: every cell before and after, the change with its uncertainty, the change against vehicle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisition.figure_story import INK, QUIET, letter, tidy
from acquisition.statistics.student import one_sample
from acquisition.study.drawing import (
    WIDTH,
    colours,
    drawn_means,
    half_violin,
    interval_bar,
    numbers,
    short_names,
    wrapped,
)
from acquisition.study.measures import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from acquisition.study.design import Group, Member
    from acquisition.study.drawing import Numbers
    from acquisition.study.findings import Findings, Result
    from acquisition.study.measures import Shown

STEP = 0.46
"""Distance of before and after on the axis; groups are 1 apart."""
FEW = 3
"""Groups whose columns are wide enough for 'before' and 'after'."""


@dataclass(frozen=True)
class _Column:
    """A group as it is drawn, in the shown unit."""

    group: Group
    name: str
    """For a narrow axis."""
    at: float
    colour: str
    members: tuple[Member, ...]
    before: Numbers
    after: Numbers
    result: Result

    @property
    def change(self) -> Numbers:
        return self.after - self.before


def effect_figure(findings: Findings, measure: str) -> Figure | None:
    """Return the figure of one measure; None where no group has it as plain means."""
    from matplotlib.figure import Figure

    columns = _columns(findings, measure)
    if not columns:
        return None
    against = [c for c in columns if c.result.against is not None]
    ratios = [max(len(columns), 1.6), max(len(against), 1.0)] if against else [1.0]
    width = min(WIDTH, 2.2 + 1.25 * len(columns) + (1.1 * len(against) if against else 0.0))
    lines = 1 + max(wrapped(c.name).count("\n") + 1 for c in columns)
    height = 4.7 + 0.16 * lines
    figure = Figure(figsize=(width, height), dpi=150, facecolor="none")
    grid = figure.add_gridspec(2, len(ratios), width_ratios=ratios, height_ratios=(1.25, 1), hspace=0.12, wspace=0.32,
                               left=0.62 / width, right=1 - 0.12 / width, bottom=(0.12 + 0.16 * lines) / height,
                               top=1 - 0.26 / height)  # fmt: skip
    info = shown(measure)
    cells, changes = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[1, 0])
    _draw_cells(cells, columns, info)
    _draw_changes(changes, columns, info)
    letter(cells, "a")
    letter(changes, "b")
    if against:
        panel = figure.add_subplot(grid[:, 1])
        vehicle = next(c for c in columns if c.group.is_vehicle)
        _draw_against(panel, against, vehicle, info)
        letter(panel, "c")
    return figure


def _columns(findings: Findings, measure: str) -> list[_Column]:
    info, palette, names = shown(measure), colours(findings.design), short_names(findings.design)
    out: list[_Column] = []
    for group in (g for g in findings.design.groups if g.accepted):
        result = findings.result(group.name, measure)
        if result is None:
            continue
        members = [m for m in group.accepted if all(np.isfinite(x.value) for x in m.pair(measure))]
        if members:
            before, after = (np.array([info.factor * m.pair(measure)[i].value for m in members]) for i in (0, 1))
            at, colour = 1.0 * len(out), palette[group.name]
            out.append(_Column(group, names[group.name], at, colour, tuple(members), before, after, result))
    return out


def _draw_cells(axes: Axes, columns: list[_Column], info: Shown) -> None:
    """Draw every cell as a line from before to after, and the means beside it."""
    for c in columns:
        x0, x1 = c.at, c.at + STEP
        for before, after in zip(c.before, c.after, strict=True):
            axes.plot((x0, x1), (before, after), "-", color=c.colour, lw=0.9, alpha=0.55, zorder=2)
            axes.plot((x0, x1), (before, after), "o", color=c.colour, ms=2.6, mew=0, alpha=0.8, zorder=3)
        for x, values in ((x0 - 0.1, c.before), (x1 + 0.1, c.after)):
            test = one_sample(values)
            interval_bar(axes, x, test.estimate, test.interval, INK)
    axes.axhline(0, color=QUIET, lw=0.6, ls=(0, (4, 3)), zorder=0)
    axes.set_xlim(-0.35, columns[-1].at + STEP + 0.4)
    axes.set_xticks([x for c in columns for x in (c.at, c.at + STEP)])
    words = ["before", "after"] if len(columns) <= FEW else ["", ""]
    axes.set_xticklabels(words * len(columns))
    axes.set_ylabel(f"{info.words}" + (f" ({info.unit})" if info.unit else ""))
    tidy(axes)
    axes.tick_params(axis="x", length=0)


def _draw_changes(axes: Axes, columns: list[_Column], info: Shown) -> None:
    """Draw the change of every cell, the bootstrap distribution of its mean, and the 95 % interval."""
    for c in columns:
        middle = c.at + 0.5 * STEP
        spread = np.linspace(-0.06, 0.06, len(c.change)) if len(c.change) > 1 else np.zeros(1)
        axes.plot(middle - 0.2 + spread, np.sort(c.change), "o", color=c.colour, ms=2.8, mew=0, alpha=0.7, zorder=3)
        half_violin(axes, middle, drawn_means(c.change, c.members), c.colour)
        ends = tuple(info.factor * x for x in c.result.paired.interval)
        interval_bar(axes, middle, info.factor * c.result.paired.difference, (ends[0], ends[1]), INK)
    axes.axhline(0, color=QUIET, lw=0.6, ls=(0, (4, 3)), zorder=0)
    axes.set_xlim(-0.35, columns[-1].at + STEP + 0.4)
    axes.set_xticks([c.at + 0.5 * STEP for c in columns])
    axes.set_xticklabels([f"{wrapped(c.name)}\n{numbers(c.group)}" for c in columns])
    axes.set_ylabel("after − before" + (f" ({info.unit})" if info.unit else ""))
    tidy(axes)
    axes.tick_params(axis="x", length=0)


def _draw_against(axes: Axes, columns: list[_Column], vehicle: _Column, info: Shown) -> None:
    """Draw the difference of the changes against vehicle, with the distribution of its bootstrap."""
    control = drawn_means(vehicle.change, vehicle.members)
    for place, c in enumerate(columns):
        against = c.result.against
        if against is None:
            continue
        # the control's draws in another order: both groups are drawn independently
        half_violin(axes, place, drawn_means(c.change, c.members) - control[::-1], c.colour)
        ends = tuple(info.factor * x for x in against.change.interval)
        interval_bar(axes, place, info.factor * against.change.difference, (ends[0], ends[1]), INK)
    axes.axhline(0, color=QUIET, lw=0.6, ls=(0, (4, 3)), zorder=0)
    axes.set_xlim(-0.4, len(columns) - 0.4)
    axes.set_xticks(range(len(columns)))
    axes.set_xticklabels([wrapped(c.name, 13) for c in columns])
    axes.set_ylabel("change minus change in vehicle" + (f" ({info.unit})" if info.unit else ""))
    tidy(axes)
    axes.tick_params(axis="x", length=0)
