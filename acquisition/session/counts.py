"""From stored samples back to the converter's counts, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from protocols.sweeps import STORED_STEP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from protocols.sweeps import Channel


class CountsOf:
    """Finds the counts that gave the stored samples of a channel.

    Every count has its own stored value. The channel's straight part nearly always says at once which one it was;
    where it does not, and where a value belongs to no count at all, the nearest is looked up. A value that no count
    gives therefore shows in the hash.
    """

    def __init__(self, channel: Channel) -> None:
        """Tabulate the stored value of every count."""
        codes = np.arange(-32768, 32768).astype(np.int16)
        self._levels = channel.stored(codes)
        self._order = np.argsort(self._levels)
        offset, slope = (*channel.coefficients, 0.0, 0.0)[:2]
        step = STORED_STEP[channel.unit]
        self._offset, self._per_count = offset / step, slope / step

    def __call__(self, stored: NDArray[np.float32]) -> NDArray[np.int16]:
        """Return the counts (int16) of samples in mV or pA, without those lost (NaN)."""
        known = stored[~np.isnan(stored)]
        rows = self._guess(known)
        wrong = np.flatnonzero(self._levels[rows] != known)
        if len(wrong):
            place = np.searchsorted(self._levels, known[wrong], sorter=self._order)
            rows[wrong] = self._order[np.minimum(place, len(self._order) - 1)]
        return (rows - 32768).astype(np.int16)

    def _guess(self, known: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the row of the table where each value should be."""
        if not self._per_count:
            return np.zeros(len(known), np.int64)
        codes = np.rint((known - self._offset) / self._per_count)
        rows: NDArray[np.int64] = np.clip(codes + 32768, 0, 65535).astype(np.int64)
        return rows
