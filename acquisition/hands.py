"""The person at the rig as the hands of an amplifier with knobs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from acquisition.events import Logged
from acquisition.guardian.lease import Unguarded
from protocols.sweeps import LogEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acquisition.events import Observer
    from acquisition.person import Person
    from drivers.clock import Clock

log = logging.getLogger(__name__)

TURN = 120.0
"""Seconds that the guardian grants for turning a knob: more than a rig file lets a person take for one."""
NOT_DONE, DONE = "not done", "done"
"""Answers; the first is taken by Enter and by whoever answers everything with yes, so nothing is confirmed unseen."""


class HandsOf:
    """A person's hands."""

    def __init__(self, person: Person, observers: Sequence[Observer], clock: Clock) -> None:
        """Show what is to be done to `observers`; let `person` confirm what no telegraph shows."""
        self._person, self._observers, self._clock = person, observers, clock
        self.lease: Unguarded = Unguarded()
        """Of the run, once there is one: it must not count as hung while a knob is turned."""

    def tell(self, text: str) -> None:
        """Show what is to be done, and return at once: the doing is seen by telegraph."""
        self.lease.patient("a knob to be turned", TURN)
        log.info("%s", text)
        for observer in self._observers:
            observer(Logged(LogEntry(self._clock.now(), "note", f"please {text}")))

    def confirm(self, text: str) -> bool:
        """Ask whether it is done, and return the answer; without a person it is no."""
        with self.lease.waiting("a hand"):
            return self._person.ask(text, (NOT_DONE, DONE), otherwise=NOT_DONE) == DONE
