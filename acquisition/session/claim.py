"""Who may make a session file: one process at a time."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from acquisition.session import platform
from protocols.errors import SessionError

if TYPE_CHECKING:
    from pathlib import Path

GLANCE = 0.05
"""Seconds between two tries."""


class Claim:
    """The right to make a session file; one process at a time has it, and loses it when it dies."""

    def __init__(self, nwb: Path, patience: float = 0.0) -> None:
        """Take it; wait `patience` seconds for who has it, then raise SessionError."""
        self._path = nwb.with_name(nwb.name + ".packing")
        self._descriptor = self._take(time.monotonic() + patience)

    def release(self) -> None:
        """Give it back. Twice does nothing."""
        if self._descriptor < 0:
            return
        if platform.IS_WINDOWS:  # where what is open cannot be removed, nor what somebody else has opened meanwhile
            os.close(self._descriptor)
            with suppress(PermissionError):
                platform.remove(self._path)
        else:  # removed while it is ours: once the lock is gone, the name may be another's
            platform.remove(self._path)
            os.close(self._descriptor)
        self._descriptor = -1

    def _take(self, until: float) -> int:
        while (descriptor := self._try()) < 0:
            if time.monotonic() > until:
                raise SessionError(f"{self._path.stem} is being written by another process; try again in a moment")
            time.sleep(GLANCE)
        return descriptor

    def _try(self) -> int:
        """Return the locked file; -1 if somebody else has it, or its owner removed it while we came."""
        descriptor = self._open()
        if platform.try_lock(descriptor) and self._is_there(descriptor):
            return descriptor
        os.close(descriptor)
        return -1

    def _is_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def _open(self) -> int:
        try:
            return platform.create(self._path)
        except FileExistsError:
            return platform.open_to_change(self._path)
