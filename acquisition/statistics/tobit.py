"""The paired Tobit model: durations before and after a drug, either of which may outlast its sweep.

Before and after are a pair of normal variables; a censored one is known to lie above its bound. Modelling both, and
not their difference alone, matters: how soon a difference is censored depends on the value before, and so does the
difference itself, which would bias its mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from acquisition.statistics.cells import columns, count
from acquisition.statistics.student import NAN, NOTHING, spread
from acquisition.statistics.words import NOT_DETERMINED, p_text, with_interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

FEWEST_PAIRS = 3
"""Pairs observed on both sides, below which the covariance of before and after cannot be estimated."""
SEARCH = 30.0
"""How far from the estimate, in SDs, the end of an interval is looked for before it is called open."""


@dataclass(frozen=True)
class PairedTobit:
    """After minus before, of durations either of which may be censored."""

    n_cells: int
    n_censored_before: int
    n_censored_after: int
    n_dropped: int
    mean_before: float
    mean_after: float
    """Maximum likelihood estimates, not averages of the observed values."""
    difference: float
    interval: tuple[float, float]
    """95 % profile likelihood; infinity where it is open. Equal to the paired t interval when nothing is censored."""
    p: float
    """Likelihood ratio against no difference, equal to the paired t test when nothing is censored."""
    sd_difference: float
    correlation: float
    """Between before and after."""
    determined: bool
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """One sentence for a results section, in the unit of the input."""
        return self.sentence()

    def sentence(self, *, scale: float = 1.0, unit: str = "") -> str:
        """Return `text` with values multiplied by `scale` and followed by `unit`."""
        who = (
            f"{count(self.n_cells, 'cell')}, {self.n_censored_before} censored before and {self.n_censored_after} after"
        )
        if not self.determined:
            return f"Mean difference (paired Tobit) {NOT_DETERMINED}; {who}."
        shown = with_interval(self.difference, self.interval, scale=scale, unit=unit)
        return f"Mean difference (paired Tobit) {shown}, {p_text(self.p)}; {who}."


def paired_tobit(
    before: ArrayLike, after: ArrayLike, *, before_censored: ArrayLike, after_censored: ArrayLike
) -> PairedTobit:
    """Estimate the mean of after minus before, all (n,), where censored values are lower bounds.

    Raises
    ------
    Refused
        The arrays differ in length.
    """
    x, y, x_open, y_open = columns(
        before=before,
        after=after,
        before_censored=np.asarray(before_censored, np.float64),
        after_censored=np.asarray(after_censored, np.float64),
    )
    kept = np.isfinite(x) & np.isfinite(y) & np.isfinite(x_open) & np.isfinite(y_open)
    pairs = _Pairs(x[kept], y[kept], x_open[kept] != 0, y_open[kept] != 0)
    dropped = int(np.count_nonzero(~kept))
    notes = (f"{count(dropped, 'cell')} left out: a value is missing",) if dropped else ()
    reason = pairs.why_not()
    if reason:
        return _result(pairs, dropped, notes=(*notes, reason))
    return _fit(pairs, dropped, notes)


@dataclass(frozen=True)
class _Pairs:
    """Durations (n,) and whether each is a lower bound."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    x_open: NDArray[np.bool_]
    y_open: NDArray[np.bool_]

    @property
    def complete(self) -> NDArray[np.bool_]:
        return ~self.x_open & ~self.y_open

    def why_not(self) -> str:
        """Say why nothing can be estimated; empty if it can."""
        both = self.complete
        if np.count_nonzero(both) < FEWEST_PAIRS:
            return f"at least {FEWEST_PAIRS} cells must have ended durations before and after"
        if min(spread(v[both]) for v in (self.x, self.y, self.y - self.x)) == 0:
            return "the durations do not vary, or all change by the same amount"
        return ""

    def scaled(self) -> tuple[_Pairs, float, float]:
        """Return the pairs in units of their SD from their mean, the mean and the SD."""
        everything = np.concatenate([self.x, self.y])
        middle, sd = float(everything.mean()), spread(everything)
        return _Pairs((self.x - middle) / sd, (self.y - middle) / sd, self.x_open, self.y_open), middle, sd

    def minus_log_likelihood(self, theta: NDArray[np.float64]) -> float:
        """Return it at `theta`: mean before, difference, log SD before and after, atanh of the correlation."""
        from scipy.special import log_ndtr

        mean_x, difference, log_s, log_r, z = theta
        s, r, rho = math.exp(log_s), math.exp(log_r), math.tanh(z)
        rest = math.sqrt(1 - rho**2)
        u, v = (self.x - mean_x) / s, (self.y - mean_x - difference) / r
        u_seen, v_seen = -0.5 * u**2 - log_s, -0.5 * v**2 - log_r
        v_after_u = -0.5 * ((v - rho * u) / rest) ** 2 - log_r - math.log(rest)
        only_x = u_seen + log_ndtr(-(v - rho * u) / rest)
        only_y = v_seen + log_ndtr(-(u - rho * v) / rest)
        terms = np.where(self.y_open, only_x, u_seen + v_after_u)
        terms = np.where(self.x_open, only_y, terms)
        both = self.x_open & self.y_open
        terms[both] = np.log(np.maximum(both_above(u[both], v[both], rho), 1e-300))
        return -float(terms.sum())


