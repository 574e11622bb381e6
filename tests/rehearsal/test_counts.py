"""What is counted over virtual cells."""

from __future__ import annotations

import pytest

from acquisition.rehearsal.counts import Share, gates, left_out, phases, rejected_sweeps, whole
from acquisition.rehearsal.course import FINISH, Phase, cause_of, course_of
from acquisition.rehearsal.virtual_cell import Arm, Order, live
from protocols.sweeps import LogEntry


def test_the_interval_of_a_share_is_wilsons():
    low, high = Share(9, 10).interval  # Newcombe 1998: 0.596 to 0.982
    assert (low, high) == pytest.approx((0.5958, 0.9821), abs=1e-3)
    assert Share(0, 0).interval != Share(0, 0).interval  # NaN: nothing was counted


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("access resistance is 25.31 MOhm; wanted below 25 MOhm", "access resistance; wanted below 25 MOhm"),
        ("baseline potential is -66.2 mV: outside -66 mV .. -54 mV", "baseline potential: outside -66 mV .. -54 mV"),
        ("spikes is 5; wanted 3..4", "spikes; wanted 3..4"),
        ("spikes 5, wanted 3..4", "spikes, wanted 3..4"),
        ("holding current is -3.1e+02 pA; wanted -300 pA .. 100 pA", "holding current; wanted -300 pA .. 100 pA"),
        ("4 accepted baseline sweeps, 6 needed", "too few accepted baseline sweeps, 6 needed"),
        ("no sweep was accepted: not recovered (31 of 31 sweeps)", "no sweep was accepted: not recovered"),
        ("access resistance rose 31 %, limit 20 %", "access resistance rose, limit 20 %"),
        ("'baseline' is not steady: 6 sweeps, drift 31 % per 10 min", "'baseline' is not steady"),
        ("no current in 200 pA gave 3..4 spikes; nearest was 400 pA with 2", "no current in 200 pA gave 3..4 spikes"),
        ("late spikes", "late spikes"),
    ],
)
def test_a_cause_has_no_values_of_single_cells(text, cause):
    assert cause_of(text) == cause


def test_a_course_has_the_steps_and_one_phase_for_all_of_finish():
    log = [
        LogEntry(0.0, "step", "step 1 of 2: hold", {"number": 1}),
        LogEntry(30.0, "gate", "access resistance is 31 MOhm; wanted below 25 MOhm (ask)", {"action": "ask"}),
        LogEntry(31.0, "step", "step 2 of 2: note", {"number": 2}),
        LogEntry(32.0, "step", "finish 1 of 2: switch", {"number": 1}),
        LogEntry(33.0, "step", "finish 2 of 2: note", {"number": 2}),
        LogEntry(35.0, "end", "finished: all steps done", {}),
    ]
    course = course_of(log)
    assert course.phases == (Phase("1 hold", 0.0, 31.0), Phase("2 note", 31.0, 32.0), Phase(FINISH, 32.0, 35.0))
    assert [(t.cause, t.action, t.phase) for t in course.trips] == [
        ("access resistance; wanted below 25 MOhm", "ask", "1 hold")
    ]
    assert course.last == "2 note"


def test_a_gate_that_ends_runs_comes_first_with_the_step_where_it_did(protocol, bad_rig, rehearsed):
    stopped = live(Order(99, Arm.WRITTEN, protocol.read_text(), bad_rig.read_text()))
    first = gates([*rehearsed.cells, stopped])[0]
    assert (first.cause, first.action, first.ended) == ("access resistance; wanted below 25 MOhm", "ask", 1)
    assert first.step.startswith("1 membrane test")


def test_times_are_those_of_cells_that_came_through(protocol, bad_rig, rehearsed):
    stopped = live(Order(99, Arm.WRITTEN, protocol.read_text(), bad_rig.read_text()))
    spans = {s.name.partition(" ")[0]: s for s in phases([*rehearsed.cells, stopped])}
    assert spans["1"].n == len(rehearsed.cells)
    assert list(spans)[-1] == FINISH
    assert whole([stopped]) is None
    usable = [c.duration for c in rehearsed.cells]
    assert min(usable) <= whole(rehearsed.cells).median <= max(usable)


def test_vehicle_and_drug_cells_share_the_rows_of_their_steps(rehearsed):
    assert not any("vehicle of" in s.name for s in phases(rehearsed.cells))


def test_cells_and_sweeps_that_do_not_count_are_counted_by_reason(rehearsed):
    bad = left_out(rehearsed.cells)
    assert sum(r.cells for r in bad) >= sum(not c.is_usable for c in rehearsed.cells)
    lost = sum(len(c.cell.left_out) for c in rehearsed.cells)
    assert sum(r.times for r in rejected_sweeps(rehearsed.cells)) == lost
