"""Power against the number of cells, by drawing studies from the virtual cells, and by the noncentral t beside it.

The cells are those that ended with a usable result. Within cells: a paired t test of the cells that got the drug.
Against vehicle: Welch's t test of the changes, as many cells in each group. Both two-sided at 5 %.

Drawing is what counts: amplitudes of the slow AHP are skewed between cells, as in tissue, and from their SD the formula
tells too little power (with the published spread 89 % where 97 % of studies find the effect).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.statistics.student import spread

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Drawing = Callable[[np.random.Generator, int], Numbers]
    """From a generator and a number of studies to the power, (numbers of cells,)."""

ALPHA, WANTED = 0.05, 0.8
FEWEST, MOST = 3, 40
"""Cells, in each group, for which the curve is made."""
LEAST_CELLS, FEW = 10, 20
"""Virtual cells in a group below which no number of cells is told, and below which it is told with a warning."""
DRAWS = 4000
"""Studies that are drawn: a power of 0.8 is then known to 0.6 points (SE)."""
POPULATIONS, FEWER = 100, 400
"""Populations that are drawn for the band, and studies of each: what the number of virtual cells leaves open."""
SEED = 0
LEAST = 1e-75
"""In place of an SD of 0, whose squares can still be divided by."""
CERTAIN = 30.0
"""Noncentrality beyond which the power is 1 to the last digit, and the distribution's series do not converge."""


class Comparison(StrEnum):
    """What would be tested."""

    PAIRED = "drug, within cells"
    AGAINST = "drug against vehicle"
    RUN_DOWN = "vehicle, within cells"
    """How often a study without vehicle cells would find an effect that the drug does not have."""
    NOTHING = "vehicle against vehicle"
    """False positives; 5 % if the test keeps its promise."""


@dataclass(frozen=True)
class Curve:
    """Power of one test of one measure; arrays are (numbers of cells,)."""

    test: Comparison
    cells: NDArray[np.int64]
    """In each group."""
    drawn: Numbers
    """Share of studies of so many virtual cells, drawn with replacement, with p < 0.05."""
    low: Numbers
    high: Numbers
    """95 % band of `drawn`: other virtual cells of the same number would give another curve."""
    formula: Numbers
    """By the noncentral t from mean and SD, as if changes were normal."""
    needed: int | None
    """Fewest cells in each group with a power of 0.8; None beyond 40 and of too few cells. 3 may stand for fewer."""
    needed_interval: tuple[int | None, int | None]
    """The same for the band's upper and lower end."""
    of: int
    """Virtual cells that it is drawn from, in the smaller group."""

    @property
    def is_too_few(self) -> bool:
        """Whether these cells are too few to tell a number of cells: a band of four values is no 95 % band."""
        return self.of < LEAST_CELLS

    def at(self, cells: int) -> tuple[float, float]:
        """Return the power with so many cells: by drawing, and by the formula."""
        i = int(np.flatnonzero(self.cells == cells)[0])
        return float(self.drawn[i]), float(self.formula[i])


def curves(drug: Numbers, vehicle: Numbers) -> tuple[Curve, ...]:
    """Return the curves of every test that the cells allow.

    Parameters
    ----------
    drug, vehicle
        Change of each cell, (cells,), in one unit; fewer than three cells give no curve.
    """
    enough = [len(x) >= FEWEST for x in (drug, vehicle)]
    out = []
    if enough[0]:
        out.append(_within(Comparison.PAIRED, drug))
    if all(enough):
        out.append(_between(Comparison.AGAINST, drug, vehicle))
    if enough[1]:
        out += [_within(Comparison.RUN_DOWN, vehicle), _between(Comparison.NOTHING, vehicle, vehicle)]
    return tuple(out)


# --- by the formula ---------------------------------------------------------------------------------------------------


def paired_power(cells: NDArray[np.int64], effect: float, sd: float) -> Numbers:
    """Return the power of a two-sided paired t test with `cells` (n,) each; noncentral t, Cohen (1988), ch. 2.

    `effect` is the mean change and `sd` the SD of the changes between cells.
    """
    return _power(effect / (sd / np.sqrt(cells)), cells - 1.0)


def welch_power(cells: NDArray[np.int64], effect: float, sd_first: float, sd_second: float) -> Numbers:
    """Return the power of Welch's two-sided test with `cells` (n,) in each group.

    Noncentral t with the degrees of freedom of Welch (1947) at the population's SDs.
    """
    a, b = sd_first**2 / cells, sd_second**2 / cells
    return _power(effect / np.sqrt(a + b), (a + b) ** 2 / ((a**2 + b**2) / (cells - 1.0)))


def _power(noncentrality: NDArray[Any], df: NDArray[Any]) -> Numbers:
    from scipy.stats import nct, t

    size = np.minimum(np.abs(noncentrality), CERTAIN)
    limit = t.ppf(1 - ALPHA / 2, df)
    found: NDArray[Any] = nct.sf(limit, df, size) + nct.cdf(-limit, df, size)
    # of few cells and a large effect the upper tail alone is asked for beyond what its series can do
    return np.where((np.abs(noncentrality) >= CERTAIN) | ~np.isfinite(found), 1.0, np.clip(found, 0.0, 1.0))


