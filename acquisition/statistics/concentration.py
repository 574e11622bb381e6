"""Concentration-response of one compound: inhibition of the sAHP, the IC50, and whether the data determine it.

Inh = Imax / (1 + (IC50 / c)^h), per cent, least squares, in log10 of the concentration (mol/l).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from acquisition.statistics.bootstrap import FEWEST_UNITS, bca
from acquisition.statistics.cells import count
from acquisition.statistics.hill import (
    HIGHEST_TOP,
    SLOPES,
    Best,
    Sums,
    accepted,
    best,
    best_of_many,
    gains,
    highest_rss,
    shape,
)
from acquisition.statistics.inhibition import Cells, concentration_text, percent_inhibition, read
from acquisition.statistics.student import NAN, NOTHING
from acquisition.statistics.words import NOT_DETERMINED, with_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["ConcentrationResponse", "fit", "percent_inhibition"]
WIDEST = 1.5
"""Decades: a wider 95 % interval of log IC50 does not determine an IC50."""
REACHED = 0.8
"""The top is reached when the curve at the highest concentration is at least this fraction of it."""
FEWEST_CONCENTRATIONS, FEWEST_CELLS = 5, 4
"""Wanted: concentrations, and cells at each."""
FEWEST_TO_FIT = 3
"""Concentrations below which an IC50 and a top cannot be told apart."""
ON_EACH_SIDE = 2
"""Concentrations on each side of the IC50 that a free slope needs."""
STEP, COARSE_STEP = 0.005, 0.02
"""Decades between the IC50s looked at, with the slope fixed and free."""
ONE = np.ones(1)


@dataclass(frozen=True)
class ConcentrationResponse:
    """The fit of one compound. Concentrations in mol/l, inhibition in %; NaN where not determined."""

    concentrations: tuple[float, ...]
    """Different concentrations, rising."""
    means: tuple[float, ...]
    """Mean inhibition at each, %."""
    counts: tuple[int, ...]
    """Cells at each."""
    n_cells: int
    n_animals: int
    n_dropped: int
    top: float
    """Imax, %: the inhibition that no concentration exceeds; between 0 and 100."""
    top_interval: tuple[float, float]
    """95 % profile likelihood, inside 0 to 100."""
    log_ic50: float
    """log10 of mol/l. The best fit even when not `determined`; do not print it then."""
    log_ic50_interval: tuple[float, float]
    """95 % profile likelihood; infinity where it is open."""
    bootstrap_interval: tuple[float, float]
    """95 % BCa bootstrap of `log_ic50`, over animals when cells nest in animals."""
    hill: float
    hill_interval: tuple[float, float]
    """95 % profile likelihood; NaN when the slope is fixed."""
    is_hill_fixed: bool
    rss: float
    df: int
    residual_sd: float
    """%."""
    determined: bool
    reason: str
    """Why the IC50 is not determined; empty when it is."""
    bound: Literal["", "lower", "upper"]
    """What can be said when not determined: the IC50 is above ("lower") or below ("upper") `bound_value`."""
    bound_value: float
    """mol/l; NaN when `bound` is empty."""
    notes: tuple[str, ...]
    """Requirements that are not met (five concentrations, four cells at each), how the slope was treated, ..."""

    @property
    def ic50(self) -> float:
        """IC50, mol/l; NaN when not determined."""
        return float(10**self.log_ic50) if self.determined else NAN

    @property
    def ic50_interval(self) -> tuple[float, float]:
        """95 % interval of the IC50, mol/l: that of `log_ic50_interval`, 0 or infinity where it is open."""
        low, high = (float(np.power(10.0, x)) for x in self.log_ic50_interval)
        return low, high

    def inhibition(self, concentrations: ArrayLike) -> NDArray[np.float64]:
        """Return the fitted inhibition, %, at `concentrations` (n,), mol/l."""
        log_c = np.log10(np.asarray(concentrations, np.float64))
        curve: NDArray[np.float64] = shape(log_c, np.array([self.log_ic50]), np.array([self.hill]))[0, 0]
        return self.top * curve

    @property
    def text(self) -> str:
        """One sentence for a results section."""
        who = (
            f"{count(self.n_cells, 'cell')} from {count(self.n_animals, 'animal')} at "
            f"{count(len(self.concentrations), 'concentration')}"
        )
        if not self.determined:
            bound = {"": "", "lower": ", above ", "upper": ", below "}[self.bound]
            value = concentration_text(self.bound_value) if self.bound else ""
            return f"IC50 {NOT_DETERMINED}{bound}{value} ({self.reason}); {who}."
        low, high = self.ic50_interval
        slope = "fixed at 1" if self.is_hill_fixed else with_interval(self.hill, self.hill_interval)
        return (
            f"IC50 {concentration_text(self.ic50)} (95 % CI {concentration_text(low)} to {concentration_text(high)}), "
            f"Imax {with_interval(self.top, self.top_interval, unit='%')}, slope {slope}; {who}."
        )


def fit(
    concentrations: ArrayLike,
    inhibition: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    seed: int = 0,
    resamples: int = 2000,
) -> ConcentrationResponse:
    """Fit one compound: `concentrations` (n,), mol/l, above 0; `inhibition` (n,), %, one value per cell.

    The slope is fixed at 1 unless at least five concentrations were tested, two on each side of the IC50.
    `clusters` names the animal of each cell.

    Raises
    ------
    Refused
        The arrays differ in length, or a concentration is not above 0.
    """
    cells = read(concentrations, inhibition, clusters)
    if cells.sums.n_cells == 0 or len(cells.sums.log_c) < FEWEST_TO_FIT:
        return _unfitted(cells, f"{count(len(cells.sums.log_c), 'concentration')}; {FEWEST_TO_FIT} are the fewest")
    fixed = best(cells.sums, cells.sums.grid(STEP), ONE)
    is_free = _spans(cells.sums.log_c, fixed.log_ic50)
    slopes, step = (SLOPES, COARSE_STEP) if is_free else (ONE, STEP)
    x = cells.sums.grid(step)
    found = best(cells.sums, x, slopes) if is_free else fixed
    df = cells.sums.n_cells - (3 if is_free else 2)
    if df < 1:
        return _unfitted(cells, "there are no more cells than parameters")
    if found.top == 0:
        return _unfitted(cells, "nothing was blocked at any concentration")
    intervals = _profiles(cells.sums, found, x, slopes, highest_rss(found.rss, df))
    drawn = _bootstrap(cells, x, slopes, seed, resamples)
    return _judged(cells, found, df, intervals, drawn, is_free)


@dataclass(frozen=True)
class _Intervals:
    log_ic50: tuple[float, float]
    top: tuple[float, float]
    hill: tuple[float, float]


NO_FIT = Best(NAN, NAN, NAN, NAN)
NO_INTERVALS = _Intervals(NOTHING, NOTHING, NOTHING)


def _spans(log_c: NDArray[np.float64], log_ic50: float) -> bool:
    """Say whether the concentrations can tell a slope."""
    sides = np.count_nonzero(log_c < log_ic50), np.count_nonzero(log_c > log_ic50)
    return len(log_c) >= FEWEST_CONCENTRATIONS and bool(min(sides) >= ON_EACH_SIDE)


def _profiles(sums: Sums, found: Best, x: NDArray[np.float64], slopes: NDArray[np.float64], limit: float) -> _Intervals:
    """Return the profile intervals: for each value of one parameter, the best of the others."""
    x = np.union1d(x, [found.log_ic50])
    slopes = np.union1d(slopes, [found.hill])
    curve = shape(sums.log_c, x, slopes)
    rss = sums.squares - gains(curve, sums.n, sums.total)[0]
    tops = np.union1d(np.linspace(0, HIGHEST_TOP, 501), [found.top])
    with_data, own = (np.tensordot(a, b, (-1, -1)) for a, b in ((sums.total, curve), (sums.n, curve**2)))
    by_top = np.array([sums.squares - float((2 * top * with_data - top**2 * own).max()) for top in tops])
    low, high = accepted(tops, by_top, limit)
    hill = accepted(slopes, rss.min(axis=1), limit) if len(slopes) > 1 else NOTHING
    return _Intervals(
        accepted(x, rss.min(axis=0), limit),
        (max(low, 0.0), min(high, HIGHEST_TOP)),
        (max(hill[0], 0.0), hill[1]) if len(slopes) > 1 else NOTHING,
    )


def _bootstrap(
    cells: Cells, x: NDArray[np.float64], slopes: NDArray[np.float64], seed: int, resamples: int
) -> tuple[float, float]:
    """Return the BCa interval of log IC50: animals drawn at each concentration, or over all if they span several."""
    sums, nested = cells.sums, cells.nested
    at = np.eye(len(sums.log_c))[cells.place]
    by_concentration = [np.unique(nested.unit[cells.place == j]) for j in range(len(sums.log_c))]
    spans = sum(len(units) for units in by_concentration) > nested.n_units
    too_few = min(len(units) for units in by_concentration) < FEWEST_UNITS
    groups = [np.arange(nested.n_units)] if spans or too_few else by_concentration

    def log_ic50(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return best_of_many(sums.log_c, x, slopes, weights @ at, weights @ (at * cells.inhibition[:, None]))

    low, high = bca(log_ic50, nested.unit, groups, seed=seed, resamples=resamples)
    return (-math.inf if low <= x[0] else low), (math.inf if high >= x[-1] else high)


def _judged(
    cells: Cells, found: Best, df: int, intervals: _Intervals, drawn: tuple[float, float], is_free: bool
) -> ConcentrationResponse:
    """Return the fit, and whether it determines the IC50."""
    log_c = cells.sums.log_c
    reached = float(shape(log_c[-1:], np.array([found.log_ic50]), np.array([found.hill]))[0, 0, 0])
    low, high = intervals.log_ic50
    reason = _reason(cells, intervals, drawn, reached)
    bound: Literal["", "lower", "upper"] = ""
    if reason and math.isfinite(low) and (reached < REACHED or not math.isfinite(high)):
        bound = "lower"
    elif reason and math.isfinite(high) and not math.isfinite(low):
        bound = "upper"
    slope = (
        "free: the concentrations span both sides of the IC50"
        if is_free
        else f"fixed at 1: a free one needs {FEWEST_CONCENTRATIONS} concentrations, {ON_EACH_SIDE} on each side of it"
    )
    return _result(
        cells,
        found=found,
        df=df,
        intervals=intervals,
        bootstrap_interval=drawn,
        is_hill_fixed=not is_free,
        reason=reason,
        bound=bound,
        bound_value=10 ** (low if bound == "lower" else high) if bound else NAN,
        notes=(f"slope {slope}",),
    )


def _reason(cells: Cells, intervals: _Intervals, drawn: tuple[float, float], reached: float) -> str:
    """Say why the IC50 is not determined; empty if it is."""
    low, high = intervals.log_ic50
    if intervals.top[0] <= 0:
        return f"the data fit no inhibition as well as one of up to {intervals.top[1]:.0f} %"
    if reached < REACHED:
        return f"the top is not reached: the highest concentration gives {100 * reached:.0f} % of it"
    if not high - low <= WIDEST:
        return f"the 95 % interval of log IC50 is {_width(low, high)}; {WIDEST:g} decades is the most"
    if cells.nested.is_nested and not drawn[1] - drawn[0] <= WIDEST:
        over_animals = _width(*drawn)
        return f"the 95 % bootstrap interval of log IC50 over animals is {over_animals}; {WIDEST:g} decades is the most"

    return ""


def _width(low: float, high: float) -> str:
    if math.isnan(high - low):
        return NOT_DETERMINED
    if math.isfinite(high - low):
        return f"{high - low:.1f} decades wide, {concentration_text(10**low)} to {concentration_text(10**high)}"
    return "open below" if math.isfinite(high) else "open above" if math.isfinite(low) else "open on both sides"


def _notes(cells: Cells) -> tuple[str, ...]:
    """Say which requirements are not met."""
    sums, n = cells.sums, len(cells.sums.log_c)
    thin = [concentration_text(10**c) for c, k in zip(sums.log_c, sums.n, strict=True) if k < FEWEST_CELLS]
    conditions = [
        (cells.dropped > 0, f"{count(cells.dropped, 'cell')} left out: a value is missing"),
        (n < FEWEST_CONCENTRATIONS, f"{count(n, 'concentration')}, fewer than {FEWEST_CONCENTRATIONS}"),
        (len(thin) > 0, f"fewer than {FEWEST_CELLS} cells at {', '.join(thin)}"),
        (
            cells.nested.is_nested,
            f"{count(sums.n_cells, 'cell')} come from {count(cells.nested.n_units, 'animal')}: the profile interval "
            "counts cells as independent, the bootstrap draws animals",
        ),
    ]
    return tuple(text for holds, text in conditions if holds)


def _unfitted(cells: Cells, reason: str) -> ConcentrationResponse:
    """Return the result of data to which no curve can be fitted."""
    return _result(cells, reason=reason)


def _result(
    cells: Cells,
    *,
    reason: str,
    found: Best = NO_FIT,
    df: int = 0,
    intervals: _Intervals = NO_INTERVALS,
    bootstrap_interval: tuple[float, float] = NOTHING,
    is_hill_fixed: bool = True,
    bound: Literal["", "lower", "upper"] = "",
    bound_value: float = NAN,
    notes: tuple[str, ...] = (),
) -> ConcentrationResponse:
    sums = cells.sums
    return ConcentrationResponse(
        concentrations=tuple(float(10**c) for c in sums.log_c),
        means=tuple((sums.total / sums.n).tolist()),
        counts=tuple(sums.n.astype(int).tolist()),
        n_cells=sums.n_cells,
        n_animals=cells.nested.n_units,
        n_dropped=cells.dropped,
        top=found.top,
        top_interval=intervals.top,
        log_ic50=found.log_ic50,
        log_ic50_interval=intervals.log_ic50,
        bootstrap_interval=bootstrap_interval,
        hill=found.hill,
        hill_interval=intervals.hill,
        is_hill_fixed=is_hill_fixed,
        rss=found.rss,
        df=df,
        residual_sd=math.sqrt(found.rss / df) if df > 0 else NAN,
        determined=not reason,
        reason=reason,
        bound=bound,
        bound_value=bound_value,
        notes=(*_notes(cells), *notes),
    )
