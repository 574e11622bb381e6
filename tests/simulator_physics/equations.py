"""The cell's equations as `drivers/simulated/cell.py` states them, without table, splitting or fixed step.

Units are the kernel's: mV, ms, pA, nS, pF, µM.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.integrate import solve_ivp

from drivers.simulated.cell import steady_state
from drivers.simulated.rates import GATES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from drivers.simulated.cell import Cell, SteadyState

LAST = 2 + len(GATES)
"""Where the gates end: before them two potentials, behind them calcium, sensor, sk and ahp."""


@dataclass(frozen=True)
class Currents:
    """Outward currents at one moment, pA."""

    sodium: float
    potassium: float
    l_type: float
    hva: float
    leak: float
    dendrite: float
    """Leak and h current of the dendrite."""
    axial: float
    """From soma to dendrite."""

    @property
    def soma(self) -> float:
        """All that leaves the soma through its membrane."""
        return self.sodium + self.potassium + self.l_type + self.hva + self.leak


def currents(cell: Cell, soma: float, dendrite: float, gates: Sequence[float], sk: float, ahp: float) -> Currents:
    """Return the currents of `cell` with its gates in the order of `rates.GATES`."""
    m, h, n, a, b, w, c, p, r, l = gates  # noqa: E741  the literature's letters
    potassium = cell.g_kdr * n + cell.g_ka * a * b + cell.g_km * w + cell.g_sk * sk + cell.g_ahp * ahp
    inward = cell.leak_dendrite * (dendrite - cell.leak_reversal) + cell.g_ih * l * (dendrite - cell.ih_reversal)
    return Currents(
        sodium=cell.g_na * m**3 * h * (soma - cell.na_reversal),
        potassium=potassium * (soma - cell.k_reversal),
        l_type=cell.g_l_type * c * (soma - cell.ca_reversal),
        hva=cell.g_hva * p * p * r * (soma - cell.ca_reversal),
        leak=cell.leak_soma * (soma - cell.leak_reversal),
        dendrite=inward,
        axial=cell.coupling * (soma - dendrite),
    )


def right_hand_side(cell: Cell, injected: float) -> Callable[[float, NDArray[np.float64]], list[float]]:
    """Return dy/dt for a constant current into the soma, pA."""

    def rhs(_: float, y: NDArray[np.float64]) -> list[float]:
        soma, dendrite, (ca, sensor, sk, ahp) = y[0], y[1], y[LAST:]
        i = currents(cell, soma, dendrite, y[2:LAST], sk, ahp)
        moves = []
        for k, gate in enumerate(GATES):
            steady, tau = gate(dendrite if k == len(GATES) - 1 else soma, cell)
            moves.append((float(steady) - y[2 + k]) / float(tau))
        return [
            (injected - i.soma - i.axial) / cell.capacitance_soma,
            (i.axial - i.dendrite) / cell.capacitance_dendrite,
            *moves,
            -cell.ca_per_charge * (i.l_type + i.hva) - (ca - cell.ca_rest) / cell.ca_tau,
            -cell.sensor_per_charge * (i.l_type + cell.sensor_hva_share * i.hva) - sensor / cell.sensor_tau,
            (ca**4 / (ca**4 + cell.sk_half**4) - sk) / cell.sk_tau,
            (sensor**2 / (sensor**2 + cell.ahp_half**2) - ahp) / cell.ahp_tau,
        ]

    return rhs


def vector(steady: SteadyState) -> NDArray[np.float64]:
    """Return a steady state in the order of the right-hand side."""
    return np.array([steady.soma, steady.dendrite, *steady.gates, steady.calcium, steady.sensor, steady.sk, steady.ahp])


@dataclass(frozen=True)
class Trace:
    """The soma's potential; `times` in ms need not be even."""

    times: NDArray[np.float64]
    potential: NDArray[np.float64]
    """mV."""

    def crossings(self, level: float = -10.0) -> NDArray[np.float64]:
        """Return when the potential rises through `level` mV, ms, between points by a straight line."""
        t, v = self.times, self.potential
        k = np.flatnonzero((v[:-1] < level) & (v[1:] >= level))
        return np.asarray(t[k] + (level - v[k]) / (v[k + 1] - v[k]) * (t[k + 1] - t[k]))

    def at(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the potential at `times`, mV."""
        return np.interp(times, self.times, self.potential)


def solved(cell: Cell, step: float, *, before: float, width: float, after: float, rtol: float = 1e-10) -> Trace:
    """Return the response to a step of `step` pA from -60 mV, solved by LSODA; times in ms from the trace's start."""
    start = steady_state(cell, -60.0)
    y, times, potentials, begin = vector(start), [np.zeros(1)], [np.array([start.soma])], 0.0
    for length, level in ((before, 0.0), (width, step), (after, 0.0)):
        done = solve_ivp(
            right_hand_side(cell, start.current + level), (begin, begin + length), y,
            method="LSODA", rtol=rtol, atol=rtol * 1e-2, max_step=0.5,
        )  # fmt: skip
        times.append(done.t[1:])
        potentials.append(done.y[0][1:])
        y, begin = done.y[:, -1], begin + length
    return Trace(np.concatenate(times), np.concatenate(potentials))
