"""Times that do not fit: pulses outside their sweep, measures outside the recording, criteria without enough sweeps."""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING

from protocols.draft import require_of
from protocols.marks import Finding
from protocols.measures import AFTER_POTENTIAL, BASELINE, FROM_TEST_PULSE, VOLTAGE_CLAMP_ONLY
from protocols.quantities import Duration
from protocols.steps import Find, Hold, Series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from protocols.draft import Draft, DraftStep
    from protocols.protocol import Measure

Window = tuple[float, float]
MOST_SWEEPS = 10_000
SLACK = 1e-9
"""Seconds: sums of decimals miss their value by a last digit."""


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
    else:
        yield from _undisturbed(name, (start, end), s, series)


def _is_early(pulse: Window, series: Series) -> bool:
    """Return whether a test pulse begins before the step is over, which is said of the pulse itself."""
    return pulse[0] <= series.before + series.width + SLACK


def _undisturbed(name: str, window: Window, s: DraftStep, series: Series) -> Iterator[Finding]:
    """Check that a window, seconds from the sweep's start, is over when the test pulse begins."""
    pulse = pulse_window(series)
    if pulse is None or window[1] <= pulse[0] + SLACK or _is_early(pulse, series):
        return
    verb = "falls into" if window[0] < pulse[1] else "comes before"
    message = f"the test pulse {verb} the window of '{name}', which must be over when it begins"
    yield Finding(s.key("test_pulse"), message, on_key=True)


def _standard_windows(d: Draft) -> Iterator[Finding]:
    """Check that a criterion's standard measure can be measured in its series."""
    for s, series in _series(d):
        name = series.until_stable.measure if series.until_stable is not None else ""
        at = s.key("until_stable", "measure")
        if name in FROM_TEST_PULSE and series.test_pulse is None:
            yield Finding(at, f"'{name}' is measured from 'test_pulse', and there is none")
        if name in VOLTAGE_CLAMP_ONLY:
            yield Finding(at, f"'{name}' is measured in voltage clamp only, and a series is in current clamp")
        if name not in AFTER_POTENTIAL:
            continue
        start, end = AFTER_POTENTIAL[name]
        step_end = series.before + series.width
        if end > series.after + SLACK:
            yield Finding(at, f"'{name}' ends {end:g} s after the step, and only {series.after} are recorded")
        else:
            yield from _undisturbed(name, (step_end + start, step_end + end), s, series)


def _baselines(d: Draft) -> Iterator[Finding]:
    """Check that enough is recorded before the step where something depends on the baseline."""
    least = Duration(-BASELINE[0])
    for s in d.all_steps:
        if not isinstance(s.step, Find | Series) or s.step.before >= least:
            continue
        if (what := _needs_baseline(d, s)) is not None:
            ends = Duration(-BASELINE[1])
            message = (
                f"{what} needs the baseline, which is measured from {least} to {ends} before the step: "
                f"{s.step.before} are too short, write '{least}' or more"
            )
            yield Finding(s.key("before"), message)


def _needs_baseline(d: Draft, s: DraftStep) -> str | None:
    """Return what in or about a step depends on the baseline, as the file says it; None if nothing does."""
    gate = require_of(s)
    stable = s.step.until_stable if isinstance(s.step, Series) else None
    declared = d.measures.get(stable.measure) if stable is not None else None
    if "rebias" in s.raw:
        return "'rebias'"
    if gate is not None and "baseline_voltage" in gate.raw:
        return "the 'baseline_voltage' that is required"
    if any("baseline_voltage" in g.raw for g in d.stop_when):
        return "the 'baseline_voltage' in 'stop_when'"
    if stable is not None and (stable.measure in ("V_b", *AFTER_POTENTIAL) or (declared and declared.minus_baseline)):
        return f"'{stable.measure}'"
    return None


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


timing_rules: tuple[Callable[[Draft], Iterator[Finding]], ...] = (
    _declared_windows,
    _standard_windows,
    _baselines,
    _test_pulse_in_sweep,
    _hold_pulses,
    _enough_sweeps,
)
