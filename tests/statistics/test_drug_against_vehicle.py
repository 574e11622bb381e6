"""Drug cells against vehicle cells."""

import itertools
import math
import warnings

import numpy as np
import pytest
from scipy import stats

from acquisition.statistics.effect_sizes import g
from acquisition.statistics.groups import between, difference_in_differences
from protocols.errors import Refused

NAN = math.nan


@pytest.fixture(scope="module")
def groups():
    random = np.random.default_rng(0)
    return random.normal(1.5, 1.0, 9), random.normal(0.4, 2.0, 7)


def test_welch_is_scipys(groups):
    result, theirs = between(*groups), stats.ttest_ind(*groups, equal_var=False)
    interval = theirs.confidence_interval()
    assert (result.t, result.df, result.p) == pytest.approx((theirs.statistic, theirs.df, theirs.pvalue))
    assert result.interval == pytest.approx((interval.low, interval.high))


def test_bca_of_two_groups_is_scipys(groups):
    theirs = stats.bootstrap(
        groups,
        lambda x, y, axis=-1: x.mean(axis=axis) - y.mean(axis=axis),
        vectorized=True,
        n_resamples=10_000,
        rng=np.random.default_rng(3),
    ).confidence_interval
    assert between(*groups, seed=3).bca == pytest.approx((theirs.low, theirs.high), rel=1e-9)


def test_permutation_counts_all_ways(groups):
    result = between(*groups).permutation
    assert (result.exact, result.n) == (True, math.comb(16, 9))
    pool = np.concatenate(groups)
    far = abs(groups[0].mean() - groups[1].mean()) - 1e-12
    ways = [
        abs(pool[list(c)].mean() - np.delete(pool, list(c)).mean()) >= far for c in itertools.combinations(range(16), 9)
    ]
    assert result.p == pytest.approx(np.mean(ways))


def test_twelve_against_twelve_is_still_exact_and_more_is_monte_carlo():
    random = np.random.default_rng(1)
    x, y = random.normal(0.4, 1, 14), random.normal(0, 1, 14)
    exact, drawn = between(x[:12], y[:12], resamples=1000).permutation, between(x, y).permutation
    assert (exact.exact, exact.n) == (True, 2_704_156)
    assert exact.p == pytest.approx(stats.ttest_ind(x[:12], y[:12]).pvalue, rel=0.3)
    assert not drawn.exact
    assert "10000 random deals" in drawn.method
    assert drawn.p == pytest.approx(stats.ttest_ind(x, y).pvalue, abs=0.01)


def test_hedges_g_of_a_worked_example():
    # d = 1, corrected by J(8) = 0.9027 (Borenstein et al. 2009, eq. 4.22 gives 0.9032 by approximation)
    x = np.array([1.0, 2, 3, 4, 5]) + math.sqrt(2.5)
    result = g(x, np.array([1.0, 2, 3, 4, 5]))
    assert result.value == pytest.approx(0.9027, abs=1e-4)
    assert result.interval[0] < 0 < result.value < result.interval[1]


def test_run_down_common_to_both_groups_cancels():
    random = np.random.default_rng(2)
    drug, vehicle = random.normal(-4e-3, 0.8e-3, 40), random.normal(-4e-3, 0.8e-3, 40)
    noise = random.normal(0, 0.1e-3, 80)
    result = difference_in_differences(drug, 0.8 * 0.6 * drug + noise[:40], vehicle, 0.8 * vehicle + noise[40:])
    assert result.percent.difference == pytest.approx(-32, abs=2)  # 48 % left against 80 %
    assert result.change.difference == pytest.approx(result.drug.difference - result.vehicle.difference)
    assert result.change.interval[0] < 0.32 * 4e-3 < result.change.interval[1]
    text = result.sentence(scale=1e3, unit="mV")
    assert "Difference in differences: Difference 1." in text
    assert "mV" in text


def test_a_drug_that_does_nothing_is_found_in_five_of_a_hundred_studies():
    random = np.random.default_rng(3)
    p = [between(random.normal(size=8), random.normal(size=8), resamples=3).permutation.p for _ in range(400)]
    assert 0.02 <= np.mean(np.array(p) <= 0.05) <= 0.08


def test_animals_of_two_groups_are_dealt_whole():
    random = np.random.default_rng(4)
    of_animal = np.repeat(random.normal(0, 1, 10), 3)
    values = of_animal + random.normal(0, 0.1, 30)
    animal = np.repeat(np.arange(10), 3)
    result = between(values[:15], values[15:], first_clusters=animal[:15], second_clusters=animal[15:])
    blind = between(values[:15], values[15:])
    assert (result.animals_first, result.animals_second) == (5, 5)
    assert result.permutation.n == math.comb(10, 5)
    assert result.permutation.p > 1.5 * blind.permutation.p
    assert np.ptp(result.bca) > 1.3 * np.ptp(blind.bca)
    means = values.reshape(10, 3).mean(axis=1)
    assert result.animals.p == pytest.approx(stats.ttest_ind(means[:5], means[5:], equal_var=False).pvalue)


def test_an_animal_in_both_groups_is_its_own_control():
    random = np.random.default_rng(5)
    of_animal = random.normal(0, 3, 8)
    first, second = 0.8 + of_animal + random.normal(0, 0.2, 8), of_animal + random.normal(0, 0.2, 8)
    names = [f"rat {i}" for i in range(8)]
    result = between(first, second, first_clusters=names, second_clusters=names)
    assert result.permutation.p < 0.02 < result.p
    assert np.ptp(result.bca) < 0.3 * np.ptp(result.interval)
    assert result.animals is None
    assert any("gave cells to both groups" in note for note in result.notes)


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        ([], [], "0 cells"),
        ([1.0], [2.0], "at least 2"),
        ([1.0, 2.0], [], "at least 2"),
        ([1.0, 1.0], [2.0, 2.0], "do not vary"),
        ([NAN, 1.0], [NAN, 2.0, NAN], "1 cell and 2 cells left out"),
    ],
)
def test_groups_that_determine_nothing_say_so_without_a_warning(first, second, word):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = between(first, second)
        assert "not determined" in result.text
    assert math.isnan(result.p)
    assert any(word in note for note in result.notes)


def test_columns_of_one_group_must_be_as_long():
    with pytest.raises(Refused, match="lengths differ"):
        difference_in_differences([1.0], [1.0, 2.0], [1.0], [2.0])
