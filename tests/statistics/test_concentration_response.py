"""Concentration-response: the truth is recovered, or the IC50 is called not determined."""

import math
import warnings

import numpy as np
import pytest

from acquisition.statistics.compounds import compare
from acquisition.statistics.concentration import fit, percent_inhibition
from acquisition.statistics.logistic import fit_logistic
from protocols.errors import Refused
from tests.statistics.known import RYEGRASS, inhibition

SIX = np.array([0.03, 0.1, 0.3, 1.0, 3.0, 10.0]) * 1e-6
FEW = 300


def test_ryegrass_as_in_drc():
    x = [c for c, lengths in RYEGRASS.items() for _ in lengths]
    y = [length for lengths in RYEGRASS.values() for length in lengths]
    result = fit_logistic(x, y)
    assert (result.b, result.c, result.d, result.e) == pytest.approx((2.98222, 0.48141, 7.79296, 3.05796), abs=1.5e-5)
    assert (result.residual_se, result.df) == (pytest.approx(0.5196, abs=5e-5), 20)
    assert result.standard_errors == pytest.approx((0.46506, 0.21219, 0.18857, 0.18573), rel=0.02)
    # the same curve upside down: no start value decides
    upside_down = fit_logistic(x, -np.array(y))
    assert (upside_down.b, upside_down.e) == pytest.approx((-result.b, result.e), rel=1e-5)
    assert (upside_down.c, upside_down.d) == pytest.approx((-result.d, -result.c), rel=1e-5)


def test_a_partial_blocker_is_recovered():
    c, y = inhibition(SIX, 12, ic50=0.4e-6, top=40, sd=4, random=np.random.default_rng(0))
    result = fit(c, y, resamples=FEW)
    assert result.determined
    assert result.ic50_interval[0] < 0.4e-6 < result.ic50_interval[1]
    assert result.top_interval[0] < 40 < result.top_interval[1]
    assert result.hill_interval[0] < 1 < result.hill_interval[1]
    assert result.residual_sd == pytest.approx(4, rel=0.2)
    assert result.bootstrap_interval == pytest.approx(result.log_ic50_interval, abs=0.15)
    assert result.inhibition([result.ic50])[0] == pytest.approx(result.top / 2)
    assert "nM (95 % CI" in result.text
    assert (result.counts, result.n_cells) == ((12,) * 6, 72)


def test_without_noise_the_fit_is_the_truth():
    c, y = inhibition(SIX, 2, ic50=0.7e-6, top=55, hill=1.7, sd=0, random=np.random.default_rng(0))
    result = fit(c, y, resamples=3)
    assert (result.ic50, result.top, result.hill) == pytest.approx((0.7e-6, 55, 1.7), rel=1e-4)


def test_the_slope_is_fixed_at_1_with_four_concentrations():
    c, y = inhibition(SIX[:4], 6, ic50=0.2e-6, top=50, hill=1.0, sd=4, random=np.random.default_rng(1))
    result = fit(c, y, resamples=FEW)
    assert (result.hill, result.is_hill_fixed, result.df) == (1.0, True, 22)
    assert any("fewer than 5" in note for note in result.notes)


def test_fewer_than_four_cells_at_a_concentration_are_named():
    c, y = inhibition(SIX, 4, ic50=0.4e-6, top=40, sd=4, random=np.random.default_rng(2))
    notes = fit(c[1:], y[1:], resamples=3).notes
    assert any("fewer than 4 cells at 30.0 nM" in note for note in notes)


def test_a_top_that_is_not_reached_gives_a_lower_bound():
    c, y = inhibition(SIX, 5, ic50=30e-6, top=60, sd=3, random=np.random.default_rng(3))
    result = fit(c, y, resamples=FEW)
    assert (result.determined, result.bound) == (False, "lower")
    assert "top is not reached" in result.reason
    assert 0.1e-6 < result.bound_value < 30e-6
    assert math.isnan(result.ic50)
    assert "not determined, above" in result.text


def test_a_compound_that_blocks_fully_at_every_concentration_gives_an_upper_bound():
    c, y = inhibition(SIX, 5, ic50=1e-10, top=45, sd=5, random=np.random.default_rng(4))
    result = fit(c, y, resamples=FEW)
    assert (result.determined, result.bound) == (False, "upper")
    assert 1e-10 < result.bound_value < 0.03e-6


def test_a_compound_that_does_nothing_has_no_ic50():
    random = np.random.default_rng(5)
    y = random.normal(0, 8, 24)
    result = fit(np.repeat(SIX, 4), y - y.mean(), resamples=FEW)
    assert not result.determined
    assert result.bound == "" or result.bound == "lower"
    assert "not determined" in result.text


