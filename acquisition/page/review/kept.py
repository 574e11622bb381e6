"""A session as the screen has it: the lists read once, the samples when they are asked for.

The file is open only while it is read: who seals it or still records into it finds it free.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from acquisition.acceptance import is_range
from acquisition.analysis.log_facts import facts_of
from acquisition.analysis.sweep_numbers import gather
from acquisition.outcome import Outcome, gated_of, judged, rules_of
from acquisition.recomputing import stored_settings
from acquisition.session.audit import audit_path
from acquisition.session.journal import is_held, journal_path
from acquisition.session.recovery import open_recovered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from acquisition.analysis.log_facts import LogFacts
    from acquisition.analysis.settings import Settings
    from acquisition.page.review.windows import Layout, Windows
    from acquisition.session.audit import Entry
    from acquisition.session.reader import Session, SweepInfo
    from protocols.acceptance import Accept
    from protocols.sweeps import LogEntry, Measurement

MOST = 4
"""Sets of recomputed numbers that are kept; older ones are made again when they are asked for."""
Stamp = tuple[tuple[int, int], ...]


@dataclass
class Kept:
    """One session: what does not need its file any more."""

    path: Path
    identifier: str
    head: Mapping[str, Any]
    sweeps: tuple[SweepInfo, ...]
    stored: tuple[Measurement, ...]
    log: tuple[LogEntry, ...]
    facts: LogFacts
    settings: Settings
    rules: Accept
    doubts: tuple[str, ...]
    decisions: tuple[Entry, ...]
    """What people decided after the session."""
    rejected: Mapping[int, str]
    seal: Mapping[str, Any] | None
    guardian: str
    _read: Session
    """Closed; its lists are in memory."""
    _again: dict[str, tuple[Measurement, ...]] = field(default_factory=dict)
    _outcomes: dict[str, Outcome] = field(default_factory=dict)
    gated: frozenset[str] = frozenset()
    """What the protocol's gates look at."""

    @classmethod
    def read(cls, path: Path) -> Kept:
        """Read the lists of a session; one that was cut off is recovered first.

        Raises
        ------
        SessionError
            There is no such session, or it cannot be read.
        """
        with open_recovered(path) as s:
            if s.sweeps:
                s.header(s.sweeps[0].index)
            rules, doubts = rules_of(s)
            guardian = s.guardian
            return cls(
                path, s.identifier, _head(s), s.sweeps, s.measurements, s.log, facts_of(s.log), stored_settings(s),
                rules, doubts, s.audit.entries, s.rejected, s.seal, guardian.words() if guardian else "", s,
                gated=gated_of(s),
            )  # fmt: skip

    @cached_property
    def ranges(self) -> frozenset[int]:
        """Sweeps of series over a range of currents: their count of spikes is a result and nothing against them."""
        steps: dict[int, list[float]] = {}
        for s in self.sweeps:
            if s.kind == "series" and s.step is not None:
                steps.setdefault(s.run, []).append(s.step)
        return frozenset(s.index for s in self.sweeps if is_range(steps.get(s.run, [])))

    @cached_property
    def layouts(self) -> frozenset[Layout]:
        """Where the step begins and ends, and how long a sweep is, s: each series' once."""
        first = {s.run: s for s in reversed(self.sweeps) if s.kind == "series"}
        commands = [self._read.header(s.index).sweep.command for s in first.values()]
        return frozenset(
            (step[0].start / c.rate, step[-1].stop / c.rate, c.n_samples / c.rate)
            for c in commands
            if (step := c.of("step"))
        )

    def open(self) -> Session:
        """Open the file to read samples; use it with `with`."""
        return self._read.reopened()

    def settings_of(self, windows: Windows) -> Settings:
        """Return what the analyser is to be told."""
        return windows.on(self.settings)

    def numbers(self, windows: Windows) -> Sequence[Measurement] | None:
        """Return all numbers with these windows; None if they have not been made."""
        return self.stored if windows.as_recorded else self._again.get(self.settings_of(windows).digest)

    def keep(self, windows: Windows, numbers: Sequence[Measurement]) -> None:
        """Keep numbers that were made again."""
        while len(self._again) >= MOST:
            digest = next(iter(self._again))
            del self._again[digest]
            self._outcomes.pop(digest, None)
        self._again[self.settings_of(windows).digest] = tuple(numbers)

    def outcome(self, windows: Windows) -> Outcome | None:
        """Return what comes of the numbers with these windows; None if they have not been made."""
        numbers = self.numbers(windows)
        if numbers is None:
            return None
        name = "" if windows.as_recorded else self.settings_of(windows).digest
        if name not in self._outcomes:
            gathered = gather(self.sweeps, numbers, self.rejected)
            self._outcomes[name] = judged(gathered, self.facts, self.rules, self.doubts, gated=self.gated)
        return self._outcomes[name]


class Shelf:
    """Sessions that were opened; each is read again when its file, or what was decided about it, has changed."""

    def __init__(self) -> None:
        """Nothing is open."""
        self._kept: dict[Path, tuple[Stamp, Kept]] = {}
        self._lock = threading.Lock()

    def get(self, path: Path) -> Kept:
        """Return a session.

        Raises
        ------
        SessionError
            There is no such session, or it cannot be read.
        """
        with self._lock:
            stamp = _stamp(path)
            if path not in self._kept or self._kept[path][0] != stamp:
                found = Kept.read(path)
                self._kept[path] = (_stamp(path), found)
            return self._kept[path][1]


def is_recording(path: Path) -> bool:
    """Return whether a run records into this session at this moment."""
    journal = journal_path(path)
    try:
        return journal.exists() and is_held(journal)
    except OSError:
        return True


def _stamp(path: Path) -> Stamp:
    found = []
    for file in (path, audit_path(path)):
        try:
            facts = file.stat()
            found.append((facts.st_mtime_ns, facts.st_size))
        except OSError:
            found.append((0, 0))
    return tuple(found)


def _head(s: Session) -> dict[str, Any]:
    from protocols.errors import InvalidFile

    try:
        protocol = s.protocol.protocol
    except InvalidFile:
        protocol = ""
    return {
        "name": s.path.name,
        "session": s.session_id,
        "protocol": protocol,
        "subject": s.subject_id,
        "cell": s.cell_id,
        "experimenter": "; ".join(s.experimenter),
        "started": s.started.isoformat(),
        "notes": s.notes or "",
        "closed": s.closed,
    }
