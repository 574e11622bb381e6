"""`patchrig.analyse` on samples in memory, and on a sweep of ours as before."""

import numpy as np
import pytest

import patchrig
from acquisition.analysis.settings import Declared
from protocols.errors import Refused
from protocols.waveforms import samples
from tests.analysis import synthetic

RATE, ON, OFF = 20_000.0, 1.5, 1.65
SPIKES = (1.52, 1.56, 1.60, 1.64)


@pytest.fixture(scope="module")
def sweep():
    """A synthetic burst and its AHP, V."""
    return synthetic.voltage(synthetic.burst_command(test_pulse=None), spikes=SPIKES, noise=0.1e-3, seed=1)


def values(rows):
    return {m.name: m.value for m in rows}


def test_samples_give_the_measures_that_a_sweep_of_ours_gives(sweep):
    command = synthetic.burst_command(test_pulse=None)
    settings = patchrig.Settings()
    ours = patchrig.analyse(synthetic.recorded(synthetic.header(command, amplifier={}), sweep), settings)
    theirs = patchrig.analyse(sweep, rate=RATE, step=(ON, OFF), current=300e-12)
    same = [(a.name, a.value, a.window, a.flags) for a in ours if a.name != "I_hold"]
    assert repr(same) == repr([(b.name, b.value, b.window, b.flags) for b in theirs if b.name != "I_hold"])


def test_windows_and_areas_are_plain_numpy(sweep):
    found = values(patchrig.analyse(sweep, rate=RATE, step=(ON, OFF)))
    off = samples(OFF, RATE)
    base = sweep[samples(ON - 0.51, RATE) : samples(ON - 0.01, RATE)].mean()
    for latency in (100, 600, 800, 1000, 3000):
        window = sweep[off + 20 * (latency - 50) : off + 20 * (latency + 50)]
        assert found[f"A_{latency}"] == pytest.approx(window.mean() - base, abs=1e-9)
    assert found["S_fix"] == pytest.approx((sweep[off + 200 : off + 40_000] - base).sum() / RATE, abs=1e-9)
    assert found["n_ap"] == len(SPIKES)


def test_a_monitor_of_the_current_gives_the_size_of_the_step(sweep):
    t = np.arange(len(sweep)) / RATE
    noise = np.random.default_rng(3).normal(0, 5e-12, len(t))
    monitor = np.where((t >= ON) & (t < OFF), 350e-12, 50e-12) + noise
    found = values(patchrig.analyse(sweep, rate=RATE, step=(ON, OFF), current=monitor))
    assert found["I_step"] == pytest.approx(300e-12, abs=1e-12)
    assert found["I_hold"] == pytest.approx(50e-12, abs=1e-12)


def test_without_a_current_every_missing_number_has_its_reason(sweep):
    rows = patchrig.analyse(sweep, rate=RATE, step=(ON, OFF))
    missing = {m.name: m.flags for m in rows if np.isnan(m.value)}
    assert "command_unknown" in missing["I_step"]
    assert all(missing.values())


def test_spikes_that_were_not_wanted_are_flagged(sweep):
    for target in (3, (2, 3)):
        rows = patchrig.analyse(sweep, rate=RATE, step=(ON, OFF), target_spikes=target)
        assert "ap_count" in next(m.flags for m in rows if m.name == "n_ap")


def test_a_measure_of_one_s_own_is_made(sweep):
    settings = patchrig.Settings(declared=(Declared("late", "mean", 0.1, 0.2, minus_baseline=False),))
    found = values(patchrig.analyse(sweep, settings, rate=RATE, step=(ON, OFF)))
    off = samples(OFF, RATE)
    assert found["late"] == pytest.approx(sweep[off + 2000 : off + 4000].mean(), abs=1e-9)


def test_lost_samples_are_a_gap(sweep):
    cut = sweep.copy()
    cut[samples(OFF + 0.99, RATE) : samples(OFF + 1.0, RATE)] = np.nan
    rows = {m.name: m for m in patchrig.analyse(cut, rate=RATE, step=(ON, OFF))}
    assert np.isnan(rows["A_1000"].value)
    assert "gap" in rows["A_1000"].flags
    assert np.isfinite(rows["A_800"].value)


def test_a_short_sweep_gives_no_shorter_windows(sweep):
    short = sweep[: samples(OFF + 0.18, RATE)]
    found = values(patchrig.analyse(short, rate=RATE, step=(ON, OFF)))
    assert np.isfinite(found["A_100"])
    assert all(np.isnan(found.get(name, np.nan)) for name in ("A_200", "A_1000", "A_m", "A_pk", "S_fix", "D50"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"voltage": np.full(40_000, -60.0)}, "divide by 1000"),
        ({"voltage": np.full((2, 40_000), -0.06)}, r"shape \(2, 40000\)"),
        ({"voltage": []}, "shape"),
        ({"voltage": ["a", "b"]}, "should be numbers"),
        ({"current": 200.0}, "multiply by 1e-12"),
        ({"current": np.zeros(7)}, r"shape \(7,\)"),
        ({"step": (0.5, 3.0)}, "from 0 to 2 s"),
        ({"step": (0.6, 0.5)}, "seconds from the first sample"),
        ({"rate": 0}, "sampling rate is 0"),
        ({"rate": 500.0, "step": (5.0, 6.0)}, "cannot be seen"),
        ({"rate": None}, "say the sampling rate"),
        ({"step": None}, "when the step was"),
    ],
)
def test_what_cannot_be_right_is_refused_in_a_sentence(change, says):
    facts = {"voltage": np.full(40_000, -0.06), "rate": RATE, "step": (0.5, 0.65)} | change
    with pytest.raises(Refused, match=says):
        patchrig.analyse(facts.pop("voltage"), **facts)


def test_a_sweep_of_ours_knows_its_step_itself(sweep):
    recorded = synthetic.recorded(synthetic.header(synthetic.burst_command(test_pulse=None)), sweep)
    with pytest.raises(Refused, match="knows its rate"):
        patchrig.analyse(recorded, patchrig.Settings(), rate=RATE, step=(ON, OFF))
