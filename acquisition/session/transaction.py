"""Changes an HDF5 file all at once or not at all, so that it is a whole file at every instant, also at a crash.

HDF5 works on an `Overlay`, which keeps what it writes in memory. `commit` carries that into the file:

1. bytes past the old end, made durable: nothing points at them yet, so no reader can meet them;
2. changed bytes inside the old file, to `NAME.nwb.redo` with a checksum, made durable;
3. the same bytes into their places, under the exclusive lock that HDF5's readers hold shared while they have the
   file open: nobody ever sees half a change, and a reader can make us wait;
4. the file is made durable, and the redo record crossed out.

Whoever finds a redo file replays it (`replay_redo`): before step 2 is complete its checksum is wrong and nothing had
been changed, afterwards replaying it once more does no harm. HDF5 itself never writes to the disk, so a full disk is an
ordinary error here and not the end of the program (h5py issue 914: libhdf5 dies of it).
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from acquisition.session import platform
from protocols.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

PAGE = 4096
GLANCE = 0.01
"""Seconds between two looks whether readers have left."""
PATIENCE = 30.0
"""Seconds to wait for readers before a person is told."""

LIBVER = ("earliest", "v110")
"""Version bounds: HDF5 1.8 and later can read the file, and it carries no 'open for writing' mark."""

MAGIC = b"PRR1"
HEAD = struct.Struct("<4sIQQ")
"""Magic, number of pieces, size of the file after the change, bytes that follow before the checksum."""
PIECE = struct.Struct("<QI")
"""Offset, length; the bytes follow."""
SUM = struct.Struct("<I")

Piece = tuple[int, bytes]
"""Offset in the file, bytes."""


class Overlay:
    """A file as HDF5 sees it: what is written stays in memory until `commit`, what is read is the newest."""

    def __init__(self, path: Path) -> None:
        """Open an existing file; it may be empty."""
        self.path = path
        self._fd = platform.open_to_change(path)
        self.committed = self.size = os.fstat(self._fd).st_size
        self.redo = Redo(redo_path(path))
        self._position = 0
        self._pages: dict[int, bytearray] = {}

    def __enter__(self) -> Self:
        """Do nothing: it is open already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file below. What was not committed is forgotten."""
        self.close()

    @property
    def waiting(self) -> int:
        """Bytes in memory that are not in the file yet."""
        return len(self._pages) * PAGE

    # --- what h5py asks of a file -------------------------------------------------------------------------------

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to `offset` from the start (0), from here (1) or from the end (2)."""
        self._position = offset + (0, self._position, self.size)[whence]
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def read(self, count: int = -1) -> bytes:
        """Return up to `count` bytes."""
        left = max(0, self.size - self._position)
        out = bytearray(left if count < 0 else min(count, left))
        self.readinto(out)
        return bytes(out)

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as the file goes and return how many bytes that were."""
        view = memoryview(buffer).cast("B")
        count = max(0, min(len(view), self.size - self._position))
        for page, start, done, n in _parts(self._position, count):
            if page in self._pages:
                view[done : done + n] = self._pages[page][start : start + n]
            else:
                view[done : done + n] = self._below(page * PAGE + start, n)
        self._position += count
        return count

    def write(self, data: Any) -> int:
        """Keep `data` in memory."""
        view = memoryview(data).cast("B")
        for page, start, done, n in _parts(self._position, len(view)):
            if n == PAGE:
                self._pages[page] = bytearray(view[done : done + n])
            else:
                self._page(page)[start : start + n] = view[done : done + n]
        self._position += len(view)
        self.size = max(self.size, self._position)
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Set the size. The file below never becomes shorter: bytes past HDF5's end of file mean nothing to it."""
        self.size = self._position if size is None else size
        return self.size

    def flush(self) -> None:
        """Do nothing: `commit` is what makes things last."""

    def close(self) -> None:
        """Close the file below. Closing twice does nothing."""
        self.redo.close()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    # --- what commit asks ---------------------------------------------------------------------------------------

    @property
    def fd(self) -> int:
        """The file below."""
        return self._fd

    def pieces(self) -> tuple[list[Piece], list[Piece]]:
        """Return what is new past the committed end, and what changed before it."""
        fresh: list[Piece] = []
        changed: list[Piece] = []
        for page in sorted(self._pages):
            start, data = page * PAGE, bytes(self._pages[page][: max(0, self.size - page * PAGE)])
            old = max(0, min(len(data), self.committed - start))
            if data[old:]:
                fresh.append((start + old, data[old:]))
            if data[:old] != self._below(start, old):
                changed.append((start, data[:old]))
        return _joined(fresh), _joined(changed)

    def settled(self) -> None:
        """Forget what was kept: it is in the file."""
        self._pages.clear()
        self.committed = max(self.committed, self.size)

    def move_to(self, path: Path) -> None:
        """Rename the file below, over whatever is there, so that the change lasts."""
        platform.sync_data(self._fd)
        self.close()  # Windows renames no open file
        platform.replace(self.path, path)
        self.path, self.redo = path, Redo(redo_path(path))
        self._fd = platform.open_to_change(path)

    def _page(self, page: int) -> bytearray:
        if page not in self._pages:
            self._pages[page] = bytearray(self._below(page * PAGE, PAGE))
        return self._pages[page]

    def _below(self, offset: int, count: int) -> bytes:
        """Return bytes of the file below; past its end they are zero."""
        n = max(0, min(count, self.committed - offset))
        return platform.read_at(self._fd, n, offset).ljust(count, b"\0") if n else bytes(count)


