"""Plays a journal into its session file, one transaction per finished sweep.

    python -m acquisition.session.packer JOURNAL NWB

One HDF5 file stays open on one overlay for the packer's life, so that a commit costs the same however long the
session is. A file is always built from the journal's start: a new one, one whose packer died, and one that is
recovered go the same way, into `NAME.nwb.tmp`, and the finished name appears in one step.

The recorder never waits for the packer and does not care whether it lives.
"""

from __future__ import annotations

import logging
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from acquisition.session import platform
from acquisition.session.claim import Claim
from acquisition.session.journal import Kind, Tail, is_held
from acquisition.session.payloads import close_of, end_of, frame_of, log_of, measured_of, temperature_of
from acquisition.session.transaction import LIBVER, Overlay, commit, pour, redo_path, replay_redo
from acquisition.session.verification import Told, check, environment, verify
from protocols.errors import PatchrigError, SessionError
from protocols.sweeps import Frame

if TYPE_CHECKING:
    from types import TracebackType

    from acquisition.session.journal import Record
    from acquisition.session.verification import Verified
    from acquisition.session.writer import SessionWriter

log = logging.getLogger(__name__)

SLICE = 16 << 20
"""Bytes of counts of a sweep that goes on after which they are committed: 100 s at 2 x 40 kHz. As float32 in memory
they are twice that."""
POLL = 0.02
"""Seconds between looks into a journal that has not grown."""
IDLE = 0.5
"""Seconds without a frame after which a packer looks whether the recorder still lives."""
ENDS = {Kind.SWEEP_END, Kind.MEASURED, Kind.CLOSE}
"""Frames after which the file is brought up to date."""
INTERRUPTED = "the recording ended without being closed"


