"""New Era NE-1000 syringe pumps and relatives (NE-500, -1010, -1600, -4000, -9000; WPI Aladdin)."""

from __future__ import annotations

import logging
import re
import threading
from typing import TYPE_CHECKING

from config.ni import options_of
from config.visa import PumpOptions
from drivers.base import Pump
from drivers.visa import newera
from drivers.visa.connection import Connection, InstrumentError, Line
from protocols.errors import HardwareError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.build import Context

log = logging.getLogger(__name__)

UNITS: Mapping[str, float] = {"UH": 1e-9 / 3600, "UM": 1e-9 / 60, "MH": 1e-6 / 3600, "MM": 1e-6 / 60}
"""The pump's units of rate, finest first, in m³/s."""
VOLUMES: Mapping[str, float] = {"UL": 1e-9, "ML": 1e-6}
"""The pump's units of volume in m³."""
DIGITS, LARGEST = 4, 9999.0
"""Of a number: four digits and a point, at most three of them behind it (NE-1000 manual, p. 33)."""
SAME = 2e-3
"""Relative difference up to which the rate that is read back is the one that was set: numbers have four digits."""
SPEAKS_EVERY = 1 / 3
"""Part of the watchdog's time after which the driver says something to the pump."""
ALARM_TRIES = 3
STATUS = "status?"
"""How messages call the empty command, which asks for the status."""
POWER_UP = "R"
"""The alarm that needs no mending."""
DIRECTIONS: Mapping[str, str] = {"infuse": "INF", "withdraw": "WDR"}


def number(value: float) -> str:
    """Return `value` as the pump reads numbers."""
    texts = (f"{value:.{decimals}f}" for decimals in (3, 2, 1, 0))
    return next(text for text in texts if len(text.replace(".", "")) <= DIGITS or "." not in text)


def in_units(rate: float) -> tuple[str, str]:
    """Return a rate in m³/s as the pump's number and unit, with as many digits as it has."""
    for unit, size in UNITS.items():
        if rate / size <= LARGEST:
            return number(rate / size), unit
    return number(rate / UNITS["MM"]), "MM"


