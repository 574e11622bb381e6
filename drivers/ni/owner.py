"""Who has a card: one process of one computer, and whether it is proved that it has ended."""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from uuid import uuid4


def this_system() -> str:
    """Return what no other set of process numbers has: this start of this computer, and who counts; '' if unknown.

    A computer's name is no proof: the Linux in a Windows computer has its name, so have containers and cloned disks,
    and each numbers its own processes.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        numbers = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return ""
    return sha256(f"{boot} {numbers}".encode()).hexdigest()[:12]


def began(pid: int) -> str:
    """Return when a process of this system began, in ticks since the computer's start; '' if it is gone or unknown."""
    state, ticks = _state_and_start(pid)
    return "" if state == "Z" else ticks


@dataclass(frozen=True)
class Owner:
    """A program that has a card."""

    id: str = field(default_factory=lambda: uuid4().hex)
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=platform.node)
    since: str = field(default_factory=lambda: datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"))
    system: str = field(default_factory=this_system)
    began: str = field(default_factory=lambda: began(os.getpid()))

    def words(self) -> str:
        """Return who it is."""
        return f"process {self.pid} on {self.host or 'a computer without a name'}, since {self.since}"

    def told(self, beat: int) -> str:
        """Return what stands in the claim, for `owner_in`; `beat` counts the signs of life."""
        return json.dumps({**asdict(self), "beat": beat})

    def is_known_dead(self) -> bool:
        """Return whether it is proved that its process has ended; False where nobody can say.

        Proved: it was counted where we are counted, and no process has its number, or a later one has it.
        """
        if not self.system or self.system != this_system():
            return False
        return _has_ended(self.pid) or bool(self.began and (now := began(self.pid)) and now != self.began)


def owner_in(told: str) -> Owner | None:
    """Return who stands in a claim; None if that is not said."""
    try:
        facts = json.loads(told)
        names = ("id", "host", "since", "system", "began")
        return Owner(pid=int(facts["pid"]), **{name: str(facts[name]) for name in names})
    except (ValueError, KeyError, TypeError):
        return None


def _has_ended(pid: int) -> bool:
    """Return whether no process of this computer has the number; on Windows nobody asks, and nobody can say."""
    if os.name != "posix":
        return False  # there os.kill would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return _state_and_start(pid)[0] == "Z"  # it has ended, and its parent has not asked about it yet


def _state_and_start(pid: int) -> tuple[str, str]:
    """Return a process's state and start, as proc(5) has them in fields 3 and 22 of 'stat'; '' where there is none."""
    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return fields[0], fields[19]
    return "", ""
