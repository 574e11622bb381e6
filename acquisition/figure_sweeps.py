"""The left of the review figure: what was recorded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from acquisition.analysis.mean_waveform import mean_waveform
from acquisition.analysis.summary import HEADLINE, Phase
from acquisition.figure_difference import draw_difference
from acquisition.figure_story import CONTROL, FAINT, INK, LATER, QUIET, Story, letter, signed, tidy, value_of
from protocols.measures import BASELINE
from protocols.measures import HALF_WINDOW as AROUND
from protocols.sweeps import ClampMode
from protocols.waveforms import samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import SubplotSpec

    from acquisition.figure_story import Numbers
    from acquisition.session.reader import Session
    from protocols.sweeps import RecordedSweep

BURST = (-0.03, 0.27)
"""Seconds from the step's start."""
MAGNIFIED = (-0.60, 5.6)
"""Seconds from the step's end."""
COARSE = 2e-3
"""The magnified AHP shows means over this; nothing in it is faster."""


def draw_bursts_and_ahp(figure: Figure, cell: SubplotSpec, story: Story) -> None:
    """Draw panel a, a typical burst of each phase, panel b, the mean AHP of each phase, and c, what changed."""
    compares = bool(story.summary.changes)
    heights = (1, 1.40, 0.66) if compares else (1, 1.45)
    rows = cell.subgridspec(len(heights), 1, height_ratios=heights, hspace=0.30)
    phases = story.phases[:4]
    bursts = rows[0].subgridspec(2, len(phases), height_ratios=(5, 1), hspace=0.08, wspace=0.08)
    tops: list[Axes] = []
    for column, phase in enumerate(phases):
        top = figure.add_subplot(bursts[0, column], sharey=tops[0] if tops else None)
        below = figure.add_subplot(bursts[1, column], sharex=top)
        _burst(top, below, story, phase, is_first=column == 0)
        tops.append(top)
    letter(tops[0], "a")
    magnified = figure.add_subplot(rows[1])
    _magnified(magnified, story, phases)
    if compares:
        magnified.set_xlabel("")
        draw_difference(figure.add_subplot(rows[2], sharex=magnified), story, phases)


def _burst(top: Axes, below: Axes, story: Story, phase: Phase, *, is_first: bool) -> None:
    """Draw the sweep of a phase whose sAHP is nearest to the phase's mean, with its command."""
    values = np.array(phase.values[HEADLINE])
    sweep = story.session.sweep(phase.sweeps[int(np.argmin(np.abs(values - values.mean())))])
    step = sweep.command.of("step")[0]
    first = max(step.start + samples(BURST[0], sweep.rate), 0)
    v = 1e3 * sweep.primary[first : step.start + samples(BURST[1], sweep.rate)]
    t = 1e3 * (np.arange(first, first + len(v)) - step.start) / sweep.rate
    colour = story.colour(phase.stop)
    top.plot(t, v, color=colour, lw=0.9)
    minute = signed(float(story.minutes(sweep.header.start)))
    top.set_title(f"{phase.label}, {minute} min", size=9, color=colour, loc="left")
    below.plot(t, 1e12 * sweep.command.values(first, len(v)), color=INK, lw=0.9, drawstyle="steps-post")
    below.text(1e3 * (step.stop - step.start) / sweep.rate + 6, 1e12 * (sweep.header.holding + step.amplitude),
               f"{signed(1e12 * step.amplitude, plus=True)} pA", size=7, color=QUIET, va="center")  # fmt: skip
    below.margins(y=0.25)
    tidy(top, keep=("left",) if is_first else ())
    tidy(below, keep=("bottom",))
    below.set_yticks([])
    if is_first:
        top.set_ylabel("membrane potential (mV)")
        below.set_xlabel("time from step (ms)", loc="left")


def _magnified(axes: Axes, story: Story, phases: Sequence[Phase]) -> None:
    """Draw the mean sweep of each phase around the holding potential, with the windows of the measure."""
    lowest, rest = math.inf, 1e3 * _rest(story, phases[0])
    width = 0.0
    for number, phase in enumerate(phases):
        t, mean, sem, width = _mean_sweep(story.session, phase)
        is_first = number == 0
        colour = story.colour(phase.stop)
        name = f"{phase.label}: {phase.condition}, mean of {len(phase.sweeps)}"
        name += "" if story.summary.phases else ", not accepted"
        axes.fill_between(t, mean - sem, mean + sem, color=colour, alpha=0.22, lw=0)
        axes.plot(t, mean, color=colour, lw=2.4 if is_first else 1.3, label=name, zorder=2 if is_first else 3)
        lowest = min(lowest, float(np.nanmin(mean[t > 0.01], initial=rest)))
    depth = max(rest - lowest, 0.5)
    axes.set_ylim(lowest - 0.10 * depth, rest + 0.45 * depth)
    axes.set_xlim(MAGNIFIED[0], t[-1])
    axes.axhline(rest, color=QUIET, lw=0.6, ls=(0, (4, 3)), zorder=1)
    axes.annotate(f"{signed(rest, 1)}", (t[-1], rest), (4, 0), textcoords="offset points", va="center", size=7.5,
                  color=QUIET)  # fmt: skip
    window(axes, "baseline", BASELINE[0] - width, BASELINE[1] - width)
    window(axes, "sAHP", 1 - AROUND, 1 + AROUND)
    axes.plot((-width, 0), (0.03, 0.03), transform=axes.get_xaxis_transform(), color=INK, lw=3, solid_capstyle="butt")
    axes.legend(loc="lower right", frameon=False, fontsize=8, labelcolor="linecolor", handlelength=1.2)
    axes.set_xlabel("time from end of step (s)")
    axes.set_ylabel("membrane potential (mV)")
    tidy(axes)
    letter(axes, "b")


