"""What goes wrong at the cell and its electrode: who notices, where the rig is left, what is kept."""

import numpy as np
import pytest

from acquisition.session.recovery import open_recovered
from tests.faults_simulated.lab import BURSTS, PULSES, run
from tests.kit import RIG

CURRENT, VOLTAGE = "current clamp", "voltage clamp"


def stopped_by_a_gate(seen, words, *, mode=CURRENT):
    """Assert that a gate ended the run, at rest, with whole sweeps that the file has as they were recorded."""
    assert seen.finished.reason == seen.closed == "stopped by a gate"
    assert words in seen.text
    assert seen.mode == mode
    assert seen.volts == pytest.approx(-3.5 if mode == VOLTAGE else 0.0, abs=2e-3)
    assert seen.line == "control"
    assert seen.intact
    assert all(s.complete for s in seen.sweeps)


def went_on(seen):
    """Assert that the run came to its end with every sweep whole."""
    assert seen.finished.reason == seen.closed == "finished", seen.text
    assert seen.intact
    assert all(s.complete for s in seen.sweeps)


def test_a_lost_seal_is_stopped_by_the_gate_on_the_baseline_potential(tmp_path):
    seen = run(tmp_path, "  - seal_loss: {after: bursts, at: 4 s, to: 30 MOhm}\n")
    stopped_by_a_gate(seen, "baseline potential is -")
    assert seen.injected() == ["the seal gives way, 30 MOhm are left"]
    assert len(seen.of("bursts")) == 3


def test_a_lost_seal_in_voltage_clamp_is_stopped_by_the_gate_on_the_holding_current(tmp_path):
    seen = run(tmp_path, "  - seal_loss: {at: 1.6 s}\n", PULSES)
    stopped_by_a_gate(seen, "holding current is -", mode=VOLTAGE)
    assert len(seen.sweeps) == 2


def test_a_jump_of_the_access_resistance_asks_the_person_once_the_median_has_seen_it(tmp_path):
    steps = BURSTS.replace("sweeps: 4", "sweeps: 7")
    seen = run(tmp_path, "  - access_jump: {after: bursts, at: 8.8 s, by: 200 %}\n", steps)
    stopped_by_a_gate(seen, "access resistance is")
    assert len(seen.of("bursts")) == 6
    assert [q.endswith("Go on?") for q in seen.asked] == [True]
    last = seen.of("bursts")[-1].index
    assert "bridge" in seen.flags(last)
    assert seen.value(last, "Rs") > 2 * seen.value(seen.of("bursts")[0].index, "Rs")


def test_a_jump_of_the_access_resistance_stops_the_next_membrane_test(tmp_path):
    seen = run(tmp_path, "  - access_jump: {in_sweep: 1, at: 100 ms, by: 200 %}\n", PULSES)
    stopped_by_a_gate(seen, "access resistance is", mode=VOLTAGE)
    assert len(seen.sweeps) == 2


def test_an_access_resistance_that_creeps_up_is_stopped_on_its_way_and_stays_where_it_ends(tmp_path):
    seen = run(tmp_path / "gate", "  - access_drift: {at: 0 s, by: 300 %, over: 3 s}\n", PULSES)
    stopped_by_a_gate(seen, "access resistance is", mode=VOLTAGE)
    quiet, fault = PULSES.partition("stop_when")[0], "  - access_drift: {at: %s, by: 100 %%, over: 3 s}\n"
    crept, plain = (run(tmp_path / at[:1], fault % at, quiet).value(2, "Rs") for at in ("0 s", "1 h"))
    assert crept / plain == pytest.approx(2.0, rel=0.15)


def test_a_dying_cell_is_stopped_by_the_gate_on_the_baseline_potential(tmp_path):
    seen = run(tmp_path, "  - cell_death: {after: bursts, at: 2.8 s, over: 2 s}\n")
    stopped_by_a_gate(seen, "baseline potential is -")
    last = seen.sweeps[-1].index
    assert "no_spikes" in seen.flags(last)
    assert seen.value(last, "n_ap") == 0


