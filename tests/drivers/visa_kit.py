"""What the tests of VISA instruments share: emulators on wires, on a clock that the test moves."""

from __future__ import annotations

import threading

from drivers.clock import DemandClock
from drivers.simulated.instruments.serving import OnPty, OnSocket

WIRES = {"serial port": OnPty, "network": OnSocket}
QUICK = "150 ms"
"""Timeout of instruments that answer at once, or not at all, on a computer that has other things to do."""


class Hand(DemandClock):
    """A clock that the test moves."""

    def pass_(self, seconds):
        self.wait_until(self.now() + seconds)


class Arrived:
    """Waits until the emulator, in its own thread, has heard something."""

    def __init__(self, emulator):
        self.emulator, self._changed = emulator, threading.Condition()
        receive = emulator.receive

        def heard(data):
            with self._changed:
                answer = receive(data)
                self._changed.notify_all()
            return answer

        emulator.receive = heard

    def heard(self, number):
        """Return once `number` commands have arrived, or after ten seconds."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.emulator.heard) >= number, 10)

    def open_valves(self, wanted, *, patience=10):
        """Return the open valves once they are `wanted`, or after `patience` seconds, whatever they are."""
        with self._changed:
            self._changed.wait_for(lambda: self.emulator.open == wanted, patience)
            return self.emulator.open