def test_profile_intervals_hold_the_truth_in_95_of_100():
    random = np.random.default_rng(6)
    held = []
    for _ in range(300):
        c, y = inhibition(SIX[:4], 5, ic50=0.3e-6, top=50, sd=6, random=random)
        result = fit(c, y, resamples=3)
        held.append(
            (
                result.log_ic50_interval[0] <= math.log10(0.3e-6) <= result.log_ic50_interval[1],
                result.top_interval[0] <= 50 <= result.top_interval[1],
            )
        )
    assert np.mean(held, axis=0) == pytest.approx([0.95, 0.95], abs=0.035)


def test_cells_of_one_animal_widen_the_bootstrap():
    random = np.random.default_rng(7)
    c, y = inhibition(SIX, 12, ic50=0.4e-6, top=50, sd=1, random=random)
    y = y + np.repeat(random.normal(0, 8, 24), 3)
    animal = np.repeat(np.arange(24), 3)
    nested, blind = fit(c, y, clusters=animal, resamples=FEW), fit(c, y, resamples=FEW)
    assert nested.n_animals == 24
    assert np.ptp(nested.bootstrap_interval) > 1.2 * np.ptp(blind.bootstrap_interval)
    assert any("come from 24 animals" in note for note in nested.notes)


def test_the_same_data_give_the_same_bits_in_any_unit_of_order():
    c, y = inhibition(SIX, 4, ic50=0.4e-6, top=40, sd=4, random=np.random.default_rng(8))
    assert fit(c, y, resamples=50) == fit(c, y, resamples=50)
    assert fit(c[::-1], y[::-1], resamples=3).log_ic50 == pytest.approx(fit(c, y, resamples=3).log_ic50, abs=1e-6)


@pytest.mark.parametrize(
    ("c", "y"),
    [
        ([], []),
        ([1e-6], [30.0]),
        ([1e-6, 1e-5], [30.0, 40.0]),
        ([1e-7, 1e-6, 1e-5], [math.nan, 30.0, 40.0]),
        ([1e-7, 1e-6, 1e-5], [0.0, 0.0, 0.0]),
        ([1e-7, 1e-6, 1e-5], [-3.0, -2.0, -1.0]),
    ],
)
def test_too_little_data_are_not_determined_without_a_warning(c, y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = fit(c, y, resamples=20)
        assert "not determined" in result.text
    assert result.reason


def test_a_concentration_of_zero_is_refused():
    with pytest.raises(Refused, match="vehicle cells"):
        fit([0.0, 1e-6], [1.0, 2.0])


def test_run_down_is_taken_out_of_the_inhibition():
    # 0.8 is left in vehicle cells; the drug leaves half of that
    found = percent_inhibition([-4.0, -5.0], [-1.6, -2.0], vehicle_before=[-4.0, -6.0], vehicle_after=[-3.2, -4.8])
    assert found == pytest.approx([50, 50])
    assert percent_inhibition([-4.0, 0.0], [-3.0, -1.0])[0] == pytest.approx(25)
    assert percent_inhibition([-4.0], [0.0], vehicle_before=[-4.0], vehicle_after=[-1.0]) == pytest.approx([100])


@pytest.fixture(scope="module")
def ten_fold():
    random = np.random.default_rng(9)
    first = inhibition(SIX[:5], 6, ic50=0.1e-6, top=45, sd=4, random=random)
    second = inhibition(SIX * 10, 6, ic50=1e-6, top=45, sd=4, random=random)
    return compare(*first, *second, resamples=FEW)


def test_a_tenfold_difference_of_potency_is_found(ten_fold):
    assert ten_fold.determined
    assert ten_fold.delta_log_ic50 == pytest.approx(1, abs=0.25)
    assert 0 < ten_fold.interval[0] < 1 < ten_fold.interval[1]
    assert ten_fold.same_ic50.p < 1e-3
    assert ten_fold.same_ic50.aicc_difference < -5


def test_f_test_and_interval_of_the_difference_say_the_same():
    random = np.random.default_rng(10)
    for _ in range(4):
        pair = [inhibition(SIX[:4], 5, ic50=0.2e-6, top=50, sd=8, random=random) for _ in range(2)]
        result = compare(*pair[0], *pair[1], resamples=3)
        assert (result.same_ic50.p < 0.05) == (not result.interval[0] <= 0 <= result.interval[1])


def test_one_compound_against_itself_is_one_curve():
    c, y = inhibition(SIX, 5, ic50=0.4e-6, top=50, sd=6, random=np.random.default_rng(11))
    result = compare(c, y, c, y, resamples=FEW)
    assert result.delta_log_ic50 == 0
    assert result.same_curve.p == pytest.approx(1)
    assert result.same_curve.aicc_difference > 0


def test_a_difference_to_an_ic50_that_is_not_determined_is_not_determined():
    random = np.random.default_rng(12)
    known = inhibition(SIX, 5, ic50=0.4e-6, top=50, sd=4, random=random)
    unknown = inhibition(SIX, 5, ic50=50e-6, top=50, sd=4, random=random)
    result = compare(*known, *unknown, resamples=FEW)
    assert not result.determined
    assert result.reason.startswith("second compound: the top is not reached")
    assert result.interval[0] > 0
    assert compare([], [], *known, resamples=3).determined is False
