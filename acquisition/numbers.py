"""The numbers of a recorded session as the analysis wants them: sweeps without their samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquisition.analysis.summary import SweepNumbers

if TYPE_CHECKING:
    from acquisition.session.reader import Session
    from protocols.sweeps import Measurement


def numbers_of(session: Session) -> list[SweepNumbers]:
    """Return every sweep of `session` with what was measured in it."""
    made: dict[int, list[Measurement]] = {}
    for m in session.measurements:
        made.setdefault(m.sweep, []).append(m)
    return [
        SweepNumbers(
            s.label,
            s.kind,
            s.run,
            s.condition,
            s.start,
            tuple(made.get(s.index, ())),
            is_rejected=s.index in session.rejected or not s.complete,
        )
        for s in session.sweeps
    ]
