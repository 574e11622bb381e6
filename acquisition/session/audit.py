"""What people decide about a session after it was recorded: which sweeps are left out of means, and why.

The session file is evidence and stays as it is to the last bit, also when it is sealed. Decisions stand beside it, in
`NAME.nwb.review.jsonl`: one line each, appended and never changed, and each tied to the one before it by a hash, so
that `verify` sees when a line was changed or taken out. The first is tied to the session's UUID. Nothing is deleted:
who changes their mind writes another line.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

from acquisition.acceptance import REJECTED
from acquisition.session import platform
from protocols.errors import SessionError
from protocols.sweeps import LogEntry

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

Decision = Literal["rejected", "restored"]
SUFFIX = ".review.jsonl"


@dataclass(frozen=True)
class Entry:
    """One decision about one sweep."""

    kind: Decision
    sweep: int
    reason: str
    """What the person wrote."""
    who: str
    time: str
    """ISO 8601, with time zone."""

    def as_log(self, started: datetime) -> LogEntry:
        """Return the decision as a line of the log of a session that was started then."""
        since = (datetime.fromisoformat(self.time) - started).total_seconds()
        said = "left out of means" if self.kind == REJECTED else "taken back into means"
        text = f"sweep {self.sweep} {said} by {self.who}: {self.reason}"
        return LogEntry(since, self.kind, text, {"sweep": self.sweep, "reason": self.reason, "who": self.who})


@dataclass(frozen=True)
class Audit:
    """All decisions about a session, in order."""

    entries: tuple[Entry, ...] = ()
    problem: str = ""
    """What is wrong with the record; empty if every line is tied to the one before."""


NOTHING = Audit()


def audit_path(nwb: Path) -> Path:
    """Return where the decisions about a session are."""
    return nwb.with_name(nwb.name + SUFFIX)


def read_audit(nwb: Path, identifier: str) -> Audit:
    """Return the decisions about the session with UUID `identifier`; none if nobody has decided anything.

    Raises
    ------
    SessionError
        The record is there and cannot be read: to pass over it would take rejected sweeps back into means.
    """
    path = audit_path(nwb)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return NOTHING
    except OSError as error:
        raise SessionError(f"{path.name} cannot be read: {error}") from error
    return _checked(_whole(raw), identifier, path)


def decide(nwb: Path, identifier: str, kind: Decision, sweep: int, reason: str, *, who: str) -> Entry:
    """Append a decision about a sweep, and return it. It is on the disk when this returns.

    Raises
    ------
    SessionError
        The record cannot be written, is of another session, or was changed: nothing is added to what is in doubt.
    """
    path = audit_path(nwb)
    entry = Entry(kind, sweep, reason, who, datetime.now(UTC).astimezone().isoformat(timespec="seconds"))
    try:
        with path.open("a+b") as file:
            _lock(file.fileno(), path)
            file.seek(0)
            _append(file, entry, identifier, path)
        platform.sync_folder(path.parent)
    except OSError as error:
        raise SessionError(f"{path.name} cannot be written: {error}") from error
    return entry


def _append(file: BinaryIO, entry: Entry, identifier: str, path: Path) -> None:
    lines = _whole(file.read())
    problem = _checked(lines, identifier, path).problem
    if problem:
        raise SessionError(f"{problem}; nothing was added to it")
    file.truncate(sum(map(len, lines)))
    file.write(_line(entry, _hash(lines[-1]) if lines else _first(identifier)))
    file.flush()
    os.fsync(file.fileno())


def _whole(raw: bytes) -> list[bytes]:
    """Return the lines without a last one that was cut off: nobody was told that it had been written."""
    return [line for line in raw.splitlines(keepends=True) if line.endswith(b"\n")]


def _lock(descriptor: int, path: Path) -> None:
    """Take the record for this process alone; the lock ends when the file is closed."""
    if not platform.try_lock(descriptor):
        raise SessionError(f"{path.name} is being written by another program; try again in a moment")


def _checked(lines: list[bytes], identifier: str, path: Path) -> Audit:
    """Return the decisions in `lines`, and the first thing that is wrong with how they are tied together.

    What stands behind a broken tie still counts: `problem` tells of the doubt.
    """
    entries, before, problem = [], _first(identifier), ""
    for number, line in enumerate(lines, 1):
        try:
            told: dict[str, Any] = json.loads(line)
            tie = told.pop("after")
            entries.append(Entry(**told))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SessionError(f"{path.name}, line {number}: this is no decision about a sweep ({error})") from error
        if tie != before and not problem:
            what = "is of another session" if number == 1 else "was changed after it was written"
            problem = f"{path.name} {what} (line {number})"
        before = _hash(line)
    return Audit(tuple(entries), problem)


def _line(entry: Entry, after: str) -> bytes:
    return (json.dumps({**asdict(entry), "after": after}, ensure_ascii=False) + "\n").encode()


def _first(identifier: str) -> str:
    return _hash(identifier.encode())


def _hash(raw: bytes) -> str:
    return sha256(raw.strip()).hexdigest()
