"""The mixed model recovers the truth it was given, or says what it did instead."""

import math
import warnings

import numpy as np
import pytest
from scipy import stats

from acquisition.statistics.mixed import mixed
from protocols.errors import Refused
from tests.statistics.known import nested

TRUTH = {"sd_animal": 1e-3, "sd_effect": 0.5e-3, "sd_cell": 0.8e-3, "sd": 0.2e-3, "effect": 1e-3}


@pytest.fixture(scope="module")
def many():
    values = nested(np.random.default_rng(0), animals=40, cells=4, **TRUTH, interaction=0.8e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return mixed(*values[:4], ages=values[4])


def test_variances_and_effects_of_a_simulation_are_recovered(many):
    assert "(1 + condition | animal) + (1 | cell), REML" in many.model
    assert many.model == many.asked
    assert many.effect("drug").estimate == pytest.approx(1e-3, abs=0.25e-3)
    assert many.effect("drug x age aged").estimate == pytest.approx(0.8e-3, abs=0.45e-3)
    assert many.sd_animal == pytest.approx(1e-3, rel=0.35)
    assert many.sd_effect == pytest.approx(0.5e-3, rel=0.3)
    assert many.sd_cell == pytest.approx(0.8e-3, rel=0.2)
    assert many.sd_residual == pytest.approx(0.2e-3, rel=0.2)


def test_an_effect_that_varies_between_animals_has_their_degrees_of_freedom(many):
    assert (many.n_animals, many.n_cells, many.n_values) == (40, 160, 320)
    assert {effect.df for effect in many.effects} == {38}


def test_a_balanced_design_gives_the_paired_t_test_over_animals():
    values, conditions, animals, cells, _ = nested(np.random.default_rng(1), animals=10, cells=3, **TRUTH)
    result = mixed(values, conditions, animals, cells)
    v = np.reshape(values, (10, 3, 2))
    t = stats.ttest_1samp((v[..., 1] - v[..., 0]).mean(axis=1), 0)
    effect = result.effect("drug")
    assert (effect.t, effect.df, effect.p) == pytest.approx((t.statistic, 9, t.pvalue), rel=2e-3)


def test_a_random_part_that_the_data_do_not_support_is_given_up_and_named():
    truth = TRUTH | {"sd_animal": 0.0, "sd_effect": 0.0}
    found = [mixed(*nested(np.random.default_rng(seed), animals=8, cells=2, **truth)[:4]) for seed in range(3)]
    simpler = [result for result in found if result.model != result.asked]
    assert simpler
    for result in simpler:
        assert "(1 + condition | animal)" not in result.model
        assert result.notes[0].startswith("(1 + condition | animal) + (1 | cell) given up: ")
        assert result.effect("drug").df == 15


def test_five_animals_get_a_bootstrap_over_animals_and_no_p_value():
    values = nested(np.random.default_rng(2), animals=5, cells=4, **TRUTH)
    result = mixed(*values[:4])
    effect = result.effect("drug")
    assert result.is_bootstrap
    assert "bootstrap over 5 animals" in result.model
    assert any("fewer than 6" in note for note in result.notes)
    v = np.reshape(values[0], (20, 2))
    assert effect.estimate == pytest.approx((v[:, 1] - v[:, 0]).mean())
    assert effect.interval[0] < effect.estimate < effect.interval[1]
    assert math.isnan(effect.p)
    assert result == mixed(*values[:4])


def test_the_order_of_the_rows_does_not_matter():
    values = nested(np.random.default_rng(3), animals=9, cells=2, **TRUTH)
    order = np.random.default_rng(0).permutation(len(values[0]))
    shuffled = [[column[i] for i in order] for column in values]
    one, other = (mixed(*v[:4], reference="vehicle").effect("drug") for v in (values, shuffled))
    assert one.estimate == pytest.approx(other.estimate, rel=1e-4)
    assert one.p == pytest.approx(other.p, rel=1e-2)


def test_a_treatment_of_whole_animals_is_tested_between_animals():
    random = np.random.default_rng(4)
    rows = [
        (value, "drug" if a % 2 else "vehicle", a, c)
        for a, of_animal in enumerate(random.normal(0, 1, 12))
        for c, value in enumerate(of_animal + random.normal(0, 0.3, 3))
    ]
    values, conditions, animals, cells = zip(*rows, strict=True)
    result = mixed(values, conditions, animals, cells, reference="vehicle")
    means = np.reshape(values, (12, 3)).mean(axis=1)
    t = stats.ttest_ind(means[1::2], means[::2])
    assert result.model.endswith("(1 | animal), REML")
    assert result.effect("drug").p == pytest.approx(t.pvalue, rel=1e-3)


def test_ages_in_months_are_centred():
    values = nested(np.random.default_rng(5), animals=12, cells=2, **TRUTH, interaction=1e-3)
    months = [24.0 if age == "aged" else 4.0 for age in values[4]]
    by_group, by_month = mixed(*values[:4], ages=values[4]), mixed(*values[:4], ages=months)
    assert by_month.effect("drug").estimate == pytest.approx(by_group.effect("drug").estimate, rel=1e-3)
    assert 20 * by_month.effect("drug x age").estimate == pytest.approx(
        by_group.effect("drug x age aged").estimate, rel=1e-3
    )
    assert any("age 14" in note for note in by_month.notes)


@pytest.mark.parametrize(
    ("values", "conditions", "animals"),
    [
        ([], [], []),
        ([1.0, 2.0, 3.0], ["a", "a", "a"], ["x", "y", "z"]),
        ([1.0] * 8, ["a", "b"] * 4, ["w", "w", "x", "x", "y", "y", "z", "z"]),
        ([1.0, 2.0, 3.0, 1.5], ["a", "b"] * 2, ["x"] * 4),
        ([math.nan] * 4, ["a", "b"] * 2, ["x"] * 4),
    ],
)
def test_data_without_an_answer_get_none(values, conditions, animals):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = mixed(values, conditions, animals, animals)
    assert not result.determined
    assert "not determined" in result.text


def test_an_unknown_reference_or_effect_is_refused_with_those_that_exist():
    values = nested(np.random.default_rng(2), animals=4, cells=2, **TRUTH)
    with pytest.raises(Refused, match="vehicle, drug"):
        mixed(*values[:4], reference="saline")
    with pytest.raises(Refused, match="effects are: drug"):
        mixed(*values[:4]).effect("nifedipine")
    with pytest.raises(Refused, match="animals 1"):
        mixed([1.0, 2.0], ["a", "b"], ["x"], ["c", "c"])
