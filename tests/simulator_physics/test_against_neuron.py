"""The same cell in NEURON: only where it is installed (pip install 'patchrig[verify]') and a C++ compiler is there."""

import numpy as np
import pytest

from benchmarks.verification import neuron_cell
from drivers.simulated.cell import at_temperature, preset
from tests.simulator_physics import bare

BURST = {"before": 20.0, "width": 150.0, "after": 100.0}

pytestmark = pytest.mark.skipif(neuron_cell.missing() is not None, reason=str(neuron_cell.missing()))


@pytest.fixture(scope="module", autouse=True)
def mechanisms(tmp_path_factory):
    """Compile our NMODL; NEURON loads it once a process."""
    neuron_cell.compile_into(tmp_path_factory.mktemp("mechanisms"))


@pytest.mark.parametrize("celsius", [30.0, 34.0])
def test_the_burst_is_neurons(celsius):
    cell = at_temperature(preset("ca1_pyramidal"), celsius)
    exact = neuron_cell.burst(cell, 300.0, **BURST, method=neuron_cell.Method(tolerance=1e-9))
    ours = bare.burst(cell, 300.0, 0.0125, **BURST)
    assert len(exact.crossings()) >= 3
    assert ours.crossings() == pytest.approx(exact.crossings(), abs=0.02)
    after = np.arange(180.0, 269.0)
    assert np.abs(ours.at(after) - exact.at(after)).max() < 0.01


@pytest.mark.parametrize("step", [10.0, -30.0])
def test_a_clamped_soma_draws_neurons_current(step):
    """In pA; +10 mV opens the first potassium current, -30 mV the h current."""
    cell = at_temperature(preset("ca1_pyramidal"), 34.0)
    steady, levels = bare.Bare(cell, 0.0125, clamped=True, holding=-70.0), [(5.0, 0.0), (60.0, step)]
    neuron = neuron_cell.NeuronCell(cell)
    clamp = neuron.clamp([(width, steady.level + level) for width, level in levels], bare.ACCESS)
    drawn = neuron.h.Vector().record(clamp._ref_i)
    soma = neuron.play(steady.steady, 65.0, neuron_cell.Method(0.0125))
    states = steady.steps(np.repeat([steady.level, steady.level + step], [400, 4800]))[1:]
    times, ends = np.arange(6.0, 64.0), np.arange(1, 5201) * 0.0125
    assert np.interp(times, ends, states["soma"]) == pytest.approx(soma.at(times), abs=0.05)
    current = np.interp(times, ends - 0.00625, states["raw_current"])  # that of mid-step
    theirs = np.interp(times, np.arange(len(drawn)) * 0.0125, 1e3 * np.array(drawn))
    assert np.ptp(theirs) > 20.0
    assert current == pytest.approx(theirs, rel=5e-3, abs=0.5)
