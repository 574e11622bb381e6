"""The specification's edge cases that need more than one flag's test; each is named after what must happen."""

import numpy as np
import pytest

from acquisition.analysis import decay, sahp
from acquisition.analysis.analyser import Settings, analyse
from acquisition.analysis.settings import Aim, Declared, FitRules
from protocols.waveforms import Pulse, Waveform
from tests.analysis.synthetic import (
    MV,
    PA,
    RATE,
    ahp,
    burst_command,
    header,
    recorded,
    slow_noise,
    spike,
    voltage,
)

FOUR = (1.52, 1.55, 1.58, 1.62)
OFF = 1.65
WANTED = Settings(target_spikes=(3, 4))


def made(values=None, *, command=None, wanted=WANTED, amplifier=None, **cell):
    command = command or burst_command()
    v = voltage(command, **{"spikes": FOUR, **cell}) if values is None else values
    return {m.name: m for m in analyse(recorded(header(command, amplifier=amplifier), v), wanted)}


def seconds(command=None):
    command = command or burst_command()
    return np.arange(command.n_samples) / command.rate


# --- hum --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mains", [50.0, 60.0])
@pytest.mark.parametrize(("size", "flags"), [(0.1, ()), (0.3, ("hum",))])
def test_hum_is_measured_in_the_baseline_and_flagged_above_a_fifth_of_a_millivolt(mains, size, flags):
    v = voltage(burst_command(), spikes=FOUR, noise=0.25 * MV)
    m = made(v + size * MV * np.sin(2 * np.pi * mains * seconds() + 1.0))
    assert m["hum"].value == pytest.approx(size * MV, rel=0.15)
    assert m["hum"].flags == flags


@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_hum_of_half_a_millivolt_moves_no_window_mean(mains):
    clean, m = made(), made(voltage(burst_command(), spikes=FOUR) + 0.5 * MV * np.sin(2 * np.pi * mains * seconds()))
    for name in ("V_b", "A_600", "A_800", "A_1000", "A_2000"):
        assert m[name].value == pytest.approx(clean[name].value, abs=2e-3 * MV), name


def test_slow_noise_and_drift_are_no_hum():
    assert made(noise=0.5 * MV)["hum"].value < 0.05 * MV
    assert made(voltage(burst_command(), spikes=FOUR) + 1e-3 * seconds())["hum"].value < 0.05 * MV


def test_a_spike_in_the_baseline_leaves_hum_unmeasured():
    assert made(spikes=(1.2, *FOUR))["hum"].flags == ("baseline_spikes",)


# --- events, drift, durations -----------------------------------------------------------------------------------------


def epsp(at, size=8 * MV):
    t = np.maximum(seconds() - at, 0.0)
    return np.where(t > 0, size * (np.exp(-t / 0.015) - np.exp(-t / 0.001)), 0.0)


def test_event_in_window():
    v = voltage(burst_command(), spikes=FOUR, noise=0.2 * MV)
    clean, m = made(v), made(v + epsp(OFF + 0.97))
    assert m["A_1000"].flags == ("event_in_window",)
    assert m["A_1000"].value - clean["A_1000"].value > 0.5 * MV
    assert clean["A_1000"].flags == m["A_800"].flags == ()


def test_an_event_in_the_baseline_is_flagged_there():
    m = made(voltage(burst_command(), spikes=FOUR) + epsp(1.2, 20 * MV))
    assert m["V_b"].flags == ("event_in_window",)


def test_drift_is_seen_at_the_end_and_taken_off_the_detrended_amplitude():
    slope = -0.1e-3
    m = made(voltage(burst_command(), spikes=FOUR) + slope * seconds())
    truth = made()
    assert m["V_b_slope"].value == pytest.approx(slope, rel=1e-3)
    assert m["V_end_slope"].value == pytest.approx(slope, rel=0.5)
    assert m["A_1000"].value - truth["A_1000"].value == pytest.approx(slope * 1.41, rel=0.01)
    assert m["A_1000_detrended"].value == pytest.approx(truth["A_1000_detrended"].value, abs=0.01 * MV)
    far = made(voltage(burst_command(), spikes=FOUR) - 0.3e-3 * seconds())
    assert "drift" in far["V_end"].flags


