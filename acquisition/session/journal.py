"""The journal: an append-only file of checked frames, the truth while a session is recorded.

    magic 4s | kind u2 | flags u2 | seq u8 | t_monotonic_ns u8 | length u4 | CRC32 of these u4
    payload  | CRC32 of the payload u4 | zeros up to a multiple of 8

All little-endian. A reader accepts frames while the numbers are consecutive and both checksums are right; the
first frame that fails is the end. What the payloads hold is in `acquisition.session.payloads`.

A frame is one call to the system: it survives the death of the process as soon as `append` returns, and a power
cut as soon as the next sync has (every 20 ms in a thread, and whenever `sync` is called).
"""

from __future__ import annotations

import errno
import os
import struct
import threading
import time
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Self

from acquisition.session import platform
from acquisition.session.disk import Volume
from protocols.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

MAGIC = b"PRJ1"
_FIELDS = struct.Struct("<4sHHQQI")
_CRC = struct.Struct("<I")
HEADER = _FIELDS.size + _CRC.size
"""Bytes before the payload."""
ALIGNMENT = 8
MOST_READ = 1 << 24
"""Bytes that a reader asks for at once."""
SUFFIX = ".journal"


class Kind(IntEnum):
    """What a frame holds."""

    UNKNOWN = 0
    """Of a later version: counted and passed over."""
    SESSION = 1
    SWEEP_BEGIN = 2
    DATA = 3
    SWEEP_END = 4
    MEASURED = 5
    LOG = 6
    TEMPERATURE = 7
    CLOSE = 8

    @classmethod
    def _missing_(cls, _value: object) -> Kind:
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True)
class Record:
    """One good frame, as read."""

    kind: Kind
    seq: int
    time_ns: int
    """Monotonic clock of the recording computer."""
    payload: bytes
    position: int
    """Of the frame's first byte in the file."""
    stop: int
    """Of the byte behind the frame: where the next one begins."""


def journal_path(nwb: Path) -> Path:
    """Return the name of the journal of the session file `nwb`."""
    return nwb.with_name(nwb.name + SUFFIX)


MOST_SEARCHED = 1 << 31
"""Bytes behind damage that are searched for frames; more than that is taken for lost frames without a look."""
LOCK_PATIENCE = 1.0
"""Seconds to wait for the lock of a journal that was just made."""


class Journal:
    """Appends frames to a new file. One thread owns it; a second one, inside, makes it durable.

    While it is open it is locked, so that nobody takes a running recording for a crashed one (`is_held`).

    Raises
    ------
    OSError
        From `append`, when the frame could not be written: position and number are as before, so that the same
        frame can be appended again after space was made. From any call, when the disk refused a sync: what was
        written since the last one may not be on the disk.
    """

    def __init__(self, path: Path, *, sync_every: float = 0.02, volume: Volume | None = None) -> None:
        """Create `path` on `volume`; its name is durable when this returns.

        Raises
        ------
        SessionError
            It exists already, or cannot be created.
        """
        self.path, self._volume = path, volume or Volume()
        self._descriptor = _create(path)
        self.position = self.seq = 0
        self._synced = 0
        self._failure: OSError | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_syncing, args=(sync_every,), name="sync", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """Do nothing: the file is open already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file, whatever happened."""
        self.close()

    def append(self, kind: Kind, *payload: bytes | memoryview) -> int:
        """Append a frame whose payload is the given parts, one behind the other; return its number."""
        self._raise_failure()
        parts = frame_parts(kind, self.seq, time.monotonic_ns(), *payload)
        self._volume.write_at(self._descriptor, parts, self.position)
        self.position += sum(memoryview(p).nbytes for p in parts)
        self.seq += 1
        return self.seq - 1

    def sync(self) -> None:
        """Return when everything appended is on the disk."""
        self._raise_failure()
        position = self.position
        platform.sync_data(self._descriptor)
        self._synced = position

    def close(self) -> None:
        """Sync and close. Closing twice does nothing."""
        if self._descriptor < 0:
            return
        self._ended.set()
        self._thread.join()
        descriptor, self._descriptor = self._descriptor, -1
        try:
            platform.sync_data(descriptor)
        finally:
            os.close(descriptor)
        self._raise_failure()

    def _raise_failure(self) -> None:
        # A sync that failed must not be repeated: Linux forgets which pages it could not write, and the second
        # one succeeds without having written them.
        if self._failure is not None:
            raise self._failure

    def _keep_syncing(self, every: float) -> None:
        while not self._ended.wait(every):
            position = self.position
            if position != self._synced and self._failure is None:
                try:
                    platform.sync_data(self._descriptor)
                    self._synced = position
                except OSError as error:
                    self._failure = error


