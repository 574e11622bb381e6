"""A mixed model for cells that nest in animals: A ~ condition (* age) + (1 + condition | animal) + (1 | cell)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from acquisition.statistics.bootstrap import FEWEST_UNITS, bca
from acquisition.statistics.cells import columns, count, nesting
from acquisition.statistics.design import Design, design
from acquisition.statistics.reml import Random, Reml, fit_reml
from acquisition.statistics.student import NAN, NOTHING, spread
from acquisition.statistics.words import NOT_DETERMINED, p_text, with_interval
from protocols.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

FEWEST_ANIMALS = 6
"""With fewer animals their variance cannot be estimated: a bootstrap over animals takes the model's place."""


@dataclass(frozen=True)
class FixedEffect:
    """One coefficient, in the unit of the values."""

    name: str
    """A condition (against the reference), "age", "age aged", "drug x age", ..."""
    estimate: float
    se: float
    interval: tuple[float, float]
    """95 %: t with `df`, or BCa bootstrap."""
    t: float
    df: float
    """Of the level at which the effect varies: animals, or cells. Not Kenward-Roger; see `mixed`."""
    p: float


@dataclass(frozen=True)
class Mixed:
    """The fixed effects, the random part that was kept, and why."""

    n_values: int
    n_cells: int
    n_animals: int
    n_dropped: int
    reference: str
    """The condition the others are compared with."""
    model: str
    """What was fitted, as a formula: "A ~ condition + (1 | animal) + (1 | cell), REML"."""
    asked: str
    """What was asked for; differs from `model` when the random part had to be simplified."""
    is_bootstrap: bool
    """Fewer than six animals: ordinary least squares with a bootstrap over animals instead of a mixed model."""
    effects: tuple[FixedEffect, ...]
    """Without the intercept."""
    sd_animal: float
    """SD between animals; NaN when not in the model."""
    sd_effect: float
    """SD of the effect of condition between animals; NaN when not in the model."""
    sd_cell: float
    sd_residual: float
    determined: bool
    notes: tuple[str, ...]
    """Every simplification and its reason, and what the intervals rest on."""

    def effect(self, name: str) -> FixedEffect:
        """Return the effect called `name`.

        Raises
        ------
        Refused
            There is none; the message names those that exist.
        """
        for effect in self.effects:
            if effect.name == name:
                return effect
        msg = f"there is no effect {name!r}; effects are: {', '.join(effect.name for effect in self.effects)}"
        raise Refused(msg)

    @property
    def text(self) -> str:
        """One sentence for a results section, in the unit of the input."""
        return self.sentence()

    def sentence(self, *, scale: float = 1.0, unit: str = "") -> str:
        """Return `text` with values multiplied by `scale` and followed by `unit`."""
        who = f"{count(self.n_cells, 'cell')} from {count(self.n_animals, 'animal')}"
        if not self.determined:
            return f"Mixed model {NOT_DETERMINED}: {'; '.join(self.notes)}; {who}."
        shown = [_effect_text(effect, self.is_bootstrap, scale, unit) for effect in self.effects]
        return f"{self.model}; {who}; against {self.reference}: {'; '.join(shown)}."


def mixed(
    values: ArrayLike,
    conditions: Sequence[str],
    animals: Sequence[str],
    cells: Sequence[str],
    *,
    ages: Sequence[str | float] | None = None,
    reference: str | None = None,
    seed: int = 0,
    resamples: int = 10_000,
) -> Mixed:
    """Fit the mixed model by REML to `values` (n,), one row per cell and condition (or per sweep mean).

    The random part is made simpler, step by step, while the fit does not converge or a variance is 0 (and the note
    says so); with fewer than six animals, ordinary least squares with a BCa bootstrap over animals is given instead.

    Intervals use t with the degrees of freedom of the level at which an effect varies (between and within, Schluchter
    & Elashoff 1990, J Stat Comput Simul 37:69): animals for ages and for effects that vary between animals, cells for
    the others. statsmodels has no Kenward-Roger correction, and its normal intervals are too narrow for few animals.

    Parameters
    ----------
    values
        One for each cell and condition (n,); NaN is left out and counted.
    conditions, animals, cells
        Of each value (n,). Cell names need to be unique within an animal only.
    ages
        Of each value: text for groups, numbers for years or months. Numbers are centred on their mean over animals
        and groups on the mean of the groups, so that the effect of a condition is the one at the average age.
    reference
        The condition the others are compared with; without it the one that comes first.
    seed, resamples
        Of the bootstrap with fewer than six animals.

    Raises
    ------
    Refused
        The columns differ in length, or `reference` is not among the conditions.
    """
    (y,) = columns(values=values)
    _check_lengths(len(y), conditions=conditions, animals=animals, cells=cells, ages=ages)
    kept = np.isfinite(y) & _known(ages, len(y))
    rows = np.flatnonzero(kept).tolist()
    animal = [str(animals[i]) for i in rows]
    cell = [f"{animals[i]}\0{cells[i]}" for i in rows]
    aged = None if ages is None else [ages[i] for i in rows]
    fixed = design([str(conditions[i]) for i in rows], animal, aged, reference)
    table = _Table(y[rows], fixed, nesting(animal).unit, nesting(cell).unit, int(np.count_nonzero(~kept)))
    reason = table.why_not()
    if reason:
        return table.result(model="none", notes=(reason,))
    if table.n_animals < FEWEST_ANIMALS:
        return _bootstrapped(table, seed, resamples)
    return _modelled(table)


