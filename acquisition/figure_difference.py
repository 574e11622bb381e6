"""Panel c of the review figure: the mean sweep of each later phase minus that of the baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquisition.analysis.mean_waveform import difference_between
from acquisition.difference import phase_mean
from acquisition.figure_story import FAINT, QUIET, Story, letter, tidy
from protocols.measures import HALF_WINDOW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from acquisition.analysis.phases import Phase
    from acquisition.figure_story import Numbers

AFTER_STEP = 0.010
"""Seconds after the step's end from which the difference is drawn: before, spikes that moved by a fraction of a
millisecond would fill the panel."""
COARSE = 10
"""Blocks of the mean waveform that are drawn as one, 10 ms."""


def draw_difference(axes: Axes, story: Story, phases: Sequence[Phase]) -> None:
    """Draw the difference waveform of each later phase, with its standard error."""
    control, *later = (phase_mean(story.session, p) for p in phases)
    for phase, mean in zip(phases[1:], later, strict=True):
        d = difference_between(control, mean)
        t, difference, sem = (_thinned(x) for x in (d.time, 1e3 * d.difference, 1e3 * d.sem))
        colour = story.colour(phase.stop)
        for part in (t < -d.step, t > AFTER_STEP):
            axes.fill_between(
                t[part], (difference - sem)[part], (difference + sem)[part], color=colour, alpha=0.22, lw=0
            )
        shown = np.where((t < -d.step) | (t > AFTER_STEP), difference, np.nan)
        axes.plot(t, shown, color=colour, lw=1.3, label=f"{phase.label} \u2212 {phases[0].label}")
    axes.axhline(0, color=QUIET, lw=0.6, ls=(0, (4, 3)), zorder=1)
    axes.axvspan(1 - HALF_WINDOW, 1 + HALF_WINDOW, color=FAINT, alpha=0.55, lw=0, zorder=0)
    axes.legend(loc="upper right", frameon=False, fontsize=8, labelcolor="linecolor", handlelength=1.2, ncols=2)
    axes.set_xlabel("time from end of step (s)")
    axes.set_ylabel("difference (mV)")
    tidy(axes)
    letter(axes, "c")


def _thinned(x: Numbers) -> Numbers:
    """Return the means of ten neighbours each, (n,) to (n // 10,)."""
    n = len(x) // COARSE
    means: Numbers = x[: n * COARSE].reshape(n, COARSE).mean(axis=1)
    return means
