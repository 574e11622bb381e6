"""One line of what doctor says, and the guard that turns a check that fails into a line of its own."""

from __future__ import annotations

import enum
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocols.errors import PatchrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

log = logging.getLogger(__name__)

NOTHING = "nothing"


class Verdict(enum.StrEnum):
    """How it is."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; an experiment can begin."""
    BAD = "bad"
    """Mend it first."""


@dataclass(frozen=True)
class Finding:
    """One line."""

    verdict: Verdict
    what: str
    """What was looked at, in a word or two."""
    found: str
    do: str = NOTHING
    """What a person should do."""


def ok(what: str, found: str) -> Finding:
    """Return a line that asks for nothing."""
    return Finding(Verdict.OK, what, found)


def note(what: str, found: str, do: str = NOTHING) -> Finding:
    """Return a line that is worth knowing."""
    return Finding(Verdict.NOTE, what, found, do)


def bad(what: str, found: str, do: str) -> Finding:
    """Return a line that must be mended first."""
    return Finding(Verdict.BAD, what, found, do)


@dataclass(frozen=True)
class Check:
    """One look at something."""

    what: str
    look: Callable[[], Iterable[Finding]]
    cure: str
    """What to do when the look itself fails."""

    def findings(self) -> Iterator[Finding]:
        """Yield what it finds; whatever it raises is a bad line, and nobody else's business."""
        try:
            yield from self.look()
        except PatchrigError as error:
            yield bad(self.what, str(error), self.cure)
        except Exception as error:  # one check that fails must not hide the others
            log.debug("the check of %s failed", self.what, exc_info=True)
            yield bad(self.what, f"could not be looked at: {type(error).__name__}: {error}", self.cure)


@dataclass(frozen=True)
class Section:
    """Lines that belong together."""

    title: str
    findings: tuple[Finding, ...]


def section(title: str, checks: Iterable[Check]) -> Section:
    """Return what `checks` find."""
    return Section(title, tuple(f for check in checks for f in check.findings()))
