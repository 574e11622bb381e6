"""Whether a cell enters the study, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquisition.analysis.cell_acceptance import judge_cell
from acquisition.analysis.log_facts import facts_of
from acquisition.study.cell import Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from acquisition.analysis.summary import Summary, SweepNumbers
    from acquisition.study.cell import CellPhase
    from acquisition.study.source import Source

NOT_MEASURED = " not measured"
"""How a check of the cell ends that could not be made."""


def judged(
    session: Source, numbers: Sequence[SweepNumbers], summary: Summary, phases: Sequence[CellPhase]
) -> tuple[bool, tuple[str, ...], tuple[str, ...]]:
    """Return whether the cell is accepted, what speaks against it, and what else a reader should know."""
    missing = tuple(_missing(summary, phases))
    if missing:
        return False, missing, tuple(_warnings(session, phases))
    protocol = session.protocol
    verdict = judge_cell(numbers, facts_of(session.log), protocol.accept, gated=protocol.gated)
    unknown = [c.text.removesuffix(NOT_MEASURED) for c in verdict.checks if c.ok is None]
    besides = (f"not measured: {', '.join(unknown)}",) if unknown else ()
    return verdict.accepted, verdict.reasons, (*_warnings(session, phases), *besides)


def _missing(summary: Summary, phases: Sequence[CellPhase]) -> Iterator[str]:
    """Yield why there is nothing to compare in this cell."""
    roles = {p.role for p in phases}
    if {Role.BASELINE, Role.TEST} <= roles:
        return
    if not phases:
        yield from summary.rejections or ("no series of bursts with one step current",)
    elif Role.BASELINE not in roles:
        yield "no accepted sweep in the baseline"
    else:
        yield "no accepted sweep after the change of solution"


def _warnings(session: Source, phases: Sequence[CellPhase]) -> Iterator[str]:
    if session.closed is None:
        yield "the session was not closed: it goes on, or was cut off"
    for phase in phases:
        if phase.role in (Role.BASELINE, Role.TEST):
            yield from (f"{phase.label}: {remark}" for remark in phase.remarks)
    if len({p.solution for p in phases if p.role is Role.TEST}) > 1:
        yield "several test solutions one after the other: later ones carry what earlier ones left, and run-down"
