"""Measures of a current-clamp sweep, each made as soon as its window has been recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquisition.analysis import after_step, before_step, burst, small_pulse, way_back
from acquisition.analysis.in_progress import ANALYSER, SweepInProgress
from acquisition.analysis.rows import Rows
from acquisition.analysis.so_far import SoFar, so_far

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from acquisition.analysis.settings import Settings
    from protocols.sweeps import Measurement, SweepHeader

FAMILIES = (before_step, burst, after_step, way_back, small_pulse)
"""In the order in which they are asked where their stages fall on the same sample."""


class CurrentClamp:
    """Measures one current-clamp sweep with a step; the command says when each stage is due."""

    def __init__(self, header: SweepHeader, settings: Settings) -> None:
        """Lay out the stages."""
        self._sweep = SweepInProgress(header, settings)
        stages = (stage for family in FAMILIES for stage in family.stages(self._sweep))
        self._stages = sorted(stages, key=lambda stage: stage[0])

    def feed(self, first: int, stored: NDArray[np.float32]) -> list[Measurement]:
        """Take a block of the primary output, (samples,) mV, and return what became final with it."""
        self._sweep.trace.add(first, stored)
        made: list[Measurement] = []
        while self._stages and self._stages[0][0] <= self._sweep.trace.have:
            self._sweep.seen, stage = self._stages.pop(0)
            made += stage()
        return made

    def finish(self) -> list[Measurement]:
        """Return the rest: windows that never became complete are NaN."""
        self._sweep.seen = self._sweep.trace.have
        made = [m for _, stage in self._stages for m in stage()]
        self._stages = []
        return made

    def so_far(self) -> SoFar:
        """Return what the samples up to now say."""
        return so_far(self._sweep)


class BiasOnly:
    """A current-clamp sweep without a step: only its bias is noted."""

    def __init__(self, header: SweepHeader, settings: Settings) -> None:
        """Take the bias from the header."""
        span = (0, header.sweep.n_samples)
        row = Rows(header, f"{ANALYSER} {settings.digest}").row("I_hold", header.holding, "A", span)
        self._rows: Iterator[Measurement] = iter([row])

    def feed(self, first: int, stored: NDArray[np.float32]) -> list[Measurement]:  # noqa: ARG002  as CurrentClamp
        """Return the bias, once."""
        return list(self._rows)

    def finish(self) -> list[Measurement]:
        """Return the bias if there was no block."""
        return list(self._rows)
