"""What goes wrong at the devices of the simulated rig: who notices, where the rig is left, what is kept."""

import pytest

from tests.faults_simulated.lab import BURSTS, PULSES, run

CURRENT, VOLTAGE, ZERO = "current clamp", "voltage clamp", "zero current"
DRUG = "\n  - wait: 2 s\n  - apply: {solution: blocker}\n"


def ended_by_a_device(seen, words, *, mode=CURRENT, left=()):
    """Assert that the run ended in the sweep with the outputs at rest and the samples up to there in the file."""
    assert seen.finished.reason == seen.closed == "hardware failed", seen.text
    assert words in seen.text
    assert seen.mode == mode
    assert seen.volts == pytest.approx(-3.5 if mode == VOLTAGE else 0.0, abs=2e-3)
    assert seen.line == "control"
    assert seen.text.count("NOT AT REST") == len(left)
    assert seen.intact
    *before, last = seen.sweeps
    assert all(s.complete for s in before)
    return last


def broken_off(seen, last, moment):
    """Assert that the sweep in the air was closed within 60 ms of `moment` (s), with words."""
    assert not last.complete
    assert last.reason
    assert moment <= last.n_samples / last.rate < moment + 0.06


def went_on(seen):
    assert seen.finished.reason == seen.closed == "finished", seen.text
    assert seen.intact
    assert all(s.complete for s in seen.sweeps)


@pytest.mark.parametrize("of", ["knob", "telegraph"])
def test_a_gain_that_is_told_to_be_another_ends_the_sweep(tmp_path, of):
    seen = run(tmp_path, f"  - wrong_gain: {{after: bursts, at: 1 s, times: 5, of: {of}}}\n")
    last = ended_by_a_device(seen, "somebody has turned a gain since it was read: the scale of 'primary'")
    broken_off(seen, last, 1.0)
    assert seen.said("gain")[0].data["time_in_sweep"] <= 1.06


def test_a_gain_that_is_not_told_is_stopped_by_a_gate_when_nothing_can_be_measured(tmp_path):
    seen = run(tmp_path, "  - wrong_gain: {after: bursts, at: 2.8 s, times: 5, of: amplifier}\n")
    assert seen.finished.reason == "stopped by a gate"
    assert "could not be measured in 3 sweeps" in seen.text
    assert seen.said("fault")[0].text.endswith("is the gain too high, a cable loose?")


def test_a_small_gain_that_is_not_told_is_stopped_by_the_gate_on_the_baseline_potential(tmp_path):
    seen = run(tmp_path, "  - wrong_gain: {after: bursts, at: 2.8 s, times: 0.5, of: amplifier}\n")
    assert seen.finished.reason == "stopped by a gate"
    assert "baseline potential is -3" in seen.text
    assert len(seen.of("bursts")) == 2


@pytest.mark.parametrize(("to", "mode"), [("zero", ZERO), ("voltage", VOLTAGE)])
def test_a_mode_knob_turned_in_a_burst_ends_the_sweep_at_rest_for_the_mode_it_was_turned_to(tmp_path, to, mode):
    seen = run(tmp_path, f"  - mode_turned: {{after: bursts, at: 1 s, to: {to}}}\n")
    last = ended_by_a_device(seen, f"it is in {mode} now; the sweep needs current clamp", mode=mode)
    broken_off(seen, last, 1.0)
    assert seen.said("mode")[-1].data["after"] == mode


def test_a_mode_knob_turned_in_a_membrane_test_ends_it(tmp_path):
    seen = run(tmp_path, "  - mode_turned: {in_sweep: 1, at: 200 ms, to: current}\n", PULSES)
    broken_off(seen, ended_by_a_device(seen, "it is in current clamp now; the sweep needs voltage clamp"), 0.2)


def test_a_mode_knob_turned_between_sweeps_is_seen_before_the_next_one_begins(tmp_path):
    seen = run(tmp_path, "  - mode_turned: {after: bursts, at: 2.8 s, to: zero}\n")
    last = ended_by_a_device(seen, "it is in zero current now", mode=ZERO)
    assert last.complete
    assert len(seen.of("bursts")) == 1


def test_a_lost_block_is_a_gap_in_the_log_and_flags_what_needed_it(tmp_path):
    seen = run(tmp_path, "  - dropped_block: {after: bursts, at: 1 s}\n")
    went_on(seen)
    first, second = (s.index for s in seen.of("bursts")[:2])
    (told,) = seen.said("fault")
    assert told.text == f"sweep {first}: 400 samples (0.020 s) are lost from 20000 on"
    assert "gap" in seen.flags(first)
    assert "gap" not in seen.flags(second)


