"""Writes a protocol file when a person asks for it: whole or not at all, and never over another person's change."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING

from acquisition.page.documents import living_texts
from protocols.errors import Refused

if TYPE_CHECKING:
    from acquisition.page.documents import Document

SHIPPED = "{} is shipped with patchrig and stays as it is: 'patchrig init' puts copies into your folder"
STORED = "this is the text as it was run, and stays as it is; choose the file to change it"
RUNNING = "{} is running from this file; save when the run is over"
CHANGED = (
    "another program has changed the file since it was opened here; reload it, or save your text under another name"
)


def version(text: str) -> str:
    """Return a short name of a text, so that a change by somebody else is seen."""
    return sha256(text.encode()).hexdigest()[:16]


def why_not(document: Document) -> str:
    """Return why a document cannot be saved now; empty if it can."""
    if document.group == "shipped":
        return SHIPPED.format(document.title)
    if document.path is None:
        return STORED
    text = document.text
    running = next((name for name, ran in living_texts() if ran == text), None)
    return "" if running is None else RUNNING.format(running)


def save(document: Document, text: str, was: str) -> str:
    """Write `text` into the document's file, which must still be of version `was`, and return the new version.

    Raises
    ------
    Refused
        It may not be written, or somebody else has changed it.
    """
    if words := why_not(document):
        raise Refused(words)
    path = document.path
    if path is None or version(document.text) != was:
        raise Refused(CHANGED)
    path = path.resolve()  # a link stays a link
    newline = "\r\n" if b"\r\n" in path.read_bytes() else "\n"
    beside = path.with_name(f".{path.name}.saving-{os.getpid()}")
    try:
        with beside.open("x", encoding="utf-8", newline=newline) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(path.stat().st_mode)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return version(document.text)
