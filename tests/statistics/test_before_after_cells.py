"""Before against after in the same cells."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from acquisition.statistics.paired import paired
from acquisition.statistics.permutation import sign_flip, signed_rank
from protocols.errors import Refused
from tests.statistics.known import DRUG_1, DRUG_2

NAN = math.nan


@pytest.fixture(scope="module")
def sleep():
    return paired(DRUG_2, DRUG_1)


def test_students_sleep_data(sleep):
    assert sleep.difference == pytest.approx(-1.58)
    assert (sleep.t, sleep.df, sleep.p) == (
        pytest.approx(-4.0621, abs=5e-5),
        9,
        pytest.approx(0.002833, abs=5e-7),
    )
    assert sleep.interval == pytest.approx((-2.460, -0.700), abs=5e-4)
    assert sleep.d_z.value == pytest.approx(-1.2846, abs=5e-5)
    assert sleep.sign_flip.p == 0.00390625
    assert sleep.sign_flip.exact


def test_wilcoxon_of_the_sleep_data_leaves_out_the_zero_and_says_so(sleep):
    # nine differences of one sign: 2 / 2^9
    assert sleep.wilcoxon.p == pytest.approx(2 / 512)
    assert "1 zero difference left out" in sleep.wilcoxon.method
    assert "ties" in sleep.wilcoxon.method


def test_interval_of_d_z_is_that_of_the_noncentral_t(sleep):
    low, high = (d * math.sqrt(10) for d in sleep.d_z.interval)
    assert stats.nct.cdf(sleep.t, 9, low) == pytest.approx(0.975, abs=1e-6)
    assert stats.nct.cdf(sleep.t, 9, high) == pytest.approx(0.025, abs=1e-6)


def test_g_av_is_the_difference_over_the_average_sd_less_its_bias(sleep):
    average = math.sqrt((DRUG_1.var(ddof=1) + DRUG_2.var(ddof=1)) / 2)
    assert abs(sleep.g_av.value) < abs(-1.58 / average)
    assert sleep.g_av.value == pytest.approx(-1.58 / average, rel=0.08)
    assert sleep.g_av.interval[0] < sleep.g_av.value < sleep.g_av.interval[1] < 0


def test_bca_without_nesting_is_scipys():
    random = np.random.default_rng(3)
    before, after = random.normal(-4, 1.5, 14), random.normal(-3, 1.2, 14)
    ours = paired(before, after, seed=7)
    theirs = stats.bootstrap(
        (after - before,), np.mean, n_resamples=10_000, method="BCa", rng=np.random.default_rng(7)
    ).confidence_interval
    assert ours.bca == pytest.approx((theirs.low, theirs.high), rel=1e-9)


def test_bca_of_the_ratio_of_means_is_scipys():
    random = np.random.default_rng(4)
    before = random.normal(-4, 1, 12)
    after = 0.6 * before + random.normal(0, 0.3, 12)
    ours = paired(before, after, seed=1)
    theirs = stats.bootstrap(
        (before, after),
        lambda x, y, axis=-1: 100 * (y.mean(axis=axis) / x.mean(axis=axis) - 1),
        paired=True,
        vectorized=True,
        n_resamples=10_000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    # one draw is the cells themselves: scipy leaves it to rounding on which side of the estimate it falls
    assert ours.percent.of_means_bca == pytest.approx((theirs.low, theirs.high), rel=1e-3)


def test_an_ahp_of_minus_4_that_becomes_minus_3_changed_by_minus_25_percent():
    result = paired([-4e-3, -5e-3, -3e-3], [-3e-3, -3.8e-3, -2.2e-3])
    assert result.percent.of_means == pytest.approx(-25)
    assert result.percent.per_cell == pytest.approx((-25, -24, -26.6667), abs=1e-3)


def test_fieller_interval_holds_exactly_the_ratios_that_a_paired_t_test_accepts():
    random = np.random.default_rng(5)
    before = random.normal(4, 1, 9)
    after = 0.7 * before + random.normal(0, 0.4, 9)
    for limit in paired(before, after).percent.of_means_interval:
        assert stats.ttest_1samp(after - (1 + limit / 100) * before, 0).pvalue == pytest.approx(0.05)


@pytest.fixture(scope="module")
def two_cells_each():
    random = np.random.default_rng(2)
    of_animal = np.repeat(random.normal(1, 1, 6), 2)
    before = random.normal(-4, 1, 12)
    after = before + of_animal + random.normal(0, 0.1, 12)
    return before, after, np.repeat(list("abcdef"), 2)


def test_cells_of_one_animal_are_drawn_and_flipped_together(two_cells_each):
    before, after, animal = two_cells_each
    result, blind = paired(before, after, clusters=animal), paired(before, after)
    assert (result.n_cells, result.n_animals) == (12, 6)
    assert np.ptp(result.bca) > 1.2 * np.ptp(blind.bca)
    assert result.sign_flip.n == 2**6
    assert result.animals.df == 5
    assert result.animals.p == pytest.approx(stats.ttest_1samp((after - before).reshape(6, 2).mean(1), 0).pvalue)
    assert blind.animals is None
    assert any("come from 6 animals" in note for note in result.notes)


def test_bca_over_animals_of_one_size_is_scipys_over_their_means(two_cells_each):
    before, after, animal = two_cells_each
    means = (after - before).reshape(6, 2).mean(axis=1)
    theirs = stats.bootstrap((means,), np.mean, n_resamples=10_000, rng=np.random.default_rng(0)).confidence_interval
    # 6! / 6^6 of the draws are the six animals themselves: scipy leaves it to rounding on which side they fall
    assert paired(before, after, clusters=animal).bca == pytest.approx((theirs.low, theirs.high), abs=0.05)


def test_the_same_input_gives_the_same_bits():
    random = np.random.default_rng(0)
    before, after = random.normal(size=25), random.normal(size=25)
    assert paired(before, after) == paired(before, after)
    assert paired(before, after).sign_flip != paired(before, after, seed=1).sign_flip


def test_beyond_20_cells_the_sign_flip_is_monte_carlo_and_says_so():
    values = np.random.default_rng(1).normal(0.4, 1, 21)
    drawn = sign_flip(values, unit="cell", seed=0, resamples=20_000)
    exact = sign_flip(values[:20], unit="cell", seed=0, resamples=1)
    assert (drawn.exact, exact.exact) == (False, True)
    assert "20000 random flips" in drawn.method
    assert drawn.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.02)
    assert sign_flip(np.full(30, 1.0), unit="cell", seed=0, resamples=999).p == 1 / 1000


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-1000, 1000).filter(bool), min_size=1, max_size=25, unique_by=abs))
def test_wilcoxon_without_ties_is_scipys(values):
    differences = np.array(values, float)
    assert signed_rank(differences, unit="cell").p == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9).filter(any))
def test_wilcoxon_with_ties_is_the_share_of_all_signs(values):
    d = np.array([v for v in values if v], float)
    ranks = stats.rankdata(np.abs(d))
    signs = np.array(np.meshgrid(*[[-1, 1]] * len(d))).reshape(len(d), -1)
    share = np.mean(np.abs(ranks @ signs) >= abs(ranks @ np.sign(d)) - 1e-9)
    assert signed_rank(np.array(values, float), unit="cell").p == pytest.approx(share)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-1e-2, 1e-2), min_size=2, max_size=12), st.floats(1e-3, 1e3))
def test_p_values_do_not_depend_on_the_unit(values, scale):
    d = np.round(np.array(values), 6)
    one, other = (sign_flip(k * d, unit="cell", seed=0, resamples=1) for k in (1, scale))
    assert one.p == other.p
    assert signed_rank(d, unit="cell").p == pytest.approx(signed_rank(scale * d, unit="cell").p, nan_ok=True)


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ([], [], "0 cells"),
        ([1.0], [2.0], "1 cell"),
        ([NAN, 1.0], [1.0, NAN], "2 cells left out"),
        ([1.0, 2.0, 3.0], [2.0, 3.0, 4.0], "same amount"),
        ([-60.1, -60.2, -60.3], [-59.1, -59.2, -59.3], "same amount"),
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0], "same amount"),
        ([math.inf, 1.0], [1.0, 1.0], "1 cell left out"),
    ],
)
def test_what_is_not_determined_is_nan_and_said_without_a_warning(before, after, word):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = paired(before, after)
        assert "not determined" in result.text
    assert not result.determined
    assert all(math.isnan(x) for x in (*result.interval, result.t, result.p, result.d_z.value, result.g_av.value))
    assert any(word in note for note in result.notes)


def test_two_cells_have_a_t_interval_but_no_bootstrap():
    result = paired([1.0, 2.0], [2.0, 4.5])
    assert result.determined
    assert math.isnan(result.bca[0])
    assert any("bootstrap" in note for note in result.notes)


def test_a_bootstrap_over_few_animals_is_called_too_narrow(two_cells_each):
    before, after, animal = two_cells_each
    assert any("prefer the t interval over animals" in note for note in paired(before, after, clusters=animal).notes)
    assert paired(before, after).notes == ()


def test_a_missing_value_leaves_its_cell_out():
    whole, holed = paired([1.0, 2.0, 4.0], [2.0, 3.5, 4.1]), paired([1.0, NAN, 2.0, 4.0], [2.0, 9.0, 3.5, 4.1])
    assert holed.n_dropped == 1
    assert (holed.difference, holed.p) == (whole.difference, whole.p)


def test_the_sentence_speaks_the_unit_of_the_reader():
    text = paired(1e-3 * DRUG_2, 1e-3 * DRUG_1).sentence(scale=1e3, unit="mV")
    assert "Mean difference -1.58 mV (95 % CI -2.46 to -0.70)" in text
    assert "t(9) = -4.06, p = 0.0028, 10 cells from 10 animals" in text


@pytest.mark.parametrize(
    ("before", "after", "clusters"),
    [
        ([1.0], [1.0, 2.0], None),
        ([1.0, 2.0], [1.0, 2.0], ["a"]),
        (["x", "y"], [1.0, 2.0], None),
        ([[1.0]], [[2.0]], None),
    ],
)
def test_columns_that_do_not_fit_are_refused(before, after, clusters):
    with pytest.raises(Refused, match=r"per cell|lengths|numbers"):
        paired(before, after, clusters=clusters)
