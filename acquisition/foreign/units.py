"""Units as recording programs write them into their files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocols.errors import Refused

if TYPE_CHECKING:
    from protocols.sweeps import Unit

KNOWN: dict[str, tuple[Unit, float]] = {
    "V": ("V", 1.0),
    "mV": ("V", 1e-3),
    "uV": ("V", 1e-6),
    "A": ("A", 1.0),
    "uA": ("A", 1e-6),
    "nA": ("A", 1e-9),
    "pA": ("A", 1e-12),
}
LONG = {"volt": "V", "volts": "V", "amp": "A", "amps": "A", "ampere": "A", "amperes": "A"}
MICRO = {"\N{MICRO SIGN}": "u", "\N{GREEK SMALL LETTER MU}": "u"}
_FORM = re.compile(r"\s*(?:([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*)?(\S+)\s*")


@dataclass(frozen=True)
class UnitText:
    """What one number of a file means."""

    text: str
    """As written."""
    unit: Unit
    si: float
    """SI value of the number 1."""


def unit_of(text: str | None) -> UnitText | None:
    """Return what a unit in a file's header means; None if it is neither a voltage nor a current."""
    plain = "".join(MICRO.get(c, c) for c in (text or "").strip().strip("\x00"))
    plain = LONG.get(plain.lower(), plain)
    return UnitText(plain, *KNOWN[plain]) if plain in KNOWN else None


def assumed_unit(text: str) -> UnitText:
    """Return what a person says that one number of the file is: 'mV', or '0.05 mV' where the gain is wrong too.

    Raises
    ------
    Refused
        It is not a unit of voltage or current.
    """
    match = _FORM.fullmatch(text)
    unit = unit_of(match[2]) if match else None
    if match is None or unit is None or float(match[1] or 1) <= 0:
        raise Refused(f"'{text}' is not a unit of voltage or current: write 'mV', 'pA', or '0.05 mV' for a wrong gain")
    return UnitText(text.strip(), unit.unit, unit.si * float(match[1] or 1))
