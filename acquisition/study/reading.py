"""A session file as one cell of a study: a plain function over a path, for any process on any machine."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from acquisition.acceptance import HEADLINE
from acquisition.analysis.log_facts import facts_of
from acquisition.analysis.rejections import reason_against
from acquisition.analysis.summary import gather, summarise
from acquisition.session.recovery import open_recovered
from acquisition.study.cell import CONFOUNDS, Cell, CoursePoint, LeftOut, Role, Rules, Unreadable, Within
from acquisition.study.judging import judged
from acquisition.study.phases import Timeline, phases_of
from protocols.errors import PatchrigError, SessionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acquisition.study.cell import CellPhase
    from acquisition.study.source import Source
    from protocols.protocol import Protocol


def read_cell(path: Path | str, rules: Rules | None = None) -> Cell:
    """Return what the session file at `path` says of its cell; nothing is written to it.

    A session that was cut off is recovered first, as whenever one is opened.

    Raises
    ------
    SessionError, InvalidFile
        The file cannot be read as a session, or its protocol is not understood; the message says why.
    """
    asked = rules or Rules()
    with open_recovered(path) as session:
        if not any(s.kind == "series" for s in session.sweeps):
            raise SessionError(f"{Path(path).name} has no series of bursts, so there is nothing to compare")
        return cell_from(session, Path(path), asked)


def try_cell(path: Path | str, rules: Rules) -> Cell | Unreadable:
    """Return the cell, or why it cannot be read: one bad file must not end a study of fifty."""
    try:
        return read_cell(path, rules)
    except PatchrigError as error:
        return Unreadable(str(path), str(error))
    except Exception as error:  # noqa: BLE001  a damaged HDF5 file raises whatever it likes
        return Unreadable(str(path), f"{Path(path).name} could not be read: {type(error).__name__}: {error}")


def cell_from(session: Source, path: Path, rules: Rules) -> Cell:
    """Return the cell of a session that is open, or that was never written to a file."""
    numbers = gather(session.sweeps, session.measurements, session.rejected)
    summary = summarise(numbers, last=rules.last, facts=facts_of(session.log), rules=session.protocol.accept)
    timeline = Timeline.of(session, numbers, rules)
    phases = phases_of(summary, numbers, timeline)
    accepted, reasons, warnings = judged(session, numbers, summary, phases)
    animal = session.protocol.preparation.subject
    return Cell(
        path=str(path),
        identifier=session.identifier,
        session=session.session_id,
        animal=_animal(session),
        cell=session.cell_id,
        slice=None,
        age=animal.age,
        strain=animal.strain,
        sex=animal.sex,
        started=session.started.isoformat(),
        is_simulated=session.seed is not None,
        title=session.protocol.protocol,
        protocol_text=session.protocol_text,
        solutions=tuple(_names(session.protocol)),
        software=session.software,
        analysers=tuple(sorted({m.analyser for m in session.measurements if m.analyser})),
        phases=phases,
        within=tuple(Within.of(c) for c in summary.changes),
        course=tuple(_course(timeline, phases)),
        left_out=tuple(_left_out(timeline)),
        is_accepted=accepted,
        reasons=reasons,
        warnings=warnings,
        temperature=_temperature(session, timeline),
        filtering=session.filtering,
    )


def _animal(session: Source) -> str:
    """Return the animal; cells whose animal nobody named are not taken for cells of one."""
    named = session.subject_id.strip()
    return named if named.lower() not in ("", "unknown") else f"unknown ({session.session_id})"


def _names(protocol: Protocol) -> Iterator[str]:
    for key, solution in protocol.solutions.items():
        yield from (key, solution.label, *([solution.compound.name] if solution.compound else []))


def _course(timeline: Timeline, phases: tuple[CellPhase, ...]) -> Iterator[CoursePoint]:
    """Yield every burst, those that were left out as well, in % of the baseline."""
    baseline = next((p.mean(HEADLINE).value for p in phases if p.role is Role.BASELINE), math.nan)
    for sweep in timeline.bursts:
        value = sweep.value(HEADLINE)
        yield CoursePoint(
            sweep.index,
            timeline.minutes(sweep.start),
            timeline.role(sweep),
            sweep.is_accepted,
            100 * value / baseline if baseline else math.nan,
            {name: sweep.value(name) for name in (HEADLINE, *CONFOUNDS)},
        )


def _left_out(timeline: Timeline) -> Iterator[LeftOut]:
    for sweep in timeline.bursts:
        if not sweep.is_accepted:
            at = timeline.minutes(sweep.start)
            yield LeftOut(sweep.index, at, sweep.label, timeline.role(sweep), reason_against(sweep))


def _temperature(session: Source, timeline: Timeline) -> float:
    """Return the mean of the bath over the bursts, degC."""
    bursts = {s.index for s in timeline.bursts}
    known = [s.temperature for s in session.sweeps if s.index in bursts and s.temperature is not None]
    return sum(known) / len(known) if known else math.nan
