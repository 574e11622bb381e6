"""One run at a time on a rig: its guardian holds a lock, which the system takes back when the guardian dies."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

from acquisition.session import platform
from protocols.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from config.rig import Rig

PATIENCE = 5.0
"""Seconds to wait for the guardian of a run that was just killed: it is putting the rig to rest."""
GLANCE = 0.05


def folder() -> Path:
    """Return where claims are kept."""
    from platformdirs import user_state_path

    return user_state_path("patchrig", appauthor=False) / "rigs"


@contextmanager
def claimed(rig: Rig, run: int, where: Path | None = None) -> Iterator[None]:
    """Have `rig` for the run with process number `run`, and for nobody else, as long as this lasts.

    Raises
    ------
    Refused
        Another run, or the guardian of one, has it.
    """
    path = (where or folder()) / f"{_key(rig)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    try:
        _lock(descriptor, path, rig)
        told = json.dumps({"run": run, "guardian": os.getpid(), "rig": rig.rig}).encode()
        os.ftruncate(descriptor, 0)
        platform.write_at(descriptor, [told], 0)
        yield
    finally:
        os.close(descriptor)  # and the lock with it; the file stays, or two could lock two files of one name


def _lock(descriptor: int, path: Path, rig: Rig) -> None:
    until = time.monotonic() + PATIENCE
    while not platform.try_lock(descriptor):
        if time.monotonic() > until:
            raise Refused(f"{rig.rig} is taken: {_owner(path)}; end that first (patchrig doctor names it)")
        time.sleep(GLANCE)


def _owner(path: Path) -> str:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return f"run {int(told['run'])} is on it, guarded by process {int(told['guardian'])}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another run is on it"


def _key(rig: Rig) -> str:
    """Return a name of the card: two rig files may mean the same one."""
    card = (rig.daq.driver, rig.daq.device, rig.daq.options.get("grpc"))
    return sha256(repr(card).encode()).hexdigest()[:16]
