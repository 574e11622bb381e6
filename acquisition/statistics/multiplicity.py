"""Several secondary measures, one chance of a false alarm: Holm's correction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisition.statistics.student import NAN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Corrected:
    """One measure of the family."""

    p: float
    adjusted: float
    """To be compared with 0.05; NaN when `p` is."""
    rejected: bool
    """`adjusted` is at most alpha."""
    family: int
    """Measures in the family, those without a p-value too: they were planned."""


def holm(p_values: Mapping[str, float], *, alpha: float = 0.05) -> dict[str, Corrected]:
    """Correct the p-values of the secondary measures, by name (Holm 1979, Scand J Stat 6:65).

    >>> holm({"A_pk": 0.01, "D50": 0.04, "tau": 0.03})["A_pk"].adjusted
    0.03
    """
    if not p_values:
        return {}
    known = np.array(list(p_values.values()), dtype=np.float64)
    # a test that could not be done rejects nothing, yet was one of the chances of a false alarm
    adjusted = _adjusted(np.where(np.isnan(known), 1.0, known))
    return {
        name: Corrected(p, NAN if np.isnan(p) else float(q), bool(not np.isnan(p) and q <= alpha), len(known))
        for (name, p), q in zip(p_values.items(), adjusted, strict=True)
    }


def _adjusted(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Holm's adjusted p-values (n,): the smallest times n, the next times n - 1, and never falling.

    As statsmodels.stats.multitest.multipletests, which collects garbage at each call and so stops a rig for 0.2 s.
    """
    n = len(p_values)
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(n)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * np.arange(n, 0, -1)), 1.0)
    return adjusted
