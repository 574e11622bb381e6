"""A knob on its way is no fault; a knob that has been turned is, at once."""

import numpy as np
import pytest

from acquisition.watching import Watch
from drivers.base import Gains
from drivers.telegraphs import NotAStep
from protocols.errors import HardwareError, ModeMismatch
from protocols.sweeps import ClampMode, Frame, Sweep
from protocols.waveforms import Waveform

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


def told(*blocks, n_samples):
    """Let a watch see blocks, (first sample, counts), of a sweep that plays to its end; return its words."""
    watch = Watch(Telegraph(*[GAINS] * 99), GAINS, every=0.05)
    for first, counts in blocks:
        watch.saw(Frame(first, counts), RATE)
    watch.look_last(n_samples)
    sweep = Sweep(3, ClampMode.VOLTAGE, Waveform(RATE, n_samples, -70e-3))
    return [text for kind, text, _ in watch.told(sweep, ["primary", "secondary"]) if kind == "fault"]


CALM = np.zeros((2, BLOCK), np.int16)


def test_a_last_block_that_never_came_is_told():
    assert told((0, CALM), n_samples=2 * BLOCK) == ["sweep 3: 1000 samples (0.050 s) are lost from 1000 on"]


def test_an_input_at_full_scale_is_told_with_its_name_and_since_when():
    railed = CALM.copy()
    railed[1, 300:600] = -32768
    (words,) = told((0, CALM), (BLOCK, railed), n_samples=2 * BLOCK)
    assert words.startswith("sweep 3: 'secondary' stood at full scale for 0.015 s, first at 0.07 s")


def test_a_charging_transient_at_full_scale_is_not_worth_a_word():
    railed = CALM.copy()
    railed[0, :100] = 32767
    assert told((0, railed), n_samples=BLOCK) == []


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
