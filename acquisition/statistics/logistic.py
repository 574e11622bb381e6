"""The general four-parameter log-logistic curve, as drc::LL.4: y = c + (d - c) / (1 + exp(b (ln x - ln e)))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisition.statistics.cells import columns, count
from acquisition.statistics.student import NAN
from protocols.errors import Refused

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


SLOPES = np.concatenate([-np.geomspace(0.2, 20, 25)[::-1], np.geomspace(0.2, 20, 25)])
STARTS = 5
"""Best points of the grid from which the fit is refined."""
BEYOND = 10.0
"""How far outside the values of x, as a factor, the middle is looked for."""


@dataclass(frozen=True)
class Logistic:
    """A fitted curve; the letters are those of the R package drc (Ritz et al. 2015, PLoS ONE 10:e0146021)."""

    b: float
    """Slope; positive when y falls with x."""
    c: float
    """Lower limit."""
    d: float
    """Upper limit."""
    e: float
    """x half way between the limits."""
    standard_errors: tuple[float, float, float, float]
    """Of b, c, d, e, from the Jacobian as in R's nls; drc takes the Hessian, which differs by about 1 %."""
    residual_se: float
    df: int
    determined: bool
    reason: str

    def values(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the curve at `x` (n,), at least 0."""
        curve: NDArray[np.float64] = _falling(np.asarray(x, np.float64), self.b, self.e)
        return self.c + (self.d - self.c) * curve


def fit_logistic(x: ArrayLike, y: ArrayLike) -> Logistic:
    """Fit the curve to `y` (n,) at `x` (n,), at least 0, by least squares from many starts.

    Raises
    ------
    Refused
        The arrays differ in length, or an x is below 0.
    """
    x, y = columns(x=x, y=y)
    if np.any(x < 0):
        msg = f"x must be at least 0, but one is {x[x < 0][0]:g}"
        raise Refused(msg)
    kept = np.isfinite(x) & np.isfinite(y)
    x, y = x[kept], y[kept]
    different = len(np.unique(x))
    if different < 4 or len(x) < 5 or np.ptp(y) == 0 or np.count_nonzero(x > 0) < 3:
        reason = f"{count(len(x), 'value')} at {different} different x, or y does not vary"
        return Logistic(NAN, NAN, NAN, NAN, (NAN, NAN, NAN, NAN), NAN, max(len(x) - 4, 0), False, reason)
    return _refined(x, y)


def _falling(
    x: NDArray[np.float64], b: float | NDArray[np.float64], e: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return 1 / (1 + (x / e)^b) at `x` (n,), which falls from 1 to 0 for b above 0."""
    from scipy.special import expit

    with np.errstate(divide="ignore"):
        log_x = np.log(x)
    curve: NDArray[np.float64] = expit(-b * (log_x - np.log(e)))
    return curve


def _refined(x: NDArray[np.float64], y: NDArray[np.float64]) -> Logistic:
    """Return the best of the fits that start from the best points of the grid."""
    from scipy.optimize import least_squares

    middle, sd = float(y.mean()), float(y.std())
    scaled = (y - middle) / sd

    def residuals(theta: NDArray[np.float64]) -> NDArray[np.float64]:
        b, c, d, log_e = theta
        curve: NDArray[np.float64] = c + (d - c) * _falling(x, b, float(np.exp(log_e)))
        return curve - scaled

    fits = [least_squares(residuals, start, x_scale="jac", xtol=1e-15, ftol=1e-15) for start in _starts(x, scaled)]
    fit = min(fits, key=lambda one: float(one.cost))
    b, c, d, log_e = (float(v) for v in fit.x)
    df = len(y) - 4
    variance = 2 * float(fit.cost) / df
    errors, problem = _errors(np.asarray(fit.jac, np.float64), variance)
    if d < c:  # the same curve with its limits exchanged
        b, c, d = -b, d, c
        errors = errors[[0, 2, 1, 3]]
    e = float(np.exp(log_e))
    se_b, se_c, se_d, se_e = (float(v) for v in errors * np.array([1.0, sd, sd, e]))
    return Logistic(
        b, middle + sd * c, middle + sd * d, e, (se_b, se_c, se_d, se_e), sd * variance**0.5, df, not problem, problem
    )


def _starts(x: NDArray[np.float64], y: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return the best points (b, c, d, ln e) of a grid of slopes and middles, limits by linear least squares."""
    lowest, highest = float(x[x > 0].min()), float(x.max())
    slopes, middles = (
        axis.ravel() for axis in np.meshgrid(SLOPES, np.geomspace(lowest / BEYOND, highest * BEYOND, 60))
    )
    f = _falling(x, slopes[:, None], middles[:, None])  # (grid, values)
    centred = f - f.mean(axis=1, keepdims=True)
    own = (centred**2).sum(axis=1)
    rise = np.where(own > 1e-12, centred @ y / np.maximum(own, 1e-12), 0.0)
    rss = ((y - y.mean() - rise[:, None] * centred) ** 2).sum(axis=1)
    c = y.mean() - rise * f.mean(axis=1)
    points = np.column_stack([slopes, c, c + rise, np.log(middles)])
    return list(points[np.argsort(rss, kind="stable")[:STARTS]])


def _errors(jacobian: NDArray[np.float64], variance: float) -> tuple[NDArray[np.float64], str]:
    """Return standard errors of the four parameters, and why they are not determined if so."""
    information = jacobian.T @ jacobian
    if not np.linalg.cond(information) < 1e14:
        return np.full(4, np.nan), "the values do not determine all four parameters"
    return np.sqrt(variance * np.diag(np.linalg.inv(information))), ""
