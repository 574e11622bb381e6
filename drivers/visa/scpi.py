"""Function generators and oscilloscopes that speak SCPI (IEEE 488.2 and SCPI-1999).

On a slice rig a generator drives a stimulus isolator for afferent fibres, or a known signal into a model cell; an
oscilloscope looks at the command where it arrives at the amplifier, with a clock that is not the card's.

Command sets: the generator's is common to Keysight 33500, Rigol DG and Siglent SDG (in its SCPI dialect); the scope's
is Keysight InfiniiVision's, which Rigol DS1000Z follows but for `:DIGitize`.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivers.base import Device
from drivers.visa.connection import Connection, Garbled, Line
from protocols.errors import HardwareError, LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from config.visa import InstrumentOptions

log = logging.getLogger(__name__)

SHAPES: Mapping[str, str] = {
    "sine": "SIN",
    "square": "SQU",
    "ramp": "RAMP",
    "pulse": "PULS",
    "noise": "NOIS",
    "constant": "DC",
}
"""Our word -> SCPI's."""
NO_ERROR = "0"
MOST_ERRORS = 30
"""Longest error queue that is read out."""
SAME = 1e-3
"""Relative difference up to which a setting that is read back is the one that was written."""


class ScpiInstrument(Device):
    """What all of them have in common: identity, and an error queue that is read after every setting."""

    def __init__(self, name: str, options: InstrumentOptions) -> None:
        """Take a name for messages, and the address."""
        self.name = name
        self._connection = Connection(name, options, Line(b"\n", 9600))
        self.identity = ""
        """Maker, model, serial number and firmware, once it is open."""

    def errors(self) -> tuple[str, ...]:
        """Return the instrument's error queue, oldest first, and empty it."""
        found: list[str] = []
        while len(found) < MOST_ERRORS and (text := self._ask("SYST:ERR?")).split(",")[0].lstrip("+-") != NO_ERROR:
            found.append(text)
        return tuple(found)

    def _open(self) -> None:
        self._connection.open()
        try:
            self.identity = self._ask("*IDN?")
            self._tell("*CLS")
            log.info("%s: %s", self.name, self.identity)
        except BaseException:
            self._connection.close()
            raise

    def _close(self) -> None:
        self._connection.close()

    def _set(self, command: str) -> None:
        """Send a setting, wait until it is carried out, and raise what the instrument says against it."""
        self._tell(command)
        self._ask("*OPC?")
        if errors := self.errors():
            words = f"refuses '{command}': {'; '.join(errors)}"
            raise self._connection.refused(words, command=command.encode("ascii"), code=errors[0].split(",")[0])

    def _tell(self, command: str) -> None:
        self._connection.tell(command.encode("ascii") + b"\n")

    def _ask(self, query: str) -> str:
        return self._connection.ask(query.encode("ascii") + b"\n", _text)

    def _number(self, query: str) -> float:
        return self._connection.ask(query.encode("ascii") + b"\n", _float)


class Generator(ScpiInstrument):
    """A function generator's first channel. Its output is off when it is opened and when it is closed."""

    def __init__(self, name: str, options: InstrumentOptions, *, highest: float) -> None:
        """Never give more than `highest` volts, either way."""
        super().__init__(name, options)
        self.highest = highest

    def play(self, shape: str, *, frequency: float, amplitude: float, offset: float = 0.0) -> None:
        """Set a waveform; it appears at the connector once the output is `on`.

        Parameters
        ----------
        shape
            One of `SHAPES`.
        frequency
            Hz.
        amplitude
            From peak to peak, V.
        offset
            V.

        Raises
        ------
        LimitExceeded
            Before anything is written to the device.
        InstrumentError
            It refuses, or gives something else.
        """
        if shape not in SHAPES:
            raise self._connection.refused(f"'{shape}' is no waveform; there are {', '.join(SHAPES)}")
        if (peak := abs(offset) + abs(amplitude) / 2) > self.highest:
            raise LimitExceeded(f"{self.name}: {peak:g} V were asked for; this one may give {self.highest:g} V")
        self._set(f"SOUR1:FUNC {SHAPES[shape]}")
        for key, value in (("FREQ", frequency), ("VOLT", amplitude), ("VOLT:OFFS", offset)):
            self._set(f"SOUR1:{key} {float(value)!r}")
            self._taken(key, value)

    def on(self) -> None:
        """Connect the output."""
        self._switch(on=True)

    def off(self) -> None:
        """Disconnect the output."""
        self._switch(on=False)

    def is_on(self) -> bool:
        """Return whether the output is connected."""
        return self._ask("OUTP1?").upper() in ("1", "+1", "ON")

    def _switch(self, *, on: bool) -> None:
        self._set(f"OUTP1 {'ON' if on else 'OFF'}")
        if self.is_on() != on:
            raise self._connection.refused(f"its output cannot be switched {'on' if on else 'off'}", command=b"OUTP1")

    def _taken(self, key: str, value: float) -> None:
        found = self._number(f"SOUR1:{key}?")
        if abs(found - value) > SAME * max(abs(value), 1e-3):
            raise self._connection.refused(f"took {found:g} for {key} where {value:g} was set", command=key.encode())

    def _open(self) -> None:
        super()._open()
        try:
            self.off()
        except BaseException:
            self._connection.close()
            raise

    def _close(self) -> None:
        # closed before, or out of reach: there is nothing more to be done from here
        with suppress(HardwareError):
            if self.identity:
                self.off()
        self.identity = ""
        super()._close()


@dataclass(frozen=True)
class Trace:
    """What one channel of an oscilloscope saw."""

    times: NDArray[np.float64]
    """(n), s from the trigger."""
    volts: NDArray[np.float64]
    """(n), V at the connector."""


class Scope(ScpiInstrument):
    """An oscilloscope, for one acquisition at a time."""

    def acquire(self, channel: int = 1) -> Trace:
        """Wait for a trigger and return what `channel` saw.

        Raises
        ------
        InstrumentError
            No trigger comes within the timeout, or the scope refuses.
        """
        self._set(f":DIG CHAN{channel}")
        self._set(f":WAV:SOUR CHAN{channel}")
        self._set(":WAV:FORM ASC")
        step, first = self._number(":WAV:XINC?"), self._number(":WAV:XOR?")
        volts = self._connection.ask(b":WAV:DATA?\n", _block)
        return Trace(first + step * np.arange(len(volts), dtype=np.float64), volts)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise Garbled(f"{raw!r} is no text") from error


def _float(raw: bytes) -> float:
    try:
        return float(_text(raw))
    except ValueError as error:
        raise Garbled(f"{raw!r} is no number") from error


def _block(raw: bytes) -> NDArray[np.float64]:
    """Return the numbers of an IEEE 488.2 block '#<digits><bytes>v,v,...', or of plain text."""
    text = _text(raw)
    body = text
    if text.startswith("#"):
        digits = int(text[1])
        length, body = int(text[2 : 2 + digits]), text[2 + digits :]
        if len(body) < length:
            raise Garbled(f"{len(body)} bytes of {length}")
        body = body[:length]
    return np.array([_float(v.encode()) for v in body.strip().strip(",").split(",")])