def test_a_lost_last_block_is_a_gap_too(tmp_path):
    seen = run(tmp_path, "  - dropped_block: {in_sweep: 1, at: 1.595 s}\n", PULSES)
    (told,) = seen.said("fault")
    assert told.text == "sweep 1: 400 samples (0.020 s) are lost from 31600 on"


def test_a_late_block_loses_nothing(tmp_path):
    seen = run(tmp_path, "  - late_block: {after: bursts, at: 1 s, by: 2 s}\n")
    went_on(seen)
    assert not seen.said("fault")
    assert [s.n_samples for s in seen.of("bursts")] == [53_400] * 4


def test_a_block_later_than_the_cards_buffer_ends_the_run_with_what_came_before(tmp_path):
    seen = run(tmp_path, "  - late_block: {after: bursts, at: 1 s, by: 12 s}\n")
    last = ended_by_a_device(seen, "the computer did not read for 12 s and the card's buffer of 10 s overflowed")
    assert not last.complete
    assert last.n_samples == 20_000


def test_a_valve_whose_controller_notices_ends_the_run(tmp_path):
    seen = run(
        tmp_path, "  - stuck_valve: {at: 1 s, line: drug, told: yes}\n", PULSES.replace("steps:", "steps:" + DRUG)
    )
    assert seen.finished.reason == "hardware failed"
    assert "the valve of 'drug' did not open" in seen.text
    assert (seen.line, seen.mode, round(seen.volts, 3)) == ("control", VOLTAGE, -3.5)
    assert "NOT AT REST" not in seen.text


def test_a_valve_that_sticks_open_on_the_drug_is_not_at_rest(tmp_path):
    fault = "  - stuck_valve: {after: blocker, at: 1 s, told: yes}\n"
    seen = run(tmp_path, fault, PULSES.replace("steps:", "steps:" + DRUG))
    assert seen.line == "drug"
    assert "NOT AT REST: perfusion: the valve of 'control' did not open" in seen.text


def test_a_valve_that_nobody_watches_leaves_the_drug_out_and_nothing_can_tell(tmp_path):
    """What a controller without read-back cannot see: only the effect, or its absence, shows it."""
    steps = PULSES.replace("steps:", "steps:" + DRUG)
    seen = run(tmp_path, "  - stuck_valve: {at: 1 s, line: drug}\n", steps)
    went_on(seen)
    assert seen.injected() == ["the valve of 'drug' does not move any more"]
    assert seen.sweeps[0].condition.startswith("MEM 1003")


def test_a_silent_thermometer_is_told_once_and_the_experiment_goes_on(tmp_path):
    seen = run(tmp_path, "  - silent_thermometer: {after: bursts, at: 2.8 s, for: 6 s}\n")
    went_on(seen)
    assert [e.text.split(":")[0] for e in seen.said("fault")] == ["no bath temperature"]
    assert [s.temperature is None for s in seen.of("bursts")] == [False, True, True, False]


def test_a_silent_amplifier_leaves_the_command_at_rest_and_asks_for_a_hand(tmp_path):
    seen = run(tmp_path, "  - silent_amplifier: {after: bursts, at: 1 s}\n")
    last = ended_by_a_device(seen, "TURN IT TO I=0 BY HAND", left=("amplifier",))
    broken_off(seen, last, 1.0)
    assert "the command is at rest for current clamp, in which it was last" in seen.text


def test_a_fault_waits_for_the_series_and_not_for_sweeps_of_ours_that_are_called_the_same(tmp_path):
    """Switching to current clamp plays sweeps that are labelled 'bias'."""
    steps = BURSTS.replace("{clamp: current}", "{clamp: current, bias_to: -70 mV}").replace("bursts", "bias")
    seen = run(tmp_path, "  - dropped_block: {after: bias, at: 1 s}\n", steps)
    first = next(s for s in seen.of("bias") if s.kind == "series")
    assert len([s for s in seen.of("bias") if s.kind == "switch_to"]) > 0
    assert seen.said("injected")[0].time == pytest.approx(first.start + 1.0, abs=1e-3)


def test_a_fault_counts_from_the_first_use_of_a_solution(tmp_path):
    steps = BURSTS.replace("steps:", "steps:" + DRUG)
    seen = run(tmp_path, "  - dropped_block: {after: blocker, at: 3 s}\n", steps)
    assert seen.said("injected")[0].time == pytest.approx(5.0, abs=1e-3)