def test_an_ahp_that_never_returns_has_a_lower_bound_and_no_duration():
    v = voltage(burst_command(), spikes=FOUR)
    v[seconds() > OFF + 0.1] = -64 * MV
    m = made(v)
    for name in ("D50", "D10", "D0", "HW", "S_tot"):
        assert np.isnan(m[name].value), name
        assert "censored" in m[name].flags, name
    assert m["D_limit"].value == pytest.approx(7.2 - OFF - 0.15)


def test_durations_of_a_known_ahp():
    v = voltage(burst_command(), spikes=FOUR, size=6 * MV)
    m = made(v)
    fine = np.arange(0.01, 5.5, 1e-4)
    curve = ahp(fine, size=6 * MV)
    at = curve.argmin()
    back = {name: fine[at:][np.argmax(curve[at:] >= part * curve[at])] for name, part in (("D50", 0.5), ("D10", 0.1))}
    assert m["D50"].value == pytest.approx(back["D50"], rel=0.02)
    assert m["D10"].value == pytest.approx(back["D10"], rel=0.02)
    half_up = fine[np.argmax(curve <= 0.5 * curve[at])]
    assert m["HW"].value == pytest.approx(back["D50"] - half_up, rel=0.05)
    assert m["tau_s"].value == pytest.approx(1.2, rel=0.05)
    assert m["tau_s_r2"].value > 0.99
    assert m["A_1000"].value == pytest.approx(float(ahp(np.array([1.0]), size=6 * MV)[0]), rel=0.02)


def test_an_ahp_that_overshoots_has_all_durations_and_a_total_area():
    command = burst_command()
    t = seconds() - OFF
    v = voltage(command, spikes=FOUR, size=0.0) + np.where(t > 0, -5 * MV * np.exp(-t / 0.6) + 0.2 * MV, 0.0)
    m = made(v)
    back = 0.6 * np.log(5 / 0.2)
    assert m["D0"].value == pytest.approx(back, abs=0.05)
    area = -5 * 0.6 * (1 - np.exp(-back / 0.6)) + 0.2 * back
    assert m["S_tot"].value == pytest.approx(area * MV, rel=0.05)
    assert m["S_tot"].window == pytest.approx((OFF + m["t_cross"].value, OFF + m["D0"].value), abs=1e-3)


def test_the_onset_is_where_the_potential_falls_below_the_baseline_for_good():
    v = voltage(burst_command(), spikes=FOUR, size=0.0)
    t = seconds() - OFF
    v = np.where(t > 0, -60 * MV + 4 * MV * np.exp(-t / 0.02) - 3 * MV * (t > 0.08), v)
    assert made(v)["t_cross"].value == pytest.approx(0.08, abs=4e-3)


def test_no_ahp_has_neither_duration_nor_tau_nor_half_width():
    m = made(size=-3 * MV)
    for name in ("D50", "D10", "D0", "HW", "tau_s", "S_tot"):
        assert np.isnan(m[name].value), name
        assert "no_ahp" in m[name].flags, name


# --- the exponential's acceptance -------------------------------------------------------------------------------------


def test_tau_is_refused_when_an_exponential_explains_too_little():
    m = made(noise=0.8 * MV, size=1.5 * MV, seed=3)
    assert np.isnan(m["tau_s"].value)
    assert set(m["tau_s"].flags) & {"fit_r2", "fit_error"}
    assert np.isfinite(m["tau_s_r2"].value)


def test_tau_is_refused_when_drift_makes_it_longer_than_ten_seconds():
    v = np.full(160_000, -60 * MV)
    t = seconds() - OFF
    v += np.where(t > 0, -3 * MV * np.exp(-t / 30.0), 0.0)
    for at in FOUR:
        v += spike(seconds() - at)
    assert "fit_range" in made(v)["tau_s"].flags


