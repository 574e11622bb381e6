"""Two compounds compared: one curve or two, and how far apart the IC50s are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisition.statistics.concentration import COARSE_STEP, ONE, STEP, WIDEST, ConcentrationResponse, fit
from acquisition.statistics.hill import SLOPES, Sums, accepted, axis, gains, highest_rss, shape
from acquisition.statistics.inhibition import read
from acquisition.statistics.student import NAN, NOTHING
from acquisition.statistics.words import NOT_DETERMINED, number, p_text, with_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class ModelTest:
    """A simple model inside a general one: extra sum of squares, and Akaike's information."""

    question: str
    """Such as "same IC50, own maxima"."""
    f: float
    df: tuple[int, int]
    p: float
    aicc_difference: float
    """AICc of the general minus that of the simple model: negative favours different values."""


@dataclass(frozen=True)
class Comparison:
    """The second compound against the first; both slopes fixed at 1, or one shared slope."""

    first: ConcentrationResponse
    second: ConcentrationResponse
    hill: float
    """The slope used for both."""
    same_ic50: ModelTest
    """One IC50, own maxima, against own IC50s and maxima."""
    same_curve: ModelTest
    """One IC50 and one maximum, against own IC50s and maxima."""
    delta_log_ic50: float
    """log10 IC50 of the second minus that of the first: +1 means that the first is ten times as potent."""
    interval: tuple[float, float]
    """95 % profile likelihood of `delta_log_ic50`; infinity where it is open."""
    determined: bool
    """Both IC50s are, and `interval` is not wider than 1.5 decades."""
    reason: str
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """One sentence for a results section."""
        tests = "; ".join(
            f"{test.question}: F({test.df[0]}, {test.df[1]}) = {number(test.f)}, {p_text(test.p)}, AICc difference "
            f"{number(test.aicc_difference)}"
            for test in (self.same_ic50, self.same_curve)
            if test.df[1] > 0
        )
        shown = with_interval(self.delta_log_ic50, self.interval)
        if not self.determined:
            return f"Difference of log IC50 {NOT_DETERMINED} ({self.reason})" + (f"; {tests}." if tests else ".")
        return f"Difference of log IC50 {shown} (ratio {10**self.delta_log_ic50:.3g}); {tests}."


def compare(
    first_concentrations: ArrayLike,
    first_inhibition: ArrayLike,
    second_concentrations: ArrayLike,
    second_inhibition: ArrayLike,
    *,
    first_clusters: ArrayLike | None = None,
    second_clusters: ArrayLike | None = None,
    seed: int = 0,
    resamples: int = 2000,
) -> Comparison:
    """Compare two compounds, each given as for `concentration.fit`.

    Raises
    ------
    Refused
        As `concentration.fit`.
    """
    first = fit(first_concentrations, first_inhibition, clusters=first_clusters, seed=seed, resamples=resamples)
    second = fit(second_concentrations, second_inhibition, clusters=second_clusters, seed=seed, resamples=resamples)
    pair = _Pair(
        read(first_concentrations, first_inhibition, first_clusters).sums,
        read(second_concentrations, second_inhibition, second_clusters).sums,
        is_free=not (first.is_hill_fixed or second.is_hill_fixed),
    )
    if first.df < 1 or second.df < 1:
        untested = ModelTest("", NAN, (0, 0), NAN, NAN)
        reason = first.reason or second.reason
        return Comparison(first, second, NAN, untested, untested, NAN, NOTHING, False, reason, ())
    return _compared(first, second, pair)


