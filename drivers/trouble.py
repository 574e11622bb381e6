"""What goes wrong on purpose in a dry run: how the run and its faults know each other.

The faults act inside the simulated devices at exact moments of simulated time. Some act on what no device has, the disk
and the process; these are asked of the run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Occurred:
    """One fault, when it happened or passed."""

    time: float
    """Seconds from the session's start."""
    text: str
    """What happened, as a line for the log."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """The fault as it was written."""


class Outside(Protocol):
    """The run around the devices."""

    def tell(self, occurred: Occurred) -> None:
        """Write down that a fault has happened."""

    def fill_disk(self) -> None:
        """Let the disk of the session be full from now on."""

    def kill(self) -> None:
        """Kill the program, now."""


class Trouble(Protocol):
    """The faults of one run."""

    def attach(self, outside: Outside) -> None:
        """Give the run that writes down what happens, before it begins."""

    def begins(self, name: str | int, moment: float) -> None:
        """Tell what begins at `moment` (s): a series, search or solution by name, a sweep by number."""

    def missed(self, moment: float) -> Sequence[Occurred]:
        """Return the faults whose moment never came, with the reason in words, if the run ends at `moment` (s)."""
