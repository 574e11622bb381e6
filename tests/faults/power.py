"""A power cut, by the page model: what a disk may hold when the power goes at any point of a trace of writes.

After the last completed sync of a file, each of its 4 KiB pages holds, independently, any of the versions that it had
since then began; the file is as long as its furthest page that came through. Names follow the order in which they
were made, as in a journalling file system, as far as the last sync of the folder and a random bit further.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator
    from pathlib import Path

PAGE = 4096


@dataclass(frozen=True)
class Act:
    """One call to the system, or a mark of how far the recorder had come."""

    verb: str
    file: int = 0
    """Number of the file; names move, files stay."""
    position: int = 0
    data: bytes = b""
    name: str = ""
    target: str = ""
    kept: int = 0
    finished: int = 0


class Trace:
    """Everything that this process did to the files of one folder, in order."""

    def __init__(self, folder: Path) -> None:
        self.acts: list[Act] = []
        self._folder, self._lock = str(folder), threading.Lock()
        self._file_of: dict[int, int] = {}
        self._files = 0

    def mark(self, kept: int, finished: int) -> None:
        """Note how far the recorder has come: what it said it had kept must be there after a cut from here on."""
        self._note(Act("mark", kept=kept, finished=finished))

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Listen to the system's calls."""
        genuine = {name: getattr(os, name) for name in self._listeners()}
        try:
            for name, listener in self._listeners().items():
                setattr(os, name, partial(listener, genuine[name]))
            yield
        finally:
            for name, call in genuine.items():
                setattr(os, name, call)

    def _listeners(self) -> dict[str, Callable]:
        return {
            "open": self._open,
            "close": self._close,
            "pwritev": self._pwritev,
            "ftruncate": self._ftruncate,
            "fdatasync": self._sync,
            "fsync": self._sync,
            "replace": self._replace,
            "unlink": self._unlink,
        }

    def _note(self, act: Act) -> None:
        with self._lock:
            self.acts.append(act)

    def _open(self, genuine: Callable, path: object, flags: int, *more: int, **options: object) -> int:
        descriptor = genuine(path, flags, *more, **options)
        name = os.fspath(path)
        if name == self._folder:
            self._file_of[descriptor] = -1
        elif name.startswith(self._folder + os.sep):
            self._file_of[descriptor] = self._number(name.removeprefix(self._folder + os.sep), flags)
        return descriptor

    def _number(self, name: str, flags: int) -> int:
        if not flags & os.O_CREAT:
            return self._numbers[name]
        self._files += 1
        self._numbers[name] = self._files
        self._note(Act("create", self._files, name=name))
        return self._files

    @property
    def _numbers(self) -> dict[str, int]:
        return self.__dict__.setdefault("numbers", {})

    def _close(self, genuine: Callable, descriptor: int) -> None:
        self._file_of.pop(descriptor, None)
        genuine(descriptor)

    def _pwritev(self, genuine: Callable, descriptor: int, parts: list, position: int) -> int:
        # One call, one entry: noting and writing belong together, or a sync could come between them.
        with self._lock:
            written = genuine(descriptor, parts, position)
            if descriptor in self._file_of:
                data = b"".join(parts)[:written]
                self.acts.append(Act("write", self._file_of[descriptor], position, data))
        return written

    def _ftruncate(self, genuine: Callable, descriptor: int, size: int) -> None:
        genuine(descriptor, size)
        if descriptor in self._file_of:
            self._note(Act("truncate", self._file_of[descriptor], size))

    def _sync(self, genuine: Callable, descriptor: int) -> None:
        """A sync promises what was written before it began, and promises it when it ends."""
        file = self._file_of.get(descriptor)
        if file is not None:
            self._note(Act("sync begins", file, threading.get_ident()))
        genuine(descriptor)
        if file is not None:
            self._note(Act("sync ends", file, threading.get_ident()))

    def _replace(self, genuine: Callable, source: object, target: object) -> None:
        genuine(source, target)
        names = [os.fspath(n).removeprefix(self._folder + os.sep) for n in (source, target)]
        self._numbers[names[1]] = self._numbers.pop(names[0])
        self._note(Act("rename", name=names[0], target=names[1]))

    def _unlink(self, genuine: Callable, path: object, **options: object) -> None:
        genuine(path, **options)
        name = os.fspath(path).removeprefix(self._folder + os.sep)
        if self._numbers.pop(name, None) is not None:
            self._note(Act("unlink", name=name))


