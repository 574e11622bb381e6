"""The control library, bound by ctypes from our own table, and one connection to MultiClamp Commander."""

from __future__ import annotations

import ctypes
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drivers.multiclamp.table import (
    API_VERSION,
    CALLS,
    PREFIX,
    RETURNS,
    SERIAL_SIZE,
    VALUE_TYPE,
    Code,
    Hardware,
)
from protocols.errors import HardwareError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "MultiClamp"
DEFAULT_LIBRARY = "AxMultiClampMsg.dll"
INSTALLED = (
    r"C:\Program Files\Molecular Devices",
    r"C:\Program Files (x86)\Molecular Devices",
    r"C:\Program Files\Axon",
    r"C:\Program Files (x86)\Axon",
    r"C:\Axon",
)
"""Where the maker's installers put the Commander; the library is in a folder '3rd Party Support' of it."""

PATIENCE = 3000
"""ms that a call waits for the Commander; the library's own default."""
AUTO_PATIENCE = 5000
"""ms for the automatic procedures, which can take longer than the default (found by ACQ4)."""
TEXT_SIZE = 256

# a handle is as wide as a pointer: ctypes' default, int, would cut it in half in a 64-bit process
C_TYPES: Mapping[str, Any] = {
    "": None,
    "h": ctypes.c_void_p,
    "s": ctypes.c_char_p,
    "u": ctypes.c_uint,
    "b": ctypes.c_int,
    "d": ctypes.c_double,
    "i": ctypes.c_int,
    "e": ctypes.POINTER(ctypes.c_int),
    "U": ctypes.POINTER(ctypes.c_uint),
    "B": ctypes.POINTER(ctypes.c_int),
    "D": ctypes.POINTER(ctypes.c_double),
}

CURES: Mapping[int, str] = {
    Code.OUT_OF_MEMORY: "the library is out of memory; restart MultiClamp Commander and patchrig",
    Code.NOT_OPEN: (
        "MultiClamp Commander does not answer: start it, as the same user and with the same rights as patchrig "
        "(both or neither as administrator); without an amplifier start it in demo mode"
    ),
    Code.BAD_HANDLE: "the connection to MultiClamp Commander is closed",
    Code.BAD_PARAMETER: "the amplifier has no such value in its present mode",
    Code.TIMEOUT: "MultiClamp Commander did not answer in time; close any window that is open in it, then try again",
    Code.COMMAND_FAILED: (
        "the amplifier refused; look whether it is switched on and connected, and what the Commander says"
    ),
}


class CommanderError(HardwareError):
    """A call failed; `code` is the library's number, `call` the call's name."""

    def __init__(self, call: str, code: int, text: str = "") -> None:
        """Say what to do first, and what the library says last."""
        self.code, self.call = code, call
        cure = CURES.get(code, "unknown to us")
        super().__init__(NAME, f"{cure} ({call}: {code}{f' {text}' if text else ''})")


@dataclass(frozen=True)
class Headstage:
    """One channel of one amplifier, as the library identifies it."""

    model: Hardware
    serial: str
    """Of a 700B; 'Demo' in demo mode."""
    com: int
    """Serial port of a 700A."""
    device: int
    """AxoBus number of a 700A."""
    channel: int

    def __str__(self) -> str:
        if self.model is Hardware.MC700A:
            return f"700A on COM{self.com}, device {self.device}, channel {self.channel}"
        return f"700B serial {self.serial}, channel {self.channel}"


def load(path: str) -> Any:
    """Return the control library at `path`, typed; a bare file name is looked for where installers put it.

    Raises
    ------
    HardwareError
        It is not there, does not load (a 32-bit library in a 64-bit Python), or speaks another version.
    """
    found = _locate(path)
    try:
        library = _open(found)
        for name, letters in CALLS.items():
            call = getattr(library, PREFIX + name)
            call.restype = C_TYPES[RETURNS.get(name, "b")]
            call.argtypes = [C_TYPES[letter] for letter in letters]
    except (OSError, AttributeError) as error:
        words = (
            f"the control library '{path}' does not load ({error}); it comes with MultiClamp Commander 2.2 or later "
            f"(64 bit) in '3rd Party Support'; write its path as 'library' under the amplifier's options"
        )
        raise HardwareError(NAME, words) from error
    if not library.MCCMSG_CheckAPIVersion(API_VERSION):
        raise HardwareError(NAME, f"the control library does not speak version {API_VERSION.decode()}; update it")
    return library


