"""AutoMate ValveLink and ValveBank valve controllers, on a serial port.

The controller never answers (ValveLink 8 manual, "Serial Communications", p. 11), so what is open is what was sent
last. Its event marker can confirm: each opening of valve v is a pulse of 10 ms at 2.5 V + v x 0.31 V, each closing one
at 2.5 V - v x 0.31 V (ValveLink 8.2 manual, "Event Marker", p. 11-12).
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from config.ni import options_of
from config.visa import ValveLinkOptions
from drivers.base import Perfusion
from drivers.visa.connection import Connection, Line
from protocols.errors import HardwareError

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.rig import PerfusionEntry
    from drivers.build import Context
    from drivers.clock import Clock

log = logging.getLogger(__name__)

BASELINE, STEP = 2.5, 0.31
"""Volts of the event marker: at rest, and per valve number."""
TOLERANCE = 0.4 * STEP
LOOK, PATIENCE = 1e-3, 0.1
"""Seconds between looks at the marker, and until an opening counts as missed: a command takes 8 ms at 9600 baud."""
TRIES = 3
"""A pulse of 10 ms may fall between two looks; the valve is then closed and opened again."""


def marker_volts(valve: int) -> float:
    """Return what the event marker says when `valve` opens, V."""
    return BASELINE + valve * STEP


class ValveLink(Perfusion):
    """Valves of the rig's lines; the controller's other valves are left alone.

    The other lines are closed before the wanted one opens, so that solutions never mix. What this driver sent is in
    its log at DEBUG.
    """

    def __init__(
        self,
        entry: PerfusionEntry,
        options: ValveLinkOptions,
        *,
        line: str,
        clock: Clock,
        read_volts: Callable[[], float] | None = None,
    ) -> None:
        """Take the rig's lines; `line` is opened when the device is.

        Parameters
        ----------
        entry
            Lines with the number of their valve as 'pin', and the dead time.
        options
            Port, baud rate, address.
        line
            The safe line.
        clock
            Looks at the marker are timed by it.
        read_volts
            Reads the event marker now, V; None if it is not wired.
        """
        super().__init__(tuple(entry.lines), float(entry.dead_time))
        self.name = "ValveLink"
        self._valves = {name: _valve(name, e.pin) for name, e in entry.lines.items()}
        self._connection = Connection(self.name, options, Line(b"\r", options.baud))
        self._address, self._clock, self._read = options.address, clock, read_volts
        self._first, self._selected = line, line

    def selected(self) -> str:
        """Return the line that was opened last; by hand somebody may have opened another."""
        return self._selected

    def _open(self) -> None:
        """Connect and open the safe line: which valve is open is not known before."""
        self._connection.open()
        self._select(self._first)

    def _close(self) -> None:
        """Disconnect; valves stay as they are."""
        self._connection.close()

    def _select(self, line: str) -> None:
        wanted = self._valves[line]
        for valve in self._valves.values():
            if valve != wanted:
                self._set(valve, "-")
        self._set(wanted, "+")
        self._selected = line
        self._confirm(line, wanted)

    def _set(self, valve: int, sign: str) -> None:
        command = f"AT{self._address}V{sign}{valve}\r".encode("ascii")
        log.debug("%s: %s", self.name, command)
        self._connection.tell(command)

    def _confirm(self, line: str, valve: int) -> None:
        """Wait for the event marker's pulse, opening the valve again if it was missed."""
        if self._read is None:
            return
        for attempt in range(TRIES):
            if attempt:
                self._set(valve, "-")  # an open valve makes no pulse
                self._set(valve, "+")
            if self._pulse_seen(valve):
                return
        words = (
            f"valve {valve} ('{line}') did not open: no event marker of {marker_volts(valve):.2f} V came. Is the valve "
            "plugged in (its light red or green), the spill sensor dry, the address switch at "
            f"{self._address}, the marker wired?"
        )
        raise self._connection.refused(words, command=f"AT{self._address}V+{valve}".encode("ascii"))

    def _pulse_seen(self, valve: int) -> bool:
        end = self._clock.now() + PATIENCE
        while self._clock.now() < end:
            if self._read is not None and abs(self._read() - marker_volts(valve)) < TOLERANCE:
                return True
            self._clock.wait_until(self._clock.now() + LOOK)
        return False


def _valve(line: str, pin: str | None) -> int:
    if pin is None or not pin.isdecimal() or not 1 <= int(pin) <= 16:
        raise HardwareError("ValveLink", f"'pin' of line '{line}' must be the number of its valve, 1 to 16")
    return int(pin)


def perfusion(context: Context) -> ValveLink:
    """Return the valves of the rig file; the safe line is opened first."""
    entry = context.rig.perfusion
    options = options_of("perfusion", ValveLinkOptions, entry.options)
    read = partial(context.read_volts(), options.marker) if options.marker is not None else None
    return ValveLink(entry, options, line=context.rig.safe.line, clock=context.clock, read_volts=read)
