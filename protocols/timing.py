"""Times that do not fit: pulses outside their sweep, measures outside the recording, criteria without enough sweeps."""

from __future__ import annotations

import math
import re
from itertools import islice
from typing import TYPE_CHECKING

from protocols.marks import Finding
from protocols.steps import Hold, Series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from protocols.draft import Draft, DraftStep
    from protocols.protocol import Measure

Window = tuple[float, float]
MOST_SWEEPS = 10_000
HALF_WINDOW = 0.05
"""A_t is the mean over t - 50 ms to t + 50 ms."""


def measure_window(measure: Measure, series: Series) -> Window:
    """Return the window of a declared measure in a series' sweep, seconds from the sweep's start."""
    zero = {
        "sweep_start": 0.0,
        "step_start": series.before,
        "step_end": series.before + series.width,
    }[measure.counted_from]
    return zero + measure.from_, zero + measure.to


def pulse_window(series: Series) -> Window | None:
    """Return the test pulse, seconds from the sweep's start; None without one."""
    if series.test_pulse is None:
        return None
    start = series.before + series.width + series.after - series.test_pulse.before_end
    return start, start + series.test_pulse.width


def _series(d: Draft) -> Iterator[tuple[DraftStep, Series]]:
    return ((s, s.step) for s in d.all_steps if isinstance(s.step, Series))


def _declared_windows(d: Draft) -> Iterator[Finding]:
    """Check that declared measures look inside every series' sweep, clear of the test pulse."""
    for name, measure in d.measures.items():
        if measure is None:
            continue
        if measure.from_ >= measure.to:
            yield Finding(
                ("measures", name, "to"), f"the window ends ({measure.to}) before it begins ({measure.from_})"
            )
            continue
        in_series = (f for s, series in _series(d) for f in _declared_in(name, measure, s, series))
        yield from islice(in_series, 1)


def _declared_in(name: str, measure: Measure, s: DraftStep, series: Series) -> Iterator[Finding]:
    start, end = measure_window(measure, series)
    length = series.before + series.width + series.after
    if start < 0 or end > length:
        key = "from" if start < 0 else "to"
        seen = f"{start:g} s to {end:g} s of a sweep that lasts {length:g} s"
        yield Finding(("measures", name, key), f"'{name}' would look at {seen} in '{series.name}'")
    elif _overlap((start, end), pulse_window(series)):
        yield Finding(s.key("test_pulse"), f"the test pulse falls into the window of '{name}'", on_key=True)


def _standard_windows(d: Draft) -> Iterator[Finding]:
    """Check that a criterion's standard measure can be measured in its series."""
    for s, series in _series(d):
        name = series.until_stable.measure if series.until_stable is not None else ""
        if name == "Rin" and series.test_pulse is None:
            yield Finding(s.key("until_stable", "measure"), "'Rin' is measured from 'test_pulse', and there is none")
        if (at := re.fullmatch(r"A_([0-9]+)", name)) is None:
            continue
        middle = int(at[1]) / 1000
        step_end = series.before + series.width
        if middle + HALF_WINDOW > series.after:
            message = f"'{name}' ends {middle + HALF_WINDOW:g} s after the step, and only {series.after} are recorded"
            yield Finding(s.key("until_stable", "measure"), message)
        elif _overlap((step_end + middle - HALF_WINDOW, step_end + middle + HALF_WINDOW), pulse_window(series)):
            yield Finding(s.key("test_pulse"), f"the test pulse falls into the window of '{name}'", on_key=True)


def _test_pulse_in_sweep(d: Draft) -> Iterator[Finding]:
    """Check that a series' test pulse begins after the step and ends before the sweep does."""
    for s, series in _series(d):
        pulse = series.test_pulse
        if pulse is None:
            continue
        if pulse.before_end >= series.after:
            message = (
                f"the test pulse would begin {pulse.before_end} before the sweep's end, which is not after the step"
            )
            yield Finding(s.key("test_pulse", "before_end"), message)
        if pulse.width >= pulse.before_end:
            message = f"a pulse of {pulse.width} that begins {pulse.before_end} before the sweep's end leaves the sweep"
            yield Finding(s.key("test_pulse", "width"), message)


def _hold_pulses(d: Draft) -> Iterator[Finding]:
    """Check that a hold's test pulses are apart, and that there is time for one."""
    for s in d.all_steps:
        if not isinstance(s.step, Hold) or s.step.test_pulses is None:
            continue
        pulses = s.step.test_pulses
        if pulses.every <= 2 * pulses.width:
            message = (
                f"pulses of {pulses.width} need an interval of more than twice that, for the baseline between them"
            )
            yield Finding(s.key("test_pulses", "every"), message)
        if pulses.every > s.step.for_:
            yield Finding(
                s.key("test_pulses", "every"), f"the hold is over ({s.step.for_}) before the first pulse is due"
            )


def _enough_sweeps(d: Draft) -> Iterator[Finding]:
    """Check that a criterion can be met, and that 'at_least' has one to hold back."""
    for s, series in _series(d):
        if series.until_stable is None:
            if series.at_least is not None:
                yield Finding(s.key("at_least"), "'at_least' only means something with 'until_stable'", on_key=True)
            continue
        longest = series.at_most or 0.0
        possible = min(math.ceil(longest / series.every - 1e-9), series.sweeps or MOST_SWEEPS)
        if series.until_stable.last > possible:
            message = f"{series.until_stable.last} sweeps are to be looked at, but there are {possible} at most"
            yield Finding(s.key("until_stable", "last"), message)


def _overlap(a: Window, b: Window | None) -> bool:
    return b is not None and a[0] < b[1] and b[0] < a[1]


timing_rules: tuple[Callable[[Draft], Iterator[Finding]], ...] = (
    _declared_windows,
    _standard_windows,
    _test_pulse_in_sweep,
    _hold_pulses,
    _enough_sweeps,
)