@pytest.mark.parametrize("tau", [0.3, 1.2, 3.0])
def test_the_exponential_is_recovered_from_noise(tau):
    t = np.arange(500) * 0.01
    y = -3 * MV * np.exp(-t / tau) + np.random.default_rng(1).normal(0, 0.1 * MV, 500)
    fit = decay.fit_exponential(t, y, guess=1.0)
    assert fit.tau == pytest.approx(tau, rel=0.05)
    assert abs(fit.tau - tau) < 4 * fit.error
    assert fit.reasons(FitRules()) == ()


def test_no_exponential_is_made_of_too_few_points_or_of_nothing():
    assert decay.fit_exponential(np.arange(5.0), np.ones(5), guess=1.0) is None
    flat = decay.fit_exponential(np.arange(100) * 0.01, np.zeros(100), guess=1.0)
    assert flat is None or flat.reasons(FitRules())


# --- electrode --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("left", "flags"), [(2e6, ()), (5e6, ("bridge",)), (-6e6, ("bridge",))])
def test_bridge_imbalance_is_read_at_both_edges_and_flagged_above_three_megohms(left, flags):
    m = made(jump=left)
    assert m["bridge_residual"].value == pytest.approx(left, abs=0.3e6)
    assert m["bridge_residual_off"].value == pytest.approx(left, abs=0.5e6)
    assert m["bridge_residual"].flags == flags
    assert m["Rs"].value == pytest.approx(12e6 + left, abs=0.3e6)


def test_a_small_jump_of_a_large_step_is_flagged_by_its_millivolts():
    command = burst_command(amplitude=2500 * PA)
    m = made(voltage(command, jump=2.2e6), command=command, wanted=Settings(bridge_residual=10e6))
    assert m["bridge_residual"].flags == ("bridge",)


def test_stimulus_edges_are_no_spikes():
    jump = np.where((seconds() > 1.5) & (seconds() < OFF), 70 * MV, 0.0)
    assert made(voltage(burst_command()) + jump)["n_ap"].value == 0


# --- spikes -----------------------------------------------------------------------------------------------------------


def test_a_depolarisation_block_is_one_spike_and_its_noise_none():
    v = voltage(burst_command(), spikes=(1.505,))
    plateau = (seconds() > 1.508) & (seconds() < OFF)
    v[plateau] = -15 * MV + slow_noise(int(plateau.sum()), RATE, 4 * MV, 1, tau=0.002)
    assert made(v)["n_ap"].value == 1


def test_rebound_spikes_are_late_and_not_evoked():
    m = made(spikes=(*FOUR, 1.70))
    assert (m["n_ap"].value, m["n_late"].value) == (4, 1)
    assert "late_spikes" in m["A_200"].flags


def test_the_fast_ahp_is_not_made_when_the_next_spike_or_the_step_s_end_lies_inside():
    assert np.isfinite(made()["fAHP"].value)
    assert made(spikes=(1.52, 1.5245))["fAHP"].flags == ("window_incomplete",)
    assert made(spikes=(1.647,))["fAHP"].flags == ("window_incomplete",)


def test_intervals_say_how_much_the_cell_accommodates():
    m = made(spikes=(1.52, 1.54, 1.57, 1.63))
    gaps = np.array([0.02, 0.03, 0.06])
    assert m["isi_ratio"].value == pytest.approx(gaps[0] / gaps[-1], rel=0.01)
    assert m["adaptation"].value == pytest.approx(np.mean([0.01 / 0.05, 0.03 / 0.09]), rel=0.02)
    assert made(spikes=(1.52, 1.55))["adaptation"].flags == ("too_few_spikes",)


def test_three_definitions_of_threshold_stand_side_by_side():
    m = made()
    low, middle = m["ap_threshold_5"].value, m["ap_threshold"].value
    assert -60 * MV < low < middle < m["ap_peak"].value
    assert low < m["ap_threshold_5_percent"].value < m["ap_peak"].value
    assert m["ap_height"].value == pytest.approx(m["ap_peak"].value - m["V_b"].value)


