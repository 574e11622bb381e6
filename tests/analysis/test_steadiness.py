import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.analysis.stability import judge, theil_sen
from protocols.conditions import Drift

LIMIT = Drift.parse("15 % per 10 min")
TIMES = np.arange(12) * 30.0


def noisy(slope=0.0, sd=0.05, seed=3, mean=-3e-3):
    """Values that change by the fraction `slope` in 10 min."""
    random = np.random.default_rng(seed)
    return mean * (1 + slope * TIMES / 600 + random.normal(0, sd, len(TIMES)))


def verdict(values, **how):
    return judge(TIMES[: len(values)], values, **{"last": 10, "drift_below": LIMIT, **how})


def test_a_level_measure_is_steady():
    found = verdict(noisy())
    assert found.steady
    assert (found.n, found.needed) == (10, 10)
    assert found.interval[0] <= 0 <= found.interval[1]
    assert found.text.startswith("10 of 10 sweeps, slope ")
    assert found.text.endswith("% per 10 min, interval contains 0: steady")


def test_a_growing_ahp_has_a_positive_slope_and_is_not_steady():
    found = verdict(noisy(slope=0.5, sd=0.02))
    assert not found.steady
    assert found.slope == pytest.approx(0.5, abs=0.15)
    assert "interval excludes 0: not steady" in found.text


def test_a_small_but_certain_drift_is_not_steady():
    assert not verdict(noisy(slope=-0.1, sd=0.001)).steady


def test_too_few_sweeps_are_not_steady_yet():
    assert verdict(noisy()[:6]).text.endswith("not yet")
    assert verdict([]).text == "0 of 10 sweeps"
    assert not verdict(noisy()[:9]).steady


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


@given(
    st.lists(st.floats(-100, 100), min_size=3, max_size=25),
    st.floats(0.5, 100),
)
def test_slope_and_interval_are_those_of_scipy(values, every):
    from scipy.stats import theilslopes

    t, y = np.arange(len(values)) * every, np.array(values)
    wanted = theilslopes(y, t, 0.95)
    assert theil_sen(t, y) == pytest.approx((wanted.slope, wanted.low_slope, wanted.high_slope), rel=1e-9, abs=1e-12)
