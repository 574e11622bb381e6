"""What goes wrong on demand: which call, the how-manieth time, with which code, after how long a stall."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from drivers.simulated.ni.codes import DaqmxError
from protocols.errors import HardwareError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Fault:
    """One row of a fault table."""

    call: str
    """As the C library names it without 'DAQmx': 'ReadAnalogF64', 'GetTimingAttribute'; '*' is every call."""
    code: int = 0
    """Answered instead of acting; 0 acts after the stall."""
    nth: int = 1
    """From which call on, counted since the fault was added."""
    times: int = 1
    """For how many calls; 0 is for ever."""
    stall: float = 0.0
    """Seconds of the board's time that pass first: long enough, and buffers really overflow or run dry."""
    breaks: bool = False
    """The running task stops by it and every further call meets it, until the client stops the task; for the card's
    own failures, such as a FIFO overflow (-200361) or underflow (-200018)."""
    text: str = ""
    """Added to the code's own."""


@dataclass
class Faults:
    """The fault table in force, and a count of all calls."""

    rows: list[Fault] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    _seen: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Nothing has been called yet."""
        self._seen = [0] * len(self.rows)

    def add(self, fault: Fault) -> None:
        """Add a row; its count starts now."""
        self.rows.append(fault)
        self._seen.append(0)

    def clear(self) -> None:
        """Let all be well again."""
        self.rows.clear()
        self._seen.clear()

    def meet(self, call: str) -> Fault | None:
        """Count a call and return the fault it meets, if any."""
        self.calls[call] += 1
        met = None
        for i, fault in enumerate(self.rows):
            if fault.call not in (call, "*"):
                continue
            self._seen[i] += 1
            if self._seen[i] >= fault.nth and (not fault.times or self._seen[i] < fault.nth + fault.times):
                met = met or fault
        return met


def refusal(fault: Fault, call: str) -> DaqmxError:
    """Return the error that `fault` stands for, with the counts that the driver would add to it in `call`."""
    return DaqmxError(
        fault.code,
        fault.text,
        read=0 if call.startswith("Read") else None,
        written=0 if call.startswith("Write") else None,
    )


def fault_of(written: Mapping[str, Any]) -> Fault:
    """Return the row that a mapping describes.

    Raises
    ------
    HardwareError
        It has a key too many or no call.
    """
    try:
        return Fault(**written)
    except TypeError as error:
        raise HardwareError(
            "fault table", f"{dict(written)}: write call, code, nth, times, stall, breaks, text"
        ) from error


def read_faults(path: Path) -> Faults:
    """Return the fault table in a YAML or JSON file: a list of rows.

    Raises
    ------
    HardwareError
        It is not a list of rows.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        rows = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))  # JSON is YAML, too
    except YAMLError as error:
        raise HardwareError("fault table", f"{path} cannot be read: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise HardwareError(
            "fault table", f"{path}: write a list of rows, such as '- {{call: StartTask, code: -201003}}'"
        )
    return Faults([fault_of(row) for row in rows])
