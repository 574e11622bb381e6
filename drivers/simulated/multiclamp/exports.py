"""Builds a C library with all exports of the control library, each handing over to a slot that Python fills.

The binding is thereby tested as it runs on a rig: a library on disk, loaded by path, C types on the way in and out.
"""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drivers.multiclamp.library import C_TYPES
from drivers.multiclamp.table import CALLS, PREFIX, RETURNS
from protocols.errors import HardwareError

if TYPE_CHECKING:
    from collections.abc import Callable

C_NAMES = {
    "": "void", "h": "void *", "s": "char *", "u": "unsigned", "b": "int", "d": "double", "i": "int",
    "e": "int *", "U": "unsigned *", "B": "int *", "D": "double *",
}  # fmt: skip
SLOT = "patchrig_slot_"
COMPILERS = ("gcc", "cc", "clang")


def source() -> str:
    """Return the C source: one slot and one export for each call of the table."""
    return "\n".join(_export(name, letters) for name, letters in CALLS.items()) + "\n"


def _export(name: str, letters: str) -> str:
    result = C_NAMES[RETURNS.get(name, "b")]
    types = ", ".join(C_NAMES[letter] for letter in letters)
    named = ", ".join(f"{C_NAMES[letter]} a{i}" for i, letter in enumerate(letters))
    passed = ", ".join(f"a{i}" for i in range(len(letters)))
    back = "" if result == "void" else "return "
    return (
        f"{result} (*{SLOT}{name})({types}) = 0;\n"
        f'__attribute__((visibility("default"))) {result} {PREFIX}{name}({named}) {{ {back}{SLOT}{name}({passed}); }}'
    )


@functools.cache
def compiled(code: str) -> bytes:
    """Return the shared library that the C source `code` makes; compiled once per process.

    Raises
    ------
    HardwareError
        There is no C compiler, or it fails.
    """
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise HardwareError("MultiClamp dry run", f"no C compiler found ({', '.join(COMPILERS)}); install gcc")
    with tempfile.TemporaryDirectory() as folder:
        written, library = Path(folder, "code.c"), Path(folder, "code.so")
        written.write_text(code, encoding="ascii")
        command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(written)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise HardwareError("MultiClamp dry run", f"the C compiler failed: {done.stderr.strip()}")
        return library.read_bytes()


class Exports:
    """One library file of its own, its slots filled with `answer`."""

    def __init__(self, answer: Callable[..., Any]) -> None:
        """Write the file and fill the slots.

        Parameters
        ----------
        answer
            Called as `answer(name, *arguments)` for every call into the library, with addresses for all pointers.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="patchrig-multiclamp-")
        self.path = Path(self._folder.name, "AxMultiClampMsg.so")
        self.path.write_bytes(compiled(source()))
        self._library = ctypes.CDLL(os.fspath(self.path))
        self._kept = [self._fill(name, letters, answer) for name, letters in CALLS.items()]

    def close(self) -> None:
        """Remove the file; what has loaded it keeps it."""
        self._folder.cleanup()

    def _fill(self, name: str, letters: str, answer: Callable[..., Any]) -> Any:
        result = C_TYPES[RETURNS.get(name, "b")]
        # a text is an address here: some calls write to it
        arguments = [ctypes.c_void_p if letter == "s" else C_TYPES[letter] for letter in letters]
        closure = ctypes.CFUNCTYPE(result, *arguments)(functools.partial(answer, name))
        slot = ctypes.c_void_p.in_dll(self._library, SLOT + name)
        slot.value = ctypes.cast(closure, ctypes.c_void_p).value
        return closure
