"""TTL pulses that do not fit: outside their sweep, over each other, shorter than a sample."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from protocols.marks import Finding
from protocols.quantities import Duration
from protocols.steps import Find, Hold, Series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from protocols.draft import Draft, DraftStep
    from protocols.marks import Path
    from protocols.parts import TtlPulses

Pulsing = Hold | Find | Series
"""Steps that may have TTL pulses."""
SLACK = 1e-9
"""Seconds: sums of decimals miss their value by a last digit."""


def _pulsing(d: Draft) -> Iterator[tuple[DraftStep, Pulsing]]:
    return ((s, s.step) for s in d.all_steps if isinstance(s.step, Pulsing) and s.step.ttl)


def _at(s: DraftStep, i: int, *keys: str) -> Path:
    return (*s.path, "ttl", i, *keys)


def _length(step: Pulsing) -> float:
    return float(step.for_) if isinstance(step, Hold) else step.before + step.width + step.after


def _edges(wish: TtlPulses, step: Pulsing) -> tuple[float, float]:
    """Return the first rising and the last falling edge, seconds from the sweep's start."""
    zero = 0.0
    if not isinstance(step, Hold):
        zero = {"sweep_start": 0.0, "step_start": step.before, "step_end": step.before + step.width}[wish.counted_from]
    first = zero + wish.at
    return first, first + (wish.count - 1) * (wish.every or 0.0) + wish.width


def _trains(d: Draft) -> Iterator[Finding]:
    """Check that the pulses of a train have an interval that keeps them apart."""
    for s, step in _pulsing(d):
        for i, wish in enumerate(step.ttl):
            if wish.count > 1 and wish.every is None:
                yield Finding(_at(s, i, "count"), f"{wish.count} pulses need an interval, such as 'every: 100 ms'")
            elif wish.count == 1 and wish.every is not None:
                yield Finding(_at(s, i, "every"), "one pulse has no interval; write 'count' as well", on_key=True)
            elif wish.every is not None and wish.every < wish.width + _rest(d):
                words = f"pulses of {wish.width} every {wish.every} would be one: lengthen 'every' or shorten 'width'"
                yield Finding(_at(s, i, "every"), words)


def _inside(d: Draft) -> Iterator[Finding]:
    """Check that pulses lie in their sweep, and that what they count from is there."""
    for s, step in _pulsing(d):
        for i, wish in enumerate(step.ttl):
            if isinstance(step, Hold) and wish.counted_from != "sweep_start":
                yield Finding(_at(s, i, "counted_from"), "a hold has no step; count from 'sweep_start'")
                continue
            first, last = _edges(wish, step)
            if first < -SLACK or last > _length(step) + SLACK:
                seen = f"{first:g} s to {last:g} s of a sweep that lasts {_length(step):g} s"
                yield Finding(_at(s, i, "at"), f"'{wish.line}' would be pulsed from {seen}")


def _one_sample(d: Draft) -> Iterator[Finding]:
    """Check that a pulse is no shorter than a sample."""
    if d.record is None:
        return
    least = Duration(1 / d.record.sampling)
    for s, step in _pulsing(d):
        for i, wish in enumerate(step.ttl):
            if wish.width < least * (1 - SLACK):
                words = f"{wish.width} are less than a sample of {d.record.sampling}; write {least} or more"
                yield Finding(_at(s, i, "width"), words)


def _apart(d: Draft) -> Iterator[Finding]:
    """Check that two entries for one line do not overlap or touch."""
    for s, step in _pulsing(d):
        for i, wish in enumerate(step.ttl):
            others = [o for o in step.ttl[:i] if o.line == wish.line]
            if any(_overlap(wish, other, step, _rest(d)) for other in others):
                words = f"'{wish.line}' is high already at that time: pulses on one line must be two samples apart"
                yield Finding(_at(s, i, "at"), words)


def _rest(d: Draft) -> float:
    """Return for how long a line must be low between pulses, s: two samples, of which rounding may take one."""
    return SLACK if d.record is None else 2 / d.record.sampling - SLACK


def _overlap(a: TtlPulses, b: TtlPulses, step: Pulsing, rest: float) -> bool:
    """Return whether any pulse of one train touches one of the other, or comes too near."""
    (a0, a1), (b0, b1) = _edges(a, step), _edges(b, step)
    if a1 + rest <= b0 or b1 + rest <= a0:
        return False
    starts = sorted([(a0 + k * (a.every or 0.0), a.width) for k in range(a.count)]
                    + [(b0 + k * (b.every or 0.0), b.width) for k in range(b.count)])  # fmt: skip
    return any(t + width + rest > after for (t, width), (after, _) in pairwise(starts))


ttl_rules: tuple[Callable[[Draft], Iterator[Finding]], ...] = (_trains, _inside, _one_sample, _apart)
