"""From parameters as people know them to the numbers the compiled loop multiplies by.

How the cell and the drugs meet (kernel `_tick`, once a ms): the cell moves `s.inactivated` (0..1), the part of the
L-type channels that stand in the inactivated state, low-passed over `l_type_inactivation_tau`. A drug that binds that
state `selectivity` times as tightly has 1/half = (1 + (selectivity - 1) * inactivated) / half_at_rest. Compounds state
their half-effective concentration at -60 mV, where `cell.inactivated(cell, -60.0)` says what it is. What drugs and
run-down leave of each conductance is in `s.conductances`, by which the membrane multiplies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivers.simulated.cell import inactivated
from drivers.simulated.records import CONDUCTANCES, PARAMETERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drivers.simulated.cell import Cell
    from drivers.simulated.settings import Simulation

TICK = 1.0
"""ms between looks at everything slow."""
MEMBRANE_NOISE, MEMBRANE_NOISE_TAU = 4.0, 6.0
"""pA and ms: with the pipette's thermal noise 0.17 mV rms in current clamp."""
FLUCTUATION_TAU = 0.1
"""s: of the membrane's slow fluctuation, which limits how well a slow AHP can be measured."""
SAHP_FLUCTUATION_TAU = 25.0
"""s: sweeps that are 30 s apart have slow AHPs correlated by 0.3; assumed."""
PINK, PINK_TAUS, PINK_VOLTAGE = 0.6, (1.0, 30.0, 1000.0), 0.02
"""pA, ms, and mV per pA in the voltage signal."""
CLAMP_LAG, CORRECTION_LAG = 0.005, 0.02
"""ms: of the amplifier in voltage clamp, and of its series resistance correction."""
ACCESS_WALK = 1e-4
"""Relative SD of the access resistance's random walk after a second."""
NEUTRALISATION_LAG = 0.002
"""ms: of the amplifier's capacitance neutralisation; an electrode of 12 MOhm rings from 0.17 pF too much on."""
SMALLEST_CAPACITANCE = 0.1
"""pF: a pipette without any would have no time constant."""
SPIKING_EPSP = 30.0
"""nS: makes a spike from any usual holding potential."""
EPSP_SIZE, EPSP_SPREAD, EPSP_RISE, EPSP_FALL = 0.8, 0.6, 1.0, 6.0
"""nS, SD of its logarithm, ms, ms."""
BOLTZMANN = 1.380649e-23

_POLES = (complex(-1.3700678306, 0.4102497175), complex(-0.9952087644, 1.2571057395))
"""Of the 4-pole Bessel low-pass whose gain is -3 dB at 1 rad/s; each with its conjugate."""


@dataclass(frozen=True)
class Knobs:
    """What can be turned at the amplifier, SI."""

    low_pass: float
    bridge: float
    capacitance_compensation: float
    resistance_correction: float
    whole_cell_capacitance: float = 0.0
    whole_cell_series_resistance: float = 0.0

    @classmethod
    def of(cls, settings: Simulation) -> Knobs:
        """Return them as they stand at the start."""
        whole_cell = settings.whole_cell_compensation
        return cls(
            low_pass=4e3,
            bridge=0.0,
            capacitance_compensation=float(settings.capacitance_compensation),
            resistance_correction=float(settings.resistance_correction),
            whole_cell_capacitance=float(whole_cell.capacitance) if whole_cell else 0.0,
            whole_cell_series_resistance=float(whole_cell.series_resistance) if whole_cell else 0.0,
        )


def pack(cell: Cell, settings: Simulation, knobs: Knobs, *, rate: float, substeps: int) -> NDArray[np.void]:
    """Return the kernel's parameters, one record, for `substeps` steps per sample at `rate` Hz."""
    dt = 1e3 / (rate * substeps)
    packed = np.zeros(1, PARAMETERS)
    values = {**_cell(cell, dt), **_patch(settings, knobs, dt), **_noise(settings, dt), **_slow(settings, dt)}
    for name, value in values.items():
        packed[name] = value
    packed["conductances"] = [getattr(cell, name) for name in CONDUCTANCES]
    packed["filter"] = low_pass(knobs.low_pass, rate * substeps)
    packed["per_tick"], packed["substeps"] = _per_tick(dt), substeps
    return packed


