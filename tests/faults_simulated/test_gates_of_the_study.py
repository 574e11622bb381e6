"""The gates of the shipped study see what they are there for, and what they cannot see they do not pass."""

import math

import patchrig
from acquisition.recomputing import recompute
from tests.faults_simulated.lab import run
from tests.kit import ROOT, Answers

STUDY = (ROOT / "protocols" / "library" / "sahp_short.yaml").read_text("utf-8")
FINISH = """
steps:
  - wait: 1 s
finish:
  - membrane_test: {average: 4, require: {access_resistance: below 25 MOhm, on_fail: stop}}
"""
REQUIRED = """
steps:
  - hold: {voltage: -70 mV, for: 2 s, test_pulses: {every: 1 s}}
  - membrane_test: {average: 4, require: {access_resistance: below 25 MOhm, on_fail: ask}}
"""


def test_an_access_resistance_that_doubles_under_the_drug_asks_within_three_sweeps(tmp_path):
    jump = "  - access_jump: {after: drug, at: 1 min, by: 100 %}\n"
    seen = run(tmp_path, jump, protocol=STUDY, seed=4, person=Answers("stop"))
    assert seen.finished.reason == "stopped by a gate"
    assert "access resistance is" in seen.text
    assert "outside 30 % of start" in seen.text
    (when,) = (e.time for e in seen.said("injected"))
    assert len([s for s in seen.of("drug") if s.start > when - 5]) <= 3
    bursts = [*seen.of("baseline"), *seen.of("drug")]
    assert all(math.isfinite(seen.value(s.index, "Rs")) for s in bursts)
    with patchrig.open_session(seen.path) as session:
        assert recompute(session).ok


def test_a_membrane_test_that_measures_nothing_does_not_pass_what_it_requires(tmp_path):
    for name, fault in (("never", "{in_sweep: 0, at: 0 s}"), ("lost", "{in_sweep: 1, at: 0 s, for: 4 s}")):
        seen = run(tmp_path / name, f"  - saturated_input: {fault}\n", REQUIRED)
        assert seen.finished.reason == "stopped by a gate"
        assert "access resistance could not be measured" in seen.text
        assert "(clipped); the gate is 'below 25 MOhm'" in seen.text
        assert len(seen.asked) == 1
        assert [e.text for e in seen.said("membrane_test")] == ["nothing could be measured"]


def test_a_gate_in_the_finish_ends_the_run_as_a_gate(tmp_path):
    seen = run(tmp_path, "  - access_jump: {at: 0 s, by: 300 %}\n", FINISH)
    assert seen.finished.reason == seen.closed == "stopped by a gate"
    assert seen.text.startswith("all steps done; finish: access resistance is")
