"""`patchrig analyse` on files of other programs, written here; truth is what was written and plain numpy."""

import csv

import numpy as np
import polars
import pyabf
import pytest

import patchrig as api
from protocols.errors import PatchrigError
from tests.foreign import synthetic_files as files


def measured(done):
    """Sweep and step -> measures, SI."""
    assert done.error is None or done.code == 0, done.error
    return {(s["sweep"], s["step"]): s["measures"] for s in done.data["sweeps"]}


def volts(path, sweep, channel=0):
    abf = pyabf.ABF(str(path))
    abf.setSweep(sweep, channel=channel)
    return 1e-3 * abf.sweepY.astype(float)


def test_the_measures_of_an_abf_file_are_those_of_plain_numpy(patchrig, burst):
    path, (on, off) = burst
    rows = measured(patchrig("analyse", path, "--json"))
    for sweep in range(3):
        v, found = volts(path, sweep), rows[sweep, 1]
        first, last = round(on * files.RATE), round(off * files.RATE)
        base = v[first - 5100 : first - 100].mean()
        assert found["n_ap"] == 4
        assert found["I_step"] == pytest.approx((200 + 10 * sweep) * 1e-12)
        assert found["V_b"] == pytest.approx(base, abs=1e-9)
        for latency in (100, 600, 800, 1000, 2000):
            window = v[last + 10 * latency - 500 : last + 10 * latency + 500]
            assert found[f"A_{latency}"] == pytest.approx(window.mean() - base, abs=1e-9)
        area = (v[last + 100 : last + 20_000] - base).sum() / files.RATE
        assert found["S_fix"] == pytest.approx(area, abs=1e-9)


def test_a_stated_step_and_the_recorded_command_give_the_same_numbers(patchrig, burst):
    path, (on, off) = burst
    stated = patchrig("analyse", path, "--step", f"{on + 4e-5:.5f}..{off - 4e-5:.5f}", "--json")
    assert stated.data["sweeps"] == patchrig("analyse", path, "--json").data["sweeps"]


def test_the_table_says_what_is_in_the_file(patchrig, burst):
    done = patchrig("analyse", burst[0], "--target-spikes", "3..4", "--sweeps", "1..2")
    assert "burst.abf: ABF 1.8, current clamp, 10 kHz" in done.out
    assert "220" in done.out
    assert " 0 │" not in done.out  # the first sweep was not asked for


def test_csv_and_parquet_have_a_row_a_sweep_with_units_in_the_names(patchrig, burst, tmp_path):
    done = patchrig("analyse", burst[0], "--csv", tmp_path / "a.csv", "--parquet", tmp_path / "a.parquet", "--json")
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [r["sweep"] for r in rows] == ["0", "1", "2"]
    assert float(rows[0]["A_1000_mV"]) == pytest.approx(1e3 * done.data["sweeps"][0]["measures"]["A_1000"])
    assert polars.read_parquet(tmp_path / "a.parquet")["n_ap"].to_list() == [4.0, 4.0, 4.0]


def test_a_spike_count_that_was_not_wanted_leaves_the_sweep_out(patchrig, burst, tmp_path):
    patchrig("analyse", burst[0], "--target-spikes", "2..3", "--csv", tmp_path / "a.csv")
    frame = polars.read_csv(tmp_path / "a.csv")
    assert frame["kept"].to_list() == [False] * 3
    assert set(frame["reason"]) == {"ap_count"}


def test_a_window_of_one_s_own_is_measured_without_a_baseline(patchrig, burst):
    path, (_, off) = burst
    wanted = "late: {kind: mean, from: 100 ms, to: 200 ms, minus_baseline: no}"
    first = round((off + 0.1) * files.RATE)
    found = measured(patchrig("analyse", path, "--measure", wanted, "--json"))[0, 1]["late"]
    assert found == pytest.approx(volts(path, 0)[first : first + 1000].mean(), abs=1e-9)


