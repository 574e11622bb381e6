"""Against recordings of real cells and what other people's programs say of them (see the data's README)."""

import csv
from functools import cache

import numpy as np
import pytest

from acquisition.analysis import membrane, sahp
from acquisition.analysis.spikes import SpikeRules, find_spikes
from tests.kit import ROOT

DATA = ROOT.parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs real recordings in {DATA}")

NEURON, F_I, RAT = "171116sh_0018.abf", "18711001.abf", "AP_begin_indices_95810005.abf.csv"
STEP_ENDS = {("171116sh_0018.abf", "1"): 12937, ("171116sh_0018.abf", "2"): 42937}


@cache
def sweeps(name):
    """Rate and sweeps of a file, SI."""
    path = DATA / "recordings" / name
    if path.suffix == ".csv":
        return 10_000.0, (np.loadtxt(path) * 1e-3,)
    axon = pytest.importorskip("neo.io").AxonIO
    signals = [s.analogsignals[0] for s in axon(str(path)).read_block().segments]
    factor = 1e-12 if str(signals[0].units).endswith("pA") else 1e-3
    return float(signals[0].sampling_rate), tuple(np.asarray(s.magnitude[:, 0], float) * factor for s in signals)


def reference(table, name):
    with (DATA / "reference" / table).open() as file:
        return [row for row in csv.DictReader(file) if row["file"] == name]


def spikes(name, sweep):
    rate, values = sweeps(name)
    v = values[int(sweep)]
    return find_spikes(v, rate, SpikeRules(), start=0, stop=len(v) - round(8e-3 * rate))


@pytest.mark.parametrize("name", [NEURON, F_I, RAT])
def test_spikes_are_as_many_and_where_ipfx_finds_them(name):
    rate, _ = sweeps(name)
    peaks = reference("ipfx_spikes.csv", name)
    for row in reference("ipfx_sweeps.csv", name):
        wanted = [round(float(p["peak_t"]) * rate) for p in peaks if p["sweep"] == row["sweep"]]
        assert [s.peak_at for s in spikes(name, row["sweep"])] == wanted, row["sweep"]
        assert len(wanted) == int(row["n_spikes"])


@pytest.mark.parametrize("name", [NEURON, F_I])
def test_thresholds_are_those_of_efel_with_the_same_rule(name):
    rows = [r for r in reference("efel_spikes.csv", name) if "DerivativeThreshold=10" in r["settings"]]
    for sweep in {r["sweep"] for r in rows}:
        wanted = [float(r["thr_v"]) for r in rows if r["sweep"] == sweep]
        assert [1e3 * s.threshold for s in spikes(name, sweep)] == pytest.approx(wanted, abs=1e-3)


def test_no_spikes_in_a_passive_cell_although_it_crosses_0_mv():
    _, values = sweeps("2020_03_02_0000.abf")
    assert max(v.max() for v in values) > 0
    assert not any(spikes("2020_03_02_0000.abf", i) for i in range(len(values)))


def test_windows_are_those_of_plain_numpy():
    rate, values = sweeps(NEURON)
    for row in reference("lab_rule_and_windows.csv", NEURON):
        after = values[int(row["sweep"])][STEP_ENDS[NEURON, row["step"]] :]
        base = 1e-3 * float(row["v_base"])
        # the reference gives its baseline to 5 digits, which are 0.5 µV
        for latency in (100, 200, 300, 400, 500, 600, 700, 800):
            if wanted := row[f"w100_{latency}ms_mV"]:
                first, stop = (round((latency + d) * 1e-3 * rate) for d in (-50, 50))
                assert 1e3 * (sahp.mean(after[first:stop]) - base) == pytest.approx(float(wanted), abs=6e-4)
        lowest, at = sahp.peak(after[round(0.01 * rate) : round(0.3 * rate)], rate)
        assert 1e3 * (lowest - base) == pytest.approx(float(row["min5ms_10_300_mV"]), abs=1e-3)
        assert 1e3 * at + 10 == pytest.approx(float(row["min5ms_10_300_t_ms"]), abs=0.06)
        area = sahp.area(after[round(0.01 * rate) : round(0.5 * rate)], rate, base)
        assert 1e3 * area == pytest.approx(float(row["area_0.01_0.5_mVs"]), abs=6e-4)


def pulse(name):
    """The mean of 20 pulses of -10 mV from sample 156 (a 64th of the sweep, where pCLAMP begins) to 4156."""
    rate, values = sweeps(name)
    mean = np.mean(values, axis=0)[:4156]
    return membrane.measure_pulse(mean, rate, onset=156, step=-10e-3, delay=membrane.bessel_delay(2000.0))


def test_the_model_cell_is_500_mohm_33_pf_behind_10_mohm():
    found = pulse("model_vc_step.abf")
    assert found.membrane == pytest.approx(500e6, rel=0.01)
    assert found.total == pytest.approx(510e6, rel=0.01)
    assert found.capacitance == pytest.approx(33e-12, rel=0.10)
    assert 8e6 < found.access < 14e6


def test_a_neuron_s_resistances_agree_with_another_program():
    (row,) = reference("vc_membrane_test.csv", "171116sh_0011.abf")
    found = pulse("171116sh_0011.abf")
    assert found.total == pytest.approx(1e6 * float(row["Rtot_Mohm_dI"]), rel=0.02)
    assert found.capacitance == pytest.approx(1e-12 * float(row["Cm_charge_pF"]), rel=0.10)
    assert found.access == pytest.approx(1e6 * float(row["Ra_extrapolated_Mohm"]), rel=0.10)
