"""Windows, macOS and others: one priority for the whole process. Follows the manuals; not tested on either yet."""

from __future__ import annotations

import os
from typing import Any

from acquisition.precedence.way import NICE, Way

HIGH_PRIORITY_CLASS = 0x80
"""Windows.h. Children begin in the normal class: CreateProcess passes on only idle and below-normal."""


class HighClass(Way):
    """Windows' high priority class: before every program of the normal one."""

    words, is_strict = "HIGH_PRIORITY_CLASS", True

    def __init__(self, kernel: Any = None) -> None:
        """Remember what is now. `kernel` is kernel32, of which a test has its own."""
        self._kernel = kernel or _kernel32()
        self._before = int(self._kernel.GetPriorityClass(self._kernel.GetCurrentProcess()))

    def take(self) -> None:
        """Ask for it; any user may, and all threads are of the process's class."""
        self._set(HIGH_PRIORITY_CLASS)

    def give_back(self) -> None:
        """Have the class there was."""
        self._set(self._before)

    def _set(self, priority_class: int) -> None:
        if not self._kernel.SetPriorityClass(self._kernel.GetCurrentProcess(), priority_class):
            raise OSError("SetPriorityClass failed")


class NiceProcess(Way):
    """A larger share of the processor than others have. Processes that are started meanwhile have it as well."""

    words = f"nice {NICE}"

    def __init__(self) -> None:
        """Remember what is now."""
        self._before = os.getpriority(os.PRIO_PROCESS, 0)

    def take(self) -> None:
        """Ask for it; macOS lets root alone."""
        os.setpriority(os.PRIO_PROCESS, 0, min(self._before, NICE))

    def give_back(self) -> None:
        """Have what there was."""
        os.setpriority(os.PRIO_PROCESS, 0, self._before)


def _kernel32() -> Any:
    """Return kernel32 with the types of a handle: 64 bits, of which ctypes would keep 32."""
    import ctypes

    load: Any = getattr(ctypes, "WinDLL")  # noqa: B009  on Windows only
    kernel = load("kernel32", use_last_error=True)
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    kernel.GetPriorityClass.argtypes = (ctypes.c_void_p,)
    kernel.SetPriorityClass.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
    return kernel
