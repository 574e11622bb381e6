"""A rehearsal at a glance: how runs end, how long they take, what to expect, with how many cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquisition.figure_story import CONTROL, FAINT, INK, LATER, QUIET, letter, tidy
from acquisition.rehearsal.counts import Share, losses, whole
from acquisition.rehearsal.figure_power import WARNING, draw_power, warn
from acquisition.rehearsal.planned import few_words
from acquisition.rehearsal.virtual_cell import Ending
from acquisition.statistics.student import one_sample, welch
from acquisition.study.drawing import WIDTH, interval_bar, wrapped
from acquisition.study.measures import shown
from acquisition.study.words import count, interval, signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from acquisition.rehearsal.planned import Planned
    from acquisition.rehearsal.rehearsing import Rehearsal
    from acquisition.rehearsal.virtual_cell import VirtualCell
    from acquisition.study.drawing import Numbers

HEADLINE = "A_1000"
REASONS = 4
"""Reasons for which cells were lost that have a bar of their own; the others share one."""
LINE = 26
"""Characters of a reason on one line."""
ABOVE, BELOW, BETWEEN = 2.15, 2.45, 1.05
"""Inches: height of the upper and the lower row of panels, and what is between them."""
TOP, BOTTOM = 0.5, 0.78
WHO = {Ending.GATE: "gate: ", Ending.LEFT_OUT: "left out: "}
"""Before a reason; a run that failed says so itself."""
USABLE, LOST = "#009E73", "#B3B3B3"
"""Okabe and Ito's green, and grey."""


def plan_figure(rehearsal: Rehearsal, planned: Sequence[Planned]) -> Figure:
    """Return the figure; `planned` are the plans of one group.

    Without a plan that has a curve there is the upper row alone: how runs end, and how long they take.
    """
    from matplotlib.figure import Figure

    drawn = [p for p in planned if p.curves]
    few = few_words(drawn)
    between = BETWEEN + (WARNING if few else 0.0)
    below = between + BELOW if drawn else 0.0
    height = TOP + ABOVE + below + (BOTTOM if drawn else 0.5)
    figure = Figure(figsize=(WIDTH, height), dpi=150, facecolor="none")
    upper = figure.add_gridspec(
        1, 3, left=1.72 / WIDTH, right=1 - 0.12 / WIDTH, wspace=0.46, width_ratios=(1.1, 1, 1.25),
        top=1 - TOP / height, bottom=1 - (TOP + ABOVE) / height,
    )  # fmt: skip
    panels = [figure.add_subplot(upper[0, i]) for i in range(3)]
    _draw_endings(panels[0], rehearsal.cells)
    _draw_times(panels[1], rehearsal.cells)
    _draw_changes(panels[2], next((p for p in planned if p.measure == HEADLINE and not p.in_percent), None))
    letter(panels[0], "a", left=116.0, up=8.0)
    for axes, name in zip(panels[1:], "bc", strict=True):
        letter(axes, name, left=30.0, up=8.0)
    if drawn:
        lower = figure.add_gridspec(
            1, len(drawn), wspace=0.12, left=0.55 / WIDTH, right=1 - 0.42 / WIDTH,
            top=(BOTTOM + BELOW) / height, bottom=BOTTOM / height,
        )  # fmt: skip
        for i, axes in enumerate(draw_power(figure, lower, drawn)):
            letter(axes, "defghi"[i], left=34.0 if i == 0 else 8.0)
    if few:
        warn(figure, few, (BOTTOM + BELOW + 0.42 + WARNING) / height)
    return figure


def _draw_endings(axes: Axes, cells: Sequence[VirtualCell]) -> None:
    """Draw what became of the cells, in % of them with the 95 % interval."""
    usable = Share(sum(c.is_usable for c in cells), len(cells))
    bars = [("usable result", usable, USABLE), *_lost(cells)]
    for i, (_, found, colour) in enumerate(bars):
        low, high = (100 * x for x in found.interval)
        axes.barh(i, 100 * found.fraction, height=0.62, color=colour, lw=0)
        axes.plot((low, high), (i, i), color=INK, lw=1.2, solid_capstyle="butt")
        axes.text(max(high, 100 * found.fraction) + 3, i, str(found.count), fontsize=7.5, color=INK, va="center")
    axes.set_yticks(range(len(bars)), [wrapped(text, LINE) for text, _, _ in bars])
    axes.set_xlim(0, 116)
    axes.set_ylim(max(len(bars), 3) - 0.4, -0.6)
    axes.set_xticks((0, 50, 100))
    tidy(axes)
    axes.set_xlabel(f"% of {count(len(cells), 'virtual cell')}", fontsize=8)
    axes.tick_params(axis="y", length=0, labelsize=7.5)
    low, high = (100 * x for x in usable.interval)
    _title(axes, f"How it ends: {100 * usable.fraction:.0f} % usable", f"95 % CI {low:.0f} to {high:.0f} %")


