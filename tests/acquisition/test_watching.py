"""A knob on its way is no fault; a knob that has been turned is, at once."""

import numpy as np
import pytest

from acquisition.watching import Watch
from drivers.base import Gains
from drivers.telegraphs import NotAStep
from protocols.errors import HardwareError, ModeMismatch
from protocols.sweeps import ClampMode, Frame

RATE, BLOCK = 20_000.0, 1_000
GAINS = Gains(ClampMode.VOLTAGE, 0.02, {"primary": ("A", 1e-9)})
TURNED = Gains(ClampMode.VOLTAGE, 0.02, {"primary": ("A", 0.5e-9)})
BETWEEN = NotAStep("gain telegraph", 2.4, (2.0, 3.0))


class Telegraph:
    """Says one thing after the other."""

    name = "amplifier"

    def __init__(self, *said, mode=ClampMode.VOLTAGE):
        self._said, self._mode = list(said), mode

    def gains(self):
        said = self._said.pop(0)
        if isinstance(said, Exception):
            raise said
        return said

    def mode(self):
        return self._mode


def seen(*said, **how):
    """Let a watch see as many blocks as the telegraph says things."""
    watch = Watch(Telegraph(*said, **how), GAINS, every=0.05)
    for i in range(len(said)):
        watch.saw(Frame(i * BLOCK, np.zeros((1, BLOCK), np.int16)), RATE)


def test_a_voltage_between_two_steps_is_looked_at_again():
    seen(GAINS, BETWEEN, GAINS, BETWEEN, GAINS)


def test_two_in_a_row_are_a_fault():
    with pytest.raises(NotAStep, match="none of its steps"):
        seen(GAINS, BETWEEN, BETWEEN)


def test_a_gain_that_was_turned_is_a_fault_when_it_has_arrived():
    with pytest.raises(HardwareError, match="in voltage clamp is 2 V/nA, it was 1 V/nA"):
        seen(GAINS, BETWEEN, TURNED)


def test_another_mode_is_a_fault_at_once_even_while_the_gain_is_between_two_steps():
    with pytest.raises(ModeMismatch, match="it is in current clamp now"):
        seen(BETWEEN, mode=ClampMode.CURRENT)