# --- several steps in a sweep --------------------------------------------------------------------------------------


def two_steps(path):
    """Steps at 0.8781 and 2.8781 s, 500 ms each, the second after a pulse that ends as it begins."""
    epochs = [(8000, 0, 0), (5000, 100, 25), (10_000, 0, 0), (5000, -100, 0), (5000, 100, 25)]
    return files.write_abf(path, [files.neuron([], seconds=5.0, seed=i) for i in range(3)], epochs=epochs)


def test_each_step_of_a_sweep_is_measured_and_no_window_reaches_into_the_other(patchrig, tmp_path):
    done = patchrig("analyse", two_steps(tmp_path / "two.abf"), "--json")
    rows = {(s["sweep"], s["step"]): s for s in done.data["sweeps"]}
    assert set(rows) == {(sweep, step) for sweep in range(3) for step in (1, 2)}
    first, second = rows[1, 1], rows[1, 2]
    assert (first["step_start"], first["step_stop"]) == pytest.approx((0.8781, 1.3781))
    assert (second["step_start"], second["step_stop"]) == pytest.approx((2.8781, 3.3781))
    edges = {m["name"]: m["window"] for m in first["measurements"] if m["value"] is not None}
    assert max(stop for name, (_, stop) in edges.items() if name[:2] == "A_") <= 2.3781
    assert first["measures"]["A_800"] is not None
    assert "A_2000" not in first["measures"] or first["measures"]["A_2000"] is None
    assert second["measures"]["V_b"] is None  # the pulse before it fills its baseline
    assert all(m["value"] is None for m in second["measurements"] if m["name"].startswith("A_"))


def test_a_constant_hyperpolarizing_pulse_is_a_test_pulse_and_not_a_step(patchrig, tmp_path):
    epochs = [(8000, 0, 0), (1500, 100, 25), (20_000, 0, 0), (3000, -50, 0)]
    pulses = [(0.8781, 1.0281, 100.0), (3.0281, 3.3281, -50.0)]
    path = files.write_abf(tmp_path / "rin.abf", [files.neuron(pulses, seed=i) for i in range(2)], epochs=epochs)
    rows = measured(patchrig("analyse", path, "--json"))
    assert set(rows) == {(0, 1), (1, 1)}
    assert rows[0, 1]["Rin"] == pytest.approx(30e6, rel=0.01)


def test_a_baseline_soon_after_another_pulse_is_flagged(patchrig, tmp_path):
    epochs = [(2000, -100, 0), (8000, 0, 0), (1500, 100, 25)]
    path = files.write_abf(tmp_path / "near.abf", [files.neuron([], seed=i) for i in range(2)], epochs=epochs)
    (row, _) = patchrig("analyse", path, "--json").data["sweeps"]
    assert row["measures"]["V_b"] is not None
    assert "test_pulse_near" in row["flags"]


def test_a_train_of_short_pulses_is_one_step(patchrig, tmp_path):
    epochs = [(8000, 0, 0), *([(20, 1200, 0), (180, 0, 0)] * 4)]
    path = files.write_abf(tmp_path / "train.abf", [files.neuron([])], epochs=epochs)
    (row,) = patchrig("analyse", path, "--json").data["sweeps"]
    assert (row["step_start"], row["step_stop"]) == pytest.approx((0.8781, 0.8781 + 0.062))


# --- what is refused -----------------------------------------------------------------------------------------------


def refusal(done):
    assert done.code != 0
    assert isinstance(done.error, PatchrigError), done.error
    return str(done.error)


def test_without_a_command_the_step_is_asked_for_and_never_guessed(patchrig, tmp_path):
    path, (on, off) = files.burst_file(tmp_path / "off.abf", generator=False)
    said = refusal(patchrig("analyse", path))
    assert "its waveform generator was off" in said
    assert "--step 0.5..0.65" in said
    rows = measured(patchrig("analyse", path, "--step", f"{on}..{off}", "--json"))
    assert rows[0, 1]["n_ap"] == 4
    assert rows[0, 1]["I_step"] is None


