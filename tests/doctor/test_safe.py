"""`patchrig safe` on the command line, with a served board: as far as possible, beside nobody, and in words."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from acquisition.guardian.by_hand import rest_by_hand
from acquisition.guardian.claim import claimed
from acquisition.register import registered
from config.loading import load_rig
from drivers import build
from drivers.build import open_devices
from drivers.clock import WallClock
from tests.kit import ROOT
from tests.rig_faults.processes import lab

NOBODY = "127.0.0.1:9"
"""The port of 'discard', at which nobody listens."""
MAIN = "from acquisition.cli import main; main()"
GUARDIAN = """
import sys
from pathlib import Path
from acquisition.guardian.by_hand import rest_by_hand
from acquisition.guardian.claim import claimed
from config.loading import load_rig
with claimed(load_rig(Path(sys.argv[1])), 4711) as claim:
    claim.run_is_over()
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def left_on(tmp_path, monkeypatch):
    """Return a board on which a dead run has left 2 V, the drug, and voltage clamp."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with lab(tmp_path) as rig:
        with open_devices(load_rig(rig.rig), WallClock()) as devices:
            devices.daq.park(0.04, devices.amplifier.gains())
            devices.perfusion.select("drug")
        assert rig.volts() == pytest.approx(2.0, abs=0.01)
        assert rig.lines() == ["drug"]
        yield rig


def without(rig, *, card=False, commander=False):
    """Write a rig file in which a device's address leads nowhere, and return its path."""
    text = rig.rig.read_text(encoding="utf-8")
    wired = load_rig(rig.rig)
    if card:
        text = text.replace(wired.daq.options["grpc"], NOBODY)
    if commander:
        text = text.replace(wired.amplifier.options["library"], f"served://{NOBODY}")
    path = rig.folder / "missing.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def safe(rig_file, *more):
    command = [sys.executable, "-c", MAIN, "safe", "--rig", str(rig_file), *more]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(command, check=False, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_a_rig_comes_to_rest(left_on):
    done = safe(left_on.rig, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["devices"]
    assert [(d["device"], d["at_rest"]) for d in told] == [("command", True), ("amplifier", True), ("perfusion", True)]
    assert told[0]["words"] == "-3.5 V at the output"
    assert "voltage clamp" in told[1]["words"]
    assert left_on.volts() == pytest.approx(-3.5, abs=0.01)
    assert left_on.lines() == ["control"]


def test_without_the_commander_the_valves_close_and_the_volts_are_told(left_on):
    done = safe(without(left_on, commander=True))
    assert done.returncode == 4
    assert left_on.lines() == ["control"]
    words = done.stdout + done.stderr
    assert "NOT AT REST: " in words
    assert "2 V STAND AT THE OUTPUT" in words
    assert "TURN IT TO I=0 BY HAND" in words
    assert "perfusion: 'control' is open" in words


def test_without_the_card_the_amplifier_goes_to_i0(left_on):
    done = safe(without(left_on, card=True))
    assert done.returncode == 4
    words = done.stdout + done.stderr
    assert "The amplifier is at I=0: nothing reaches the cell" in words
    assert "amplifier: at I=0" in words
    assert "OPEN 'control' AND CLOSE THE OTHER VALVES BY HAND" in words
    assert words.count("NOT AT REST: ") == 2
    assert max(map(len, words.splitlines())) < 400
    assert left_on.link.ask("amplifier.get")["mode"] == "zero current"


def test_beside_a_run_nothing_is_done_and_the_run_is_named(left_on):
    devices = open_devices(load_rig(left_on.rig), WallClock())
    with registered(left_on.rig, "Another name", left_on.folder / "cell.nwb", devices):
        done = safe(left_on.rig)
        assert done.returncode == 1
        assert "cell.nwb is being recorded on it" in done.stderr
        assert f"process {os.getpid()}" in done.stderr
        assert left_on.lines() == ["drug"]
        assert safe(left_on.rig, "--force").returncode == 0
    assert left_on.lines() == ["control"]


def test_a_claim_without_an_entry_is_respected_too(left_on):
    with claimed(load_rig(left_on.rig), 4711):
        done = safe(left_on.rig)
    assert "run 4711 is on it" in done.stderr
    assert left_on.lines() == ["drug"]


@pytest.mark.skipif(sys.platform == "win32", reason="how a process ended is told by POSIX signals")
def test_a_guardian_that_cannot_succeed_is_ended_once_the_rig_is_at_rest(left_on):
    guardian = subprocess.Popen(
        [sys.executable, "-c", GUARDIAN, str(left_on.rig)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert guardian.stdout.readline() == "ready\n"
        failed = safe(without(left_on, commander=True))
        assert failed.returncode == 4
        assert guardian.poll() is None
        assert safe(left_on.rig).returncode == 0
        assert guardian.wait(5.0) == -signal.SIGKILL
    finally:
        guardian.kill()
        guardian.communicate()
    assert left_on.lines() == ["control"]
    before = time.monotonic()
    with claimed(load_rig(left_on.rig), 1):
        assert time.monotonic() - before < 1.0


def test_with_a_drivers_package_missing_the_other_devices_come_to_rest(left_on, monkeypatch):
    monkeypatch.setitem(build.DRIVERS["perfusion"], "digital_valves", "no_such_package.valves:perfusion")
    left, told = rest_by_hand(left_on.rig, load_rig(left_on.rig))
    assert left == ["perfusion: the package 'no_such_package' is not installed: pip install no_such_package"]
    assert left_on.volts() == pytest.approx(-3.5, abs=0.01)
    assert [one.at_rest for one in told] == [True, True, False]


def test_with_the_cards_package_missing_the_amplifier_goes_to_i0(left_on, monkeypatch):
    monkeypatch.setitem(build.DRIVERS["daq"], "nidaqmx", "no_such_package.daq:daq")
    left, told = rest_by_hand(left_on.rig, load_rig(left_on.rig))
    assert any("'no_such_package' is not installed" in words for words in left)
    assert left_on.link.ask("amplifier.get")["mode"] == "zero current"
    assert left_on.lines() == ["control"]
    assert "The amplifier is at I=0: nothing reaches the cell" in told[0].line()


@pytest.mark.parametrize("mode", ["voltage clamp", "current clamp"])
def test_with_the_command_input_off_the_amplifier_goes_to_i0_and_no_old_volts_stay(left_on, mode):
    left_on.link.ask("amplifier.mode", mode=mode)
    left_on.link.ask("amplifier.scales", mode=mode, command=0.0)
    left, told = rest_by_hand(left_on.rig, load_rig(left_on.rig))
    assert left == []
    assert left_on.link.ask("amplifier.get")["mode"] == "zero current"
    assert left_on.volts() == pytest.approx(0.0, abs=0.01)
    assert [one.line() for one in told][1] == "amplifier: at I=0: no command reaches the cell"
