"""One physical quantity as people write it: '-70 mV' is a float of -0.07 that remembers its text.

The dimension is in the type, so '5 ms' where a voltage belongs is an error and not a number. A number without a
unit is refused, zero included: '0' would be accepted where another dimension was meant. Text is read by
decimal arithmetic, so the float is the one nearest to what was written.
"""

from __future__ import annotations

import difflib
import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Self

from protocols.written import Written, offered, tidy, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NUMBER = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?"
"""A decimal number, after typographic twins were replaced."""
PATTERN_NUMBER = NUMBER.replace("[-+]?", "[-+\u2212]?", 1)
"""The same in a JSON Schema, which sees the text as typed."""

_FORM = re.compile(rf"({NUMBER})\s*(.*)", re.DOTALL)
_SLIPS = {
    "sec": "s", "secs": "s", "second": "s", "seconds": "s", "msec": "ms", "mins": "min", "minute": "min",
    "minutes": "min", "m": "min", "hr": "h", "hour": "h", "hours": "h", "C": "°C", "deg": "°C", "K": "°C",
    "percent": "%",
}  # fmt: skip
SMALLEST = 1e-30
"""Anything nearer to zero, other than zero, is a slip of the exponent in every unit of the field."""


class Quantity(float, Written):
    """A float in SI (temperatures: degC) that remembers how it was written."""

    kind: ClassVar[str] = "quantity"
    units: ClassVar[Mapping[str, str]] = {}
    """Unit -> its SI value, as decimal text. The first one is used to write values and to give examples."""
    bounds: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    """Beyond these the unit is surely wrong. Not a safety limit; those are in the rig file."""
    text: str
    """As written, with one space before the unit and plain signs."""

    def __new__(cls, value: float, text: str | None = None) -> Self:
        """Make one from SI; the text is generated if not given."""
        self = super().__new__(cls, value)
        self.text = text if text is not None else cls.write(float(value))
        return self

    @classmethod
    def parse(cls, value: object) -> Self:
        """Return what `value` (text such as '-70 mV', or an instance) means.

        Raises
        ------
        PydanticCustomError
            With words: no unit, unknown unit, another dimension, implausible, not a number.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, Quantity):
            raise cls._other_dimension(value.text, value.kind)
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise wrong(f"'{value}' has no unit: write a {cls.kind} such as '{cls.example}'")
        if not isinstance(value, str):
            raise wrong(f"a {cls.kind} belongs here, such as '{cls.example}'")
        number, unit = cls._split(value)
        return cls._checked(number, cls._known(unit, value), value)

    @classmethod
    def write(cls, si: float) -> str:
        """Return text for `si` with the unit that gives the handiest number."""
        sizes = {u: abs(si) / float(f) for u, f in cls.units.items()}
        handy = next((u for u, size in sizes.items() if 1 <= size < 1000), None)
        unit = handy or min(sizes, key=lambda u: abs(math.log10(sizes[u] or 1)))
        return f"{si / float(cls.units[unit]):.6g} {unit}"

    @classmethod
    def _split(cls, text: str) -> tuple[str, str]:
        match = _FORM.fullmatch(tidy(text))
        if match is None:
            raise wrong(f"'{text}' is not a number and a unit: write a {cls.kind} such as '{cls.example}'")
        return match[1], match[2]

    @classmethod
    def _known(cls, unit: str, text: str) -> str:
        """Return `unit` if it is one of this kind's."""
        if unit in cls.units:
            return unit
        if not unit:
            raise wrong(f"'{text.strip()}' has no unit: write a {cls.kind} such as '{cls.example}'")
        if other := next((k for k in _kinds() if unit in k.units), None):
            raise cls._other_dimension(text, other.kind)
        hint = f"; did you mean '{near}'?" if (near := cls._near(unit)) else ""
        raise wrong(f"'{unit}' is not a unit of {cls.kind} (such as '{cls.example}'){hint}")

    @classmethod
    def _near(cls, unit: str) -> str | None:
        if _SLIPS.get(unit) in cls.units:
            return _SLIPS[unit]
        same = [u for u in cls.units if u.lower() == unit.lower()]
        near = same or difflib.get_close_matches(unit, cls.units, 1, 0.6)
        return near[0] if near else None

    @classmethod
    def _other_dimension(cls, text: str, other: str) -> Exception:
        return wrong(f"'{text.strip()}' is {_a(other)}, but {_a(cls.kind)} belongs here, such as '{cls.example}'")

    @classmethod
    def _checked(cls, number: str, unit: str, text: str) -> Self:
        si = float(Decimal(number) * Decimal(cls.units[unit]))
        low, high = cls.bounds
        if si < 0 == low:
            raise wrong(f"'{text.strip()}': {_a(cls.kind)} cannot be negative")
        if not low <= si <= high:
            raise wrong(f"'{text.strip()}' is outside {cls.write(low)} .. {cls.write(high)}: is the unit right?")
        if abs(si) < SMALLEST and Decimal(number) != 0:
            raise wrong(f"'{text.strip()}' is too near to zero to be meant: is the exponent right?")
        return cls(si + 0.0, f"{number.removeprefix('+')} {unit}")

    @classmethod
    def unit_pattern(cls) -> str:
        """Return a regular expression of the units, as typed."""
        typed = [v for u in cls.units for v in dict.fromkeys((u, u.replace("µ", "\u03bc"), u.replace("Ω", "\u2126")))]
        return "(" + "|".join(re.escape(u).replace(r"\%", "%") for u in sorted(typed, key=len, reverse=True)) + ")"

    @classmethod
    def json_schema(cls) -> Mapping[str, Any]:
        """Return the pattern of this kind's texts."""
        return {
            "pattern": rf"^\s*{PATTERN_NUMBER}\s*{cls.unit_pattern()}\s*$",
            "examples": [cls.example],
            "patternErrorMessage": f"Write {_a(cls.kind)}: a number and a unit, such as '{cls.example}'.",
            "defaultSnippets": offered(cls.example),
        }

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (float(self), self.text)


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _kinds() -> Iterator[type[Quantity]]:
    """Yield the kinds of quantity in the order of their definition; one without units stands for its own kinds."""
    for kind in Quantity.__subclasses__():
        yield from [kind] if kind.units else kind.__subclasses__()
