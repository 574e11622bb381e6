"""Room on the disk: asked for before the first sweep, and kept in reserve for the end of the last one."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

from acquisition.session import platform
from protocols.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BALLAST = 64 << 20
"""Bytes kept in reserve."""
SUFFIX = ".ballast"
FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
"""No space, or a person's share of it is used up. Windows' ERROR_DISK_FULL arrives as ENOSPC."""


def require_space(folder: Path, bytes_needed: int) -> None:
    """Refuse a run that its disk has no room for.

    Parameters
    ----------
    folder
        Where the session will be; it need not exist yet.
    bytes_needed
        Of journal and session file together.

    Raises
    ------
    Refused
        It does not fit, with the reserve.
    """
    free = shutil.disk_usage(_existing(folder)).free
    if free < bytes_needed + BALLAST:
        msg = (
            f"the disk of {folder} has {_size(free)} left, the run needs up to {_size(bytes_needed)} and "
            f"{_size(BALLAST)} of reserve; make space or choose another folder with --out"
        )
        raise Refused(msg)


def is_full(error: OSError) -> bool:
    """Return whether a call failed for want of space."""
    return error.errno in FULL


class Volume:
    """What a recording asks of the disk below it."""

    @property
    def is_full(self) -> bool:
        """Whether it is known, before anything is written, that there is no room: a real disk never tells."""
        return False

    def write_at(self, descriptor: int, parts: Sequence[bytes | memoryview], position: int) -> None:
        """Write `parts` as `platform.write_at` does."""
        platform.write_at(descriptor, parts, position)

    def reserve(self, descriptor: int, size: int) -> None:
        """Reserve `size` bytes as `platform.reserve` does."""
        platform.reserve(descriptor, size)

    def freed(self, size: int) -> None:
        """Be told that `size` reserved bytes were given back."""


class Ballast:
    """A file that takes up space until it is needed. Its name is the session's with '.ballast'."""

    def __init__(self, nwb: Path, size: int = BALLAST, volume: Volume | None = None) -> None:
        """Reserve nothing yet."""
        self.path, self.size, self._volume = nwb.with_name(nwb.name + SUFFIX), size, volume or Volume()

    def take(self) -> None:
        """Reserve the space, over what an earlier process left behind.

        Raises
        ------
        OSError
            There is not that much (`is_full`), or the folder cannot be written; nothing is reserved then.
        """
        self.release()
        descriptor = platform.create(self.path)
        try:
            self._volume.reserve(descriptor, self.size)
        except OSError:
            os.close(descriptor)
            platform.remove(self.path)
            raise
        os.close(descriptor)

    def release(self) -> bool:
        """Give the space back; return whether there was any."""
        held = self.path.exists()
        platform.remove(self.path)
        if held:
            self._volume.freed(self.size)
        return held


def _existing(folder: Path) -> Path:
    """Return `folder` or the nearest folder above it that exists."""
    folder = folder.absolute()
    return next((f for f in (folder, *folder.parents) if f.exists()), folder)


def _size(n: int) -> str:
    return f"{n / 1e9:.1f} GB" if n >= 1e9 else f"{n / 1e6:.0f} MB"
