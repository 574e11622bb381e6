"""Pipette, amplifier, filter and converter do what their physics says."""

import numpy as np
import pytest
from scipy import signal
from scipy.linalg import expm

from drivers.simulated import kernel
from drivers.simulated.cell import at_temperature, preset, resting_potential
from drivers.simulated.packing import low_pass
from protocols.sweeps import ClampMode
from protocols.waveforms import Pulse, Waveform

PASSIVE = {"parameters": dict.fromkeys(("g_na", "g_kdr", "g_ka", "g_km", "g_l_type", "g_hva", "g_ih", "g_sk"), 0.0)}
ACCESS, STEP = 12e6, -5e-3


def passive_current(times):
    """Return the current, A, into the two passive compartments behind 12 MOhm after a step of -5 mV at 0 s."""
    c = at_temperature(preset("ca1_pyramidal"), 30.0)
    g = np.array([1e9 / ACCESS, c.coupling, c.leak_soma, c.leak_dendrite]) * 1e-9
    a = np.array([[-(g[0] + g[1] + g[2]), g[1]], [g[1], -(g[1] + g[3])]])
    a /= np.array([[c.capacitance_soma], [c.capacitance_dendrite]]) * 1e-12
    drive = np.array([g[0] * STEP / (c.capacitance_soma * 1e-12), 0.0])
    final = -np.linalg.solve(a, drive)
    soma = np.array([(final - expm(a * t) @ final)[0] for t in times])
    return (STEP - soma) * g[0]


@pytest.fixture
def transient(opened, still):
    """Return (times after the edge, recorded current in excess of the one before, A) at 40 kHz, unfiltered."""
    r = opened({**still, **PASSIVE, "seal": "1000 GOhm", "capacitance_compensation": "6 pF"})
    r.devices.amplifier.set_low_pass(1e6)
    r.wait(1.0)
    current = r.play(Waveform(40e3, 12_000, -70e-3, (Pulse("step", 4_000, 12_000, STEP),)))["primary"]
    # the edge is spread over its step: it acts in the middle of the first one, as the kernel's docstring says
    return np.arange(8_000) / 40e3, current[4_000:] - current[:4_000].mean()


def test_a_voltage_step_on_a_passive_cell_gives_the_analytic_transient(transient):
    times, current = transient
    exact = passive_current(times[:400])
    assert current[2:400] == pytest.approx(exact[2:], abs=0.01 * abs(exact[0]))


def test_the_charge_of_the_transient_is_the_membranes(transient):
    _, current = transient
    steady = current[-400:].mean()
    fine = (np.arange(200_000) + 0.5) / 1e6
    exact = passive_current(fine[::100])
    assert np.sum(current - steady) / 40e3 == pytest.approx(np.sum(exact - exact[-1]) * 1e-4, rel=0.02)


def test_series_resistance_correction_makes_the_clamp_faster(opened, still):
    peaks = []
    for correction in ("0 %", "60 %"):
        r = opened({**still, **PASSIVE, "resistance_correction": correction})
        r.devices.amplifier.set_low_pass(1e6)
        current = r.play(Waveform(50e3, 10_000, -70e-3, (Pulse("step", 5_000, 10_000, STEP),)))["primary"]
        peaks.append(-current[5_000:5_100].min())
    assert peaks[1] > 1.5 * peaks[0]


def test_whole_cell_compensation_takes_the_transient_away(opened, still):
    peaks = []
    for compensation in (None, {"capacitance": "67 pF", "series_resistance": "11 MOhm"}):
        r = opened({**still, **PASSIVE, "whole_cell_compensation": compensation})
        current = r.play(Waveform(20e3, 10_000, -70e-3, (Pulse("step", 5_000, 10_000, STEP),)))["primary"]
        peaks.append(-(current[5_000:5_100].min() - current[:5_000].mean()))
    assert peaks[1] < 0.75 * peaks[0]


def test_the_bridge_removes_the_voltage_across_the_pipette(opened, still):
    jumps = []
    for balanced in (False, True):
        r = opened(still)
        r.switch(ClampMode.CURRENT)
        r.wait(1.0)
        if balanced:
            r.devices.amplifier.set_bridge(ACCESS)
        v = r.play(Waveform(20e3, 4_000, 0.0, (Pulse("step", 2_000, 4_000, -100e-12),)))["primary"]
        jumps.append(v[2_010:2_013].mean() - v[:2_000].mean())
    assert jumps[1] - jumps[0] == pytest.approx(ACCESS * 100e-12, rel=0.01)


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_automatic_bridge_is_right_within_2_percent(opened, seed):
    r = opened({"series_resistance": "15 MOhm"}, seed=seed)
    r.switch(ClampMode.CURRENT)
    found = r.devices.amplifier.auto_bridge()
    assert found == pytest.approx(15e6, rel=0.021)
    assert found != 15e6


