"""The life-speed benchmark counts what it says it counts."""

from __future__ import annotations

import pytest

from acquisition.session.journal import Journal, Kind
from benchmarks import life_speed
from benchmarks.life_speed import Lateness, lateness


def test_blocks_on_their_line_are_not_late_and_a_constant_delay_does_not_count():
    found = Lateness()
    found.add([3_000_000 + 10_000_000 * k for k in range(100)])
    assert found.late == 0
    assert max(found.blocks) == pytest.approx(0.0, abs=1e-9)


def test_a_block_is_late_when_it_is_more_than_one_block_behind():
    found, times = Lateness(), [10_000_000 * k for k in range(100)]
    times[50] += 9_000_000
    times[70] += 11_000_000
    found.add(times)
    assert found.late == 1
    assert max(found.blocks) == pytest.approx(11e-3)


def test_a_first_block_that_is_late_does_not_hide_it():
    found, times = Lateness(), [10_000_000 * k for k in range(100)]
    times[0] += 25_000_000
    found.add(times)
    assert found.late == 1


def test_sweeps_and_blocks_are_read_from_the_journal(tmp_path, monkeypatch):
    now = [0]
    monkeypatch.setattr("acquisition.session.journal.time.monotonic_ns", lambda: now[0])
    with Journal(tmp_path / "x.journal") as journal:
        for sweep in range(3):
            now[0] = 8_200_000_000 * sweep
            journal.append(Kind.SWEEP_BEGIN, b"{}")
            for k in range(4):
                now[0] = 8_200_000_000 * sweep + 10_000_000 * (k + 1) + (30_000_000 if (sweep, k) == (2, 3) else 0)
                journal.append(Kind.DATA, b"1234")
    found = lateness(tmp_path / "x.journal", since_ns=15_000_000)
    assert (len(found.blocks), found.late) == (11, 1)
    assert found.sweeps == pytest.approx([8.2, 16.4])
    assert life_speed.BLOCK == 10e-3
