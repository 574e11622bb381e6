"""The neuron: its parameters, named presets, the spread between cells, and its steady states.

    Cs dVs/dt = I - INa - IK - ICaL - ICaH - gLs (Vs-EL) - gc (Vs-Vd)
    Cd dVd/dt = -gLd (Vd-EL) - gIh l (Vd-Eh) - gsyn Vd - gc (Vd-Vs)
    IK = (gKdr n + gKA a b + gKM w + gSK z + gAHP q) (Vs-EK),   INa = gNa m^3 h (Vs-ENa)
    ICaL = gL D R c (Vs-ECa),   ICaH = gH p^2 r (Vs-ECa)        D: block by drugs, R: run-down
    dCa/dt = -k1 (ICaL + ICaH) - (Ca-Ca0)/tau1                  submembrane calcium, opens SK
    dS/dt  = -k2 (ICaL + share ICaH) - S/tau2                   slow sensor, opens the slow AHP
    dz/dt  = (Ca^4/(Ca^4+K^4) - z)/tauz,   dq/dt = (S^2/(S^2+K^2) - q)/tauq

The slow sensor is phenomenological: no public CA1 model makes a slow AHP of 1 to 5 s.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, fields, replace
from importlib.resources import files
from random import Random
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from drivers.simulated.rates import GATES
from protocols.errors import HardwareError
from protocols.explaining import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Cell:
    """Parameters of one neuron, in pF, nS, mV, ms, µM and pA."""

    capacitance_soma: float
    capacitance_dendrite: float
    coupling: float
    """Between soma and dendrite."""
    leak_soma: float
    leak_dendrite: float
    leak_reversal: float
    g_na: float
    na_activation: float
    """Potential around which m's rates turn."""
    na_inactivation: float
    """Half-inactivation."""
    na_inactivation_fastest: float
    na_reversal: float
    g_kdr: float
    kdr_half: float
    kdr_fastest: float
    g_ka: float
    g_km: float
    km_half: float
    km_slope: float
    k_reversal: float
    g_l_type: float
    l_type_shift: float
    g_hva: float
    ca_reversal: float
    g_ih: float
    ih_half: float
    ih_reversal: float
    g_sk: float
    sk_half: float
    sk_tau: float
    ca_rest: float
    ca_per_charge: float
    """µM per pA and ms."""
    ca_tau: float
    g_ahp: float
    ahp_half: float
    ahp_tau: float
    sensor_per_charge: float
    """Per pA and ms."""
    sensor_tau: float
    sensor_hva_share: float
    """How much of the calcium that is not L-type reaches the slow sensor."""


PASSIVE_SPREAD = (
    "capacitance_soma", "capacitance_dendrite", "coupling", "leak_soma", "leak_dendrite", "g_ih", "g_km", "g_na",
    "g_kdr", "g_ka", "g_sk",
)  # fmt: skip
"""Vary by 8 % (SD of the logarithm) between cells."""
CALCIUM_SPREAD = ("g_l_type", "g_hva", "g_ahp")
"""Vary by 20 %: after-potentials differ more between cells than anything else."""
LEAK_SPREAD, SODIUM_SPREAD = 1.5, 0.5
"""mV, SD."""


def presets() -> dict[str, Cell]:
    """Return the named cells that come with the suite."""
    text = files("drivers.simulated").joinpath("cells.toml").read_text(encoding="utf-8")
    return {name: Cell(**values) for name, values in tomllib.loads(text).items()}


def preset(name: str, changes: Mapping[str, float] | None = None) -> Cell:
    """Return the cell called `name` with some parameters changed.

    Raises
    ------
    HardwareError
        There is no such cell, or no such parameter; the message names what there is.
    """
    known = presets()
    if name not in known:
        raise HardwareError("simulated cell", f"there is no cell '{name}'{did_you_mean(name, known)}")
    parameters = [f.name for f in fields(Cell)]
    for key in changes or {}:
        if key not in parameters:
            raise HardwareError("simulated cell", f"'{key}' is not a parameter{did_you_mean(key, parameters)}")
    return replace(known[name], **(changes or {}))


