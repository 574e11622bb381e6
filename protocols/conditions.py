"""Conditions as people write them: 'below 25 MOhm', 'outside 30 % of start', '3..4', '15 % per 10 min'.

A condition answers True, False, or None for "cannot tell": a value that was not measured has neither held nor failed.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from protocols.quantities import (
    Current,
    CurrentRange,
    Duration,
    Percent,
    Range,
    Resistance,
    ResistanceRange,
    Temperature,
    TemperatureRange,
    Voltage,
    VoltageRange,
)
from protocols.quantity import PATTERN_NUMBER, Quantity
from protocols.written import Written, offered, tidy, wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

OnFail = Literal["ask", "note", "skip", "stop"]
"""What a gate does: ask the person, note it and go on, leave the sweep out of means, or stop the run."""

IfNot = Literal["ask", "note", "stop"]
"""What a step does when it does not reach its aim: ask the person, note it and go on, or stop the run."""

Form = Literal["below", "above", "inside", "outside", "within", "beyond"]

_OF_START = re.compile(r"(within|outside)\s+(.+?%)\s+of\s+start")
_SYMBOLS = {"<": "below", "<=": "below", ">": "above", ">=": "above"}


@dataclass(frozen=True)
class Condition(Written):
    """On one measured value. 'A .. B' includes its ends, 'outside' excludes them, 'below' and 'above' are strict."""

    form: Form
    low: float
    """Lower end, SI; the fraction for 'within' and 'beyond'; -inf for 'below'."""
    high: float
    """Upper end, SI; the fraction again; inf for 'above'."""
    text: str

    of: ClassVar[type[Quantity]]
    range_of: ClassVar[type[Range]]

    def holds(self, value: float, start: float | None = None) -> bool | None:
        """Say whether `value` (SI) meets the condition; None when that cannot be told.

        It cannot be told for a value that is NaN, and for '% of start' while `start`, the first value, is unknown or 0.
        """
        if not math.isfinite(value):
            return None
        match self.form:
            case "below":
                return value < self.high
            case "above":
                return value > self.low
            case "inside" | "outside":
                return (self.low <= value <= self.high) is (self.form == "inside")
            case "within" | "beyond":
                return self._near_start(value, start)

    def _near_start(self, value: float, start: float | None) -> bool | None:
        if start is None or not math.isfinite(start) or start == 0:
            return None
        return (abs(value - start) <= self.high * abs(start)) is (self.form == "within")

    @classmethod
    def parse(cls, value: object) -> Self:
        """Return the condition that `value` (text, or an instance) means."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise wrong(f"write a condition: {cls._forms()}")
        text = " ".join(tidy(value).split())
        word, _, rest = text.partition(" ")
        if word in ("below", "above"):
            limit = cls.of.parse(rest)
            ends = (-math.inf, float(limit)) if word == "below" else (float(limit), math.inf)
            return cls("below" if word == "below" else "above", *ends, f"{word} {limit}")
        if relative := _OF_START.fullmatch(text):
            return cls._relative(relative[1], Percent.parse(relative[2]))
        return cls._between(text)

    @classmethod
    def _relative(cls, word: str, part: Percent) -> Self:
        if cls.of is Temperature:
            raise wrong(f"a percentage of a temperature in °C says nothing: write {cls._forms()}")
        if not part:
            raise wrong("no measured value stays within 0 % of another")
        return cls("within" if word == "within" else "beyond", float(part), float(part), f"{word} {part} of start")

    @classmethod
    def _between(cls, text: str) -> Self:
        inside = not text.startswith("outside ")
        if ".." not in text:
            raise wrong(f"'{text}' is not a condition{cls._symbol(text)}: write {cls._forms()}")
        ends = cls.range_of.parse(text.removeprefix("outside "))
        form: Form = "inside" if inside else "outside"
        return cls(form, float(ends.low), float(ends.high), f"{'' if inside else 'outside '}{ends}")

    @classmethod
    def _symbol(cls, text: str) -> str:
        sign = re.match(r"[<>]=?", text)
        return f" (use the word '{_SYMBOLS[sign[0]]}')" if sign else ""

    @classmethod
    def _forms(cls) -> str:
        relative = "" if cls.of is Temperature else ", 'within 20 % of start', 'outside 20 % of start'"
        e = cls.of.example
        return f"'below {e}', 'above {e}', '{cls.range_of.example}' or 'outside {cls.range_of.example}'{relative}"

    @classmethod
    def json_schema(cls) -> Mapping[str, Any]:
        """Return the pattern of this condition's texts."""
        one = rf"{PATTERN_NUMBER}\s*{cls.of.unit_pattern()}"
        forms = [rf"(below|above)\s+{one}", rf"(outside\s+)?{cls.range_of.pattern()}"]
        offers = [f"below {cls.of.example}", f"above {cls.of.example}", cls.range_of.example]
        if cls.of is not Temperature:
            forms.append(rf"(within|outside)\s+{PATTERN_NUMBER}\s*%\s+of\s+start")
            offers.append("within 20 % of start")
        return {
            "pattern": rf"^\s*({'|'.join(forms)})\s*$",
            "examples": offers[:1],
            "patternErrorMessage": f"Write {cls._forms()}.",
            "defaultSnippets": offered(*offers),
        }

    def __str__(self) -> str:
        return self.text


