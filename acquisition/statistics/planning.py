"""How many cells are needed: power of a paired design and of drug against vehicle, from coefficients of variation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from acquisition.statistics.student import NAN
from protocols.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_CELLS = 1_000_000


def power(n: int, effect: float, sd: float, *, alpha: float = 0.05) -> float:
    """Return the power of a two-sided paired t test with `n` cells; NaN with fewer than two.

    `effect` is the mean change and `sd` the SD of the changes between cells, in the same unit (or both in %).

    Raises
    ------
    Refused
        `sd` or `alpha` cannot be.
    """
    from statsmodels.stats.power import TTestPower

    _check(sd, alpha)
    return float(TTestPower().power(abs(effect) / sd, n, alpha, alternative="two-sided")) if n >= 2 else NAN


def cells_needed(effect: float, sd: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """Return the fewest cells with which a two-sided paired t test has `power`.

    Raises
    ------
    Refused
        There is no such number: no effect, or a power that no number of cells reaches.
    """
    return _fewest(lambda n: paired_power(n, effect, sd, alpha=alpha), effect, power)


def power_against_vehicle(n_drug: int, n_vehicle: int, effect: float, sd: float, *, alpha: float = 0.05) -> float:
    """Return the power of the difference in differences: `effect` between groups of changes with SD `sd` each.

    Raises
    ------
    Refused
        `sd` or `alpha` cannot be.
    """
    from statsmodels.stats.power import TTestIndPower

    _check(sd, alpha)
    if min(n_drug, n_vehicle) < 2:
        return NAN
    ratio = n_vehicle / n_drug
    return float(TTestIndPower().power(abs(effect) / sd, n_drug, alpha, ratio=ratio, alternative="two-sided"))


def cells_needed_against_vehicle(effect: float, sd: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """Return the fewest cells in each of two equal groups with which the difference in differences has `power`.

    Raises
    ------
    Refused
        There is no such number: no effect, or a power that no number of cells reaches.
    """
    return _fewest(lambda n: power_against_vehicle(n, n, effect, sd, alpha=alpha), effect, power)


def sd_of_change(cv: float, correlation: float, *, mean: float = 1.0, remaining: float = 1.0) -> float:
    """Return the SD of after minus before, in the unit of `mean`.

    `cv` is the coefficient of variation between cells, the same before and after; `correlation` that of before with
    after; `remaining` the mean after as a fraction of the mean before.

    >>> round(sd_of_change(0.38, 0.9, mean=4.0), 2)  # mV; amplitude of aging CA1 cells
    0.68
    """
    before, after = cv * abs(mean), cv * abs(mean * remaining)
    return math.sqrt(before**2 + after**2 - 2 * correlation * before * after)


paired_power = power


def _fewest(power_of: Callable[[int], float], effect: float, wanted: float) -> int:
    """Return the fewest cells with which `power_of` is at least `wanted`; power rises with cells."""
    if not effect or not 0 < wanted < 1:
        msg = f"no number of cells has power {wanted:g} for an effect of {effect:g}: the effect must not be 0 and the "
        raise Refused(msg + "power must lie between 0 and 1")
    enough = 2
    while not power_of(enough) >= wanted:
        if enough > MOST_CELLS:
            msg = f"more than {MOST_CELLS} cells would be needed; the effect is too small for its SD"
            raise Refused(msg)
        enough *= 2
    too_few = enough // 2
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        too_few, enough = (too_few, middle) if power_of(middle) >= wanted else (middle, enough)
    return enough


def _check(sd: float, alpha: float) -> None:
    if not (sd > 0 and math.isfinite(sd)):
        msg = f"the SD of the changes must be above 0, not {sd:g}"
        raise Refused(msg)
    if not 0 < alpha < 1:
        msg = f"alpha must lie between 0 and 1, not {alpha:g}"
        raise Refused(msg)
