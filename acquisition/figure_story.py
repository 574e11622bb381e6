"""What the panels of the review figure have in common: the session read once, its colours, its manners."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.acceptance import is_range
from acquisition.analysis.time_course import drug_arrival
from acquisition.outcome import Outcome, outcome_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from acquisition.analysis.summary import Phase, SweepNumbers
    from acquisition.session.reader import Session
    from protocols.sweeps import ClampMode

    Numbers = NDArray[np.float64]

INK, QUIET, FAINT = "#222222", "#767676", "#D9D9D9"
CONTROL = "#4D4D4D"
LATER = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito (2008): told apart by people with any colour vision."""


@dataclass(frozen=True)
class Epoch:
    """A solution, from its valve to the arrival of the next; minutes of the figure's axis."""

    label: str
    switched: float
    arrives: float
    ends: float
    colour: str


class Story:
    """What the panels have in common, read once."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.outcome: Outcome = outcome_of(session)
        self.numbers, self.summary = self.outcome.numbers, self.outcome.summary
        self._switches = self.outcome.facts.switches
        drug = self._switches[1].label if len(self._switches) > 1 else None
        self._zero = drug_arrival(self.summary.phases, self.outcome.facts) or 0.0
        self.time_label = f"time from arrival of {drug} (min)" if drug else "time (min)"
        self.has_arrival = drug is not None

    def minutes(self, seconds: Any) -> Any:
        """Return session time on the figure's axis."""
        return (np.asarray(seconds, float) - self._zero) / 60

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases to draw; if no sweep was accepted, those that would have been."""
        return self.summary.phases or self.summary.unaccepted

    @cached_property
    def end(self) -> float:
        """End of the last sweep, s."""
        ends = [s.start + s.n_samples / s.rate for s in self.session.sweeps]
        return max([1.0, *ends, *(s.switched for s in self._switches)])

    @cached_property
    def epochs(self) -> tuple[Epoch, ...]:
        """The solutions in order."""
        ends = [*(s.arrives for s in self._switches[1:]), self.end][: len(self._switches)]
        out = []
        for i, (switch, end) in enumerate(zip(self._switches, ends, strict=True)):
            switched, arrives, ended = (float(self.minutes(t)) for t in (switch.switched, switch.arrives, end))
            out.append(Epoch(switch.label, switched, arrives, ended, _colour(i)))
        return tuple(out)

    def colour(self, seconds: float) -> str:
        """Return the colour of the solution in the bath at a session time."""
        here = [i for i, switch in enumerate(self._switches) if switch.arrives <= seconds]
        return _colour(here[-1] if here else 0)

    @property
    def bursts(self) -> tuple[SweepNumbers, ...]:
        """Sweeps of series with one step current: those whose AHP can be compared."""
        ranges = {s.index for s in self.ranges}
        return tuple(s for s in self.numbers if s.kind == "series" and s.index not in ranges)

    @cached_property
    def ranges(self) -> tuple[SweepNumbers, ...]:
        """Sweeps of series over a range of currents."""
        steps: dict[int, list[float]] = defaultdict(list)
        for s in self.numbers:
            steps[s.run] += [m.value for m in s.measurements if m.name == "I_step" and s.kind == "series"]
        return tuple(s for s in self.numbers if is_range(steps[s.run]))

    def values(self, name: str, mode: ClampMode | None = None) -> tuple[Numbers, Numbers]:
        """Return minutes and SI values of a measure, finite ones, of sweeps in `mode` (any by default)."""
        modes = {s.index: s.mode for s in self.session.sweeps}
        found = [
            (m.time, m.value)
            for m in self.session.measurements
            if m.name == name and math.isfinite(m.value) and mode in (None, modes.get(m.sweep))
        ]
        times, values = np.array(found, float).reshape(-1, 2).T
        return self.minutes(times), values


def _colour(place: int) -> str:
    return CONTROL if place == 0 else LATER[(place - 1) % len(LATER)]


def value_of(numbers: SweepNumbers, name: str) -> float:
    """Return a sweep's value of a measure, SI; NaN if it was not made."""
    return numbers.value(name)


def typeset(text: str) -> str:
    """Return words of the terminal with true minus signs and units."""
    return re.sub(r"(?<![\w.])-(?=\d)", "\u2212", text).replace("MOhm", "MΩ").replace("->", "→")


def signed(value: float, digits: int = 0, *, plus: bool = False) -> str:
    """Return a number with a true minus sign."""
    return f"{value:{'+' if plus else ''}.{digits}f}".replace("-", "\u2212")


def tidy(axes: Axes, keep: tuple[str, ...] = ("left", "bottom")) -> None:
    """Leave only the axes that carry a scale."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in keep)
        spine.set_linewidth(0.7)
        spine.set_color(INK)
    axes.tick_params(length=3, width=0.7, labelsize=8, color=INK, labelcolor=INK)
    left, bottom = "left" in keep, "bottom" in keep
    axes.tick_params(left=left, labelleft=left, bottom=bottom, labelbottom=bottom)
    axes.xaxis.label.set(size=9, color=INK)
    axes.yaxis.label.set(size=9, color=INK)


def letter(axes: Axes, name: str, *, up: float = 6.0, left: float = 40.0) -> None:
    """Name a panel; offsets in points from its upper left corner."""
    axes.annotate(name, (0, 1), (-left, up), xycoords="axes fraction", textcoords="offset points", size=13,
                  weight="bold", color=INK, va="bottom")  # fmt: skip
