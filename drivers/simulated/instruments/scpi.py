"""An emulated SCPI function generator with an oscilloscope at its output, as in a bench's loop-back test."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from drivers.simulated.instruments.serving import Instrument

if TYPE_CHECKING:
    from collections.abc import Callable

POINTS, STEP = 1000, 1e-5
"""Of one acquisition, s."""
SHAPES = ("SIN", "SQU", "RAMP", "PULS", "NOIS", "DC")


class ScpiBenchEmulator(Instrument):
    """What the generator gives is what the scope's channel 1 sees; channel 2 is open."""

    def __init__(self) -> None:
        """Start with the output off."""
        self.shape, self.on, self.triggers, self.source = "SIN", False, True, 1
        self.settings = {"FREQ": 1000.0, "VOLT": 0.1, "VOLT:OFFS": 0.0}
        self.queue: list[str] = []
        self.heard: list[str] = []
        self._buffer = b""

    def receive(self, data: bytes) -> bytes:
        """Answer queries, carry out commands, queue errors."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return b"".join(self._answered(line.decode("latin-1").strip()) for line in lines)

    def _answered(self, line: str) -> bytes:
        self.heard.append(line)
        head, _, value = line.lstrip(":").upper().partition(" ")
        if not head.endswith("?"):
            self._command(head, value)
            return b""
        said = self._query(head)
        return b"" if said is None else said.encode("ascii") + b"\n"

    def _query(self, head: str) -> str | None:
        answers: dict[str, Callable[[], str | None]] = {
            "*IDN?": lambda: "PATCHRIG,EMULATED BENCH,0,1.0",
            "*OPC?": lambda: "1" if self.triggers else None,
            "SYST:ERR?": lambda: self.queue.pop(0) if self.queue else '+0,"No error"',
            "OUTP1?": lambda: str(int(self.on)),
            "WAV:XINC?": lambda: f"{STEP:E}",
            "WAV:XOR?": lambda: "0.0E+00",
            "WAV:DATA?": self._data,
            **{f"SOUR1:{key}?": lambda key=key: f"{self.settings[key]:+.9E}" for key in self.settings},  # type: ignore[misc]
        }
        if head in answers:
            return answers[head]()
        self.queue.append('-113,"Undefined header"')
        return None

    def _command(self, head: str, value: str) -> None:
        key = head.removeprefix("SOUR1:")
        if head == "*CLS":
            self.queue.clear()
        elif head == "OUTP1":
            self.on = value == "ON"
        elif key == "FUNC" and value in SHAPES:
            self.shape = value
        elif key in self.settings:
            self._set(key, float(value))
        elif head == "WAV:SOUR":
            self.source = int(value.removeprefix("CHAN"))
        elif head not in ("DIG", "WAV:FORM"):
            self.queue.append('-113,"Undefined header"')

    def _set(self, key: str, value: float) -> None:
        if key == "FREQ" and not 1e-6 <= value <= 20e6:
            self.queue.append('-222,"Data out of range"')
        else:
            self.settings[key] = value

    def _data(self) -> str:
        body = ",".join(f"{self._volts(i * STEP):+.6E}" for i in range(POINTS))
        return f"#8{len(body):08d}{body}"

    def _volts(self, time: float) -> float:
        """Return what stands at the scope's chosen channel at `time`; all shapes but square and DC look like sines."""
        if not self.on or self.source != 1:
            return 0.0
        wave = math.sin(2 * math.pi * self.settings["FREQ"] * time)
        wave = {"SQU": math.copysign(1.0, wave), "DC": 0.0}.get(self.shape, wave)
        return self.settings["VOLT:OFFS"] + self.settings["VOLT"] / 2 * wave
