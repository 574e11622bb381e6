"""Holm's correction, and how many cells are needed."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from acquisition.statistics.multiplicity import holm
from acquisition.statistics.planning import (
    cells_needed,
    cells_needed_against_vehicle,
    power,
    power_against_vehicle,
    sd_of_change,
)
from acquisition.statistics.student import one_sample
from protocols.errors import Refused


def test_holm_by_hand():
    found = holm({"A_pk": 0.01, "D50": 0.04, "tau": 0.03, "accommodation": 0.005})
    # sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, never falling
    assert [found[name].adjusted for name in ("accommodation", "A_pk", "tau", "D50")] == pytest.approx(
        [0.02, 0.03, 0.06, 0.06]
    )
    assert [name for name in found if found[name].rejected] == ["A_pk", "accommodation"]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_that_of_statsmodels(p_values):
    theirs = multipletests(p_values, method="holm")
    found = holm({str(i): p for i, p in enumerate(p_values)})
    assert [one.adjusted for one in found.values()] == pytest.approx(theirs[1])


def test_a_secondary_without_a_p_value_still_counts():
    found = holm({"A_pk": 0.02, "tau": math.nan})
    assert found["A_pk"].adjusted == pytest.approx(0.04)
    assert math.isnan(found["tau"].adjusted)
    assert not found["tau"].rejected
    assert holm({}) == {}


def test_known_sample_sizes():
    # G*Power 3.1: d_z 0.5 -> 34 pairs, d 0.5 -> 64 per group, at 80 % and 5 %
    assert cells_needed(0.5, 1.0) == 34
    assert cells_needed_against_vehicle(0.5, 1.0) == 64
    assert power(34, 0.5, 1.0) == pytest.approx(0.8078, abs=1e-4)
    assert power_against_vehicle(64, 64, 0.5, 1.0) == pytest.approx(0.8015, abs=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.3, 3), st.floats(0.5, 0.95))
def test_the_cells_needed_are_the_fewest(effect, wanted):
    n = cells_needed(effect, 1.0, power=wanted)
    assert power(n, effect, 1.0) >= wanted
    assert n == 2 or power(n - 1, effect, 1.0) < wanted


def test_power_is_the_share_of_simulated_studies():
    random = np.random.default_rng(0)
    studies = random.normal(0.8, 1.0, (2000, 12))
    assert np.mean([one_sample(study).p < 0.05 for study in studies]) == pytest.approx(power(12, 0.8, 1.0), abs=0.03)


def test_sd_of_change_is_that_of_correlated_cells():
    random = np.random.default_rng(1)
    before = random.normal(4, 0.38 * 4, 200_000)
    after = 0.7 * (4 + 0.9 * (before - 4) + random.normal(0, 0.38 * 4 * math.sqrt(1 - 0.81), 200_000))
    assert sd_of_change(0.38, 0.9, mean=4, remaining=0.7) == pytest.approx((after - before).std(), rel=0.01)


def test_what_cannot_be_planned_is_refused():
    with pytest.raises(Refused, match="effect must not be 0"):
        cells_needed(0.0, 1.0)
    with pytest.raises(Refused, match="SD of the changes"):
        power(10, 1.0, 0.0)
    with pytest.raises(Refused, match="more than"):
        cells_needed(1e-6, 1.0)
