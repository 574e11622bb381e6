"""One value per cell, and the animal each cell came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from protocols.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Nesting:
    """Which cells came from the same animal: what varies independently is the animal."""

    unit: NDArray[np.intp]  # (cells,), number of the animal of each cell
    n_units: int

    @property
    def is_nested(self) -> bool:
        """Some animal gave more than one cell."""
        return self.n_units < len(self.unit)

    @property
    def name(self) -> str:
        """What is drawn and permuted."""
        return "animals" if self.is_nested else "cells"

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of `values` (cells,) in each animal (animals,)."""
        return np.bincount(self.unit, values, self.n_units).astype(np.float64)

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Cells of each animal (animals,)."""
        return np.bincount(self.unit, minlength=self.n_units)

    def means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean of `values` (cells,) in each animal (animals,)."""
        means: NDArray[np.float64] = self.sums(values) / self.sizes
        return means


def nesting(names: Iterable[object]) -> Nesting:
    """Return who shares an animal, given the animal's name for each cell, numbered as they come."""
    known: dict[str, int] = {}
    unit = [known.setdefault(str(name), len(known)) for name in names]
    return Nesting(np.array(unit, dtype=np.intp), len(known))


def columns(**named: ArrayLike) -> list[NDArray[np.float64]]:
    """Return every argument as (n,) float64; what is not finite becomes NaN.

    Raises
    ------
    Refused
        A column is not numbers, or the columns differ in length.
    """
    found = [_column(name, values) for name, values in named.items()]
    if len({len(column) for column in found}) > 1:
        lengths = ", ".join(f"{name} {len(column)}" for name, column in zip(named, found, strict=True))
        msg = f"columns must have one value per cell, but their lengths differ: {lengths}"
        raise Refused(msg)
    return found


def animals(clusters: ArrayLike | None, n: int, name: str = "clusters") -> NDArray[np.str_]:
    """Return the animal of each of `n` cells (n,); without `clusters` every cell is an animal of its own.

    Raises
    ------
    Refused
        There is not one name per cell.
    """
    if clusters is None:
        # in this form no name that a person gives can be the same
        return np.array([f"\0{name} {i}" for i in range(n)], dtype=np.str_)
    names = [str(cluster) for cluster in np.atleast_1d(np.asarray(clusters, dtype=object)).ravel()]
    if len(names) != n:
        msg = f"{name} must name one animal per cell: {len(names)} names for {n} cells"
        raise Refused(msg)
    return np.array(names, dtype=np.str_)


def count(n: int, one: str) -> str:
    """Return "1 cell" or "3 cells"."""
    return f"{n} {one}{'' if n == 1 else 's'}"


def _column(name: str, values: ArrayLike) -> NDArray[np.float64]:
    try:
        column = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as exc:
        msg = f"{name} must be numbers, one per cell; a missing value is NaN"
        raise Refused(msg) from exc
    if column.ndim != 1:
        msg = f"{name} must have one value per cell, but has shape {column.shape}"
        raise Refused(msg)
    return np.where(np.isfinite(column), column, np.nan)
