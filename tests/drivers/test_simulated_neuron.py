"""The neuron as truth for tests and benchmarks: bursts, drugs, seeds, names. Its physics: tests/simulator_physics."""

import math

import numpy as np
import pytest

from drivers.simulated.cell import preset, presets, resting_potential, steady_state
from drivers.simulated.rates import GATES
from drivers.simulated.settings import Simulation
from drivers.simulated.truth import burst
from protocols.errors import HardwareError
from protocols.quantities import Percent

CELL = Simulation(variability=Percent(0.0))


def test_without_current_the_cell_is_at_rest():
    cell = preset("ca1_pyramidal")
    assert steady_state(cell, resting_potential(cell)).current == pytest.approx(0.0, abs=0.5)


def test_counts_are_the_same_at_20_40_and_50_khz():
    for current in (250e-12, 400e-12):
        assert len({burst(CELL, current, after=0.1, rate=r).spikes for r in (20e3, 40e3, 50e3)}) == 1


@pytest.mark.parametrize(("current", "count"), [(150, 2), (250, 3), (300, 4), (400, 5), (600, 8)])
def test_counts_of_spikes_follow_the_table(current, count):
    assert burst(CELL, current * 1e-12, after=0.1).spikes == count


@pytest.mark.parametrize(("current", "lowest", "highest"), [(250, -4.0, -2.0), (300, -5.0, -3.0)])
def test_the_slow_ahp_after_3_and_4_spikes_is_in_its_range_and_gone_after_six_seconds(current, lowest, highest):
    found = burst(CELL, current * 1e-12)
    assert lowest < found.sahp * 1e3 < highest
    assert abs(found.soma[-200:].mean() - found.baseline) < 0.25e-3


def test_more_blocker_leaves_less_ahp_and_never_none():
    """At a step that gives 3 spikes with and without it."""
    concentrations = (0.0, 10e-9, 30e-9, 100e-9, 300e-9, 1e-6, 10e-6)
    sizes = [-burst(CELL, 210e-12, drug=("MEM 1003", c)).sahp for c in concentrations]
    assert sizes == sorted(sizes, reverse=True)
    assert 0.45 < 1 - sizes[-2] / sizes[0] < 0.65
    assert sizes[-1] > 0


def test_a_vehicle_does_nothing():
    assert burst(CELL, 275e-12, drug=("DMSO", 1e-3)).sahp == burst(CELL, 275e-12).sahp


def test_another_seed_is_another_cell_and_none_without_variability():
    spread = Simulation()
    assert burst(spread, 275e-12, seed=1).sahp != burst(spread, 275e-12, seed=2).sahp
    assert burst(CELL, 275e-12, seed=1).sahp == burst(CELL, 275e-12, seed=2).sahp


def test_most_cells_give_3_or_4_spikes_somewhere_in_the_studys_range_but_not_all_at_its_middle():
    """The shipped study looks for the current between 200 and 400 pA, from 300 pA on."""
    cells = [{i: burst(Simulation(), i * 1e-12, seed=s, after=0.02).spikes for i in (200, 250, 300, 350, 400)}
             for s in range(1, 21)]  # fmt: skip
    assert sum(any(n in (3, 4) for n in spikes.values()) for spikes in cells) >= 17
    assert 6 <= sum(spikes[300] in (3, 4) for spikes in cells) <= 17


def test_every_gate_is_finite_and_moves_forward_over_the_whole_table():
    v = np.arange(-150.0, 100.0, 0.05)
    for cell in presets().values():
        for gate in GATES:
            steady, tau = gate(v, cell)
            assert np.all((steady >= 0) & (steady <= 1))
            assert np.all(np.isfinite(tau) & (tau > 0))


def test_rates_are_finite_where_numerator_and_denominator_vanish():
    cell = preset("ca1_pyramidal")
    for gate, v in ((GATES[0], cell.na_activation), (GATES[6], cell.l_type_shift - 27.01), (GATES[7], -26.0)):
        beside, at = gate(np.array([v - 1e-4, v + 1e-4]), cell)[0].mean(), gate(np.array([v]), cell)[0][0]
        assert math.isclose(beside, at, rel_tol=1e-4)


def test_an_unknown_cell_or_parameter_is_named_with_what_is_known():
    with pytest.raises(HardwareError, match="did you mean 'ca1_pyramidal'"):
        preset("ca1_pyramidial")
    with pytest.raises(HardwareError, match="did you mean 'g_ahp'"):
        preset("ca1_pyramidal", {"g_ahb": 1.0})
