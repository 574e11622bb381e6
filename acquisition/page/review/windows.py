"""Measuring windows that a reviewer has moved, as settings of the analyser that made the stored numbers."""

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
    from collections.abc import Mapping

    from acquisition.analysis.settings import Settings

    Span = tuple[float, float]

MOVED = "sAHP_moved"
"""Name of the mean over a moved window: `A_1000` is the mean at 1 s, and nothing else may be called so."""
SHORTEST, FARTHEST = 1e-3, 60.0
"""Seconds."""
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

    def on(self, settings: Settings) -> Settings:
        """Return the settings of the recording with these windows in place of its own."""
        declared = [self._moved(d) for d in settings.declared]
        if self.headline is not None:
            declared.append(Declared(MOVED, "mean", *self.headline))
        return replace(settings, baseline=self.baseline or settings.baseline, declared=tuple(declared))

    def _moved(self, declared: Declared) -> Declared:
        span = self.declared.get(declared.name)
        return declared if span is None else replace(declared, start=span[0], stop=span[1])


def recorded_windows(settings: Settings) -> list[dict[str, Any]]:
    """Return the windows that can be moved, each with what it counts from; the first are baseline and sAHP."""
    low, high = settings.baseline
    start, stop = AFTER_POTENTIAL[HEADLINE]
    found = [("V_b", "baseline", "step_start", low, high), (HEADLINE, "sAHP", "step_end", start, stop)]
    found += [(d.name, d.name, d.counted_from, d.start, d.stop) for d in settings.declared if not is_headline(d)]
    return [dict(zip(("name", "label", "from", "start", "stop"), w, strict=True)) for w in found]


def is_headline(declared: Declared) -> bool:
    """Whether a measure of the protocol is the sAHP at 1 s under another name."""
    return declared == Declared(declared.name, "mean", *AFTER_POTENTIAL[HEADLINE])


def _span(name: str, given: Any) -> Span:
    start, stop = float(given[0]), float(given[1])
    least = SHORTEST_BASELINE if name == "V_b" else SHORTEST
    if not (math.isfinite(start) and math.isfinite(stop)) or max(abs(start), abs(stop)) > FARTHEST:
        raise Refused(f"{name}: a window lies within {FARTHEST:.0f} s of the step")
    if stop - start < least - 1e-9:
        raise Refused(f"{name}: a window ends at least {1e3 * least:.0f} ms after it begins")
    return start, stop
