"""A protocol's text, examined as `patchrig check` and `patchrig plan` do, without touching a file."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from acquisition.page.protocol.courses import course
from acquisition.page.protocol.previews import previews
from config.fit import misfits, notes, plan_limits
from protocols.errors import InvalidFile, Problem
from protocols.loading import MOST_BYTES, protocol_from_text
from protocols.marks import read_marked
from protocols.plan import bounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.rig import Rig
    from protocols.protocol import Protocol


def examined(text: str, name: str, rig: Rig) -> dict[str, Any]:
    """Return what is wrong with `text`, and what it would do on `rig`; `name` stands for the file in messages.

    Returns
    -------
    dict
        'ok', 'problems', 'notes', and 'plan', which is None where the text is no protocol.
    """
    if len(text.encode()) > MOST_BYTES:
        return _told([Problem(1, 1, f"{len(text) / 1e6:.0f} MB is too much for a protocol file")])
    try:
        protocol = protocol_from_text(text, name)
    except InvalidFile as error:
        return _told(error.problems)
    return {
        **_told(misfits(protocol, text, rig)),
        "notes": notes(protocol, rig),
        "plan": _plan(protocol, text, rig),
    }


def _told(problems: Sequence[Problem]) -> dict[str, Any]:
    return {"ok": not problems, "problems": [asdict(p) for p in problems], "notes": [], "plan": None}


def _plan(protocol: Protocol, text: str, rig: Rig) -> dict[str, Any]:
    limits, marked = plan_limits(rig), read_marked(text)
    plan = bounded(protocol, limits)
    lines = [marked.place((s.part, s.index, s.verb), on_key=True)[0] for s in plan.steps]
    steps = [{**asdict(s), "number": s.number, "command": s.command} for s in plan.steps]
    return {
        "title": plan.title,
        "about": protocol.about or "",
        "rig": rig.rig,
        "dead_time": float(rig.perfusion.dead_time),
        "shortest": plan.shortest,
        "longest": plan.longest,
        "summary": plan.summary,
        "steps": [{**s, "line": line} for s, line in zip(steps, lines, strict=True)],
        "courses": [course(plan, protocol, rig, longest=longest) for longest in (False, True)],
        "previews": [p.told() for p in previews(protocol, limits.safe_voltage)],
    }
