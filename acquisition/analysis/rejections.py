"""Why sweeps were left out, and what the others were warned of, in words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from acquisition.acceptance import HEADLINE, reasons_against
from acquisition.analysis.phases import Phase, in_last_solution

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from acquisition.analysis.sweep_numbers import SweepNumbers

WORDS = {
    "baseline_spikes": "spikes before the step",
    "bridge": "bridge out of balance",
    "drift": "drift from baseline to end",
    "event_in_window": "synaptic event in a window",
    "hum": "line hum",
    "not_recovered": "AHP not over at the sweep's end",
    "risen": "end above the baseline",
    "step_changed": "step current changed",
    "test_pulse_near": "test pulse near the baseline",
    "vhold": "baseline off target",
}
"""Flag -> what people call it, where that is not the flag itself."""


def rejections(runs: Sequence[Sequence[SweepNumbers]], *, is_everything: bool) -> Iterable[str]:
    """Yield 'no sweep was accepted: spikes 2, wanted 3..4 (110 of 110 sweeps)', for all runs together or for each."""
    if is_everything and runs:
        yield f"no sweep was accepted: {_commonest([s for run in runs for s in run])}"
        return
    for run in runs:
        yield f"{run[-1].label} ({run[-1].condition}): no sweep was accepted: {_commonest(in_last_solution(run))}"


def reason_against(sweep: SweepNumbers) -> str:
    """Return why a sweep is left out of means: what the run said, or else its flags; empty if it enters."""
    if sweep.is_accepted:
        return ""
    if sweep.reason:
        return sweep.reason.replace(" is ", " ").replace("; wanted", ", wanted")
    if sweep.is_rejected:
        return "rejected"
    made = {m.name: m for m in sweep.measurements}
    flags = reasons_against(made, HEADLINE) or (made[HEADLINE].flags if HEADLINE in made else ())
    return _flag_words(flags, sweep.value("n_ap")) or "sAHP at 1 s not measured"


def warnings(phases: Iterable[Phase]) -> Iterable[str]:
    """Yield one line for each phase with warned sweeps: 'baseline: drift from baseline to end in 3 of 10 sweeps'."""
    for phase in phases:
        found = [f"{_words(flag)} in {n}" for flag, n in phase.warned.items()]
        if found:
            yield f"{phase.label}: {', '.join(found)} of {len(phase.sweeps)} sweeps"


def _words(flag: str) -> str:
    return WORDS.get(flag, flag.replace("_", " "))


def _commonest(sweeps: Sequence[SweepNumbers]) -> str:
    """Return the commonest reasons against sweeps, each with how many it concerns."""
    reasons = Counter(reason_against(s) for s in sweeps if not s.is_accepted)
    return "; ".join(f"{reason} ({n} of {len(sweeps)} sweeps)" for reason, n in reasons.most_common(3))


def _flag_words(flags: Sequence[str], spikes: float) -> str:
    count = f"spikes {spikes:.0f}, not as wanted"
    return " and ".join(count if flag == "ap_count" else _words(flag) for flag in flags)