def test_what_needs_a_current_that_is_not_known_says_so(patchrig, tmp_path):
    path, (on, off) = files.burst_file(tmp_path / "off.abf", generator=False)
    (row, *_) = patchrig("analyse", path, "--step", f"{on}..{off}", "--json").data["sweeps"]
    flags = {m["name"]: m["flags"] for m in row["measurements"]}
    assert "command_unknown" in flags["I_step"]
    assert all(m["flags"] for m in row["measurements"] if m["value"] is None)


def test_a_flat_command_has_no_step(patchrig, tmp_path):
    path = files.write_abf(tmp_path / "flat.abf", [files.neuron([])], epochs=[(1000, 0, 0)])
    assert "flat in all 1 sweeps" in refusal(patchrig("analyse", path))


def test_a_stated_step_that_contradicts_the_command_is_refused_with_the_commanded_edges(patchrig, burst):
    said = refusal(patchrig("analyse", burst[0], "--step", "1.0..1.2"))
    assert "1.0781..1.2281" in said


@pytest.mark.parametrize("step", ["0.5..9", "2..1"])
def test_a_stated_step_outside_the_sweep_is_refused(patchrig, burst, step):
    assert "inside the sweep (0..5 s)" in refusal(patchrig("analyse", burst[0], "--step", step))


def test_wrong_units_are_refused_with_the_numbers_named(patchrig, tmp_path):
    path, _ = files.burst_file(tmp_path / "units.abf", units="pA")
    said = refusal(patchrig("analyse", path))
    assert "voltage clamp in 'pA'" in said
    assert "median -62" in said
    assert "--assume-units mV" in said
    assert measured(patchrig("analyse", path, "--assume-units", "mV", "--json"))[0, 1]["n_ap"] == 4


def test_a_wrong_gain_is_refused_and_can_be_put_right(patchrig, tmp_path, burst):
    sweeps = [2e4 * volts(burst[0], i) for i in range(3)]  # 20 times too large, in mV
    epochs = [(files.BEFORE, 0.0, 0.0), (files.WIDTH, 200.0, 10.0)]
    path = files.write_abf(tmp_path / "gain.abf", sweeps, epochs=epochs)
    said = refusal(patchrig("analyse", path))
    assert "the baseline is -1248 mV, outside -100..-20 mV" in said
    right = measured(patchrig("analyse", path, "--assume-units", "0.05 mV", "--json"))[0, 1]
    assert right["V_b"] == pytest.approx(-62e-3, abs=1e-3)


def test_what_a_person_insists_on_is_measured_and_flagged_as_implausible(patchrig, tmp_path):
    path = files.write_abf(tmp_path / "none.abf", [files.neuron([]) + 60], epochs=[(20_000, 0, 0), (1500, 100, 0)])
    assert "the baseline is -2" in refusal(patchrig("analyse", path))
    done = patchrig("analyse", path, "--assume-units", "mV", "--json")
    assert all("implausible" in m["flags"] for s in done.data["sweeps"] for m in s["measurements"])
    assert "the baseline is -2" in done.data["warnings"][0]


def test_voltage_clamp_has_no_ahp(patchrig, tmp_path):
    assert "voltage clamp" in refusal(patchrig("analyse", files.patch_file(tmp_path / "v.abf"), "--step", "0.1..0.2"))


def test_a_channel_that_is_not_there_is_answered_with_those_that_are(patchrig, burst):
    assert "has no channel 4: 0 is" in refusal(patchrig("analyse", burst[0], "--channel", "4"))


def test_sweeps_that_are_not_there_are_answered_with_those_that_are(patchrig, burst):
    assert "has sweeps 0..2" in refusal(patchrig("analyse", burst[0], "--sweeps", "7..9"))


