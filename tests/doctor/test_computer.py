"""The computer and the folder: what is found is said, and what to do about it."""

import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from itertools import count

import pytest

from acquisition.doctor import computer, folder
from acquisition.doctor.finding import Check, Verdict, section
from protocols.errors import HardwareError


def only(findings):
    (finding,) = list(findings)
    return finding


def broken(error):
    def look():
        raise error
        yield

    return look


def ticking(*steps):
    """Return a clock that moves by `steps` in turn, from call to call."""
    total = 0.0
    moves = (steps[i % len(steps)] for i in count())

    def now():
        nonlocal total
        total += next(moves)
        return total

    return now


@pytest.mark.parametrize(
    ("error", "words"),
    [(HardwareError("Dev1", "is gone"), "Dev1: is gone"), (ZeroDivisionError("by 0"), "ZeroDivisionError: by 0")],
)
def test_a_check_that_fails_is_a_bad_line_and_the_next_one_is_made(error, words):
    def fine():
        return [computer.ok("second", "fine")]

    made = section("Both", [Check("first", broken(error), "mend it"), Check("second", fine, "")])
    assert [f.verdict for f in made.findings] == [Verdict.BAD, Verdict.OK]
    assert words in made.findings[0].found
    assert made.findings[0].do == "mend it"


def test_packages_are_as_wanted_here():
    assert only(computer.packages()).verdict is Verdict.OK


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(
        computer.metadata, "requires", lambda _: ["numpy>=99", "no-such-thing", "dask; extra == 'dask'"]
    )
    found = only(computer.packages())
    assert found.verdict is Verdict.BAD
    assert "numpy>=99 (is " in found.found
    assert "no-such-thing (is missing)" in found.found
    assert "dask" not in found.found


def test_a_package_of_our_name_in_the_working_directory_is_named(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "__init__.py").touch()
    (tmp_path / "drivers.py").touch()
    found = only(computer.names(tmp_path, sys.path))
    assert found.verdict is Verdict.BAD
    assert str(tmp_path / "config") in found.found
    assert "drivers.py" in found.found


def test_a_package_of_our_name_among_the_installed_ones_is_named(tmp_path):
    site = tmp_path / "site-packages"
    (site / "protocols").mkdir(parents=True)
    (site / "protocols" / "__init__.py").touch()
    assert str(site / "protocols") in only(computer.names(tmp_path, [*sys.path, str(site)])).found


def test_the_folder_that_init_makes_is_in_nobodys_way(tmp_path):
    (tmp_path / "protocols").mkdir()
    (tmp_path / "protocols" / "mine.yaml").touch()
    assert only(computer.names(tmp_path, sys.path)).verdict is Verdict.OK


@pytest.mark.parametrize(("nap", "verdict"), [(1.1e-3, Verdict.OK), (15.6e-3, Verdict.NOTE)])
def test_the_timers_grain_is_told(nap, verdict):
    found = only(computer.timer(lambda _: None, ticking(0.0, nap)))
    assert found.verdict is verdict
    assert f"takes {nap * 1e3:.1f} ms" in found.found


@pytest.mark.parametrize(
    ("way", "do", "verdict", "words"),
    [
        ("RealTime", "", Verdict.OK, "goes before other programs (SCHED_RR 10)"),
        ("NiceThreads", "give rtprio", Verdict.NOTE, "gets more than other programs (nice -10)"),
        (None, "give rtprio", Verdict.NOTE, "waits for its turn"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="these ways are Linux's")
def test_whether_a_run_goes_before_other_programs_is_told(way, do, verdict, words):
    from acquisition.precedence import linux

    given = way and getattr(linux, way)()
    found = only(computer.precedence(lambda: nullcontext(given), lambda _: do))
    assert found.verdict is verdict
    assert words in found.found
    assert found.do == (do or "nothing")


def test_a_clock_that_lives_in_the_past_is_bad():
    assert only(computer.clock(datetime(2015, 1, 1, tzinfo=UTC))).verdict is Verdict.BAD


def test_a_clock_without_a_time_zone_of_its_own_is_noted():
    assert only(computer.clock(datetime(2030, 1, 1, tzinfo=UTC))).verdict is Verdict.NOTE


SLEEP = """
    Index der aktuellen Wechselstromeinstellung: 0x{ac:08x}
    Index der aktuellen Gleichstromeinstellung: 0x{dc:08x}
"""
BEST, USUAL = "GUID: 8c5e7fda-e8bf-4a96-9a85-a6e23a8c635c (H)", "GUID: 381b4222-f694-41f0-9685-ff5bb260df2e (B)"


@pytest.mark.parametrize(
    ("scheme", "seconds", "verdicts"),
    [
        (BEST, 0, [Verdict.OK]),
        (USUAL, 0, [Verdict.NOTE]),
        (BEST, 1800, [Verdict.BAD]),
        (USUAL, 1800, [Verdict.BAD, Verdict.NOTE]),
    ],
)
def test_a_computer_that_goes_to_sleep_is_bad(scheme, seconds, verdicts):
    answers = {"/getactivescheme": scheme, "/query": SLEEP.format(ac=seconds, dc=300)}
    found = list(computer.power("Windows", lambda arguments: answers[arguments[0]]))
    assert [f.verdict for f in found] == verdicts
    assert ("after 30 min" in found[0].found) == (seconds == 1800)


def test_the_power_plan_of_other_systems_is_not_looked_at():
    found = only(computer.power("Linux"))
    assert found.verdict is Verdict.NOTE
    assert "on Windows only" in found.found


@pytest.mark.parametrize(
    ("free", "verdict"), [(100 << 20, Verdict.BAD), (3 << 30, Verdict.NOTE), (100 << 30, Verdict.OK)]
)
def test_the_disk_must_have_room_for_an_hour(tmp_path, free, verdict):
    assert only(folder.space(tmp_path, 2, free)).verdict is verdict


@pytest.mark.parametrize(
    ("seconds", "stream", "verdict"),
    [(0.01, 0.3e6, Verdict.OK), (0.6, 0.005e6, Verdict.NOTE), (0.2, 1e6, Verdict.BAD)],
)
def test_the_disk_must_keep_up_with_the_card(tmp_path, seconds, stream, verdict):
    found = only(folder.speed(tmp_path, stream, ticking(0.0, seconds)))
    assert found.verdict is verdict
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_made_by_the_run(tmp_path):
    found = only(folder.writable(tmp_path / "a" / "b", folder.existing(tmp_path / "a" / "b")))
    assert found.verdict is Verdict.OK
    assert "makes" in found.found
    assert list(tmp_path.iterdir()) == []


def test_a_folder_inside_this_one_is_named_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    assert only(folder.writable(data, folder.existing(data))).found == "data can be written"


def test_a_folder_that_cannot_be_written_is_bad(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "write_bytes", refuse)
    assert only(folder.writable(tmp_path, tmp_path)).verdict is Verdict.BAD
