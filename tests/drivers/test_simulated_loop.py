"""The compiled loop works in short stretches, which nobody can see in what it records."""

from itertools import cycle

import numpy as np
import pytest
from scipy.stats import kstest

from drivers.simulated import kernel
from drivers.simulated.cell import at_temperature, preset, steady_state
from drivers.simulated.packing import MEMBRANE_NOISE, PINK, Knobs, pack
from drivers.simulated.pharmacology import drug_table
from drivers.simulated.rates import table
from drivers.simulated.settings import Simulation
from drivers.simulated.world import fresh_state
from protocols.quantities import Percent

CELL = at_temperature(preset("ca1_pyramidal"), 30.0)
STEADY = steady_state(CELL, -60.0)
READOUT = np.array([[kernel.VOLTAGE, 1600.0], [kernel.CURRENT, 3.2]])


class Loop:
    """A noisy cell in the loop, with `substeps` steps per sample at `rate` Hz."""

    def __init__(self, *, clamped=False, rate=20e3, substeps=1, tip_leak=0.0, **settings):
        settings = Simulation(**settings)
        self.state = fresh_state(STEADY, pipette=-60.0, access=12.0, seed=5)
        self.state["tip_leak"] = tip_leak
        packed = pack(CELL, settings, Knobs.of(settings), rate=rate, substeps=substeps)
        self._given = packed, drug_table(), table(CELL, 1e3 / (rate * substeps))
        self._clamped = clamped

    def play(self, commands):
        """Return (counts, soma in mV)."""
        counts, soma = np.empty((2, len(commands)), np.int16), np.empty(len(commands))
        kernel.run(self.state, *self._given, self._clamped, commands, READOUT, counts, soma)
        return counts, soma


def commands(clamped):
    """Return 2,500 samples with a step in them, mV or pA."""
    level, step = (-60.0, 40.0) if clamped else (STEADY.current, 400.0)
    made = np.full(2_500, level)
    made[700:1_900] += step
    return made


@pytest.mark.parametrize("clamped", [True, False])
@pytest.mark.parametrize("tip_leak", [0.0, 40.0])  # nS; what leaks has a noise of its own
@pytest.mark.parametrize(("rate", "substeps"), [(20e3, 1), (50e3, 1), (200e3, 1), (10e3, 2), (12_345.0, 2), (3e3, 7)])
def test_a_recording_is_the_same_wherever_it_is_cut(clamped, tip_leak, rate, substeps):
    given, asked = {"clamped": clamped, "rate": rate, "substeps": substeps, "tip_leak": tip_leak}, commands(clamped)
    whole, cut = Loop(**given), Loop(**given)
    expected, done, found = whole.play(asked), 0, []
    for size in cycle([1, 7, 63, 64, 65, 401]):
        found.append(cut.play(asked[done : done + size]))
        done += size
        if done >= len(asked):
            break
    for wanted, pieces in zip(expected, zip(*found, strict=True), strict=True):
        np.testing.assert_array_equal(np.concatenate(pieces, axis=-1), wanted)
    assert whole.state.tobytes() == cut.state.tobytes()


def test_slow_noises_made_of_uniform_numbers_are_normal():
    loop, held = Loop(), np.full(800, STEADY.current)
    seen = []
    for _ in range(2_000):  # 40 ms apart: nothing is left of the noise before
        loop.play(held)
        seen.append((loop.state["membrane_noise"][0], loop.state["pink_fast"][0]))
    membrane, pink = np.array(seen).T
    assert kstest(membrane / MEMBRANE_NOISE, "norm").pvalue > 0.01
    assert kstest(pink / (PINK / np.sqrt(3)), "norm").pvalue > 0.01
    assert abs(membrane).max() > 3 * MEMBRANE_NOISE


def test_the_access_resistance_that_acts_is_the_true_one_to_a_ten_thousandth():
    loop, held = Loop(series_resistance_drift=Percent(0.5)), np.full(20_000, STEADY.current)  # half more a minute
    for _ in range(20):
        loop.play(held)
        assert loop.state["series"][0] == pytest.approx(1e3 / loop.state["access"][0], rel=1.01e-4)
    assert loop.state["access"][0] > 13.0
