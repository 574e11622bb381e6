"""Opening and closing of the channels: the one place with exponentials.

Units are the literature's: mV and ms. Every function takes a potential and returns (steady state, time constant) at
34 degC, where the cell was fitted; a `Gate` brings the time constant to the cell's temperature by its Q10.

Sources: Na, delayed rectifier and A current after Migliore et al. 1999 (J Comput Neurosci 7:5); M current after Shah
et al. 2006; L-type activation after Poirazi et al. 2003 and Migliore; high-voltage-activated Ca after Warman,
Durand & Yuen 1994 (J Neurophysiol 71:2033); Ih after Magee 1998 (J Neurosci 18:7613). Rebuilt from the equations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivers.simulated.kernel import LOWEST, ROWS, STEP

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from drivers.simulated.cell import Cell

    Volts = NDArray[np.float64]
    Kinetics = tuple[NDArray[np.float64], NDArray[np.float64]]

FITTED_AT = 34.0
"""degC."""
FARADAY_PER_RT = 96485.33 * 1e-3 / (8.31446 * (273.15 + FITTED_AT))
"""F/RT at 34 degC, 1/mV; it would change by 0.3 % a degree, less than any slope is known."""


def linoid(x: Volts, k: float) -> Volts:
    """Return x / (1 - exp(-x / k)), finite at 0."""
    z = np.asarray(x, float) / k
    near = np.abs(z) < 1e-6
    return np.where(near, k * (1 + z / 2), k * z / -np.expm1(-np.where(near, 1.0, z)))


def sigmoid(x: Volts) -> Volts:
    """Return 1 / (1 + exp(-x)) without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _rates(opening: Volts, closing: Volts) -> Kinetics:
    return opening / (opening + closing), 1.0 / (opening + closing)


def sodium_activation(v: Volts, cell: Cell) -> Kinetics:
    """Gate m; rates doubled for temperature."""
    u = v - cell.na_activation
    steady, tau = _rates(0.4 * linoid(u, cell.na_slope), 0.124 * linoid(-u, cell.na_slope))
    return steady, np.maximum(tau / 2, 0.02)


def sodium_inactivation(v: Volts, cell: Cell) -> Kinetics:
    """Gate h; its steady state is a curve of its own."""
    u = v - cell.na_inactivation_turn
    _, tau = _rates(0.03 * linoid(u, 1.5), 0.01 * linoid(-u, 1.5))
    return sigmoid(-(v - cell.na_inactivation) / 4), np.maximum(tau / 2, cell.na_inactivation_fastest)


def delayed_rectifier(v: Volts, cell: Cell) -> Kinetics:
    """Gate n."""
    x = -3 * FARADAY_PER_RT * (v - cell.kdr_half)
    return sigmoid(-x), np.maximum(np.exp(0.7 * x) / (cell.kdr_speed * (1 + np.exp(x))), cell.kdr_fastest)


def a_activation(v: Volts, cell: Cell) -> Kinetics:  # noqa: ARG001  all gates are called alike
    """Gate a of the A current; its slope changes around -40 mV."""
    x = (-1.5 - sigmoid(-(v + 40) / 5)) * FARADAY_PER_RT * (v - 11)
    return sigmoid(-x), np.maximum(np.exp(0.55 * x) / (0.25 * (1 + np.exp(x))), 0.1)


def a_inactivation(v: Volts, cell: Cell) -> Kinetics:  # noqa: ARG001
    """Gate b of the A current."""
    return sigmoid(-3 * FARADAY_PER_RT * (v + 56)), np.maximum(0.26 * (v + 50), 2.0)


def m_current(v: Volts, cell: Cell) -> Kinetics:
    """Gate w."""
    opening, closing = np.exp(0.2646 * (v + 42)), np.exp(0.10584 * (v + 42))
    return sigmoid((v - cell.km_half) / cell.km_slope), 60 + closing / (0.009 * (1 + opening))


def l_type(v: Volts, cell: Cell) -> Kinetics:
    """Gate c, five times the published speed for temperature."""
    u = v - cell.l_type_shift
    steady, tau = _rates(0.055 * linoid(u + 27.01, 3.8), 0.94 * np.exp(-(u + 63.01) / 17))
    return steady, np.maximum(tau / 5, 0.02)


def hva_activation(v: Volts, cell: Cell) -> Kinetics:  # noqa: ARG001
    """Gate p of the calcium current that is not L-type."""
    steady, tau = _rates(0.16 * linoid(v + 26, 4.5), 0.04 * linoid(-(v + 12), 10))
    return steady, np.maximum(tau, 0.02)


def hva_inactivation(v: Volts, cell: Cell) -> Kinetics:  # noqa: ARG001
    """Gate r of the calcium current that is not L-type."""
    return _rates(2 * np.exp(-(v + 94) / 10), 8 * sigmoid((v - 68) / 27))


def h_current(v: Volts, cell: Cell) -> Kinetics:
    """Gate l, on the dendrite."""
    x = 2.2 * FARADAY_PER_RT * (v + 75)
    speed = 4.5**0.1 * 0.011  # measured at 33 degC
    return sigmoid(-(v - cell.ih_half) / 8), np.exp(0.4 * x) / (speed * (1 + np.exp(x)))


@dataclass(frozen=True)
class Gate:
    """One gate: its kinetics at 34 degC and how fast they change with temperature."""

    kinetics: Callable[[Volts, Cell], Kinetics]
    q10: float

    def __call__(self, v: Volts, cell: Cell) -> Kinetics:
        """Return (steady state, time constant in ms) at `v` mV and the cell's temperature."""
        steady, tau = self.kinetics(v, cell)
        return steady, tau * self.q10 ** ((FITTED_AT - cell.temperature) / 10)


GATES = (
    Gate(sodium_activation, 2.0),  # Migliore 1999
    Gate(sodium_inactivation, 2.0),
    Gate(delayed_rectifier, 3.0),  # Hodgkin & Huxley 1952
    Gate(a_activation, 5.0),  # Migliore 1999
    Gate(a_inactivation, 3.0),  # assumed, as for the delayed rectifier
    Gate(m_current, 5.0),  # Shah 2006
    Gate(l_type, 3.0),  # assumed; 2 to 3 is seen in neurons
    Gate(hva_activation, 3.0),  # assumed, as L-type
    Gate(hva_inactivation, 3.0),
    Gate(h_current, 4.5),  # Magee 1998
)
"""In the order of the kernel's columns; the last is the dendrite's."""


def table(cell: Cell, dt: float) -> NDArray[np.float64]:
    """Return what the kernel looks up for steps of `dt` ms: a gate becomes `gate * left + inflow`.

    Returns
    -------
    numpy.ndarray
        (ROWS, 4 * GATES), dimensionless: what is left of each gate, by how much that rises to the next row; its inflow,
        and by how much that rises.
    """
    v = LOWEST + STEP * np.arange(ROWS, dtype=np.float64)
    kinetics = [gate(v, cell) for gate in GATES]
    left = np.column_stack([np.exp(-dt / tau) for _, tau in kinetics])
    inflow = np.column_stack([steady * -np.expm1(-dt / tau) for steady, tau in kinetics])
    return np.hstack([left, _rises(left), inflow, _rises(inflow)])


def _rises(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each row's difference to the next, and 0 for the last."""
    return np.diff(rows, axis=0, append=rows[-1:])