def _per_tick(dt: float) -> int:
    return max(1, round(TICK / dt))


def _cell(cell: Cell, dt: float) -> dict[str, float]:
    same = (
        "coupling", "leak_soma", "leak_dendrite", "leak_reversal", "na_reversal", "k_reversal", "ca_reversal",
        "ih_reversal", "ca_rest", "sensor_hva_share",
    )  # fmt: skip
    return {
        **{name: getattr(cell, name) for name in same},
        "soma_charge": 2 * cell.capacitance_soma / dt,
        "dendrite_charge": 2 * cell.capacitance_dendrite / dt,
        "sk_half4": cell.sk_half**4,
        "sk_decay": math.exp(-dt / cell.sk_tau),
        "ca_gain": cell.ca_per_charge * cell.ca_tau,
        "ca_decay": math.exp(-dt / cell.ca_tau),
        "ahp_half2": cell.ahp_half**2,
        "ahp_decay": math.exp(-dt / cell.ahp_tau),
        "sensor_gain": cell.sensor_per_charge * cell.sensor_tau,
        "sensor_decay": math.exp(-dt / cell.sensor_tau),
        "inactivated_at_60": inactivated(cell, -60.0),
        "inactivation_half": cell.l_type_inactivation_half,
        "inactivation_slope": cell.l_type_inactivation_slope,
        "inactivation_gain": 1 - math.exp(-_per_tick(dt) * dt / cell.l_type_inactivation_tau),
        "synapse_rise": math.exp(-dt / EPSP_RISE),
        "synapse_fall": math.exp(-dt / EPSP_FALL),
    }


def _patch(settings: Simulation, knobs: Knobs, dt: float) -> dict[str, float]:
    access = float(settings.series_resistance)
    cancel_tau = knobs.whole_cell_capacitance * knobs.whole_cell_series_resistance * 1e3
    return {
        "seal": 1e9 / float(settings.seal),
        "capacitance": max(SMALLEST_CAPACITANCE, float(settings.pipette_capacitance) * 1e12),
        "neutralisation": knobs.capacitance_compensation * 1e12,
        "neutralisation_lag": NEUTRALISATION_LAG,
        "dt": dt,
        "per_dt": 1 / dt,
        "sealing": math.exp(-_per_tick(dt) * dt * 1e-3 / float(settings.sealing)),
        "broken_in": access * 1e-6,
        "offset": float(settings.offset - settings.junction_potential) * 1e3,
        "bridge": knobs.bridge * 1e-9,
        "clamp_decay": math.exp(-dt / CLAMP_LAG),
        "correction": knobs.resistance_correction * access * 1e-9,
        "correction_decay": math.exp(-dt / CORRECTION_LAG),
        "cancel_charge": knobs.whole_cell_capacitance * 1e12 / dt,
        "cancel_decay": math.exp(-dt / cancel_tau) if cancel_tau else 0.0,
    }


def _taken_in(sd: float, decay: float) -> float:
    """Return what a first-order process of this SD takes in per step."""
    return sd * math.sqrt(1 - decay * decay)