def individual(cell: Cell, seed: int, spread: float) -> Cell:
    """Return neuron number `seed` of this kind; `spread` 1 is the variability seen between cells, 0 is none."""
    # random() of Python's own generator is promised to stay the same over versions; NumPy's streams are not
    random, normal = Random(f"cell {seed}"), NormalDist().inv_cdf

    def draw(sd: float) -> float:
        return spread * sd * normal(max(random.random(), 1e-12))

    return replace(
        cell,
        **{k: getattr(cell, k) * math.exp(draw(0.08)) for k in PASSIVE_SPREAD},
        **{k: getattr(cell, k) * math.exp(draw(0.20)) for k in CALCIUM_SPREAD},
        leak_reversal=cell.leak_reversal + draw(LEAK_SPREAD),
        na_activation=cell.na_activation + draw(SODIUM_SPREAD),
        na_inactivation=cell.na_inactivation + draw(SODIUM_SPREAD),
    )


@dataclass(frozen=True)
class SteadyState:
    """Where everything stands when the soma has long been at one potential."""

    soma: float
    dendrite: float
    gates: NDArray[np.float64]
    """(10,), in the order of `rates.GATES`."""
    calcium: float
    sensor: float
    sk: float
    ahp: float
    current: float
    """pA that must be injected to stay there."""


def steady_state(cell: Cell, soma: float, *, unblocked: float = 1.0) -> SteadyState:
    """Return the steady state at `soma` mV with `unblocked` of the L-type conductance left."""
    dendrite, h_open = _dendrite(cell, soma)
    gates = np.array([float(gate(np.float64(soma), cell)[0]) for gate in GATES])  # type: ignore[arg-type]
    gates[9] = h_open
    m, h, n, a, b, w, c, p, r, _ = gates
    l_type = cell.g_l_type * unblocked * c * (soma - cell.ca_reversal)
    hva = cell.g_hva * p * p * r * (soma - cell.ca_reversal)
    calcium = cell.ca_rest - cell.ca_per_charge * cell.ca_tau * (l_type + hva)
    sensor = -cell.sensor_per_charge * cell.sensor_tau * (l_type + cell.sensor_hva_share * hva)
    sk = calcium**4 / (calcium**4 + cell.sk_half**4)
    ahp = sensor**2 / (sensor**2 + cell.ahp_half**2)
    potassium = cell.g_kdr * n + cell.g_ka * a * b + cell.g_km * w + cell.g_sk * sk + cell.g_ahp * ahp
    current = (
        cell.g_na * m**3 * h * (soma - cell.na_reversal)
        + potassium * (soma - cell.k_reversal)
        + l_type
        + hva
        + cell.leak_soma * (soma - cell.leak_reversal)
        + cell.coupling * (soma - dendrite)
    )
    return SteadyState(soma, dendrite, gates, calcium, sensor, sk, ahp, float(current))


def _dendrite(cell: Cell, soma: float) -> tuple[float, float]:
    """Return the dendrite's potential and its open h gate, by bisection of its current, which rises with potential."""
    low, high = soma - 60.0, soma + 60.0
    for _ in range(60):
        v = 0.5 * (low + high)
        h_open = float(GATES[9](np.float64(v), cell)[0])  # type: ignore[arg-type]
        inward = cell.leak_dendrite * (v - cell.leak_reversal) + cell.g_ih * h_open * (v - cell.ih_reversal)
        low, high = (low, v) if inward + cell.coupling * (v - soma) > 0 else (v, high)
    return v, h_open


def resting_potential(cell: Cell) -> float:
    """Return the potential, mV, at which the cell rests without current: the lowest stable one above -100 mV."""
    potentials = np.arange(-100.0, -40.0, 0.5)
    currents = [steady_state(cell, v).current for v in potentials]
    first = next((i for i, c in enumerate(currents) if c > 0), None)
    if first is None or first == 0:
        raise HardwareError("simulated cell", "these parameters give no resting potential between -100 and -40 mV")
    low, high = potentials[first - 1], potentials[first]
    return float(low + (high - low) * -currents[first - 1] / (currents[first] - currents[first - 1]))
