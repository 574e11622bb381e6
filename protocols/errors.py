"""Every error of ours, in one tree.

    PatchrigError                      anything a person should read as one sentence
    ├── InvalidFile                    a protocol or rig file that cannot be used          (exit 3)
    ├── Refused                        a plan, a command or a state we will not carry out
    │   └── LimitExceeded              beyond the rig's limits; nothing was written
    ├── HardwareError                  a device failed or is missing                       (exit 4)
    │   ├── ModeMismatch               the amplifier is not in the mode we believe
    │   ├── TakenByAnother             another program that lives has the device: hands off
    │   └── Overrun                    samples were lost
    ├── SessionError                   a session file cannot be written or read
    │   └── DiskFull                   for want of space; recording can go on once there is some
    └── Stopped                        the run ends early, on purpose
        ├── StoppedByGate              a quality gate said so                              (exit 5)
        └── StoppedByPerson            a person said so                                    (exit 130)

An error carries what it knows as attributes and its message says what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class PatchrigError(Exception):
    """Anything that a person should read as one sentence, never as a traceback."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a file: where it is, what is wrong, what was expected."""

    line: int
    column: int
    message: str
    where: str = ""
    """Path in the file, such as 'steps[1].hold.voltage'."""


class InvalidFile(PatchrigError):
    """A protocol or rig file that cannot be used; `problems` has every mistake found in one pass."""

    def __init__(self, path: str, text: str, problems: Sequence[Problem]) -> None:
        """Keep the text, so that the message can show each line with a caret."""
        self.path, self.text, self.problems = path, text, tuple(problems)
        super().__init__(self.show())

    def show(self) -> str:
        """Return all problems, each as file:line:column, the line and a caret."""
        lines = self.text.splitlines()
        return "\n".join(self._one(p, lines) for p in self.problems)

    def _one(self, p: Problem, lines: list[str]) -> str:
        head = f"{self.path}:{p.line}:{p.column}: {p.message}"
        if p.line > len(lines):
            return head
        source = lines[p.line - 1]
        return f"{head}\n  {p.line:>4} | {source}\n       | {' ' * (p.column - 1)}^ {p.where}".rstrip()


class Refused(PatchrigError):
    """A plan, a command or a state that we will not carry out."""


class LimitExceeded(Refused):
    """A command beyond the rig's limits. Nothing was written to the device."""


class HardwareError(PatchrigError):
    """A device failed, is missing, or answered nonsense; `device` names it."""

    def __init__(self, device: str, message: str) -> None:
        """Put the device's name in front of the message."""
        self.device = device
        super().__init__(f"{device}: {message}")


class ModeMismatch(HardwareError):
    """The amplifier is not in the mode we believe it to be in."""


class TakenByAnother(HardwareError):
    """Another program that lives has the device. It has the rig, too: nothing of it may be touched beside that one."""


class Overrun(HardwareError):
    """Samples were lost; `samples_kept` says how many had been delivered before."""

    def __init__(self, device: str, message: str, *, samples_kept: int) -> None:
        """Keep the count."""
        super().__init__(device, message)
        self.samples_kept = samples_kept


class SessionError(PatchrigError):
    """A session file cannot be written or read."""


class DiskFull(SessionError):
    """There is no space. What was recorded is kept; recording can go on once there is some."""


class Stopped(PatchrigError):
    """The run ends early, on purpose; the data so far are saved."""


class StoppedByGate(Stopped):
    """A quality gate ended the run."""


class StoppedByPerson(Stopped):
    """A person ended the run."""
