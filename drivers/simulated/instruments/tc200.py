"""An emulated Thorlabs TC200: a heater, a sensor that may come off, a command line with echo and prompt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from drivers.simulated.instruments.serving import Instrument

if TYPE_CHECKING:
    from collections.abc import Callable

ROOM, SLOWNESS = 22.0, 60.0
"""degC, and the seconds in which a bath comes two thirds nearer to what it is heated to."""
LOWEST = 20.0


class TC200Emulator(Instrument):
    """Regulates a bath of its own, or reads a bath that is elsewhere."""

    def __init__(
        self, now: Callable[[], float], *, bath: Callable[[], float] | None = None, wanted: float = 32.0
    ) -> None:
        """Start at room temperature with the heater off; `bath` is read in place of the own one."""
        self._now, self._bath = now, bath
        self.wanted, self.highest, self.heating, self.sensor_in = wanted, 45.0, False, True
        self.heard: list[str] = []
        self._degrees, self._since, self._buffer = ROOM, now(), b""

    def receive(self, data: bytes) -> bytes:
        """Answer whole lines: echo, value, prompt."""
        *lines, self._buffer = (self._buffer + data).split(b"\r")
        return b"".join(self._answered(line.decode("latin-1")) for line in lines)

    def _answered(self, command: str) -> bytes:
        self.heard.append(command)
        said = self._said(command)
        end = " " if command == "stat?" else "\r"
        return f"{command}\r{said}{end if said else ''}> ".encode("latin-1")

    def _said(self, command: str) -> str:
        key, _, value = command.partition("=")
        if key == "tset" and value:
            return self._set(value)
        if command == "ens":
            self._temperature()
            self.heating = not self.heating
            return ""
        answers: dict[str, Callable[[], str]] = {
            "id?": lambda: "THORLABS TC200 VERSION 2.0",
            "tact?": lambda: f"{self._temperature():.1f} C",
            "tset?": lambda: f"{self.wanted:.1f} C",
            "tmax?": lambda: f"{self.highest:.1f}",
            "stat?": lambda: f"{self._status():x}",
        }
        return answers[command]() if command in answers else "CMD_NOT_DEFINED"

    def _set(self, value: str) -> str:
        if not LOWEST <= float(value) <= self.highest:
            return "CMD_ARG_RANGE_ERR"
        self._temperature()
        self.wanted = float(value)
        return ""

    def _status(self) -> int:
        return int(self.heating) | 0x10 | (0 if self.sensor_in else 0x40)

    def _temperature(self) -> float:
        """Return what the sensor reads, degC."""
        if not self.sensor_in:
            return 205.0
        if self._bath is not None:
            return self._bath()
        now, towards = self._now(), self.wanted if self.heating else ROOM
        self._degrees += (towards - self._degrees) * (1 - math.exp(-(now - self._since) / SLOWNESS))
        self._since = now
        return self._degrees
