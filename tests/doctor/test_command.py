"""`patchrig doctor` on the command line: words, JSON, exit code."""

import json
import os
import subprocess
import sys

import pytest

from tests.doctor.kit import rig_file
from tests.kit import ROOT


@pytest.fixture
def doctor(tmp_path):
    """Return a function that runs the command in an empty folder."""

    def run(*arguments):
        state = {"XDG_STATE_HOME": str(tmp_path / "state"), "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
        command = [sys.executable, "-c", "from acquisition.cli import main; main()", "doctor", *map(str, arguments)]
        quiet = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
        return subprocess.run(command, check=False, cwd=tmp_path, env={**os.environ, **state}, **quiet)

    return run


def test_a_well_rig_ends_with_zero_and_a_word_of_peace(doctor, tmp_path):
    done = doctor()
    assert done.returncode == 0, done.stdout
    assert "Nothing is in the way of an experiment" in done.stdout
    assert "Simulated slice rig" in done.stdout
    assert not (tmp_path / "data").exists()


def test_what_is_bad_ends_with_one_and_what_to_do(doctor):
    done = doctor("--loopback")
    assert done.returncode == 1
    assert "nobody said yes" in done.stdout
    assert "→ answer yes, or say --yes" in done.stdout
    assert "1 to mend before an experiment" in done.stdout


def test_json_is_one_object_with_every_line(doctor):
    told = json.loads(doctor("--json").stdout)
    assert told["ok"] is True
    assert all(f["verdict"] in ("ok", "note", "bad") and f["found"] and f["do"] for f in told["findings"])
    assert {"packages", "timer", "space", "amplifier", "thermometer"} <= {f["what"] for f in told["findings"]}


def test_a_wrong_model_cell_is_answered_with_how_to_write_it(doctor):
    done = doctor("--expect", "10")
    assert done.returncode == 1
    assert "write access, membrane and capacitance" in done.stderr


def test_a_rig_file_with_a_mistake_is_a_line_among_others(doctor, tmp_path):
    path = rig_file(tmp_path, ("-70 mV", "-70 pF"))
    done = doctor("--rig", path)
    assert done.returncode == 1
    assert "-70 pF" in done.stdout
    assert "This computer" in done.stdout
