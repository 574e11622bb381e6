"""What the crash programme breaks: a recorder and a packer in processes of their own, and the truth to compare with.

Every sample is a function of its place, so each one that comes back can be checked; how far the recorder came is
counted in memory that outlives it.
"""

from __future__ import annotations

import mmap
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from acquisition.session.journal import journal_path
from acquisition.session.journal_recorder import JournalRecorder
from protocols.sweeps import ClampMode, Frame, LogEntry
from protocols.waveforms import Waveform
from tests.session.synthetic import RATE, make_head, make_header, measures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from acquisition.session.reader import Session
    from protocols.sweeps import SweepHeader

BLOCK, BLOCKS, CHANNELS = 400, 10, 2
"""20 ms at 20 kHz; sweeps of 200 ms."""
MODES = (ClampMode.CURRENT, ClampMode.VOLTAGE)
HEAD = make_head()
WRITES = ("pwritev", "fdatasync", "fsync", "replace", "unlink", "ftruncate", "posix_fallocate")
"""What `acquisition.session.platform` asks of the system."""


# --- the truth --------------------------------------------------------------------------------------------------


def counts(sweep: int, first: int = 0, n: int = BLOCK * BLOCKS) -> np.ndarray:
    """Samples of a sweep, (channels, samples): what they are follows from where they are."""
    place = np.arange(first, first + n, dtype=np.int64)
    return np.stack([(sweep * 7919 + c * 1009 + place * 31) % 60_001 - 30_000 for c in range(CHANNELS)]).astype(
        np.int16
    )


