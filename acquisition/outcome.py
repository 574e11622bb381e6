"""What came of a session, judged by the limits of its own protocol: for review, figure and whoever compares cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from acquisition.analysis.cell_acceptance import CellVerdict, judge_cell
from acquisition.analysis.log_facts import LogFacts, facts_of
from acquisition.analysis.summary import Summary, SweepNumbers, gather, summarise
from acquisition.analysis.time_course import time_course
from acquisition.injection import MISSED
from protocols.acceptance import Accept
from protocols.errors import InvalidFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from acquisition.session.reader import Session


@dataclass(frozen=True)
class Outcome:
    """What a session shows, and how far it can be trusted."""

    numbers: tuple[SweepNumbers, ...]
    facts: LogFacts
    rules: Accept
    """The protocol's limits."""
    summary: Summary
    cell: CellVerdict | None
    """Whether the cell counts; None for a session without bursts."""
    doubts: tuple[str, ...] = ()
    """What the reader must know of how the session was judged."""

    def lines(self, more: Iterable[str] = ()) -> tuple[str, ...]:
        """Return the outcome in words, with `more` before the verdict on the cell."""
        found = self.summary.lines() or ("nothing was measured in this session",)
        return (*found, *more, *([self.cell.text] if self.cell else []), *self.doubts)

    def as_mapping(self) -> dict[str, Any]:
        """Return the outcome as JSON-able SI numbers; NaN becomes None."""
        course = [
            {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in vars(point).items()}
            for point in time_course(self.numbers, self.facts)
        ]
        cell = self.cell.as_mapping() if self.cell else None
        return {**self.summary.as_mapping(), "cell": cell, "time_course": course}


def outcome_of(session: Session) -> Outcome:
    """Return before against after, spikes against current, the state of the membrane, and whether the cell counts."""
    numbers = gather(session.sweeps, session.measurements, session.rejected)
    rules, doubts = rules_of(session)
    missed = tuple(entry.text for entry in session.log if entry.kind == MISSED)
    return judged(numbers, facts_of(session.log), rules, (*doubts, *missed), gated=gated_of(session))


def judged(
    numbers: tuple[SweepNumbers, ...],
    facts: LogFacts,
    rules: Accept,
    doubts: tuple[str, ...] = (),
    *,
    gated: frozenset[str] = frozenset(),
) -> Outcome:
    """Return what came of a session with these numbers, which need not be those that were stored.

    `gated` are the quantities of the protocol's gates: a cell that does not show them does not count.
    """
    summary = summarise(numbers, facts=facts, rules=rules)
    has_bursts = bool(summary.phases or summary.unaccepted)
    cell = judge_cell(numbers, facts, rules, gated=gated) if has_bursts else None
    return Outcome(numbers, facts, rules, summary, cell, doubts)


def rules_of(session: Session) -> tuple[Accept, tuple[str, ...]]:
    """Return the limits of the session's protocol; the defaults, and a line that says so, if it cannot be read."""
    try:
        return session.protocol.accept, ()
    except InvalidFile:
        return Accept(), ("this version cannot read the session's protocol: judged by the default limits",)


def gated_of(session: Session) -> frozenset[str]:
    """Return what the gates of the session's protocol look at; nothing if it cannot be read."""
    try:
        return session.protocol.gated
    except InvalidFile:
        return frozenset()
