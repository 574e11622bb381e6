"""A plan on the clock: when each step can begin and end, and which solution is in the bath meanwhile."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.rig import Rig
    from protocols.plan import Plan, PlannedStep
    from protocols.protocol import Protocol
    from protocols.steps import Apply


def course(plan: Plan, protocol: Protocol, rig: Rig, *, longest: bool) -> dict[str, Any]:
    """Return the course if everything takes as short (or as long) as it can; s from the start.

    Returns
    -------
    dict
        'length'; 'steps', each [begin, end]; 'bars' of solutions, each with 'name', 'label', 'switched', 'arrives',
        'until' and 'is_control'.
    """
    begin, spans = 0.0, []
    for step in plan.steps:
        end = begin + (step.longest if longest else step.shortest)
        spans.append((begin, end))
        begin = end
    bars = _bars(plan.steps, spans, protocol, rig)
    return {"length": begin, "steps": spans, "bars": bars}


def _bars(
    steps: Sequence[PlannedStep], spans: Sequence[tuple[float, float]], protocol: Protocol, rig: Rig
) -> list[dict[str, Any]]:
    control, dead_time = _first(protocol, rig), float(rig.perfusion.dead_time)
    switches = [(control, 0.0, 0.0)] if control is not None else []
    for step, (begin, _) in zip(steps, spans, strict=True):
        chosen = _applied(step, protocol)
        if chosen is not None and (not switches or chosen.solution != switches[-1][0]):
            switches.append((chosen.solution, begin, begin + dead_time))
    if not switches:
        return []
    ends = [*(later[2] for _, later in pairwise(switches)), max(spans[-1][1], switches[-1][2])]
    return [
        {
            "name": name,
            "label": protocol.solutions[name].label,
            "switched": switched,
            "arrives": arrives,
            "until": until,
            "is_control": name == control,
        }
        for (name, switched, arrives), until in zip(switches, ends, strict=True)
    ]


def _applied(step: PlannedStep, protocol: Protocol) -> Apply | None:
    from protocols.steps import Apply

    model = (protocol.steps if step.part == "steps" else protocol.finish)[step.index]
    return model if isinstance(model, Apply) else None


def _first(protocol: Protocol, rig: Rig) -> str | None:
    """Return the solution that stands on the rig's safe line, which is open when a run begins; else the first one."""
    on_safe = (name for name, s in protocol.solutions.items() if s.line == rig.safe.line)
    return next(on_safe, next(iter(protocol.solutions), None))