def commit(overlay: Overlay, *, patience: float = PATIENCE) -> bool:
    """Carry what `overlay` keeps into its file, all or nothing.

    Returns False when a reader held the file for more than `patience` seconds; then the file is as it was, the
    overlay keeps everything, and the next call tries again.

    Raises
    ------
    OSError
        The disk is full or fails. The file is as it was, or its redo file completes it; this overlay is of no more
        use.
    """
    fresh, changed = overlay.pieces()
    _put(overlay.fd, fresh)
    if changed:
        overlay.redo.write(changed, overlay.size)
        applied = _apply(overlay.fd, changed, patience)
        overlay.redo.cross_out()
        if not applied:
            return False
    overlay.settled()
    return True


def pour(overlay: Overlay) -> None:
    """Write what `overlay` keeps straight into its file: for one that nobody else knows yet."""
    for pieces in overlay.pieces():
        _put(overlay.fd, pieces, sync=False)
    overlay.settled()


def transact(path: Path, change: Callable[[Any], None], *, patience: float = PATIENCE) -> None:
    """Open the HDF5 file at `path`, let `change` work on it, and commit.

    Raises
    ------
    SessionError
        Another program holds the file.
    """
    import h5py

    replay_redo(path, patience=patience)
    with Overlay(path) as overlay:
        with h5py.File(overlay, "r+", libver=LIBVER) as file:
            change(file)
        if not commit(overlay, patience=patience):
            raise SessionError(f"{path} is held open by another program; close it there and try again")


def redo_path(path: Path) -> Path:
    """Return where the changes of an unfinished commit are."""
    return path.with_name(path.name + ".redo")


def replay_redo(path: Path, *, patience: float = PATIENCE) -> bool:
    """Complete a commit that was cut off; return whether there was one. Doing it twice does no harm.

    Raises
    ------
    SessionError
        Another program holds the file.
    """
    redo = redo_path(path)
    try:
        record = redo.read_bytes()
    except FileNotFoundError:
        return False
    found = _read_redo(record)
    if found is None or not path.exists() or path.stat().st_size < found[1]:
        platform.remove(redo)
        return False
    _replay(path, found[0], patience)
    platform.remove(redo)
    return True


