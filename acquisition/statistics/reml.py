"""One mixed model fitted by statsmodels, and whether its random part is supported by the data."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.statistics.student import NAN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquisition.statistics.design import Design

SMALLEST = 1e-4
"""A variance below this fraction of the residual variance is 0: the optimiser stopped at the edge."""
MOST_CORRELATED = 0.995
"""Random effects of which each tells the other leave the covariance singular."""
OPTIMISERS = ("bfgs", "lbfgs", "powell")


@dataclass(frozen=True)
class Random:
    """A random part."""

    animal: bool
    slope: bool
    """The effect of condition varies between animals."""
    cell: bool

    @classmethod
    def ladder(cls, *, repeated: bool, slope: bool) -> tuple[Random, ...]:
        """Return the random parts from what the design asks for to the simplest.

        Without `repeated` values of a cell, its variance cannot be told from the residual and is left out; without
        `slope`, no animal has values in two conditions.
        """
        full = (*([cls(True, True, repeated)] if slope else []), cls(True, False, repeated))
        return (*full, cls(False, False, True)) if repeated else (*full, cls(False, False, False))

    @property
    def text(self) -> str:
        """The random part as R writes it."""
        animal = "(1 + condition | animal)" if self.slope else "(1 | animal)" if self.animal else ""
        return " + ".join(part for part in (animal, "(1 | cell)" if self.cell else "") if part) or "no random part"


@dataclass(frozen=True)
class Reml:
    """Fixed effects with the intercept first, in the unit of the values, and SDs of the random part."""

    random: Random
    estimates: NDArray[np.float64]  # (1 + effects,)
    errors: NDArray[np.float64]  # (1 + effects,)
    sd_animal: float
    sd_effect: float
    sd_cell: float
    sd_residual: float
    problem: str
    """Why this random part is too rich; empty when it is not."""
    notes: tuple[str, ...] = ()


def fit_reml(
    y: NDArray[np.float64], fixed: Design, animal: NDArray[np.intp], cell: NDArray[np.intp], random: Random
) -> Reml:
    """Fit `y` (n,), of SD 1, with this random part; the numbers of animal and cell are those of each value."""
    if not (random.animal or random.cell):
        return _ordinary(y, fixed, random)
    groups = animal if random.animal else cell
    exog_re = np.ones((len(y), 1))
    if random.slope:
        exog_re = np.column_stack([exog_re, fixed.conditions])
    nested = random.animal and random.cell
    result = _converged(y, fixed.columns, groups, exog_re, _cells_in(animal, cell) if nested else None)
    if result is None:
        return _failed(random, fixed, "the fit did not converge")
    return _read(result, random, nested)


def _read(result: Any, random: Random, nested: bool) -> Reml:
    covariance = np.asarray(result.cov_re, float)
    residual = float(result.scale)
    of_cell = float(result.vcomp[0]) if nested else float(covariance[0, 0]) if random.cell else NAN
    problem = _problem(covariance if random.animal else np.zeros((0, 0)), residual, of_cell if nested else NAN)
    with np.errstate(invalid="ignore"):  # a variance that could not be estimated is NaN, and looked for below
        errors = np.asarray(result.bse_fe, float)
    if not problem and not np.all(np.isfinite(errors) & (errors > 0)):
        problem = "standard errors are not determined"
    notes: tuple[str, ...] = ()
    if not problem and random.cell and not random.animal and of_cell < SMALLEST * residual:
        notes = ("the variance between cells is 0",)
    return Reml(
        random,
        np.asarray(result.fe_params, float),
        errors,
        float(np.sqrt(covariance[0, 0])) if random.animal else NAN,
        float(np.sqrt(np.diag(covariance)[1:].mean())) if random.slope else NAN,
        float(np.sqrt(of_cell)) if random.cell else NAN,
        float(np.sqrt(residual)),
        problem,
        notes,
    )


def _problem(covariance: NDArray[np.float64], residual: float, of_cell: float) -> str:
    """Say what is singular; empty if nothing is."""
    variances = np.diag(covariance)
    if np.any(variances < SMALLEST * residual):
        return "a variance between animals is 0"
    if of_cell < SMALLEST * residual:
        return "the variance between cells is 0"
    if len(variances) > 1:
        correlation = covariance / np.sqrt(np.outer(variances, variances))
        if np.linalg.eigvalsh(correlation)[0] < 1 - MOST_CORRELATED:
            return "the covariance of animals is singular"
    return ""


def _converged(
    y: NDArray[np.float64],
    exog: NDArray[np.float64],
    groups: NDArray[np.intp],
    exog_re: NDArray[np.float64],
    cells: Any,
) -> Any:
    """Return the first fit that converges, or None."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    order = np.argsort(groups, kind="stable")
    for method in OPTIMISERS:
        # what statsmodels warns of is found out from the result
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                model = MixedLM(y[order], exog[order], groups[order], exog_re[order], exog_vc=cells)
                result = model.fit(reml=True, method=method, maxiter=500)
            except (np.linalg.LinAlgError, ValueError):
                continue
        if result.converged:
            return result
    return None


def _cells_in(animal: NDArray[np.intp], cell: NDArray[np.intp]) -> Any:
    """Return statsmodels' description of a variance between the cells of each animal."""
    from statsmodels.regression.mixed_linear_model import VCSpec

    names, matrices = [], []
    for one in np.unique(animal):
        members = cell[animal == one]
        numbers = np.unique(members)
        matrices.append((members[:, None] == numbers).astype(float))
        names.append([f"cell {number}" for number in numbers])
    return VCSpec(["cell"], [names], [matrices])


def _ordinary(y: NDArray[np.float64], fixed: Design, random: Random) -> Reml:
    x = fixed.columns
    estimates = np.linalg.lstsq(x, y, rcond=None)[0]
    variance = float(((y - x @ estimates) ** 2).sum()) / (len(y) - x.shape[1])
    errors = np.sqrt(variance * np.diag(np.linalg.inv(x.T @ x)))
    return Reml(random, estimates.astype(np.float64), errors, NAN, NAN, NAN, float(np.sqrt(variance)), "")


def _failed(random: Random, fixed: Design, problem: str) -> Reml:
    nothing = np.full(fixed.columns.shape[1], np.nan)
    return Reml(random, nothing, nothing, NAN, NAN, NAN, NAN, problem)
