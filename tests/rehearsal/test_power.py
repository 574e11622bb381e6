"""The power curve: noncentral t and drawn studies agree with each other and with what is known."""

from __future__ import annotations

import numpy as np
import pytest

from acquisition.rehearsal.power import (
    FEWEST,
    MOST,
    Comparison,
    curves,
    drawn_between,
    drawn_within,
    paired_power,
    welch_power,
)
from acquisition.statistics.planning import cells_needed, power, power_against_vehicle
from acquisition.statistics.student import one_sample, welch

N = np.arange(FEWEST, MOST + 1)


@pytest.fixture(scope="module")
def made():
    """A hundred drug cells that change by 1 +- 1, and a hundred vehicle cells that change by 0.2 +- 0.6."""
    random = np.random.default_rng(3)
    shape = random.standard_normal(100)
    shape = (shape - shape.mean()) / shape.std(ddof=1)
    return curves(1 + shape, 0.2 + 0.6 * random.permutation(shape))


def test_the_formulas_are_those_of_the_planning_functions():
    assert paired_power(N, 0.9, 1.0) == pytest.approx([power(int(n), 0.9, 1.0) for n in N], abs=1e-7)
    expected = [power_against_vehicle(int(n), int(n), 0.9, 1.0) for n in N]
    assert welch_power(N, 0.9, 1.0, 1.0) == pytest.approx(expected, abs=1e-7)


def test_a_large_effect_has_power_one_and_no_nan():
    assert paired_power(N, 100.0, 1.0) == pytest.approx(np.ones(len(N)))
    assert paired_power(N, 8.0, 1.0)[-1] == 1.0


def test_of_normal_changes_drawn_studies_agree_with_the_formula(made):
    for curve in made:
        if curve.test in (Comparison.PAIRED, Comparison.AGAINST):
            assert np.abs(curve.drawn - curve.formula)[4:].max() < 0.03


def test_of_skewed_changes_drawn_studies_find_what_studies_find_and_the_formula_does_not():
    random = np.random.default_rng(8)
    drug, vehicle = np.exp(random.normal(0, 0.9, 4000)), random.normal(0, 0.2, 4000)
    curve = next(c for c in curves(drug, vehicle) if c.test is Comparison.AGAINST)
    studies = [(np.exp(random.normal(0, 0.9, 12)), random.normal(0, 0.2, 12)) for _ in range(2000)]
    found = np.mean([welch(a, b).p < 0.05 for a, b in studies])
    assert curve.at(12)[0] == pytest.approx(found, abs=0.03)
    assert curve.at(12)[1] < found - 0.05


def test_the_number_of_cells_is_the_first_with_enough_power(made):
    curve = next(c for c in made if c.test is Comparison.PAIRED)
    assert curve.needed == pytest.approx(cells_needed(1.0, 1.0), abs=1)
    low, high = curve.needed_interval
    assert low < curve.needed < high


def test_vehicle_against_vehicle_is_found_in_one_study_of_twenty(made):
    curve = next(c for c in made if c.test is Comparison.NOTHING)
    assert curve.drawn[9:].mean() == pytest.approx(0.05, abs=0.01)
    assert curve.needed is None


def test_without_vehicle_cells_run_down_passes_for_an_effect(made):
    run_down = next(c for c in made if c.test is Comparison.RUN_DOWN)
    assert run_down.at(MOST)[0] > 0.4


def test_drawn_studies_are_tested_as_compare_tests_them():
    values, others = np.random.default_rng(1).normal(1, 1, 30), np.random.default_rng(2).normal(0, 2, 30)
    found = drawn_within(values, np.random.default_rng(4), 500)
    drawn = np.random.default_rng(4).choice(values - values.mean(), (500, MOST)) + values.mean()
    assert found[9] == np.mean([one_sample(row[:12]).p < 0.05 for row in drawn])
    found, random = drawn_between(values, others, np.random.default_rng(4), 500), np.random.default_rng(4)
    a, b = (random.choice(x - x.mean(), (500, MOST)) + x.mean() for x in (values, others))
    assert found[9] == np.mean([welch(x[:12], y[:12]).p < 0.05 for x, y in zip(a, b, strict=True)])


def test_cells_that_all_change_alike_do_not_break_it():
    found = curves(np.full(5, 1.0), np.zeros(5))
    assert all(np.isfinite(c.formula).all() for c in found)


def test_too_few_cells_give_no_curve():
    assert curves(np.array([1.0, 2.0]), np.array([])) == ()
