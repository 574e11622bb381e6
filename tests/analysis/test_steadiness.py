import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.analysis.stability import after_arrival, beside_baseline, judge, judge_drug, theil_sen
from protocols.acceptance import Accept, BaselineSteady, DrugSteady
from protocols.conditions import Drift

LIMIT = Drift.parse("15 % per 10 min")
TIMES = np.arange(12) * 30.0


def noisy(slope=0.0, sd=0.05, seed=3, mean=-3e-3, times=TIMES):
    """Values that change by the fraction `slope` in 10 min."""
    random = np.random.default_rng(seed)
    return mean * (1 + slope * times / 600 + random.normal(0, sd, len(times)))


def verdict(values, **how):
    return judge(TIMES[: len(values)], values, **{"last": 10, "drift_below": LIMIT, **how})


def test_a_level_measure_is_steady_and_says_so():
    found = verdict(noisy())
    assert found.steady
    assert (found.n, found.needed) == (10, 10)
    assert found.interval[0] <= 0 <= found.interval[1]
    assert found.text == "10 of 10 sweeps steady, slope +3 %/10 min, CI contains 0"


def test_a_growing_ahp_has_a_positive_slope_and_is_not_steady():
    found = verdict(noisy(slope=0.5, sd=0.02))
    assert not found.steady
    assert found.slope == pytest.approx(0.5, abs=0.15)
    assert found.text == "10 of 10 sweeps not steady, slope +44 %/10 min, CI excludes 0"
    assert found.why == "10 of 10 sweeps, slope +44 %/10 min, CI excludes 0"


def test_a_shrinking_ahp_has_a_negative_slope():
    assert verdict(noisy(slope=-0.5, sd=0.02)).slope < -0.4


def test_a_small_but_certain_drift_is_not_steady():
    found = verdict(noisy(slope=-0.1, sd=0.001))
    assert abs(found.slope) < LIMIT.fraction
    assert not found.steady


def test_eight_steady_sweeps_of_ten_are_not_steady_yet_but_nothing_speaks_against_them():
    found = verdict(noisy(sd=0.01)[:8])
    assert found.text.startswith("8 of 10 sweeps steady, slope ")
    assert found.holds
    assert not found.steady


def test_one_sweep_or_none_has_no_slope():
    assert verdict([]).text == "0 of 10 sweeps"
    assert verdict([-3e-3]).text == "1 of 10 sweeps"
    assert not verdict([-3e-3]).holds


def test_only_the_last_sweeps_are_looked_at():
    values = noisy()
    values[:2] *= 3
    assert verdict(values).steady


def test_a_coefficient_of_variation_can_be_asked_for():
    values = noisy(sd=0.10)
    assert verdict(values).steady
    found = verdict(values, cv_below=0.05)
    assert not found.steady
    assert "CV" in found.text


def test_a_verdict_is_stored_as_plain_numbers():
    for values in ([], noisy()[:1], noisy()):
        stored = verdict(values).also(beside(noisy(mean=80e6), -0.06 + 0 * TIMES)).as_mapping()
        assert json.loads(json.dumps(stored, allow_nan=False)) == stored
    assert stored["steady"]
    assert [b["name"] for b in stored["besides"]] == ["Rin", "V_b"]


@given(
    st.lists(st.floats(-100, 100), min_size=3, max_size=25),
    st.floats(0.5, 100),
)
def test_the_slope_is_the_median_of_the_slopes_between_all_pairs_and_lies_in_its_interval(values, every):
    t, y = np.arange(len(values)) * every, np.array(values)
    pairs = [(y[j] - y[i]) / (t[j] - t[i]) for i in range(len(t)) for j in range(i + 1, len(t))]
    slope, low, high = theil_sen(t, y)
    assert slope == pytest.approx(np.median(pairs), rel=1e-9, abs=1e-12)
    assert low <= slope <= high


def test_a_slope_at_one_moment_is_refused():
    with pytest.raises(ValueError, match="two different times"):
        theil_sen(np.zeros(3), np.arange(3.0))


# --- the baseline: Rin and V_b as well -----------------------------------------------------------------------------


def beside(rin, v_b, **changes):
    rules = BaselineSteady.model_validate(changes)
    return beside_baseline(TIMES, {"Rin": rin, "V_b": v_b}, last=10, per=600.0, rules=rules)


