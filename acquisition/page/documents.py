"""The protocols and rig files that a page may show: that of the run, those of the project, those that are shipped."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from acquisition.page.following import find
from acquisition.register import entries
from acquisition.session.journal import Kind as Frame
from acquisition.session.journal import Tail, journal_path
from acquisition.session.payloads import head_of
from protocols.errors import PatchrigError, Refused
from protocols.loading import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from acquisition.page.desk import Desk
    from acquisition.session.head import SessionHead

What = Literal["protocol", "rig"]
Group = Literal["run", "session", "file", "shipped"]
SHIPPED = {"protocol": ("protocols", "library"), "rig": ("config", "rigs")}
FOLDERS = {"protocol": "protocols", "rig": "rigs"}
TO_BEGIN_WITH = ("sahp_l_type_block.yaml", "simulated.yaml")
"""Shipped files that are shown where there is nothing else."""
FIRST = 1 << 16
"""Bytes of a journal that hold what it begins with; longer heads are read whole all the same."""
MOST = 200
"""Files that are offered from one folder."""


@dataclass(frozen=True)
class Document:
    """One text that can be shown."""

    id: str
    """What a screen asks for it by."""
    group: Group
    title: str
    path: Path | None = None
    """None: it is read from a session, letter by letter as it was run."""
    kept: str = ""
    """Its text, if it has no path."""

    @property
    def text(self) -> str:
        """What it says now.

        Raises
        ------
        InvalidFile
            There is no such file any more, or it is no text.
        """
        return self.kept if self.path is None else read_text(self.path)

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.title if self.path is None else str(self.path)


def documents(desk: Desk, what: What) -> list[Document]:
    """Return all documents of a kind, the one to begin with first."""
    asked = desk.protocol if what == "protocol" else desk.rig
    parts = [_of_session(desk, what), _of_project(desk, what)]
    if asked is not None and desk.pid is None:  # the page was opened for that file, whatever else goes on
        parts.reverse()
    found = [d for part in (*parts, _shipped(what)) for d in part]
    return list({d.id: d for d in found}.values())


def named(offered: Sequence[Document], name: str | None, *, alone: bool) -> Document:
    """Return the document that is called `name`, or the first; `alone`: somebody may see that one only.

    Raises
    ------
    Refused
        It is not among those that may be shown.
    """
    if name is None or name == offered[0].id:
        return offered[0]
    found = next((d for d in offered if d.id == name), None)
    if found is None or alone:
        raise Refused(f"{name} is not a file of this page; open it with 'patchrig view --protocol FILE'")
    return found


def living_texts() -> list[tuple[str, str]]:
    """Return session name and protocol text of every run that goes on on this computer."""
    return [(e.session.name, h.protocol_text) for e in entries() if e.lives and (h := _head(e.session)) is not None]


def _of_session(desk: Desk, what: What) -> Iterator[Document]:
    """Yield what the run or the session on the desk was made with."""
    found = find(desk)
    if found is not None and (head := _head(found.session)) is not None:
        text, title = (
            (head.protocol_text, head.protocol.protocol) if what == "protocol" else (head.rig_text, head.rig.rig)
        )
        group: Group = "run" if found.entry is not None else "session"
        yield Document(group, group, title, kept=text)
    elif desk.session is not None and (text := _stored(desk.session, what)):
        yield Document("session", "session", desk.session.name, kept=text)


def _head(session: Path) -> SessionHead | None:
    """Return what a journal begins with; None if it has not come so far, or cannot be read."""
    try:
        with Tail(journal_path(session)) as tail:
            records = tail.read(FIRST)
        return head_of(records[0].payload.decode()) if records and records[0].kind is Frame.SESSION else None
    except (PatchrigError, OSError):
        return None


def _stored(session: Path, what: What) -> str:
    from acquisition.session.reader import open_session

    try:
        with open_session(session) as opened:
            return opened.protocol_text if what == "protocol" else opened.rig_text
    except (PatchrigError, OSError):
        return ""


def _of_project(desk: Desk, what: What) -> Iterator[Document]:
    """Yield the desk's file, and what lies beside it and in the project's folders."""
    first = desk.protocol if what == "protocol" else desk.rig
    base = desk.folder.absolute()
    if first is not None:
        path = first.absolute()
        yield _file(path, base) if path.parent != _folder(what) else _example(path)
    beside = [] if first is None else [first.absolute().parent]
    for folder in dict.fromkeys((*beside, base, base / FOLDERS[what], base.parent / FOLDERS[what])):
        if folder != _folder(what):
            yield from (_file(p, base) for p in sorted(folder.glob("*.yaml"))[:MOST] if _is(p, what))


def _file(path: Path, base: Path) -> Document:
    title = path.relative_to(base).as_posix() if path.is_relative_to(base) else path.name
    # who watches from elsewhere need not learn where things lie on this computer
    return Document(f"file/{sha256(str(path).encode()).hexdigest()[:12]}", "file", title, path)


def _shipped(what: What) -> Iterator[Document]:
    for path in sorted(_folder(what).glob("*.yaml"), key=lambda p: (p.name not in TO_BEGIN_WITH, p.name)):
        yield _example(path)


def _example(path: Path) -> Document:
    return Document(f"shipped/{path.name}", "shipped", path.name, path)


def _folder(what: What) -> Path:
    package, folder = SHIPPED[what]
    return Path(import_module(package).__path__[0]).absolute() / folder


def _is(path: Path, what: What) -> bool:
    """Whether a file says first what it is; one that says neither is offered where its kind is kept."""
    try:
        heads = [line.split(":")[0] for line in read_text(path).splitlines() if line.startswith(("rig:", "protocol:"))]
    except PatchrigError:
        return False
    return heads[0] == what if heads else path.parent.name == FOLDERS[what]
