"""The gate that asks whether numbers can be what a file calls them."""

import numpy as np
import pytest

from acquisition.foreign.plausible import Plausible, doubts
from protocols.sweeps import ClampMode

REST = np.full(1000, -62e-3)


def spiking(peak=40e-3):
    return np.concatenate([REST, [peak]])


def test_a_neuron_raises_no_doubt():
    command = {"command_unit": "A", "command": (-100e-12, 300e-12)}
    assert doubts(ClampMode.CURRENT, spiking(), spike_heights=[80e-3, 95e-3], **command) == ()


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"values": REST * 1000}, "the baseline is -6.2e+04 mV, outside -100..-20 mV"),
        ({"values": REST + 59e-3}, "the baseline is -3 mV"),
        ({"values": spiking(0.3)}, "from -62 to 300 mV, more than 250 mV"),
        ({"command": (0.0, 300.0)}, "from 0 to 3e+14 pA"),
        ({"command_unit": "V"}, "the response is a voltage and the command is a voltage too"),
        ({"spike_heights": [4e-3, 5e-3, 90e-3]}, "action potentials are 5 mV high, outside 40..140 mV"),
        ({"spike_heights": [0.2]}, "action potentials are 200 mV high"),
    ],
)
def test_what_cannot_be_is_said_with_its_numbers(facts, says):
    (doubt,) = doubts(ClampMode.CURRENT, **({"values": spiking()} | facts))
    assert says in doubt


def test_steps_do_not_count_as_baseline():
    values = np.concatenate([REST, np.full(5000, -5e-3)])
    assert doubts(ClampMode.CURRENT, values, baseline=REST) == ()
    assert doubts(ClampMode.CURRENT, values) != ()


def test_lost_samples_are_passed_over_and_nothing_is_said_of_nothing():
    assert doubts(ClampMode.CURRENT, np.concatenate([REST, [np.nan]]), spike_heights=[np.nan]) == ()
    assert doubts(ClampMode.CURRENT, np.full(3, np.nan)) == ()


def test_voltage_clamp_is_judged_by_its_command():
    assert doubts(ClampMode.VOLTAGE, np.full(9, -1e-10), command_unit="V", command=(-80e-3, -70e-3)) == ()
    (doubt,) = doubts(ClampMode.VOLTAGE, np.full(9, -1e-10), command_unit="A")
    assert "no clamp mode" in doubt


def test_other_cells_have_other_limits():
    oocyte = Plausible(baseline=(-0.1, 0.01))
    assert doubts(ClampMode.CURRENT, REST + 59e-3, limits=oocyte) == ()
