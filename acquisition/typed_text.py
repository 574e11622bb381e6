"""What a person typed, as every file and every screen can keep it."""

from __future__ import annotations

from typing import Any

BLANKS = "\n\t"


def typed_text(given: Any, most: int) -> str:
    """Return at most `most` characters of a text, without those that no file keeps; '' if it is no text.

    A half of a surrogate pair has no UTF-8, a NUL ends a string in HDF5, and other control characters would move the
    cursor of the terminal in which the log is shown.
    """
    if not isinstance(given, str):
        return ""
    whole = given[: 2 * most].encode("utf-8", "ignore").decode()
    return "".join(c for c in whole if c.isprintable() or c in BLANKS).strip()[:most]
