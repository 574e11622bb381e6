"""Analysis that cannot harm a run: when it fails, samples go on to the file and the log says what is missing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from acquisition.analysis.analyser import Settings, SweepAnalyser
from acquisition.analysis.so_far import SoFar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from protocols.sweeps import Measurement, SweepHeader

log = logging.getLogger(__name__)


class Guarded:
    """One sweep's analyser; after a failure it measures nothing more."""

    def __init__(self, header: SweepHeader, settings: Settings) -> None:
        """Begin a sweep."""
        self.failure: str | None = None
        self._analyser: SweepAnalyser | None = None
        self._attempt(lambda: self._begin(header, settings))

    def feed(self, first: int, stored: Mapping[str, NDArray[np.float32]]) -> list[Measurement]:
        """Return what became final with this block; see `SweepAnalyser.feed`."""
        analyser = self._analyser
        return [] if analyser is None else self._attempt(lambda: analyser.feed(first, stored))

    def so_far(self) -> SoFar:
        """Return what can be said in mid-sweep; see `SweepAnalyser.so_far`."""
        try:
            return SoFar() if self._analyser is None else self._analyser.so_far()
        except Exception:
            log.exception("what was said in mid-sweep could not be made")
            return SoFar()

    def finish(self, *, complete: bool) -> list[Measurement]:
        """Return the rest; see `SweepAnalyser.finish`."""
        analyser = self._analyser
        return [] if analyser is None else self._attempt(lambda: analyser.finish(complete=complete))

    def _begin(self, header: SweepHeader, settings: Settings) -> list[Measurement]:
        self._analyser = SweepAnalyser(header, settings)
        return []

    def _attempt(self, work: Callable[[], list[Measurement]]) -> list[Measurement]:
        try:
            return work()
        except Exception as error:
            log.exception("a sweep's analysis failed; its samples are recorded")
            self.failure, self._analyser = f"{type(error).__name__}: {error}", None
            return []
