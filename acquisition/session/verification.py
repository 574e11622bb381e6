"""Compares a session file with its journal, sweep by sweep, down to the converter's counts.

A damaged HDF5 file can crash the library that reads it, so `verify` looks at a file in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acquisition.session import platform
from acquisition.session.headers import header_of
from acquisition.session.journal import Kind, Tail, goes_on, journal_path
from acquisition.session.payloads import broken_link, close_of, end_of, frame_of, head_of, log_of, measured_of
from protocols.errors import PatchrigError, SessionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acquisition.session.head import SessionHead
    from acquisition.session.journal import Record
    from acquisition.session.reader import Session
    from protocols.sweeps import LogEntry, Measurement, SweepHeader

SLOWEST = 5e6
"""Bytes per second at which checking is still believed to be alive."""
LEAST_PATIENCE = 60.0


@dataclass(frozen=True)
class SweepCheck:
    """One sweep of a session file, or of the journal."""

    index: int
    sha256: str
    n_samples: int
    complete: bool
    intact: bool = True
    """Whether the stored samples give the hash."""


@dataclass(frozen=True)
class Verified:
    """What was found in a session file, and where it differs from its journal."""

    identifier: str = ""
    """The session's UUID; empty if it could not be read."""
    closed: str | None = None
    sweeps: tuple[SweepCheck, ...] = ()
    damages: tuple[str, ...] = ()
    """What is wrong with the file itself."""
    differences: tuple[str, ...] = ()
    """Where the file does not say what the journal says."""
    extra: tuple[int, ...] = ()
    """Intact sweeps of the file that the journal does not have."""
    missing: tuple[int, ...] = ()
    """Sweeps of the journal that the file does not have, or not intact."""
    beyond: bool = False
    """Whether the file has measurements or lines of the log that the journal does not have."""
    journal_of: str | None = None
    """UUID of the session whose journal it was compared with; None without one, empty if that cannot be read."""
    unreadable: int = 0
    """Bytes at the journal's end that are cut off or damaged."""

    @property
    def with_journal(self) -> bool:
        """Whether there was a journal that could be read."""
        return bool(self.journal_of)

    @property
    def ok(self) -> bool:
        """Whether nothing at all is wrong."""
        return not self.problems

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that is wrong, in sentences."""
        return self.damages + self.differences


@dataclass
class Told:
    """What a journal says. Feed it the frames in order with `see`."""

    head: SessionHead | None = None
    headers: list[SweepHeader] = field(default_factory=list)
    sweeps: list[SweepCheck] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    log: list[LogEntry] = field(default_factory=list)
    closed: str | None = None
    is_broken: bool = False
    """Whether there are more frames behind what cannot be read: something that was recorded is lost from it."""
    unreadable: int = 0
    """Bytes behind the last good frame: one that was cut off, or damage."""
    is_log_genuine: bool = True
    """Whether every line of the log is tied to the one before it: none was changed or taken out."""
    _head_text: str = ""
    _log_lines: list[bytes] = field(default_factory=list)
    _hash: Any = None
    _n_samples: int = 0

    def look_at_log(self) -> None:
        """Find out whether the log is genuine. Said by `verify`; it does not keep a session from being recovered."""
        self.is_log_genuine = broken_link(self._head_text, self._log_lines) is None

    @property
    def interrupted(self) -> int | None:
        """The sweep that has begun and not ended."""
        return self.headers[-1].sweep.index if len(self.headers) > len(self.sweeps) else None

    def see(self, record: Record) -> None:
        """Take note of one frame."""
        match record.kind:
            case Kind.SESSION:
                self.head = head_of(record.payload.decode())
                self._head_text = record.payload.decode()
            case Kind.SWEEP_BEGIN:
                self._begin(record.payload.decode())
            case Kind.DATA:
                self._data(record.payload)
            case Kind.SWEEP_END:
                end = end_of(record.payload)
                intact = self._hash.hexdigest() == end.sha256
                self.sweeps.append(SweepCheck(end.sweep, end.sha256, end.n_samples, end.complete, intact))
            case Kind.MEASURED:
                self.measurements += measured_of(record.payload)
            case Kind.LOG:
                self.log.append(log_of(record.payload))
                self._log_lines.append(record.payload)
            case Kind.CLOSE:
                self.closed = close_of(record.payload)

    def expected(self, *, closed: bool) -> list[SweepCheck]:
        """Return what must be in the file; once it is closed, also the interrupted sweep with what it has."""
        if self.interrupted is None or not closed:
            return self.sweeps
        return [*self.sweeps, SweepCheck(self.interrupted, self._hash.hexdigest(), self._n_samples, complete=False)]

    def _begin(self, text: str) -> None:
        self.headers.append(header_of(text))
        self._hash, self._n_samples = sha256(), 0

    def _data(self, payload: bytes) -> None:
        frame = frame_of(payload, len(self.headers[-1].channels))
        self._hash.update(memoryview(payload)[len(payload) - frame.counts.nbytes :])
        self._n_samples = frame.first + frame.n_samples


def told_by(journal: Path) -> Told:
    """Read a whole journal.

    Raises
    ------
    SessionError
        It cannot be read, or is of a later version.
    """
    told = Told()
    with Tail(journal) as tail:
        while records := tail.read():
            for record in records:
                told.see(record)
        told.unreadable = tail.left_over()
        told.is_broken = bool(told.unreadable) and goes_on(journal, tail.position)
    told.look_at_log()
    return told


def verify(nwb: Path) -> Verified:
    """Check every sweep of a session file against its hash and, if the journal is there, against the journal.

    Raises
    ------
    SessionError
        There is no such file, or another program holds it, or it could not be checked in time. This says nothing
        against the file.
    """
    if not nwb.is_file():
        raise SessionError(f"{nwb}: there is no such file")
    _must_be_free(nwb)
    command = [sys.executable, "-m", "acquisition.session.verification", str(nwb.absolute())]
    patience = LEAST_PATIENCE + nwb.stat().st_size / SLOWEST
    try:
        done = subprocess.run(command, capture_output=True, timeout=patience, check=False, env=environment())
    except subprocess.TimeoutExpired:
        raise SessionError(f"{nwb.name} could not be checked within {patience:.0f} s") from None
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        words = f"{nwb.name} could not be checked: {last[0] if last else f'exit code {done.returncode}'}"
        return Verified(damages=(words,))
    return _from_json(done.stdout.decode())


def _must_be_free(nwb: Path) -> None:
    """Raise if a program has the file open for writing: it is in use then, and not damaged."""
    descriptor = platform.open_to_read(nwb)
    try:
        if not platform.try_shared_lock(descriptor):
            raise SessionError(f"{nwb.name} is open for writing in another program; close it there and try again")
    finally:
        os.close(descriptor)


def environment() -> dict[str, str]:
    """Return an environment in which a new Python finds our packages."""
    home = str(Path(__file__).parents[2])
    known = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{home}{os.pathsep}{known}" if known else home}


def check(path: Path, told: Told | None) -> Verified:
    """Do in this process what `verify` does in another: for a file that we wrote ourselves a moment ago."""
    from acquisition.session.reader import open_session

    found: dict[str, Any] = {}
    damages: list[str] = []
    differences: list[str] = []
    try:
        with open_session(path) as session:
            found |= {"identifier": session.identifier, "closed": session.closed}
            found["sweeps"] = tuple(_check_sweep(session, k, damages) for k in range(len(session.sweeps)))
            damages += [f"{name} is damaged: {error}" for name, error in session.damages()]
            if told is not None:
                differences += _differences(session, found["sweeps"], told)
                found["beyond"] = _is_beyond(session, told)
    except PatchrigError as error:
        damages.append(str(error))
    except Exception as error:  # noqa: BLE001  a damaged HDF5 file raises whatever it likes
        damages.append(f"{path.name} is damaged: {error!r}")
    lists = _lists(found, told) if told is not None else {}
    return Verified(**found, damages=tuple(damages), differences=tuple(differences), **lists)


def _check_sweep(session: Session, row: int, damages: list[str]) -> SweepCheck:
    sweep = session.sweeps[row]
    intact = False
    try:
        intact = session.is_intact(sweep.index)
        if not intact:
            damages.append(f"sweep {sweep.index}: the stored samples are not those that were recorded")
    except PatchrigError as error:
        damages.append(str(error))
    except Exception as error:  # noqa: BLE001  a damaged HDF5 file raises whatever it likes
        damages.append(f"sweep {sweep.index} is damaged: {error!r}")
    return SweepCheck(sweep.index, sweep.sha256, sweep.n_samples, sweep.complete, intact)


def _differences(session: Session, sweeps: tuple[SweepCheck, ...], told: Told) -> list[str]:
    """Return where the file does not say what the journal says."""
    assert told.head is not None
    expected = told.expected(closed=session.closed is not None)
    headers = [session.header(s.index) for s in sweeps]
    texts, told_texts = (session.protocol_text, session.rig_text), (told.head.protocol_text, told.head.rig_text)
    same = {
        "it belongs to another session than its journal": session.identifier == told.head.identifier,
        "its sweeps are not those of the journal": list(sweeps) == expected,
        "its sweeps' headers are not those of the journal": headers == told.headers[: len(expected)],
        "its measurements are not those of the journal": repr(session.measurements) == repr(tuple(told.measurements)),
        "its log is not that of the journal": repr(session.log) == repr(tuple(told.log)),
        f"its journal is damaged: {told.unreadable} bytes with recorded frames cannot be read": not told.is_broken,
        "the journal's log was changed after it was written": told.is_log_genuine,
        "it was not closed as the journal was": told.closed is None or session.closed == told.closed,
        "its protocol or rig is not that of the journal": texts == told_texts,
    }
    return [words for words, is_same in same.items() if not is_same]


def _is_beyond(session: Session, told: Told) -> bool:
    """Return whether the file's measurements and log are more than the beginning of the journal's."""
    pairs: tuple[tuple[Sequence[Any], Sequence[Any]], ...] = (
        (session.measurements, told.measurements),
        (session.log, told.log),
    )
    return any(repr(list(here)) != repr(list(there)[: len(here)]) for here, there in pairs)


def _lists(found: dict[str, Any], told: Told) -> dict[str, Any]:
    expected = told.expected(closed=found.get("closed") is not None)
    intact = [s for s in found.get("sweeps", ()) if s.intact]
    return {
        "extra": tuple(s.index for s in intact if s not in expected),
        "missing": tuple(s.index for s in expected if s not in intact),
        "journal_of": told.head.identifier if told.head is not None else "",
        "unreadable": told.unreadable,
    }


def _from_json(text: str) -> Verified:
    raw: dict[str, Any] = json.loads(text)
    sweeps = tuple(SweepCheck(**s) for s in raw.pop("sweeps"))
    facts: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
    return Verified(sweeps=sweeps, **facts)


def main() -> None:
    """Check the file that is named on the command line and write what was found as JSON."""
    nwb = Path(sys.argv[1])
    journal = journal_path(nwb)
    told = told_by(journal) if journal.exists() else None
    if told is None or told.head is not None:
        found = check(nwb, told)
    else:
        found = replace(
            check(nwb, None),
            differences=("its journal cannot be read",),
            journal_of="",
            unreadable=told.unreadable,
        )
    sys.stdout.write(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
