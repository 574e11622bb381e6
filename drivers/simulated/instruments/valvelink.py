"""An emulated AutoMate ValveLink: 8 or 16 valves, an event marker, and never an answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drivers.simulated.instruments.serving import Instrument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

REST, PER_VALVE, PULSE = 2.5, 0.31, 0.010
"""V, V per valve number, s: the event marker (ValveLink 8.2 manual, p. 11-12)."""

_COMMAND = re.compile(r"AT(\d)(?:([OC])|V([+-])(\d+))")


class ValveLinkEmulator(Instrument):
    """Opens and closes valves as it is told; what is not plugged in never opens."""

    def __init__(
        self,
        now: Callable[[], float],
        *,
        address: int = 0,
        plugged_in: Iterable[int] = range(1, 9),
        changed: Callable[[frozenset[int]], None] = lambda _: None,
    ) -> None:
        """Call `changed` with the open valves whenever one moves."""
        self._now, self._address, self._changed = now, address, changed
        self.plugged_in = set(plugged_in)
        self.open: frozenset[int] = frozenset()
        self.heard: list[str] = []
        """Every command, with those for other controllers."""
        self._buffer = b""
        self._marker = (REST, float("-inf"))

    def receive(self, data: bytes) -> bytes:
        """Act on whole commands; nothing is ever said."""
        *commands, self._buffer = (self._buffer + data).split(b"\r")
        for command in commands:
            self._act(command.decode("latin-1"))
        return b""

    def marker(self) -> float:
        """Return what stands at the event marker's connector now, V."""
        volts, until = self._marker
        return volts if self._now() < until else REST

    def _act(self, command: str) -> None:
        self.heard.append(command)
        match = _COMMAND.fullmatch(command)
        if match is None or int(match[1]) != self._address:
            return
        if match[2]:
            self._move(frozenset(self.plugged_in) if match[2] == "O" else frozenset())
        else:
            valve = {int(match[4])} & self.plugged_in
            self._move(self.open | valve if match[3] == "+" else self.open - valve)

    def _move(self, wanted: frozenset[int]) -> None:
        opened, closed = wanted - self.open, self.open - wanted
        for valve in (*opened, *closed):
            sign = 1 if valve in opened else -1
            self._marker = (REST + sign * valve * PER_VALVE, self._now() + PULSE)
        if opened or closed:
            self.open = wanted
            self._changed(wanted)
