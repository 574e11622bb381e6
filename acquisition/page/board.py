"""What viewers are told, by section: each is sent whole when it has changed, lists from the first row that has."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Board:
    """Sections by name, with versions. A viewer that keeps the versions it has seen is told what is new."""

    def __init__(self) -> None:
        """Begin empty."""
        self._version = 0
        self._sections: dict[str, tuple[int, str]] = {}
        self._told: dict[str, Any] = {}
        self._lists: dict[str, _Rows] = {}

    def put(self, name: str, facts: Mapping[str, Any]) -> None:
        """Set a section; nothing happens if it says the same already."""
        if self._told.get(name) == facts:
            return
        self._version += 1
        self._told[name] = dict(facts)
        self._sections[name] = (self._version, as_json({"is": name, **facts}))

    def put_rows(self, name: str, key: str, rows: list[Any]) -> None:
        """Set a section that is a list; only rows that differ are sent, and those behind them."""
        there = self._lists.setdefault(name, _Rows(key))
        if there.differs(rows):
            self._version += 1
            there.take(rows, self._version)

    def clear(self) -> None:
        """Forget everything: another run begins."""
        self._sections, self._told, self._lists = {}, {}, {}

    def news(self, seen: dict[str, int]) -> Iterator[str]:
        """Yield messages that a viewer with the versions `seen` lacks, and note them there."""
        for name, (version, text) in tuple(self._sections.items()):
            if seen.get(name, 0) < version:
                seen[name] = version
                yield text
        for name, rows in tuple(self._lists.items()):
            if seen.get(name, 0) < rows.version:
                first = rows.first_after(seen.get(name, 0))
                seen[name] = rows.version
                yield as_json({"is": name, "from": first, rows.key: rows.rows[first:]})


class _Rows:
    def __init__(self, key: str) -> None:
        self.key, self.version = key, 0
        self.rows: list[Any] = []
        self._versions: list[int] = []

    def differs(self, rows: list[Any]) -> bool:
        return len(rows) != len(self.rows) or rows != self.rows or not self.version

    def take(self, rows: list[Any], version: int) -> None:
        kept = [v if r == s else version for v, r, s in zip(self._versions, rows, self.rows, strict=False)]
        self._versions = kept + [version] * (len(rows) - len(kept))
        self.rows, self.version = list(rows), version

    def first_after(self, version: int) -> int:
        return next((i for i, v in enumerate(self._versions) if v > version), len(self.rows))


def as_json(value: Any) -> str:
    """Return JSON that browsers read: what is not finite is null, what is no character is a question mark."""
    text = json.dumps(known(value), ensure_ascii=False, separators=(",", ":"), default=str)
    return text.encode("utf-8", "replace").decode()


def known(value: Any) -> Any:
    """Return `value` with None for every number that is not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {k: known(v) for k, v in value.items()}
    return [known(v) for v in value] if isinstance(value, list | tuple) else value
