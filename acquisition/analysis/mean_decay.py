"""How a mean of sweeps decays: with one exponential, or with two if the second is worth its parameters.

A single sweep is too noisy to tell; see `decay.fit_exponential` for that.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisition.analysis.decay import fit_exponential

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORTH = 10.0
"""What a second exponential must bring in AICc: 'essentially no support' for the one below it (Burnham & Anderson)."""
APART = 1.5
"""Two time constants nearer to each other than this factor are one."""


@dataclass(frozen=True)
class MeanDecay:
    """Time constants of a mean sweep, s, and sizes at the fit's start, V; faster first."""

    taus: tuple[float, ...]
    sizes: tuple[float, ...]
    gain: float
    """AICc of one exponential minus AICc of two; NaN if two cannot be fitted."""

    @property
    def text(self) -> str:
        """'decays with 1.41 s' or 'decays with 0.21 s (31 %) and 1.52 s (69 %)'."""
        if len(self.taus) == 1:
            return f"decays with {self.taus[0]:.2f} s"
        whole = sum(self.sizes)
        parts = (f"{t:.2f} s ({100 * s / whole:.0f} %)" for t, s in zip(self.taus, self.sizes, strict=True))
        return f"decays with {' and '.join(parts)}"


def fit_mean(t: NDArray[np.float64], y: NDArray[np.float64]) -> MeanDecay | None:
    """Return the decay towards 0 of a mean of sweeps, `y` (n,) V at `t` (n,) s from the fit's start.

    None if nothing decays.
    """
    one = fit_exponential(t, y, guess=1.0)
    if one is None:
        return None
    two = _two(t, y, one.size, one.tau)
    gain = _aicc(y, one.size * np.exp(-t / one.tau), 2) - _aicc(y, _sum(t, *two), 4) if two else float("nan")
    if two is None or not gain > WORTH or not _is_sensible(two):
        return MeanDecay((one.tau,), (one.size,), gain)
    (fast, small), (slow, large) = sorted(((two[1], two[0]), (two[3], two[2])))
    return MeanDecay((fast, slow), (small, large), gain)


def _sum(t: NDArray[np.float64], a: float, tau_a: float, b: float, tau_b: float) -> NDArray[np.float64]:
    out: NDArray[np.float64] = a * np.exp(-t / tau_a) + b * np.exp(-t / tau_b)
    return out


def _two(
    t: NDArray[np.float64], y: NDArray[np.float64], size: float, tau: float
) -> tuple[float, float, float, float] | None:
    """Return size and time constant of both exponentials; None if the fit does not converge."""
    from scipy.optimize import OptimizeWarning, curve_fit

    start = [500 * size, 0.4 * tau, 500 * size, 1.5 * tau]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", OptimizeWarning)
        try:
            found = curve_fit(_sum, t, 1e3 * y, start, method="lm", maxfev=2000)[0]
        except (RuntimeError, ValueError):
            return None
    a, tau_a, b, tau_b = (float(x) for x in found)
    return (1e-3 * a, tau_a, 1e-3 * b, tau_b) if np.isfinite(found).all() else None


def _is_sensible(two: tuple[float, float, float, float]) -> bool:
    """Whether both decay, in the same direction, with time constants that can be told apart."""
    a, tau_a, b, tau_b = two
    return min(tau_a, tau_b) > 0 and a * b > 0 and max(tau_a, tau_b) >= APART * min(tau_a, tau_b)


def _aicc(y: NDArray[np.float64], fit: NDArray[np.float64], parameters: int) -> float:
    """Return Akaike's criterion for small samples (Hurvich & Tsai 1989), least squares; the variance counts, too."""
    n, k = len(y), parameters + 1
    rest = float(np.sum((1e3 * (y - fit)) ** 2))
    return n * float(np.log(max(rest, 1e-12) / n)) + 2 * k + 2 * k * (k + 1) / (n - k - 1)
