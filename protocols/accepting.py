"""Limits of `accept:` that the protocol's own steps can never meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from protocols.acceptance import Accept
from protocols.draft import Draft, DraftStep, attempt, mapping
from protocols.marks import Finding
from protocols.quantities import CurrentSteps
from protocols.steps import Series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _accept(d: Draft) -> Accept | None:
    """Return the block; the defaults if the file has none, None if it has mistakes of its own."""
    return attempt(Accept, d.raw.get("accept", {}))


def _drug_in_time(d: Draft) -> Iterator[Finding]:
    """Check that a series that waits for a complete effect lasts long enough for one to count."""
    accept = _accept(d)
    if accept is None:
        return
    drug = accept.drug
    for s in d.all_steps:
        step = s.step
        if not isinstance(step, Series) or step.counted_from != "arrival":
            continue
        if step.until_stable is None or step.at_most is None:
            continue
        if step.at_most < drug.not_before:
            words = f"an effect counts as complete from {drug.not_before} after the arrival on ('accept: drug:"
            yield Finding(s.key("at_most"), f"{words} not_before'), and this series is over before that")
        elif step.at_most < 2 * drug.window:
            words = f"an effect counts as complete when two windows of {drug.window} agree ('accept: drug: window')"
            yield Finding(s.key("at_most"), f"{words}, and this series is over before that")


def _enough_baseline(d: Draft) -> Iterator[Finding]:
    """Check that the baseline can have as many sweeps as the block asks for in so many words."""
    accept = _accept(d)
    asked: Any = mapping(mapping(d.raw.get("accept")).get("cell"))
    first = next((s for s in d.steps if _is_burst(s)), None)
    if accept is None or first is None or "baseline_sweeps" not in asked:
        return
    most = _most_sweeps(first)
    if most is not None and most < accept.cell.baseline_sweeps:
        name = first.raw.get("name", "the first series")
        words = f"'{name}' has {most} sweeps at the most, so that every cell would be left out"
        yield Finding(("accept", "cell", "baseline_sweeps"), words)


def _is_burst(s: DraftStep) -> bool:
    return isinstance(s.step, Series) and not isinstance(s.step.step, CurrentSteps)


def _most_sweeps(s: DraftStep) -> int | None:
    """Return the most sweeps that a series can have; None if that cannot be told."""
    step = s.step
    if not isinstance(step, Series):
        return None
    if step.sweeps is not None:
        return step.sweeps
    end = step.for_ if step.for_ is not None else step.at_most
    return None if end is None else int(end / step.every + 1e-9) + (end % step.every > 1e-9)


accept_rules: tuple[Callable[[Draft], Iterator[Finding]], ...] = (_drug_in_time, _enough_baseline)
