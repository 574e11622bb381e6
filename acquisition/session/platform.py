"""What operating systems do differently with files: positions, locks, durability, renames.

Everything that this room writes outside HDF5 goes through here, and from here through `os`, so that the crash
programme (`benchmarks/crash.py`) can stop a process between any two writes. POSIX is what we test on; the branches
for Windows follow the manuals of Python and of Win32 and are not tested on Windows yet.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

IS_WINDOWS = sys.platform == "win32"
HAS_POSITIONS = hasattr(os, "pwritev") and hasattr(os, "pread")
"""Whether a file can be read and written at a position without moving a shared one."""

BINARY = getattr(os, "O_BINARY", 0)
LOCK_BYTE = 1 << 62
"""Windows' locks forbid reading what is locked; this byte is beyond the end of every file."""
EXCLUSIVE_AT_ONCE = 0x1 | 0x2
"""LOCKFILE_FAIL_IMMEDIATELY and LOCKFILE_EXCLUSIVE_LOCK."""
RENAME_PATIENCE, RENAME_PAUSE = 2.0, 0.05
"""Seconds to go on trying to rename over a file that another program has open (Windows), and between tries."""


def create(path: Path) -> int:
    """Create `path` for writing and return its descriptor; an existing file is never opened.

    Raises
    ------
    FileExistsError
        It exists.
    """
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | BINARY, 0o644)


def open_to_read(path: Path) -> int:
    """Open `path` for reading, beside whoever writes it, and return its descriptor."""
    return os.open(path, os.O_RDONLY | BINARY)


def open_to_change(path: Path) -> int:
    """Open an existing `path` for reading and writing and return its descriptor."""
    return os.open(path, os.O_RDWR | BINARY)


def write_at(descriptor: int, parts: Sequence[bytes | memoryview], position: int) -> None:
    """Write `parts`, one behind the other, at `position`: with one call to the system if that is possible.

    Raises
    ------
    OSError
        Some of it, or nothing, was written. Writing the same again at the same position is right.
    """
    size = sum(memoryview(p).nbytes for p in parts)
    written = _write_parts(descriptor, parts, position)
    if written < size:
        rest = memoryview(b"".join(parts))
        while written < size:
            written += _write_parts(descriptor, [rest[written:]], position + written)


def _write_parts(descriptor: int, parts: Sequence[bytes | memoryview], position: int) -> int:
    if HAS_POSITIONS:
        return os.pwritev(descriptor, parts, position)
    os.lseek(descriptor, position, os.SEEK_SET)
    return os.write(descriptor, b"".join(parts))


def read_at(descriptor: int, size: int, position: int) -> bytes:
    """Return up to `size` bytes from `position`; fewer at the end of the file."""
    if HAS_POSITIONS:
        return os.pread(descriptor, size, position)
    os.lseek(descriptor, position, os.SEEK_SET)
    return os.read(descriptor, size)


def sync_data(descriptor: int) -> None:
    """Return when what was written is on the disk, as far as the disk tells the truth.

    macOS's fsync leaves data in the drive's cache; F_FULLFSYNC does not (Apple, fsync(2)).
    Windows' os.fsync is FlushFileBuffers.
    """
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    elif hasattr(os, "fdatasync"):
        os.fdatasync(descriptor)
    else:
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Make names in `folder` durable: a file that was synced but whose name was not is lost at a power cut.

    Windows has no such call; NTFS journals names itself.
    """
    if IS_WINDOWS:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Take the exclusive lock of an open file and return whether we have it; never wait.

    On POSIX this is flock, which HDF5's readers hold shared while they have a file open, and which ends with the
    process that holds it. On Windows it is a lock on one byte beyond the end.
    """
    return _lock_byte(descriptor, take=True) if IS_WINDOWS else _try_flock(descriptor)


def try_shared_lock(descriptor: int) -> bool:
    """Return whether nobody has the open file locked for himself; the lock ends with the descriptor. POSIX only."""
    if IS_WINDOWS:
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int) -> None:
    """Give the lock back."""
    if IS_WINDOWS:
        _lock_byte(descriptor, take=False)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_UN)


def replace(source: Path, target: Path) -> None:
    """Rename `source` to `target` in one step, over what was there, and make it durable.

    Raises
    ------
    PermissionError
        On Windows, when a program has `target` open and keeps it open. `source` is still there: try again later.
    """
    deadline = time.monotonic() + RENAME_PATIENCE
    while True:
        try:
            source.replace(target)
            break
        except PermissionError:
            if not IS_WINDOWS or time.monotonic() > deadline:
                raise
            time.sleep(RENAME_PAUSE)
    sync_folder(target.parent)


def remove(path: Path) -> None:
    """Remove `path` if it is there."""
    path.unlink(missing_ok=True)


def reserve(descriptor: int, size: int) -> None:
    """Make `size` bytes of the disk this file's, whether they are written or not.

    Raises
    ------
    OSError
        ENOSPC: there is not that much.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    block = bytes(1 << 20)
    for position in range(0, size, len(block)):
        write_at(descriptor, [block[: size - position]], position)


def _try_flock(descriptor: int) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_byte(descriptor: int, *, take: bool) -> bool:
    """Lock or unlock the byte at `LOCK_BYTE` and return whether that was possible.

    Not with msvcrt.locking: its positions may have 31 bits alone. A Windows OVERLAPPED of 64 bits is four words, the
    third of which is the position (Win32, LockFileEx).
    """
    import ctypes
    import msvcrt

    kernel = getattr(ctypes, "WinDLL")("kernel32", use_last_error=True)  # noqa: B009  exists on Windows alone
    handle = ctypes.c_void_p(getattr(msvcrt, "get_osfhandle")(descriptor))  # noqa: B009
    overlapped = (ctypes.c_uint64 * 4)(0, 0, LOCK_BYTE, 0)
    if take:
        return bool(kernel.LockFileEx(handle, EXCLUSIVE_AT_ONCE, 0, 1, 0, ctypes.byref(overlapped)))
    return bool(kernel.UnlockFileEx(handle, 0, 1, 0, ctypes.byref(overlapped)))
