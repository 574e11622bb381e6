"""What runs leave behind is named, with what to do; what needs nothing more is forgotten."""

import json
import os
import subprocess
import sys

import pytest

from acquisition.doctor.finding import Verdict
from acquisition.doctor.leftovers import look_for_leftovers
from acquisition.register import entries
from acquisition.session import platform
from tests.doctor.test_register import begin
from tests.kit import RIG, ROOT

STAYING = ROOT / "protocols" / "library" / "membrane_test.yaml"


@pytest.fixture
def died(tmp_path):
    """Return the register in which a run on a rig of metal was killed; its session is 'cell.nwb' in `tmp_path`."""
    process = begin(tmp_path)
    process.kill()
    process.communicate()
    return tmp_path / "running"


def look(folder, register=None):
    return {f.what: f for f in look_for_leftovers(folder, register or folder / "running").findings}


def write_record(folder, **told):
    usual = {"run": "killed", "at_rest": True, "not_done": [], "seconds": 0.4, "doing": "", "time": "now"}
    (folder / "cell.nwb.guardian.json").write_text(json.dumps(usual | told), encoding="utf-8")


def test_a_clean_folder_asks_for_nothing(tmp_path):
    assert {f.verdict for f in look(tmp_path).values()} == {Verdict.OK}


def test_a_run_that_goes_on_is_named(tmp_path):
    process = begin(tmp_path)
    try:
        found = look(tmp_path)["runs"]
    finally:
        process.communicate()
    assert found.verdict is Verdict.NOTE
    assert f"process {process.pid}" in found.found


def test_a_run_that_was_killed_without_a_guardians_word_is_bad(tmp_path, died):
    found = look(tmp_path)["runs"]
    assert found.verdict is Verdict.BAD
    assert "died: cell.nwb on 'The rig'" in found.found
    assert f"patchrig safe --rig {tmp_path / 'rig.yaml'}" in found.do


def test_a_run_whose_guardian_could_not_put_the_rig_to_rest_is_bad(tmp_path, died):
    write_record(tmp_path, at_rest=False, not_done=["Dev1: the card is gone"])
    found = look(tmp_path)["runs"]
    assert found.verdict is Verdict.BAD
    assert "NOT AT REST: Dev1: the card is gone" in found.found


def test_a_run_whose_guardian_put_the_rig_to_rest_is_told_and_forgotten(tmp_path, died):
    write_record(tmp_path)
    found = look(tmp_path)
    assert found["runs"].verdict is Verdict.OK
    assert found["guardian"].verdict is Verdict.NOTE
    assert "0.4 s later" in found["guardian"].found
    assert entries(died) == []


def test_a_guardians_bad_word_without_an_entry_is_bad(tmp_path):
    write_record(tmp_path, at_rest=False, not_done=["pump: does not answer"])
    assert "pump: does not answer" in look(tmp_path)["guardian"].found
    assert look(tmp_path)["guardian"].verdict is Verdict.BAD


def test_a_guardians_record_that_cannot_be_read_is_bad(tmp_path):
    (tmp_path / "cell.nwb.guardian.json").write_text("{", encoding="utf-8")
    assert look(tmp_path)["guardian"].verdict is Verdict.BAD


def test_a_session_without_a_seal_is_named(tmp_path):
    (tmp_path / "cell.nwb.journal").write_bytes(b"")
    found = look(tmp_path)["sessions"]
    assert found.verdict is Verdict.NOTE
    assert found.do == f"patchrig recover {tmp_path / 'cell.nwb'}"


def test_reserve_and_set_aside_files_are_named(tmp_path):
    (tmp_path / "a.nwb.ballast").write_bytes(bytes(2_000_000))
    (tmp_path / "b.nwb.broken").write_bytes(b"")
    words = [f.found for f in look_for_leftovers(tmp_path, tmp_path).findings if f.what == "sessions"]
    assert any("a.nwb.ballast takes 2 MB" in w for w in words)
    assert any("b.nwb.broken was set aside" in w for w in words)


def test_a_claim_is_named_when_its_program_has_died_and_only_then(tmp_path):
    path = tmp_path / "cell.nwb.packing"
    descriptor = platform.create(path)
    platform.try_lock(descriptor)
    assert look(tmp_path)["claims"].verdict is Verdict.OK
    os.close(descriptor)
    assert "cell.nwb.packing" in look(tmp_path)["claims"].found


@pytest.mark.skipif(sys.platform == "win32", reason="the folder of state is moved by XDG_STATE_HOME")
def test_a_real_run_that_is_killed_is_named_with_its_session(tmp_path):
    out = tmp_path / "data"
    command = [sys.executable, "-c", "from acquisition.cli import main; main()", "run", STAYING, "--rig", RIG]
    run = subprocess.Popen(
        [*map(str, command), "--speed", "life", "--out", str(out), "--yes"],
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    try:
        assert any("step 1 of" in line for line in run.stderr)
    finally:
        run.kill()
        run.communicate()
    found = look(out, tmp_path / "patchrig" / "running")
    assert found["runs"].verdict is Verdict.NOTE
    assert "on 'Simulated slice rig'" in found["runs"].found
    assert found["runs"].do.startswith("patchrig recover ")