def _noise(settings: Simulation, dt: float) -> dict[str, float]:
    fast, middle, slow = (math.exp(-dt / tau) for tau in PINK_TAUS)
    membrane = math.exp(-dt / MEMBRANE_NOISE_TAU)
    turn = 2 * math.pi * float(settings.hum_frequency) * dt * 1e-3
    kelvin = 273.15 + float(settings.temperature)

    return {
        "noisy": float(settings.noise),
        # sqrt(4 k T R / (2 dt)) for R = 1 MOhm, mV
        "johnson": math.sqrt(4 * BOLTZMANN * kelvin * 1e6 / (2e-3 * dt)) * 1e3,
        "membrane_decay": membrane,
        "membrane_noise": _taken_in(MEMBRANE_NOISE, membrane),
        "pink_fast_decay": fast,
        "pink_middle_decay": middle,
        "pink_slow_decay": slow,
        "pink_fast": _taken_in(PINK / math.sqrt(3), fast),
        "pink_middle": _taken_in(PINK / math.sqrt(3), middle),
        "pink_slow": _taken_in(PINK / math.sqrt(3), slow),
        "pink_voltage": PINK_VOLTAGE,
        "hum_voltage": float(settings.hum) * 1e3 * settings.noise,
        "hum_current": float(settings.hum_current) * 1e12 * settings.noise,
        "hum_cos": math.cos(turn),
        "hum_sin": math.sin(turn),
    }


def _slow(settings: Simulation, dt: float) -> dict[str, float]:
    """Return the changes per tick."""
    seconds = _per_tick(dt) * dt * 1e-3
    fluctuates, sahp_fluctuates = (math.exp(-seconds / tau) for tau in (FLUCTUATION_TAU, SAHP_FLUCTUATION_TAU))
    return {
        "exchange": 1 - math.exp(-seconds / float(settings.exchange)),
        "access_drift": (1 + float(settings.series_resistance_drift)) ** (seconds / 60),
        "access_walk": ACCESS_WALK * math.sqrt(seconds),
        "reversal_drift": float(settings.rest_drift) * 1e3 * seconds / 60,
        "fluctuation": _taken_in(float(settings.membrane_fluctuation) * 1e12, fluctuates),
        "fluctuation_decay": fluctuates,
        "sahp_change": _taken_in(float(settings.sahp_fluctuation), sahp_fluctuates),
        "sahp_change_decay": sahp_fluctuates,
        "run_down": math.exp(-seconds / float(settings.run_down)) if settings.run_down else 1.0,
        "sahp_run_down": math.exp(-seconds / float(settings.sahp_run_down)) if settings.sahp_run_down else 1.0,
        "epsp_chance": seconds * float(settings.epsp_rate) if settings.epsp_rate else 0.0,
        "epsp_size": EPSP_SIZE,
        "epsp_spread": EPSP_SPREAD,
        "spike_chance": seconds * float(settings.spontaneous_spikes) if settings.spontaneous_spikes else 0.0,
        "spike_size": SPIKING_EPSP,
    }


def low_pass(corner: float, rate: float) -> NDArray[np.float64]:
    """Return the 4-pole Bessel filter with -3 dB at `corner` Hz as two sections (b0, b1, b2, a1, a2).

    Bilinear transform, pre-warped at the corner. A corner near half the rate cannot be made and means no filter.
    """
    if corner >= 0.45 * rate:
        return np.tile([1.0, 0.0, 0.0, 0.0, 0.0], 2)
    k = 1 / math.tan(math.pi * corner / rate)
    return np.concatenate([_section(pole, k) for pole in _POLES])


def _section(pole: complex, k: float) -> NDArray[np.float64]:
    """Return |p|^2 / (s^2 - 2 Re(p) s + |p|^2) at s = k (z - 1) / (z + 1)."""
    gain, slope = abs(pole) ** 2, -2 * pole.real
    total = k * k + slope * k + gain
    b = gain / total
    return np.array([b, 2 * b, b, 2 * (gain - k * k) / total, (k * k - slope * k + gain) / total])


def settled(sections: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """Return the filter's memory (4,) when its input has long been `level`: no flick when it is exchanged."""
    b0, _, b2, _, a2, c0, _, c2, _, d2 = sections
    second, fourth = (b2 - a2) * level, (c2 - d2) * level
    return np.array([level - b0 * level, second, level - c0 * level, fourth])