class Tail:
    """Reads a journal while it grows, in this or another process, without a lock. Use it with `with`.

    `position` and `seq` say where the next frame is expected; a reader that begins again there misses nothing.
    """

    def __init__(self, path: Path, position: int = 0, seq: int = 0) -> None:
        """Open `path`; begin with frame number `seq` at `position`.

        Raises
        ------
        SessionError
            There is no such file, or it cannot be opened.
        """
        self.path, self.position, self.seq = path, position, seq
        try:
            self._descriptor = platform.open_to_read(path)
        except OSError as error:
            raise SessionError(f"the journal {path} cannot be opened: {error.strerror}") from error

    def __enter__(self) -> Self:
        """Do nothing: the file is open already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file. Closing twice does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def read(self, most: int = MOST_READ) -> list[Record]:
        """Return the frames that came since the last call, about `most` bytes of them; empty if none did.

        Raises
        ------
        SessionError
            The disk cannot read the file.
        """
        there = self.left_over()
        block = self._block(min(most, there))
        found = list(parse(block, self.position, self.seq))
        if not found and len(block) < frame_size(block) <= there:
            found = list(parse(self._block(frame_size(block)), self.position, self.seq))
        if found:
            self.position, self.seq = found[-1].stop, found[-1].seq + 1
        return found

    def sync(self) -> None:
        """Make durable what the recorder has written, also after its death.

        Windows syncs only what is open for writing; there the recorder's own syncs must do.
        """
        if not platform.IS_WINDOWS:
            platform.sync_data(self._descriptor)

    def left_over(self) -> int:
        """Return how many bytes there are behind the last good frame: a frame in the making, or damage."""
        return max(0, os.fstat(self._descriptor).st_size - self.position)

    def _block(self, size: int) -> bytes:
        try:
            return platform.read_at(self._descriptor, size, self.position)
        except OSError as error:
            raise SessionError(f"the journal {self.path} cannot be read: {error.strerror}") from error


def scan(path: Path, position: int = 0, seq: int = 0) -> Iterator[Record]:
    """Yield every good frame from `position` on; the first bad one is the end."""
    with Tail(path, position, seq) as tail:
        while found := tail.read():
            yield from found


def goes_on(path: Path, position: int) -> bool:
    """Return whether there are frames of a journal behind `position`, where reading had to stop.

    A recorder that died leaves half a frame at most. Whole heads of frames behind it mean that the journal was damaged
    in the middle, and that something was recorded which cannot be read.
    """
    rest = path.read_bytes()[position + 1 :] if path.stat().st_size - position < MOST_SEARCHED else b""
    at = rest.find(MAGIC)
    while at >= 0:
        if frame_size(rest[at : at + HEADER]):
            return True
        at = rest.find(MAGIC, at + 1)
    return not rest and path.stat().st_size > position + 1


def is_held(path: Path) -> bool:
    """Return whether a recorder has this journal open at this moment."""
    descriptor = platform.open_to_change(path)
    try:
        if not platform.try_lock(descriptor):
            return True
        platform.unlock(descriptor)
        return False
    finally:
        os.close(descriptor)


def frame_parts(kind: Kind, seq: int, time_ns: int, *payload: bytes | memoryview) -> list[bytes | memoryview]:
    """Return a frame's bytes in parts, so that samples need not be copied."""
    length, checksum = sum(memoryview(p).nbytes for p in payload), 0
    for part in payload:
        checksum = zlib.crc32(part, checksum)
    fields = _FIELDS.pack(MAGIC, kind, 0, seq, time_ns, length)
    padding = bytes(-(length + _CRC.size) % ALIGNMENT)
    return [fields + _CRC.pack(zlib.crc32(fields)), *payload, _CRC.pack(checksum) + padding]


def frame_size(block: bytes) -> int:
    """Return how long the frame is that begins `block`; 0 if no frame does."""
    if len(block) < HEADER or zlib.crc32(block[: _FIELDS.size]) != _CRC.unpack_from(block, _FIELDS.size)[0]:
        return 0
    magic, *_, length = _FIELDS.unpack_from(block)
    return _whole(length) if magic == MAGIC else 0


def parse(block: bytes, position: int, seq: int) -> Iterator[Record]:
    """Yield the good frames at the start of `block`, which was read at `position`; the first is number `seq`."""
    view, at = memoryview(block), 0
    while at + HEADER <= len(block):
        magic, kind, _flags, number, time_ns, length = _FIELDS.unpack_from(block, at)
        stop, start = at + _whole(length), at + HEADER
        if magic != MAGIC or number != seq or stop > len(block):
            return
        if zlib.crc32(view[at : start - _CRC.size]) != _CRC.unpack_from(block, start - _CRC.size)[0]:
            return
        payload = view[start : start + length]
        if zlib.crc32(payload) != _CRC.unpack_from(block, start + length)[0]:
            return
        yield Record(Kind(kind), number, time_ns, bytes(payload), position + at, position + stop)
        at, seq = stop, seq + 1


def _whole(length: int) -> int:
    """Return the bytes of a frame with a payload of `length`."""
    size = HEADER + length + _CRC.size
    return size + -size % ALIGNMENT


def _create(path: Path) -> int:
    """Create the file, lock it, and make its name durable."""
    try:
        descriptor = platform.create(path)
    except FileExistsError as error:
        raise SessionError(f"{path} exists already; a recording is never overwritten") from error
    except OSError as error:
        raise SessionError(f"{path} cannot be created: {error.strerror}. Does its folder exist?") from error
    try:
        _lock(descriptor)
        os.fsync(descriptor)
        platform.sync_folder(path.parent)
    except OSError as error:
        os.close(descriptor)
        raise SessionError(f"{path} cannot be locked or made durable: {error.strerror}. Use a local disk") from error
    return descriptor


def _lock(descriptor: int) -> None:
    """Take the lock that says a recorder lives. Somebody who asks `is_held` has it for an instant, no longer."""
    deadline = time.monotonic() + LOCK_PATIENCE
    while not platform.try_lock(descriptor):
        if time.monotonic() > deadline:
            raise OSError(errno.EAGAIN, "another process holds the lock of a new journal")
        time.sleep(0.001)
