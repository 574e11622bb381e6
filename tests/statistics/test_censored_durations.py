"""Durations that outlast the sweep."""

import math
import warnings

import numpy as np
import pytest
from scipy import stats

from acquisition.statistics.survival import kaplan_meier, paired_tobit
from acquisition.statistics.tobit import both_above
from protocols.errors import Refused
from tests.statistics.known import MAINTAINED, NOT_MAINTAINED

INF = math.inf


@pytest.mark.parametrize(("data", "median", "interval"), [(MAINTAINED, 31, (18, INF)), (NOT_MAINTAINED, 23, (8, INF))])
def test_medians_and_intervals_of_survival_aml(data, median, interval):
    result = kaplan_meier(*data)
    assert (result.median, result.interval) == (median, interval)


def test_curve_of_survival_aml():
    result = kaplan_meier(*MAINTAINED)
    assert result.times == (9, 13, 18, 23, 31, 34, 48)
    assert result.survival == pytest.approx((0.909, 0.818, 0.716, 0.614, 0.491, 0.368, 0.184), abs=5e-4)
    assert (result.n, result.n_censored) == (11, 4)


def test_without_censoring_the_median_is_the_median():
    for n in (9, 10):
        values = np.random.default_rng(n).exponential(3, n)
        assert kaplan_meier(values, np.zeros(n)).median == pytest.approx(np.median(values))


@pytest.mark.parametrize(
    ("durations", "censored"), [([], []), ([8.0, 8.0], [1, 1]), ([1.0, 8.0, 8.0, 8.0], [0, 1, 1, 1]), ([math.nan], [0])]
)
def test_a_median_that_is_not_reached_is_nan(durations, censored):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = kaplan_meier(durations, censored)
    assert math.isnan(result.median)
    assert "not reached" in result.text


def durations(random, n, *, difference, correlation=0.7, sd=1.3):
    before = random.normal(3.5, sd, n)
    noise = random.normal(0, sd * math.sqrt(1 - correlation**2), n)
    return before, 3.5 + difference + correlation * (before - 3.5) + noise


def test_tobit_without_censoring_is_the_paired_t_test():
    before, after = durations(np.random.default_rng(0), 11, difference=-0.8)
    none = np.zeros(11)
    result, t = paired_tobit(before, after, before_censored=none, after_censored=none), stats.ttest_rel(after, before)
    interval = t.confidence_interval()
    assert result.difference == pytest.approx((after - before).mean(), rel=1e-6)
    assert result.interval == pytest.approx((interval.low, interval.high), rel=1e-5)
    assert result.p == pytest.approx(t.pvalue, rel=1e-4)
    assert result.sd_difference == pytest.approx((after - before).std(ddof=1), rel=1e-5)


def test_tobit_recovers_a_shortening_that_censoring_hides():
    before, after = durations(np.random.default_rng(1), 400, difference=-0.8)
    limit = 4.0  # a third of the durations before outlast the sweep
    seen = [np.minimum(v, limit) for v in (before, after)]
    result = paired_tobit(*seen, before_censored=before > limit, after_censored=after > limit)
    assert (seen[1] - seen[0]).mean() > -0.72
    assert result.difference == pytest.approx(-0.8, abs=0.12)
    assert result.interval[0] < -0.8 < result.interval[1]
    assert result.mean_before == pytest.approx(3.5, abs=0.2)
    assert result.correlation == pytest.approx(0.7, abs=0.1)


def test_both_above_is_scipys_bivariate_normal():
    for rho in (-0.95, -0.3, 0.0, 0.6, 0.99):
        theirs = stats.multivariate_normal.cdf([-0.4, 0.7], [0, 0], [[1, rho], [rho, 1]])
        assert both_above(np.array([0.4]), np.array([-0.7]), rho)[0] == pytest.approx(theirs, abs=1e-7)


@pytest.mark.parametrize(
    ("before", "after", "censored"),
    [
        ([], [], []),
        ([8.0, 8.0, 3.0, 4.0], [2.0, 3.0, 2.0, 3.5], [1, 1, 0, 0]),
        ([3.0, 4.0, 5.0], [2.0, 3.0, 4.0], [0, 0, 0]),
    ],
)
def test_tobit_needs_three_complete_cells_that_differ(before, after, censored):
    result = paired_tobit(before, after, before_censored=censored, after_censored=np.zeros(len(after)))
    assert not result.determined
    assert "not determined" in result.text
    assert result.notes


def test_durations_and_flags_must_be_as_many():
    with pytest.raises(Refused, match="lengths differ"):
        kaplan_meier([1.0, 2.0], [0])
