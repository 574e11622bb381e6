"""A duration over the sweeps of a phase, some of which ended before the cell had come back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from acquisition.acceptance import EXCLUDING, HEADLINE
from acquisition.study.cell import NOT_MEASURED, Mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acquisition.analysis.summary import SweepNumbers
    from protocols.sweeps import Measurement

CENSORED = "censored"
HEADLINE_AT = 1.0
"""Seconds from the step's end to the middle of the headline's window."""


def mean_of_sweeps(sweeps: Sequence[SweepNumbers], name: str) -> Mean:
    """Return the mean of a duration; with censored sweeps their Kaplan-Meier median, or the bound it exceeds."""
    found = [(s, m) for s in sweeps for m in s.measurements if m.name == name and EXCLUDING.isdisjoint(m.flags)]
    seen = [m.value for _, m in found if math.isfinite(m.value) and CENSORED not in m.flags]
    bounds = [bound for s, m in found if CENSORED in m.flags and math.isfinite(bound := _bound(s, m))]
    if not bounds:
        spread = float(np.std(seen, ddof=1)) if len(seen) > 1 else math.nan
        return Mean(float(np.mean(seen)), spread, len(seen)) if seen else NOT_MEASURED
    median, bound = _median(seen, bounds)
    return Mean(median, math.nan, len(seen), len(bounds), bound)


def _bound(sweep: SweepNumbers, m: Measurement) -> float:
    """Return what the duration exceeds, s: the stored bound, or the time from the step's end to the window's."""
    if math.isfinite(m.value):
        return m.value
    headline = next((h for h in sweep.measurements if h.name == HEADLINE), None)
    if m.window is None or headline is None or headline.window is None:
        return math.nan
    step_end = 0.5 * (headline.window[0] + headline.window[1]) - HEADLINE_AT
    return m.window[1] - step_end


def _median(seen: Sequence[float], bounds: Sequence[float]) -> tuple[float, float]:
    """Return the Kaplan-Meier median, or NaN and the bound that it exceeds."""
    from acquisition.statistics.survival import kaplan_meier

    median = kaplan_meier([*seen, *bounds], [False] * len(seen) + [True] * len(bounds)).median
    return (median, math.nan) if math.isfinite(median) else (math.nan, max(bounds))
