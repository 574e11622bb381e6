"""The command of every sweep that a step plays: known in full before the step begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocols.waveforms import Waveform, pulse_train, samples, step_sweep

if TYPE_CHECKING:
    from protocols.steps import Find, Hold, MembraneTest, Series

MEMBRANE_TEST_PERIOD = 4.0
"""Onset to onset in pulse widths: three widths of rest let the membrane discharge."""


def hold_command(step: Hold, rate: float) -> Waveform:
    """Return the one gap-free sweep of a hold."""
    level, pulses = float(step.voltage), step.test_pulses
    if pulses is None:
        return Waveform(rate, samples(step.for_, rate), level)
    return pulse_train(
        rate,
        holding=level,
        duration=float(step.for_),
        amplitude=float(pulses.step),
        width=float(pulses.width),
        every=float(pulses.every),
    )


def membrane_test_command(step: MembraneTest, rate: float, *, holding: float) -> Waveform:
    """Return the pulses of a membrane test upon `holding` volts."""
    every = MEMBRANE_TEST_PERIOD * step.width
    return pulse_train(
        rate,
        holding=holding,
        duration=every * step.average,
        amplitude=float(step.step),
        width=float(step.width),
        every=every,
    )


def find_command(step: Find, rate: float, *, holding: float, amplitude: float) -> Waveform:
    """Return one sweep of a search: a step of `amplitude` amperes upon a bias of `holding` amperes."""
    return step_sweep(
        rate,
        holding=holding,
        before=float(step.before),
        width=float(step.width),
        after=float(step.after),
        amplitude=amplitude,
    )


def series_command(step: Series, rate: float, *, holding: float, amplitude: float) -> Waveform:
    """Return one sweep of a series: a step of `amplitude` amperes upon a bias of `holding` amperes."""
    pulse = step.test_pulse
    return step_sweep(
        rate,
        holding=holding,
        before=float(step.before),
        width=float(step.width),
        after=float(step.after),
        amplitude=amplitude,
        test_pulse=None if pulse is None else (float(pulse.current), float(pulse.width), float(pulse.before_end)),
    )
