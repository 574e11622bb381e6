"""When faults come: in words, and whether a run can be long enough for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.fit import plan_for
from protocols.steps import Apply, Find, Series

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.faults import Fault, FaultList
    from config.rig import Rig
    from protocols.plan import Plan
    from protocols.protocol import Protocol
    from protocols.steps import AnyStep


def in_words(number: int, fault: Fault) -> str:
    """Return 'fault 3 (cell_death, sweep 60)'; `number` is its place in the list, from 1."""
    if fault.about_every is not None:
        return f"fault {number} ({fault.verb}, about every {fault.about_every})"
    begin = f"'{fault.after}'" if fault.after is not None else f"sweep {fault.in_sweep}"
    if fault.after is None and fault.in_sweep is None:
        when = f"at {fault.at}"
    elif fault.at:
        when = f"{fault.at} after the start of {begin}"
    else:
        when = f"after {begin}" if fault.after is not None else begin
    return f"fault {number} ({fault.verb}, {when})"


def too_late(made: FaultList, protocol: Protocol, rig: Rig) -> Iterator[str]:
    """Yield a warning for each fault whose moment lies beyond the longest run that the protocol allows.

    A run is longer than its plan only where a person lets it wait, so such a fault is no mistake but hardly meant.
    """
    if all(fault.at is None for fault in made.faults):
        return
    plan = plan_for(protocol, rig)
    for number, fault in enumerate(made.faults, 1):
        if (fault.at or 0.0) + _earliest(fault, protocol, plan) > plan.longest:
            yield (
                f"{in_words(number, fault)} will not come, unless a person keeps the run waiting: "
                f"it takes at most {minutes(plan.longest)}"
            )


def minutes(seconds: float) -> str:
    """Return '45.0 s' or '38.2 min'."""
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.1f} s"


def _earliest(fault: Fault, protocol: Protocol, plan: Plan) -> float:
    """Return when at the earliest that begins from which a fault counts, seconds from the session's start."""
    if fault.after is None:
        return 0.0
    first = next((i for i, step in enumerate(protocol.steps) if _begins(step) == fault.after), 0)
    return sum(s.shortest for s in plan.steps[:first])


def _begins(step: AnyStep) -> str | None:
    """Return the name after which a fault may count and that begins with this step."""
    match step:
        case Find() | Series():
            return step.name
        case Apply():
            return step.solution
        case _:
            return None
