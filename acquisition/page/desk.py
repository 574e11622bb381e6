"""What a page was opened for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Desk:
    """What lies on the desk. Everything may be missing: the page then shows what there is."""

    session: Path | None = None
    """Session file to follow, if its run goes on, or to review."""
    pid: int | None = None
    """Process whose run is followed. Without it and without a session, the run that began last."""
    protocol: Path | None = None
    rig: Path | None = None
    folder: Path = Path()
    """Where protocols, rig files and sessions are looked for."""
    first: str = "run"
    """Screen that '/' leads to: 'run', 'review', 'protocol' or 'rig'."""
