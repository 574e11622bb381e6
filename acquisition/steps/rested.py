"""Whether a sweep begins where the slow AHP of the one before is over.

A long AHP is no fault of its own sweep: the sAHP was measured from the baseline just before it. It disturbs the sweep
that begins on it.
"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acquisition.state import Trial
    from protocols.acceptance import SweepLimits

SLOWEST = 10.0
"""s: no slow AHP decays more slowly (it is over after 1 to 10 s; 2 to 3 s are usual)."""
WHY = "began before the AHP of the sweep before was over"


class Rested:
    """The baselines of a series, and whether a sweep begins on what is left of the AHP before it."""

    def __init__(self, aim: float | None, limits: SweepLimits) -> None:
        """Know where sweeps should begin: at `aim`, V, or if there is none where the rested ones before did."""
        self._aim, self._limits = aim, limits
        self._baselines: list[float] = []
        self._left_below, self._ended = math.nan, 0.0
        """Where the sweep before ended, V, if it fell there from its baseline or did not begin rested; and when, s."""

    def why_not(self, trial: Trial) -> str | None:
        """Take the next sweep, and return why it did not begin rested; None if it did.

        It did not if the sweep before fell away from its own baseline, so far below the usual one that the slowest AHP
        could still be further below it than the protocol allows, and this one begins there, too. A baseline that is low
        for longer than an AHP lasts has shifted. What was not measured speaks against nothing.
        """
        begin, end = trial.value("V_b"), trial.value("V_end")
        lowest = self._usual() - float(self._limits.end_within)
        is_disturbed = begin < lowest and self._left_by(trial.header.start) < lowest
        has_fallen = end < begin - float(self._limits.end_warning)
        self._left_below = end if has_fallen or is_disturbed else math.nan
        self._ended = trial.header.start + trial.header.sweep.n_samples / trial.header.sweep.rate
        if is_disturbed:
            return f"{WHY}: baseline is {1e3 * begin:.1f} mV; wanted above {1e3 * lowest:.1f} mV"
        if math.isfinite(begin):
            self._baselines.append(begin)
        return None

    def _left_by(self, moment: float) -> float:
        """Return where an AHP that was there when the sweep before ended can at most still be at `moment`, V."""
        usual = self._usual()
        return usual + (self._left_below - usual) * math.exp(-(moment - self._ended) / SLOWEST)

    def _usual(self) -> float:
        if self._aim is not None:
            return self._aim
        return median(self._baselines) if self._baselines else math.nan
