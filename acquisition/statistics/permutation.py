"""Permutation tests: exact while all rearrangements can be counted, Monte Carlo beyond, and the result says which.

Monte Carlo p-values are (k + 1) / (m + 1): the arrangement observed is one of those that could have been drawn
(Phipson & Smyth 2010, Stat Appl Genet Mol Biol 9:39).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisition.statistics.cells import count
from acquisition.statistics.student import NAN

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_SIGNS = 20
"""Units up to which all 2^n signs are counted."""
MOST_LABELS = 5_000_000
"""Ways to choose a group up to which all are counted: 12 of 24 are 2.7 million."""
MOST_RANKS = 500
"""Differences up to which Wilcoxon's distribution is computed exactly."""
ROUNDING = 1e-10
"""Two statistics closer than this fraction of the largest possible one are a tie."""
DRAWS_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Permutation:
    """A two-sided p-value and how it was found."""

    p: float
    exact: bool
    """All rearrangements were counted; otherwise `n` random ones, p = (k + 1) / (n + 1), or a normal approximation."""
    n: int
    """Rearrangements looked at."""
    method: str
    """One phrase for a methods section, such as "exact sign-flip permutation over 10 cells"."""


def sign_flip(sums: NDArray[np.float64], *, unit: str, seed: int, resamples: int) -> Permutation:
    """Test whether differences are as often up as down, by flipping the sign of each unit's sum (n,)."""
    n = len(sums)
    who = count(n, unit)
    if not n:
        return Permutation(NAN, True, 0, f"sign-flip permutation over {who}")
    observed = abs(float(sums.sum())) - ROUNDING * float(np.abs(sums).sum())
    if n <= MOST_SIGNS:
        totals = sums[:1]
        for value in sums[1:]:
            totals = np.concatenate([totals + value, totals - value])
        p = float(np.count_nonzero(np.abs(totals) >= observed) / len(totals))
        return Permutation(p, True, 2 * len(totals), f"exact sign-flip permutation over {who}")
    random = np.random.default_rng(seed)
    hits, rows = 0, max(1, DRAWS_AT_ONCE // n)
    for start in range(0, resamples, rows):
        signs = 1 - 2 * random.integers(0, 2, (min(rows, resamples - start), n), dtype=np.int8)
        hits += int(np.count_nonzero(np.abs(signs @ sums) >= observed))
    method = f"sign-flip permutation over {who}, {resamples} random flips"
    return Permutation((hits + 1) / (resamples + 1), False, resamples, method)


def signed_rank(differences: NDArray[np.float64], *, unit: str) -> Permutation:
    """Return Wilcoxon's signed-rank test of `differences` (n,), exact with ties as well.

    Zeros are left out (Wilcoxon 1945) and ties get mean ranks; the distribution is the one of those very ranks when
    every sign is as likely as its opposite. Without ties it is that of scipy.stats.wilcoxon(method="exact").
    """
    from scipy.stats import rankdata, wilcoxon

    size = float(np.abs(differences).max()) if len(differences) else 0.0
    values = differences[np.abs(differences) > ROUNDING * size]
    n, zeros = len(values), len(differences) - len(values)
    left_out = f", {count(zeros, 'zero difference')} left out" if zeros else ""
    if not n:
        return Permutation(NAN, True, 0, f"Wilcoxon signed-rank test of {count(n, unit)}{left_out}")
    if n > MOST_RANKS:
        p = float(wilcoxon(values, method="asymptotic", correction=True).pvalue)
        return Permutation(p, False, 0, f"Wilcoxon signed-rank test, normal approximation{left_out}")
    # differences equal but for rounding (0.3 - 0.2 and 0.2 - 0.1) must tie; doubled mean ranks are whole numbers
    grain = ROUNDING * size
    ranks = np.rint(2 * rankdata(np.rint(np.abs(values) / grain))).astype(np.intp)
    tied = ", ties by mean ranks" if len(np.unique(ranks)) < n else ""
    p = _rank_sum_tail(ranks, int(ranks[values > 0].sum()))
    return Permutation(p, True, 0, f"exact Wilcoxon signed-rank test over {count(n, unit)}{left_out}{tied}")


def labels(
    sums: NDArray[np.float64],
    sizes: NDArray[np.intp],
    is_first: NDArray[np.bool_],
    *,
    unit: str,
    seed: int,
    resamples: int,
) -> Permutation:
    """Test the difference of two groups' means by dealing the units to the groups anew.

    Parameters
    ----------
    sums, sizes
        Sum of the values and number of cells of each unit (n,).
    is_first
        Which units are in the first group (n,); as many are dealt to it each time.
    unit, seed, resamples
        What the units are called; of the random deals when there are too many to count.
    """
    n, k = len(sums), int(np.count_nonzero(is_first))
    who = f"{k} and {count(n - k, unit)}"
    if not 0 < k < n:
        return Permutation(NAN, True, 0, f"permutation of {who}")
    centred = sums - sizes * (sums.sum() / sizes.sum())  # the statistic does not depend on a common offset
    observed = _distance(np.array([centred[is_first].sum()]), np.array([sizes[is_first].sum()]), sizes.sum())[0]
    limit = observed - ROUNDING * float(np.abs(centred).sum())
    total = math.comb(n, k)
    if total <= MOST_LABELS:
        p = _count_choices(centred, sizes, k, limit) / total
        return Permutation(p, True, total, f"exact permutation of {who} ({total} ways)")
    random = np.random.default_rng(seed)
    hits, rows = 0, max(1, DRAWS_AT_ONCE // n)
    for start in range(0, resamples, rows):
        chosen = random.random((min(rows, resamples - start), n)).argpartition(k - 1, axis=1)[:, :k]
        far = _distance(centred[chosen].sum(axis=1), sizes[chosen].sum(axis=1), sizes.sum())
        hits += int(np.count_nonzero(far >= limit))
    method = f"permutation of {who}, {resamples} random deals"
    return Permutation((hits + 1) / (resamples + 1), False, resamples, method)


def labels_within(
    values: NDArray[np.float64], animal: NDArray[np.intp], is_first: NDArray[np.bool_], *, seed: int, resamples: int
) -> Permutation:
    """Test the difference of two groups' means by dealing the cells (n,) to the groups anew within each animal."""
    n, k = len(values), int(np.count_nonzero(is_first))
    animals_with_both = len(set(animal[is_first].tolist()) & set(animal[~is_first].tolist()))
    observed = abs(float(values[is_first].mean() - values[~is_first].mean())) - ROUNDING * float(np.abs(values).max())
    random = np.random.default_rng(seed)
    by_animal = np.argsort(animal, kind="stable")
    slots = is_first[by_animal]
    hits, rows = 0, max(1, DRAWS_AT_ONCE // n)
    for start in range(0, resamples, rows):
        # animals keep their places and the cells inside each are shuffled
        keys = animal[None, :] + random.random((min(rows, resamples - start), n))
        dealt = values[keys.argsort(axis=1)]
        difference = dealt[:, slots].sum(axis=1) / k - dealt[:, ~slots].sum(axis=1) / (n - k)
        hits += int(np.count_nonzero(np.abs(difference) >= observed))
    method = (
        f"permutation of cells within {count(animals_with_both, 'animal')} in both groups, {resamples} random deals"
    )
    return Permutation((hits + 1) / (resamples + 1), False, resamples, method)


def _distance(sums: NDArray[np.float64], sizes: NDArray[np.intp], n_cells: np.intp | int) -> NDArray[np.float64]:
    """Return how far the means of the groups are apart, when all values together sum to 0."""
    distance: NDArray[np.float64] = np.abs(sums / sizes + sums / (n_cells - sizes))
    return distance


def _count_choices(sums: NDArray[np.float64], sizes: NDArray[np.intp], k: int, limit: float) -> int:
    """Count the choices of `k` units whose distance is at least `limit`, from the choices in either half."""
    half = len(sums) // 2
    left, right = _subsets(sums[:half], sizes[:half]), _subsets(sums[half:], sizes[half:])
    n_cells = sizes.sum()
    hits = 0
    for j in range(max(0, k - len(right) + 1), min(k, len(left) - 1) + 1):
        (a, m), (b, n) = left[j], right[k - j]
        rows = max(1, DRAWS_AT_ONCE // len(b))
        for i in range(0, len(a), rows):
            far = _distance(a[i : i + rows, None] + b, m[i : i + rows, None] + n, n_cells)
            hits += int(np.count_nonzero(far >= limit))
    return hits


def _subsets(sums: NDArray[np.float64], sizes: NDArray[np.intp]) -> list[tuple[NDArray[np.float64], NDArray[np.intp]]]:
    """Return the sums and sizes of all subsets of 0, 1, 2, ... units."""
    found = [(np.zeros(1), np.zeros(1, np.intp))]
    empty = (np.zeros(0), np.zeros(0, np.intp))
    for value, size in zip(sums, sizes, strict=True):
        with_it = [(s + value, m + size) for s, m in found]
        pairs = zip([*found, empty], [empty, *with_it], strict=True)
        found = [(np.concatenate([s, t]), np.concatenate([m, n])) for (s, m), (t, n) in pairs]
    return found


def _rank_sum_tail(ranks: NDArray[np.intp], positive: int) -> float:
    """Return the two-sided probability of a sum of positive ranks at least as far from its mean as `positive`."""
    chance = np.ones(1)
    for rank in ranks:
        both = np.zeros(len(chance) + rank)
        both[: len(chance)] = chance
        both[rank:] += chance
        chance = both / 2
    far = abs(2 * positive - int(ranks.sum()))
    sums = np.arange(len(chance))
    return min(1.0, float(chance[np.abs(2 * sums - (len(chance) - 1)) >= far].sum()))
