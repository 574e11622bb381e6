"""Makes a process give way to all others: what is recorded comes before what is shown."""

from __future__ import annotations

import os
import sys

NICE = 10
"""Of 19: behind every program of the person, before what the system does when nothing else is to be done."""
BELOW_NORMAL = 0x4000
"""BELOW_NORMAL_PRIORITY_CLASS (Win32, SetPriorityClass)."""


def stand_back() -> None:
    """Lower the priority of this process, and of those that it starts; nobody but the administrator raises it again."""
    if sys.platform == "win32":  # not tested there
        import ctypes

        this_process = ctypes.c_void_p(-1)
        ctypes.windll.kernel32.SetPriorityClass(this_process, BELOW_NORMAL)
    else:
        # not os.nice, which adds: a run that goes first may have given us a value below that of other programs
        os.setpriority(os.PRIO_PROCESS, 0, max(NICE, os.getpriority(os.PRIO_PROCESS, 0)))
