"""Faults of what is around the devices: the disk, the process, the file that must say what it is."""

import signal
import subprocess
import sys

import pytest

from acquisition.bench import ASKED_FOR_SPACE
from acquisition.injection import FillableVolume
from acquisition.outcome import outcome_of
from acquisition.session.recovery import open_recovered
from tests.faults_simulated.lab import BURSTS, PULSES, run
from tests.kit import HEAD, RIG, Answers

FULL = "  - full_disk: {after: bursts, at: 4.5 s}\n"


def test_a_full_disk_with_nobody_there_ends_the_run_with_all_samples_up_to_then(tmp_path):
    seen = run(tmp_path, FULL, person=Answers("stop"))
    assert seen.finished.reason == "failed"
    assert "is full: the sweep was closed with everything recorded so far; make space, then go on" in seen.text
    assert (seen.mode, seen.line) == ("current clamp", "control")
    assert seen.volts == pytest.approx(0.0, abs=2e-3)
    assert seen.intact
    *before, last = seen.sweeps
    assert all(s.complete for s in before)
    assert last.reason.startswith("disk_full")
    assert last.n_samples == pytest.approx(1.5 * 20_000, abs=800)
    assert "Is there space now?" in seen.asked[0]


def test_a_full_disk_on_which_space_is_made_costs_one_sweep(tmp_path):
    seen = run(tmp_path, FULL, person=Answers("continue"))
    assert seen.finished.reason == "finished"
    assert [s.complete for s in seen.of("bursts")] == [True, False, True, True, True]
    assert seen.intact
    assert len(seen.asked) == 1


class FullForGood(FillableVolume):
    def make_space(self):
        """There is none, whatever the person says."""


def test_who_said_yes_beforehand_is_not_asked_for_space_for_ever(tmp_path):
    seen = run(tmp_path, FULL, person=Answers(), volume=FullForGood())
    assert seen.finished.reason == "failed"
    assert "is full" in seen.text
    assert len(seen.asked) == ASKED_FOR_SPACE


KILLED = """
import sys
from pathlib import Path
from acquisition.run import Wish, run

folder = Path(sys.argv[1])
names = (folder / name for name in ("protocol.yaml", "rig.yaml", "data"))
run(Wish(*names, seed=3, faults=folder / "faults.yaml"))
raise SystemExit("it lives")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells no signal by which a process ended")
def test_a_killed_program_leaves_a_session_that_can_be_recovered(tmp_path):
    (tmp_path / "protocol.yaml").write_text(HEAD + PULSES, "utf-8")
    (tmp_path / "rig.yaml").write_text(RIG.read_text("utf-8"), "utf-8")
    text = "trouble: A kill\nformat: 1\nfaults:\n  - killed_process: {in_sweep: 1, at: 1 s}\n"
    (tmp_path / "faults.yaml").write_text(text, "utf-8")
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    (journal,) = (tmp_path / "data").glob("*.journal")
    with open_recovered(journal.with_suffix("")) as session:
        first, last = session.sweeps
        assert first.complete
        assert not last.complete
        assert last.n_samples == 20_000
        assert session.is_intact(0)
        assert session.is_intact(1)
        assert session.log[-1].text == "injected: the program is killed"
        assert session.closed.startswith("interrupted")
        assert [e.data["written"] for e in session.log if e.kind == "faults"] == [text]


def test_the_file_says_that_faults_were_injected_which_and_when(tmp_path):
    seen = run(tmp_path, "  - access_jump: {in_sweep: 1, at: 100 ms, by: 20 %}\n", PULSES)
    (told,) = seen.said("injected")
    assert told.time == pytest.approx(1.7)
    assert told.data == {"fault": "access_jump", "at": "100 ms", "in_sweep": 1, "by": "20 %"}
    with open_recovered(seen.path) as session:
        assert "no living cell was recorded" in session.notes
        assert "Faults were injected on purpose, as faults.yaml says." in session.notes


def test_a_rehearsal_of_a_run_is_the_same_with_the_same_seed(tmp_path):
    faults = "  - hum: {about_every: 3 s, for: 200 ms}\n  - dropped_block: {about_every: 4 s}\n"
    first, second = (run(tmp_path / name, faults, BURSTS) for name in "ab")
    assert len(first.said("injected")) > 3
    assert [(e.time, e.text) for e in first.log] == [(e.time, e.text) for e in second.log]


NEVER = """
  - hum: {at: 100 ms, for: 100 ms}
  - access_jump: {at: 5 h}
  - cell_death: {in_sweep: 60}
  - hum: {after: bursts, at: 1 min}
  - hum: {about_every: 5 h}
  - hum: {at: 5 h, chance: 0 %}
"""


def test_faults_whose_moment_never_came_are_told_at_the_end_with_the_reason(tmp_path):
    with pytest.MonkeyPatch.context() as patch:  # of a protocol with fewer sweeps than it could have
        patch.setattr("config.faults._sweeps", lambda *_: ())
        seen = run(tmp_path, NEVER)
    told = [e.text for e in seen.said("missed_fault")]
    assert told[0].startswith("fault 2 (access_jump, at 5 h) never came: the run ended after ")
    assert told[1] == f"fault 3 (cell_death, sweep 60) never came: the run had {len(seen.sweeps)} sweeps"
    assert told[2].startswith("fault 4 (hum, 1 min after the start of 'bursts') never came: the run ended 1")
    assert told[2].endswith(" s after the start of 'bursts'")
    assert len(told) == 3
    assert [e.kind for e in seen.log[-4:]] == ["missed_fault"] * 3 + ["end"]
    with open_recovered(seen.path) as session:
        assert outcome_of(session).lines()[-3:] == tuple(told)


def test_a_fault_after_what_never_began_says_so(tmp_path):
    steps = BURSTS.replace(
        "stop_when:",
        "  - series: {name: more, step: 350 pA, width: 150 ms, every: 3 s, after: 1 s, sweeps: 1}\nstop_when:",
    )
    seen = run(tmp_path, "  - cell_death: {after: bursts, over: 1 s}\n  - hum: {after: more}\n", steps)
    (told,) = seen.said("missed_fault")
    assert told.text == "fault 2 (hum, after 'more') never came: the run ended before 'more' began"
