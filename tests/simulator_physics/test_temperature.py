"""Warmth changes the cell as it changes cells: every gate by its Q10, pools and conductances by theirs."""

import dataclasses

import numpy as np
import pytest

from drivers.simulated.cell import Cell, at_temperature, preset, steady_state
from drivers.simulated.rates import GATES
from drivers.simulated.settings import read_settings
from drivers.simulated.truth import respond
from protocols.waveforms import step_sweep
from tests.simulator_physics.properties import action_potentials, after_potential, passive, response

WARM = preset("ca1_pyramidal")
COOL = at_temperature(WARM, 30.0)


@pytest.mark.parametrize("gate", GATES, ids=lambda g: g.kinetics.__name__)
def test_every_gate_slows_by_its_q10(gate):
    v = np.arange(-100.0, 50.0, 0.7)
    cool = at_temperature(WARM, 24.0)
    (opened, slow), (open_warm, fast) = gate(v, cool), gate(v, WARM)
    assert slow == pytest.approx(gate.q10 * fast)
    assert opened == pytest.approx(open_warm)


def test_going_and_coming_back_is_the_same_cell():
    back = at_temperature(COOL, WARM.temperature)
    for field in dataclasses.fields(Cell):
        assert getattr(back, field.name) == pytest.approx(getattr(WARM, field.name))


def test_in_the_cold_the_l_type_channels_forget_their_inactivation_more_slowly():
    assert COOL.l_type_inactivation_tau == pytest.approx(3.0**0.4 * WARM.l_type_inactivation_tau)


def test_cooling_raises_input_resistance_and_widens_the_spike_but_hardly_moves_its_threshold():
    """As in neocortical pyramids between 22 and 35 degC (Lee, Callaway & Foehring 2005)."""
    cool, warm = (action_potentials(response(cell, 300.0))[0] for cell in (COOL, WARM))
    assert passive(COOL).input_resistance > 1.08 * passive(WARM).input_resistance
    assert 1.15 < cool.half_width / warm.half_width < 1.6
    assert abs(cool.threshold - warm.threshold) < 2.0


def test_the_slow_after_potential_slows_more_than_the_medium_one():
    cool, warm = after_potential(COOL), after_potential(WARM)
    assert cool.decay > 1.3 * warm.decay
    assert cool.decay / warm.decay > 1.1 * cool.medium / warm.medium


def test_the_baths_temperature_of_the_rig_file_reaches_the_channels():
    command = step_sweep(40e3, holding=0.0, before=0.6, width=0.150, after=0.05, amplitude=300e-12)
    widths = [
        action_potentials(1e3 * respond(read_settings({"temperature": t, "variability": "0 %"}), command))[0].half_width
        for t in ("30 °C", "34 °C")
    ]
    assert widths[0] > 1.15 * widths[1]


def test_the_table_of_holding_currents_is_smooth_in_temperature():
    currents = [steady_state(at_temperature(WARM, t), -60.0).current for t in np.arange(28.0, 36.1, 0.5)]
    assert np.abs(np.diff(currents, 2)).max() < 1.0
