"""Real power cuts, as near as a program can come: a real ext4 file system that is shut down without flushing its log.

A small image is mounted on a loop device; while recorder and packer write to it, EXT4_IOC_SHUTDOWN with NOLOGFLUSH
makes everything that is not on the device disappear, as if the plug were pulled. Needs root, a loop device and ext4.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from protocols.errors import SessionError
from tests.faults.kills import PATIENCE, Toll, pack
from tests.faults.lab import Progress, forked, judge, kill, record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SHUTDOWN = (2 << 30) | (4 << 16) | (ord("X") << 8) | 125
"""EXT4_IOC_SHUTDOWN, _IOR('X', 125, __u32); linux/fs/ext4/ext4.h."""
NO_LOG_FLUSH = 2
MEGABYTES = 64


def _run(*command: str) -> None:
    """Run a command of the system; PermissionError if we may not, or it is not here."""
    if shutil.which(command[0]) is None:
        raise PermissionError(f"this needs '{command[0]}' (root, a loop device and ext4, on Linux)")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PermissionError(f"{' '.join(command)}: {done.stderr.strip()}")


@contextmanager
def small_ext4(folder: Path) -> Iterator[Path]:
    """Make and mount a small ext4 and return where its image is; raise PermissionError if we may not."""
    image = folder / "image"
    with image.open("wb") as file:
        file.truncate(MEGABYTES << 20)
    (folder / "disk").mkdir()
    _run("mkfs.ext4", "-q", "-F", str(image))
    _run("mount", "-o", "loop", str(image), str(folder / "disk"))
    try:
        yield folder / "disk"
    finally:
        subprocess.run(["umount", str(folder / "disk")], capture_output=True, check=False)


def pull_the_plug(disk: Path) -> None:
    """Shut the file system down: nothing more reaches the device, and nothing in memory ever will."""
    import fcntl

    descriptor = os.open(disk, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
    finally:
        os.close(descriptor)


def _until_cut_off(work: Callable[[], object]) -> None:
    """Work on a disk that is about to fail; that it fails is no news."""
    with suppress(SessionError, OSError):
        work()


def cut(folder: Path, seed: int, toll: Toll) -> None:
    """Record, cut the power at a random moment, mount again, recover, compare."""
    dice, progress = random.Random(seed), Progress()
    with small_ext4(folder) as disk:
        nwb = disk / "session" / "cut.nwb"
        nwb.parent.mkdir()
        recorder = forked(lambda: _until_cut_off(lambda: record(nwb, progress, pause=0.002)))
        deadline = time.monotonic() + PATIENCE
        while not progress.ready and time.monotonic() < deadline:
            time.sleep(0.001)
        packer = forked(lambda: _until_cut_off(lambda: pack(nwb)))
        time.sleep(dice.uniform(0.1, 0.9))
        # what counts is what had been promised before the plug was pulled
        before = Progress()
        before.kept, before.finished, before.ready = progress.kept, progress.finished, 1
        pull_the_plug(disk)
        kill(recorder, packer)
        _run("umount", str(disk))
        _run("mount", "-o", "loop", str(folder / "image"), str(disk))
        toll.add(judge(nwb, before, after_power_cut=True), f"seed {seed}")


def ext4_cuts(folder: Path, number: int, *, seed: int = 0) -> Toll:
    """Cut the power of `number` sessions."""
    toll = Toll()
    for k in range(number):
        place = folder / str(k)
        place.mkdir()
        cut(place, seed + k, toll)
        shutil.rmtree(place)
    return toll