def _rest(story: Story, phase: Phase) -> float:
    """Return the mean baseline of a phase, V, of all its sweeps if none of them enters means."""
    values = [value_of(s, "V_b") for s in story.numbers if s.index in phase.sweeps]
    return float(np.mean(phase.values["V_b"] or values))


def _mean_sweep(session: Session, phase: Phase) -> tuple[Numbers, Numbers, Numbers, float]:
    """Return time from the step's end (s), mean and standard error (mV) over a phase, and the step's width (s)."""
    w = mean_waveform(((session.sweep(i), 0.0) for i in phase.sweeps), block=COARSE)
    here = (w.time >= MAGNIFIED[0]) & (w.time <= MAGNIFIED[1])
    return w.time[here], 1e3 * w.mean[here], 1e3 * w.sem[here], w.step


def window(axes: Axes, name: str, start: float, stop: float) -> None:
    """Shade the time over which a measure is a mean, and name it."""
    axes.axvspan(start, stop, color=FAINT, alpha=0.55, lw=0, zorder=0)
    axes.text(0.5 * (start + stop), 1.0, name, transform=axes.get_xaxis_transform(), ha="center", va="bottom",
              size=7.5, color=QUIET)  # fmt: skip


def draw_spikes_and_currents(figure: Figure, cell: SubplotSpec, story: Story) -> None:
    """Draw example sweeps of a series over a range of currents, and spikes against current."""
    from matplotlib import colormaps

    rows = cell.subgridspec(2, 1, hspace=0.32)
    top, below = figure.add_subplot(rows[0]), figure.add_subplot(rows[1])
    by_step = {value_of(s, "I_step"): s for s in story.ranges if np.isfinite(value_of(s, "I_step"))}
    steps = sorted(by_step)
    chosen = [steps[i] for i in np.unique(np.linspace(0, len(steps) - 1, 5).round().astype(int))]
    for place, amplitude in enumerate(chosen):
        sweep = story.session.sweep(by_step[amplitude].index)
        start = sweep.command.of("step")[0].start
        shade = colormaps["viridis"](0.9 * (1 - place / max(len(chosen) - 1, 1)))
        label = f"{1e12 * amplitude:.0f} pA"
        top.plot(1e3 * (sweep.time - start / sweep.rate), 1e3 * sweep.primary, color=shade, lw=0.8, label=label)
    step = sweep.command.of("step")[0]
    top.set_xlim(-50, 1e3 * (step.stop - step.start) / sweep.rate + 100)
    top.legend(loc="upper right", frameon=False, fontsize=8, labelcolor="linecolor", handlelength=1.2)
    top.set(xlabel="time from step (ms)", ylabel="membrane potential (mV)")
    for condition in dict.fromkeys(s.condition for s in story.ranges):
        here = [s for s in story.ranges if s.condition == condition]
        x, y = np.array([(1e12 * value_of(s, "I_step"), value_of(s, "n_ap")) for s in here]).T
        colour, levels = story.colour(here[-1].start), np.unique(x)
        below.plot(x, y, "o", ms=4, mfc="white", mec=colour, mew=0.9, alpha=0.8)
        below.plot(levels, [np.nanmean(y[x == level]) for level in levels], color=colour, lw=1.6, label=condition)
    below.legend(loc="upper left", frameon=False, fontsize=8, labelcolor="linecolor", handlelength=1.2)
    below.set(xlabel="step current (pA)", ylabel="action potentials", ylim=(-0.3, None))
    for axes, name in ((top, "a"), (below, "b")):
        tidy(axes)
        letter(axes, name)


def draw_test_pulses(figure: Figure, cell: SubplotSpec, story: Story) -> None:
    """Draw the mean current of the first and the last voltage-clamp sweep around its test pulses."""
    axes = figure.add_subplot(cell)
    pulsed = {m.sweep for m in story.session.measurements if m.name == "Rs"}
    held = [s for s in story.session.sweeps if s.mode is ClampMode.VOLTAGE and s.index in pulsed]
    for info, colour in zip(dict.fromkeys((held[0], held[-1])) if held else (), (CONTROL, LATER[0]), strict=False):
        t, current = _mean_pulse(story.session.sweep(info.index))
        axes.plot(1e3 * t, current, color=colour, lw=1.2, label=f"{info.label}, {info.start / 60:.0f} min")
    axes.set(xlabel="time from test pulse (ms)", ylabel="current (pA)")
    if held:
        axes.legend(loc="lower right", frameon=False, fontsize=8, labelcolor="linecolor", handlelength=1.2)
    tidy(axes)
    letter(axes, "a")


def _mean_pulse(sweep: RecordedSweep) -> tuple[Numbers, Numbers]:
    """Return time from the pulse's onset (s) and the mean current around the complete pulses, pA."""
    pulses, current = sweep.command.of("test_pulse"), sweep.stored["primary"]
    width = pulses[0].stop - pulses[0].start
    first, stop = min(width // 5, pulses[0].start), width + width // 2
    whole = [p.start for p in pulses if p.start >= first and p.start + stop <= len(current)]
    mean = np.mean([current[s - first : s + stop].astype(float) for s in whole], axis=0)
    return np.arange(-first, stop) / sweep.rate, mean
