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
CLOSINGS = 4
"""A closing that shows no pulse is said once more, for it may be lost; then the valve is opened and closed again."""


def marker_volts(valve: int) -> float:
    """Return what the event marker says when `valve` opens, V."""
    return BASELINE + valve * STEP


def closing_volts(valve: int) -> float:
    """Return what the event marker says when `valve` closes, V."""
    return BASELINE - valve * STEP


class ValveLink(Perfusion):
    """Valves of the rig's lines; the controller's other valves are left alone.

    The other lines are closed before the wanted one opens, so that solutions never mix. With the event marker wired,
    the closing of the open line and the opening of the wanted one must show; else each command is sent twice. What
    this driver sent is in its log at DEBUG.
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
        self._proven: int | None = None
        """The valve that is known to be open, by its marker."""

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
        """Close the other lines, then open this one; it is opened even if another does not show that it closed."""
        wanted = self._valves[line]
        unclosed = [name for name, valve in self._valves.items() if valve != wanted and not self._close_valve(valve)]
        self._selected, self._proven = line, None
        self._open_valve(line, wanted)
        if unclosed:
            valve = self._valves[unclosed[0]]
            raise self._unmoved(unclosed[0], "-", closing_volts(valve))

    def _close_valve(self, valve: int) -> bool:
        """Close; return False if a valve that was known to be open does not show that it closed.

        A command may be lost on the line, and a closed valve makes no pulse: where none can come, it is said twice.
        """
        self._set(valve, "-")
        if self._read is None or valve != self._proven:
            self._set(valve, "-")
            return True
        for attempt in range(CLOSINGS):
            if attempt > 1:
                self._set(valve, "+")  # it was closed unseen: only an open one makes a pulse
            if attempt:
                self._set(valve, "-")
            if self._pulse_seen(closing_volts(valve)):
                return True
        return False

    def _open_valve(self, line: str, valve: int) -> None:
        """Open, and wait for the event marker's pulse, once more if it was missed; without marker, say it twice."""
        self._set(valve, "+")
        if self._read is None:
            self._set(valve, "+")
            return
        for attempt in range(TRIES):
            if attempt:
                self._set(valve, "-")  # an open valve makes no pulse
                self._set(valve, "+")
            if self._pulse_seen(marker_volts(valve)):
                self._proven = valve
                return
        raise self._unmoved(line, "+", marker_volts(valve))

    def _set(self, valve: int, sign: str) -> None:
        command = f"AT{self._address}V{sign}{valve}\r".encode("ascii")
        log.debug("%s: %s", self.name, command)
        self._connection.tell(command)

    def _pulse_seen(self, volts: float) -> bool:
        end = self._clock.now() + PATIENCE
        while self._clock.now() < end:
            if self._read is not None and abs(self._read() - volts) < TOLERANCE:
                return True
            self._clock.wait_until(self._clock.now() + LOOK)
        return False

    def _unmoved(self, line: str, sign: str, volts: float) -> HardwareError:
        valve, did = self._valves[line], "open" if sign == "+" else "close"
        words = (
            f"valve {valve} ('{line}') did not {did}: no event marker of {volts:.2f} V came. Is the valve "
            "plugged in (its light red or green), the spill sensor dry, the address switch at "
            f"{self._address}, the marker wired?"
        )
        return self._connection.refused(words, command=f"AT{self._address}V{sign}{valve}".encode("ascii"))


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