def _open(path: str) -> Any:
    """Return the library; the calling convention matters in 32-bit Windows only."""
    if sys.platform == "win32":
        return ctypes.WinDLL(path)
    return ctypes.CDLL(path)


def _locate(path: str) -> str:
    if Path(path).name != path or Path(path).exists():
        return path
    homes = (Path(folder) for folder in INSTALLED)
    return next((str(found) for home in homes if home.is_dir() for found in sorted(home.rglob(path))), path)


class Commander:
    """One connection to MultiClamp Commander.

    A connection has one selected headstage, so every call takes the lock and selects its own again.
    """

    def __init__(self, library: Any) -> None:
        """Connect; `library` is from `load`."""
        self._library, self._lock = library, threading.RLock()
        error = ctypes.c_int(Code.OK)
        self._handle: int | None = library.MCCMSG_CreateObject(ctypes.byref(error))
        if not self._handle:
            raise CommanderError("CreateObject", error.value)
        self.set_patience(PATIENCE)

    def close(self) -> None:
        """Disconnect; once is enough."""
        with self._lock:
            handle, self._handle = self._handle, None
            if handle:
                self._library.MCCMSG_DestroyObject(handle)

    def set_patience(self, milliseconds: int) -> None:
        """Wait that long for the Commander from now on."""
        self._call("SetTimeOut", milliseconds)

    def find(self) -> tuple[Headstage, ...]:
        """Return every headstage the Commander shows."""
        with self._lock:
            found, call = [], "FindFirstMultiClamp"
            while (headstage := self._find(call)) is not None:
                found.append(headstage)
                call = "FindNextMultiClamp"
            return tuple(found)

    def get(self, headstage: Headstage, name: str) -> float:
        """Return the setting `name` of the present mode: SI, a choice's number, or 0 or 1 for a switch."""
        value = _VALUES[VALUE_TYPE[name]]()
        self._at(headstage, f"Get{name}", ctypes.byref(value))
        return float(value.value)

    def set(self, headstage: Headstage, name: str, value: float) -> None:
        """Set `name` in the present mode."""
        self._at(headstage, f"Set{name}", value if VALUE_TYPE[name] == "d" else int(value))

    def act(self, headstage: Headstage, name: str) -> None:
        """Carry out one of the procedures, waiting longer for it than for others."""
        with self._lock:
            self.set_patience(AUTO_PATIENCE)
            try:
                self._at(headstage, name)
            finally:
                self.set_patience(PATIENCE)

    def _at(self, headstage: Headstage, call: str, *arguments: Any) -> None:
        h = headstage
        with self._lock:
            self._call("SelectMultiClamp", int(h.model), h.serial.encode(), h.com, h.device, h.channel)
            self._call(call, *arguments)

    def _call(self, call: str, *arguments: Any) -> None:
        error = ctypes.c_int(Code.OK)
        with self._lock:
            if not self._handle:
                raise CommanderError(call, Code.BAD_HANDLE)
            if not getattr(self._library, PREFIX + call)(self._handle, *arguments, ctypes.byref(error)):
                raise CommanderError(call, error.value, self._text(error.value))

    def _find(self, call: str) -> Headstage | None:
        model, com, device, channel = (ctypes.c_uint() for _ in range(4))
        serial = ctypes.create_string_buffer(SERIAL_SIZE)
        try:
            self._call(
                call, ctypes.byref(model), serial, SERIAL_SIZE,
                ctypes.byref(com), ctypes.byref(device), ctypes.byref(channel),
            )  # fmt: skip
        except CommanderError as error:
            if error.code == Code.OK:  # FALSE without an error is how the library says 'no more'
                return None
            raise
        name = serial.value.decode("ascii", "replace")
        return Headstage(Hardware(model.value), name, com.value, device.value, channel.value)

    def _text(self, code: int) -> str:
        text = ctypes.create_string_buffer(TEXT_SIZE)
        self._library.MCCMSG_BuildErrorText(self._handle, code, text, TEXT_SIZE)
        return text.value.decode("ascii", "replace").strip()


_VALUES: Mapping[str, Any] = {"d": ctypes.c_double, "b": ctypes.c_int, "u": ctypes.c_uint}
