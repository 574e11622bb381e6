"""What doctor said last of a rig, kept where the user's programs keep their state: a screen can show it at any time."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from acquisition.doctor.finding import Section

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """One examination."""

    when: str
    """ISO 8601."""
    of: str
    """Short name of the rig file's text as it was then; empty if there was no such file."""
    findings: tuple[dict[str, Any], ...]
    """Each with 'section', 'verdict', 'what', 'found' and 'do'."""


def folder() -> Path:
    """Return where examinations are kept; the folder need not exist yet."""
    from platformdirs import user_state_path

    return user_state_path("patchrig", appauthor=False) / "doctor"


def keep(rig: Path, sections: Sequence[Section], where: Path | None = None) -> None:
    """Keep what was found of the rig with file `rig`; that it cannot be kept is a line in the log."""
    path = _file(rig, where)
    told = {
        "rig": str(rig.absolute()),
        "when": datetime.now().astimezone().isoformat(timespec="seconds"),
        "of": version_of(rig),
        "findings": [{"section": s.title, **asdict(f)} for s in sections for f in s.findings],
    }
    beside = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        log.warning("what doctor found cannot be kept: %s", error)


def last(rig: Path, where: Path | None = None) -> Kept | None:
    """Return the last examination of the rig with file `rig`; None if there was none."""
    try:
        told = json.loads(_file(rig, where).read_text(encoding="utf-8"))
        return Kept(str(told["when"]), str(told["of"]), tuple(told["findings"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def version_of(rig: Path) -> str:
    """Return a short name of the rig file's text; empty if it cannot be read."""
    try:
        return sha256(rig.read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def _file(rig: Path, where: Path | None) -> Path:
    return (where or folder()) / f"{sha256(str(rig.absolute()).encode()).hexdigest()[:16]}.json"