class NE1000(Pump):
    """One pump, alone or on a chain. Opening it neither starts nor stops it.

    With a watchdog it speaks safe mode: each packet has a checksum, and the pump stops by itself when the computer
    falls silent. A thread then says something three times within the watchdog's time.
    """

    def __init__(self, options: PumpOptions, *, limit: float, rate: float) -> None:
        """Take the syringe and the address from `options`, and the rate that is set when the pump stands, m³/s."""
        super().__init__(limit)
        self.name = f"pump {options.address}" if options.address else "pump"
        self._options, self._first_rate = options, rate
        self._connection = Connection(self.name, options, Line(newera.ETX, options.baud))
        self._safe = options.watchdog > 0
        self._alarms: list[str] = []
        self._untold = ""
        self._volume, self._counted = 0.0, 0.0
        self._silence = threading.Event()
        self._heart: threading.Thread | None = None

    # --- what the suite asks of a pump ----------------------------------------------------------------------------

    def rate(self) -> float:
        """Return the rate as the pump reports it, m³/s."""
        value, unit = self._rate_in_units()
        return value * UNITS[unit]

    def running(self) -> bool:
        """Return whether it pumps now."""
        return self._ask("").status in newera.RUNNING

    def dispensed(self) -> float:
        """Return the volume delivered since the device was opened, m³; withdrawn volume is negative."""
        now = self._counter()
        # the pump's own counter begins anew when a program is started or the syringe changed
        self._volume += now - self._counted if abs(now) >= abs(self._counted) else now
        self._counted = now
        return self._volume

    def alarms(self) -> tuple[str, ...]:
        """Return in words what the pump has complained about since this was last asked; asking clears it."""
        self._ask("")
        told, self._alarms, self._untold = tuple(self._alarms), [], ""
        return told

    def _set_rate(self, rate: float) -> None:
        """Set the rate; a pump that runs is stopped for a moment if the number needs another unit."""
        self._check_diameter()
        value, unit = in_units(rate)
        if not self.running():
            self._set(f"RAT{value}{unit}")
        elif self._rate_in_units()[1] == unit:
            self._set(f"RAT{value}")  # units are locked while it pumps (NE-500 manual, 5.4.1)
        else:
            self._stop()
            self._set(f"RAT{value}{unit}")
            self._run()
        if abs((found := self.rate()) - rate) > SAME * rate:
            raise self._connection.refused(f"its rate is {found * 60e6:.4g} mL/min where {rate * 60e6:.4g} was set")

    def _run(self) -> None:
        """Start; a pump that complains is not started over its complaint, until somebody has been told."""
        self._check_diameter()
        alarm = self._untold or self._send("RUN").alarm
        if alarm:
            if not self._untold:
                self._note(alarm)
            self._untold = ""
            words = f"was not started, because {newera.ALARMS[alarm]}; start it again when that is mended"
            raise self._connection.refused(words, command=b"RUN", code=f"A?{alarm}")

    def _stop(self) -> None:
        if self.running():
            self._ask("STP")

    # --- opening and closing --------------------------------------------------------------------------------------

    def _open(self) -> None:
        """Connect, agree on the mode, and prepare a pump that stands; one that runs is left alone."""
        self._connection.open()
        try:
            self._agree()
            version = self._ask("VER").data
            log.info("%s: %s at %s", self.name, version, self._connection.resource)
            if not self.running():
                self._prepare()
            self._counted = self._counter()
        except BaseException:
            self._connection.close()
            raise
        self._start_heart()

    def _close(self) -> None:
        """Disconnect; the pump goes on as it is, with a watchdog until that expires."""
        self._silence.set()
        if self._heart is not None:
            self._heart.join()
            self._heart = None
        self._connection.close()

    def _agree(self) -> None:
        """Enter safe mode with its watchdog, or leave it; safe mode's packet is understood in both modes."""
        if not self._safe and self._speaks_basic():
            return
        command = newera.safe(f"{self._address}SAF{self._options.watchdog}")
        for _ in range(ALARM_TRIES):
            reply = self._connection.ask(
                command, self._understood, read=newera.read_safe if self._safe else None, called="SAF"
            )
            if not reply.alarm:
                return
            self._note(reply.alarm)
        raise self._connection.refused("goes on complaining: look at its display", command=command)

    def _speaks_basic(self) -> bool:
        try:
            reply = self._connection.ask(newera.basic(self._address), self._understood, again=False, called=STATUS)
        except InstrumentError:
            return False
        if reply.alarm:
            self._note(reply.alarm)
        return True

    def _prepare(self) -> None:
        """Set syringe, direction and rate, and let it pump without end; nothing is written that is so already."""
        diameter = number(float(self._options.diameter) * 1e3)
        if float(self._ask("DIA").data) != float(diameter):
            self._set(f"DIA{diameter}")
        self._set("VOL0")
        self._set(f"DIR{DIRECTIONS[self._options.direction]}")
        self.set_rate(self._first_rate)

    def _check_diameter(self) -> None:
        """Refuse to pump with another syringe; such a pump can still be stopped."""
        found, declared = float(self._ask("DIA").data), float(self._options.diameter) * 1e3
        if abs(found - declared) > SAME * declared:
            words = (
                f"counts for a syringe of {found:g} mm, the rig file says {declared:g} mm: stop it and open it again"
            )
            raise self._connection.refused(words, command=b"DIA")

    # --- the watchdog ---------------------------------------------------------------------------------------------

    def _start_heart(self) -> None:
        if self._safe:
            self._silence.clear()
            self._heart = threading.Thread(target=self._beat, name=f"{self.name} watchdog", daemon=True)
            self._heart.start()

    def _beat(self) -> None:
        """Say something again and again; what fails here fails again, and louder, in the next call."""
        while not self._silence.wait(self._options.watchdog * SPEAKS_EVERY):
            try:
                self._ask("")
            except HardwareError as error:
                log.warning("%s", error)

    # --- the dialogue ---------------------------------------------------------------------------------------------

    @property
    def _address(self) -> str:
        return f"{self._options.address:02d}"

    def _understood(self, packet: bytes) -> newera.Reply:
        return newera.reply(packet, self._options.address)

    def _send(self, command: str) -> newera.Reply:
        """Send and return the reply, whatever it says.

        Raises
        ------
        InstrumentError
            No reply, or a refusal.
        """
        frame = newera.safe if self._safe else newera.basic
        sent = frame(self._address + command)
        read = newera.read_safe if self._safe else None
        reply = self._connection.ask(sent, self._understood, read=read, called=command or STATUS)
        if (code := reply.error) is not None:
            words = f"refuses '{command}': {newera.ERRORS.get(code, code)}"
            raise self._connection.refused(words, command=command.encode("ascii"), code=f"?{code}")
        return reply

    def _ask(self, command: str) -> newera.Reply:
        """Send until the reply is no alarm: an alarm stands in for a reply, and the command was not carried out."""
        for _ in range(ALARM_TRIES):
            reply = self._send(command)
            if not reply.alarm:
                return reply
            self._note(reply.alarm)
        raise self._connection.refused(f"goes on complaining: {newera.ALARMS[reply.alarm]}", code=f"A?{reply.alarm}")

    def _set(self, command: str) -> None:
        self._ask(command)

    def _note(self, alarm: str) -> None:
        words = newera.ALARMS[alarm]
        log.warning("%s: alarm: %s", self.name, words)
        self._alarms.append(words)
        if alarm != POWER_UP:
            self._untold = alarm

    def _rate_in_units(self) -> tuple[float, str]:
        value, unit = self._parsed("RAT", r"([\d.]+)(UM|MM|UH|MH)")
        return float(value), unit

    def _counter(self) -> float:
        infused, withdrawn, unit = self._parsed("DIS", r"I([\d.]+)W([\d.]+)(UL|ML)")
        return (float(infused) - float(withdrawn)) * VOLUMES[unit]

    def _parsed(self, command: str, pattern: str) -> tuple[str, ...]:
        data = self._ask(command).data
        if (match := re.fullmatch(pattern, data)) is None:
            raise self._connection.refused(f"answered '{data}' to '{command}'", command=command.encode("ascii"))
        return match.groups()


def pump(context: Context) -> NE1000:
    """Return the pump of the rig file."""
    entry = context.rig.pump
    if entry is None:
        raise HardwareError("pump", "the rig file names none")
    options = options_of("pump", PumpOptions, entry.options)
    return NE1000(options, limit=float(entry.limit), rate=float(entry.rate))