def header(sweep: int) -> SweepHeader:
    command = Waveform(RATE, BLOCK * BLOCKS, 0.0)
    return make_header(sweep, command, MODES[sweep % 2], start=0.3 * sweep, run=1 + sweep // 4)


def fingerprint(sweep: int, n: int) -> str:
    return sha256(np.ascontiguousarray(counts(sweep, 0, n).T).tobytes()).hexdigest()


# --- the victims ------------------------------------------------------------------------------------------------


class Progress:
    """How far the recorder came, in memory shared with it."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 4096)
        self._numbers = np.frombuffer(self._shared, dtype=np.uint64)

    kept = property(lambda self: int(self._numbers[0]), lambda self, n: self._numbers.__setitem__(0, n))
    """Blocks whose call has returned."""
    finished = property(lambda self: int(self._numbers[1]), lambda self, n: self._numbers.__setitem__(1, n))
    """Sweeps whose `end_sweep` has returned."""
    ready = property(lambda self: int(self._numbers[2]), lambda self, n: self._numbers.__setitem__(2, n))
    """1 once the session is on the disk."""


def play(recorder: JournalRecorder, progress: Progress, sweeps: int, between: Callable[[], object]) -> None:
    """Record sweeps with numbers, log and temperatures; call `between` after every block."""
    for sweep in range(progress.finished, progress.finished + sweeps):
        recorder.temperature(0.3 * sweep, 30.0)
        recorder.begin_sweep(header(sweep))
        for first in range(0, BLOCK * BLOCKS, BLOCK):
            recorder.samples(Frame(first, counts(sweep, first, BLOCK)))
            progress.kept += 1
            between()
        recorder.end_sweep()
        progress.finished = sweep + 1
        recorder.measured(measures(sweep, 0.3 * sweep))
        recorder.log(LogEntry(0.3 * sweep, "note", f"sweep {sweep} done"))


def record(nwb: Path, progress: Progress, *, pause: float, sweeps: int = 10**6) -> None:
    """Record without end; `pause` seconds between blocks."""
    with JournalRecorder(nwb, HEAD, ballast=1 << 16) as recorder:
        progress.ready = 1
        play(recorder, progress, sweeps, lambda: time.sleep(pause))


def forked(work: Callable[[], object]) -> int:
    """Run `work` in a child and return its process id; whatever happens in the child stays there."""
    child = os.fork()
    if child:
        return child
    status = 0
    try:
        work()
    except BaseException:  # noqa: BLE001  the child must not go on as if it were its parent
        traceback.print_exc()
        status = 3
    finally:
        sys.stderr.flush()
        os._exit(status)


@contextmanager
def warm_checker() -> Iterator[None]:
    """Let the checker of session files be a fork of this process: a new Python for each would cost a second."""
    from acquisition.session import verification

    genuine = verification.subprocess.run
    verification.subprocess.run = partial(_run_forked, genuine)
    try:
        yield
    finally:
        verification.subprocess.run = genuine


def _run_forked(genuine: Callable, command: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
    from acquisition.session import verification

    if command[1:3] != ["-m", verification.__name__]:
        return genuine(command, **options)
    reader, writer = os.pipe()

    def check() -> None:
        sys.argv, sys.stdout = command[2:], os.fdopen(writer, "w")
        verification.main()
        sys.stdout.close()

    child = forked(check)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        found = answer.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return subprocess.CompletedProcess(command, status, found, b"")


def kill(*children: int) -> None:
    """Kill -9, and wait until they are gone; also for children that are dead already."""
    for child in children:
        os.kill(child, signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)


@dataclass(frozen=True)
class Death:
    """At which call to the system to die, and when: before it, in the middle of it (a write cut short), after it."""

    call: int
    when: str

    def arm(self) -> None:
        """Make this process kill itself; for good, so only in a child."""
        number = count(1)
        for name in WRITES:
            setattr(os, name, self._deadly(getattr(os, name), number))

    def _deadly(self, genuine: Callable, number: Iterator[int]) -> Callable:
        def call(*arguments, **options):
            if next(number) != self.call:
                return genuine(*arguments, **options)
            if self.when == "amid" and genuine.__name__ == "pwritev":
                descriptor, parts, position = arguments
                whole = b"".join(parts)
                genuine(descriptor, [whole[: len(whole) // 2]], position)
            elif self.when == "after":
                genuine(*arguments, **options)
            os.kill(os.getpid(), signal.SIGKILL)
            return None

        return call


# --- the verdict ------------------------------------------------------------------------------------------------


@dataclass
class Verdict:
    """What became of one crash."""

    kept: int = 0
    finished: int = 0
    lost_sweeps: int = 0
    """Finished sweeps that are not there, not complete, or not as they were."""
    lost_blocks: int = 0
    """Blocks whose recording call had returned."""
    wrong: int = 0
    """Sweeps with a sample or a hash that is not the truth."""
    had_file: bool = True
    opened_before: bool = True
    """Whether plain h5py opened and walked the session file before recovery (True if there was none)."""
    opened_after_redo: bool = False
    """Whether it did not, but does once its redo file is replayed: the crash fell between the writes of a commit."""
    left_behind: list[str] = field(default_factory=list)
    """Files beside session file and journal after recovery."""
    trouble: str = ""


def judge(nwb: Path, progress: Progress, *, after_power_cut: bool = False) -> Verdict:
    """Look at the file as it lies, recover it, and compare it with the truth."""
    from acquisition.session.recovery import recover
    from protocols.errors import PatchrigError

    verdict = Verdict(progress.kept, progress.finished, had_file=nwb.exists())
    verdict.opened_before = not verdict.had_file or walks(nwb)
    verdict.opened_after_redo = not verdict.opened_before and walks_after_redo(nwb)
    try:
        with warm_checker():
            recover(nwb)
        compare(nwb, verdict)
        verdict.left_behind = sorted(p.name for p in nwb.parent.iterdir() if p not in (nwb, journal_path(nwb)))
    except PatchrigError as error:
        verdict.trouble = "" if not progress.ready else f"{type(error).__name__}: {error}"
        verdict.lost_sweeps, verdict.lost_blocks = progress.finished, progress.kept
    if after_power_cut:
        verdict.lost_blocks = 0
    return verdict


def walks(nwb: Path) -> bool:
    """Whether an ordinary program can open the file and read all that is in it."""
    import h5py

    try:
        with h5py.File(nwb, "r") as file:
            file.visititems(lambda _, item: item[()] is None if isinstance(item, h5py.Dataset) else None)
    except (OSError, RuntimeError, KeyError, ValueError):
        return False
    return True


def walks_after_redo(nwb: Path) -> bool:
    """Whether a copy of the file opens once its redo file is replayed."""
    from acquisition.session.transaction import redo_path, replay_redo

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / nwb.name
        shutil.copy(nwb, copy)
        if redo_path(nwb).exists():
            shutil.copy(redo_path(nwb), redo_path(copy))
        return replay_redo(copy) and walks(copy)


def compare(nwb: Path, verdict: Verdict) -> None:
    """Compare every sweep in the file with the truth."""
    from acquisition.session.reader import open_session

    with open_session(nwb) as session:
        found = {s.index: s for s in session.sweeps}
        whole = {i for i, s in found.items() if s.complete and s.n_samples == BLOCK * BLOCKS}
        verdict.lost_sweeps = sum(sweep not in whole for sweep in range(verdict.finished))
        verdict.lost_blocks = max(0, verdict.kept - sum(s.n_samples for s in found.values()) // BLOCK)
        verdict.wrong = sum(not is_true(session, i) for i in found)


def is_true(session: Session, sweep: int) -> bool:
    """Whether the samples, their hash and the sweep's numbers are as they were given."""
    info = next(s for s in session.sweeps if s.index == sweep)
    if info.sha256 != fingerprint(sweep, info.n_samples):
        return False
    if not info.n_samples:
        return True
    truth, recorded = counts(sweep, 0, info.n_samples), session.sweep(sweep)
    stored = zip(header(sweep).channels, truth, strict=True)
    return all(np.array_equal(recorded.stored[c.name], c.stored(row)) for c, row in stored)
