"""The sweeps of a session as rows, and what the screen must know before it draws anything."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from acquisition.acceptance import EXPECTED_IN_A_RANGE, HEADLINE, against_sweep, flags_of
from acquisition.analysis.in_progress import ANALYSER
from acquisition.analysis.rejections import reason_against
from acquisition.analysis.sweep_numbers import gather
from acquisition.page.review.kept import is_recording
from acquisition.page.review.windows import MOVED, recorded_windows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from acquisition.analysis.sweep_numbers import SweepNumbers
    from acquisition.page.review.kept import Kept
    from acquisition.session.reader import SweepInfo
    from protocols.sweeps import Measurement

MEASURES = (HEADLINE, MOVED, "n_ap", "Rs", "Rin", "Rm", "Cm", "V_b", "I_hold", "I_step", "A_pk", "D50", "S_fix")
"""Measures that rows carry, beside those that the protocol declares; a single sweep is asked for with all of them."""
QUIET = frozenset({"mode_at_end", "settings", "analysis"})
"""Kinds of log lines that the file keeps and the screen does not show."""


def told(kept: Kept) -> dict[str, Any]:
    """Return all that the screen needs for its first picture: head, rows, solutions, windows."""
    return {
        **kept.head,
        "recording": is_recording(kept.path),
        "sealed": None if kept.seal is None else bool(kept.seal.get("ok")),
        "guardian": kept.guardian,
        "rows": _rows(kept),
        "solutions": _solutions(kept),
        "windows": recorded_windows(kept.settings, kept.layouts) if _has_bursts(kept) else [],
        "analyser": _other_analyser(kept),
        "decisions": [vars(e) for e in kept.decisions],
        "log": [{"time": e.time, "kind": e.kind, "text": e.text} for e in kept.log if e.kind not in QUIET],
    }


def judgement(numbers: SweepNumbers, *, is_of_range: bool) -> dict[str, Any]:
    """Return whether a sweep counts, and its values: what may change when windows move."""
    accepted, reason = numbers.is_accepted, reason_against(numbers) if numbers.kind == "series" else numbers.reason
    if is_of_range and not numbers.is_rejected:
        against = against_sweep({m.name: m for m in numbers.measurements}, expected=EXPECTED_IN_A_RANGE)
        accepted, reason = not against, " and ".join(against).replace("_", " ")
    return {
        "accepted": accepted,
        "rejected": numbers.is_rejected,
        "reason": reason,
        "values": values_of(numbers.measurements),
    }


def values_of(measurements: Iterable[Measurement]) -> dict[str, float | None]:
    """Return the values that rows carry; None where something could not be measured."""
    return {m.name: known(m.value) for m in measurements if m.name in MEASURES or is_declared(m)}


def is_declared(m: Measurement) -> bool:
    """Whether a measure is the protocol's own."""
    from protocols.measures import ACCOMPANYING, STANDARD_MEASURES

    return m.name not in STANDARD_MEASURES and m.name not in ACCOMPANYING


def known(value: float | None) -> float | None:
    """Return a number that JSON has a word for."""
    return value if value is not None and math.isfinite(value) else None


def _rows(kept: Kept) -> list[dict[str, Any]]:
    numbers = gather(kept.sweeps, kept.stored, kept.rejected)
    return [_row(s, n, kept) for s, n in zip(kept.sweeps, numbers, strict=True)]


def _row(sweep: SweepInfo, numbers: SweepNumbers, kept: Kept) -> dict[str, Any]:
    return {
        "sweep": sweep.index,
        "time": sweep.start,
        "length": sweep.n_samples / sweep.rate,
        "label": sweep.label,
        "kind": sweep.kind,
        "run": sweep.run,
        "condition": sweep.condition,
        "mode": str(sweep.mode),
        "complete": sweep.complete,
        "early": sweep.reason or "",
        "step": sweep.step,
        "temperature": sweep.temperature,
        "by": next((f"{e.who}, {e.time[:16].replace('T', ' ')}" for e in reversed(kept.decisions)
                    if e.sweep == sweep.index), ""),
        "flags": list(flags_of(numbers.measurements)),
        **judgement(numbers, is_of_range=sweep.index in kept.ranges),
    }  # fmt: skip


def _solutions(kept: Kept) -> list[dict[str, Any]]:
    """Return the bars of the solutions: when a valve was switched, and when that was in the bath."""
    switches = kept.facts.switches
    ends = [*(s.arrives for s in switches[1:]), None][: len(switches)]
    return [
        {"label": s.label, "switched": s.switched, "arrives": s.arrives, "until": end,
         "is_control": s.label == switches[0].label}
        for s, end in zip(switches, ends, strict=True)
    ]  # fmt: skip


def _other_analyser(kept: Kept) -> str:
    """Return in words that numbers would be made again by another analyser than the stored ones; empty if not."""
    family = ANALYSER.split()[0]
    stored = {tuple(m.analyser.split()[:2]) for m in kept.stored if m.analyser.split()[:1] == [family]}
    recorded = ", ".join(sorted(" ".join(name) for name in stored))
    if recorded in ("", ANALYSER):
        return ""
    return f"measured again by {ANALYSER}; recorded by {recorded}: other numbers may differ too"


def _has_bursts(kept: Kept) -> bool:
    return any(s.kind == "series" for s in kept.sweeps)
