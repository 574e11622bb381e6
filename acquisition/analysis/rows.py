"""What the analysers of both clamp modes stand on: the samples so far, and rows of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from protocols.sweeps import Measurement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from protocols.sweeps import Channel, SweepHeader

INCOMPLETE, GAP, CLIPPED = "window_incomplete", "gap", "clipped"
NAN = float("nan")


class Trace:
    """Samples [first, first + length) of one channel, SI, as they come in; lost ones are NaN."""

    def __init__(self, channel: Channel, first: int, length: int) -> None:
        """Hold nothing yet."""
        self._channel, self.first, self._end = channel, first, first + length
        self.values: NDArray[np.float64] = np.empty(length)
        self.have = first
        """Samples before this one have come, or will never come."""
        extremes = channel.si(channel.stored(np.array([-32768, 32767], np.int16)))
        self._rails = float(extremes.min()), float(extremes.max())

    def add(self, first: int, stored: NDArray[np.float32]) -> None:
        """Take over what of a block, stored numbers (samples,) from sample `first` of the sweep on, belongs here."""
        start, stop = max(first, self.first), min(first + len(stored), self._end)
        if start > self.have:
            self.values[self.have - self.first : start - self.first] = np.nan
        if stop > start:
            part = self.values[start - self.first : stop - self.first]
            np.multiply(stored[start - first : stop - first], self._channel.step, out=part, dtype=np.float64)
        self.have = max(self.have, min(first + len(stored), self._end))

    def window(self, first: int, stop: int) -> tuple[NDArray[np.float64], str | None]:
        """Return samples [first, stop) of the sweep, and what is wrong with them.

        An incomplete window is empty: nothing is ever measured in a shorter one.
        """
        if first < self.first or stop > self.have or stop <= first:
            return np.empty(0), INCOMPLETE
        x = self.values[first - self.first : stop - self.first]
        low, high = self._rails
        least, most = x.min(), x.max()
        if low < least and most < high:
            return x, None
        if np.isnan(least):
            return x, GAP
        return x, CLIPPED if self._is_clipped(x) else None

    def _is_clipped(self, x: NDArray[np.float64]) -> bool:
        """Whether three samples in a row are at a rail."""
        low, high = self._rails
        out = (x <= low) | (x >= high)
        return bool(np.any(out[2:] & out[1:-1] & out[:-2]))


@dataclass(frozen=True)
class Rows:
    """Makes the measurements of one sweep."""

    header: SweepHeader
    analyser: str

    def row(
        self, name: str, value: float, unit: str, window: tuple[int, int], flags: Sequence[str] = ()
    ) -> Measurement:
        """Return a number made from samples [first, stop) of the sweep."""
        rate = self.header.sweep.rate
        first, stop = window[0] / rate, window[1] / rate
        middle = self.header.start + 0.5 * (first + stop)
        return Measurement(
            name, float(value), unit, self.header.sweep.index, middle, (first, stop), tuple(flags), self.analyser
        )
