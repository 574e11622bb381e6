"""Linux: each thread has a class and a nice value of its own."""

from __future__ import annotations

import getpass
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from acquisition.precedence.way import NICE, Way

if TYPE_CHECKING:
    from collections.abc import Callable

PRIORITY = 10
"""Of 99. Above every ordinary program; below the kernel's threads for interrupts (50) and most sound servers."""
OURS = os.SCHED_RR | os.SCHED_RESET_ON_FORK
ORDINARY = os.SCHED_OTHER | os.SCHED_RESET_ON_FORK
"""Without the flag a user who is not root may not go back: sched_setscheduler(2), EPERM."""

TASKS = "/proc/self/task"
NET = Path("/proc/sys/kernel/sched_rt_runtime_us")
AUTOGROUP = Path("/proc/self/autogroup")


def danger(net: Path = NET) -> str:
    """Return why real time could lock up this computer; empty if it cannot.

    Python's lock lets one thread compute at a time, so a run that hangs in a loop takes one processor. The others are
    there to end it, and the kernel keeps 5 % even of that one for ordinary programs, unless it was told not to
    (sched(7), 'Limiting the CPU usage of real-time and deadline processes').
    """
    if len(os.sched_getaffinity(0)) < 2:
        return "there is one processor"
    with suppress(OSError, ValueError):
        if int(net.read_text(encoding="ascii")) < 0:
            return f"{net} is -1"
    return ""


def how_to_allow() -> str:
    """Return what a person does so that a run may have real time: pam_limits reads the file at the next login."""
    if why := danger():
        return f"close programs that keep the computer busy: real time is not asked for, because {why}"
    line = f"{getpass.getuser()} - rtprio {PRIORITY}"
    return f"as root: echo '{line}' > /etc/security/limits.d/patchrig.conf; then log out and in"


class RealTime(Way):
    """Real time, round robin: before every ordinary program, at once.

    Processes that are started meanwhile (packer, page, guardian) are ordinary ones. New threads are, too: the kernel's
    flag makes no difference between the two.
    """

    words, is_strict = f"SCHED_RR {PRIORITY}", True

    def take(self) -> None:
        """Change ordinary threads; those that the person started in another class (chrt) stay in it."""
        _each_thread(_make_real_time)

    def give_back(self) -> None:
        """Make ours ordinary again."""
        _each_thread(_make_ordinary)


class NiceThreads(Way):
    """A larger share of the processor than others have."""

    words = f"nice {NICE}"

    def __init__(self) -> None:
        """Remember what is now."""
        self._before = os.getpriority(os.PRIO_PROCESS, 0)
        self._group = Autogroup()

    def take(self) -> None:
        """Change ordinary threads, and what the kernel counts together with them."""
        _each_thread(_make_nice)
        self._group.prefer()

    def give_back(self) -> None:
        """Let every thread have what they had."""
        _each_thread(lambda thread: os.setpriority(os.PRIO_PROCESS, thread, self._before))
        self._group.give_back()


class Autogroup:
    """All that runs in one terminal. Between such groups only the groups' own nice values count (sched(7))."""

    def __init__(self, file: Path = AUTOGROUP) -> None:
        """Remember what is now; a kernel may have no groups, or we may not change ours."""
        self._file, self._taken = file, False
        with suppress(OSError):
            found = re.search(r"nice (-?\d+)", file.read_text(encoding="ascii"))
            self._before = int(found[1]) if found else 0

    def prefer(self) -> None:
        """Let the group go first."""
        if not self._taken:
            with suppress(OSError):
                self._file.write_text(str(NICE), encoding="ascii")
                self._taken = True

    def give_back(self) -> None:
        """Let the group be as before."""
        if self._taken:
            self._file.write_text(str(self._before), encoding="ascii")


def _each_thread(act: Callable[[int], None]) -> None:
    """Call `act` with the number of every thread of this process."""
    for name in os.listdir(TASKS):  # noqa: PTH208  twice a second in a recording: no objects for what are numbers
        with suppress(ProcessLookupError):  # it ended meanwhile
            act(int(name))


def _is_ordinary(thread: int) -> bool:
    return os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK == os.SCHED_OTHER


def _make_real_time(thread: int) -> None:
    if _is_ordinary(thread):
        os.sched_setscheduler(thread, OURS, os.sched_param(PRIORITY))


def _make_ordinary(thread: int) -> None:
    if os.sched_getscheduler(thread) == OURS:
        os.sched_setscheduler(thread, ORDINARY, os.sched_param(0))


def _make_nice(thread: int) -> None:
    if _is_ordinary(thread) and os.getpriority(os.PRIO_PROCESS, thread) > NICE:
        os.setpriority(os.PRIO_PROCESS, thread, NICE)
        os.sched_setscheduler(thread, ORDINARY, os.sched_param(0))  # or processes that it starts would go first, too
