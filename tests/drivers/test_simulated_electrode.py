"""From the bath to the cell, and what an electrode and its compensations do wrong: against analytic truth."""

import math

import numpy as np
import pytest
from scipy import signal

from drivers.simulated.cell import at_temperature, preset
from drivers.simulated.packing import CLAMP_LAG, CORRECTION_LAG, NEUTRALISATION_LAG, low_pass
from drivers.simulated.settings import read_settings
from protocols.errors import HardwareError
from protocols.sweeps import ClampMode
from protocols.waveforms import Pulse, Waveform

PASSIVE = {"parameters": dict.fromkeys(("g_na", "g_kdr", "g_ka", "g_km", "g_l_type", "g_hva", "g_ih", "g_sk"), 0.0)}
BATH = {"start": "bath", "touch_at": "2 s", "sealing": "500 ms", "break_in_at": "12 s"}
ACCESS, STEP, RATE = 12e6, -5e-3, 20e3
BOLTZMANN = 1.380649e-23


def resistance(rehearsal, level):
    """Return ohms by a test pulse of -5 mV and 50 ms, from its steady current."""
    current = rehearsal.play(Waveform(RATE, 2_000, level, (Pulse("test", 500, 1_500, STEP),)))["primary"]
    return STEP / (current[1_300:1_490].mean() - current[200:490].mean())


def bandwidth(corner, rate):
    """Return the noise bandwidth of the amplifier's filter, Hz: of one-sided density, up to half the rate."""
    sections = low_pass(corner, rate).reshape(2, 5)
    sos = np.column_stack([sections[:, :3], np.ones(2), sections[:, 3:]])
    f, gain = signal.sosfreqz(sos, 8192, fs=rate)
    return np.trapezoid(np.abs(gain) ** 2, f)


def test_a_test_pulse_shows_megaohms_in_the_bath_then_a_gigaseal_then_the_cell(opened, still):
    r = opened({**still, **BATH})
    assert resistance(r, 0.0) == pytest.approx(5e6, rel=0.01)
    r.wait(9.5)
    assert resistance(r, -70e-3) > 1e9
    r.wait(3.0)
    assert 60e6 < resistance(r, -70e-3) < 200e6


def test_the_seal_tightens_by_the_second(opened, still):
    r = opened({**still, **BATH, "sealing": "1 s"})
    r.wait(2.2)
    found = []
    for _ in range(5):
        found.append(resistance(r, 0.0))
        r.wait(0.9)
    assert np.array(found[1:]) / found[:-1] == pytest.approx(math.e, rel=0.1)


def test_a_sealed_pipette_can_be_the_start(opened, still):
    r = opened({**still, "start": "patch", "break_in_at": "3 s"})
    assert resistance(r, -70e-3) > 1e9
    r.wait(4.0)
    assert resistance(r, -70e-3) < 200e6


def test_until_break_in_the_cell_does_not_feel_the_pipette(opened, still):
    """The cell of a sealed pipette stays at rest whatever is commanded; then it is clamped."""
    potentials = []
    for level in (-70e-3, 0.0):
        r = opened({**still, "start": "patch", "break_in_at": "5 s"})
        r.hold(level, 4.8)
        r.switch(ClampMode.CURRENT)
        r.wait(0.3)
        potentials.append(r.hold(0.0, 0.05)["primary"].mean())
    assert potentials[0] == pytest.approx(potentials[1], abs=2e-3)


def test_blocks_of_any_size_give_the_same_way_into_the_cell(opened):
    recorded = []
    for block in (0.02, 0.0031):
        r = opened({**BATH, "touch_at": "200 ms", "break_in_at": "700 ms"}, block=block)
        recorded.append(r.counts(Waveform(RATE, 20_000, -70e-3)).tobytes())
    assert recorded[0] == recorded[1]


