"""What doctor commands it commands as a run does: with a guardian beside it, and to rest at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from acquisition.doctor.finding import Finding, bad
from acquisition.rest import put_to_rest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acquisition.guardian import Unguarded
    from config.rig import Rig
    from drivers.base import Gains
    from drivers.build import Devices

SWITCH = 180.0
"""Seconds that a switch of the mode may take: with knobs, a person turns three of them."""


@dataclass
class Trial:
    """A rig that is commanded for a moment."""

    rig: Rig
    devices: Devices
    lease: Unguarded
    """If this process is killed or hangs, the guardian at the other end puts the rig to rest."""
    left: tuple[str, ...] | None = None
    """What could not be put to rest at the end of the latest trial, in words; None: there was no trial."""

    def begin(self, gains: Gains) -> None:
        """Say that the rig is commanded from here on, with mode and scale factors as they are known."""
        self.lease.verified(gains)
        self.lease.beat()

    def rest(self, last: Gains | None = None) -> Iterator[Finding]:
        """Put the rig to rest, and yield what could not be; `last` are the gains as last verified."""
        with self.lease.waiting("its way to rest", SWITCH):
            self.left = tuple(put_to_rest(self.devices, self.rig.safe, last))
        yield from (bad("at rest", f"NOT AT REST: {words}", "patchrig safe, with this rig file") for words in self.left)

    def end(self) -> None:
        """Tell the guardian how the rig was left: it goes on where we could not."""
        if self.left is not None:
            self.lease.rested(self.left)
