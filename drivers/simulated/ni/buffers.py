"""The host's buffers: what was written and not yet played, what was acquired and not yet read."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

Volts = NDArray[np.float64]
Counts = NDArray[np.int16]


class OutputBuffer:
    """Samples written to an output task, by their number; forgets what nobody can ask for any more."""

    def __init__(self, channels: int) -> None:
        """Start empty."""
        self._channels = channels
        self._blocks: deque[tuple[int, Volts]] = deque()
        self.written = 0

    def append(self, volts: Volts) -> None:
        """Take `volts` (channels, n)."""
        if volts.shape[1]:
            self._blocks.append((self.written, volts))
            self.written += volts.shape[1]

    def at(self, numbers: NDArray[np.int64]) -> Volts:
        """Return (channels, n) at sample `numbers`, ascending; beyond the last one the last one goes on."""
        numbers = np.minimum(numbers, self.written - 1)
        out = np.empty((self._channels, len(numbers)))
        for first, block in self._blocks:
            inside = slice(*np.searchsorted(numbers, (first, first + block.shape[1])))
            out[:, inside] = block[:, numbers[inside] - first]
        return out

    def looped(self, numbers: NDArray[np.int64]) -> Volts:
        """Return (channels, n) with the whole buffer played over and over."""
        whole = np.concatenate([block for _, block in self._blocks], axis=1)
        return whole[:, numbers % self.written]

    def forget(self, before: int) -> None:
        """Drop blocks of which all samples are below `before`; the last block stays."""
        while len(self._blocks) > 1 and self._blocks[1][0] <= before:
            self._blocks.popleft()


class InputBuffer:
    """The last `size` samples acquired, by their number."""

    def __init__(self, channels: int, size: int) -> None:
        """Start empty."""
        self.size = size
        self._channels = channels
        self._blocks: deque[tuple[int, Counts]] = deque()
        self.acquired = 0

    def append(self, counts: Counts) -> None:
        """Take `counts` (channels, n) and drop what is older than `size` samples."""
        self._blocks.append((self.acquired, counts))
        self.acquired += counts.shape[1]
        while len(self._blocks) > 1 and self._blocks[1][0] <= self.oldest:
            self._blocks.popleft()

    @property
    def oldest(self) -> int:
        """Number of the oldest sample that can still be read."""
        return max(0, self.acquired - self.size)

    def take(self, first: int, n: int) -> Counts:
        """Return (channels, n) from sample `first` on; the caller has checked that they are there."""
        out = np.empty((self._channels, n), np.int16)
        for start, block in self._blocks:
            low, high = max(first, start), min(first + n, start + block.shape[1])
            if low < high:
                out[:, low - first : high - first] = block[:, low - start : high - start]
        return out
