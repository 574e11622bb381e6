"""Which sessions the Review screen may open: that of the desk, and the others in its folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from acquisition.register import entries
from protocols.errors import Refused, SessionError

if TYPE_CHECKING:
    from pathlib import Path

    from acquisition.page.desk import Desk

ENDING = ".nwb"
MOST = 300
"""Sessions that are offered; the newest."""


@dataclass(frozen=True)
class Choice:
    """The sessions that can be opened."""

    first: Path | None
    """What is shown when nothing is asked for."""
    others: tuple[Path, ...]
    """All sessions of the folder, the newest first."""

    def named(self, name: str | None, *, alone: bool) -> Path:
        """Return the session called `name`, or the first; `alone`: somebody may see that one only.

        Raises
        ------
        SessionError
            There is none.
        Refused
            It is not among those that may be opened.
        """
        if self.first is None:
            raise SessionError("no session here yet: run a protocol, or open one with 'patchrig review FILE --view'")
        if name is None or name == self.first.name:
            return self.first
        found = next((p for p in self.others if p.name == name), None)
        if found is None or alone:
            raise Refused(f"{name} is not a session of this page; open it with 'patchrig review FILE --view'")
        return found


def choice(desk: Desk) -> Choice:
    """Return what can be opened: the desk's session, that of its run, or else the newest of its folder."""
    first = desk.session.absolute() if desk.session is not None else _of_run(desk)
    folder = first.parent if first is not None else desk.folder.absolute()
    others = sorted(folder.glob(f"*{ENDING}"), key=_changed, reverse=True)[:MOST]
    if first is None and others:
        first = others[0]
    return Choice(first, tuple(others))


def _of_run(desk: Desk) -> Path | None:
    mine = [e for e in entries() if desk.pid is not None and e.pid == desk.pid]
    return mine[-1].session if mine and mine[-1].session.exists() else None


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
