"""The page model of a power cut: that it is cruel enough, and that the journal alone survives it."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from acquisition.session import platform
from acquisition.session.journal import Journal, Kind, journal_path, scan
from acquisition.session.journal_recorder import JournalRecorder
from acquisition.session.payloads import end_of
from tests.faults.lab import HEAD, Progress, fingerprint, play
from tests.faults.power import Disk, Trace

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "pwritev"), reason="the model listens to POSIX's calls")
CUTS = 200


def cuts(trace: Trace, folder: Path, number: int = CUTS, start: int = 0):
    """Cut the power at points of the trace; yield the disk, whose files are then in `folder`."""
    dice, disk, done = random.Random(1), Disk(), 0
    for point in sorted(dice.randrange(start, len(trace.acts) + 1) for _ in range(number)):
        for act in trace.acts[done:point]:
            disk.do(act)
        done = point
        for old in folder.iterdir():
            old.unlink()
        disk.cut(folder, dice)
        yield disk


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    made = tmp_path / "session", tmp_path / "after"
    for folder in made:
        folder.mkdir()
    return made


def finished_and_lost(folders: tuple[Path, Path]) -> tuple[int, int]:
    """Record five sweeps, cut the power often; return how many finished sweeps there were and were not right."""
    session, after = folders
    trace, progress = Trace(session), Progress()
    with trace.recording(), JournalRecorder(session / "a.nwb", HEAD, ballast=0) as recorder:
        play(recorder, progress, 5, lambda: trace.mark(progress.kept, progress.finished))
        trace.mark(progress.kept, progress.finished)
    finished = lost = 0
    for disk in cuts(trace, after, start=next(k for k, act in enumerate(trace.acts) if act.verb == "mark")):
        path = journal_path(after / "a.nwb")
        ends = [end_of(r.payload) for r in scan(path) if r.kind is Kind.SWEEP_END] if path.exists() else []
        there = {e.sweep for e in ends if e.complete and e.sha256 == fingerprint(e.sweep, e.n_samples)}
        finished += disk.finished
        lost += len(set(range(disk.finished)) - there)
    return finished, lost


def test_the_journal_survives_power_cuts(folders: tuple[Path, Path]) -> None:
    finished, lost = finished_and_lost(folders)
    assert finished > CUTS
    assert lost == 0


def test_a_journal_that_is_not_synced_does_not(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Journal, "sync", lambda _: None)
    monkeypatch.setattr(platform, "sync_data", lambda _: None)
    _, lost = finished_and_lost(folders)
    assert lost > 0


def test_a_journal_whose_name_is_not_synced_does_not(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "sync_folder", lambda _: None)
    _, lost = finished_and_lost(folders)
    assert lost > 0


def test_what_was_written_after_a_sync_began_is_not_promised(folders: tuple[Path, Path]) -> None:
    session, after = folders
    trace = Trace(session)
    with trace.recording():
        descriptor = platform.create(session / "a")
        platform.sync_folder(session)
        platform.write_at(descriptor, [b"first"], 0)
        platform.sync_data(descriptor)
        platform.write_at(descriptor, [b"second"], 0)
        os.close(descriptor)
    ends = {(after / "a").read_bytes() for _ in cuts(trace, after, start=len(trace.acts))}
    assert ends == {b"first", b"second"}
