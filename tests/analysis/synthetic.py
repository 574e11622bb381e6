"""Cells with known truth, written as formulas: nothing here is shared with the code under test."""

from __future__ import annotations

import numpy as np
from scipy.signal import bessel, lfilter

from protocols.sweeps import Channel, ClampMode, RecordedSweep, Sweep, SweepHeader
from protocols.waveforms import pulse_train, step_sweep

RATE = 20_000.0
MV, PA = 1e-3, 1e-12
PRIMARY = {
    ClampMode.CURRENT: Channel("primary", "V", (0.0, 0.02 / 32768 * 10)),
    ClampMode.VOLTAGE: Channel("primary", "A", (0.0, 20e-9 / 32768)),
}
TEST_PULSE = (-50e-12, 0.3, 0.8)


def header(command, *, mode=ClampMode.CURRENT, kind="series", label="baseline", index=7, start=100.0, amplifier=None):
    settings = {"low_pass": 4000.0, "bridge_balance": 12e6} if amplifier is None else amplifier
    return SweepHeader(
        Sweep(index, mode, command), start, label, kind, 3, "ACSF", (PRIMARY[mode],), command.holding, settings
    )


def recorded(head, values, *, complete=True):
    """A sweep from SI values (samples,)."""
    unit = 1e-3 if head.sweep.mode is ClampMode.CURRENT else 1e-12
    return RecordedSweep(head, {"primary": (np.asarray(values) / unit).astype(np.float32)}, complete)


def burst_command(rate=RATE, *, before=1.5, width=0.15, after=6.35, amplitude=300 * PA, test_pulse=TEST_PULSE):
    return step_sweep(
        rate, holding=100 * PA, before=before, width=width, after=after, amplitude=amplitude, test_pulse=test_pulse
    )


def ahp(t, *, size=3 * MV, rise=0.15, fall=1.2):
    """A slow AHP, V, `t` seconds after the step's end; `size` scales it."""
    return np.where(t > 0, -size * (np.exp(-t / fall) - np.exp(-t / rise)), 0.0)


def spike(t, *, height=80 * MV, width=0.6e-3):
    """An action potential around t = 0: a narrow bell with a fast rise."""
    return height * np.exp(-0.5 * (t / np.where(t < 0, 0.5 * width, width)) ** 2)


def voltage(command, *, rest=-60 * MV, size=3 * MV, spikes=(), rin=80e6, jump=0.0, noise=0.0, seed=0):
    """Membrane potential, V, of a cell with an AHP, `spikes` at seconds of the sweep, and a slow RC of `rin`."""
    t = np.arange(command.n_samples) / command.rate
    step = command.of("step")[0]
    v = rest + ahp(t - step.stop / command.rate, size=size)
    for pulse in command.pulses:
        for edge, sign in ((pulse.start, 1.0), (pulse.stop, -1.0)):
            since = t - edge / command.rate
            on = since >= 0
            v[on] += sign * pulse.amplitude * (0.2 * rin * -np.expm1(-since[on] / 0.02) + jump)
            if pulse.role == "test_pulse":
                v[on] += sign * pulse.amplitude * 0.8 * rin * -np.expm1(-since[on] / 0.02)
    for at in spikes:
        v += spike(t - at)
    if noise:
        v += slow_noise(len(v), command.rate, noise, seed)
    return v


def slow_noise(n, rate, sd, seed, tau=0.1):
    """Ornstein-Uhlenbeck noise of a quiet cell, V."""
    keep = np.exp(-1 / (tau * rate))
    steps = np.random.default_rng(seed).normal(0, sd * np.sqrt(1 - keep**2), n)
    return lfilter([1.0], [1.0, -keep], steps)


def hold_command(rate=RATE, *, duration=10.0, every=1.0, width=0.05, step=-5 * MV):
    return pulse_train(rate, holding=-70 * MV, duration=duration, amplitude=step, width=width, every=every)


def patch_current(command, *, rs=12e6, rm=100e6, cm=100e-12, corner=4000.0, latency=0.0, over=20):
    """Clamp current, A, of an RC cell behind `rs`, through a 4-pole Bessel filter of `corner` Hz.

    Computed at `over` times the rate, so that the truth does not depend on the rate of the recording. Starts settled.
    """
    fast = command.rate * over
    t = np.arange(command.n_samples * over) / fast
    current = np.full(len(t), command.holding / (rs + rm))
    tau = cm * rs * rm / (rs + rm)
    for pulse in command.pulses:
        for edge, sign in ((pulse.start, 1.0), (pulse.stop, -1.0)):
            since = t - edge / command.rate - latency
            on = since >= 0
            current[on] += sign * pulse.amplitude / (rs + rm) * (1 + rm / rs * np.exp(-since[on] / tau))
    b, a = bessel(4, corner, fs=fast, norm="mag")
    start = current[0]
    return (lfilter(b, a, current - start) + start)[::over]
