"""The 95 % band of a concentration-response curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquisition.statistics.hill import HIGHEST_TOP, SLOPES, Sums, highest_rss, shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquisition.study.models import Response

STEP = 0.02
"""Decades between the IC50s looked at."""
ONE = np.ones(1)


def band(response: Response, concentrations: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lowest and the highest inhibition, %, at `concentrations` (n,), mol/l.

    Pointwise profile likelihood: over all curves whose residual sum of squares is within the limit of the 95 % interval
    of one parameter (Bates & Watts 1988, Nonlinear Regression Analysis, chapter 6). For each IC50 and slope the maxima
    within it are an interval around the best one, so nothing needs to be searched for.
    """
    data, fit = _sums(response), response.fit
    slopes = ONE if fit.is_hill_fixed else np.union1d(SLOPES, [fit.hill])
    x = np.union1d(data.grid(STEP), [fit.log_ic50])
    curve = shape(data.log_c, x, slopes)  # (slopes, IC50s, concentrations)
    with_data, own = curve @ data.total, (curve**2) @ data.n
    best = with_data / np.maximum(own, np.finfo(float).tiny)
    slack = highest_rss(fit.rss, fit.df) - (data.squares - best * with_data)
    inside = slack >= 0
    half = np.sqrt(np.where(inside, slack, 0.0) / np.maximum(own, np.finfo(float).tiny))
    lowest, highest = (np.clip(best + sign * half, 0.0, HIGHEST_TOP)[inside] for sign in (-1, 1))
    drawn = shape(np.log10(concentrations), x, slopes)[inside]  # (accepted, n)
    return (lowest[:, None] * drawn).min(axis=0), (highest[:, None] * drawn).max(axis=0)


def _sums(response: Response) -> Sums:
    c, y = np.array(response.concentrations), np.array(response.inhibition)
    kept = np.isfinite(y)
    log_c, place = np.unique(np.round(np.log10(c[kept]), 9), return_inverse=True)
    n, total = np.bincount(place, minlength=len(log_c)), np.bincount(place, y[kept], len(log_c))
    return Sums(log_c, n.astype(np.float64), total.astype(np.float64), float((y[kept] ** 2).sum()))
