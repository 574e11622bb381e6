"""The board as the library that `nidaqmx` loads on a rig: `libnidaqmx.so.1`, with Python behind every entry point.

Each entry point jumps through a slot, so registers and stack arrive as the caller left them and any prototype passes,
variadic ones too. The library is built once with the system's C compiler and kept in a cache folder; NI's own
discovery (`ctypes.util.find_library`) finds it there. Linux on x86-64 and AArch64; the latter was never run.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from drivers.simulated.ni.c_calls import CALLS
from drivers.simulated.ni.c_face import Face
from drivers.simulated.ni.keeping import kept_alive
from protocols.errors import HardwareError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drivers.simulated.ni.board import Board

COMPILERS = ("gcc", "cc", "clang")
SONAME = "libnidaqmx.so.1"
JUMPS = {
    "x86_64": "jmp *slots+{offset}(%rip)",
    "aarch64": "adrp x16, slots+{offset}\\n ldr x16, [x16, :lo12:slots+{offset}]\\n br x16",
}
LETTERS: dict[str, Any] = {
    "P": ctypes.c_void_p, "i": ctypes.c_int32, "u": ctypes.c_uint32, "U": ctypes.c_uint64, "d": ctypes.c_double,
    "s": ctypes.c_char_p,
}  # fmt: skip


def source() -> str:
    """Return the C source: a table of slots and one jump for each call.

    Raises
    ------
    HardwareError
        There is no jump for this processor.
    """
    if platform.system() != "Linux" or platform.machine() not in JUMPS:
        words = f"the library is made for Linux on {', '.join(JUMPS)}, not for {platform.system()} {platform.machine()}"
        raise HardwareError("C library board", f"{words}; serve the board by gRPC")
    jump = JUMPS[platform.machine()]
    lines = [
        "static int unfilled(void) { return -200452; }",
        f"__attribute__((used)) static void *slots[{len(CALLS)}] = {{ {', '.join(['unfilled'] * len(CALLS))} }};",
        "void **patchrig_slots = slots;",
    ]
    for i, name in enumerate(CALLS):
        head = f".text\\n.globl DAQmx{name}\\n.type DAQmx{name}, %function\\nDAQmx{name}:\\n "
        lines.append(f'__asm__("{head}{jump.format(offset=8 * i)}\\n");')
    return "\n".join(lines) + "\n"


def cache_folder() -> Path:
    """Return where built libraries are kept: the user's cache (XDG Base Directory)."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "patchrig"


def built(folder: Path | None = None) -> Path:
    """Return the library's path, building it if this source was never built.

    Raises
    ------
    HardwareError
        There is no C compiler, or it fails.
    """
    text = source()
    place = (folder or cache_folder()) / f"ni-board-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    library = place / SONAME
    if library.exists() and (place / "libnidaqmx.so").exists():
        return library
    place.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=place) as scratch:
        fresh = _compile(text, Path(scratch))
        fresh.replace(library)  # at once, so that two processes may build at the same time
        link = Path(scratch, "link")
        link.symlink_to(SONAME)
        link.replace(place / "libnidaqmx.so")  # the name under which the linker looks for it
    return library


def _compile(text: str, folder: Path) -> Path:
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        words = f"no C compiler found ({', '.join(COMPILERS)}): install one, or serve the board by gRPC"
        raise HardwareError("C library board", words)
    code, library = folder / "stub.c", folder / "stub.so"
    code.write_text(text, encoding="ascii")
    command = [compiler, "-shared", "-fPIC", "-O1", f"-Wl,-soname,{SONAME}", "-o", str(library), str(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HardwareError("C library board", f"the C compiler failed: {done.stderr.strip()}")
    return library


@contextmanager
def load(board: Board, folder: Path | None = None) -> Iterator[Face]:
    """Let this process's NI-DAQmx be `board`, for as long as a `with` lasts; afterwards calls answer -200452.

    One board at a time. `nidaqmx` finds the library by itself, unless it has already found another in this process.

    Raises
    ------
    HardwareError
        The library cannot be built, or NI's own library is loaded in this process.
    """
    library = built(folder)
    exports = ctypes.CDLL(os.fspath(library))
    slots = ctypes.c_void_p.in_dll(exports, "patchrig_slots").value
    table = (ctypes.c_void_p * len(CALLS)).from_address(slots or 0)
    before, face = list(table), Face(board)
    closures = [_closure(face, name) for name in CALLS]  # held until the end: C keeps their addresses only
    try:
        for i, closure in enumerate(closures):
            table[i] = ctypes.cast(closure, ctypes.c_void_p).value
        _let_nidaqmx_find(library, face)
        with kept_alive(board):
            yield face
    finally:
        face.close()
        for i, unfilled in enumerate(before):
            table[i] = unfilled
        del closures


def _closure(face: Face, name: str) -> Any:
    letters, act = CALLS[name]
    return ctypes.CFUNCTYPE(ctypes.c_int32, *(LETTERS[letter] for letter in letters))(partial(face.answer, name, act))


def _let_nidaqmx_find(library: Path, face: Face) -> None:
    """Have nidaqmx look for its library once, in the folder of ours, and check that it has found that one."""
    from nidaqmx.errors import Error
    from nidaqmx.system import System

    before = os.environ.get("LD_LIBRARY_PATH")
    os.environ["LD_LIBRARY_PATH"] = os.fspath(library.parent)
    try:
        asked = face.answered
        System.local().driver_version  # noqa: B018  reading it loads the library
    except Error as error:
        raise HardwareError(
            "C library board", f"nidaqmx does not find it ({error}); are binutils installed?"
        ) from error
    finally:
        if before is None:
            del os.environ["LD_LIBRARY_PATH"]
        else:
            os.environ["LD_LIBRARY_PATH"] = before
    if face.answered == asked:
        raise HardwareError("C library board", "nidaqmx has already loaded another library in this process")
