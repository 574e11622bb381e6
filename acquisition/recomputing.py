"""Makes every stored number again from the stored samples, and says which came out otherwise, and why.

A year later a stranger should be able to trust a number without trusting us: the same analyser, with the settings that
stand in the file, must give the same bits.
"""

from __future__ import annotations

import struct
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from acquisition.analysis.analyser import Settings, analyse
from protocols.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from acquisition.session.reader import Session
    from protocols.sweeps import Measurement

STORED_SETTINGS = "analysis"
"""Kind of the log entry that holds the settings of a session's analysis."""
SHOWN = 12
"""Differences that are spelled out for a person; `--json` has all."""


@dataclass(frozen=True)
class Difference:
    """A number that did not come out as stored."""

    sweep: int
    measure: str
    stored: float | None
    now: float | None
    """None: not made."""
    why: str

    @property
    def text(self) -> str:
        """One line."""
        return f"sweep {self.sweep}, {self.measure}: stored {_shown(self.stored)}, now {_shown(self.now)} ({self.why})"


@dataclass(frozen=True)
class Recomputed:
    """What came of making all numbers of a session again."""

    same: int
    """Numbers that are the same to the last bit, with the same window and flags."""
    differences: tuple[Difference, ...]
    analysers: tuple[str, ...]
    """Name, version and settings of what made the stored numbers."""
    damaged: tuple[int, ...] = ()
    """Sweeps whose samples do not give the hash that was stored with them."""

    @property
    def ok(self) -> bool:
        """Whether every number came out as stored."""
        return not self.differences and not self.damaged

    def lines(self) -> Iterator[str]:
        """Yield the verdict in words."""
        by = ", ".join(self.analysers) or "no analyser"
        if self.damaged:
            sweeps = ", ".join(map(str, self.damaged))
            yield f"samples that are not as recorded, in sweeps {sweeps}: patchrig verify says more"
        if not self.differences:
            yield f"all {self.same} numbers recomputed from the samples, the same to the last bit ({by})"
            return
        yield f"{len(self.differences)} of {self.same + len(self.differences)} numbers came out otherwise ({by})"
        reasons = Counter(d.why for d in self.differences)
        yield from (f"  {count} x {why}" for why, count in reasons.most_common())
        yield from (f"  {d.text}" for d in self.differences[:SHOWN])
        if len(self.differences) > SHOWN:
            yield f"  and {len(self.differences) - SHOWN} more; --json has all of them"


def log_settings(settings: Settings) -> tuple[str, dict[str, Any]]:
    """Return sentence and particulars of the log entry (of kind `STORED_SETTINGS`) that makes numbers repeatable."""
    return f"measures are made with settings {settings.digest}", {
        "digest": settings.digest,
        "settings": settings.as_mapping(),
    }


def stored_settings(session: Session) -> Settings:
    """Return the settings that a session's numbers were made with; those of its protocol if none are stored."""
    for entry in session.log:
        if entry.kind == STORED_SETTINGS and "settings" in entry.data:
            try:
                return Settings.from_mapping(entry.data["settings"])
            except (TypeError, KeyError):  # settings of another version: the digests then say so
                break
    return Settings.of(session.protocol)


def recompute(session: Session) -> Recomputed:
    """Make all numbers of a session again from its samples, and compare.

    >>> recompute(patchrig.open_session("sub-R1_ses-1_icephys.nwb")).ok  # doctest: +SKIP
    True
    """
    settings, stored = stored_settings(session), _by_sweep(session.measurements)
    same, differences = 0, list[Difference]()
    for sweep in sorted({s.index for s in session.sweeps} | set(stored)):
        before = stored.get(sweep, [])
        try:
            now = analyse(session.sweep(sweep), settings)
        except SessionError as error:
            differences += [Difference(sweep, m.name, m.value, None, str(error)) for m in before]
            continue
        found = list(_compared(sweep, before, now))
        differences += [d for d in found if d is not None]
        same += found.count(None)
    by = tuple(dict.fromkeys(m.analyser for m in session.measurements))
    damaged = tuple(s.index for s in session.sweeps if not _is_intact(session, s.index))
    return Recomputed(same, tuple(differences), by, damaged)


def _is_intact(session: Session, index: int) -> bool:
    try:
        return session.is_intact(index)
    except SessionError:
        return False


def _by_sweep(measurements: Iterable[Measurement]) -> dict[int, list[Measurement]]:
    by: defaultdict[int, list[Measurement]] = defaultdict(list)
    for m in measurements:
        by[m.sweep].append(m)
    return dict(by)


def _compared(sweep: int, before: list[Measurement], now: list[Measurement]) -> Iterator[Difference | None]:
    """Yield None for each number that is the same, in the order stored; then what was not stored."""
    again = dict(_keyed(now))
    for key, stored in _keyed(before):
        made = again.pop(key, None)
        why = _why(stored, made)
        yield Difference(sweep, stored.name, stored.value, made.value if made else None, why) if why else None
    for made in again.values():
        why = "not stored: the analysis was behind or had failed" if not before else "a new measure"
        yield Difference(sweep, made.name, None, made.value, why)


def _keyed(measurements: list[Measurement]) -> Iterator[tuple[tuple[str, int], Measurement]]:
    """Yield each number under its name and how often the name came before: a hold has a value for each pulse."""
    seen: Counter[str] = Counter()
    for m in measurements:
        yield (m.name, seen[m.name]), m
        seen[m.name] += 1


def _why(stored: Measurement, made: Measurement | None) -> str | None:
    """Return why two numbers differ; None if they do not."""
    if made is not None and _bits(stored) == _bits(made):
        return None
    if made is None:
        return f"made by {stored.analyser}; this version makes no such number of this sweep"
    if stored.analyser != made.analyser:
        return f"made by {stored.analyser}, now {made.analyser}"
    if struct.pack("<d", stored.value) != struct.pack("<d", made.value):
        return "the same analyser and settings give another value"
    return "the same value, with another window or other flags"


def _bits(m: Measurement) -> tuple[object, ...]:
    window = None if m.window is None else tuple(struct.pack("<d", x) for x in m.window)
    value = b"nan" if m.value != m.value else struct.pack("<d", m.value)
    return (value, m.unit, struct.pack("<d", m.time), window, m.flags)


def _shown(value: float | None) -> str:
    return "nothing" if value is None else repr(value)