@pytest.mark.parametrize("content", [b"ABF2", b"ABF " + bytes(100), b"\x89HDF\r\n\x1a\n" + bytes(50), b"hello", b""])
def test_a_damaged_file_is_a_sentence_and_no_traceback(patchrig, tmp_path, content):
    path = tmp_path / "damaged.abf"
    path.write_bytes(content)
    assert "damaged.abf is n" in refusal(patchrig("analyse", path))


def test_a_session_of_patchrig_is_sent_to_review(patchrig, tmp_path):
    from acquisition.session.writer import SessionWriter
    from tests.session.synthetic import make_head

    with SessionWriter(tmp_path / "session.nwb", make_head()):
        pass
    said = refusal(patchrig("analyse", tmp_path / "session.nwb"))
    assert "is a patchrig session" in said
    assert "patchrig review" in said


# --- voltage clamp -------------------------------------------------------------------------------------------------


def test_a_test_pulse_in_voltage_clamp_says_what_patch_and_membrane_are(patchrig, tmp_path):
    done = patchrig("analyse", files.patch_file(tmp_path / "v.abf"), "--json")
    found = {s["sweep"]: s["measures"] for s in done.data["sweeps"]}
    assert set(found) == {0, 1}
    assert found[0]["Rs"] == pytest.approx(12e6, rel=0.05)
    assert found[0]["Rm"] == pytest.approx(150e6, rel=0.02)
    assert found[0]["Cm"] == pytest.approx(60e-12, rel=0.05)


# --- NWB -----------------------------------------------------------------------------------------------------------


def command(edges, amplitude, n, rate=files.RATE):
    t = np.arange(n) / rate
    return np.where((t >= edges[0]) & (t < edges[1]), amplitude, 0.0)


EDGES = (1.0, 1.15)
V = files.neuron([(*EDGES, 250)], spikes_at=(1.02, 1.06, 1.1, 1.14))


def test_nwb_counts_with_conversion_and_offset_are_what_the_file_says(patchrig, tmp_path):
    nwb, electrode = files.nwb_file()
    conversion, offset = 3.1e-6, -20e-3
    counts = np.rint((1e-3 * V - offset) / conversion).astype(np.int16)
    step = command(EDGES, 250e-12, len(V))
    files.add_sweep(nwb, electrode, 5, counts, step, conversion=conversion, offset=offset, resolution=1e-5)
    row = measured(patchrig("analyse", files.save(nwb, tmp_path / "a.nwb"), "--json"))[0, 1]
    truth = counts * conversion + offset
    assert row["V_b"] == pytest.approx(truth[4900:9900].mean(), abs=1e-9)
    base, late = truth[4900:9900].mean(), truth[21_000:22_000].mean()
    assert row["A_1000"] == pytest.approx(late - base, abs=1e-9)
    assert row["n_ap"] == 4
    assert row["I_step"] == pytest.approx(250e-12)


def test_nwb_timestamps_with_lost_samples_leave_a_gap(patchrig, tmp_path):
    nwb, electrode = files.nwb_file()
    keep = np.ones(len(V), bool)
    keep[20_000:20_400] = False
    times = 3.0 + np.arange(len(V)) / files.RATE
    files.add_sweep(nwb, electrode, 0, 1e-3 * V[keep], timestamps=times[keep])
    done = patchrig("analyse", files.save(nwb, tmp_path / "a.nwb"), "--step", "1.0..1.15", "--json")
    (row,) = done.data["sweeps"]
    flags = {m["name"]: m["flags"] for m in row["measurements"]}
    assert done.data["rate"] == pytest.approx(files.RATE)
    assert row["measures"]["A_700"] is not None
    assert row["measures"]["A_900"] is None
    assert "gap" in flags["A_900"]


