"""A session from its first byte to its seal: journal, packer, and what is said at the end.

The engine's process appends to the journal and never touches HDF5; a packer in a process of its own makes the NWB
file from it while the run goes on. Whatever becomes of the packer, the journal has everything.
"""

from __future__ import annotations

import logging
import subprocess
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

from acquisition.session.journal import journal_path
from acquisition.session.journal_recorder import JournalRecorder
from acquisition.session.packer import start
from protocols.errors import PatchrigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from acquisition.session.disk import Volume
    from acquisition.session.head import SessionHead
    from acquisition.session.recovery import Seal

log = logging.getLogger(__name__)

PATIENCE = 120.0
"""Seconds that the packer may need after the run; then the file is left to recovery, which opening it starts."""
WORDS_AFTER = 10.0
"""Seconds after which the person is told why nothing happens."""
GLANCE = 1.0
"""Seconds between looks whether the packer lives."""
LIVES = 3
"""Packers that are started for one session. One after another dying has a reason that another will not mend."""


@contextmanager
def recording(nwb: Path, head: SessionHead, *, volume: Volume | None = None) -> Iterator[JournalRecorder]:
    """Record a session; when this is left, the session file is complete, or its journal has what it lacks.

    `volume` is the disk as the recorder sees it, if it is to see another than there is.
    """
    with JournalRecorder(nwb, head, volume=volume) as recorder, _Packing(nwb):
        try:
            yield recorder
        finally:
            recorder.close("interrupted")


class _Packing:
    """Keeps a packer alive while the recording goes on, and waits for it at the end."""

    def __init__(self, nwb: Path) -> None:
        self._nwb, self._over = nwb, threading.Event()
        self._packer = start(journal_path(nwb), nwb)
        self._thread = threading.Thread(target=self._keep, name="packing", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._wait()

    def _keep(self) -> None:
        """Start another packer when one dies; it builds the file from the journal's start."""
        lives = LIVES - 1
        while not self._over.wait(GLANCE):
            if self._packer.poll() and lives:
                lives -= 1
                log.warning("the packer of %s died; another takes over. The recording goes on", self._nwb.name)
                self._packer = start(journal_path(self._nwb), self._nwb)

    def _wait(self) -> None:
        try:
            self._packer.wait(WORDS_AFTER)
        except subprocess.TimeoutExpired:
            log.warning("the recording is complete; %s is still being made: close it elsewhere", self._nwb.name)
            self._wait_longer()
        if self._packer.returncode:
            log.warning("the packer of %s failed; the file is made from its journal when it is opened", self._nwb.name)

    def _wait_longer(self) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._packer.wait(PATIENCE)


def sealed(nwb: Path) -> Seal:
    """Recover the session if need be, verify it against its journal, validate it, and write the verdict into it.

    What prevents that (another program holds the file) is in the verdict; the recording itself is not in question.
    """
    from acquisition.session.recovery import Seal, open_recovered, seal

    try:
        with open_recovered(nwb):
            pass
        return seal(nwb)
    except PatchrigError as error:
        return Seal(ok=False, time="", sweeps=0, problems=(f"{error} (then: patchrig seal {nwb})",), invalid=None)
