"""What is done after a session, and after a crash: recover, verify, seal, prune.

The journal is the truth. Whatever happened to the session file, it is made again from the journal under another name,
checked sweep by sweep, and takes its place in one step. A file that is not right is kept as `NAME.nwb.broken`.
"""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from acquisition.session import disk, layout, platform
from acquisition.session.audit import read_audit
from acquisition.session.guardian_record import Record, read, record_of
from acquisition.session.journal import is_held, journal_path
from acquisition.session.packer import Packer
from acquisition.session.reader import Session, open_session
from acquisition.session.transaction import redo_path, replay_redo, transact
from acquisition.session.verification import SweepCheck, Verified, verify
from protocols.errors import Refused, SessionError

__all__ = [
    "Recovered",
    "Seal",
    "SweepCheck",
    "Verified",
    "open_recovered",
    "prove",
    "prune",
    "recover",
    "seal",
    "verify",
]

log = logging.getLogger(__name__)

PATIENCE = 30.0
"""Seconds to wait for a packer that is still at work."""


@dataclass(frozen=True)
class Recovered:
    """What `recover` did."""

    words: str
    """For a person."""
    sweeps: int
    """In the file now."""
    added: tuple[int, ...] = ()
    """Sweeps that were not in the file before, or not intact."""
    interrupted: int | None = None
    """The sweep that was being recorded; it is in the file with `complete` False and its genuine samples."""
    rebuilt: bool = False
    """Whether the file was made anew."""
    set_aside: Path | None = None
    """Where the earlier file is, if it was not right."""
    unreadable: int = 0
    """Bytes at the journal's end that could not be read."""


@dataclass(frozen=True)
class Seal:
    """The verdict on a finished session; it stands in the file."""

    ok: bool
    time: str
    """ISO 8601."""
    sweeps: int
    problems: tuple[str, ...]
    """From the comparison with the journal, and with the hashes."""
    invalid: tuple[str, ...] | None
    """What pynwb's validator found; None if pynwb is not installed."""


def recover(nwb: Path) -> Recovered:
    """Make a session file whole from its journal.

    Raises
    ------
    SessionError
        The session is being recorded, has no journal, or its journal holds nothing. The file is as it was.
    """
    journal = journal_path(nwb)
    if not journal.exists():
        raise SessionError(f"{nwb.name} has no journal beside it ({journal.name}), so there is nothing to recover from")
    if is_held(journal):
        raise SessionError(f"{nwb.name} is being recorded at this moment")
    with Packer(journal, nwb, early=False, wait=PATIENCE) as packer:
        _clear_away(nwb)
        if nwb.exists():
            replay_redo(nwb)
        found = verify(nwb) if nwb.exists() else None
        if found is not None and (kept := _kept(nwb, found)):
            return kept
        if found is not None and found.extra:
            return _beside(nwb, found)
        packer.finish(found)
        return _done(found, packer)


def _beside(nwb: Path, found: Verified) -> Recovered:
    """Make what the journal has beside a damaged file with intact sweeps of its own; a person must look.

    Raises
    ------
    SessionError
        Always: neither is whole, and to replace one by the other would hide sweeps that can be had.
    """
    beside = nwb.with_name(f"{nwb.stem}.from-journal.nwb")
    platform.remove(beside)
    with Packer(journal_path(nwb), beside, early=False) as packer:
        packer.finish()
    raise SessionError(
        f"{nwb.name} and its journal are both damaged: sweeps {', '.join(map(str, found.extra))} are intact in the "
        f"file alone. The file stays as it is; what its journal has is in {beside.name}"
    )


def _clear_away(nwb: Path) -> None:
    """Remove what the dead left behind: the recorder's reserve, and a file that a packer had not finished."""
    disk.Ballast(nwb).release()
    platform.remove(nwb.with_name(nwb.name + ".tmp"))
    if not nwb.exists():
        platform.remove(redo_path(nwb))  # of a file that is gone; it must not be applied to the one to come


def _kept(nwb: Path, found: Verified) -> Recovered | None:
    """Return what to say when the file stays as it is; None when it must be made anew."""
    n = len(found.sweeps)
    if found.with_journal and found.identifier not in ("", found.journal_of):
        raise SessionError(f"{nwb.name} is of another session than its journal; nothing was changed")
    if found.damages:
        return None
    if not found.with_journal:
        words = f"the journal of {nwb.name} cannot be read; the file has {_count(n)}, all intact, and stays as it is"
    elif found.ok and found.closed is not None:
        words = f"{nwb.name} is complete: {_count(n)}, all as recorded"
    elif (found.extra or found.beyond) and set(found.missing) <= set(found.extra):
        words = f"{nwb.name} has more than its damaged journal ({_count(n)}, all intact), and stays as it is"
    else:
        return None
    return Recovered(words, n, unreadable=found.unreadable)


