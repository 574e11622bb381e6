"""Which sweeps enter means, and the one number of a measure that stands for a sweep: said here for everybody.

The analysis, the table of `review` and the table of `export` all follow it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from protocols.sweeps import LogEntry, Measurement

EXCLUDING = frozenset(
    {
        "ap_count",
        "clipped",
        "gap",
        "late_spikes",
        "no_spikes",
        "risen",
        "vhold_far",
        "window_incomplete",
    }
)
"""Flags that leave a value out of means."""
WARNING = frozenset(
    {
        "baseline_spikes",
        "bridge",
        "drift",
        "event_in_window",
        "hum",
        "not_recovered",
        "step_changed",
        "test_pulse_near",
        "vhold",
    }
)
"""Flags that speak of a sweep's quality and leave it in. Any other flag says something of one measure alone."""
PAIR_EXCLUDING = frozenset({"rin_changed", "rs_changed"})
"""Flags of a phase that leave it out of paired statistics across cells."""
OF_THE_SWEEP = ("n_ap", "n_late", "V_b", "V_end", "ap_peak")
"""A flag on one of these speaks of the whole sweep."""
HEADLINE = "A_1000"
REJECTED, RESTORED = "rejected", "restored"
"""Kinds of log lines, with 'sweep' and 'reason': a sweep is left out of means, or taken back. Nothing is deleted."""
EXPECTED_IN_A_RANGE = frozenset({"ap_count", "no_spikes"})
"""Excluding flags that say nothing against a sweep of a series over a range of currents: the count is its result."""


def is_range(currents: Sequence[float]) -> bool:
    """Say whether the step currents of a run, A in order, are a range that was asked for.

    A range has another current in nearly every sweep. A burst's current that is adjusted now and then, to keep its
    count of spikes, changes seldom.
    """
    changes = sum(a != b for a, b in pairwise(currents))
    return changes > 0 and changes >= 0.5 * (len(currents) - 1)


def rejected_of(log: Iterable[LogEntry]) -> dict[int, str]:
    """Return which sweeps are left out, and why: what a gate or a person rejected and nobody has restored since."""
    found: dict[int, str] = {}
    for entry in log:
        if entry.kind == REJECTED:
            found[int(entry.data["sweep"])] = str(entry.data.get("reason", entry.text))
        elif entry.kind == RESTORED:
            found.pop(int(entry.data["sweep"]), None)
    return found


def by_sweep(measurements: Iterable[Measurement]) -> dict[int, dict[str, Measurement]]:
    """Return sweep -> measure -> its one value, as `one_of_each` makes it."""
    made: dict[int, list[Measurement]] = {}
    for m in measurements:
        made.setdefault(m.sweep, []).append(m)
    return {sweep: one_of_each(found) for sweep, found in made.items()}


def one_of_each(measurements: Iterable[Measurement]) -> dict[str, Measurement]:
    """Return measure -> one measurement of a sweep: the median of the finite values, with the flags of all.

    A hold has a value for each of its test pulses. One that was cut short keeps the median of those before.
    """
    several: dict[str, list[Measurement]] = {}
    for m in measurements:
        several.setdefault(m.name, []).append(m)
    return {name: found[0] if len(found) == 1 else _median(found) for name, found in several.items()}


def _median(found: list[Measurement]) -> Measurement:
    finite = [m.value for m in found if math.isfinite(m.value)]
    return replace(found[0], value=median(finite) if finite else math.nan, flags=flags_of(found))


def flags_of(measurements: Iterable[Measurement]) -> tuple[str, ...]:
    """Return each flag once, in order."""
    return tuple(dict.fromkeys(flag for m in measurements for flag in m.flags))


def is_accepted(measurements: Iterable[Measurement], measure: str) -> bool:
    """Say whether a sweep's value of `measure` enters means: it was made, and nothing speaks against it."""
    made = one_of_each(measurements)
    if measure not in made or not math.isfinite(made[measure].value):
        return False
    return not reasons_against(made, measure)


def reasons_against(made: Mapping[str, Measurement], measure: str) -> tuple[str, ...]:
    """Return the flags that leave a sweep's `measure` out of means."""
    heard = [made[name] for name in (measure, *OF_THE_SWEEP) if name in made]
    return tuple(flag for flag in flags_of(heard) if flag in EXCLUDING)


def against_sweep(made: Mapping[str, Measurement], *, expected: Collection[str] = ()) -> tuple[str, ...]:
    """Return what leaves a sweep that the run kept out of means: flags, if there are any to name.

    A sweep without the headline measure (a hold, a short step) is judged by what it has. Flags in `expected` are
    passed over.
    """
    against = tuple(flag for flag in reasons_against(made, HEADLINE) if flag not in expected)
    if against or HEADLINE not in made or math.isfinite(made[HEADLINE].value):
        return against
    return made[HEADLINE].flags or ("not_measured",)
