"""The Commander's telegraph on Windows: a window that is never shown, and the messages it exchanges.

Dialogue (maker's telegraph SDK; ACQ4 `telegraph.py` does the same): registered messages are posted to all windows
with our window and a headstage's id. OPEN subscribes, REQUEST asks once, CLOSE unsubscribes; each answer is a
WM_COPYDATA whose data is a telegraph record and whose number is that of REQUEST.

`CommanderTelegraph` is that dialogue, and is tested anywhere. `MessageWindow` is the piece of Windows below it: it was
run against a library with the calls of user32, never on Windows; docs/devices/multiclamp.md says how to try it in demo
mode.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from drivers.multiclamp.table import Hardware
from drivers.multiclamp.telegraph import SIZE_700A, Telegraph, TelegraphError, decode

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.clock import Clock
    from drivers.multiclamp.library import Headstage

PATIENCE = 1.0
"""Seconds to wait for an answer."""
LOOK = 0.005
"""Seconds between looks for one."""
MESSAGES = ("Open", "Close", "Request")

WM_COPYDATA = 0x004A
HWND_BROADCAST = 0xFFFF
HWND_MESSAGE = -3
PM_REMOVE = 1


def identify(headstage: Headstage) -> int:
    """Return the number by which telegraph messages name `headstage`; a demo amplifier's serial number is 0."""
    if headstage.model is Hardware.MC700A:
        return headstage.com | headstage.device << 8 | headstage.channel << 16
    serial = int(headstage.serial) if headstage.serial.isdigit() else 0
    return (serial & 0x0FFFFFFF) | headstage.channel << 28


class Pump(Protocol):
    """A window that posts telegraph messages and collects records."""

    def open(self) -> None:
        """Make the window."""

    def post(self, message: str, identity: int) -> None:
        """Post 'Open', 'Close' or 'Request' for the headstage `identity` to all windows."""

    def collect(self) -> list[bytes]:
        """Return the records that have come since the last call."""

    def close(self) -> None:
        """Remove the window; never raises, and may be called twice."""


class CommanderTelegraph:
    """Telegraphs asked for one by one, so that each is as new as the question."""

    def __init__(self, pump: Pump, clock: Clock) -> None:
        """Take the window from outside; nothing is opened yet."""
        self._pump, self._clock = pump, clock
        self._subscribed: set[int] = set()

    def open(self) -> None:
        """Make the window. The thread that does so must be the one that reads."""
        self._pump.open()

    def read(self, headstage: Headstage) -> Telegraph:
        """Ask for the telegraph of `headstage` and return the answer."""
        identity = identify(headstage)
        self._pump.collect()  # what came unasked is older than this question
        if identity not in self._subscribed:
            self._pump.post("Open", identity)
            self._subscribed.add(identity)
        self._pump.post("Request", identity)
        return self._answer(headstage)

    def close(self) -> None:
        """Unsubscribe and remove the window."""
        for identity in self._subscribed:
            with suppress(TelegraphError):  # the window may be gone already
                self._pump.post("Close", identity)
        self._subscribed.clear()
        self._pump.close()

    def _answer(self, headstage: Headstage) -> Telegraph:
        deadline = self._clock.now() + PATIENCE
        while True:
            for raw in reversed(self._pump.collect()):
                if _is_of(said := decode(raw), headstage):
                    return said
            if self._clock.now() >= deadline:
                break
            self._clock.wait_until(self._clock.now() + LOOK)
        words = (
            f"no telegraph of the {headstage} within {PATIENCE:g} s; is MultiClamp Commander running with the same "
            f"rights as patchrig (both or neither as administrator)?"
        )
        raise TelegraphError(words)


def _is_of(said: Telegraph, headstage: Headstage) -> bool:
    if headstage.model is Hardware.MC700A:
        return (said.com, said.device, said.channel) == (headstage.com, headstage.device, headstage.channel)
    digits = said.serial if said.serial.isdigit() else "0"
    wanted = headstage.serial if headstage.serial.isdigit() else "0"
    return (int(digits), said.channel) == (int(wanted), headstage.channel)


class CopyData(ctypes.Structure):
    """COPYDATASTRUCT of the Windows API."""

    _fields_ = (("dwData", ctypes.c_size_t), ("cbData", ctypes.c_uint32), ("lpData", ctypes.c_void_p))


class WindowClass(ctypes.Structure):
    """WNDCLASSW of the Windows API."""

    _fields_ = (
        ("style", ctypes.c_uint),
        ("lpfnWndProc", ctypes.c_void_p),
        ("cbClsExtra", ctypes.c_int),
        ("cbWndExtra", ctypes.c_int),
        ("hInstance", ctypes.c_void_p),
        ("hIcon", ctypes.c_void_p),
        ("hCursor", ctypes.c_void_p),
        ("hbrBackground", ctypes.c_void_p),
        ("lpszMenuName", ctypes.c_wchar_p),
        ("lpszClassName", ctypes.c_wchar_p),
    )