class Packer:
    """Makes the session file of a journal. Use it with `with`: then an unfinished file is cleared away.

    Parameters
    ----------
    journal, nwb
        Where the samples are, and the file to make.
    early
        Show the file as soon as it has a head. Otherwise, and when `nwb` exists, it appears when the journal has
        been read to its end, and is verified before.
    slice_bytes
        Bytes of counts after which a sweep that goes on is committed.
    patience
        Seconds that one commit waits for readers; then the next `step` tries again.
    wait
        Seconds to wait for another packer of the same session to end.
    tell_after
        Seconds that readers may hold up the file before the log says so.

    Raises
    ------
    SessionError
        Another process packs this session, or there is no journal.
    """

    def __init__(
        self,
        journal: Path,
        nwb: Path,
        *,
        early: bool = True,
        slice_bytes: int = SLICE,
        patience: float = 1.0,
        wait: float = 0.0,
        tell_after: float = 5.0,
    ) -> None:
        self.path, self._slice, self._patience = nwb, slice_bytes, patience
        self.told, self.closed, self.is_shown = Told(), False, False
        self.set_aside: Path | None = None
        """Where an earlier file went that was not what the journal says."""
        self._claim = Claim(nwb, wait)
        try:
            self._tail = Tail(journal)
        except SessionError:
            self._claim.release()
            raise
        self._journal = platform.open_to_read(journal)
        self._early = early and not nwb.exists()
        self._overlay: Overlay | None = None
        self._file: Any = None
        self._writer: SessionWriter | None = None
        self._counts = 0
        self._blocks: list[Frame] = []
        """Samples that follow one another and wait for the next frame of another kind, or the end of what was read."""
        self._is_due = self._is_loose = self._is_told = False
        self._behind_since, self._tell_after = math.inf, tell_after

    def __enter__(self) -> Self:
        """Do nothing: the packer is ready."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the files; what was not committed is in the journal still."""
        self.close()

    @property
    def is_waiting(self) -> bool:
        """Whether a reader holds the file, so that it falls behind the journal."""
        return self._behind_since < math.inf

    def step(self) -> int:
        """Play what the journal has gained, commit it, and return how many frames that were.

        Raises
        ------
        SessionError
            The journal makes no sense.
        OSError
            The disk is full or fails. The packer is of no more use; a new one begins again.
        """
        if self.is_waiting and not self._commit():
            return 0
        n = self._take_over()
        if not self.is_shown and self._writer is not None and (self._early or not n):
            self.show()
        return n

    def _take_over(self) -> int:
        """Play and commit what the journal has gained."""
        records = self._tail.read()
        for record in records:
            self._play(record)
        self._pass_on()
        if not records and self._is_loose and self._writer is not None:
            self._writer.flush()
            self._is_due, self._is_loose = True, False
        if self._is_due or self._counts >= self._slice:
            self._commit()
        return len(records)

    def run(self, *, patience: float = math.inf) -> None:
        """Pack until the session is closed, or its recorder is gone.

        Raises
        ------
        SessionError
            A reader still holds the file `patience` seconds after everything else was done.
        """
        last, deadline = time.monotonic(), math.inf
        while not (self.closed and self.is_shown and not self.is_waiting):
            now = time.monotonic()
            if self.step():
                last = now
                continue
            if self.closed or (now - last > IDLE and self._is_deserted()):
                deadline = min(deadline, now + patience)
                if not self.is_waiting:
                    return
            if now > deadline:
                raise SessionError(
                    f"another program holds {self.path} open, so it is not up to date; everything is in its journal, "
                    "and is taken over when the session is opened next"
                )
            time.sleep(POLL)

    def finish(self, found: Verified | None = None) -> None:
        """Pack what is there and close the session, with a sweep that was interrupted as incomplete.

        `found` is what `verify` said of the file that has the name now.

        Raises
        ------
        SessionError
            The journal holds nothing, or the new file is not what it says. The one that was there stays.
        """
        while self._take_over():
            pass
        if self._writer is None:
            raise SessionError(f"{self._tail.path} holds nothing: its first frame is damaged, or was never written")
        self.told.unreadable = self._tail.left_over()
        if not self.closed:
            if self._writer.open_sweep is not None:
                self._writer.end_sweep(complete=False, reason=INTERRUPTED)
            self._writer.close(f"interrupted: {INTERRUPTED}")
        self._commit()
        if not self.is_shown:
            self.show(found)

    def show(self, found: Verified | None = None) -> None:
        """Give the file its name, in one step. A file that has the name already makes way.

        Raises
        ------
        SessionError
            The new file is not what the journal says. The one that was there stays.
        """
        overlay, writer = self._overlay, self._writer
        assert overlay is not None
        assert writer is not None
        if not self._early:
            if self._file:
                writer.flush()
            self._commit()
            self._prove(overlay.path)
        if self.path.exists():
            self._make_way(found)
        overlay.move_to(self.path)
        self.is_shown = True

    def close(self) -> None:
        """Let go of everything. Closing twice does nothing."""
        if self._file:
            self._file.close()
        if self._overlay is not None:
            self._overlay.close()
            if not self.is_shown:
                platform.remove(self._overlay.path)
        if self._journal >= 0:
            os.close(self._journal)
        self._overlay, self._journal = None, -1
        self._tail.close()
        self._claim.release()

    # --- one frame ----------------------------------------------------------------------------------------------

    def _play(self, record: Record) -> None:
        """Do what a frame says."""
        self.told.see(record)
        if record.kind is Kind.SESSION:
            self._begin()
        elif self._writer is None:
            raise SessionError(f"{self._tail.path} does not begin with a session's head")
        elif record.kind is Kind.DATA:
            self._gather(frame_of(record.payload, len(self.told.headers[-1].channels)))
        else:
            self._pass_on()
            self._say(self._writer, record)
        if record.kind in ENDS:
            self._is_due, self._is_loose = True, False
        self._is_loose |= record.kind is Kind.LOG

    def _gather(self, frame: Frame) -> None:
        """Keep a block until those that follow it have come: many small ones cost more than one that is large."""
        if self._blocks and frame.first != self._blocks[-1].first + self._blocks[-1].n_samples:
            self._pass_on()
        self._blocks.append(frame)

    def _pass_on(self) -> None:
        """Give the writer the blocks that were gathered, as one."""
        if not self._blocks:
            return
        assert self._writer is not None
        whole = Frame(self._blocks[0].first, np.concatenate([b.counts for b in self._blocks], axis=1))
        self._blocks.clear()
        self._counts += whole.counts.nbytes
        self._writer.samples(whole)

    def _say(self, writer: SessionWriter, record: Record) -> None:
        match record.kind:
            case Kind.SWEEP_BEGIN:
                writer.begin_sweep(self.told.headers[-1])
            case Kind.SWEEP_END:
                end = end_of(record.payload)
                writer.end_sweep(complete=end.complete, reason=end.reason)
            case Kind.MEASURED:
                writer.measured(measured_of(record.payload))
            case Kind.LOG:
                writer.log(log_of(record.payload))
            case Kind.TEMPERATURE:
                writer.temperature(*temperature_of(record.payload))
            case Kind.CLOSE:
                writer.close(close_of(record.payload))
                self.closed = True

    def _begin(self) -> None:
        """Begin the file under a name that nobody looks at."""
        import h5py

        from acquisition.session.writer import SessionWriter

        assert self.told.head is not None
        new = self.path.with_name(self.path.name + ".tmp")
        platform.remove(new)
        os.close(platform.create(new))
        self._overlay = Overlay(new)
        self._file = h5py.File(self._overlay, "w", libver=LIBVER)
        self._writer = SessionWriter(self.path, self.told.head, file=self._file)
        self._is_due = True

    # --- the file -----------------------------------------------------------------------------------------------

    def _commit(self) -> bool:
        """Carry everything into the file; return False if a reader prevents it."""
        overlay = self._overlay
        assert overlay is not None
        if self._file:
            self._file.flush()
        if not self.is_shown:
            pour(overlay)
        else:
            self._journal_first()
            if not commit(overlay, patience=self._patience):
                self._fell_behind()
                return False
        self._is_due = self._is_told = False
        self._behind_since = math.inf
        self._counts = 0
        return True

    def _fell_behind(self) -> None:
        """Say so, once, if it lasts."""
        now = time.monotonic()
        self._behind_since = min(self._behind_since, now)
        if not self._is_told and now - self._behind_since >= self._tell_after:
            log.warning("%s waits: another program has it open. The recording goes on.", self.path.name)
            self._is_told = True

    def _journal_first(self) -> None:
        """Make durable in the journal what goes into the file: the file must never know more."""
        if not platform.IS_WINDOWS:  # which syncs only what is open for writing
            platform.sync_data(self._journal)

    def _prove(self, new: Path) -> None:
        found = check(new, self.told)
        if not found.ok:
            problems = "; ".join(found.problems[:3])
            raise SessionError(
                f"{self.path}: the file made anew from the journal is not right ({problems}); kept as is"
            )

    def _make_way(self, found: Verified | None) -> None:
        """Replay what a packer left half done; put a file aside that is not a part of the journal."""
        replay_redo(self.path)
        if not is_part(found or verify(self.path)):
            self.set_aside = free_name(self.path)
            platform.replace(self.path, self.set_aside)
            platform.remove(redo_path(self.path))

    def _is_deserted(self) -> bool:
        """Return whether nothing more will come: the recorder is gone, and left nothing unread."""
        return not is_held(self._tail.path) and not self.step()


def is_part(found: Verified) -> bool:
    """Return whether a file is intact and has nothing that its journal has not."""
    return found.with_journal and not (found.damages or found.extra or found.beyond)


def free_name(nwb: Path) -> Path:
    """Return the name under which a file that is not right is kept."""
    k = 0
    while (name := nwb.with_name(f"{nwb.name}.broken{f'-{k}' if k else ''}")).exists():
        k += 1
    return name


def start(journal: Path, nwb: Path) -> subprocess.Popen[bytes]:
    """Start a packer in a process of its own. It ends by itself after the session's end, or the recorder's."""
    command = [sys.executable, "-m", "acquisition.session.packer", str(journal.absolute()), str(nwb.absolute())]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, env=environment(), start_new_session=not platform.IS_WINDOWS
    )


def main() -> int:
    """Pack the journal that is named on the command line."""
    import signal

    journal, nwb = Path(sys.argv[1]), Path(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the recording; what it recorded is packed nevertheless
    if hasattr(os, "nice"):
        os.nice(5)  # the recorder goes first
    try:
        with Packer(journal, nwb) as packer:
            packer.run()
    except (PatchrigError, OSError) as error:
        sys.stderr.write(f"{nwb.name} is not up to date: {error}. Everything is in {journal.name}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
