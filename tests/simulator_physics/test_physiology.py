"""The cell is a CA1 pyramidal neuron as far as the published numbers go, at the temperature of the shipped study.

Sources of the ranges are in benchmarks/verification/targets.py.
"""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.verification.targets import TARGETS, simulated
from drivers.simulated.cell import at_temperature, preset, resting_potential
from tests.simulator_physics.properties import (
    DT,
    action_potentials,
    after_potential,
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

MISSED = {"half_width": (1.0, 1.2), "downstroke": (-80.0, -55.0)}
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
    control, apamin = after_potential(CELL), after_potential(in_apamin(CELL))
    assert apamin.early / control.early < 0.9
    assert 0.9 < apamin.one_second / control.one_second < 1.1


def test_at_34_degrees_the_spike_is_as_narrow_and_as_sharp_as_published():
    first = action_potentials(response(WARM, 300.0))[0]
    assert 0.75 < first.half_width < 0.95
    assert -53.5 < first.threshold < -46.5
    assert -130 < first.downstroke < -70


@pytest.mark.parametrize("current", [225, 250, 275, 300, 325, 350, 375, 400])
def test_3_or_4_spikes_where_the_shipped_study_looks_and_none_on_an_edge(current):
    times = spike_times(response(CELL, float(current)))
    assert len(times) in (3, 4)
    assert all(abs(t) > 2 and abs(t - 150) > 2 for t in times)


def test_later_spikes_are_as_tall_at_the_strongest_current():
    spikes = action_potentials(response(CELL, 400.0))
    assert spikes[0].peak - min(s.peak for s in spikes) < 10
    assert min(s.peak for s in spikes) > 20


def test_it_takes_more_than_noise_and_drift_to_fire_from_the_holding_potential():
    assert count(CELL, 50.0) == 0
    assert count(CELL, 125.0) >= 1


@pytest.mark.parametrize("current", [150.0, 200.0, 250.0, 300.0, 500.0])
@pytest.mark.parametrize("cell", [CELL, WARM, blocked(WARM)], ids=["30", "34", "34, blocked"])
def test_long_steps_do_not_lock_the_cell_up(cell, current):
    """Between spikes it comes back below -50 mV."""
    v = response(cell, current, width=800.0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], v > -50.0, [0]]).astype(int)))
    assert max(edges[1::2] - edges[::2], default=0) * DT < 15.0


def test_more_current_never_makes_fewer_spikes():
    counts = [count(CELL, float(current)) for current in range(100, 501, 50)]
    assert counts == sorted(counts)
