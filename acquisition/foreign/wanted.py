"""What a person wants measured beside the standard family, from the words of the command line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from acquisition.analysis.settings import Declared, Settings
from protocols.conditions import SpikeCount
from protocols.errors import Refused
from protocols.loading import load_text
from protocols.measures import ACCOMPANYING, STANDARD_MEASURES
from protocols.model import Model, Name
from protocols.protocol import Measure
from protocols.quantities import Offset

if TYPE_CHECKING:
    from collections.abc import Sequence


class Window(Model):
    """A stretch before the step."""

    from_: Offset = Field(alias="from")
    """Start, counted from the step's start; negative."""
    to: Offset
    """End, likewise."""


class Wanted(Model):
    """Measures by name, in the words of a protocol's `measures`."""

    measures: dict[Name, Measure] = Field(default_factory=dict)
    """Measures of one's own."""
    target_spikes: SpikeCount | None = None
    """Action potentials of a good sweep."""
    baseline: Window | None = None
    """Where the recording has less room before the step than 510 ms."""


def settings_from(target_spikes: str | None, measures: Sequence[str], baseline: str | None = None) -> Settings:
    """Return the settings of an analysis.

    Parameters
    ----------
    target_spikes
        Such as '4' or '3..4'.
    measures
        Each 'NAME: {kind: mean, from: 100 ms, to: 200 ms}', as under `measures` in a protocol.
    baseline
        Such as '-140 ms .. -10 ms', counted from the step's start; None for -510 ms .. -10 ms.

    Raises
    ------
    InvalidFile
        With every mistake, its place and its cure.
    """
    lines = [f"target_spikes: {target_spikes}"] if target_spikes is not None else []
    lines += _baseline_lines(baseline)
    lines += ["measures:", *(f"  {m.strip()}" for m in measures)] if measures else []
    wanted = load_text("\n".join(lines) or "{}", "command line", Wanted)
    count = wanted.target_spikes
    declared = tuple(Declared.of(name, m) for name, m in wanted.measures.items())
    if taken := [d.name for d in declared if d.name in (*STANDARD_MEASURES, *ACCOMPANYING)]:
        raise Refused(f"'{taken[0]}' is a measure that is made anyway; give yours another name")
    if any(d.stop <= d.start for d in declared):
        raise Refused("a measure's window must end after it begins, such as from: 100 ms, to: 200 ms")
    settings = Settings(None if count is None else (count.low, count.high), declared)
    if wanted.baseline is None:
        return settings
    start, stop = float(wanted.baseline.from_), float(wanted.baseline.to)
    if not start < stop <= 0:
        raise Refused("the baseline must lie before the step, such as --baseline '-140 ms .. -10 ms'")
    return replace(settings, baseline=(start, stop))


def _baseline_lines(baseline: str | None) -> list[str]:
    """Return the baseline's window as a line of a protocol."""
    if baseline is None:
        return []
    parts = baseline.split("..")
    if len(parts) != 2:
        raise Refused(f"'{baseline}' is not a range: write --baseline '-140 ms .. -10 ms'")
    return [f"baseline: {{from: {parts[0].strip()}, to: {parts[1].strip()}}}"]
