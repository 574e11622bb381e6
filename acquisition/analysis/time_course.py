"""The slow AHP against time, in per cent of the baseline, with what could confound it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisition.acceptance import HEADLINE
from acquisition.analysis.phases import baseline_of, burst_runs, phases_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from acquisition.analysis.log_facts import LogFacts
    from acquisition.analysis.phases import Phase
    from acquisition.analysis.sweep_numbers import SweepNumbers


@dataclass(frozen=True)
class Point:
    """One sweep of a time course; SI, NaN where not measured."""

    sweep: int
    minutes: float
    """From the drug's arrival in the bath (the valve's time plus the dead time); before it, negative."""
    condition: str
    accepted: bool
    amplitude: float
    """sAHP at 1 s, V."""
    percent: float
    """The same, with the mean of the baseline as 100 %."""
    input_resistance: float
    baseline_potential: float
    spikes: float
    step_current: float
    access_resistance: float


def time_course(sweeps: Iterable[SweepNumbers], facts: LogFacts | None = None) -> tuple[Point, ...]:
    """Return every sweep of the series with bursts, those left out of means included, in the order of time.

    Time counts from the arrival of the first solution after the control; without one, from the session's start.
    """
    numbers = tuple(sweeps)
    phases = phases_of(numbers)
    zero, whole = drug_arrival(phases, facts) or 0.0, _mean(baseline_of(numbers, phases))
    bursts = [s for run in burst_runs(numbers) for s in run]
    return tuple(_point(s, (s.start - zero) / 60, whole) for s in bursts)


def drug_arrival(phases: Sequence[Phase], facts: LogFacts | None = None) -> float | None:
    """Return when the first solution after the control was in the bath, s; None without one."""
    if facts is not None and len(facts.switches) > 1:
        return facts.switches[1].arrives
    later = [p.start for p in phases[1:] if p.condition != phases[0].condition]
    return later[0] if facts is None and later else None


def _mean(baseline: Phase | None) -> float:
    return float(np.mean(baseline.values[HEADLINE])) if baseline else math.nan


def _point(sweep: SweepNumbers, minutes: float, whole: float) -> Point:
    amplitude, *others = (sweep.value(name) for name in (HEADLINE, "Rin", "V_b", "n_ap", "I_step", "Rs"))
    percent = 100 * amplitude / whole if whole else math.nan
    return Point(sweep.index, minutes, sweep.condition, sweep.is_accepted, amplitude, percent, *others)
