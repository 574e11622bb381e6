"""A doctor that is killed while it commands a rig: its guardian puts the rig to rest, and doctor tells it later."""

import os
import subprocess
import sys

import pytest

from acquisition.session import guardian_record
from tests.kit import ROOT
from tests.rig_faults.processes import kill, lab

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by POSIX signals")
STOPS_IN_MID_STAIRS = """
import sys
from acquisition.doctor import loop
looks, look = [], loop._still_at_zero

def stop(amplifier):
    looks.append(1)
    if len(looks) == 2:
        print("in mid-stairs", flush=True)
        sys.stdin.read()
    look(amplifier)

loop._still_at_zero = stop
from acquisition.cli import main
main()
"""


@pytest.fixture
def rig(tmp_path):
    with lab(tmp_path) as made:
        made.link.ask("amplifier.mode", mode="zero current")
        yield made


def doctor(rig, script):
    arguments = ["doctor", "--rig", str(rig.rig), "--out", str(rig.folder / "data"), "--loopback", "--yes"]
    (rig.folder / "data").mkdir()
    run = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env={**os.environ, "XDG_STATE_HOME": str(rig.folder / "state"), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    rig.runs.append(run)
    return run


def test_kill_9_of_doctor_in_mid_stairs(rig):
    run = doctor(rig, STOPS_IN_MID_STAIRS)
    assert any("in mid-stairs" in line for line in run.stdout)
    assert abs(rig.volts()) > 0.5
    kill(run.pid)
    rig.wait(lambda: abs(rig.volts()) < 0.01, 8.0, "the output is at rest for I=0")
    path = guardian_record.record_of(rig.folder / "data" / "doctor")
    rig.wait(lambda: guardian_record.read(path) is not None, 5.0, "the guardian's record")
    told = guardian_record.read(path)
    assert (told.run, told.at_rest) == ("killed", True)


def test_a_doctor_that_ends_well_leaves_no_guardian_and_no_record(rig):
    run = doctor(rig, "from acquisition.cli import main; main()")
    assert "none of the" in run.communicate(timeout=60)[0]
    assert abs(rig.volts()) < 0.01
    assert not list((rig.folder / "data").glob("*.json"))
    assert not rig.is_claimed()
