"""The cell is a CA1 pyramidal neuron as far as the published numbers go, at the temperature of the shipped study.

Sources of the ranges are in benchmarks/verification/targets.py.
"""

import numpy as np
import pytest

from benchmarks.verification.targets import simulated
from drivers.simulated.cell import at_temperature, preset
from tests.simulator_physics.properties import DT, action_potentials, count, response, spike_times

WARM = preset("ca1_pyramidal")
CELL = at_temperature(WARM, 30.0)

RANGES = {
    "rest": (-72, -63),
    "input_resistance": (60, 120),
    "time_constant": (15, 30),
    "threshold": (-53.5, -46.5),
    "height": (90, 112),
    "upstroke": (250, 430),
    "loss": (-8, 12),
    "spikes": (3, 3),
    "accommodation": (5, 12),
    "medium": (-8, -3),
    "one_second": (-4, -2),
    "decay": (1, 2.2),
    "six_seconds": (-0.25, 0.0),
    "lost": (40, 60),
    "gained": (1, 6),
}


@pytest.fixture(scope="module")
def cell():
    """Return all properties at 30 degC."""
    return simulated(CELL)


@pytest.mark.parametrize("name", RANGES)
def test_a_property_is_in_the_range_of_real_cells(cell, name):
    low, high = RANGES[name]
    assert low <= cell[name] <= high


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


@pytest.mark.parametrize("current", [200.0, 300.0, 500.0])
@pytest.mark.parametrize("cell", [CELL, WARM], ids=["30", "34"])
def test_long_steps_do_not_lock_the_cell_up(cell, current):
    """Between spikes it comes back below -50 mV."""
    v = response(cell, current, width=800.0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], v > -50.0, [0]]).astype(int)))
    assert max(edges[1::2] - edges[::2], default=0) * DT < 15.0


def test_more_current_never_makes_fewer_spikes():
    counts = [count(CELL, float(current)) for current in range(100, 501, 50)]
    assert counts == sorted(counts)