@dataclass(frozen=True)
class _Table:
    """The finite values (n,), the fixed part, and the numbers of animal and cell of each value."""

    y: NDArray[np.float64]
    fixed: Design
    animal: NDArray[np.intp]
    cell: NDArray[np.intp]
    dropped: int

    @property
    def n_animals(self) -> int:
        return len(np.unique(self.animal))

    @property
    def n_cells(self) -> int:
        return len(np.unique(self.cell))

    @property
    def condition(self) -> NDArray[np.intp]:
        """Number of the condition of each value (n,), the reference 0."""
        return (self.fixed.conditions @ np.arange(1, self.fixed.n_conditions + 1)).astype(np.intp)

    @property
    def is_within_animals(self) -> bool:
        """Some animal has values in more than one condition."""
        return _combinations(self.animal, self.condition) > self.n_animals

    def freedom(self, i: int, random: Random) -> float:
        """Return the degrees of freedom of effect `i` of the fixed part: units less what was estimated among them."""
        fixed = self.fixed
        is_age = fixed.n_conditions <= i < fixed.n_conditions + fixed.n_ages
        if random.animal and (is_age or not self.is_within_animals):
            return self.n_animals - 1.0 - fixed.n_ages - (0 if self.is_within_animals else fixed.n_conditions)
        if random.slope:
            return self.n_animals - 1.0 - fixed.n_ages
        within = _combinations(self.cell, self.condition) - self.n_cells - fixed.n_conditions * (1 + fixed.n_ages)
        if is_age or within < 1:
            return float(self.n_cells - fixed.columns.shape[1])
        return float(within)

    @property
    def asked(self) -> str:
        return f"{self.formula} + (1 + condition | animal) + (1 | cell), REML"

    @property
    def formula(self) -> str:
        return "A ~ condition * age" if self.fixed.has_age else "A ~ condition"

    def why_not(self) -> str:
        """Say why nothing can be estimated; empty if it can."""
        if len(self.y) < 3 or not self.fixed.names:
            return f"{count(len(self.y), 'value')} in {count(self.fixed.n_conditions + 1, 'condition')}"
        if spread(self.y) == 0:
            return "the values do not vary"
        if self.n_animals < FEWEST_UNITS:
            return f"{count(self.n_animals, 'animal')}: at least {FEWEST_UNITS} are needed"
        if np.linalg.matrix_rank(self.fixed.columns) < self.fixed.columns.shape[1]:
            return "condition and age cannot be told apart: some combination of them has no values"
        if len(self.y) <= self.fixed.columns.shape[1]:
            return "there are no more values than effects"
        return ""

    def result(
        self,
        *,
        model: str,
        notes: tuple[str, ...],
        effects: tuple[FixedEffect, ...] = (),
        is_bootstrap: bool = False,
        sds: tuple[float, float, float, float] = (NAN, NAN, NAN, NAN),
    ) -> Mixed:
        """Return the result with what is known of the table; `sds` of animal, effect, cell and residual."""
        left_out = (f"{count(self.dropped, 'value')} left out: missing",) if self.dropped else ()
        return Mixed(
            len(self.y),
            self.n_cells,
            self.n_animals,
            self.dropped,
            self.fixed.reference,
            model,
            self.asked,
            is_bootstrap,
            effects,
            *sds,
            bool(effects),
            (*left_out, *self.fixed.notes, *notes),
        )


