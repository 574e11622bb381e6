import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from acquisition.analysis import sahp
from acquisition.analysis.analyser import Declared, Settings, analyse
from protocols.measures import AFTER_STEP
from tests.analysis.synthetic import MV, PA, RATE, ahp, burst_command, header, recorded, slow_noise, voltage

SPIKES = (1.53, 1.57, 1.61)


def measured(settings=None, *, command=None, values=None, complete=True, **cell):
    command = command or burst_command()
    v = voltage(command, **{"spikes": SPIKES, **cell}) if values is None else values
    sweep = recorded(header(command), v, complete=complete)
    return {m.name: m for m in analyse(sweep, settings or Settings())}


def truth(latency, size=3 * MV):
    return float(ahp(np.array([latency]), size=size)[0] + step_tail(latency))


def step_tail(latency):
    """What is left of the 300 pA step's own charging (16 MOhm, 20 ms) in the synthetic cell."""
    return 300 * PA * 16e6 * np.exp(-latency / 0.02) * (1 - np.exp(-0.15 / 0.02))


def test_amplitudes_of_a_noise_free_ahp_are_within_two_percent():
    made = measured()
    for after in AFTER_STEP:
        if after >= 300:
            assert made[f"A_{after}"].value == pytest.approx(truth(after / 1000), rel=0.02), after
            assert made[f"A_{after}"].flags == ()


def test_the_area_is_within_three_percent_and_half_decay_within_five():
    made = measured()
    t = np.arange(0.01, 2.0, 1e-5)
    assert made["S_fix"].value == pytest.approx(float(np.sum(ahp(t) + step_tail(t)) * 1e-5), rel=0.03)
    fine = np.arange(0.01, 6.0, 1e-4)
    curve = ahp(fine)
    peak = curve.argmin()
    half = fine[peak:][np.argmax(curve[peak:] >= 0.5 * curve[peak])]
    assert made["D50"].value == pytest.approx(half, rel=0.05)
    assert made["A_pk"].value == pytest.approx(curve[peak], rel=0.02)
    assert made["t_pk"].value == pytest.approx(fine[peak], abs=0.05)


def test_the_peak_of_noise_free_data_is_not_exaggerated_by_converter_noise():
    command = burst_command()
    v = voltage(command, spikes=SPIKES) + np.random.default_rng(2).normal(0, 0.17 * MV, command.n_samples)
    assert measured(values=v)["A_pk"].value == pytest.approx(measured()["A_pk"].value, abs=0.08 * MV)


def test_ten_sweeps_of_a_quiet_cell_average_to_the_truth():
    found = [measured(noise=0.25 * MV, seed=seed)["A_1000"].value for seed in range(10)]
    assert np.mean(found) == pytest.approx(truth(1.0), rel=0.15)
    assert np.std(found) < 0.4 * MV


def test_windows_are_plain_means_to_the_last_digit():
    made, command = measured(), burst_command()
    v = recorded(header(command), voltage(command, spikes=SPIKES)).primary
    on, off = (command.of("step")[0].start, command.of("step")[0].stop)
    base = v[on - 10_200 : on - 200].mean()
    assert made["V_b"].value == pytest.approx(base, abs=1e-12)
    assert made["A_1000"].value == pytest.approx(v[off + 19_000 : off + 21_000].mean() - base, abs=1e-12)
    assert made["S_fix"].value == pytest.approx(np.sum(v[off + 200 : off + 40_000] - base) / RATE, abs=1e-12)
    assert made["A_1000"].window == pytest.approx((1.65 + 0.95, 1.65 + 1.05))
    assert made["A_1000"].time == pytest.approx(100.0 + 1.65 + 1.0)


def test_a_declared_mean_around_one_second_is_a_1000_bit_for_bit():
    settings = Settings(declared=(Declared("sAHP", "mean", 0.950, 1.050),))
    made = measured(settings, noise=0.3 * MV)
    assert made["sAHP"].value == made["A_1000"].value
    assert made["sAHP"].window == made["A_1000"].window


@pytest.mark.parametrize("origin", ["step_start", "step_end", "sweep_start"])
@pytest.mark.parametrize("kind", ["mean", "peak_down", "peak_up", "area"])
def test_declared_measures_count_from_where_they_say(origin, kind):
    start = {"step_start": 1.5, "step_end": 1.65, "sweep_start": 0.0}[origin]
    raw = Declared("mine", kind, 0.5, 0.7, origin, minus_baseline=False)
    made = measured(Settings(declared=(raw,)), spikes=())
    command = burst_command()
    v = recorded(header(command), voltage(command)).primary
    x = v[round((start + 0.5) * RATE) : round((start + 0.7) * RATE)]
    wanted = {"mean": x.mean(), "area": x.sum() / RATE, "peak_down": x.min(), "peak_up": x.max()}[kind]
    assert made["mine"].value == pytest.approx(wanted, abs=0.03 * MV)
    assert made["mine"].unit == ("V s" if kind == "area" else "V")


@given(
    arrays(float, st.integers(10, 200), elements=st.floats(-0.1, 0.1)),
    st.integers(1, 10),
)
def test_smoothing_is_the_mean_of_every_stretch(v, width):
    wanted = [v[i : i + width].mean() for i in range(len(v) - width + 1)]
    assert sahp.smoothed(v, width) == pytest.approx(wanted, abs=1e-12)


def test_the_baseline_leaves_out_blocks_with_spikes():
    v = np.full(10_000, -60 * MV) + slow_noise(10_000, RATE, 0.1 * MV, 3)
    clean = sahp.baseline(v, RATE)
    v[4000:4040] += 80 * MV
    found = sahp.baseline(v, RATE, [4020])
    assert found.dropped in (1, 2)
    assert found.mean == pytest.approx(clean.mean, abs=0.05 * MV)


def test_a_drifting_baseline_shows_its_slope():
    v = -60 * MV + 1e-3 * np.arange(10_000) / RATE
    assert sahp.baseline(v, RATE).slope == pytest.approx(1e-3, rel=1e-6)


def test_intervals_and_first_action_potential():
    made = measured(spikes=(1.53, 1.57, 1.64))
    assert made["n_ap"].value == 3
    assert (made["isi_first"].value, made["isi_last"].value) == pytest.approx((0.04, 0.07), abs=1e-4)
    assert made["ap_peak"].value > 10 * MV
    assert -60 * MV < made["ap_threshold"].value < -40 * MV
    assert made["I_step"].value == pytest.approx(300 * PA)
    assert made["I_hold"].value == pytest.approx(100 * PA)