class ResistanceCondition(Condition):
    """On an access or input resistance."""

    of, range_of = Resistance, ResistanceRange


class CurrentCondition(Condition):
    """On a holding or bias current."""

    of, range_of = Current, CurrentRange


class VoltageCondition(Condition):
    """On a membrane potential."""

    of, range_of = Voltage, VoltageRange


class TemperatureCondition(Condition):
    """On the bath's temperature."""

    of, range_of = Temperature, TemperatureRange


MOST_SPIKES = 1000


@dataclass(frozen=True)
class SpikeCount(Written):
    """A number of action potentials: '4' or '3..4'."""

    low: int
    high: int

    example: ClassVar[str] = "3..4"

    def __post_init__(self) -> None:
        """Refuse a range that runs backwards."""
        if not 0 <= self.low <= self.high <= MOST_SPIKES:
            raise wrong(f"'{self.text}' is not a count from 0 to {MOST_SPIKES}, lower number first, such as '3..4'")

    @property
    def text(self) -> str:
        """As written, tidied."""
        return str(self.low) if self.low == self.high else f"{self.low}..{self.high}"

    def holds(self, value: float, start: float | None = None) -> bool | None:  # noqa: ARG002  as all conditions
        """Say whether the count `value` is wanted; None when it was not measured."""
        return self.low <= value <= self.high if math.isfinite(value) else None

    @classmethod
    def parse(cls, value: object) -> Self:
        """Return the count that `value` (text, a whole number, or an instance) means."""
        if isinstance(value, cls):
            return value
        text = "" if isinstance(value, bool) else str(value)
        match = re.fullmatch(r"([0-9]{1,4})(?:\s*\.\.\s*([0-9]{1,4}))?", tidy(text))
        if match is None:
            raise wrong("write a number of spikes, such as '4' or '3..4'")
        return cls(int(match[1]), int(match[2] or match[1]))

    @classmethod
    def json_schema(cls) -> Mapping[str, Any]:
        """Return the pattern; a bare whole number is one too."""
        return {
            "type": ["string", "integer"],
            "minimum": 0,
            "maximum": MOST_SPIKES,
            "pattern": r"^\s*[0-9]{1,4}(\s*\.\.\s*[0-9]{1,4})?\s*$",
            "examples": [cls.example],
            "patternErrorMessage": "Write a number of spikes, such as '4' or '3..4'.",
            "defaultSnippets": offered(cls.example),
        }

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Drift(Written):
    """A slope: '15 % per 10 min'."""

    fraction: float
    """Change over `per`, as a fraction of the mean."""
    per: float
    """Seconds."""
    text: str

    example: ClassVar[str] = "15 % per 10 min"

    @classmethod
    def parse(cls, value: object) -> Self:
        """Return the slope that `value` (text, or an instance) means."""
        if isinstance(value, cls):
            return value
        match = re.fullmatch(r"(.+?%)\s+per\s+(.+)", tidy(value)) if isinstance(value, str) else None
        if match is None:
            raise wrong(f"write a drift such as '{cls.example}'")
        part = Percent.parse(match[1])
        unit = not match[2][0].isdigit()
        per = Duration.parse(f"1 {match[2]}" if unit else match[2])
        if not part or not per:
            raise wrong(f"'{value}': both numbers must be more than 0, such as '{cls.example}'")
        return cls(float(part), float(per), f"{part} per {match[2] if unit else per}")

    @classmethod
    def json_schema(cls) -> Mapping[str, Any]:
        """Return the pattern of a slope's texts."""
        return {
            "pattern": rf"^\s*{PATTERN_NUMBER}\s*%\s+per\s+({PATTERN_NUMBER}\s*)?{Duration.unit_pattern()}\s*$",
            "examples": [cls.example],
            "patternErrorMessage": f"Write a drift such as '{cls.example}'.",
            "defaultSnippets": offered(cls.example),
        }

    def __str__(self) -> str:
        return self.text