def test_the_bridge_of_an_open_tip_is_the_tips_resistance(opened, still):
    r = opened({**still, **BATH})
    r.switch(ClampMode.CURRENT)
    assert r.devices.amplifier.auto_bridge() == pytest.approx(5e6, rel=0.021)


def test_the_junction_potential_is_zeroed_in_the_bath_and_shifts_the_cells_reading_up(opened, still):
    """Barry & Lynch 1991: with the offset zeroed in the bath, membrane potential = reading - junction potential."""
    readings = {}
    for name, extra in (("none", {}), ("junction", {"junction_potential": "12 mV"}), ("offset", {"offset": "3 mV"})):
        r = opened({**still, **BATH, **extra})
        r.switch(ClampMode.CURRENT)
        bath = r.hold(0.0, 0.5)["primary"][-2_000:].mean()
        r.wait(14.0)
        readings[name] = bath, r.hold(0.0, 0.5)["primary"][-2_000:].mean()
    assert readings["none"][0] == pytest.approx(0.0, abs=0.01e-3)
    assert readings["junction"][0] == pytest.approx(0.0, abs=0.01e-3)
    assert readings["offset"][0] == pytest.approx(-3e-3, abs=0.01e-3)
    assert readings["junction"][1] - readings["none"][1] == pytest.approx(12e-3, abs=0.05e-3)
    assert readings["offset"][1] - readings["none"][1] == pytest.approx(-3e-3, abs=0.05e-3)


def test_breaking_in_before_the_seal_is_refused_with_an_example():
    with pytest.raises(HardwareError, match="break_in_at: 60 s"):
        read_settings({"start": "bath", "touch_at": "20 s", "break_in_at": "10 s"})


@pytest.mark.parametrize("megaohms", [3, 10])
def test_an_open_tip_has_the_thermal_noise_of_its_resistance(opened, megaohms):
    """Johnson 1928: a current of sd sqrt(4 k T B / R); the rest is the amplifier's pink 0.6 pA and the converter."""
    tip = {**BATH, "touch_at": "100 s", "break_in_at": "200 s", "pipette_resistance": f"{megaohms} MOhm"}
    r = opened({**tip, "variability": "0 %", "hum_current": "0 pA", "temperature": "30 °C"})
    current = r.hold(0.0, 4.0, 40e3)["primary"][4_000:]
    thermal = 4 * BOLTZMANN * (273.15 + 30) * bandwidth(4e3, 40e3) / (megaohms * 1e6)
    rest = (0.6e-12) ** 2 + (10 / 32768 * 1e-9) ** 2 / 12
    assert current.std() == pytest.approx(math.sqrt(thermal + rest), rel=0.03)


def neutralised(opened, still, picofarads):
    """Return 20 ms of the reading after a step of -100 pA with a balanced bridge, V, unfiltered, at 50 kHz."""
    r = opened({**still, **PASSIVE, "seal": "1000 GOhm", "capacitance_compensation": f"{picofarads} pF"})
    r.devices.amplifier.set_low_pass(1e6)
    r.switch(ClampMode.CURRENT)
    r.devices.amplifier.set_bridge(ACCESS)
    v = r.play(Waveform(50e3, 2_000, 0.0, (Pulse("step", 1_000, 2_000, -100e-12),)))["primary"]
    return v[1_000:] - v[900:1_000].mean()


def turns(x):
    """Return how often a curve without its trend turns round by more than noise of the converter."""
    steps = np.diff(x - np.linspace(x[0], x[-1], len(x)))
    steps = steps[np.abs(steps) > 20e-6]
    return int(np.sum(steps[1:] * steps[:-1] < 0))


def test_capacitance_neutralisation_rings_from_its_analytic_limit_on(opened, still):
    """C d2V + (C + G lag - N) dV + G V: unstable for N > C + G lag, 6 pF + 0.17 pF here."""
    limit = 6.0 + NEUTRALISATION_LAG * 1e9 / ACCESS
    assert np.ptp(neutralised(opened, still, limit - 0.03)[-100:]) < 0.5e-3
    assert np.ptp(neutralised(opened, still, limit + 0.03)[-100:]) > 50e-3


