"""Standardised effect sizes with intervals from the noncentral t distribution.

Correction for bias: Hedges 1981, J Educ Stat 6:107, the exact gamma function, not its approximation. Intervals:
Cumming & Finch 2001, Educ Psychol Meas 61:532; for the average SD Algina & Keselman 2003, Educ Psychol Meas 63:537.
They are intervals of the population's effect, so that the correction is for the estimate alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisition.statistics.student import NAN, NOTHING, spread

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class EffectSize:
    """An effect in standard deviations."""

    value: float
    interval: tuple[float, float]
    """95 % interval of `value`."""


UNKNOWN = EffectSize(NAN, NOTHING)


def d_z(differences: NDArray[np.float64]) -> EffectSize:
    """Return the mean of `differences` (n,) over their SD, uncorrected for bias (Lakens 2013, Front Psychol 4:863)."""
    n, sd = len(differences), spread(differences)
    if not sd > 0:
        return UNKNOWN
    value = float(differences.mean()) / sd
    root = math.sqrt(n)
    low, high = noncentrality(value * root, n - 1.0)
    return EffectSize(value, (low / root, high / root))


def g_av(before: NDArray[np.float64], after: NDArray[np.float64]) -> EffectSize:
    """Return the mean difference of pairs (n,) over the average SD, sqrt((s1^2 + s2^2) / 2), corrected for bias.

    The average of the variances (Cumming 2012, Understanding the New Statistics, eq. 11.10) and not of the SDs
    (Lakens 2013), because its distribution is known: the correction uses its degrees of freedom,
    (n - 1) (s1^2 + s2^2)^2 / (s1^4 + s2^4 + 2 s12^2), which are 2 (n - 1) / (1 + r^2) for equal variances
    (Cousineau 2020, Quant Methods Psychol 16:418). The interval is that of Algina & Keselman.
    """
    n = len(before)
    sd_before, sd_after, sd = spread(before), spread(after), spread(after - before)
    average = math.sqrt((sd_before**2 + sd_after**2) / 2)
    if not (average > 0 and sd > 0):
        return UNKNOWN
    shared = float(np.cov(before, after)[0, 1])
    df = (n - 1) * (2 * average**2) ** 2 / (sd_before**4 + sd_after**4 + 2 * shared**2)
    correction = unbiased(df)
    difference = float((after - before).mean())
    low, high = noncentrality(difference * math.sqrt(n) / sd, n - 1.0)
    per_t = sd / (average * math.sqrt(n))
    return EffectSize(correction * difference / average, (low * per_t, high * per_t))


def g(first: NDArray[np.float64], second: NDArray[np.float64]) -> EffectSize:
    """Return Hedges' g: the mean of `first` (n,) minus that of `second` (m,) over the pooled SD, corrected for bias."""
    n, m = len(first), len(second)
    if min(n, m) < 2:
        return UNKNOWN
    df = n + m - 2
    pooled = math.sqrt(((n - 1) * spread(first) ** 2 + (m - 1) * spread(second) ** 2) / df)
    if not pooled > 0:
        return UNKNOWN
    correction, per_t = unbiased(df), math.sqrt(1 / n + 1 / m)
    d = float(first.mean() - second.mean()) / pooled
    low, high = noncentrality(d / per_t, df)
    return EffectSize(correction * d, (low * per_t, high * per_t))


def unbiased(df: float) -> float:
    """Return Hedges' factor J: gamma(df / 2) / (sqrt(df / 2) gamma((df - 1) / 2)); NaN below 2 degrees of freedom."""
    if df < 2 * (1 - 1e-9):
        return NAN
    return math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)


def noncentrality(t: float, df: float) -> tuple[float, float]:
    """Return the 95 % interval of the noncentrality of a t distribution of which `t` was drawn."""
    from scipy.optimize import brentq
    from scipy.stats import nct

    # beyond this the noncentral t is out of reach of double precision; an effect of that size needs no interval
    if not math.isfinite(t) or abs(t) > 100:
        return NOTHING
    size = abs(t)
    reach = 10 * (1 + size / math.sqrt(2 * df))

    def excess(c: float, level: float) -> float:
        chance = float(nct.cdf(size, df, c))
        # scipy gives NaN where the chance is 0 or 1 to all digits
        return (float(c < size) if math.isnan(chance) else chance) - level

    try:
        low, high = (float(brentq(excess, size - reach, size + reach, args=(p,), xtol=1e-10)) for p in (0.975, 0.025))
    except ValueError:
        return NOTHING
    return (low, high) if t >= 0 else (-high, -low)
