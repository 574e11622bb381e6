"""What came of a session, per condition and as effects with their intervals, for the screen's table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.acceptance import HEADLINE
from acquisition.analysis.comparison import compare
from acquisition.analysis.effects import COUNTED, SHOWN
from acquisition.page.review.listing import is_declared, known
from acquisition.page.review.windows import MOVED, is_headline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acquisition.analysis.comparison import Effect
    from acquisition.analysis.phases import Phase
    from acquisition.outcome import Outcome
    from acquisition.page.review.kept import Kept
    from acquisition.page.review.windows import Windows

UNITS = {"V": ("mV", 1e3, 2), "V s": ("mV s", 1e3, 2), "s": ("s", 1.0, 2), "1": ("", 1.0, 1)}
"""SI unit of a declared measure -> unit shown, factor, decimals."""


def results(kept: Kept, windows: Windows) -> dict[str, Any] | None:
    """Return phases, effects and the verdict with these windows; None if the numbers have not been made."""
    outcome = kept.outcome(windows)
    if outcome is None:
        return None
    summary = outcome.summary
    return {
        "headline": windows.headline_name,
        "phases": [_phase(p) for p in summary.phases or summary.unaccepted],
        "accepted": bool(summary.phases),
        "measures": list(_measures(kept, outcome, windows)),
        "lines": list(outcome.lines()),
        "cell": None if outcome.cell is None else {"text": outcome.cell.text, "ok": outcome.cell.accepted},
    }


def _phase(p: Phase) -> dict[str, Any]:
    return {
        "label": p.label, "condition": p.condition, "run": p.run, "sweeps": list(p.sweeps), "recorded": p.recorded,
        "accepted": p.accepted, "reasons": list(p.reasons), "start": p.start, "stop": p.stop,
    }  # fmt: skip


def _measures(kept: Kept, outcome: Outcome, windows: Windows) -> Iterator[dict[str, Any]]:
    """Yield each measure of the table: its mean in every phase, and its change against the baseline."""
    phases = outcome.summary.phases or outcome.summary.unaccepted
    for name, (label, unit, factor, digits) in _shown(kept, outcome, windows).items():
        if not any(p.values.get(name) for p in phases):
            continue
        means = [known(float(np.mean(v))) if (v := p.values.get(name)) else None for p in phases]
        yield {
            "name": name, "label": label, "unit": unit, "factor": factor, "digits": digits,
            "means": means, "n": [len(p.values.get(name, ())) for p in phases],
            "changes": list(_changes(outcome, name)),
        }  # fmt: skip


def _shown(kept: Kept, outcome: Outcome, windows: Windows) -> dict[str, tuple[str, str, float, int]]:
    """Return measure -> label, unit, factor, decimals; a moved sAHP stands where the one at 1 s stood."""
    shown = dict(SHOWN)
    if windows.headline is not None:
        start, stop = windows.headline
        first = {MOVED: (f"sAHP {1e3 * start:.0f} to {1e3 * stop:.0f} ms", *SHOWN[HEADLINE][1:])}
        shown = {**first, **{n: v for n, v in shown.items() if n != HEADLINE}}
    twins = {d.name for d in kept.settings.declared if is_headline(d)} if not windows.declared else set()
    for numbers in outcome.numbers:
        for m in numbers.measurements:
            if m.name not in (*shown, *twins) and m.name != MOVED and is_declared(m) and m.unit in UNITS:
                shown[m.name] = (m.name, *UNITS[m.unit])
    return shown


def _changes(outcome: Outcome, name: str) -> Iterator[dict[str, Any] | None]:
    """Yield what became of a measure in each phase after the baseline."""
    summary = outcome.summary
    if summary.baseline is None:
        return
    for phase in summary.phases[1:]:
        known_change = next((c for c in summary.changes if (c.measure, c.after) == (name, phase.label)), None)
        if known_change is not None and any(known_change.censored):
            yield {"text": known_change.text, "percent": None, "low": None, "high": None, "difference": None}
            continue
        before, after = summary.baseline.values.get(name, ()), phase.values.get(name, ())
        effect = known_change.effect if known_change is not None else compare(before, after)
        yield _effect(effect, is_counted=name in COUNTED)


def _effect(e: Effect, *, is_counted: bool) -> dict[str, Any]:
    low, high = e.percent_interval
    return {
        "text": "",
        "percent": None if is_counted or not math.isfinite(e.percent) else e.percent,
        "low": known(low), "high": known(high), "difference": known(e.difference),
        "interval": [known(x) for x in e.interval],
    }  # fmt: skip
