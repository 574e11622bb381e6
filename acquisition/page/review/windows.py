"""Measuring windows that a reviewer has moved, as settings of the analyser."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from acquisition.acceptance import HEADLINE
from acquisition.analysis.settings import Declared
from acquisition.typed_text import typed_text
from protocols.errors import Refused
from protocols.measures import AFTER_POTENTIAL

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from acquisition.analysis.settings import Settings

    Span = tuple[float, float]
    Layout = tuple[float, float, float]
    """Start and end of the step and length of a sweep, s."""

MOVED = "sAHP_moved"
"""Name of the mean over a moved window: `A_1000` is the mean at 1 s, and nothing else may be called so."""
LABELS = {"V_b": "baseline", HEADLINE: "sAHP"}
"""What the screen calls a window; that of a declared measure has the name of the measure."""
SHORTEST, FARTHEST = 1e-3, 60.0
"""Seconds."""
ROUNDING = 1e-6
"""Seconds; a window is typed in tenths of ms."""
LONGEST_NAME = 100
"""Characters."""
SHORTEST_BASELINE = 0.040
"""Two of the blocks that a baseline is made of."""


@dataclass(frozen=True)
class Windows:
    """Windows that differ from the recorded ones; empty is 'as recorded'."""

    baseline: Span | None = None
    """Seconds from the step's start."""
    headline: Span | None = None
    """Of the sAHP, seconds from the step's end."""
    declared: Mapping[str, Span] = field(default_factory=dict)
    """Measure of the protocol -> seconds from where that measure counts."""

    @classmethod
    def parsed(cls, text: str | None) -> Windows:
        """Return what a viewer asks for, as JSON: {"V_b": [-0.51, -0.01], "A_1000": [0.9, 1.1], "mine": [0, 1]}.

        Raises
        ------
        Refused
            It is nothing of the kind, or a window is empty.
        """
        try:
            told = json.loads(text) if text else {}
            spans = {name: _span(typed_text(name, LONGEST_NAME), given) for name, given in told.items()}
        except (ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError) as error:
            raise Refused('windows look like {"A_1000": [0.9, 1.1]}: seconds from the end of the step') from error
        return cls(spans.pop("V_b", None), spans.pop(HEADLINE, None), spans)

    @property
    def as_recorded(self) -> bool:
        """Whether nothing was moved."""
        return self == Windows()

    @property
    def headline_name(self) -> str:
        """The measure that stands for the sAHP."""
        return HEADLINE if self.headline is None else MOVED

    def check(self, recorded: Sequence[Mapping[str, Any]]) -> None:
        """Refuse windows that lie beyond the sweeps; `recorded` says in what each may lie.

        Raises
        ------
        Refused
            One does.
        """
        asked = {"V_b": self.baseline, HEADLINE: self.headline, **self.declared}
        for w in recorded:
            span, (low, high) = asked.get(w["name"]), w["within"]
            if span is not None and span[1] > high + ROUNDING:
                raise Refused(f"the {w['label']} window is too late: the sweep ends at {_ms(high)} ms")
            if span is not None and span[0] < low - ROUNDING:
                raise Refused(f"the {w['label']} window is too early: the sweep begins at {_ms(low)} ms")

    def on(self, settings: Settings) -> Settings:
        """Return the settings of the recording with these windows in place of its own."""
        declared = [self._moved(d) for d in settings.declared]
        if self.headline is not None:
            declared.append(Declared(MOVED, "mean", *self.headline))
        return replace(settings, baseline=self.baseline or settings.baseline, declared=tuple(declared))

    def _moved(self, declared: Declared) -> Declared:
        span = self.declared.get(declared.name)
        return declared if span is None else replace(declared, start=span[0], stop=span[1])


def recorded_windows(settings: Settings, layouts: Collection[Layout] = ()) -> list[dict[str, Any]]:
    """Return the windows that can be moved, each with what it counts from; the first are baseline and sAHP.

    `within` is where a window may lie, in the longest of the sweeps that are laid out as `layouts` say.
    """
    low, high = settings.baseline
    start, stop = AFTER_POTENTIAL[HEADLINE]
    found = [("V_b", LABELS["V_b"], "step_start", low, high), (HEADLINE, LABELS[HEADLINE], "step_end", start, stop)]
    found += [(d.name, d.name, d.counted_from, d.start, d.stop) for d in settings.declared if not is_headline(d)]
    told = [dict(zip(("name", "label", "from", "start", "stop"), w, strict=True)) for w in found]
    return [{**w, "within": _within(str(w["from"]), layouts)} for w in told]


def _within(origin: str, layouts: Collection[Layout]) -> Span:
    zeros = [{"step_start": start, "step_end": stop}.get(origin, 0.0) for start, stop, _ in layouts]
    if not zeros:
        return (-FARTHEST, FARTHEST)
    return -max(zeros), max(length - zero for zero, (_, _, length) in zip(zeros, layouts, strict=True))


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.5g}"


def is_headline(declared: Declared) -> bool:
    """Whether a measure of the protocol is the sAHP at 1 s under another name."""
    return declared == Declared(declared.name, "mean", *AFTER_POTENTIAL[HEADLINE])


def _span(name: str, given: Any) -> Span:
    start, stop = float(given[0]), float(given[1])
    label = LABELS.get(name, name)
    least = SHORTEST_BASELINE if name == "V_b" else SHORTEST
    if not (math.isfinite(start) and math.isfinite(stop)) or max(abs(start), abs(stop)) > FARTHEST:
        raise Refused(f"the {label} window must lie within {FARTHEST:.0f} s of the step")
    if stop <= start:
        raise Refused(f"the {label} window must end after it begins")
    if stop - start < least - 1e-9:
        raise Refused(f"the {label} window must be at least {_ms(least)} ms long")
    return start, stop
