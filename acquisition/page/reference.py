"""The mean baseline sweep, over which the present one is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.page.decimation import columns_of
from protocols.waveforms import samples

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from acquisition.page.present import Present

COLUMN = 4e-3
"""Seconds that are averaged to one value: nothing in a slow AHP is faster."""


@dataclass(frozen=True)
class Course:
    """One sweep, averaged, counted from its step's end."""

    first: int
    """Number of the first column; 0 is the one that begins with the step's end."""
    values: NDArray[np.float32]  # (columns,) mV
    width: float
    """Seconds per column, as near to `COLUMN` as whole samples come."""


def course_of(present: Present) -> Course | None:
    """Return the course of a finished sweep with a step."""
    if present.step is None:
        return None
    trace = present.columns[0].samples
    width = samples(COLUMN, present.rate)
    end = samples(present.step[1], present.rate)
    before = end // width
    return Course(-before, columns_of(trace[end - before * width :], width)[2], width / present.rate)


def mean_of(courses: Iterable[tuple[Course, float]], label: str) -> dict[str, Any] | None:
    """Return the mean of courses, each with the baseline (V) that is taken off it, as viewers are told."""
    found = list(courses)
    if not found:
        return None
    first = max(c.first for c, _ in found)
    stop = min(c.first + len(c.values) for c, _ in found)
    together = np.array([c.values[first - c.first : stop - c.first] - 1e3 * base for c, base in found])
    width = found[0][0].width
    values = np.round(together.mean(axis=0), 4).tolist()
    return {"n": len(found), "label": label, "start": (first + 0.5) * width, "column": width, "values": values}
