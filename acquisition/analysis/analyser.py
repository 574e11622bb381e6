"""Measures sweeps, block by block while they are recorded or whole in review: the same code, the same bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquisition.analysis.current_clamp import BiasOnly, CurrentClamp
from acquisition.analysis.settings import Declared, Settings
from acquisition.analysis.so_far import SoFar
from acquisition.analysis.voltage_clamp import VoltageClamp
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from protocols.sweeps import Measurement, RecordedSweep, SweepHeader

__all__ = ["MEASURED", "Declared", "Settings", "SweepAnalyser", "analyse"]

MEASURED = frozenset({"primary"})
"""Channels that a sweep's numbers are made of; a block of others need not be converted."""


class SweepAnalyser:
    """Measures one sweep while it is recorded.

    Every measure appears once, as soon as its window is complete, and is never revised. What it is made of is decided
    by the command alone, so blocks of any size give the same numbers to the last bit.
    """

    def __init__(self, header: SweepHeader, settings: Settings) -> None:
        """Prepare for the sweep that `header` announces."""
        self._mode = _of_mode(header, settings)

    def feed(self, first: int, stored: Mapping[str, NDArray[np.float32]]) -> list[Measurement]:
        """Take a block and return what became final with it.

        Parameters
        ----------
        first
            Number of the block's first sample in the sweep. Blocks come in order; what is left out counts as lost.
        stored
            Channel name -> (samples,) mV or pA, as in the file.
        """
        return self._mode.feed(first, stored["primary"])

    def finish(self, *, complete: bool = True) -> list[Measurement]:  # noqa: ARG002  the samples themselves tell
        """Return the rest. Windows that never became complete are NaN with the flag `window_incomplete`."""
        return self._mode.finish()

    def so_far(self) -> SoFar:
        """Return what can be said in the middle of the sweep, for screens: provisional, and never stored."""
        return self._mode.so_far() if isinstance(self._mode, CurrentClamp) else SoFar()


def _of_mode(header: SweepHeader, settings: Settings) -> VoltageClamp | CurrentClamp | BiasOnly:
    if header.sweep.mode is ClampMode.VOLTAGE:
        return VoltageClamp(header)
    return CurrentClamp(header, settings) if header.sweep.command.of("step") else BiasOnly(header, settings)


def analyse(sweep: RecordedSweep, settings: Settings) -> list[Measurement]:
    """Return all measures of a recorded sweep: what was measured live, to the last bit.

    >>> analyse(session.sweep(12), Settings.of(session.protocol))  # doctest: +SKIP
    """
    analyser = SweepAnalyser(sweep.header, settings)
    return [*analyser.feed(0, sweep.stored), *analyser.finish(complete=sweep.complete)]
