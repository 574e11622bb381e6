"""What the report's figures have in common: colours, manners, and the bootstrap's distribution to be drawn."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from acquisition.figure_story import CONTROL, LATER
from acquisition.study.measures import concentration_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from acquisition.study.design import Design, Group, Member

    Numbers = NDArray[np.float64]

WIDTH = 7.2
"""Inches: two columns of a journal's page."""
DRAWN = 4000
"""Resamples that make a drawn distribution; intervals have their own."""
SEED = 0
SMOOTH = 0.4
"""Bandwidth in SDs: few animals give few different means, whose comb of peaks would mean nothing."""


def colours(design: Design) -> dict[str, str]:
    """Return group -> colour: grey for vehicle, Okabe and Ito's for the others."""
    others = [g.name for g in design.groups if not g.is_vehicle]
    made = {name: LATER[i % len(LATER)] for i, name in enumerate(others)}
    return made | {g.name: CONTROL for g in design.groups if g.is_vehicle}


def wrapped(name: str, width: int = 15) -> str:
    """Return a group's name on several lines."""
    return "\n".join(textwrap.wrap(name, width, break_long_words=False)) or name


def short_names(design: Design) -> dict[str, str]:
    """Return group -> name for a narrow axis: the concentration alone, where there is one compound only."""
    tested = [g for g in design.groups if not g.is_vehicle]
    alone = len({g.compound for g in tested}) == 1 and len({g.concentration for g in tested}) == len(tested) > 1
    names = {g.name: concentration_text(g.concentration) if alone and g.concentration else g.name for g in tested}
    return {g.name: names.get(g.name, g.name) for g in design.groups}


def numbers(group: Group) -> str:
    """Return 'cells / animals', or the number of virtual cells."""
    if all(m.cell.is_virtual for m in group.accepted):
        return str(len(group.accepted))
    return f"{len(group.accepted)} / {len(group.animals)}"


def drawn_means(values: Numbers, members: Sequence[Member]) -> Numbers:
    """Return the means of `values` (cells,) in resamples of whole animals, to be drawn as a distribution."""
    names = np.array([m.cell.animal for m in members])
    animals = np.unique(names)
    random = np.random.default_rng(SEED)
    of_animal = (names[None, :] == animals[:, None]).astype(float)
    drawn = random.multinomial(len(animals), np.full(len(animals), 1 / len(animals)), size=DRAWN)
    weights = drawn @ of_animal
    means: Numbers = (weights @ values) / weights.sum(axis=1)
    return means


def half_violin(axes: Axes, at: float, means: Numbers, colour: str, *, width: float = 0.32) -> None:
    """Draw the distribution of `means` to the right of `at`."""
    if len(means) < 2 or np.ptp(means) < 1e-12 * (np.abs(means).max() or 1.0):
        return
    from scipy.stats import gaussian_kde

    low, high = np.percentile(means, (0.1, 99.9))
    y = np.linspace(low, high, 120)
    density = gaussian_kde(means, bw_method=SMOOTH)(y)
    x = at + width * density / density.max()
    axes.fill_betweenx(y, at, x, color=colour, alpha=0.28, lw=0, zorder=1)


def interval_bar(axes: Axes, at: float, estimate: float, ends: tuple[float, float], colour: str) -> None:
    """Draw an estimate with its interval as a bar."""
    if np.all(np.isfinite(ends)):
        axes.plot((at, at), ends, color=colour, lw=2.2, solid_capstyle="butt", zorder=4)
    axes.plot(at, estimate, "o", ms=5.5, mfc=colour, mec="none", zorder=5)
