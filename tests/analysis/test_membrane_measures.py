import tracemalloc

import numpy as np
import pytest

from acquisition.analysis.analyser import Settings, SweepAnalyser, analyse
from protocols.sweeps import ClampMode
from tests.analysis.synthetic import MV, PA, RATE, burst_command, header, hold_command, patch_current, recorded, voltage

CELLS = [(10e6, 100e6, 100e-12), (20e6, 60e6, 150e-12), (8e6, 200e6, 60e-12), (15e6, 500e6, 33e-12)]


def clamp(kind="hold", *, corner=4000.0, command=None, noise=0.0, seed=0, **cell):
    command = command or hold_command(duration=3.0)
    current = patch_current(command, corner=corner, **cell)
    current = current + np.random.default_rng(seed).normal(0, noise, len(current))
    head = header(command, mode=ClampMode.VOLTAGE, kind=kind, amplifier={"low_pass": corner})
    return analyse(recorded(head, current), Settings())


def values(measurements, name):
    return np.array([m.value for m in measurements if m.name == name])


@pytest.mark.parametrize("corner", [4000.0, 10_000.0])
@pytest.mark.parametrize(("rs", "rm", "cm"), CELLS)
@pytest.mark.parametrize("latency", [0.0, 1 / RATE])
def test_an_rc_cell_is_recovered_through_the_filter_and_a_sample_of_latency(corner, rs, rm, cm, latency):
    made = clamp(corner=corner, rs=rs, rm=rm, cm=cm, latency=latency)
    assert values(made, "Rs") == pytest.approx(rs, rel=0.05)
    assert values(made, "Rm") == pytest.approx(rm, rel=0.03)
    assert values(made, "Cm") == pytest.approx(cm, rel=0.10)
    assert values(made, "R_total") == pytest.approx(rs + rm, rel=0.03)
    assert values(made, "I_hold") == pytest.approx(-70 * MV / (rs + rm), rel=0.01)


def test_depolarising_pulses_give_the_same_cell():
    up = clamp(command=hold_command(duration=1.5, step=5 * MV))
    assert values(up, "Rs") == pytest.approx(12e6, rel=0.05)
    assert values(up, "Rm") == pytest.approx(100e6, rel=0.03)


def test_the_mean_of_twenty_noisy_pulses_is_near_the_truth():
    command = hold_command(duration=4.0, every=0.2)
    made = clamp("membrane_test", command=command, noise=8 * PA)
    assert [m.name for m in made] == ["Rs", "Rs_peak", "Rs_charge", "Rm", "Cm", "R_total", "I_hold"]
    assert values(made, "Rs") == pytest.approx(12e6, rel=0.05)
    assert values(made, "Rm") == pytest.approx(100e6, rel=0.05)
    assert values(made, "Cm") == pytest.approx(100e-12, rel=0.10)


def test_single_noisy_pulses_scatter_around_the_truth():
    made = clamp(noise=5 * PA, command=hold_command(duration=10.0))
    assert np.median(values(made, "Rs")) == pytest.approx(12e6, rel=0.08)
    assert np.median(values(made, "Rm")) == pytest.approx(100e6, rel=0.08)


def test_a_pulse_is_measured_as_soon_as_it_is_over_and_memory_stays_flat():
    command = hold_command(duration=300.0, every=10.0)
    head = header(command, mode=ClampMode.VOLTAGE, kind="hold")
    analyser, block = SweepAnalyser(head, Settings()), 4000
    rest, most = np.full(block, -600.0, np.float32), 0
    tracemalloc.start()
    for first in range(0, command.n_samples, block):
        made = analyser.feed(first, {"primary": rest})
        due = [p for p in command.of("test_pulse") if first < p.stop <= first + block]
        assert len(made) == 7 * len(due)
        most = max(most, tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert most < 1e6
    assert analyser.finish() == []


def test_a_pulse_without_a_response_has_no_resistance_and_says_so():
    head = header(hold_command(duration=1.0), mode=ClampMode.VOLTAGE, kind="hold")
    made = {m.name: m for m in analyse(recorded(head, np.full(20_000, -100 * PA)), Settings())}
    assert np.isnan(made["Rs"].value)
    assert made["Rs"].flags == ("no_fit",)
    assert made["I_hold"].value == pytest.approx(-100 * PA)


def test_pulses_of_an_aborted_hold_are_flagged_and_those_before_are_kept():
    command = hold_command(duration=3.0)
    head = header(command, mode=ClampMode.VOLTAGE, kind="hold")
    made = analyse(recorded(head, patch_current(command)[:30_900], complete=False), Settings())
    rs = [m for m in made if m.name == "Rs"]
    assert [m.flags for m in rs] == [(), ("window_incomplete",), ("window_incomplete",)]
    assert np.isnan(rs[1].value)


def test_an_aborted_membrane_test_has_no_mean():
    command = hold_command(duration=2.0, every=0.2)
    head = header(command, mode=ClampMode.VOLTAGE, kind="membrane_test")
    made = analyse(recorded(head, patch_current(command)[:30_000], complete=False), Settings())
    assert all(np.isnan(m.value) and m.flags == ("window_incomplete",) for m in made)


@pytest.mark.parametrize("jump", [-4e6, 0.0, 3e6, 12e6])
def test_the_bridge_residual_is_the_jump_at_the_step(jump):
    command = burst_command()
    v = voltage(command, spikes=(1.53, 1.57), jump=jump)
    made = {m.name: m for m in analyse(recorded(header(command), v), Settings())}
    assert made["bridge_residual"].value == pytest.approx(jump, abs=0.5e6)
    assert made["Rs"].value == pytest.approx(12e6 + jump, abs=0.5e6)


def test_rs_is_unknown_when_the_bridge_was_not_telegraphed():
    command = burst_command()
    head = header(command, amplifier={"low_pass": 4000.0})
    made = {m.name: m for m in analyse(recorded(head, voltage(command)), Settings())}
    assert np.isnan(made["Rs"].value)
    assert made["Rs"].flags == ("bridge_unknown",)


def test_input_resistance_comes_from_the_test_pulse():
    command = burst_command()
    made = {m.name: m for m in analyse(recorded(header(command), voltage(command, size=0.0, rin=90e6)), Settings())}
    assert made["Rin"].value == pytest.approx(90e6, rel=0.02)
    assert made["Rin"].flags == ()
