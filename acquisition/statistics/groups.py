"""Drug cells against vehicle cells: the difference of the changes, free of run-down common to both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisition.statistics.bootstrap import bca, too_few
from acquisition.statistics.cells import animals, columns, count, nesting
from acquisition.statistics.effect_sizes import EffectSize, g
from acquisition.statistics.paired import Paired, mean_or_nan, over_animals, paired
from acquisition.statistics.percent import per_cell
from acquisition.statistics.permutation import Permutation, labels, labels_within
from acquisition.statistics.student import TTest, spread, welch
from acquisition.statistics.words import NOT_DETERMINED, number, p_text, with_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from acquisition.statistics.bootstrap import Statistic
    from acquisition.statistics.cells import Nesting


@dataclass(frozen=True)
class GroupDifference:
    """Mean of the first group minus mean of the second. NaN where not determined."""

    n_first: int
    n_second: int
    """Cells with a value."""
    animals_first: int
    animals_second: int
    mean_first: float
    mean_second: float
    sd_first: float
    sd_second: float
    difference: float
    interval: tuple[float, float]
    """95 % Welch interval of `difference`, cells as units."""
    bca: tuple[float, float]
    """95 % BCa bootstrap interval; whole animals are drawn when cells nest in animals."""
    t: float
    df: float
    p: float
    """Welch's t test, cells as units."""
    animals: TTest | None
    """Welch's test on animal means, when cells nest in animals and no animal is in both groups; otherwise None."""
    permutation: Permutation
    g: EffectSize
    """Hedges' g: difference over the pooled SD, corrected for bias."""
    determined: bool
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """One sentence for a results section, in the unit of the input."""
        return self.sentence()

    def sentence(self, *, scale: float = 1.0, unit: str = "") -> str:
        """Return `text` with values multiplied by `scale` and followed by `unit`."""
        who = (
            f"{count(self.n_first, 'cell')} from {count(self.animals_first, 'animal')} against "
            f"{count(self.n_second, 'cell')} from {count(self.animals_second, 'animal')}"
        )
        if not self.determined:
            value = number(scale * self.difference)
            shown = value if value == NOT_DETERMINED else f"{value} {unit}".rstrip() + f", interval {NOT_DETERMINED}"
            return f"Difference {shown}; {who}."
        parts = [
            f"Difference {with_interval(self.difference, self.interval, scale=scale, unit=unit)}",
            f"BCa bootstrap {with_interval(self.difference, self.bca, scale=scale, unit=unit).partition(' (')[2][:-1]}",
            f"Welch t({self.df:.1f}) = {self.t:.2f}, {p_text(self.p)}, {who}",
            *([over_animals(self.animals)] if self.animals else []),
            f"{self.permutation.method} {p_text(self.permutation.p)}",
            f"Hedges g = {with_interval(self.g.value, self.g.interval)}",
        ]
        return "; ".join(parts) + "."


@dataclass(frozen=True)
class DifferenceInDifferences:
    """(drug - baseline) - (vehicle - baseline)."""

    drug: Paired
    vehicle: Paired
    change: GroupDifference
    """Of the changes, in the unit of the input; drug first."""
    percent: GroupDifference
    """Of the changes of each cell in % of its value before; drug first."""

    @property
    def text(self) -> str:
        """One sentence for a results section, in the unit of the input."""
        return self.sentence()

    def sentence(self, *, scale: float = 1.0, unit: str = "") -> str:
        """Return `text` with values multiplied by `scale` and followed by `unit`."""
        drug, vehicle = (
            with_interval(group.difference, group.interval, scale=scale, unit=unit)
            for group in (self.drug, self.vehicle)
        )
        percent = with_interval(self.percent.difference, self.percent.interval, unit="%")
        return (
            f"Change with drug {drug}, with vehicle {vehicle}. Difference in differences: "
            f"{self.change.sentence(scale=scale, unit=unit)} In per cent of each cell's value before: {percent}, "
            f"{p_text(self.percent.p)}."
        )


def between(
    first: ArrayLike,
    second: ArrayLike,
    *,
    first_clusters: ArrayLike | None = None,
    second_clusters: ArrayLike | None = None,
    seed: int = 0,
    resamples: int = 10_000,
) -> GroupDifference:
    """Compare two groups of cells, (n,) and (m,), one value per cell; NaN is left out and counted.

    `first_clusters` and `second_clusters` name the animal of each cell; the same name in both is the same animal.
    """
    (x,), (y,) = columns(first=first), columns(second=second)
    names = [animals(first_clusters, len(x), "first_clusters"), animals(second_clusters, len(y), "second_clusters")]
    dropped = [int(np.count_nonzero(np.isnan(values))) for values in (x, y)]
    names = [name[np.isfinite(values)] for name, values in zip(names, (x, y), strict=True)]
    x, y = x[np.isfinite(x)], y[np.isfinite(y)]
    pool = _Pool(x, y, nesting(np.concatenate(names)))
    test = welch(x, y)
    return GroupDifference(
        n_first=len(x),
        n_second=len(y),
        animals_first=len(pool.animals_first),
        animals_second=len(pool.animals_second),
        mean_first=mean_or_nan(x),
        mean_second=mean_or_nan(y),
        sd_first=spread(x),
        sd_second=spread(y),
        difference=test.estimate,
        interval=test.interval,
        bca=bca(_difference(x, y), pool.nested.unit, pool.drawn_together, seed=seed, resamples=resamples),
        t=test.t,
        df=test.df,
        p=test.p,
        animals=pool.welch_of_animals(),
        permutation=pool.permutation(seed, resamples),
        g=g(x, y),
        determined=bool(np.isfinite(test.interval[0])),
        notes=_notes(pool, dropped),
    )


