"""The command of every sweep that a step plays: known in full before the step begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocols.waveforms import TtlPulse, Waveform, pulse_train, samples, step_sweep

if TYPE_CHECKING:
    from protocols.parts import TtlPulses
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


def ttl_pulses(step: Hold | Find | Series, rate: float) -> tuple[TtlPulse, ...]:
    """Return the TTL pulses of one sweep of a step, in order of their rising edges."""
    pulses = [p for wish in step.ttl for p in _pulses_of(wish, step, rate)]
    return tuple(sorted(pulses, key=lambda p: (p.start, p.line)))


def _pulses_of(wish: TtlPulses, step: Hold | Find | Series, rate: float) -> list[TtlPulse]:
    zero, width = _zero(wish, step, rate), max(1, samples(wish.width, rate))
    starts = [zero + samples(wish.at + i * (wish.every or 0.0), rate) for i in range(wish.count)]
    return [TtlPulse(wish.line, start, start + width) for start in starts]


def _zero(wish: TtlPulses, step: Hold | Find | Series, rate: float) -> int:
    """Return the sample that a pulse's time counts from: the very one at which the step begins or ends."""
    from protocols.steps import Hold

    if wish.counted_from == "sweep_start" or isinstance(step, Hold):
        return 0
    on = samples(step.before, rate)
    return on if wish.counted_from == "step_start" else on + samples(step.width, rate)
