"""Rig and protocol as a run takes them: read, and checked in all that can be known before anything is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config import fit, loading
from drivers.build import mistakes_in
from protocols.errors import InvalidFile, Refused
from protocols.loading import read_text
from protocols.marks import located, read_marked

if TYPE_CHECKING:
    from pathlib import Path

    from config.rig import Rig
    from protocols.protocol import Protocol


def load_rig(path: Path) -> Rig:
    """Return the rig in the file at `path`.

    Raises
    ------
    InvalidFile
        With every mistake found, those in 'simulation' included.
    """
    rig = loading.load_rig(path)
    if found := mistakes_in(rig):
        text = read_text(path)
        marked = read_marked(text)
        problems = [located(f, marked) for f in found]
        raise InvalidFile(str(path), text, sorted(problems, key=lambda p: (p.line, p.column)))
    return rig


def load_fitting(protocol: Path, rig: Path) -> tuple[Protocol, Rig]:
    """Return a protocol and a rig that can run it.

    Raises
    ------
    InvalidFile
        One of the files has mistakes, or the protocol asks for what the rig has not.
    """
    read, on = fit.load_fitting(protocol, rig)
    load_rig(rig)
    return read, on


def make_folder(path: Path) -> None:
    """Make a folder for results, and those above it, unless they are there.

    Raises
    ------
    Refused
        Where there is a file instead, or nobody may write.
    """
    if (stands := next((p for p in (path, *path.parents) if p.is_file()), None)) is not None:
        raise Refused(f"{stands} is a file: name a folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"the folder {path} cannot be made: {error.strerror or error}") from error
