"""The command and the call on recordings of real cells, against IPFX, eFEL and a laboratory's fixed windows."""

import csv

import numpy as np
import pyabf
import pytest

import patchrig as api
from acquisition.session.recovery import open_recovered
from protocols.errors import Refused
from tests.kit import ROOT

DATA = ROOT.parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs real recordings in {DATA}")
RECORDINGS, REFERENCE = DATA / "recordings", DATA / "reference"
NEURON, F_I, RAT = "171116sh_0018.abf", "18711001.abf", "AP_begin_indices_95810005.abf.csv"
RATE = 20_000


def reference(table, name):
    with (REFERENCE / table).open() as file:
        return [row for row in csv.DictReader(file) if row["file"] == name]


@pytest.fixture(scope="module")
def analysed(patchrig):
    """File -> (sweep, step) -> what `patchrig analyse FILE --json` says of it."""
    kept = {}

    def of(name, *options):
        if (name, options) not in kept:
            done = patchrig("analyse", RECORDINGS / name, *options, "--json")
            assert done.code == 0, done.error
            kept[name, options] = {(s["sweep"], s["step"]): s for s in done.data["sweeps"]}
        return kept[name, options]

    return of


def peaks(name, sweep, step):
    """Samples of IPFX's peaks in a step and 5 ms after it."""
    rows = reference("ipfx_spikes.csv", name)
    found = [round(float(r["peak_t"]) * RATE) for r in rows if int(r["sweep"]) == sweep]
    return [p for p in found if step[0] <= p / RATE < step[1] + 5e-3]


@pytest.mark.parametrize("name", [NEURON, F_I])
def test_spikes_are_counted_as_ipfx_counts_them(analysed, name):
    rows = reference("ipfx_sweeps.csv", name)
    assert rows
    for row in rows:
        found = analysed(name)[int(row["sweep"]), int(row["step"])]
        assert found["measures"]["n_ap"] == int(row["n_in_stim"]), row
        assert found["step_start"] == pytest.approx(float(row["stim_start_s"]), abs=1e-9)
        assert found["step_stop"] == pytest.approx(float(row["stim_end_s"]), abs=1e-9)
        assert found["measures"]["n_late"] == 0


@pytest.mark.parametrize("name", [NEURON, F_I])
def test_peaks_and_intervals_are_ipfx_s_to_the_sample(analysed, name):
    seen = 0
    for row in reference("ipfx_sweeps.csv", name):
        found = analysed(name)[int(row["sweep"]), int(row["step"])]
        wanted = peaks(name, int(row["sweep"]), (found["step_start"], found["step_stop"]))
        if wanted:
            window = next(m["window"] for m in found["measurements"] if m["name"] == "ap_peak")
            assert round(window[1] * RATE) - 1 == wanted[0]
            seen += 1
        if len(wanted) > 1:
            gaps = np.diff(wanted) / RATE
            assert found["measures"]["isi_first"] == pytest.approx(gaps[0], abs=1e-9)
            assert found["measures"]["isi_last"] == pytest.approx(gaps[-1], abs=1e-9)
    assert seen >= 9


@pytest.mark.parametrize("name", [NEURON, F_I])
def test_the_first_threshold_of_each_step_is_efel_s_with_the_same_rule(analysed, name):
    rows = [r for r in reference("efel_spikes.csv", name) if "DerivativeThreshold=10" in r["settings"]]
    seen = 0
    for (sweep, _), found in analysed(name).items():
        on, off = found["step_start"], found["step_stop"]
        here = [r for r in rows if int(r["sweep"]) == sweep and on <= float(r["peak_t_s"]) < off]
        if here:
            assert 1e3 * found["measures"]["ap_threshold"] == pytest.approx(float(here[0]["thr_v"]), abs=0.5)
            seen += 1
    assert seen >= 9


LATENCIES = (100, 200, 300, 400, 500, 600, 700, 800)
WINDOWS = tuple(
    x
    for latency in LATENCIES
    for x in ("--measure", f"w_{latency}: {{kind: mean, from: {latency - 50} ms, to: {latency + 50} ms, "
              "minus_baseline: no}")
)  # fmt: skip
AREA = ("--measure", "area: {kind: area, from: 10 ms, to: 500 ms, minus_baseline: no}")


def test_windows_are_plain_numpy_and_the_laboratory_s_to_its_digits(analysed):
    abf, seen = pyabf.ABF(str(RECORDINGS / NEURON)), 0
    found = analysed(NEURON, *WINDOWS, *AREA)
    for row in reference("lab_rule_and_windows.csv", NEURON):
        part = found[int(row["sweep"]), int(row["step"])]
        abf.setSweep(int(row["sweep"]))
        v, off = 1e-3 * abf.sweepY.astype(float), round(part["step_stop"] * RATE)
        for latency in LATENCIES:
            value = part["measures"].get(f"w_{latency}")
            if value is not None:
                assert value == pytest.approx(v[off + 20 * (latency - 50) : off + 20 * (latency + 50)].mean(), abs=1e-9)
            if value is not None and row[f"w100_{latency}ms_mV"]:
                # the baseline has 5 digits, which are 0.5 µV
                wanted = float(row[f"w100_{latency}ms_mV"]) + float(row["v_base"])
                assert 1e3 * value == pytest.approx(wanted, abs=6e-4)
                seen += 1
        area = part["measures"].get("area")
        if area is not None:
            assert area == pytest.approx(v[off + 200 : off + 10_000].sum() / RATE, abs=1e-9)
            base = 1e-3 * float(row["v_base"]) * 0.49
            assert 1e3 * (area - base) == pytest.approx(float(row["area_0.01_0.5_mVs"]), abs=6e-4)
    assert seen > 150


