"""Thorlabs TC200 temperature controller: its sensor as the bath's thermometer, and its set temperature.

Every answer is the command again, the value, and the prompt '> ' (TC200 manual, "Command Line Interface"; QMI's
`thorlabs/tc200.py` and InstrumentKit's `tc200.py` agree, and say that the status comes without an end of line).
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from config.ni import options_of
from config.visa import TC200Options
from drivers.base import Thermometer
from drivers.visa.connection import Connection, Garbled, Line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drivers.build import Context

log = logging.getLogger(__name__)

BAUD = 115_200
SETTABLE = (20.0, 50.0)
"""degC: from the controller's lowest to what no slice survives."""
LIKELY = (0.0, 60.0)
"""degC that a bath can have."""
HEATING, SENSOR_ALARM = 0x01, 0x40
"""Bits of the status."""
DEGREES: Mapping[str, Callable[[float], float]] = {
    "C": lambda value: value,
    "K": lambda value: value - 273.15,
    "F": lambda value: (value - 32) / 1.8,
}
"""The unit that the display is set to -> degC."""


class TC200(Thermometer):
    """One controller."""

    def __init__(self, options: TC200Options) -> None:
        """Take port and set temperature."""
        self.name = "TC200"
        self._connection = Connection(self.name, options, Line(b">", BAUD))
        self._wanted = options.set_temperature

    def read(self) -> float:
        """Return degC now.

        Raises
        ------
        InstrumentError
            The sensor is broken or out, or the temperature is none that a bath has.
        """
        degrees = self._degrees("tact?")
        if not LIKELY[0] <= degrees <= LIKELY[1]:
            raise self._connection.refused(f"reads {degrees:.1f} °C: is the sensor plugged in and in the bath?")
        return degrees

    def set_temperature(self) -> float:
        """Return the temperature that is regulated to, degC."""
        return self._degrees("tset?")

    def regulate(self, degrees: float) -> None:
        """Regulate to `degrees` degC; whether the heater is on is another matter, see `heat`.

        Raises
        ------
        InstrumentError
            The controller refuses; its own highest temperature (TMAX) may be lower.
        """
        if not SETTABLE[0] <= degrees <= SETTABLE[1]:
            low, high = SETTABLE
            raise self._connection.refused(f"{degrees:g} °C was asked for; {low:g} to {high:g} °C can be set")
        self._ask(f"tset={degrees:.1f}")
        if abs(self.set_temperature() - degrees) > 0.06:
            raise self._connection.refused(f"did not take {degrees:g} °C", command=b"tset")

    def is_heating(self) -> bool:
        """Return whether the heater's output is switched on.

        Raises
        ------
        InstrumentError
            The controller's sensor alarm is on.
        """
        status = self._status()
        if status & SENSOR_ALARM:
            raise self._connection.refused("its sensor alarm is on: is the sensor plugged in?", command=b"stat?")
        return bool(status & HEATING)

    def heat(self, *, on: bool) -> None:
        """Switch the heater's output. The only command toggles it, so that the state is looked at before and after."""
        if self.is_heating() != on:
            self._connection.ask(b"ens\r", _answer("ens"), again=False)
        if self.is_heating() != on:
            raise self._connection.refused(f"its heater cannot be switched {'on' if on else 'off'}", command=b"ens")

    def _open(self) -> None:
        self._connection.open()
        try:
            log.info("%s: %s at %s", self.name, self._ask("id?"), self._connection.resource)
            if self._wanted is not None and abs(self.set_temperature() - float(self._wanted)) > 0.06:
                self.regulate(float(self._wanted))
        except BaseException:
            self._connection.close()
            raise

    def _close(self) -> None:
        self._connection.close()

    def _status(self) -> int:
        text = self._ask("stat?")
        if not re.fullmatch(r"[0-9A-Fa-f]{1,2}", text):
            raise self._connection.refused(f"answered '{text}' to 'stat?'", command=b"stat?")
        return int(text, 16)

    def _degrees(self, command: str) -> float:
        text = self._ask(command)
        match = re.fullmatch(r"(-?\d+(?:\.\d*)?)\s*([CKF])\w*", text)
        if match is None:
            raise self._connection.refused(f"answered '{text}' to '{command}'", command=command.encode("ascii"))
        return DEGREES[match[2]](float(match[1]))

    def _ask(self, command: str) -> str:
        text = self._connection.ask(command.encode("ascii") + b"\r", _answer(command))
        if "CMD_" in text:  # CMD_NOT_DEFINED, CMD_ARG_RANGE_ERR
            raise self._connection.refused(f"refuses '{command}': {text}", command=command.encode("ascii"), code=text)
        return text


def _answer(command: str) -> Callable[[bytes], str]:
    """Return what takes the answer to `command` out of what comes up to the next prompt."""

    def understand(raw: bytes) -> str:
        echo, separator, rest = raw.decode("latin-1").lstrip(" \r\n").partition("\r")
        if echo != command or not separator:
            raise Garbled(f"{raw!r} is no answer to '{command}'")
        return rest.strip()

    return understand


def thermometer(context: Context) -> TC200:
    """Return the thermometer of the rig file."""
    entry = context.rig.thermometer
    return TC200(options_of("thermometer", TC200Options, entry.options if entry else {}))