def both_above(h: NDArray[np.float64], k: NDArray[np.float64], rho: float) -> NDArray[np.float64]:
    """Return the chance that standard normal variables with correlation `rho` exceed `h` and `k`, both (n,).

    Sheppard's integral over the angle (Drezner & Wesolowsky 1990, J Stat Comput Simul 35:101), by Gauss and Legendre:
    scipy's integral of a multivariate normal distribution is random.
    """
    from scipy.special import ndtr

    if not len(h):
        return np.zeros(0)
    nodes, weights = _gauss_legendre()
    end = math.asin(rho)
    angle = end * (nodes + 1) / 2
    h, k = h[:, None], k[:, None]
    inside = np.exp(-(h**2 + k**2 - 2 * h * k * np.sin(angle)) / (2 * np.cos(angle) ** 2))
    chance: NDArray[np.float64] = ndtr(-h[:, 0]) * ndtr(-k[:, 0]) + (inside @ weights) * end / (4 * math.pi)
    return chance


@cache
def _gauss_legendre() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return nodes and weights on (-1, 1): kept, for the likelihood is computed a thousand times."""
    return np.polynomial.legendre.leggauss(64)


def _fit(pairs: _Pairs, dropped: int, notes: tuple[str, ...]) -> PairedTobit:
    scaled, middle, sd = pairs.scaled()
    best = _maximum(scaled, None, _starts(scaled))
    theta, lowest = best
    difference = float(theta[1])

    def root(delta: float) -> float:
        """Return t: the size of a t statistic with the same likelihood ratio, were nothing censored."""
        deviance = max(2 * (_maximum(scaled, delta, [theta])[1] - lowest), 0.0)
        return math.sqrt((n - 1) * math.expm1(deviance / n))

    n = int(np.count_nonzero(~(pairs.x_open & pairs.y_open)))
    low, high = _ends(root, difference, n - 1)
    s, r, rho = math.exp(theta[2]), math.exp(theta[3]), math.tanh(theta[4])
    return _result(
        pairs,
        dropped,
        mean_before=middle + sd * float(theta[0]),
        mean_after=middle + sd * float(theta[0] + theta[1]),
        difference=sd * difference,
        interval=(sd * low, sd * high),
        p=_p(root(0.0), n - 1),
        # as an SD of n - 1: maximum likelihood divides by n
        sd_difference=sd * math.sqrt((s**2 + r**2 - 2 * rho * s * r) * n / (n - 1)),
        correlation=rho,
        notes=notes,
    )


def _maximum(
    pairs: _Pairs, delta: float | None, starts: list[NDArray[np.float64]]
) -> tuple[NDArray[np.float64], float]:
    """Return the parameters of the greatest likelihood, with the difference fixed if `delta` is given, and -log L."""
    from scipy.optimize import minimize

    bounds = [(-SEARCH, SEARCH), (-2 * SEARCH, 2 * SEARCH), (-7.0, 4.0), (-7.0, 4.0), (-4.0, 4.0)]
    if delta is not None:
        bounds[1] = (delta, delta)
        starts = [np.array([start[0] + (start[1] - delta) / 2, delta, *start[2:]]) for start in starts]
    with np.errstate(all="ignore"):
        found = [
            minimize(
                pairs.minus_log_likelihood,
                start,
                method="L-BFGS-B",
                jac="3-point",
                bounds=bounds,
                options={"ftol": 1e-13, "gtol": 1e-8, "maxiter": 500},
            )
            for start in starts
        ]
    best = min(found, key=lambda result: float(result.fun))
    return np.asarray(best.x, np.float64), float(best.fun)


def _starts(pairs: _Pairs) -> list[NDArray[np.float64]]:
    """Return where to start: bounds taken for values, and the complete pairs alone."""
    return [_moments(pairs.x, pairs.y), _moments(pairs.x[pairs.complete], pairs.y[pairs.complete])]


def _moments(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    rho = float(np.clip(np.corrcoef(x, y)[0, 1], -0.99, 0.99))
    return np.array([x.mean(), y.mean() - x.mean(), math.log(x.std()), math.log(y.std()), math.atanh(rho)])


def _ends(root: Callable[[float], float], difference: float, df: int) -> tuple[float, float]:
    """Return where `root` reaches the t of a 95 % interval, on either side of `difference`."""
    from scipy.optimize import brentq
    from scipy.special import stdtrit

    limit = float(stdtrit(df, 0.975))

    def end(sign: int) -> float:
        near, far = 0.0, 0.25
        while root(difference + sign * far) < limit:
            near, far = far, 2 * far
            if far > SEARCH:
                return sign * math.inf
        places = (difference + sign * near, difference + sign * far)
        return float(brentq(lambda d: root(d) - limit, *places, xtol=1e-9))

    return end(-1), end(1)


def _p(t: float, df: int) -> float:
    from scipy.special import stdtr

    return float(2 * stdtr(df, -t))


def _result(
    pairs: _Pairs,
    dropped: int,
    *,
    mean_before: float = NAN,
    mean_after: float = NAN,
    difference: float = NAN,
    interval: tuple[float, float] = NOTHING,
    p: float = NAN,
    sd_difference: float = NAN,
    correlation: float = NAN,
    notes: tuple[str, ...] = (),
) -> PairedTobit:
    return PairedTobit(
        n_cells=len(pairs.x),
        n_censored_before=int(np.count_nonzero(pairs.x_open)),
        n_censored_after=int(np.count_nonzero(pairs.y_open)),
        n_dropped=dropped,
        mean_before=mean_before,
        mean_after=mean_after,
        difference=difference,
        interval=interval,
        p=p,
        sd_difference=sd_difference,
        correlation=correlation,
        determined=math.isfinite(difference),
        notes=notes,
    )