def _replay(path: Path, pieces: list[Piece], patience: float) -> None:
    fd = platform.open_to_change(path)
    try:
        if not _apply(fd, pieces, patience):
            raise SessionError(f"{path} is held open by another program; close it there and try again")
    finally:
        os.close(fd)


class Redo:
    """The redo file of an open overlay: one file for all commits, because a new name costs a sync of the folder."""

    def __init__(self, path: Path) -> None:
        """Create nothing yet."""
        self.path = path
        self._fd = -1

    def write(self, pieces: list[Piece], size: int) -> None:
        """Put `pieces` on record, durably; `size` is the file's after the change."""
        if self._fd < 0:
            platform.remove(self.path)
            self._fd = platform.create(self.path)
            platform.sync_folder(self.path.parent)
        body = b"".join(PIECE.pack(offset, len(data)) + data for offset, data in pieces)
        record = HEAD.pack(MAGIC, len(pieces), size, len(body)) + body
        _put(self._fd, [(0, record + SUM.pack(zlib.crc32(record)))])

    def cross_out(self) -> None:
        """Make the record invalid. Not durable, and need not be: replaying it is harmless until the next one."""
        platform.write_at(self._fd, [bytes(len(MAGIC))], 0)

    def close(self) -> None:
        """Remove the file, unless it holds a change that was not completed."""
        if self._fd < 0:
            return
        crossed_out = platform.read_at(self._fd, len(MAGIC), 0) != MAGIC
        os.close(self._fd)
        self._fd = -1
        if crossed_out:
            platform.remove(self.path)


def _read_redo(record: bytes) -> tuple[list[Piece], int] | None:
    """Return the pieces and the file's size afterwards; None if the record is not whole, or crossed out."""
    if len(record) < HEAD.size:
        return None
    magic, count, size, length = HEAD.unpack_from(record)
    end = HEAD.size + length
    if magic != MAGIC or record[end : end + SUM.size] != SUM.pack(zlib.crc32(record[:end])):
        return None
    pieces, place = [], HEAD.size
    for _ in range(count):
        offset, n = PIECE.unpack_from(record, place)
        place += PIECE.size
        pieces.append((offset, record[place : place + n]))
        place += n
    return pieces, size


def _apply(fd: int, pieces: list[Piece], patience: float) -> bool:
    """Write `pieces` in their places while no reader has the file open; return whether they left in time."""
    with _lease(fd, patience) as free:
        if free:
            _put(fd, pieces, sync=False)
    if free:
        # Not under the lock: HDF5 does not wait for it, so a reader that comes then would fail.
        platform.sync_data(fd)
    return free


@contextmanager
def _lease(fd: int, patience: float) -> Iterator[bool]:
    """Hold the exclusive lock, or give False when readers did not leave in time."""
    until = time.monotonic() + patience
    while not (free := platform.try_lock(fd)) and time.monotonic() < until:
        time.sleep(GLANCE)
    try:
        yield free
    finally:
        if free:
            platform.unlock(fd)


def _put(fd: int, pieces: list[Piece], *, sync: bool = True) -> None:
    """Write each piece in its place."""
    for offset, data in pieces:
        platform.write_at(fd, [data], offset)
    if sync and pieces:
        platform.sync_data(fd)


def _parts(offset: int, count: int) -> Iterator[tuple[int, int, int, int]]:
    """Cut a range at pages: page, start within it, bytes done before, bytes."""
    done = 0
    while done < count:
        page, start = divmod(offset + done, PAGE)
        n = min(PAGE - start, count - done)
        yield page, start, done, n
        done += n


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Join pieces that touch, so that each run is one write."""
    runs: list[tuple[int, list[bytes]]] = []
    end = -1
    for offset, data in pieces:
        if offset == end:
            runs[-1][1].append(data)
        else:
            runs.append((offset, [data]))
        end = offset + len(data)
    return [(offset, b"".join(parts)) for offset, parts in runs]
