"""Rig files to rigs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.linter import lint_empty, lint_rig
from config.rig import Rig
from protocols.loading import load_text, read_text

if TYPE_CHECKING:
    from pathlib import Path


def load_rig(path: Path) -> Rig:
    """Return the rig in the file at `path`, or raise `InvalidFile` with every mistake found."""
    return rig_from_text(read_text(path), str(path))


def rig_from_text(text: str, name: str) -> Rig:
    """Return the rig that `text` is; `name` stands for the file in messages."""
    return load_text(text, name, Rig, lint_rig, empty=lint_empty)