def _done(found: Verified | None, packer: Packer) -> Recovered:
    """Say what was done."""
    told, name = packer.told, packer.path.name
    sweeps = told.expected(closed=True)
    before = found.sweeps if found is not None else ()
    added = tuple(s.index for s in sweeps if s not in before)
    words = [f"{name} was made anew from its journal: {_count(len(sweeps))}, {len(added)} of them new"]
    if told.interrupted is not None:
        words.append(f"sweep {told.interrupted} was being recorded and is kept as incomplete, with all its samples")
    if packer.set_aside is not None:
        words.append(f"the earlier file was not right and is now {packer.set_aside.name}")
    if told.unreadable:
        words.append(f"the last {told.unreadable} bytes of the journal are cut off or damaged")
    return Recovered("; ".join(words), len(sweeps), added, told.interrupted, True, packer.set_aside, told.unreadable)


def open_recovered(path: Path | str) -> Session:
    """Open a session for review; one that was cut off is recovered first, unless it is being recorded.

    Raises
    ------
    SessionError
        There is neither such a file nor its journal, or neither can be read.
    """
    nwb = Path(path)
    if _needs_recovery(nwb):
        try:
            log.warning("%s", recover(nwb).words)
        except (SessionError, OSError) as error:
            log.warning("%s could not be recovered: %s", nwb.name, error)
    return open_session(nwb)


def _needs_recovery(nwb: Path) -> bool:
    """Return whether the journal may have more than the file. This is a glance; `verify` is the proof."""
    journal = journal_path(nwb)
    if not journal.exists() or _is_held(journal):
        return False
    if not nwb.exists() or redo_path(nwb).exists() or nwb.stat().st_mtime_ns < journal.stat().st_mtime_ns:
        return True
    try:
        with open_session(nwb) as session:
            return session.closed is None
    except SessionError:
        return True


def _is_held(journal: Path) -> bool:
    """Return whether it is being recorded; a journal that we may not even lock is left alone too."""
    try:
        return is_held(journal)
    except OSError:
        return True


def prove(nwb: Path) -> Verified:
    """Check a finished session, see `verification.verify`, and the record of what people decided about it.

    Raises
    ------
    SessionError
        The session goes on: its file lags behind its journal, as it should.
    """
    _must_be_finished(nwb)
    found = verify(nwb)
    doubt = read_audit(nwb, found.identifier).problem if found.identifier else ""
    return replace(found, differences=(*found.differences, doubt)) if doubt else found


def seal(nwb: Path) -> Seal:
    """Verify a finished session, let pynwb validate it, and write the verdict into the file.

    Raises
    ------
    SessionError
        The session goes on, or was not closed, or another program holds the file.
    """
    _must_be_finished(nwb)
    with ThreadPoolExecutor(1) as beside:  # it only waits: `verify` compares in a process of its own
        comparing = beside.submit(verify, nwb)
        invalid = _invalid(nwb)
    found = comparing.result()
    if found.closed is None and not found.damages:
        raise SessionError(f"{nwb.name} was not closed; recover it first")
    verdict = Seal(
        ok=found.ok and not invalid,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        sweeps=len(found.sweeps),
        problems=found.problems,
        invalid=invalid,
    )
    if not found.damages:
        transact(nwb, lambda file: _write_verdicts(file, verdict, read(record_of(nwb))))
    return verdict


def prune(nwb: Path) -> None:
    """Remove the journal of a sealed session, once the file has been compared with it again.

    Raises
    ------
    Refused
        The session is not sealed, or the file is not all that the journal is.
    SessionError
        The session goes on, or cannot be opened.
    """
    _must_be_finished(nwb)
    with open_session(nwb) as session:
        verdict = session.seal
    if verdict is None or not verdict["ok"]:
        raise Refused(f"{nwb.name} is not sealed with a good verdict; its journal stays")
    found = verify(nwb)
    if not found.with_journal:
        raise Refused(f"{nwb.name} has no readable journal to compare with; nothing is removed")
    if not found.ok:
        raise Refused(f"{nwb.name} is not what its journal says ({found.problems[0]}); its journal stays")
    platform.remove(journal_path(nwb))
    platform.sync_folder(nwb.parent)


def _must_be_finished(nwb: Path) -> None:
    journal = journal_path(nwb)
    if journal.exists() and is_held(journal):
        raise SessionError(f"{nwb.name} is being recorded at this moment")


def _invalid(nwb: Path) -> tuple[str, ...] | None:
    """Return what NWB's validator says; None without it."""
    try:
        import pynwb
    except ImportError:
        return None
    try:
        return tuple(str(e) for e in pynwb.validate(path=str(nwb)))
    except Exception as error:  # noqa: BLE001  a damaged file raises whatever it likes; that is a verdict too
        return (f"it cannot be validated: {error!r}",)


def _write_verdicts(file: Any, verdict: Seal, guardian: Record | None) -> None:
    """Write what happened after the run, which its journal cannot know."""
    _put(file, layout.SEAL, "JSON: verdict of the check at the session's end", asdict(verdict))
    if guardian is not None:
        _put(file, layout.GUARDIAN, "JSON: what the guardian did when the run could not", asdict(guardian))


def _put(file: Any, path: str, notes: str, told: dict[str, Any]) -> None:
    from acquisition.session.objects import scratch

    if path in file:
        del file[path]
    scratch(file, path, notes, json.dumps(told))


def _count(n: int) -> str:
    return "1 sweep" if n == 1 else f"{n} sweeps"