# --- by drawing -------------------------------------------------------------------------------------------------------


def drawn_within(changes: Numbers, random: np.random.Generator, studies: int) -> Numbers:
    """Return the share of `studies` of 3 to 40 cells out of `changes` (cells,) whose paired t test has p < 0.05.

    Each study goes on from 3 to 40 cells, so that neighbours on the curve share their cells.
    """
    from scipy.special import stdtrit

    mean, variance = _growing(changes, random, studies)
    n = _numbers()
    limit = stdtrit(n - 1.0, 1 - ALPHA / 2)
    return _share(np.abs(mean) > limit * np.sqrt(variance / n))


def drawn_between(first: Numbers, second: Numbers, random: np.random.Generator, studies: int) -> Numbers:
    """Return the share of `studies` of 3 to 40 cells of each group whose Welch test has p < 0.05."""
    from scipy.special import stdtr

    n = _numbers()
    (mean_a, var_a), (mean_b, var_b) = (_growing(x, random, studies) for x in (first, second))
    a, b = var_a / n, var_b / n
    varies = a + b > 0
    df = np.divide((a + b) ** 2 * (n - 1), a**2 + b**2, out=np.ones_like(a), where=varies)
    t = np.divide(mean_a - mean_b, np.sqrt(a + b), out=np.zeros_like(a), where=varies)
    return _share(2 * stdtr(df, -np.abs(t)) < ALPHA)


def _share(found: NDArray[np.bool_]) -> Numbers:
    """Return the share of studies, (numbers of cells,), of `found` (studies, numbers of cells)."""
    share: Numbers = found.mean(axis=0)
    return share


def _growing(values: Numbers, random: np.random.Generator, studies: int) -> tuple[Numbers, Numbers]:
    """Return mean and variance of the first 3 to 40 cells of each study, both (studies, numbers of cells)."""
    middle = values.mean()  # taken off, so that the sums of squares lose no digits
    drawn, n = random.choice(values - middle, (studies, MOST)), _numbers()
    total, squares = (np.cumsum(drawn**k, axis=1)[:, FEWEST - 1 :] for k in (1, 2))
    variance = np.maximum(squares - total**2 / n, 0.0) / (n - 1)
    scale = np.abs(values - middle).max() ** 2
    return total / n + middle, np.where(variance <= 1e-13 * scale, 0.0, variance)


def _numbers() -> NDArray[np.int64]:
    return np.arange(FEWEST, MOST + 1)


# --- curves -----------------------------------------------------------------------------------------------------------


def _within(test: Comparison, changes: Numbers) -> Curve:
    formula = paired_power(_numbers(), float(changes.mean()), _sd(changes))
    return _curve(
        test,
        lambda random, n: drawn_within(changes, random, n),
        lambda random, n: drawn_within(_again(changes, random), random, n),
        formula,
        len(changes),
    )


def _between(test: Comparison, first: Numbers, second: Numbers) -> Curve:
    """Return the curve of Welch's test; of one group against itself there is no effect."""
    effect = 0.0 if test is Comparison.NOTHING else float(first.mean() - second.mean())

    def again(random: np.random.Generator, n: int) -> Numbers:
        a = _again(first, random)
        return drawn_between(a, a if test is Comparison.NOTHING else _again(second, random), random, n)

    return _curve(
        test,
        lambda random, n: drawn_between(first, second, random, n),
        again,
        welch_power(_numbers(), effect, _sd(first), _sd(second)),
        min(len(first), len(second)),
    )


def _curve(test: Comparison, draw: Drawing, again: Drawing, formula: Numbers, of: int) -> Curve:
    """Put a curve together; `draw` draws from the `of` virtual cells, `again` from as many drawn from them."""
    random = np.random.default_rng(SEED)
    drawn = draw(random, DRAWS)
    low, high = np.percentile([again(random, FEWER) for _ in range(POPULATIONS)], (2.5, 97.5), axis=0)
    is_planned = test in (Comparison.PAIRED, Comparison.AGAINST) and of >= LEAST_CELLS
    needed, fewest, most = (_needed(power) if is_planned else None for power in (drawn, high, low))
    return Curve(test, _numbers(), drawn, low, high, formula, needed, (fewest, most), of)


def _needed(power: Numbers) -> int | None:
    enough = np.flatnonzero(power >= WANTED)
    return int(_numbers()[enough[0]]) if len(enough) else None


def _again(values: Numbers, random: np.random.Generator) -> Numbers:
    """Return as many cells drawn with replacement."""
    return random.choice(values, len(values))


def _sd(values: Numbers) -> float:
    """Return the SD, of equal values the least that can be divided by."""
    return max(spread(values), LEAST)
