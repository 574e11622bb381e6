"""One run at a time on a rig: its guardian holds a lock, which the system takes back when the guardian dies."""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from acquisition.session import platform
from protocols.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from config.rig import Rig

PATIENCE = 5.0
"""Seconds to wait for the guardian of a run that was just killed: it is putting the rig to rest."""
GLANCE = 0.05


@dataclass(frozen=True)
class Owner:
    """Who has a rig."""

    run: int
    """Process number of the run, or of whatever else took the rig."""
    guardian: int
    """Of the process that holds the claim."""
    over: str = ""
    """Since when the run has been over and its guardian alone tries to put the rig to rest; empty: the run lives."""

    def words(self) -> str:
        """Return who it is, and what to do about it."""
        if not self.over:
            both = f"run {self.run} is on it, guarded by process {self.guardian}"
            return f"{both}; end that first (patchrig doctor names it)"
        trying = f"its guardian (process {self.guardian}) has been trying to put the rig to rest since {self.over}"
        return f"run {self.run} is over, and {trying}; look at the rig, then: patchrig safe --rig RIG"


class Claim:
    """A rig that is ours."""

    def __init__(self, descriptor: int, rig: Rig, run: int) -> None:
        """Write down whose it is; `descriptor` is of the locked file."""
        self._descriptor, self._rig, self._run = descriptor, rig, run
        self._over = ""
        self._left: tuple[str, ...] = ()
        self._write()

    def run_is_over(self) -> None:
        """Say that the run has gone, and that we go on for its rig's sake."""
        self._over = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
        self._write()

    def leave(self, left: Sequence[str]) -> None:
        """Say what could not be put to rest, for whoever tries next; the next run begins without it."""
        self._left = tuple(left)
        self._write()

    def _write(self) -> None:
        told = {
            "run": self._run,
            "guardian": os.getpid(),
            "rig": self._rig.rig,
            "over": self._over,
            "left": self._left,
        }
        # over all that stood there, in one piece: who reads it meanwhile must find no half of it
        size = os.fstat(self._descriptor).st_size
        platform.write_at(self._descriptor, [json.dumps(told).encode().ljust(size)], 0)


def folder() -> Path:
    """Return where claims are kept."""
    from platformdirs import user_state_path

    return user_state_path("patchrig", appauthor=False) / "rigs"


@contextmanager
def claimed(rig: Rig, run: int, where: Path | None = None) -> Iterator[Claim]:
    """Have `rig` for the run with process number `run`, and for nobody else, as long as this lasts.

    Raises
    ------
    Refused
        Another run, or the guardian of one, has it.
    """
    path = _file(rig, where)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    try:
        _lock(descriptor, path, rig)
        yield Claim(descriptor, rig, run)
    finally:
        os.close(descriptor)  # and the lock with it; the file stays, or two could lock two files of one name


def _lock(descriptor: int, path: Path, rig: Rig) -> None:
    until = time.monotonic() + PATIENCE
    while not platform.try_lock(descriptor):
        if time.monotonic() > until:
            owner = _read(path)
            raise Refused(f"{rig.rig} is taken: {owner.words() if owner else 'another run is on it'}")
        time.sleep(GLANCE)


def owner_of(rig: Rig, where: Path | None = None) -> Owner | None:
    """Return who has `rig` at this moment; None: nobody, or somebody who has not said yet who he is."""
    path = _file(rig, where)
    if not path.exists():
        return None
    descriptor = platform.open_to_change(path)
    try:
        return None if platform.try_lock(descriptor) else _read(path)
    finally:
        os.close(descriptor)


def left_on(rig: Rig, where: Path | None = None) -> tuple[str, ...]:
    """Return what the latest run or guardian on `rig` could not put to rest, in words."""
    try:
        return tuple(map(str, json.loads(_file(rig, where).read_text(encoding="utf-8"))["left"]))
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def card_of(rig: Rig) -> str:
    """Return a name of the card: two rig files may mean the same one, and write it differently.

    NI-DAQmx does not tell upper case from lower. A card that is named through a device server and the same card
    through the library of the server's own computer are two to us; the card itself then refuses the second.
    """
    server, library = rig.daq.options.get("grpc"), rig.daq.options.get("library")
    names = (rig.daq.driver, rig.daq.device.lower(), _server(str(server)) if server else "", str(library or ""))
    return sha256(repr(names).encode()).hexdigest()[:16]


def _file(rig: Rig, where: Path | None) -> Path:
    return (where or folder()) / f"{card_of(rig)}.json"


def _read(path: Path) -> Owner | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Owner(int(told["run"]), int(told["guardian"]), str(told.get("over", "")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _server(address: str) -> str:
    """Return 'host:port' with the host as a number, and this computer always as 'here'."""
    host, _, port = address.rpartition(":")
    name = host.strip("[]").lower()
    try:
        found = sorted({str(way[4][0]) for way in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)})
    except OSError:  # nobody knows the name now: the run will say so
        return f"{name}:{port}"
    return f"{'here' if any(map(_is_here, found)) else found[0]}:{port}"


def _is_here(number: str) -> bool:
    """Return whether an address is this computer's: no other can be listened on."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in number else socket.AF_INET, socket.SOCK_STREAM) as door:
            door.bind((number, 0))
    except OSError:
        return False
    return True