def _modelled(table: _Table) -> Mixed:
    """Fit the mixed model with the richest random part that the data support."""
    middle, sd = float(table.y.mean()), spread(table.y)
    # in SI units the values are so small that the optimiser would stop before it starts
    scaled = replace(table, y=(table.y - middle) / sd)
    notes: list[str] = []
    for random in Random.ladder(repeated=table.n_cells < len(table.y), slope=table.is_within_animals):
        fit = fit_reml(scaled.y, table.fixed, table.animal, table.cell, random)
        if not fit.problem:
            return _from_reml(table, fit, sd, notes)
        notes.append(f"{random.text} given up: {fit.problem}")
    return table.result(model="none", notes=(*notes, "no mixed model could be fitted"))


def _from_reml(table: _Table, fit: Reml, sd: float, notes: list[str]) -> Mixed:
    effects = tuple(
        _effect(name, sd * float(fit.estimates[i + 1]), sd * float(fit.errors[i + 1]), table.freedom(i, fit.random))
        for i, name in enumerate(table.fixed.names)
    )
    return table.result(
        model=f"{table.formula} + {fit.random.text}, REML",
        notes=(*notes, *fit.notes),
        effects=effects,
        sds=(sd * fit.sd_animal, sd * fit.sd_effect, sd * fit.sd_cell, sd * fit.sd_residual),
    )


def _effect(name: str, estimate: float, se: float, df: float) -> FixedEffect:
    from scipy.special import stdtr, stdtrit

    if df < 1 or not se > 0:
        return FixedEffect(name, estimate, se, NOTHING, NAN, df, NAN)
    half, t = float(stdtrit(df, 0.975)) * se, estimate / se
    return FixedEffect(name, estimate, se, (estimate - half, estimate + half), t, df, float(2 * stdtr(df, -abs(t))))


def _bootstrapped(table: _Table, seed: int, resamples: int) -> Mixed:
    """Return ordinary least squares with BCa intervals over animals."""
    x, y = table.fixed.columns, table.y
    estimates = np.linalg.lstsq(x, y, rcond=None)[0]
    groups = [np.arange(table.n_animals)]
    effects = []
    for i, name in enumerate(table.fixed.names, start=1):

        def coefficient(weights: NDArray[np.float64], i: int = i) -> NDArray[np.float64]:
            return _least_squares(weights, x, y)[:, i]

        interval = bca(coefficient, table.animal, groups, seed=seed, resamples=resamples)
        effects.append(FixedEffect(name, float(estimates[i]), NAN, interval, NAN, NAN, NAN))
    note = (
        f"{count(table.n_animals, 'animal')}, fewer than {FEWEST_ANIMALS}: least squares with a BCa bootstrap over "
        "animals instead of the mixed model; so few animals make such an interval too narrow, and no p-value is given"
    )
    model = f"{table.formula}, least squares, BCa bootstrap over {count(table.n_animals, 'animal')}"
    return table.result(model=model, notes=(note,), effects=tuple(effects), is_bootstrap=True)


def _least_squares(weights: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the coefficients (resamples, columns) for `weights` (resamples, values); NaN where they are not unique."""
    normal = np.einsum("rn,ni,nj->rij", weights, x, x, optimize=True)
    moments = weights @ (x * y[:, None])
    unique = np.linalg.cond(normal) < 1e12
    found = np.full(moments.shape, np.nan)
    found[unique] = np.linalg.solve(normal[unique], moments[unique][..., None])[..., 0]
    return found


def _combinations(unit: NDArray[np.intp], condition: NDArray[np.intp]) -> int:
    """Count the different pairs of unit and condition."""
    return len(np.unique(np.column_stack([unit, condition]), axis=0))


def _check_lengths(n: int, **named: Sequence[object] | None) -> None:
    wrong = {name: len(column) for name, column in named.items() if column is not None and len(column) != n}
    if wrong:
        told = ", ".join(f"{name} {length}" for name, length in wrong.items())
        msg = f"columns must have one entry per value ({n}), but: {told}"
        raise Refused(msg)


def _known(ages: Sequence[str | float] | None, n: int) -> NDArray[np.bool_]:
    """Say where the age is known (n,)."""
    if ages is None:
        return np.ones(n, np.bool_)
    return np.array([isinstance(age, str) or bool(np.isfinite(age)) for age in ages], np.bool_)


def _effect_text(effect: FixedEffect, is_bootstrap: bool, scale: float, unit: str) -> str:
    name = "95 % BCa CI" if is_bootstrap else "95 % CI"
    shown = f"{effect.name} {with_interval(effect.estimate, effect.interval, scale=scale, unit=unit, name=name)}"
    return shown if is_bootstrap else f"{shown}, t({effect.df:g}) = {effect.t:.2f}, {p_text(effect.p)}"
