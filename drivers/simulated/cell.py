"""The neuron: its parameters, named presets, and its steady states.

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
    """Parameters of one neuron, in pF, nS, mV, ms, µM and pA, as they are at its temperature."""

    temperature: float
    """degC."""

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
    na_slope: float
    """Over which they turn, 7.2 in Migliore 1999; less makes the sharp onset of a spike that comes from the axon."""
    na_inactivation: float
    """Half-inactivation."""
    na_inactivation_turn: float
    """Potential around which h's rates turn."""
    na_inactivation_fastest: float
    na_reversal: float
    g_kdr: float
    kdr_half: float
    kdr_speed: float
    """Of its rates, per ms; 0.02 in Migliore 1999. How soon it is closed behind a spike, and so the fast AHP."""
    kdr_fastest: float
    g_ka: float
    g_km: float
    km_half: float
    km_slope: float
    k_reversal: float
    g_l_type: float
    l_type_shift: float
    l_type_inactivation_half: float
    """Of the state that dihydropyridines prefer; the current itself does not inactivate."""
    l_type_inactivation_slope: float
    l_type_inactivation_tau: float
    """Over which block forgets the potential."""
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


CONDUCTANCES = (
    "leak_soma", "leak_dendrite", "coupling", "g_na", "g_kdr", "g_ka", "g_km", "g_l_type", "g_hva", "g_ih", "g_sk",
    "g_ahp",
)  # fmt: skip
CONDUCTANCE_Q10 = 1.4
"""Of ions moving through open channels and cytoplasm (Hille 2001: 1.3 to 1.6)."""
MEDIUM_TAUS, MEDIUM_Q10 = ("sk_tau", "ca_tau"), 2.0
SLOW_TAUS, SLOW_Q10 = ("ahp_tau", "sensor_tau"), 3.0
"""Values assumed; in neocortical pyramids the slow AHP's onset and decay are 'very temperature sensitive', the medium
AHP's moderately (Lee, Callaway & Foehring 2005, J Neurophysiol 93:2012)."""
INACTIVATION_TAUS, INACTIVATION_Q10 = ("l_type_inactivation_tau",), 3.0
"""Assumed, as for the activation of the same channel."""


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


def at_temperature(cell: Cell, celsius: float) -> Cell:
    """Return the same neuron in a bath of `celsius`; the gates follow through `rates.Gate`."""

    def scaled(names: tuple[str, ...], q10: float) -> dict[str, float]:
        factor = q10 ** ((celsius - cell.temperature) / 10)
        return {name: getattr(cell, name) * factor for name in names}

    return replace(
        cell,
        temperature=celsius,
        **scaled(CONDUCTANCES, CONDUCTANCE_Q10),
        **scaled(MEDIUM_TAUS, 1 / MEDIUM_Q10),
        **scaled(SLOW_TAUS, 1 / SLOW_Q10),
        **scaled(INACTIVATION_TAUS, 1 / INACTIVATION_Q10),
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
    inactivated: float
    """Part of the L-type channels."""
    current: float
    """pA that must be injected to stay there."""


def steady_state(cell: Cell, soma: float) -> SteadyState:
    """Return the steady state at `soma` mV."""
    dendrite, h_open = _dendrite(cell, soma)
    gates = np.array([float(gate(np.float64(soma), cell)[0]) for gate in GATES])  # type: ignore[arg-type]
    gates[9] = h_open
    m, h, n, a, b, w, c, p, r, _ = gates
    l_type = cell.g_l_type * c * (soma - cell.ca_reversal)
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
    return SteadyState(soma, dendrite, gates, calcium, sensor, sk, ahp, inactivated(cell, soma), float(current))


def inactivated(cell: Cell, soma: float) -> float:
    """Return the part of the L-type channels that stand inactivated after long at `soma` mV."""
    return 1 / (1 + math.exp((cell.l_type_inactivation_half - soma) / cell.l_type_inactivation_slope))


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
