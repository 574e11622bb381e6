"""Before against after in the same cells: what changed, how sure that is, and how many animals say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisition.statistics.bootstrap import bca, mean_of, too_few
from acquisition.statistics.cells import animals, columns, count, nesting
from acquisition.statistics.effect_sizes import EffectSize, d_z, g_av
from acquisition.statistics.percent import PercentChange, percent_change
from acquisition.statistics.permutation import Permutation, sign_flip, signed_rank
from acquisition.statistics.student import NAN, TTest, one_sample, spread
from acquisition.statistics.words import NOT_DETERMINED, number, p_text, with_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from acquisition.statistics.cells import Nesting


@dataclass(frozen=True)
class Paired:
    """The same cells before and after. All values in the unit of the input; NaN where not determined."""

    n_cells: int
    """Cells with both values."""
    n_animals: int
    n_dropped: int
    """Cells left out because a value is missing (NaN)."""
    mean_before: float
    mean_after: float
    sd_before: float
    sd_after: float
    difference: float
    """Mean of after minus before."""
    sd_difference: float
    interval: tuple[float, float]
    """95 % t interval of `difference`, cells as units."""
    bca: tuple[float, float]
    """95 % BCa bootstrap interval of `difference`; whole animals are drawn when cells nest in animals."""
    t: float
    df: float
    p: float
    """Paired t test, cells as units."""
    animals: TTest | None
    """The t test on the mean difference of each animal, when cells nest in animals; otherwise None."""
    sign_flip: Permutation
    """Permutation of the signs, of whole animals when cells nest in animals."""
    wilcoxon: Permutation
    """Wilcoxon's signed ranks, of animal means when cells nest in animals."""
    d_z: EffectSize
    """Mean difference over the SD of the differences, not corrected for bias."""
    g_av: EffectSize
    """Hedges' g_av: mean difference over the average SD of before and after, corrected for bias."""
    percent: PercentChange
    determined: bool
    """There are at least two cells and their differences vary, so that an interval exists."""
    notes: tuple[str, ...]
    """What a reader must know: cells dropped, nesting, what is not determined and why."""

    @property
    def text(self) -> str:
        """One sentence for a results section, in the unit of the input."""
        return self.sentence()

    def sentence(self, *, scale: float = 1.0, unit: str = "") -> str:
        """Return `text` with values multiplied by `scale` and followed by `unit`: `scale=1e3, unit="mV"`."""
        who = f"{count(self.n_cells, 'cell')} from {count(self.n_animals, 'animal')}"
        if not self.determined:
            value = number(scale * self.difference)
            shown = value if value == NOT_DETERMINED else f"{value} {unit}".rstrip() + f", interval {NOT_DETERMINED}"
            return f"Mean difference {shown}; {who}."
        parts = [
            f"Mean difference {with_interval(self.difference, self.interval, scale=scale, unit=unit)}",
            f"BCa bootstrap {with_interval(self.difference, self.bca, scale=scale, unit=unit).partition(' (')[2][:-1]}",
            f"t({self.df:g}) = {self.t:.2f}, {p_text(self.p)}, {who}",
            *([over_animals(self.animals)] if self.animals else []),
            f"{self.sign_flip.method} {p_text(self.sign_flip.p)}",
            f"{self.wilcoxon.method} {p_text(self.wilcoxon.p)}",
            f"d_z = {with_interval(self.d_z.value, self.d_z.interval)}",
            f"Hedges g_av = {with_interval(self.g_av.value, self.g_av.interval)}",
            f"change of the mean {with_interval(self.percent.of_means, self.percent.of_means_interval, unit='%')}",
        ]
        return "; ".join(parts) + "."


def paired(
    before: ArrayLike,
    after: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    seed: int = 0,
    resamples: int = 10_000,
) -> Paired:
    """Compare `before` with `after`, both (cells,) in the same order and unit.

    Parameters
    ----------
    before, after
        One value per cell; NaN for a value that is missing: that cell is left out and counted.
    clusters
        Animal of each cell (cells,), text or numbers. Without it every cell counts as an animal of its own.
    seed
        The same input with the same seed gives the same output, bit for bit.
    resamples
        Of the bootstrap, and of the permutation test beyond 20 units.

    Raises
    ------
    Refused
        The arrays differ in length.
    """
    x, y = columns(before=before, after=after)
    names = animals(clusters, len(x))
    kept = np.isfinite(x) & np.isfinite(y)
    x, y, nested = x[kept], y[kept], nesting(names[kept])
    change = y - x
    test = one_sample(change)
    means = nested.means(change)
    unit = nested.name.removesuffix("s")
    notes = _notes(x, change, nested, int(np.count_nonzero(~kept)))
    return Paired(
        n_cells=len(x),
        n_animals=nested.n_units,
        n_dropped=int(np.count_nonzero(~kept)),
        mean_before=mean_or_nan(x),
        mean_after=mean_or_nan(y),
        sd_before=spread(x),
        sd_after=spread(y),
        difference=test.estimate,
        sd_difference=spread(change),
        interval=test.interval,
        bca=bca(mean_of(change), nested.unit, [np.arange(nested.n_units)], seed=seed, resamples=resamples),
        t=test.t,
        df=test.df,
        p=test.p,
        animals=one_sample(means) if nested.is_nested else None,
        sign_flip=sign_flip(nested.sums(change), unit=unit, seed=seed, resamples=resamples),
        wilcoxon=signed_rank(means, unit=unit),
        d_z=d_z(change),
        g_av=g_av(x, y),
        percent=percent_change(x, y, nested, seed=seed, resamples=resamples),
        determined=bool(np.isfinite(test.interval[0])),
        notes=notes,
    )


def _notes(before: NDArray[np.float64], change: NDArray[np.float64], nested: Nesting, dropped: int) -> tuple[str, ...]:
    """Say what a reader must know before trusting the numbers."""
    n = len(change)
    of_animals = f"{count(n, 'cell')} come from {count(nested.n_units, 'animal')}"
    wrong_way = int(np.count_nonzero(np.sign(before) != np.sign(before.mean()))) if n else 0
    narrow = too_few(nested.n_units, nested.name)
    conditions = [
        (dropped > 0, f"{count(dropped, 'cell')} left out: a value before or after is missing"),
        (n < 2, f"{count(n, 'cell')}: at least 2 are needed for an interval"),
        (n >= 2 and spread(change) == 0, "all cells changed by the same amount: interval, t and p are not determined"),
        (
            nested.is_nested,
            f"{of_animals}: bootstrap, permutation and Wilcoxon use animals; the t test over cells counts cells of one "
            "animal as independent, so read the one over animals or the mixed model",
        ),
        (n >= 2 and narrow != "", narrow),
        (
            wrong_way > 0,
            f"{count(wrong_way, 'cell')} with a value before of 0 or of the other sign than the mean: changes in % of "
            "single cells, and their mean, mean little",
        ),
    ]
    return tuple(text for holds, text in conditions if holds)


def mean_or_nan(values: NDArray[np.float64]) -> float:
    """Return the mean of `values` (n,); NaN when there are none."""
    return float(values.mean()) if len(values) else NAN


def over_animals(test: TTest) -> str:
    """Return the words for a t test of animal means."""
    if not np.isfinite(test.t):
        return f"over animal means {NOT_DETERMINED}"
    return f"over {count(test.n, 'animal mean')} t({test.df:.3g}) = {test.t:.2f}, {p_text(test.p)}"
