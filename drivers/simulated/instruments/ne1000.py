"""An emulated New Era NE-1000 syringe pump: basic and safe mode, time, alarms, refusals.

Written from the manual (publication 1200-01, p. 33-37), apart from the driver, so that one does not repeat the
other's mistakes.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from drivers.simulated.instruments.serving import Instrument

if TYPE_CHECKING:
    from collections.abc import Callable

STX, ETX, CR = 2, 3, 13
UL_PER_S = {"UH": 1 / 3600, "UM": 1 / 60, "MH": 1 / 3.6, "MM": 1000 / 60}
"""Unit of rate -> µL/s."""
UL = {"UL": 1.0, "ML": 1000.0}
"""Unit of volume -> µL."""
FASTEST = 5.1005 / 60
"""Highest speed of the plunger, cm/s: 1699 mL/h with the 26.59 mm syringe (NE-1000 manual, "Specifications")."""


BETWEEN_BYTES = 0.5
"""Seconds after which half a packet is given up."""


def crc16(data: bytes) -> int:
    """Return the CCITT checksum of `data`, bit by bit; the manual's example is 0x5543 for 'SAF0'."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
        crc &= 0xFFFF
    return crc


class NE1000Emulator(Instrument):
    """One pump on a chain; it is silent when another is addressed."""

    def __init__(self, now: Callable[[], float], *, address: int = 0, diameter: float = 14.43) -> None:
        """Stand, with the alarm that follows power-up; `diameter` in mm."""
        self._now, self.address = now, address
        self.diameter, self.rate, self.unit, self.direction, self.target = diameter, 1.0, "MH", "INF", 0.0
        self.volume_unit, self.status, self.alarm = "ML", "S", "R"
        self.dispensed = {"INF": 0.0, "WDR": 0.0}
        """µL."""
        self.heard: list[str] = []
        self.timeout = 0
        self._buffer, self._since, self._last_heard, self._last_byte = bytearray(), now(), now(), now()

    # --- faults ---------------------------------------------------------------------------------------------------

    def power_cycle(self) -> None:
        """Interrupt the power for a moment: settings survive, running does not."""
        self._advance()
        self.status, self.alarm = "S", "R"

    def stall(self) -> None:
        """Jam the plunger."""
        self._advance()
        self.status, self.alarm = "S", "S"

    # --- bytes ----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> bytes:
        """Take packets of safe mode, and in basic mode lines."""
        if self.timeout and self._now() - self._last_byte > BETWEEN_BYTES:
            self._buffer.clear()
        self._last_byte = self._now()
        self._buffer += data
        said = b""
        while (packet := self._packet()) is not None:
            said += packet
        return said

    def _packet(self) -> bytes | None:
        """Take one message off the buffer and return the answer to it; None: there is no whole one."""
        if self._buffer[:1] == bytes([STX]):
            return self._safe_packet()
        if CR not in self._buffer:
            return None
        end = self._buffer.index(CR)
        text = re.sub(rb"[\x00-\x20]", b"", bytes(self._buffer[:end])).decode("latin-1").upper()
        del self._buffer[: end + 1]
        return b"" if self.timeout else self._addressed(text)

    def _safe_packet(self) -> bytes | None:
        if len(self._buffer) < 2 or len(self._buffer) < 1 + self._buffer[1]:
            return None
        packet = bytes(self._buffer[: 1 + self._buffer[1]])
        del self._buffer[: len(packet)]
        body, checksum = packet[2:-3], int.from_bytes(packet[-3:-1], "big")
        if packet[-1] != ETX or crc16(body) != checksum:
            return self._framed(f"{self.status}?COM")
        return self._addressed(body.decode("latin-1"))

    def _addressed(self, text: str) -> bytes:
        match = re.fullmatch(r"(\d{0,2})(.*)", text)
        if match is None or int(match[1] or 0) != self.address:
            return b""
        self._advance()
        self._last_heard = self._now()
        self.heard.append(match[2])
        if self.alarm:  # it is told in place of an answer, and the command is not carried out
            alarm, self.alarm = self.alarm, ""
            return self._framed(f"A?{alarm}")
        data = self._do(match[2])
        return self._framed(self.status + data)

    def _framed(self, text: str) -> bytes:
        body = f"{self.address:02d}{text}".encode("latin-1")
        if not self.timeout:
            return bytes([STX]) + body + bytes([ETX])
        return bytes([STX, len(body) + 4]) + body + crc16(body).to_bytes(2, "big") + bytes([ETX])

    # --- time -----------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Pump for the time that has passed, and stop where the watchdog or the target says."""
        now, ran_until = self._now(), self._now()
        if self.timeout and now - self._last_heard > self.timeout:
            ran_until = self._last_heard + self.timeout
        if self.status in "IW":
            self._pump(max(0.0, ran_until - self._since))
        if ran_until < now and not self.alarm:
            self.status, self.alarm = "S", "T"
        self._since = now

    def _pump(self, seconds: float) -> None:
        way = "INF" if self.status == "I" else "WDR"
        amount = self.rate * UL_PER_S[self.unit] * seconds
        if self.target and self.dispensed[way] + amount >= self.target:
            amount, self.status = self.target - self.dispensed[way], "S"
        self.dispensed[way] += amount

    # --- commands -------------------------------------------------------------------------------------------------

    def _do(self, command: str) -> str:
        """Carry out a command and return its data."""
        verb, value = command[:3], command[3:]
        acts: dict[str, Callable[[str], str]] = {
            "": lambda _: "",
            "VER": lambda _: "NE1000V3.923",
            "RUN": self._run,
            "STP": self._stop,
            "RAT": self._rate,
            "DIA": self._diameter,
            "DIR": self._direction,
            "VOL": self._volume,
            "DIS": lambda _: f"I{_four(self.dispensed['INF'] / 1e3)}W{_four(self.dispensed['WDR'] / 1e3)}ML",
            "SAF": self._safe,
        }
        try:
            return acts[verb](value) if verb in acts else "?"
        except ValueError:  # no number where one belongs
            return "?"

    def _run(self, _: str) -> str:
        self.status = "I" if self.direction == "INF" else "W"
        return ""

    def _stop(self, _: str) -> str:
        if self.status not in "IWP":
            return "?NA"
        self.status = "P" if self.status in "IW" else "S"
        return ""

    def _rate(self, value: str) -> str:
        if not value:
            return _four(self.rate) + self.unit
        match = re.fullmatch(r"([\d.]{1,5})(UM|MM|UH|MH)?", value)
        if match is None:
            return "?"
        if match[2] and self.status in "IW":
            return "?NA"
        rate, unit = float(match[1]), match[2] or self.unit
        if not 0 < rate * UL_PER_S[unit] <= self._highest():
            return "?OOR"
        self.rate, self.unit = rate, unit
        return ""

    def _highest(self) -> float:
        """Return the highest rate with this syringe, µL/s."""
        return math.pi / 4 * (self.diameter / 10) ** 2 * FASTEST * 1e3

    def _diameter(self, value: str) -> str:
        if not value:
            return _four(self.diameter)
        if self.status in "IW":
            return "?NA"
        if not 0.1 <= float(value) <= 50:
            return "?OOR"
        self.diameter = float(value)
        self.dispensed = dict.fromkeys(self.dispensed, 0.0)
        return ""

    def _direction(self, value: str) -> str:
        if not value:
            return self.direction
        if value not in ("INF", "WDR"):
            return "?"
        self.direction = value
        return ""

    def _volume(self, value: str) -> str:
        if not value:
            return _four(self.target / UL[self.volume_unit]) + self.volume_unit
        if value in UL:
            self.volume_unit = value
        else:
            self.target = float(value) * UL[self.volume_unit]
        return ""

    def _safe(self, value: str) -> str:
        if not value:
            return str(self.timeout)
        if not value.isdecimal() or int(value) > 255:
            return "?OOR"
        self.timeout = int(value)
        return ""


def _four(value: float) -> str:
    """Return four digits and a point."""
    return f"{value:.{max(0, min(3, 4 - len(str(int(value)))))}f}" if value < 1000 else f"{value:.0f}."