# --- small pulse ------------------------------------------------------------------------------------------------------


def test_sag_and_time_constant_of_a_known_response():
    command = burst_command()
    (pulse,) = command.of("test_pulse")
    v = np.full(command.n_samples, -60 * MV)
    since = seconds() - pulse.start / RATE
    on = (since >= 0) & (since < 0.3)
    steady, peak = -50 * PA * 80e6, -50 * PA * 100e6
    v[on] += steady * -np.expm1(-since[on] / 0.02) + (peak - steady) * np.exp(-since[on] / 0.08) * -np.expm1(
        -since[on] / 0.02
    )
    m = made(v, command=command)
    deepest = (v[on] + 60 * MV).min()
    assert m["Rin"].value == pytest.approx(80e6, rel=0.02)
    assert m["sag"].value == pytest.approx(1 - steady / deepest, abs=0.02)
    assert m["tau_m"].value == pytest.approx(0.02, rel=0.35)


def test_a_membrane_without_sag_gives_its_time_constant():
    m = made()
    assert m["tau_m"].value == pytest.approx(0.02, rel=0.05)
    assert m["sag"].value == pytest.approx(0.0, abs=0.02)


def test_a_cell_that_does_not_answer_has_no_time_constant():
    m = made(np.full(160_000, -60 * MV))
    assert m["tau_m"].flags[0] in ("no_fit", "fit_r2", "fit_error", "fit_range")


# --- settings ---------------------------------------------------------------------------------------------------------


def test_settings_survive_the_file_to_the_last_bit():
    wanted = Settings(
        target_spikes=(3, 4),
        declared=(Declared("mine", "area", 0.1, 0.3),),
        aims={"baseline": Aim((3, 4), -60e-3), "free": Aim()},
        most_hum=0.1 + 0.2,
    )
    again = Settings.from_mapping(wanted.as_mapping())
    assert again.digest == wanted.digest
    assert again.as_mapping() == wanted.as_mapping()
    assert Settings(most_hum=0.3).digest != wanted.digest


def test_every_number_carries_version_and_settings():
    assert {m.analyser for m in made().values()} == {f"sahp 2.3 {WANTED.digest}"}


def test_first_run_is_the_first_that_is_long_enough():
    mask = np.array([1, 1, 0, 1, 1, 1, 0, 1], bool)
    assert sahp.first_run(mask, 3) == 3
    assert sahp.first_run(mask, 4) == -1
    assert sahp.first_run(mask, 1) == 0


def test_a_sweep_without_a_step_has_only_its_bias():
    head = header(Waveform(RATE, 20_000, 35 * PA, (Pulse("test_pulse", 10, 100, -1e-12),)), kind="switch_to")
    (only,) = analyse(recorded(head, np.full(20_000, -60 * MV)), WANTED)
    assert only.name == "I_hold"


def test_a_shorter_baseline_is_taken_when_it_is_asked_for_and_never_otherwise():
    command = burst_command(before=0.2)
    v = voltage(command, spikes=tuple(t - 1.3 for t in FOUR))
    assert made(v, command=command)["A_1000"].flags == ("window_incomplete",)
    m = made(v, command=command, wanted=Settings(baseline=(-0.19, -0.01)))
    assert m["V_b"].window == pytest.approx((0.01, 0.19))
    assert m["A_1000"].value == pytest.approx(made()["A_1000"].value, abs=0.02 * MV)


@pytest.mark.parametrize("rate", [20_000.0, 50_000.0, 100_000.0, 200_000.0])
@pytest.mark.parametrize("step", [0.03 * MV, 0.3 * MV])
def test_a_fast_converter_s_coarse_steps_are_no_clipping(rate, step):
    command = burst_command(rate)
    v = voltage(command, spikes=FOUR, noise=0.1 * MV)
    m = made(np.round(v / step) * step, command=command)
    assert m["ap_peak"].flags == ()
    flat = made(np.minimum(np.round(v / step) * step, 10 * MV), command=command)
    assert flat["ap_peak"].flags == ("clipped",)
