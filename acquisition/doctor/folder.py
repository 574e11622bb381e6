"""The folder for sessions: whether it can be written, and whether its disk has room and speed for an hour."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from typing import TYPE_CHECKING

from acquisition.doctor.finding import Check, Finding, Section, bad, note, ok, section
from acquisition.session import disk, platform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from config.rig import Rig

HOUR = 3600.0
USUAL_RATE = 20e3
"""Samples per second of the shipped protocols."""
PER_SAMPLE = 8
"""Bytes: journal and session file together are below twice the file's float32."""
PER_SAMPLE_NOW = 2
"""Bytes that the recording itself must write at once: int16, to the journal."""
TRIAL, PIECES = 32 << 20, 16
ENOUGH, AMPLE = 2.0, 10.0
"""Times the card's fastest stream."""
SLOW_SYNC = 0.5
"""Seconds; the writer's queue holds 8 s."""


def look_at_folder(out: Path, rig: Rig | None, *, busy: bool = False) -> Section:
    """Return what is to be said of the folder where sessions go; its speed is not tried while one is recorded."""
    where = existing(out)
    inputs = len(rig.inputs) if rig else 2
    fastest = float(rig.daq.sampling_limit) if rig else USUAL_RATE
    stream = inputs * fastest * PER_SAMPLE_NOW
    another = "choose another disk with --out"
    return section(
        "Data",
        (
            Check("folder", lambda: writable(out, where), "choose another folder with --out"),
            Check("space", lambda: space(where, inputs), another),
            Check("disk", lambda: _untried() if busy else speed(where, stream), another),
        ),
    )


def existing(folder: Path) -> Path:
    """Return `folder`, or the nearest folder above it that exists."""
    folder = folder.absolute()
    return next((f for f in (folder, *folder.parents) if f.is_dir()), folder)


def writable(out: Path, where: Path) -> Iterator[Finding]:
    """Write a file, and remove it."""
    trial = where / f".patchrig-doctor-{os.getpid()}"
    try:
        trial.write_bytes(b"1")
        trial.unlink()
    except OSError as error:
        yield bad("folder", f"{where} cannot be written: {error.strerror}", "choose another folder with --out")
        return
    made = "" if out.absolute() == where else f" (makes {out.absolute().relative_to(where)})"
    yield ok("folder", f"{_named(where)} can be written{made}")


def _named(folder: Path) -> Path:
    """Return the name of `folder` as seen from here, if it lies inside."""
    here = folder.cwd()
    return folder.relative_to(here) if here in folder.parents else folder


def space(where: Path, inputs: int, free: int | None = None) -> Iterator[Finding]:
    """Compare free space with what an hour needs."""
    free = shutil.disk_usage(where).free if free is None else free
    needed = round(HOUR * USUAL_RATE * inputs * PER_SAMPLE) + disk.BALLAST
    hours = (free - disk.BALLAST) / (needed - disk.BALLAST)
    found = f"{free / 1e9:.1f} GB free; an hour of {inputs} inputs at 20 kHz needs up to {needed / 1e9:.1f} GB"
    if hours < 1:
        yield bad("space", found, "make space, or choose another disk with --out")
    elif hours < 8:
        yield note("space", f"{found}: {hours:.0f} h", "make space before a long day")
    else:
        yield ok("space", found)


def speed(where: Path, stream: float, now: Callable[[], float] = time.perf_counter) -> Iterator[Finding]:
    """Write as the recording does, piece by piece, each onto the disk; compare with `stream` bytes per second."""
    if shutil.disk_usage(where).free < 4 * TRIAL:
        yield bad("disk", "too full to try its speed", "make space, or choose another disk with --out")
        return
    times = _written(where, now)
    rate, worst = TRIAL / sum(times), max(times)
    found = (
        f"{rate / 1e6:.0f} MB/s, each piece on the disk in {statistics.median(times) * 1e3:.0f} ms "
        f"({worst * 1e3:.0f} ms at worst); the card's fastest stream is {stream / 1e6:.1f} MB/s"
    )
    if rate < ENOUGH * stream:
        yield bad("disk", found, "record on a local disk: no network, no memory stick; exclude it from virus scans")
    elif rate < AMPLE * stream or worst > SLOW_SYNC:
        yield note("disk", found, "record on a local disk, and exclude the folder from virus scans")
    else:
        yield ok("disk", found)


def _untried() -> Iterator[Finding]:
    yield note("disk", "its speed was not tried: a session is being recorded")


def _written(where: Path, now: Callable[[], float]) -> list[float]:
    """Return the seconds that each piece of a trial file took; the file is removed."""
    trial, piece = where / f".patchrig-doctor-{os.getpid()}", os.urandom(TRIAL // PIECES)
    descriptor = platform.create(trial)
    try:
        return [_piece(descriptor, piece, i * len(piece), now) for i in range(PIECES)]
    finally:
        os.close(descriptor)
        platform.remove(trial)


def _piece(descriptor: int, piece: bytes, position: int, now: Callable[[], float]) -> float:
    began = now()
    platform.write_at(descriptor, [piece], position)
    platform.sync_data(descriptor)
    return now() - began
