"""The right of the review figure: the time course, and what could confound it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from acquisition.analysis.summary import HEADLINE, LAST
from acquisition.figure_story import INK, QUIET, Epoch, Story, letter, signed, tidy, value_of
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import SubplotSpec

    from acquisition.figure_story import Numbers


KEY_ROOM = 0.13
"""Height above the points of the time course, as a part of their scale, for the key: they are anywhere below."""


@dataclass(frozen=True)
class _Strip:
    """One of the small panels: a few measures on one scale."""

    label: str
    factor: float
    span: float
    """Least height of the scale: noise should look like noise."""
    measures: tuple[tuple[str, ClampMode | None], ...]


STRIPS = (
    _Strip("spikes", 1.0, 4.0, (("n_ap", ClampMode.CURRENT),)),
    _Strip("step\n(pA)", 1e12, 60.0, (("I_step", ClampMode.CURRENT),)),
    _Strip("baseline\n(mV)", 1e3, 4.0, (("V_b", ClampMode.CURRENT),)),
    _Strip("bias\n(pA)", 1e12, 60.0, (("I_hold", ClampMode.CURRENT),)),
    _Strip("holding\n(pA)", 1e12, 60.0, (("I_hold", ClampMode.VOLTAGE),)),
    _Strip("R$_{in}$\n(MΩ)", 1e-6, 40.0, (("Rin", ClampMode.CURRENT), ("Rm", ClampMode.VOLTAGE))),
    _Strip("R$_{s}$\n(MΩ)", 1e-6, 10.0, (("Rs", ClampMode.CURRENT), ("Rs", ClampMode.VOLTAGE))),
)


def draw_time_courses(figure: Figure, cell: SubplotSpec, story: Story) -> None:
    """Draw the slow AHP against time, and below it what could confound it, on one time axis."""
    strips = [s for s in STRIPS if any(len(story.values(*m)[0]) for m in s.measures)]
    if story.phases:
        strips = [s for s in strips if not s.label.startswith("holding")]
    times, bath = story.session.temperatures
    has_ahp = any(value_of(s, HEADLINE) == value_of(s, HEADLINE) for s in story.bursts)
    heights = [0.42, *([3.4] if has_ahp else []), *[0.85] * len(strips), *([0.85] if len(times) else [])]
    grid = cell.subgridspec(len(heights), 1, height_ratios=heights, hspace=0.16)
    bars = figure.add_subplot(grid[0])
    panels = [figure.add_subplot(grid[i], sharex=bars) for i in range(1, len(heights))]
    _solutions(bars, story)
    rest = iter(panels)
    if has_ahp:
        _course(next(rest), story)
    for strip in strips:
        _strip(next(rest), story, strip)
    if len(times):
        _bath(next(rest), story.minutes(times), bath)
    for axes in panels:
        _shade(axes, story.epochs)
        tidy(axes)
        axes.tick_params(labelbottom=axes is panels[-1])
        axes.yaxis.set_label_coords(-0.072, 0.5)
    if panels:
        panels[-1].set_xlabel(story.time_label)
        names = "bcde"[sum((bool(story.phases or story.ranges), bool(story.summary.changes))) :]
        for axes, name in zip(panels[:2] if has_ahp else panels[:1], names, strict=False):
            letter(axes, name, up=-4.0 if axes is not panels[0] else 6.0, left=52.0)


def _solutions(axes: Axes, story: Story) -> None:
    """Draw a bar per solution: hatched on its way, solid in the bath."""
    start, stop = float(story.minutes(0.0)), float(story.minutes(story.end))
    axes.set(xlim=(start, stop), ylim=(0, 1))
    leaves = [*(e.switched for e in story.epochs[1:]), stop]  # from then on the hatching of the next covers the bar
    for e, left in zip(story.epochs, leaves, strict=False):
        axes.broken_barh([(e.arrives, e.ends - e.arrives)], (0, 0.85), facecolor=e.colour, lw=0)
        first, last = max(e.arrives, start), min(e.ends, max(left, e.arrives))
        axes.text(0.5 * (first + last), 0.4, _fitting(e.label, axes, last - first), ha="center", va="center", size=8,
                  color="white", weight="bold", clip_on=True)  # fmt: skip
        if e.arrives > e.switched:
            axes.broken_barh([(e.switched, e.arrives - e.switched)], (0, 0.85), facecolor="white",
                             edgecolor=e.colour, hatch="///////", lw=0.5)  # fmt: skip
    axes.axis("off")


def _fitting(label: str, axes: Axes, width: float) -> str:
    """Return as much of `label` as a bar of `width` (data) has room for at 8 points, bold."""
    low, high = axes.get_xlim()
    points = 72 * float(axes.get_figure(root=True).get_figwidth()) * axes.get_position().width  # type: ignore[union-attr]
    room = int(points * width / (high - low) / (0.72 * 8))
    if len(label) <= room:
        return label
    return f"{label[: room - 1].rstrip()}…" if room > 4 else ""


def _course(axes: Axes, story: Story) -> None:
    """Draw the slow AHP of every sweep, those left out hollow, and the phases' means."""
    from matplotlib.patheffects import withStroke
    from matplotlib.ticker import MaxNLocator

    halo = [withStroke(linewidth=3, foreground="white")]
    for s in story.bursts:
        value, colour = 1e3 * value_of(s, HEADLINE), story.colour(s.start)
        axes.plot(story.minutes(s.start), value, "o", ms=5, mec=colour, mew=0.9,
                  mfc=colour if s.is_accepted else "white", zorder=3)  # fmt: skip
    for phase in story.summary.phases:
        mean = 1e3 * float(np.mean(phase.values[HEADLINE]))
        first, last = story.minutes(phase.start), story.minutes(phase.stop)
        axes.plot((first, last), (mean, mean), color=INK, lw=2.2, zorder=4, solid_capstyle="butt")
        axes.annotate(f"{signed(mean, 2)} mV", (0.5 * (first + last), mean), (0, 12), textcoords="offset points",
                      ha="center", size=9, color=INK, weight="bold", zorder=5, path_effects=halo)  # fmt: skip
    axes.axhline(0, color=QUIET, lw=0.6, ls=(0, (4, 3)))
    low, high = axes.get_ylim()
    low, high = min(low, -0.5), max(high, 0.25)
    axes.set_ylim(low, high + KEY_ROOM * (high - low))
    if any(not s.is_accepted for s in story.bursts):
        axes.plot([], [], "o", ms=5, mfc="white", mec=QUIET, label="left out of means")
    if story.summary.phases:
        axes.plot([], [], color=INK, lw=2.2, label=f"mean of the last {LAST} accepted sweeps")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper right", frameon=False, fontsize=7.5, labelcolor=QUIET, ncols=2, borderaxespad=0.1)
    axes.set_ylabel("sAHP at 1 s (mV)")
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    if story.summary.baseline:
        _percent_scale(axes, 1e3 * float(np.mean(story.summary.baseline.values[HEADLINE])))