def difference_in_differences(
    drug_before: ArrayLike,
    drug_after: ArrayLike,
    vehicle_before: ArrayLike,
    vehicle_after: ArrayLike,
    *,
    drug_clusters: ArrayLike | None = None,
    vehicle_clusters: ArrayLike | None = None,
    seed: int = 0,
    resamples: int = 10_000,
) -> DifferenceInDifferences:
    """Compare the change in drug cells with the change in vehicle cells recorded for the same time.

    Whole-cell recordings run down; the vehicle cells say by how much. One value per cell in each array, (n,) for drug
    and (m,) for vehicle cells.

    Raises
    ------
    Refused
        Arrays that belong together differ in length.
    """
    drug = paired(drug_before, drug_after, clusters=drug_clusters, seed=seed, resamples=resamples)
    vehicle = paired(vehicle_before, vehicle_after, clusters=vehicle_clusters, seed=seed, resamples=resamples)
    x, y = columns(drug_before=drug_before, drug_after=drug_after)
    u, v = columns(vehicle_before=vehicle_before, vehicle_after=vehicle_after)

    def compare(first: NDArray[np.float64], second: NDArray[np.float64]) -> GroupDifference:
        return between(
            first,
            second,
            first_clusters=drug_clusters,
            second_clusters=vehicle_clusters,
            seed=seed,
            resamples=resamples,
        )

    change, percent = compare(y - x, v - u), compare(per_cell(x, y), per_cell(u, v))
    return DifferenceInDifferences(drug, vehicle, change, percent)


@dataclass(frozen=True)
class _Pool:
    """Two groups of cells, finite, with all their animals in one numbering."""

    first: NDArray[np.float64]
    second: NDArray[np.float64]
    nested: Nesting

    @property
    def values(self) -> NDArray[np.float64]:
        return np.concatenate([self.first, self.second])

    @property
    def animals_first(self) -> NDArray[np.intp]:
        return np.unique(self.nested.unit[: len(self.first)])

    @property
    def animals_second(self) -> NDArray[np.intp]:
        return np.unique(self.nested.unit[len(self.first) :])

    @property
    def shared(self) -> int:
        """Animals with cells in both groups."""
        return len(self.animals_first) + len(self.animals_second) - self.nested.n_units

    @property
    def drawn_together(self) -> list[NDArray[np.intp]]:
        """Animals drawn from each other: group by group, or all when an animal is in both groups."""
        return [np.arange(self.nested.n_units)] if self.shared else [self.animals_first, self.animals_second]

    def welch_of_animals(self) -> TTest | None:
        """Return Welch's test of animal means where an animal belongs to one group."""
        if not self.nested.is_nested or self.shared:
            return None
        means = self.nested.means(self.values)
        return welch(means[self.animals_first], means[self.animals_second])

    def permutation(self, seed: int, resamples: int) -> Permutation:
        """Deal whole animals to the groups; within animals when these were given both treatments."""
        is_first = np.arange(len(self.values)) < len(self.first)
        if self.shared:
            return labels_within(self.values, self.nested.unit, is_first, seed=seed, resamples=resamples)
        in_first = np.isin(np.arange(self.nested.n_units), self.animals_first)
        sums, sizes = self.nested.sums(self.values), self.nested.sizes
        unit = self.nested.name.removesuffix("s")
        return labels(sums, sizes, in_first, unit=unit, seed=seed, resamples=resamples)


def _difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> Statistic:
    """Return the statistic "mean of `first` minus mean of `second`" of weights of both."""
    n = len(first)

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        w, v = weights[:, :n], weights[:, n:]
        difference: NDArray[np.float64] = (w @ first) / w.sum(axis=1) - (v @ second) / v.sum(axis=1)
        return difference

    return statistic


def _notes(pool: _Pool, dropped: Sequence[int]) -> tuple[str, ...]:
    """Say what a reader must know before trusting the numbers."""
    n, m = len(pool.first), len(pool.second)
    fewest = min((len(group) for group in pool.drawn_together), default=0)
    narrow = too_few(fewest, pool.nested.name)
    conditions = [
        (sum(dropped) > 0, f"{count(dropped[0], 'cell')} and {count(dropped[1], 'cell')} left out: a value is missing"),
        (min(n, m) < 2, f"{count(n, 'cell')} against {count(m, 'cell')}: at least 2 on each side are needed"),
        (
            min(n, m) >= 2 and spread(pool.first) == spread(pool.second) == 0,
            "the values do not vary within the groups: interval, t and p are not determined",
        ),
        (
            pool.nested.is_nested,
            f"{count(n + m, 'cell')} come from {count(pool.nested.n_units, 'animal')}: bootstrap and permutation use "
            "animals; the t test over cells counts cells of one animal as independent",
        ),
        (
            pool.shared > 0,
            f"{count(pool.shared, 'animal')} gave cells to both groups: animals are drawn for both groups together, "
            "cells are permuted within animals, and there is no test of animal means",
        ),
        (min(n, m) >= 2 and narrow != "", narrow),
    ]
    return tuple(text for holds, text in conditions if holds)