def test_junction_potential_and_offset_move_the_reading_and_not_the_cell(opened, still):
    readings = {}
    for name, extra in (("none", {}), ("both", {"junction_potential": "8 mV", "offset": "3 mV"})):
        r = opened({**still, **extra})
        r.switch(ClampMode.CURRENT)
        readings[name] = r.hold(0.0, 2.0)["primary"][-1000:].mean()
    assert readings["both"] - readings["none"] == pytest.approx(5e-3, abs=0.05e-3)


def test_both_outputs_are_recorded_in_both_modes(opened, still):
    r = opened(still)
    clamped = r.hold(-70e-3, 0.5)
    assert clamped["secondary"][-1000:].mean() == pytest.approx(-70e-3, abs=0.1e-3)
    r.switch(ClampMode.CURRENT)
    free = r.hold(50e-12, 0.5)
    assert free["secondary"][-1000:].mean() == pytest.approx(50e-12, abs=0.3e-12)


def test_the_potential_does_not_jump_when_the_mode_is_switched(opened, still):
    r = opened(still)
    before = r.hold(-70e-3, 1.0)["secondary"][-1]
    r.devices.amplifier.set_mode(ClampMode.ZERO)
    after = r.hold(0.0, 0.002)["primary"]
    assert after[0] == pytest.approx(before, abs=0.1e-3)
    # half a millivolt is the holding current across the pipette, the rest the way to the resting potential
    assert np.abs(after - before).max() < 1e-3


def test_in_zero_current_the_standing_command_does_not_reach_the_cell(opened, still):
    recorded = []
    for level in (0.0, 200e-12):
        r = opened(still)
        r.devices.amplifier.set_mode(ClampMode.ZERO)
        r.devices.daq.park(level, r.devices.amplifier.gains_in(ClampMode.CURRENT))
        r.wait(1.0)
        recorded.append(r.counts(Waveform(20e3, 2_000, 0.0)).tobytes())
    assert recorded[0] == recorded[1]


def test_without_current_the_cell_rests_where_membrane_and_seal_leave_it(opened, still):
    potentials = {}
    for seal in ("3 GOhm", "1000 GOhm"):
        r = opened({**still, "seal": seal})
        r.switch(ClampMode.CURRENT)
        r.wait(2.0)
        potentials[seal] = r.hold(0.0, 0.5)["primary"].mean()
    rest = resting_potential(at_temperature(preset("ca1_pyramidal"), 30.0)) * 1e-3
    assert potentials["1000 GOhm"] == pytest.approx(rest, abs=0.3e-3)
    assert 1e-3 < potentials["3 GOhm"] - potentials["1000 GOhm"] < 4e-3


def test_the_converter_clips_at_its_rails(opened, still):
    r = opened(still, changes=[("primary: {pin: ai0, range: 10 V}", "primary: {pin: ai0, range: 100 mV}")])
    counts = r.counts(Waveform(20e3, 4_000, -70e-3, (Pulse("step", 2_000, 4_000, 40e-3),)))
    assert counts[0].max() == 32767
    assert counts[0].min() >= -32768


@pytest.mark.parametrize(("corner", "rate"), [(4e3, 20e3), (10e3, 50e3), (1e3, 40e3)])
def test_the_filter_is_scipys_bessel(corner, rate):
    wanted = signal.bessel(4, 2 * rate * np.tan(np.pi * corner / rate), analog=True, output="zpk", norm="mag")
    sos = signal.zpk2sos(*signal.bilinear_zpk(*wanted, rate))
    frequencies = np.linspace(1.0, 0.45 * rate, 200)
    ours = low_pass(corner, rate).reshape(2, 5)
    ours = np.column_stack([ours[:, :3], np.ones(2), ours[:, 3:]])
    _, a = signal.sosfreqz(ours, frequencies, fs=rate)
    _, b = signal.sosfreqz(sos, frequencies, fs=rate)
    assert np.abs(a - b).max() < 1e-8


def test_random_bits_are_those_of_the_published_generator():
    """First outputs of xoshiro256++ from the state 1, 2, 3, 4."""
    state = np.array([1, 2, 3, 4], np.uint64)
    assert [int(kernel._bits(state)) for _ in range(5)] == [
        41943041, 58720359, 3588806011781223, 3591011842654386, 9228616714210784205,
    ]  # fmt: skip


def test_random_numbers_are_normal():
    from scipy.stats import kstest

    state = np.array([1, 2, 3, 4], np.uint64)
    for _ in range(20):
        kernel._bits(state)
    drawn = [kernel._normal(state) for _ in range(50_000)]
    assert kstest(drawn, "norm").pvalue > 0.01
    assert max(map(abs, drawn)) > 3.9


def test_noise_has_its_measured_size(opened):
    r = opened({"epsp_rate": None, "membrane_fluctuation": "0 pA"})
    r.wait(1.0)
    clamped = r.hold(-70e-3, 2.0)["primary"]
    r.switch(ClampMode.CURRENT)
    free = r.hold(0.0, 5.0)["primary"][40_000:]
    assert 3e-12 < clamped.std() < 6e-12
    assert 0.08e-3 < free.std() < 0.3e-3