@dataclass(frozen=True)
class _Pair:
    """Two compounds on one grid of log IC50 and of slopes."""

    first: Sums
    second: Sums
    is_free: bool

    @property
    def slopes(self) -> NDArray[np.float64]:
        return SLOPES if self.is_free else ONE

    @property
    def n(self) -> int:
        return self.first.n_cells + self.second.n_cells

    @property
    def step(self) -> float:
        return COARSE_STEP if self.is_free else STEP

    @property
    def grid(self) -> NDArray[np.float64]:
        ends = [sums.log_c[[0, -1]] for sums in (self.first, self.second)]
        return axis(float(np.min(ends)), float(np.max(ends)), self.step)

    def rss(self, sums: Sums) -> NDArray[np.float64]:
        """Return the sums of squares of one compound (slopes, grid), Imax its own."""
        gain: NDArray[np.float64] = gains(shape(sums.log_c, self.grid, self.slopes), sums.n, sums.total)[0]
        return sums.squares - gain

    def together(self) -> Sums:
        """Return both as if they were one compound."""
        log_c, place = np.unique(np.concatenate([self.first.log_c, self.second.log_c]), return_inverse=True)
        n, total = (
            np.bincount(place, np.concatenate(both), len(log_c)).astype(np.float64)
            for both in ((self.first.n, self.second.n), (self.first.total, self.second.total))
        )
        return Sums(log_c, n, total, self.first.squares + self.second.squares)


def _compared(first: ConcentrationResponse, second: ConcentrationResponse, pair: _Pair) -> Comparison:
    a, b = pair.rss(pair.first), pair.rss(pair.second)
    apart = a.min(axis=1) + b.min(axis=1)
    h = int(apart.argmin())
    least, parameters = float(apart[h]), 5 if pair.is_free else 4
    delta = float(pair.grid[b[h].argmin()] - pair.grid[a[h].argmin()])
    interval = _shift_interval(a, b, pair, highest_rss(least, pair.n - parameters))
    reason = _reason(first, second, interval)
    slope = f"one slope for both, {pair.slopes[h]:.2f}" if pair.is_free else "slopes fixed at 1"
    return Comparison(
        first,
        second,
        float(pair.slopes[h]),
        _test("same IC50, own maxima", float((a + b).min()), 1, least, parameters, pair.n),
        _test("same curve", float(pair.rss(pair.together()).min()), 2, least, parameters, pair.n),
        delta,
        interval,
        not reason,
        reason,
        (slope,),
    )


def _shift_interval(a: NDArray[np.float64], b: NDArray[np.float64], pair: _Pair, limit: float) -> tuple[float, float]:
    """Return the profile interval of the distance of the IC50s: for each, the best place of the pair."""
    size = a.shape[1]
    shifts = np.arange(1 - size, size)
    profile = np.array(
        [(a[:, max(0, -k) : size - max(0, k)] + b[:, max(0, k) : size + min(0, k)]).min() for k in shifts]
    )
    low, high = accepted(shifts * pair.step, profile, limit)
    # at the edge of the grid the curve no longer changes: what is accepted there is accepted without end
    if (a[:, -1] + b.min(axis=1)).min() <= limit or (a.min(axis=1) + b[:, 0]).min() <= limit:
        low = -math.inf
    if (a[:, 0] + b.min(axis=1)).min() <= limit or (a.min(axis=1) + b[:, -1]).min() <= limit:
        high = math.inf
    return low, high


def _test(question: str, simple: float, fewer: int, general: float, parameters: int, n: int) -> ModelTest:
    """Compare a model with `fewer` parameters than `parameters` with the general one, by their sums of squares."""
    from scipy.special import fdtrc

    df = n - parameters
    if df < 1 or general <= 0:
        return ModelTest(question, NAN, (fewer, df), NAN, NAN)
    f = max(simple - general, 0.0) / fewer / (general / df)
    difference = _aicc(general, parameters, n) - _aicc(simple, parameters - fewer, n)
    return ModelTest(question, f, (fewer, df), float(fdtrc(fewer, df, f)), difference)


def _aicc(rss: float, parameters: int, n: int) -> float:
    """Return Akaike's information with its small-sample term (Hurvich & Tsai 1989, Biometrika 76:297)."""
    k = parameters + 1  # the residual variance is one too
    return n * math.log(rss / n) + 2 * k + 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else NAN


def _reason(first: ConcentrationResponse, second: ConcentrationResponse, interval: tuple[float, float]) -> str:
    """Say why the difference is not determined; empty if it is."""
    fits = (("first", first), ("second", second))
    undetermined = [f"{name} compound: {one.reason}" for name, one in fits if one.reason]
    if undetermined:
        return "; ".join(undetermined)
    if not interval[1] - interval[0] <= WIDEST:
        return f"the 95 % interval of the difference is wider than {WIDEST:g} decades"
    return ""