def _percent_scale(axes: Axes, whole: float) -> None:
    """Show the same points in per cent of the baseline's mean, `whole` mV, on the right."""
    right = axes.secondary_yaxis(
        "right", functions=(partial(np.multiply, 100 / whole), partial(np.multiply, whole / 100))
    )
    right.set_ylabel("% of baseline", size=8, color=QUIET)
    right.tick_params(length=3, width=0.7, labelsize=7.5, color=QUIET, labelcolor=QUIET)
    right.spines["right"].set_visible(False)


def _strip(axes: Axes, story: Story, strip: _Strip) -> None:
    """Draw one small panel: current clamp as discs, voltage clamp as triangles."""
    shown = []
    for name, mode in strip.measures:
        t, values = story.values(name, mode)
        marker, size = ("^", 3.2) if mode is ClampMode.VOLTAGE else ("o", 2.6)
        axes.plot(t, strip.factor * values, marker, ms=size, color=QUIET if marker == "^" else INK, mew=0, zorder=3)
        shown.append(strip.factor * values)
    both = all(len(v) for v in shown) and len(shown) > 1
    if both:
        axes.text(0.995, 0.98, "▲ voltage clamp   ● current clamp", transform=axes.transAxes, ha="right", va="top",
                  size=6.5, color=QUIET)  # fmt: skip
    _scale(axes, np.concatenate(shown), strip.span)
    axes.set_ylabel(strip.label)


def _bath(axes: Axes, t: Numbers, celsius: Numbers) -> None:
    axes.plot(t, celsius, color=INK, lw=0.9)
    _scale(axes, celsius, 2.0)
    axes.set_ylabel("bath\n(°C)")


def _scale(axes: Axes, values: Numbers, span: float) -> None:
    """Show the middle 96 % of the values, on a scale of at least `span`."""
    from matplotlib.ticker import MaxNLocator

    low, high = np.percentile(values, (2, 98))
    middle, half = 0.5 * (low + high), 0.5 * max(1.3 * (high - low), span)
    axes.set_ylim(middle - half, middle + half)
    axes.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10], integer=span >= 4))


def _shade(axes: Axes, epochs: tuple[Epoch, ...]) -> None:
    """Tint the time of each solution after the first."""
    for e in epochs[1:]:
        axes.axvspan(e.arrives, e.ends, color=e.colour, alpha=0.06, lw=0, zorder=0)