def test_irregular_timestamps_are_refused_not_resampled(patchrig, tmp_path):
    nwb, electrode = files.nwb_file()
    times = np.arange(len(V)) / files.RATE + np.random.default_rng(1).normal(0, 4e-5, len(V))
    files.add_sweep(nwb, electrode, 0, 1e-3 * V, timestamps=np.sort(times))
    assert "irregular" in refusal(patchrig("analyse", files.save(nwb, tmp_path / "a.nwb"), "--step", "1.0..1.15"))


def test_volts_that_are_millivolts_are_refused(patchrig, tmp_path):
    nwb, electrode = files.nwb_file()
    files.add_sweep(nwb, electrode, 0, V, command(EDGES, 250e-12, len(V)))  # its conversion is 1
    path = files.save(nwb, tmp_path / "a.nwb")
    assert "the baseline is -6.238e+04 mV" in refusal(patchrig("analyse", path))
    assert measured(patchrig("analyse", path, "--assume-units", "mV", "--json"))[0, 1]["n_ap"] == 4


def test_a_sweep_that_ended_before_the_step_has_no_row(patchrig, tmp_path):
    nwb, electrode = files.nwb_file()
    for number, n in enumerate((len(V), 8000, len(V))):
        files.add_sweep(nwb, electrode, number, 1e-3 * V[:n], command(EDGES, 250e-12, n), at=10.0 * number)
    assert set(measured(patchrig("analyse", files.save(nwb, tmp_path / "a.nwb"), "--json"))) == {(0, 1), (2, 1)}


def test_kinds_of_sweep_in_one_file_are_listed_to_choose_from(patchrig, tmp_path):
    nwb, electrode = files.nwb_file()
    for number, stimulus in enumerate(("long square", "ramp")):
        files.add_sweep(nwb, electrode, number, 1e-3 * V, at=10.0 * number, stimulus=stimulus)
    path = files.save(nwb, tmp_path / "a.nwb")
    said = refusal(patchrig("analyse", path, "--step", "1.0..1.15"))
    assert "--channel 0   electrode 0 in current clamp at 10000 Hz, 'long square'" in said
    assert measured(patchrig("analyse", path, "--channel", "1", "--step", "1.0..1.15", "--json"))[0, 1]["n_ap"] == 4


def test_the_table_of_recordings_says_which_stimulus_belongs_to_a_response(patchrig, tmp_path):
    from pynwb.icephys import CurrentClampStimulusSeries

    nwb, electrode = files.nwb_file()
    response = files.add_sweep(nwb, electrode, None, 1e-3 * V)
    played = CurrentClampStimulusSeries(
        name="played", data=command(EDGES, 250e-12, len(V)), electrode=electrode, gain=1.0, rate=float(files.RATE)
    )
    nwb.add_stimulus(played)
    nwb.add_intracellular_recording(electrode=electrode, stimulus=played, response=response)
    assert measured(patchrig("analyse", files.save(nwb, tmp_path / "a.nwb"), "--json"))[0, 1]["n_ap"] == 4


def test_a_noisy_copy_of_the_command_is_no_command(patchrig, tmp_path):
    nwb, electrode = files.nwb_file()
    noisy = command(EDGES, 250e-12, len(V)) + np.random.default_rng(0).normal(0, 1e-12, len(V))
    files.add_sweep(nwb, electrode, 0, 1e-3 * V, noisy)
    assert "rectangular steps" in refusal(patchrig("analyse", files.save(nwb, tmp_path / "a.nwb")))


def test_the_command_line_and_the_call_from_python_agree(patchrig, burst):
    path, (on, off) = burst
    rows = {m.name: m.value for m in api.analyse(volts(path, 1), rate=files.RATE, step=(on, off), current=210e-12)}
    file = measured(patchrig("analyse", path, "--json"))[1, 1]
    assert {name: value for name, value in rows.items() if np.isfinite(value)} == {
        name: value for name, value in file.items() if value is not None and name != "I_hold"
    }
