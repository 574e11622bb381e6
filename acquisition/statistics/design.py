"""The columns of a mixed model: conditions and ages as numbers, coded so that every coefficient can be read alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from protocols.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Design:
    """The fixed part: an intercept first, then a column for each name."""

    names: tuple[str, ...]
    columns: NDArray[np.float64]  # (values, 1 + names)
    n_conditions: int
    """Conditions besides the reference: the first so many of `names`."""
    n_ages: int
    """Columns of age after them; interactions follow."""
    reference: str
    has_age: bool
    notes: tuple[str, ...] = ()

    @property
    def conditions(self) -> NDArray[np.float64]:
        """Columns of the conditions (values, conditions)."""
        return self.columns[:, 1 : 1 + self.n_conditions]


def design(
    conditions: Sequence[str],
    animals: Sequence[str],
    ages: Sequence[str | float] | None,
    reference: str | None,
) -> Design:
    """Return the fixed part of the model for values in `conditions`, of `animals` of these `ages`, all (n,).

    Conditions are 0 or 1 against the reference. Ages are centred, so that the coefficient of a condition is its effect
    at the average age (numbers) or averaged over the groups (text).

    Raises
    ------
    Refused
        `reference` is not among the conditions.
    """
    levels = list(dict.fromkeys(conditions))
    if reference is not None and reference not in levels:
        msg = f"there is no condition {reference!r} to compare with; conditions are: {', '.join(levels)}"
        raise Refused(msg)
    first = reference if reference is not None else levels[0] if levels else ""
    others = [level for level in levels if level != first]
    coded = [np.array([c == level for c in conditions], float) for level in others]
    age_names, aged, notes = _ages(ages, animals)
    interactions = [c * a for c in coded for a in aged]
    names = [*others, *age_names, *(f"{level} x {age}" for level in others for age in age_names)]
    columns = [np.ones(len(conditions)), *coded, *aged, *interactions]
    return Design(
        tuple(names), np.column_stack(columns), len(others), len(age_names), first, ages is not None, tuple(notes)
    )


def _ages(
    ages: Sequence[str | float] | None, animals: Sequence[str]
) -> tuple[list[str], list[NDArray[np.float64]], list[str]]:
    """Return the names and the centred columns of age, and how they are to be read."""
    if ages is None or not len(ages):
        return [], [], []
    if all(isinstance(age, str) for age in ages):
        groups = list(dict.fromkeys(str(age) for age in ages))
        names = [f"age {group}" for group in groups[1:]]
        columns = [np.array([age == group for age in ages], float) - 1 / len(groups) for group in groups[1:]]
        note = f"age groups are compared with {groups[0]}; the effect of a condition is the mean over age groups"
        return names, columns, [note] if names else []
    numbers = np.array([float(age) for age in ages])
    by_animal = dict(zip(animals, numbers.tolist(), strict=True))
    middle = float(np.mean(list(by_animal.values())))
    if np.ptp(numbers) == 0:
        return [], [], ["all animals have the same age: it is not in the model"]
    return ["age"], [numbers - middle], [f"age is centred: the effect of a condition is the one at age {middle:.3g}"]
