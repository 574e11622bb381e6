"""Who is on which rig: one small file per running session, kept where the user's programs keep their state.

Each file is locked as long as its run lives. The system gives the lock back when the process dies, however it dies,
so a file that can be locked names a run that did not end well, and `patchrig doctor` says so.
"""

from __future__ import annotations

import json
import logging
import os
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from acquisition.guardian import record_of
from acquisition.guardian.claim import card_of
from acquisition.session import platform
from config.loading import load_rig
from protocols.errors import PatchrigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drivers.build import Devices

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One session that was begun and not ended."""

    pid: int
    session: Path
    """The session file."""
    rig_file: Path
    rig: str
    """What people call it."""
    guardian: Path
    """Where the guardian writes what it had to do."""
    started: str
    """ISO 8601."""
    holds: tuple[str, ...]
    """Devices that go on when the process dies; none on a simulated rig."""
    card: str = ""
    """The rig's card, by the name that claims give it; empty if the run holds none."""
    door: int = 0
    """Port on the loopback address at which the run answers; 0 if it has no door."""
    token: str = field(default="", repr=False)
    """What opens the door. Only the user can read it."""
    file: Path = Path()
    """Of this entry."""
    lives: bool = False
    """Whether its process still runs."""


def folder() -> Path:
    """Return where entries are kept; the folder need not exist yet."""
    from platformdirs import user_state_path

    return user_state_path("patchrig", appauthor=False) / "running"


@contextmanager
def registered(
    rig_file: Path,
    rig: str,
    session: Path,
    devices: Devices,
    where: Path | None = None,
    *,
    door: tuple[int, str] = (0, ""),
) -> Iterator[None]:
    """Say that `session` is on `rig` for as long as this lasts; `door` is port and token of the run's door.

    An entry that cannot be written is a line in the log: an experiment is worth more than its entry.
    """
    holds = tuple(d.name for d in devices.all if d.needs_wall_time)
    entry = Entry(
        pid=os.getpid(),
        session=session.absolute(),
        rig_file=rig_file.absolute(),
        rig=rig,
        guardian=record_of(session.absolute()),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        holds=holds,
        card=_card(rig_file) if holds else "",
        door=door[0],
        token=door[1],
    )
    path = (where or folder()) / f"{session.stem}-{entry.pid}.json"
    descriptor = _write(path, entry)
    try:
        yield
    finally:
        _take_back(path, descriptor)


def entries(where: Path | None = None) -> list[Entry]:
    """Return all entries, the oldest first; what is no entry of ours is left out."""
    found = [_read(path) for path in sorted((where or folder()).glob("*.json"))]
    return sorted((e for e in found if e is not None), key=lambda e: e.started)


def forget(entry: Entry) -> None:
    """Remove the entry of a run that is over and needs nothing more."""
    if not entry.lives:
        platform.remove(entry.file)


def is_on(entry: Entry, rig_file: Path) -> bool:
    """Return whether `entry` is of the rig with the file `rig_file`, or of one with the same card.

    Its name says nothing: two rigs may have one.
    """
    return entry.rig_file == rig_file.absolute() or (entry.card != "" and entry.card == _card(rig_file))


def forget_dead(rig_file: Path, where: Path | None = None) -> None:
    """Remove the entries of runs that died on a rig which is at rest now."""
    for entry in entries(where):
        if not entry.lives and is_on(entry, rig_file):
            forget(entry)


def _card(rig_file: Path) -> str:
    """Return the name of a rig file's card; '' if the file cannot be read."""
    try:
        return card_of(load_rig(rig_file))
    except (OSError, PatchrigError):
        return ""


def _write(path: Path, entry: Entry) -> int | None:
    """Write and lock an entry; return its descriptor, or None if it could not be written."""
    told = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(entry).items() if k not in ("file", "lives")}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        platform.remove(path)  # a dead run of the same name and process number
        descriptor = platform.create(path)
        path.chmod(0o600)
    except OSError as error:
        log.warning("this run is not in the register, so that doctor could not name it: %s", error)
        return None
    with suppress(OSError):
        platform.try_lock(descriptor)
        platform.write_at(descriptor, [json.dumps(told, indent=1).encode()], 0)
    return descriptor


def _take_back(path: Path, descriptor: int | None) -> None:
    if descriptor is None:
        return
    with suppress(OSError):
        os.close(descriptor)  # first: Windows does not remove what is open
    with suppress(OSError):
        platform.remove(path)


def _read(path: Path) -> Entry | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Entry(
            pid=int(told["pid"]),
            session=Path(told["session"]),
            rig_file=Path(told["rig_file"]),
            rig=str(told["rig"]),
            guardian=Path(told["guardian"]),
            started=str(told["started"]),
            holds=tuple(told["holds"]),
            card=str(told.get("card", "")),
            door=int(told.get("door", 0)),
            token=str(told.get("token", "")),
            file=path,
            lives=_is_locked(path),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.debug("%s is no entry: %s", path, error)
        return None


def _is_locked(path: Path) -> bool:
    descriptor = platform.open_to_change(path)
    try:
        return not platform.try_lock(descriptor)
    finally:
        os.close(descriptor)
