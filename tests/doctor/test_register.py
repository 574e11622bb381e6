"""Who is on which rig: an entry lives as long as its process, however that ends."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from acquisition.register import entries, forget, forget_dead, is_on, registered
from tests.doctor.kit import NI_RIG

RUN = """
import sys
from pathlib import Path
from types import SimpleNamespace
from acquisition.register import registered
card = SimpleNamespace(name="Dev1", needs_wall_time=True)
with registered(Path(sys.argv[1]), "The rig", Path(sys.argv[2]), SimpleNamespace(all=(card,)), Path(sys.argv[3])):
    print("registered", flush=True)
    sys.stdin.read()
"""


@dataclass
class Fake:
    name: str
    needs_wall_time: bool


class TwoDevices:
    all = (Fake("Dev1", needs_wall_time=True), Fake("amplifier", needs_wall_time=False))


def begin(tmp_path):
    """Return a process that is registered as a run."""
    names = (tmp_path / "rig.yaml", tmp_path / "cell.nwb", tmp_path / "running")
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *map(str, names)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline().strip() == "registered"
    return process


@pytest.fixture
def killed(tmp_path):
    """Return the folder of a register in which a run was killed."""
    process = begin(tmp_path)
    process.kill()
    process.communicate()
    return tmp_path / "running"


def test_a_run_is_registered_while_it_lasts(tmp_path):
    where = tmp_path / "running"
    with registered(Path("rig.yaml"), "The rig", tmp_path / "cell.nwb", TwoDevices(), where):
        (entry,) = entries(where)
        assert entry.rig == "The rig"
        assert entry.session == tmp_path / "cell.nwb"
        assert entry.guardian == tmp_path / "cell.nwb.guardian.json"
        assert entry.holds == ("Dev1",)
    assert entries(where) == []


def test_an_entry_is_removed_whatever_ended_the_run(tmp_path):
    with (
        pytest.raises(RuntimeError),
        registered(Path("rig.yaml"), "The rig", tmp_path / "cell.nwb", TwoDevices(), tmp_path),
    ):
        raise RuntimeError("a bug")
    assert entries(tmp_path) == []


def test_a_run_of_another_process_is_seen_to_live(tmp_path):
    process = begin(tmp_path)
    try:
        (entry,) = entries(tmp_path / "running")
        assert entry.lives
        assert entry.pid == process.pid
        forget(entry)
        assert len(entries(tmp_path / "running")) == 1
    finally:
        process.communicate()
    assert entries(tmp_path / "running") == []


def test_a_killed_run_leaves_an_entry_that_is_dead(killed):
    (entry,) = entries(killed)
    assert not entry.lives


def test_a_rig_at_rest_is_forgiven_its_dead_runs_and_only_these(killed, tmp_path):
    forget_dead(tmp_path / "another.yaml", killed)
    assert len(entries(killed)) == 1
    forget_dead(tmp_path / "rig.yaml", killed)
    assert entries(killed) == []


def test_a_rig_is_known_by_its_card_and_not_by_its_name(tmp_path):
    text = NI_RIG.read_text(encoding="utf-8")
    files = {"rig": text, "spelt": text.replace("127.0.0.1", "localhost").replace("Dev1", "dev1")}
    files["other"] = text.replace("31763", "31773")
    for name, written in files.items():
        (tmp_path / f"{name}.yaml").write_text(written, encoding="utf-8")
    with registered(tmp_path / "rig.yaml", "The rig", tmp_path / "cell.nwb", TwoDevices(), tmp_path / "running"):
        (entry,) = entries(tmp_path / "running")
        assert is_on(entry, tmp_path / "spelt.yaml")
        assert not is_on(entry, tmp_path / "other.yaml")


def test_what_is_no_entry_is_left_out(tmp_path):
    (tmp_path / "a.json").write_text("{", encoding="utf-8")
    (tmp_path / "b.json").write_text('{"pid": 1}', encoding="utf-8")
    assert entries(tmp_path) == []


def test_a_run_goes_on_when_it_cannot_be_registered(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with registered(Path("rig.yaml"), "The rig", tmp_path / "cell.nwb", TwoDevices(), tmp_path / "file"):
        pass
    assert "not in the register" in caplog.text
