"""What runs have left behind: sessions that live or died, guardians' records, claims, journals, tasks on a server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from acquisition.doctor.finding import Check, Finding, Section, bad, note, ok, section
from acquisition.register import entries, forget
from acquisition.session import disk, guardian_record, journal, platform

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from acquisition.register import Entry

GUARDIAN, CLAIM = "*.guardian.json", "*.packing"
LOOK_INTO = "look into the folder yourself"


def look_for_leftovers(out: Path, register: Path | None = None) -> Section:
    """Return what runs have left in the register and in the folder `out`."""
    return section(
        "Runs",
        (
            Check("runs", lambda: runs(entries(register)), "look into the folder of running sessions yourself"),
            Check("guardian", lambda: records(out, entries(register)), LOOK_INTO),
            Check("sessions", lambda: sessions(out), LOOK_INTO),
            Check("claims", lambda: claims(out), LOOK_INTO),
        ),
    )


# --- the register ---------------------------------------------------------------------------------------------------


def runs(found: Sequence[Entry]) -> Iterator[Finding]:
    """Name runs that live, and runs that died; those that need nothing more are forgotten."""
    said = [f for entry in found if (f := _run(entry)) is not None]
    yield from said or [ok("runs", "none is going on, and none has died")]


def _run(entry: Entry) -> Finding | None:
    about = f"{entry.session.name} on '{entry.rig}' (process {entry.pid}, since {entry.started})"
    if entry.lives:
        return note("runs", f"going on: {about}", "leave its rig alone; end it with Ctrl-C in its own window")
    told = guardian_record.read(entry.guardian)
    if entry.holds and not (told and told.at_rest):
        words = told.words() if told else "its guardian has written nothing (yet)"
        return bad("runs", f"died: {about}; {words}", f"look at the rig, then: patchrig safe --rig {entry.rig_file}")
    if _needs_recovery(entry.session):
        words = f"; {told.words()}" if told else ""
        return note("runs", f"died: {about}{words}", f"patchrig recover {entry.session}")
    forget(entry)
    return None


# --- the folder -----------------------------------------------------------------------------------------------------


def records(out: Path, found: Sequence[Entry]) -> Iterator[Finding]:
    """Show what guardians had to do for the sessions in `out`; those of the register are shown there."""
    shown = {e.guardian for e in found if not e.lives and e.holds}
    paths = [p for p in sorted(out.absolute().glob(GUARDIAN)) if p not in shown]
    for path in paths:
        said, run = guardian_record.read(path), path.name.removesuffix(GUARDIAN[1:])
        if said is not None and said.at_rest:
            yield note("guardian", f"{run}: {said.words()}", f"delete {path} when you have read it")
        else:
            words = said.words() if said else "the guardian's record cannot be read"
            yield bad("guardian", f"{run}: {words}", f"patchrig safe, with that run's rig file; then delete {path}")
    if not paths and not any(p.exists() for p in shown):
        yield ok("guardian", "had nothing to do")


def sessions(out: Path) -> Iterator[Finding]:
    """Name sessions in `out` that are not sealed, and files that were set aside."""
    said = [*_unsealed(out), *_set_aside(out)]
    kept = len(list(out.glob("*.nwb")))
    yield from said or [ok("sessions", f"{kept} in {out}, all sealed" if kept else f"none in {out}")]


def _unsealed(out: Path) -> Iterator[Finding]:
    for path in sorted(out.glob(f"*{journal.SUFFIX}")):
        nwb = path.with_name(path.name.removesuffix(journal.SUFFIX))
        if journal.is_held(path):
            yield note("sessions", f"{nwb.name} is being recorded")
        elif not _is_sealed(nwb):
            yield note("sessions", f"{nwb.name} is not sealed; its journal has all of it", f"patchrig recover {nwb}")
    for path in sorted(out.glob(f"*{disk.SUFFIX}")):
        run = path.with_name(path.name.removesuffix(disk.SUFFIX) + journal.SUFFIX)
        if not (run.exists() and journal.is_held(run)):
            yield note("sessions", f"{path.name} takes {path.stat().st_size / 1e6:.0f} MB", f"delete {path}")


def _set_aside(out: Path) -> Iterator[Finding]:
    for path in sorted(out.glob("*.nwb.broken*")):
        yield note("sessions", f"{path.name} was set aside, because it was damaged", "compare, then delete it")


def _needs_recovery(nwb: Path) -> bool:
    return journal.journal_path(nwb).exists() and not _is_sealed(nwb)


def _is_sealed(nwb: Path) -> bool:
    """Return whether the file carries a verdict; a file that does not open carries none."""
    from acquisition.session.reader import open_session

    if not nwb.exists():
        return False
    try:
        with open_session(nwb) as session:
            return session.seal is not None
    except Exception:  # noqa: BLE001  whatever HDF5 makes of a damaged file
        return False


def claims(out: Path) -> Iterator[Finding]:
    """Name claims whose process is gone; they stop nobody, but look as if somebody were at work."""
    left = [p for p in sorted(out.glob(CLAIM)) if not _is_locked(p)]
    for path in left:
        yield note("claims", f"{path.name} was left by a program that died", f"delete {path}")
    if not left:
        yield ok("claims", "no file is claimed by a program that died")


def _is_locked(path: Path) -> bool:
    descriptor = platform.open_to_change(path)
    try:
        return not platform.try_lock(descriptor)
    finally:
        os.close(descriptor)
