"""What a browser may send: read, and refused in a sentence where it is nothing that can be answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from acquisition.typed_text import typed_text

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_NUMBER = (1 << 32) - 1
"""Largest number that a header of columns has room for."""
MOST_TEXT = 4000
"""Characters of one text."""
MOST_FIELDS = 20
LONGEST_ACT = 40
UNLIKE = 'a message is an object like {"do": "pause", "id": 1}: words and numbers, nothing within one another'


class Unreadable(Exception):
    """It cannot be answered; the words say what it should have been."""


@dataclass(frozen=True)
class Message:
    """A wish of a viewer."""

    act: str
    number: int
    """What its answer is to be called."""
    fields: Mapping[str, str | float | bool | None]
    """What it needs; finite numbers, and texts that every file can keep."""


def message(text: str) -> Message:
    """Return what a browser sent.

    Raises
    ------
    Unreadable
        It is nothing of the kind.
    """
    told = loaded(text)
    if not isinstance(told, dict) or len(told) > MOST_FIELDS or any(not _is_plain(v) for v in told.values()):
        raise Unreadable(UNLIKE)
    act, number = told.pop("do", None), told.pop("id", None)
    if not isinstance(act, str) or not act or not is_number(number):
        raise Unreadable(UNLIKE)
    fields = {
        typed_text(k, LONGEST_ACT): typed_text(v, MOST_TEXT) if isinstance(v, str) else v for k, v in told.items()
    }
    return Message(typed_text(act, LONGEST_ACT), number, fields)


def loaded(text: str | bytes) -> Any:
    """Return what JSON says.

    Raises
    ------
    Unreadable
        It is no JSON, or so deep or large that only somebody who means harm sends it.
    """
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise Unreadable("that is no JSON") from error


def numbers(wish: Message, *names: str) -> list[float]:
    """Return the fields of a wish that must be numbers.

    Raises
    ------
    Unreadable
        One is missing, or none.
    """
    found = [wish.fields.get(name) for name in names]
    if any(isinstance(value, str | bool) or value is None for value in found):
        raise Unreadable(f"'{wish.act}' needs numbers: {', '.join(names)}")
    return [float(value) for value in found if value is not None]


def is_number(value: Any) -> TypeGuard[int]:
    """Whether `value` is a whole number that a header has room for."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_NUMBER


def _is_plain(value: Any) -> bool:
    """Whether `value` is one text or number, finite and not beyond reason, and not a collection."""
    if isinstance(value, int | float):
        return abs(value) <= MOST_NUMBER
    return value is None or isinstance(value, str)
