"""A session from its first byte to its seal: journal, packer, and what is said at the end.

The engine's process appends to the journal and never touches HDF5; a packer in a process of its own makes the NWB
file from it while the run goes on. Whatever becomes of the packer, the journal has everything.
"""

from __future__ import annotations

import logging
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from acquisition.session.journal import journal_path
from acquisition.session.journal_recorder import JournalRecorder
from acquisition.session.packer import start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from acquisition.session.head import SessionHead
    from acquisition.session.recovery import Seal

log = logging.getLogger(__name__)

PATIENCE = 600.0
"""Seconds that the packer may need after the run; then the file is left to recovery, which opening it starts."""


@contextmanager
def recording(nwb: Path, head: SessionHead) -> Iterator[JournalRecorder]:
    """Record a session; when this is left, the session file is complete."""
    with JournalRecorder(nwb, head) as recorder:
        packer = start(journal_path(nwb), nwb)
        try:
            yield recorder
        finally:
            recorder.close("interrupted")
            _wait_for(packer, nwb)


def _wait_for(packer: subprocess.Popen[bytes], nwb: Path) -> None:
    """Let the packer finish; whatever it leaves undone is done when the session is opened."""
    try:
        packer.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        log.warning("%s is still being packed in the background", nwb.name)
    if packer.returncode:
        log.warning("the packer of %s failed; the file is made from its journal when it is opened", nwb.name)


def sealed(nwb: Path) -> Seal:
    """Recover the session if need be, verify it against its journal, validate it, and write the verdict into it."""
    from acquisition.session.recovery import open_recovered, seal

    with open_recovered(nwb):
        pass
    return seal(nwb)
