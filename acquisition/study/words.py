"""Numbers as the report prints them: estimate and interval first, a p-value never alone."""

from __future__ import annotations

import math
import re

from acquisition.statistics.words import NOT_DETERMINED, p_text

__all__ = ["NOT_DETERMINED", "among", "count", "interval", "listed", "p_text", "signed", "tight", "with_unit"]

NO_BREAK = "\u00a0"
BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:[pnµm]?M|mM|mV|MΩ|p?A|m?s|min|%|°C|k?Hz|µm)(?!\w))")
AMONG = re.compile(r"(?:n = )?\d+ cells? / \d+ animals?")


def signed(value: float, digits: int, *, plus: bool = False) -> str:
    """Return a number with a true minus sign; 'not determined' for NaN."""
    if math.isnan(value):
        return NOT_DETERMINED
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:{'+' if plus else ''}.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def interval(ends: tuple[float, float], digits: int, factor: float = 1.0) -> str:
    """Return '−1.20 to −0.31'; 'not determined' where there is none."""
    low, high = sorted(factor * x for x in ends) if not any(map(math.isnan, ends)) else (math.nan, math.nan)
    return NOT_DETERMINED if math.isnan(low) else f"{signed(low, digits)} to {signed(high, digits)}"


def with_unit(text: str, unit: str) -> str:
    """Return '1.20 mV'; without a unit, or a number, only the text."""
    return f"{text} {unit}" if unit and text != NOT_DETERMINED else text


def count(n: int, what: str) -> str:
    """Return '1 cell', '12 cells'."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def among(cells: int, animals: int, *, is_virtual: bool = False) -> str:
    """Return 'n = 12 cells / 7 animals', or 'n = 12 virtual cells'."""
    if is_virtual:
        return f"n = {count(cells, 'virtual cell')}"
    return f"n = {count(cells, 'cell')} / {count(animals, 'animal')}"


def listed(things: list[str] | tuple[str, ...]) -> str:
    """Return 'A', 'A and B', 'A, B and C'."""
    return " and ".join([", ".join(things[:-1]), things[-1]] if len(things) > 1 else things)


def tight(text: str) -> str:
    """Return `text` with numbers and their units held together at the end of a line."""
    return BEFORE_UNIT.sub(NO_BREAK, AMONG.sub(lambda found: found[0].replace(" ", NO_BREAK), text))