def level_potential(slope_mv=0.0, sd=0.1e-3):
    """A baseline potential that drifts by `slope_mv` in 10 min."""
    return -60e-3 + 1e-3 * slope_mv * TIMES / 600 + np.random.default_rng(5).normal(0, sd, len(TIMES))


def test_a_baseline_whose_input_resistance_drifts_is_not_steady():
    good = verdict(noisy())
    found = good.also(beside(noisy(slope=0.4, sd=0.01, mean=80e6), level_potential()))
    assert good.steady
    assert not found.steady
    assert "Rin +36 %/10 min (CI excludes 0), V_b " in found.text
    assert found.text.startswith("10 of 10 sweeps not steady")


def test_a_baseline_whose_potential_drifts_by_more_than_the_tolerance_is_not_steady():
    found = verdict(noisy()).also(beside(noisy(mean=80e6), level_potential(slope_mv=4.0)))
    assert not found.steady
    assert "V_b +" in found.text


def test_a_certain_but_negligible_drift_of_the_potential_is_steady():
    (_, potential) = beside(noisy(mean=80e6), level_potential(slope_mv=0.5, sd=0.01e-3))
    assert potential.interval[0] > 0
    assert potential.steady


def test_the_tolerance_of_the_potential_is_the_protocols():
    (_, potential) = beside(noisy(mean=80e6), level_potential(slope_mv=0.5, sd=0.01e-3), potential_within="0.3 mV")
    assert potential.steady is False


def test_what_was_not_measured_speaks_neither_for_nor_against():
    found = verdict(noisy()).also(beside(np.full(12, np.nan), level_potential()))
    assert found.steady
    assert "Rin not measured" in found.text


# --- the drug: windows after the arrival ---------------------------------------------------------------------------

DRUG = DrugSteady()


def effect(minutes, *, tau=3.0, sd=0.02, seed=2, size=0.5):
    """Sweeps every 30 s for some minutes after an arrival at 1000 s; the AHP shrinks with `tau` min."""
    times = 1000.0 + np.arange(0, 60 * minutes + 1, 30.0)
    course = -3e-3 * (1 - size * -np.expm1(-(times - 1000) / 60 / tau))
    return times, course * (1 + np.random.default_rng(seed).normal(0, sd, len(times)))


def test_a_drug_is_not_steady_before_ten_minutes_whatever_the_numbers_say():
    times, values = effect(9.5, size=0.0)
    found = judge_drug(times, values, arrival=1000.0, rules=DRUG)
    assert not found.steady
    assert [c.steady for c in found.besides] == [False, True]
    assert "9 of 10 min after arrival" in found.text


def test_a_fast_drug_is_steady_after_ten_minutes():
    found = judge_drug(*effect(10.5, tau=0.5), arrival=1000.0, rules=DRUG)
    assert found.steady, found.text
    assert "mean of the last 5 min" in found.text


def test_not_steady_while_the_last_five_minutes_differ_by_ten_per_cent_from_those_before():
    found = judge_drug(*effect(12, tau=6.0, size=0.7), arrival=1000.0, rules=DRUG)
    change = found.besides[1]
    assert change.value < -0.10
    assert not found.steady


def test_a_slow_drug_becomes_steady_in_the_end():
    times, values = effect(40, tau=6.0)
    steady = [judge_drug(times[:k], values[:k], arrival=1000.0, rules=DRUG).steady for k in range(2, len(times) + 1)]
    assert not any(steady[:19])
    assert sum(steady[-20:]) >= 15


def test_windows_with_too_few_sweeps_are_not_compared():
    times, values = effect(12, size=0.0)
    found = judge_drug(times[::9], values[::9], arrival=1000.0, rules=DRUG)
    assert not found.steady
    assert found.besides[1].text == "too few sweeps for two windows of 5 min"
    assert not judge_drug([], [], arrival=1000.0, rules=DRUG).steady


def test_the_limits_of_the_drug_are_the_protocols():
    rules = Accept.model_validate({"drug": {"not_before": "2 min", "window": "90 s", "change_within": "30 %"}}).drug
    times, values = effect(3, size=0.0)
    waited, change = after_arrival(times, values, arrival=1000.0, rules=rules)
    assert (waited.steady, change.steady) == (True, True)
    assert change.limit == 0.3
