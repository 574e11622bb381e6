"""The simulated cell is as restless as a real one: slowly, and from sweep to sweep."""

import numpy as np
import pytest

from drivers.simulated import kernel
from drivers.simulated.cell import at_temperature, preset, steady_state
from drivers.simulated.packing import Knobs, pack
from drivers.simulated.pharmacology import drug_table
from drivers.simulated.rates import table
from drivers.simulated.settings import Simulation
from drivers.simulated.world import fresh_state
from protocols.quantities import Current, Percent


class Neuron:
    """The cell at -60 mV in current clamp, without synapses."""

    def __init__(self, *, rate=20e3, **settings):
        cell = at_temperature(preset("ca1_pyramidal"), 30.0)
        settings, self._steady = Simulation(epsp_rate=None, **settings), steady_state(cell, -60.0)
        self.state = fresh_state(self._steady, pipette=-60.0, access=12.0, seed=3)
        self._rate, given = rate, pack(cell, settings, Knobs.of(settings), rate=rate, substeps=1)
        self._given = given, drug_table(), table(cell, 1e3 / rate)

    def live(self, seconds):
        """Return the potential of the soma, mV."""
        commands = np.full(round(seconds * self._rate), self._steady.current)
        soma, nothing = np.empty(len(commands)), np.empty((0, len(commands)), np.int16)
        kernel.run(self.state, *self._given, False, commands, np.empty((0, 2)), nothing, soma)
        return soma


def null_measures(v):
    """Return what 'A_1000' says where there is no AHP, mV: 100 ms means against the 0.5 s before the step."""
    every, early, late = (round(t * 20e3) for t in (2.0, 0.5, 1.6))
    starts = range(0, len(v) - every, every)
    return np.array([v[i + late : i + late + 2000].mean() - v[i : i + early].mean() for i in starts])


def test_a_null_measure_has_the_spread_it_has_in_quiet_real_cells():
    neuron = Neuron()
    neuron.live(5.0)
    spread = null_measures(neuron.live(300.0)).std()
    assert spread == pytest.approx(0.25, abs=0.05)  # mV, in quiet stretches of real recordings


def test_without_fluctuation_a_null_measure_has_a_third_of_it():
    neuron = Neuron(membrane_fluctuation=Current(0.0))
    neuron.live(5.0)
    assert null_measures(neuron.live(300.0)).std() < 0.1


def test_the_slow_ahp_changes_by_its_part_from_sweep_to_sweep_and_remembers_a_little():
    neuron = Neuron(rate=1e3, sahp_fluctuation=Percent(0.06))  # ms steps: only what is slow counts here
    found = []
    for _ in range(200):
        neuron.live(30.0)
        found.append(float(neuron.state["conductances"][0, kernel.AHP]))
    assert np.std(found) / np.mean(found) == pytest.approx(0.06, abs=0.01)
    assert np.corrcoef(found[1:], found[:-1])[0, 1] == pytest.approx(0.3, abs=0.15)


def test_without_noise_nothing_fluctuates():
    neuron = Neuron(noise=False)
    neuron.live(2.0)  # it finds its potential
    assert np.ptp(neuron.live(1.0)) < 1e-3
    assert neuron.state["sahp_change"][0] == 0.0