def record_in(copied: CopyData, request: int) -> bytes | None:
    """Return the telegraph record in a WM_COPYDATA, or None if it is about something else."""
    if copied.dwData != request or copied.cbData < SIZE_700A or not copied.lpData:
        return None
    return ctypes.string_at(copied.lpData, copied.cbData)


def user32() -> Any:
    """Return the part of Windows that has windows and messages."""
    if sys.platform != "win32":
        raise TelegraphError("MultiClamp Commander runs on Windows only, and telegraphs only to programs there")
    return ctypes.WinDLL("user32")


class MessageWindow:
    """The window itself; of the thread that opens it."""

    def __init__(self, windows: Callable[[], Any] = user32) -> None:
        """Make nothing yet; `windows` returns user32, or a library with the same calls."""
        self._windows = windows
        self._user: Any = None
        self._window: int | None = None
        self._numbers: dict[str, int] = {}
        self._records: list[bytes] = []

    def open(self) -> None:
        """Register the messages and make the window."""
        self._user = _typed(self._windows())
        for name in MESSAGES:
            self._numbers[name] = self._user.RegisterWindowMessageW(f"MultiClampTelegraph{name}Msg")
        self._procedure = _procedure(self._on_message)  # Windows keeps only the address: we must keep the object
        name = f"patchrig telegraph {id(self)}"
        kind = WindowClass(lpfnWndProc=ctypes.cast(self._procedure, ctypes.c_void_p), lpszClassName=name)
        self._user.RegisterClassW(ctypes.byref(kind))
        self._window = self._user.CreateWindowExW(0, name, name, 0, 0, 0, 0, 0, HWND_MESSAGE, None, None, None)
        if not self._window:
            raise TelegraphError("Windows made no window for telegraph messages; restart patchrig")

    def post(self, message: str, identity: int) -> None:
        """Post to all windows; the Commander picks up what is its own."""
        if self._window and not self._user.PostMessageW(HWND_BROADCAST, self._numbers[message], self._window, identity):
            raise TelegraphError(f"Windows did not post the telegraph message '{message}'")

    def collect(self) -> list[bytes]:
        """Let Windows deliver what is waiting; records come to `_on_message` meanwhile."""
        message = ctypes.create_string_buffer(64)  # room for a MSG, 48 bytes in 64-bit Windows
        while self._window and self._user.PeekMessageW(message, self._window, 0, 0, PM_REMOVE):
            self._user.DispatchMessageW(message)
        found, self._records = self._records, []
        return found

    def close(self) -> None:
        """Remove the window."""
        window, self._window = self._window, None
        if window:
            self._user.DestroyWindow(window)

    def _on_message(self, window: int, message: int, word: int, long: int) -> int:
        if message != WM_COPYDATA:
            return int(self._user.DefWindowProcW(window, message, word, long))
        copied = CopyData.from_address(long)
        if (record := record_in(copied, self._numbers["Request"])) is not None:
            self._records.append(record)
        return 1


_HANDLE, _WORD, _LONG = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_ssize_t


def _procedure(act: Callable[..., int]) -> Any:
    """Return `act` as what Windows calls with each message."""
    types = (_LONG, _HANDLE, ctypes.c_uint, _WORD, _LONG)
    if sys.platform == "win32":
        return ctypes.WINFUNCTYPE(*types)(act)
    return ctypes.CFUNCTYPE(*types)(act)


def _typed(user: Any) -> Any:
    """Return user32 with the types of what we call: handles are as wide as pointers."""
    text, number = ctypes.c_wchar_p, ctypes.c_int
    user.RegisterWindowMessageW.argtypes = [text]
    user.RegisterClassW.argtypes = [ctypes.c_void_p]
    user.CreateWindowExW.restype = _HANDLE
    user.CreateWindowExW.argtypes = [ctypes.c_uint32, text, text, ctypes.c_uint32, *[number] * 4, *[_HANDLE] * 4]
    user.PostMessageW.argtypes = [_HANDLE, ctypes.c_uint, _WORD, _LONG]
    user.PeekMessageW.argtypes = [ctypes.c_void_p, _HANDLE, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint]
    user.DispatchMessageW.argtypes = [ctypes.c_void_p]
    user.DefWindowProcW.argtypes, user.DefWindowProcW.restype = [_HANDLE, ctypes.c_uint, _WORD, _LONG], _LONG
    user.DestroyWindow.argtypes = [_HANDLE]
    return user
