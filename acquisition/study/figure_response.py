"""Concentration-response of one compound, or that it is not determined."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquisition.figure_story import INK, LATER, QUIET, tidy
from acquisition.statistics.student import one_sample
from acquisition.study.curve_band import band
from acquisition.study.drawing import interval_bar, wrapped
from acquisition.study.measures import concentration_interval, concentration_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from acquisition.study.models import Response

COLOUR = LATER[1]


def response_figure(response: Response) -> Figure:
    """Return the figure of one compound; the curve is drawn only where an IC50 is determined."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.4, 3.3), dpi=150, facecolor="none")
    axes = figure.add_axes((0.16, 0.16, 0.81, 0.78))
    x, y = np.array(response.concentrations), np.array(response.inhibition)
    span = 10.0 ** np.linspace(np.log10(x.min()) - 0.4, np.log10(x.max()) + 0.4, 200)
    _cells(axes, x, y)
    if response.fit.determined:
        axes.fill_between(span, *band(response, span), color=COLOUR, alpha=0.18, lw=0, zorder=1)
        axes.plot(span, response.fit.inhibition(span), color=COLOUR, lw=1.8, zorder=3)
        axes.axvline(response.fit.ic50, ymax=0.8, color=QUIET, lw=0.7, ls=(0, (4, 3)), zorder=0)
    axes.axhline(0, color=QUIET, lw=0.6, ls=(0, (4, 3)), zorder=0)
    axes.set_xscale("log")
    axes.set_xlim(span[0], span[-1])
    _ticks(axes, np.unique(x))
    axes.set_xlabel(f"{response.compound}")
    corrected = "corrected for run-down of vehicle cells" if response.is_corrected else "not corrected for run-down"
    axes.set_ylabel(f"inhibition of the sAHP at 1 s (%)\n{corrected}")
    tidy(axes)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -5.0), max(high + 0.3 * (high - low), 60.0))
    _words(axes, response)
    return figure


def _cells(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    for concentration in np.unique(x):
        here = np.sort(y[x == concentration])
        spread = 10.0 ** np.linspace(-0.05, 0.05, len(here)) if len(here) > 1 else np.ones(1)
        axes.plot(concentration * spread, here, "o", color=COLOUR, ms=3.2, mew=0, alpha=0.6, zorder=2)
        test = one_sample(here)
        interval_bar(axes, concentration, test.estimate, test.interval, INK)


def _ticks(axes: Axes, concentrations: np.ndarray) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    axes.xaxis.set_major_locator(FixedLocator(list(map(float, concentrations))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([concentration_text(c) for c in concentrations])


def _words(axes: Axes, response: Response) -> None:
    """Say the IC50 with its interval, or that and why there is none."""
    fit = response.fit
    if fit.determined:
        ends = " to ".join(f"{x:.0f}" for x in fit.top_interval)
        lines = [
            f"IC50 {concentration_text(fit.ic50)} ({concentration_interval(fit.ic50_interval, fit.ic50)})",
            f"Imax {fit.top:.0f} % ({ends} %)",
        ]
    else:
        lines = ["IC50 not determined:", wrapped(fit.reason, 44)]
    axes.text(0.02, 0.98, "\n".join(lines), transform=axes.transAxes, ha="left", va="top", size=8, color=INK)
