"""Many power cuts along one session: recorder and packer in this process, every write on the trace."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

from acquisition.session.journal import journal_path
from acquisition.session.journal_recorder import JournalRecorder
from acquisition.session.packer import Packer
from tests.faults.kills import Toll
from tests.faults.lab import HEAD, Progress, judge, play
from tests.faults.power import Disk, Trace

if TYPE_CHECKING:
    from pathlib import Path

BLOCKS_PER_STEP = 3
"""The packer looks into the journal after so many blocks."""


def traced_session(folder: Path, sweeps: int) -> Trace:
    """Record and pack a session and return everything that was done to its files."""
    nwb, progress, trace = folder / "cut.nwb", Progress(), Trace(folder)
    with trace.recording(), JournalRecorder(nwb, HEAD, ballast=0) as recorder:
        progress.ready = 1
        with Packer(journal_path(nwb), nwb) as packer:

            def between() -> None:
                trace.mark(progress.kept, progress.finished)
                if progress.kept % BLOCKS_PER_STEP == 0:
                    packer.step()

            play(recorder, progress, sweeps, between)
            recorder.close()
            packer.run()
    return trace


def power_cuts(folder: Path, number: int, *, sweeps: int = 8, seed: int = 0) -> Toll:
    """Cut the power at `number` points after the first finished sweep, recover each time, and compare."""
    (folder / "session").mkdir()
    trace = traced_session(folder / "session", sweeps)
    dice, toll, disk, done = random.Random(seed), Toll(), Disk(), 0
    first = next(k for k, act in enumerate(trace.acts) if act.finished)
    for point in sorted(dice.randrange(first, len(trace.acts)) for _ in range(number)):
        for act in trace.acts[done:point]:
            disk.do(act)
        done, after = point, folder / "after"
        after.mkdir()
        disk.cut(after, dice)
        progress = Progress()
        progress.kept, progress.finished, progress.ready = disk.kept, disk.finished, 1
        toll.add(judge(after / "cut.nwb", progress, after_power_cut=True), f"seed {seed}, act {point}")
        shutil.rmtree(after)
    return toll
