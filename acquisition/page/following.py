"""Finds a run and reads its journal while it grows."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from acquisition.page.story import Story
from acquisition.register import Entry, entries
from acquisition.session.journal import Kind, Tail, is_held, journal_path, scan
from acquisition.session.payloads import frame_of
from protocols.errors import PatchrigError
from protocols.sweeps import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from acquisition.page.desk import Desk
    from acquisition.page.story import Played
    from acquisition.session.journal import Record

MOST_AT_ONCE = 1 << 22
"""Bytes of the journal that are read in one frame while the run goes on."""


@dataclass(frozen=True)
class Found:
    """A run to follow."""

    session: Path
    entry: Entry | None
    """Its entry in the register; None when it is over."""


def find(desk: Desk) -> Found | None:
    """Return the run that `desk` is about: the one it names, or else the living one that began last."""
    living = [e for e in entries() if e.lives]
    if desk.session is not None:
        session = desk.session.absolute()
        entry = next((e for e in living if e.session == session), None)
        return Found(session, entry) if journal_path(session).exists() else None
    mine = [e for e in living if desk.pid in (None, e.pid) and journal_path(e.session).exists()]
    return Found(mine[-1].session, mine[-1]) if mine else None


class Following:
    """One journal, and the story it tells so far."""

    def __init__(self, found: Found) -> None:
        """Open the journal."""
        self.session, self.entry = found.session, found.entry
        self.story: Story | None = None
        self._tail = Tail(journal_path(found.session))
        self._at = 0.0

    def read(self, most: int = MOST_AT_ONCE) -> int:
        """Take what has come since the last time, and return how many frames that were.

        Raises
        ------
        PatchrigError
            The journal cannot be read, or is of another version.
        """
        return self._take(most, with_samples=True)

    def read_all(self) -> None:
        """Take everything that there is; of samples, only those of the last sweep, and of others what is needed."""
        while self._take(1 << 26, with_samples=False):
            pass
        if self.story is not None and self.story.sweeps:
            for record in self._data(self.story.sweeps[-1]):
                self.story.samples(record)
            self.story.settle()

    def _take(self, most: int, *, with_samples: bool) -> int:
        records = self._tail.read(most)
        for record in records:
            if self.story is None:
                self.story = Story.of(record)
                self.story.recall = self._recalled
            else:
                self.story.take(record, with_samples=with_samples)
        return len(records)

    def _data(self, played: Played) -> Iterator[Record]:
        """Yield the frames with samples of a sweep, as far as the journal has been read."""
        for record in scan(journal_path(self.session), *played.place):
            if record.seq >= self._tail.seq or record.kind is Kind.SWEEP_END:
                return
            if record.kind is Kind.DATA:
                yield record

    def _recalled(self, played: Played) -> Iterator[Frame]:
        """Yield the samples of a sweep, in one frame where none are lost."""
        frames = [frame_of(r.payload, len(played.header.channels)) for r in self._data(played)]
        is_whole = all(a.first + a.n_samples == b.first for a, b in pairwise(frames))
        yield from [Frame(0, np.concatenate([f.counts for f in frames], axis=1))] if frames and is_whole else frames

    @property
    def size(self) -> int:
        """Bytes read of the journal."""
        return self._tail.position

    @property
    def lives(self) -> bool:
        """Whether somebody still records into the journal."""
        try:
            return is_held(journal_path(self.session))
        except OSError:
            return False

    def free(self) -> int | None:
        """Return the bytes that are free where the session is."""
        try:
            return shutil.disk_usage(self.session.parent).free
        except OSError:
            return None

    def close(self) -> None:
        """Close the journal."""
        self._tail.close()


def followed(desk: Desk) -> Following | None:
    """Return a run that was found and opened, with its whole story so far; None if there is none yet."""
    found = find(desk)
    if found is None:
        return None
    following = Following(found)
    try:
        following.read_all()
    except PatchrigError:
        following.close()
        raise
    if following.story is None:
        following.close()
        return None
    return following