def test_a_window_that_was_not_recorded_is_missing_and_never_shorter(analysed):
    """0.18 s are there after the step, and the pulse before reaches 10 ms into the baseline."""
    for found in analysed(F_I).values():
        for m in found["measurements"]:
            if m["window"] and m["value"] is not None:
                assert m["window"][1] <= 1.5 + 1e-9
        assert found["measures"]["V_b"] is None
        assert "window_incomplete" in next(m["flags"] for m in found["measurements"] if m["name"] == "V_b")
        later = ("A_200", "A_600", "A_1000", "A_m", "A_pk", "S_fix", "D50")
        assert all(found["measures"].get(name) is None for name in later)


def test_a_neuron_with_two_steps_in_a_sweep_has_two_rows_that_keep_apart(analysed):
    found = analysed(NEURON)
    assert set(found) == {(sweep, step) for sweep in range(17) for step in (1, 2)}
    for (_, step), part in found.items():
        spans = [m["window"] for m in part["measurements"] if m["value"] is not None]
        if step == 1:
            assert max(stop for _, stop in spans) <= 1.64685 + 1e-9
        else:
            assert min(start for start, _ in spans) >= 1.64685 - 1e-9


def test_the_pulse_between_the_steps_gives_the_resistance_that_voltage_clamp_gives(analysed):
    (row,) = reference("vc_membrane_test.csv", "171116sh_0011.abf")
    rin = np.median([found["measures"]["Rin"] for (_, step), found in analysed(NEURON).items() if step == 1])
    assert rin == pytest.approx(1e6 * float(row["Rtot_Mohm_dI"]), rel=0.1)


def test_no_cell_is_refused_with_its_numbers_and_has_no_spikes_if_one_insists(analysed, patchrig):
    name = "2020_03_02_0000.abf"
    said = str(patchrig("analyse", RECORDINGS / name).error)
    assert "the baseline is -3.357 mV, outside -100..-20 mV" in said
    assert "from -104.4 to 300.3 mV, more than 250 mV" in said
    assert {found["measures"]["n_ap"] for found in analysed(name, "--assume-units", "mV").values()} == {0}


def test_a_voltage_trace_called_pa_is_refused_with_its_numbers(patchrig):
    done = patchrig("analyse", RECORDINGS / "opto_aps_bad_units.abf")
    assert isinstance(done.error, Refused)
    assert "voltage clamp in 'pA' (-1600 to 816 pA, median -1576)" in str(done.error)
    assert "the command is a current too" in str(done.error)
    assert "--assume-units" in str(done.error)


def test_what_a_person_knows_of_units_and_gain_makes_it_measurable(analysed):
    found = analysed("opto_aps_bad_units.abf", "--assume-units", "0.05 mV", "--step", "5.3125..5.8")
    assert {part["measures"]["n_ap"] for part in found.values()} == {5}
    assert all(-90e-3 < part["measures"]["V_b"] < -60e-3 for part in found.values())


def test_the_model_cell_is_500_mohm_33_pf_behind_10_mohm(analysed):
    found = [part["measures"] for part in analysed("model_vc_step.abf").values()]
    assert len(found) == 20
    assert np.mean([m["Rm"] for m in found]) == pytest.approx(500e6, rel=0.01)
    assert np.mean([m["R_total"] for m in found]) == pytest.approx(510e6, rel=0.01)
    assert np.mean([m["Cm"] for m in found]) == pytest.approx(33e-12, rel=0.10)
    assert all(8e6 < m["Rs"] < 14e6 for m in found)


def test_a_neuron_in_voltage_clamp_is_measured_and_has_no_ahp(analysed, patchrig):
    (row,) = reference("vc_membrane_test.csv", "171116sh_0011.abf")
    found = [part["measures"] for part in analysed("171116sh_0011.abf").values()]
    assert np.mean([m["R_total"] for m in found]) == pytest.approx(1e6 * float(row["Rtot_Mohm_dI"]), rel=0.03)
    said = str(patchrig("analyse", RECORDINGS / "171116sh_0011.abf", "--step", "0.1..0.2").error)
    assert "is voltage clamp (response in pA)" in said


def test_a_text_file_at_10_khz_has_five_action_potentials():
    volts = 1e-3 * np.loadtxt(RECORDINGS / RAT)
    (row,) = reference("ipfx_sweeps.csv", RAT)
    on, off = float(row["stim_start_s"]), float(row["stim_end_s"])
    found = {m.name: m for m in api.analyse(volts, rate=10_000, step=(on, off))}
    assert found["n_ap"].value == int(row["n_spikes"]) == 5
    wanted = [float(r["peak_t"]) for r in reference("ipfx_spikes.csv", RAT)]
    assert found["isi_first"].value == pytest.approx(wanted[1] - wanted[0], abs=1e-9)
    assert found["A_100"].value != found["A_100"].value  # no baseline was recorded: 31 ms are there before the step


def test_a_converted_recording_is_sealed_and_has_pyabf_s_samples(patchrig, tmp_path):
    done = patchrig("convert", RECORDINGS / NEURON, "--out", tmp_path / "a.nwb", "--json")
    assert done.code == 0, done.error
    assert done.data["sealed"]
    abf = pyabf.ABF(str(RECORDINGS / NEURON))
    with open_recovered(tmp_path / "a.nwb") as session:
        for sweep in session.sweeps:
            number, first = divmod(round(sweep.start * RATE), round(abf.sweepIntervalSec * RATE))
            abf.setSweep(number)
            here = session.sweep(sweep.index).stored["primary"]
            assert np.array_equal(here, abf.sweepY[first : first + len(here)])