@dataclass
class Pages:
    """One file: what is on the disk for certain, and what may be."""

    durable: dict[int, bytes] = field(default_factory=dict)
    durable_size: int = 0
    now: dict[int, bytes] = field(default_factory=dict)
    size: int = 0
    versions: dict[int, list[tuple[bytes, int]]] = field(default_factory=dict)
    """Page -> its contents since the last sync, each with the end of what had been written."""
    promised: dict[int, tuple[dict[int, bytes], int, dict[int, int]]] = field(default_factory=dict)
    """Thread -> pages, size and numbers of versions when its sync began."""

    def write(self, position: int, data: bytes) -> None:
        done = 0
        while done < len(data):
            page, start = divmod(position + done, PAGE)
            n = min(PAGE - start, len(data) - done)
            old = self.now.get(page, bytes(PAGE))
            self.now[page] = old[:start] + data[done : done + n] + old[start + n :]
            self.versions.setdefault(page, []).append((self.now[page], position + done + n))
            done += n
        self.size = max(self.size, position + len(data))

    def begin_sync(self, thread: int) -> None:
        self.promised[thread] = dict(self.now), self.size, {page: len(v) for page, v in self.versions.items()}

    def end_sync(self, thread: int) -> None:
        pages, size, known = self.promised.pop(thread)
        self.durable.update(pages)
        self.durable_size = max(self.durable_size, size)
        self.versions = {page: v[known.get(page, 0) :] for page, v in self.versions.items()}
        self.versions = {page: v for page, v in self.versions.items() if v}

    def after_cut(self, dice: random.Random) -> bytes:
        """Return what the file may be."""
        pages, size = dict(self.durable), self.durable_size
        for page, versions in self.versions.items():
            chosen = dice.randrange(len(versions) + 1)
            if chosen:
                pages[page], end = versions[chosen - 1]
                size = max(size, end)
        out = bytearray(size)
        for page, data in pages.items():
            start = page * PAGE
            if start < size:
                out[start : min(start + PAGE, size)] = data[: size - start]
        return bytes(out)


class Disk:
    """The folder as it may be at one point of the trace."""

    def __init__(self) -> None:
        self.kept = self.finished = 0
        self._files: dict[int, Pages] = {}
        self._names: dict[str, int] = {}
        self._later: list[Act] = []
        self._promised: dict[int, int] = {}

    def do(self, act: Act) -> None:
        """Go on by one act."""
        match act.verb:
            case "mark":
                self.kept, self.finished = act.kept, act.finished
            case "create":
                self._files[act.file] = Pages()
                self._later.append(act)
            case "rename" | "unlink":
                self._later.append(act)
            case "write":
                self._files[act.file].write(act.position, act.data)
            case "sync begins" if act.file < 0:
                self._promised[act.position] = len(self._later)
            case "sync ends" if act.file < 0:
                self._settle_names(self._promised.pop(act.position))
            case "sync begins":
                self._files[act.file].begin_sync(act.position)
            case "sync ends":
                self._files[act.file].end_sync(act.position)
            case _:
                raise AssertionError(f"the model knows no {act.verb}")

    def cut(self, folder: Path, dice: random.Random) -> None:
        """Write into `folder` what may be there when the power comes back."""
        names = dict(self._names)
        for act in self._later[: dice.randint(0, len(self._later))]:
            _rename(names, act)
        for name, file in names.items():
            (folder / name).write_bytes(self._files[file].after_cut(dice))

    def _settle_names(self, count: int) -> None:
        for act in self._later[:count]:
            _rename(self._names, act)
        self._later = self._later[count:]


def _rename(names: dict[str, int], act: Act) -> None:
    match act.verb:
        case "create":
            names[act.name] = act.file
        case "rename" if act.name in names:
            names[act.target] = names.pop(act.name)
        case "unlink":
            names.pop(act.name, None)
