"""Traces as a screen can show them: minimum, maximum and mean per column, made as the samples come."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS = 1000
"""Columns of a window. Each is drawn as two points, so that a plot of 2000 pixels is full."""
ROWS = 3
"""Minimum, maximum, mean."""


def column_width(n_samples: int, columns: int = COLUMNS) -> int:
    """Return how many samples go into one column, so that `n_samples` need at most `columns`."""
    return max(1, math.ceil(n_samples / columns))


def columns_of(samples: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Return (3, columns) minimum, maximum and mean of every `width` samples; the last column may have fewer.

    Lost samples (NaN) are left out; a column without any other is NaN.
    """
    n = math.ceil(len(samples) / width)
    padded = np.full(n * width, np.nan, np.float32)
    padded[: len(samples)] = samples
    block = padded.reshape(n, width)
    there = ~np.isnan(block)
    count = there.sum(axis=1)
    total = np.where(there, block, 0).sum(axis=1, dtype=np.float64)
    mean = np.divide(total, count, out=np.full(n, np.nan), where=count > 0)
    return np.stack([np.fmin.reduce(block, axis=1), np.fmax.reduce(block, axis=1), mean.astype(np.float32)])


class Columns:
    """One channel over one window, kept as samples and as columns."""

    def __init__(self, n_samples: int, width: int) -> None:
        """Prepare for a window of `n_samples` with `width` samples per column."""
        self.width = width
        self.samples: NDArray[np.float32] = np.full(n_samples, np.nan, np.float32)
        self.rows: NDArray[np.float32] = np.full((ROWS, math.ceil(n_samples / width)), np.nan, np.float32)
        self.have = 0

    def feed(self, first: int, samples: NDArray[np.float32]) -> None:
        """Take samples from number `first` of the window on; what lies beyond the window is left out."""
        stop = min(first + len(samples), len(self.samples))
        if stop <= first:
            return
        self.samples[first:stop] = samples[: stop - first]
        begin, end = min(first, self.have) // self.width, math.ceil(stop / self.width)
        self.rows[:, begin:end] = columns_of(self.samples[begin * self.width : stop], self.width)
        self.have = max(self.have, stop)

    @property
    def complete(self) -> int:
        """Columns that no later sample changes."""
        return self.rows.shape[1] if self.have == len(self.samples) else self.have // self.width
