"""The cell is a CA1 pyramidal neuron as far as the published numbers go, at the temperature of the shipped study.

Sources of the ranges are in benchmarks/verification/targets.py.
"""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.verification.targets import TARGETS, matched, simulated
from drivers.simulated.cell import at_temperature, preset, resting_potential
from tests.simulator_physics.properties import (
    DT,
    action_potentials,
    blocked,
    count,
    in_apamin,
    passive,
    response,
    sag,
    spike_times,
)

WARM = preset("ca1_pyramidal")
CELL = at_temperature(WARM, 30.0)

MISSED = {"held_resistance": (55.0, 60.0), "downstroke": (-80.0, -65.0)}
"""Where the cell at 30 degC is not in the published range, which is of 33 to 35: what it has instead."""


@pytest.fixture(scope="module")
def cell():
    """Return all properties at 30 degC."""
    return simulated(CELL)


@pytest.mark.parametrize("name", sorted(set(TARGETS) - set(MISSED)))
def test_a_property_is_in_the_range_of_real_cells(cell, name):
    target = TARGETS[name]
    assert target.low <= cell[name] <= target.high


@pytest.mark.parametrize("name", MISSED)
def test_what_is_missed_is_missed_by_no_more_than_is_said(cell, name):
    low, high = MISSED[name]
    assert low <= cell[name] <= high
    assert not TARGETS[name].met(cell[name])


def test_without_the_h_current_there_is_no_sag_and_the_cell_rests_lower():
    silent = replace(CELL, g_ih=0.0)
    assert abs(sag(silent)) < 0.04
    assert resting_potential(silent) < resting_potential(CELL) - 1.5


def test_input_resistance_falls_with_hyperpolarisation_because_of_the_h_current():
    with_h, without = passive(CELL), passive(replace(CELL, g_ih=0.0))
    assert with_h.deep_resistance < with_h.input_resistance
    assert without.input_resistance > 1.2 * with_h.input_resistance


def test_apamin_takes_from_the_medium_after_potential_and_leaves_the_slow_one():
    control, apamin = matched(CELL, in_apamin(CELL))
    assert apamin.early / control.early < 0.9
    assert 0.9 < apamin.one_second / control.one_second < 1.1


def test_at_34_degrees_the_spike_is_as_narrow_and_as_sharp_as_published():
    first = action_potentials(response(WARM, 300.0))[0]
    assert 0.7 < first.half_width < 0.95
    assert -53.5 < first.threshold < -46.5
    assert -130 < first.downstroke < -70


@pytest.mark.parametrize(
    ("current", "fewest", "most"),
    [(150, 1, 2), (200, 2, 3), (250, 3, 4), (300, 3, 4), (400, 5, 6), (600, 7, 9), (800, 10, 12)],
)
def test_more_current_makes_more_spikes_in_150_ms(current, fewest, most):
    """From one near rheobase to ten and more; 3 or 4 in the middle of what the shipped study tries."""
    assert fewest <= count(CELL, float(current)) <= most


def test_the_first_interval_shortens_quickly_with_current_and_the_later_ones_lengthen():
    weak, middle, strong = (np.diff(spike_times(response(CELL, i, width=800.0)))[:5] for i in (200.0, 400.0, 600.0))
    assert 1e3 / weak[0] < 35 < 1e3 / middle[0] < 70 < 1e3 / strong[0]
    assert np.all(np.diff(middle) > 0)
    assert middle[4] > 3 * middle[0]


@pytest.mark.parametrize(("current", "loss"), [(250.0, 13.0), (400.0, 17.0)])
def test_spikes_hardly_shrink_in_a_long_step(current, loss):
    spikes = action_potentials(response(CELL, current, width=800.0))
    assert spikes[0].peak - min(s.peak for s in spikes) < loss
    assert min(s.peak for s in spikes) > 20


def test_no_spike_of_the_studys_first_step_falls_on_an_edge():
    assert all(5 < t < 145 for t in spike_times(response(CELL, 300.0)))


def test_it_takes_more_than_noise_and_drift_to_fire_from_the_holding_potential():
    assert count(CELL, 50.0) == 0
    assert count(CELL, 125.0) >= 1


@pytest.mark.parametrize("current", [150.0, 200.0, 250.0, 300.0, 500.0, 800.0])
@pytest.mark.parametrize("cell", [CELL, WARM, blocked(WARM)], ids=["30", "34", "34, blocked"])
def test_long_steps_do_not_lock_the_cell_up(cell, current):
    """Between spikes it comes back below -50 mV."""
    v = response(cell, current, width=800.0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], v > -50.0, [0]]).astype(int)))
    assert max(edges[1::2] - edges[::2], default=0) * DT < 15.0


def test_more_current_never_makes_fewer_spikes():
    counts = [count(CELL, float(current)) for current in range(100, 801, 50)]
    assert counts == sorted(counts)
