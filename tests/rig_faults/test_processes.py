"""A run that is killed, hangs, or cannot put its rig to rest: its guardian does, within 2 s of the process's death."""

import sys

import pytest

from acquisition.recording import sealed
from acquisition.reports import result_of
from acquisition.session import guardian_record
from acquisition.session.recovery import open_recovered
from tests.rig_faults.processes import kill, lab, stop

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are stopped by POSIX signals")
LEASE = 1.5
"""Seconds, in place of the usual 20 with a device server."""


@pytest.fixture
def rig(tmp_path):
    with lab(tmp_path) as made:
        yield made


def told(rig):
    """Return what the guardian wrote, once it has."""
    path = guardian_record.record_of(rig.session())
    rig.wait(lambda: guardian_record.read(path) is not None, 5.0, "the guardian's record")
    return guardian_record.read(path)


def check_kept(rig):
    """Assert that the dead run's samples are there, and that the session tells what became of it."""
    with open_recovered(rig.session()) as session:
        assert session.sweeps[-1].n_samples >= 10_000
        assert not session.sweeps[-1].complete
        assert all(session.is_intact(s.index) for s in session.sweeps)
        assert session.guardian is not None


def check_sealed(nwb, record):
    """Assert that a sealed session carries the guardian's record itself."""
    assert sealed(nwb).ok
    guardian_record.record_of(nwb).unlink()
    with open_recovered(nwb) as session:
        assert session.guardian == record
    assert any("the run was killed" in line for line in result_of(nwb).lines)


def test_kill_9_of_the_engine_in_mid_sweep(rig):
    run = rig.start()
    rig.at_work(run)
    kill(run.pid)
    rig.at_rest(12.0)
    record = told(rig)
    assert record.run == "killed"
    assert record.at_rest
    check_kept(rig)
    check_sealed(rig.session(), record)


def test_an_engine_that_hangs_is_ended_when_its_lease_runs_out(rig):
    run = rig.start(LEASE)
    rig.at_work(run)
    stop(run.pid)
    rig.at_rest(20.0)
    assert run.wait(5.0) < 0
    record = told(rig)
    assert record.run == "hung"
    assert record.at_rest
    check_kept(rig)


def test_a_hung_run_is_ended_by_a_guardian_that_is_not_its_own_child(rig):
    launcher = rig.folder / "launcher"
    launcher.write_text(f'#!/bin/sh\n"{sys.executable}" "$@"\nexit $?\n', encoding="utf-8")
    launcher.chmod(0o755)  # like the python.exe of a virtual environment on Windows: it starts python as its child
    run = rig.start(LEASE, launcher=launcher)
    rig.at_work(run)
    stop(run.pid)
    rig.at_rest(20.0)
    assert run.wait(5.0) < 0
    assert told(rig).run == "hung"


def test_a_killed_guardian_is_replaced_and_the_new_one_guards(rig):
    run = rig.start()
    rig.at_work(run)
    first = rig.guardian()
    kill(first)
    rig.wait(lambda: rig.guardian() != first, 15.0, "another guardian")
    assert run.poll() is None
    kill(run.pid)
    rig.at_rest(8.0)
    assert told(rig).run == "killed"


def test_a_second_run_on_the_same_rig_is_refused_and_the_first_goes_on(rig):
    first = rig.start()
    rig.at_work(first)
    second = rig.start()
    said = second.communicate(timeout=30)[1]
    assert second.returncode != 0
    assert "is taken: run" in said
    assert str(first.pid) in said
    assert first.poll() is None
    assert rig.lines() == ["drug"]


def test_what_the_run_could_not_put_to_rest_the_guardian_does_as_soon_as_it_can(rig):
    run = rig.start(steps="steps:\n  - apply: {solution: blocker}\n  - hold: {voltage: -60 mV, for: 3 s}\n")
    rig.at_work(run)
    for call in ("WriteAnalogF64", "WriteAnalogScalarF64"):
        rig.link.ask("fault.add", call=call, code=-201003, times=0)
    out, _ = run.communicate(timeout=40)
    assert "NOT AT REST: Dev1: command output" in out
    assert "the guardian could not put the rig to rest" in out
    assert rig.link.ask("amplifier.get")["mode"] == "zero current"
    rig.link.ask("fault.clear")
    rig.wait(lambda: abs(rig.volts()) < 0.01, 12.0, "the level for whoever leaves I=0 by hand")
    rig.wait(lambda: told(rig).at_rest, 5.0, "the record")
    assert told(rig).run == "left"


def test_a_run_that_ends_well_needs_no_guardian(rig):
    run = rig.start(steps="steps:\n  - hold: {voltage: -60 mV, for: 1 s}\n")
    out, said = run.communicate(timeout=40)
    assert out.startswith("finished: "), said
    assert guardian_record.read(guardian_record.record_of(rig.session())) is None