def test_a_barrage_of_synaptic_events_flags_the_sweeps_that_it_hits(tmp_path):
    steps = BURSTS.replace("{clamp: current}", "{clamp: current, bias_to: -60 mV}").replace("350 pA", "275 pA")
    seen = run(tmp_path, "  - epsp_barrage: {after: bursts, at: 3.9 s, for: 2 s, rate: 400 Hz}\n", steps)
    went_on(seen)
    hit, spared = (seen.of("bursts")[i].index for i in (1, 3))
    assert "event_in_window" in seen.flags(hit)
    assert "event_in_window" not in seen.flags(spared)
    assert len(seen.injected()) == 2


def test_hum_flags_the_sweep_that_has_it(tmp_path):
    seen = run(tmp_path, "  - hum: {after: bursts, at: 3 s, for: 2.8 s}\n")
    went_on(seen)
    assert [("hum" in seen.flags(s.index)) for s in seen.of("bursts")] == [False, True, False, False]


def test_two_faults_of_a_kind_at_once_pass_one_after_the_other(tmp_path):
    hums = "".join(f"  - hum: {{after: bursts, at: {at} s, for: 3 s}}\n" for at in (0, 2))
    seen = run(tmp_path, hums)
    went_on(seen)
    assert [("hum" in seen.flags(s.index)) for s in seen.of("bursts")] == [True, True, False, False]


def test_an_input_at_full_scale_for_a_moment_flags_what_it_hides_and_is_told(tmp_path):
    seen = run(tmp_path, "  - saturated_input: {after: bursts, at: 4.5 s, for: 300 ms}\n")
    went_on(seen)
    hit = seen.of("bursts")[1].index
    assert "clipped" in seen.flags(hit)
    (told,) = seen.said("fault")
    assert told.text.startswith(f"sweep {hit}: 'primary' stood at full scale for 0.3 s, first at 1.50 s")


def test_an_input_at_full_scale_for_good_does_not_leave_the_gates_with_their_last_value(tmp_path):
    seen = run(tmp_path, "  - saturated_input: {after: bursts, at: 2.8 s}\n")
    stopped_by_a_gate(seen, "could not be measured in 3 sweeps (clipped)")
    assert len(seen.of("bursts")) == 4


def test_a_bath_that_cools_is_noted_by_the_gate_and_slows_the_cell(tmp_path):
    steps = BURSTS + "  - {temperature: outside 29 degC .. 31 degC, then: note}\n"
    seen = run(tmp_path, "  - temperature_drift: {at: 1 s, to: 26 °C, over: 5 s}\n", steps)
    went_on(seen)
    (gate,) = seen.said("gate")
    assert gate.text.startswith("bath temperature is 2")
    temperatures = [s.temperature for s in seen.of("bursts")]
    assert temperatures[-1] == pytest.approx(26.0, abs=0.15)


def samples(seen):
    """Return every sample of the session, as stored."""
    with open_recovered(seen.path) as session:
        return [np.stack(list(session.sweep(s.index).stored.values())) for s in session.sweeps]


EVERYTHING = """
  - seal_loss: {at: 6.0001 s, to: 400 MOhm}
  - access_jump: {at: 5.3333 s, by: 20 %}
  - access_drift: {at: 2.1 s, by: 30 %, over: 4.4321 s}
  - cell_death: {at: 8.1 s, over: 6 s}
  - epsp_barrage: {at: 6.1111 s, for: 777 ms}
  - hum: {after: bursts, at: 401 ms, for: 333 ms}
  - saturated_input: {in_sweep: 2, at: 123 ms, for: 17 ms, input: secondary}
  - temperature_drift: {at: 3 s, to: 28 °C, over: 7.1 s}
"""


def test_faults_come_at_the_same_sample_whatever_the_block(tmp_path):
    quiet = BURSTS.partition("stop_when")[0]
    recorded = []
    for number, block in enumerate(("20 ms", "13 ms", "200 ms")):
        rig = RIG.read_text("utf-8").replace("block: 20 ms", f"block: {block}")
        recorded.append(samples(run(tmp_path / str(number), EVERYTHING, quiet, rig=rig)))
    for others in zip(*recorded, strict=True):
        assert all(np.array_equal(others[0], other) for other in others[1:])