def _lost(cells: Sequence[VirtualCell]) -> list[tuple[str, Share, str]]:
    found = losses(cells)
    rows = [(WHO.get(one.ending, "") + one.text, one.share, LOST) for one in found[:REASONS]]
    if more := sum(one.share.count for one in found[REASONS:]):
        rows.append(("other reasons", Share(more, len(cells)), LOST))
    return rows


def _draw_times(axes: Axes, cells: Sequence[VirtualCell]) -> None:
    """Draw how many runs that came to their end took how long."""
    from matplotlib.ticker import MaxNLocator

    times = np.array([c.duration for c in cells if c.ending in (Ending.USABLE, Ending.LEFT_OUT)]) / 60
    span = whole(cells)
    if span is None:
        _title(axes, "How long it takes", "")
        _nothing(axes, "no run came\nto its end")
        return
    tidy(axes)
    low, middle, high = (t / 60 for t in (span.low, span.median, span.high))
    _title(axes, f"How long it takes: {middle:.1f} min", f"5 to 95 %: {low:.1f} to {high:.1f} min")
    margin = max(0.08 * np.ptp(times), 0.02 * times.max())
    bins = np.linspace(times.min() - margin, times.max() + margin, 15)
    axes.hist(times, bins.tolist(), color=FAINT, lw=0)
    axes.axvline(middle, color=INK, lw=1.4)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("experiment (min)", fontsize=8)
    axes.set_ylabel("cells", fontsize=8)


def _draw_changes(axes: Axes, plan: Planned | None) -> None:
    """Draw the change of every usable cell, with the mean of each group and its 95 % t interval."""
    if plan is None:
        _title(axes, "What to expect", "")
        _nothing(axes, "no usable cell\nwith a drug")
        return
    tidy(axes)
    info = shown(plan.measure)
    test = welch(plan.drug, plan.vehicle) if len(plan.vehicle) else one_sample(plan.drug)
    effect = f"{signed(info.factor * test.estimate, info.digits, plus=True)} {info.unit}"
    known = np.isfinite(test.interval[0])
    sure = f"95 % CI {interval(test.interval, info.digits, info.factor)} {info.unit}" if known else "one cell"
    _title(axes, f"What to expect: {effect}", sure)
    groups = [(plan.drug, LATER[0], plan.group), (plan.vehicle, CONTROL, "vehicle")]
    there = [(info.factor * changes, colour, name) for changes, colour, name in groups if len(changes)]
    for at, (changes, colour, _) in enumerate(there):
        _draw_group(axes, at, changes, colour)
    axes.axhline(0, color=QUIET, lw=0.6, ls=(0, (4, 3)), zorder=0)
    axes.set_xlim(-0.6, len(there) - 0.4)
    axes.set_xticks(range(len(there)), [f"{wrapped(name, 11)}\nn = {len(changes)}" for changes, _, name in there])
    axes.tick_params(axis="x", length=0, labelsize=7.5)
    axes.set_ylabel(f"change of {info.words} ({info.unit})", fontsize=8)


def _draw_group(axes: Axes, at: float, changes: Numbers, colour: str) -> None:
    spread = np.linspace(-0.22, 0.05, len(changes)) if len(changes) > 1 else np.zeros(1)
    axes.plot(at + spread, np.sort(changes), "o", color=colour, ms=2.4, mew=0, alpha=0.6, zorder=2)
    test = one_sample(changes)
    interval_bar(axes, at + 0.25, test.estimate, test.interval, INK)


def _title(axes: Axes, question: str, answer: str) -> None:
    axes.set_title(f"{question}\n{answer}", fontsize=7.5, color=INK, pad=5)


def _nothing(axes: Axes, words: str) -> None:
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", fontsize=8, color=QUIET)
    axes.set_axis_off()
