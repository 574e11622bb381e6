"""A disk that is really full: a small one in memory, mounted for the purpose. Needs the right to mount."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from acquisition.session.journal import journal_path
from acquisition.session.journal_recorder import JournalRecorder
from acquisition.session.packer import Packer
from acquisition.session.reader import open_session
from protocols.errors import SessionError
from tests.faults.lab import HEAD, Progress, Verdict, compare, play, walks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BALLAST = 1 << 18


@dataclass
class Outcome:
    """What happened on the full disk."""

    words: str
    """What the recorder said."""
    opened: bool
    """Whether plain h5py opened the session file while the disk was full."""
    recovered: Verdict
    """After space was made, one more sweep recorded, and the session closed."""
    reasons: dict[int, str | None]
    """Sweep -> why it ended early."""


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mount a disk of a few MB on `folder`; raise PermissionError if we may not."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        raise PermissionError("this needs the right to mount a small disk in memory (root, on Linux)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True, capture_output=True)


def enlarge(folder: Path, megabytes: int) -> None:
    """Make space."""
    subprocess.run(["mount", "-o", f"remount,size={megabytes}m", str(folder)], check=True, capture_output=True)


def fill(folder: Path, *, with_packer: bool = True) -> Outcome:
    """Record until the disk is full, make space, go on, close, recover, compare."""
    nwb, progress = folder / "full.nwb", Progress()
    recorder = JournalRecorder(nwb, HEAD, ballast=BALLAST)
    words = record_until_full(recorder, progress, nwb, with_packer=with_packer)
    opened = not with_packer or walks(nwb)
    recorder.end_sweep(complete=False, reason="the disk is full")
    enlarge(folder, 64)
    stopped, progress.finished = progress.finished, progress.finished + 1  # the sweep that was cut short has a number
    play(recorder, progress, 1, lambda: None)
    recorder.close()
    verdict = Verdict(progress.kept, stopped)
    recover_and_compare(nwb, verdict)
    with open_session(nwb) as session:
        return Outcome(words, opened, verdict, {s.index: s.reason for s in session.sweeps})


def record_until_full(recorder: JournalRecorder, progress: Progress, nwb: Path, *, with_packer: bool) -> str:
    """Record and pack until the recorder says that it cannot go on; return what it says."""
    packer = Packer(journal_path(nwb), nwb) if with_packer else None

    def between() -> None:
        nonlocal packer
        try:
            if packer is not None:
                packer.step()
        except OSError:  # the packer's disk is full; the recording goes on without it
            packer.close()
            packer = None

    try:
        play(recorder, progress, 10**6, between)
    except SessionError as error:
        return str(error)
    finally:
        if packer is not None:
            packer.close()
    raise AssertionError("the disk never was full")


def recover_and_compare(nwb: Path, verdict: Verdict) -> None:
    from acquisition.session.recovery import recover

    recover(nwb)
    compare(nwb, verdict)