def test_the_nearer_to_the_limit_the_longer_it_rings(opened, still):
    assert turns(neutralised(opened, still, 4.0)[5:100]) < 3
    assert turns(neutralised(opened, still, 6.0)[5:100]) > 4


def test_too_much_fast_capacitance_turns_the_transient_round_in_voltage_clamp(opened, still):
    first = []
    for picofarads in (4, 6, 8):
        r = opened({**still, **PASSIVE, "capacitance_compensation": f"{picofarads} pF"})
        r.devices.amplifier.set_low_pass(1e6)
        current = r.play(Waveform(50e3, 2_000, -70e-3, (Pulse("step", 1_000, 2_000, STEP),)))["primary"]
        first.append(current[1_000] - current[900:1_000].mean())
    charge = np.diff(first) / 50e3
    # 2 pF * -5 mV, all but exp(-dt / lag) of it in the first step
    assert charge == pytest.approx([2e-12 * -STEP] * 2, rel=0.05)


def corrected(opened, still, percent):
    """Return the current, A, in the 80 ms after a step of -5 mV, unfiltered at 50 kHz."""
    r = opened({**still, **PASSIVE, "seal": "1000 GOhm", "resistance_correction": f"{percent} %"})
    r.devices.amplifier.set_low_pass(1e6)
    return r.play(Waveform(50e3, 5_000, -70e-3, (Pulse("step", 1_000, 5_000, STEP),)))["primary"][1_000:]


def test_series_resistance_correction_oscillates_beyond_its_analytic_limit(opened, still):
    """Correction c of access R, lags T, soma C with conductance g: unstable for c > 1 + T (1 + R g) / (R C)."""
    cell = at_temperature(preset("ca1_pyramidal"), 30.0)
    lags, seen = (CLAMP_LAG + CORRECTION_LAG) * 1e-3, (cell.coupling + cell.leak_soma) * 1e-9
    limit = 100 * (1 + lags * (1 + ACCESS * seen) / (ACCESS * cell.capacitance_soma * 1e-12))
    assert np.ptp(corrected(opened, still, limit - 3)[-1_000:]) < 20e-12
    assert np.ptp(corrected(opened, still, limit + 3)[-1_000:]) > 5e-9


def test_series_resistance_correction_rings_before_it_oscillates(opened, still):
    def overshoot(percent):
        current = corrected(opened, still, percent)
        return current[:500].max() - current[-1]

    assert overshoot(60) < 5e-12
    assert overshoot(95) > 100e-12


@pytest.mark.parametrize("line", [50, 60])
def test_hum_has_its_size_at_the_frequency_of_the_line(opened, line):
    tip = {**BATH, "touch_at": "100 s", "break_in_at": "200 s", "variability": "0 %"}
    r = opened({**tip, "hum_current": "20 pA", "hum_frequency": f"{line} Hz"})
    current = r.hold(0.0, 4.0)["primary"][-60_000:]
    spectrum = 2 * np.abs(np.fft.rfft(current)) / len(current)
    assert np.argmax(spectrum[1:]) + 1 == line * 3
    assert spectrum[line * 3] == pytest.approx(20e-12, rel=0.05)


def test_pink_noise_falls_with_frequency_by_about_10_decibels_a_decade(opened):
    """1/f: a tenth of the power for ten times the frequency; sealed, where it is nearly all there is."""
    r = opened(
        {"start": "patch", "break_in_at": "200 s", "variability": "0 %", "hum_current": "0 pA", "seal": "100 GOhm"}
    )
    current = r.hold(0.0, 20.0)["primary"][20_000:]
    f, power = signal.welch(current, RATE, nperseg=40_000)
    low, high = (power[(f > a) & (f < b)].mean() for a, b in ((1, 3), (50, 150)))
    assert 0.3e-2 < high / low < 0.1
