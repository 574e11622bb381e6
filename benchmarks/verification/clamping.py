"""Voltage clamp of a passive cell against its two exponentials; charge and energy of a burst in current clamp."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from drivers.simulated.packing import CLAMP_LAG
from tests.simulator_physics.bare import ACCESS, Bare, rectangle
from tests.simulator_physics.equations import currents

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drivers.simulated.cell import Cell

CHANNELS = ("g_na", "g_kdr", "g_ka", "g_km", "g_l_type", "g_hva", "g_ih", "g_sk", "g_ahp")


def passive(cell: Cell) -> Cell:
    """Return the cell with no channels but leaks."""
    return replace(cell, **dict.fromkeys(CHANNELS, 0.0))


@dataclass(frozen=True)
class Charging:
    """The current after a step of the command: steady + sum of sizes * exp(-t / taus); pA and ms."""

    steady: float
    sizes: NDArray[np.float64]
    taus: NDArray[np.float64]

    def at(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the change of current at `t` ms after the step."""
        late = np.maximum(t, 0.0)[:, None]
        return np.where(t >= 0, self.steady + (self.sizes * np.exp(-late / self.taus)).sum(axis=1), 0.0)


def two_exponentials(cell: Cell, step: float) -> Charging:
    """Return the answer of soma and dendrite behind `ACCESS` to an ideal step of `step` mV, by eigenvalues."""
    g, cs, cd = 1e3 / ACCESS, cell.capacitance_soma, cell.capacitance_dendrite
    matrix = np.array(
        [
            [-(g + cell.leak_soma + cell.coupling) / cs, cell.coupling / cs],
            [cell.coupling / cd, -(cell.leak_dendrite + cell.coupling) / cd],
        ]
    )
    final = np.linalg.solve(matrix, np.array([-g * step / cs, 0.0]))
    values, vectors = np.linalg.eig(matrix)
    parts = np.linalg.solve(vectors, -final)
    return Charging(g * (step - final[0]), -g * vectors[0] * parts, -1 / values)


@dataclass(frozen=True)
class ClampError:
    """How far the loop is from the analytic current, from 0.2 ms after the step on."""

    dt: float
    as_given: float
    """Largest difference, pA, from a command whose edge is where it was asked for, but for the amplifier's lag."""
    edge_where_it_is: float
    """The same with the edge where the loop has it, which spreads it over its step."""
    charge: float
    """Relative error of the charge moved in 100 ms."""


def charging_error(cell: Cell, dt: float, step: float = -5.0) -> ClampError:
    """Compare a step from -70 mV."""
    still = passive(cell)
    bare = Bare(still, dt, clamped=True, holding=-70.0)
    command = rectangle(dt, before=1.0, width=100.0, after=0.0, level=bare.level, step=step)
    current = bare.steps(command)["raw_current"][1:] - bare.steady.current
    t = (np.arange(len(current)) + 0.5) * dt - 1.0  # the current is that of mid-step
    exact, seen = two_exponentials(still, step), t > 0.2

    def worst(late: float) -> float:
        return float(np.abs(current - exact.at(t - late))[seen].max())

    decay = np.exp(-dt / CLAMP_LAG)
    spread = 0.5 * dt * (1 + decay) / (1 - decay)  # the mean delay of a pipette that moves on evenly in each step

    charge = exact.steady * 100.0 + float((exact.sizes * exact.taus * (1 - np.exp(-100.0 / exact.taus))).sum())
    return ClampError(dt, worst(CLAMP_LAG), worst(spread), float(current.sum() * dt / charge - 1))


@dataclass(frozen=True)
class Books:
    """What should be nought, as parts of what was moved."""

    charge: float
    """Injected less ionic less capacitive charge, of the ionic charge moved."""
    energy: float
    """Work of the injected current less heat, ion batteries and capacitors, of the work of the sodium current."""
    sensor: float
    """Calcium into the slow sensor less what left it less what is in it, of what went in."""


def books(cell: Cell, step: float = 300.0, dt: float = 0.025) -> Books:
    """Add up a burst of 150 ms and 50 ms after it."""
    bare = Bare(cell, dt)
    command = rectangle(dt, before=5.0, width=150.0, after=50.0, level=bare.level, step=step)
    s = bare.steps(command)
    soma, dendrite = (0.5 * (s[n][1:] + s[n][:-1]) for n in ("soma", "dendrite"))
    flows = [
        currents(cell, *row) for row in zip(soma, dendrite, s["gates"][1:], s["sk"][1:], s["ahp"][1:], strict=True)
    ]
    out = {
        n: np.array([getattr(f, n) for f in flows]) for n in ("sodium", "soma", "dendrite", "axial", "l_type", "hva")
    }
    up, down = (
        c * np.diff(s[n]) for n, c in (("soma", cell.capacitance_soma), ("dendrite", cell.capacitance_dendrite))
    )
    moved = np.abs(out["soma"]).sum() * dt
    charge = (command - out["soma"] - out["dendrite"]) * dt - up - down
    work = (command * soma - out["soma"] * soma - out["dendrite"] * dendrite) * dt - up * soma - down * dendrite
    work -= out["axial"] * (soma - dendrite) * dt
    inflow = -cell.sensor_per_charge * (out["l_type"] + cell.sensor_hva_share * out["hva"])
    return Books(
        charge=float(np.abs(charge.sum()) / moved),
        energy=float(np.abs(work.sum()) / (np.abs(out["sodium"] * soma).sum() * dt)),
        sensor=_sensor(s["sensor"], inflow, cell.sensor_tau, dt),
    )


def _sensor(level: NDArray[np.float64], inflow: NDArray[np.float64], tau: float, dt: float) -> float:
    """Return the unexplained part; what leaves is the integral of level / tau, exact for a constant inflow."""
    settled = inflow * tau
    left = settled * dt / tau + (level[:-1] - settled) * (1 - np.exp(-dt / tau))
    return float(np.abs((inflow * dt - left).sum() - (level[-1] - level[0])) / (inflow.sum() * dt))
