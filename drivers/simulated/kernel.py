"""The compiled loop: cell, pipette, amplifier, filter and converter, one step after the other.

Units inside: mV, ms, pA, nS, pF, MOhm, µM. Everything that goes on from one call to the next is in one record
(`STATE`) and one array (drugs), so a run cut into blocks of any size gives the same samples as the whole.

Scheme: staggered, second order. Gates move from t - dt/2 to t + dt/2, exactly for V(t) (Rush-Larsen, from a table);
then a backward Euler half-step for the potentials, doubled (V(t + dt) = 2 Vmid - V(t), as NEURON's secondorder 2), with
the three nodes eliminated by hand; calcium pools move with the mid-point current. The loop has no transcendental
function: decays come as parameters, rates from the table. In voltage clamp an edge of the command is spread over its
step, which delays it by half a step.

All compiled functions are in this file, because numba's cache notices changes in the entry point's own file only.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LOWEST, STEP, ROWS = -150.0, 0.05, 5001
"""The table's potentials: from -150 to +100 mV."""

STATE = np.dtype(
    [
        *((name, "f8") for name in (
            "pipette", "soma", "dendrite", "calcium", "sensor", "sk", "ahp", "synapse_rise", "synapse_fall",
            "membrane_noise", "pink_fast", "pink_middle", "pink_slow", "access", "drift", "unblocked", "run_down",
            "corrected", "cancelled", "hum_cos", "hum_sin", "raw_voltage", "raw_current",
        )),
        ("gates", "f8", (10,)), ("filter_voltage", "f8", (4,)), ("filter_current", "f8", (4,)),
        ("random", "u8", (4,)), ("to_tick", "i8"),
    ],
    align=True,
)  # fmt: skip
"""`access`: MOhm; `drift`: mV added to the leak reversal; `unblocked`, `run_down`: factors on the L-type conductance;
`corrected`: filtered current of the series resistance correction; `cancelled`: of the whole-cell cancellation."""

PARAMETERS = np.dtype(
    [
        *((name, "f8") for name in (
            # the cell; capacitances are 2 C / dt, nS
            "soma_charge", "dendrite_charge", "coupling", "leak_soma", "leak_dendrite", "leak_reversal", "g_na",
            "na_reversal", "g_kdr", "g_ka", "g_km", "k_reversal", "g_l_type", "g_hva", "ca_reversal", "g_ih",
            "ih_reversal", "g_sk", "sk_half4", "sk_decay", "ca_rest", "ca_gain", "ca_decay", "g_ahp", "ahp_half2",
            "ahp_decay", "sensor_gain", "sensor_decay", "sensor_hva_share", "synapse_rise", "synapse_fall",
            # electrode and amplifier
            "seal", "stray_charge", "offset", "bridge", "clamp_decay", "correction", "correction_decay",
            "cancel_charge", "cancel_decay",
            # noise
            "noisy", "johnson", "membrane_decay", "membrane_noise", "pink_fast", "pink_middle", "pink_slow",
            "pink_fast_decay", "pink_middle_decay", "pink_slow_decay", "pink_voltage", "hum_voltage", "hum_current",
            "hum_cos", "hum_sin",
            # slow changes, per tick
            "exchange", "access_drift", "access_walk", "reversal_drift", "run_down", "epsp_chance", "epsp_size",
            "epsp_spread",
        )),
        ("filter", "f8", (10,)), ("per_tick", "i8"), ("substeps", "i8"),
    ],
    align=True,
)  # fmt: skip
"""`johnson` times sqrt(access) is the SD of the pipette's noise, mV per step."""

TARGET, BATH, SITE, IC50, EFFICACY, ON, OFF = range(7)
"""Columns of the drugs: concentrations in µM at the inlet, in the bath, at the channel; fractions per tick."""

VOLTAGE, CURRENT = 0, 1
"""The two signals of the amplifier."""

F = TypeVar("F", bound="Callable[..., Any]")


def compiled(function: F) -> F:
    """Return `function` compiled on first use, and kept on disk where numba finds a folder it can write to."""
    try:
        return cast("F", numba.njit(function, cache=True, nogil=True, error_model="numpy"))
    except RuntimeError:  # numba 4908: 'no locator available' in frozen or read-only installations
        return cast("F", numba.njit(function, nogil=True, error_model="numpy"))


def _ziggurat() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return edges and ratios of the 128 layers under a normal density (Doornik 2005, ZIGNOR)."""
    tail, area = 3.442619855899, 9.91256303526217e-3
    edges = np.zeros(129)
    density = math.exp(-0.5 * tail * tail)
    edges[0], edges[1] = area / density, tail
    for i in range(2, 128):
        edges[i] = math.sqrt(-2 * math.log(area / edges[i - 1] + density))
        density = math.exp(-0.5 * edges[i] ** 2)
    return edges, edges[1:] / edges[:-1]


EDGES, RATIOS = _ziggurat()


@compiled
def _bits(r: Any) -> Any:
    """Return the next 64 random bits: xoshiro256++ (Blackman & Vigna)."""
    x = r[0] + r[3]
    result = ((x << np.uint64(23)) | (x >> np.uint64(41))) + r[0]
    t = r[1] << np.uint64(17)
    r[2] ^= r[0]
    r[3] ^= r[1]
    r[1] ^= r[2]
    r[0] ^= r[3]
    r[2] ^= t
    r[3] = (r[3] << np.uint64(45)) | (r[3] >> np.uint64(19))
    return result


@compiled
def _fraction(bits: Any) -> Any:
    """Return 0 <= x < 1 from the upper 53 bits."""
    return np.float64(bits >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@compiled
def _normal(r: Any) -> Any:
    """Return a standard normal number."""
    bits = _bits(r)
    layer = np.int64(bits & np.uint64(127))
    u = 2.0 * _fraction(bits) - 1.0
    if abs(u) < RATIOS[layer]:
        return u * EDGES[layer]
    return _normal_rarely(r, layer, u)


@compiled
def _normal_rarely(r: Any, layer: Any, u: Any) -> Any:
    """Return a normal number from a layer's edge or the tail; one call in 80."""
    while True:
        if layer == 0:
            return _tail(r, u)
        x = u * EDGES[layer]
        above = math.exp(-0.5 * (EDGES[layer] ** 2 - x * x))
        below = math.exp(-0.5 * (EDGES[layer + 1] ** 2 - x * x))
        if below + _fraction(_bits(r)) * (above - below) < 1.0:
            return x
        bits = _bits(r)
        layer = np.int64(bits & np.uint64(127))
        u = 2.0 * _fraction(bits) - 1.0
        if abs(u) < RATIOS[layer]:
            return u * EDGES[layer]


@compiled
def _tail(r: Any, u: Any) -> Any:
    tail = EDGES[1]
    while True:
        x = math.log(_fraction(_bits(r)) + 1e-300) / tail
        y = math.log(_fraction(_bits(r)) + 1e-300)
        if -2.0 * y >= x * x:
            return x - tail if u < 0 else tail - x


@compiled
def _block(s: Any, p: Any, drugs: Any) -> None:
    """Let solutions reach bath and channel; all drugs compete for one site (Hill coefficient 1)."""
    bound = effect = 0.0
    for i in range(drugs.shape[0]):
        d = drugs[i]
        d[BATH] += (d[TARGET] - d[BATH]) * p.exchange
        gap = d[BATH] - d[SITE]
        d[SITE] += gap * (d[ON] if gap > 0 else d[OFF])
        bound += d[SITE] / d[IC50]
        effect += d[EFFICACY] * d[SITE] / d[IC50]
    s.unblocked = 1.0 - effect / (1.0 + bound)


@compiled
def _tick(s: Any, p: Any, drugs: Any) -> None:
    """Do what happens once a millisecond: drugs, run-down, drifts, synaptic events."""
    _block(s, p, drugs)
    s.run_down *= p.run_down
    s.access *= p.access_drift
    s.drift += p.reversal_drift
    if s.synapse_fall < 1e-15:  # left to decay it would become subnormal, and each step four times as slow
        s.synapse_rise = s.synapse_fall = 0.0
    if p.noisy == 0.0:
        return
    s.access *= 1.0 + p.access_walk * _normal(s.random)
    if _fraction(_bits(s.random)) < p.epsp_chance:
        size = p.epsp_size * math.exp(p.epsp_spread * _normal(s.random))
        s.synapse_rise += size
        s.synapse_fall += size


@compiled
def _noise(s: Any, p: Any) -> Any:
    """Move the noise processes on and return the pipette's thermal noise, mV (Johnson: 4kTR)."""
    if p.noisy == 0.0:
        return 0.0
    pipette = p.johnson * math.sqrt(s.access) * _normal(s.random)
    s.membrane_noise = p.membrane_decay * s.membrane_noise + p.membrane_noise * _normal(s.random)
    x = _normal(s.random)
    s.pink_fast = p.pink_fast_decay * s.pink_fast + p.pink_fast * x
    s.pink_middle = p.pink_middle_decay * s.pink_middle + p.pink_middle * x
    s.pink_slow = p.pink_slow_decay * s.pink_slow + p.pink_slow * x
    return pipette


@compiled
def _row(v: Any) -> Any:
    """Return v's row in the table, with the fraction of the way to the next."""
    x = min(max((v - LOWEST) * (1.0 / STEP), 0.0), ROWS - 2.0)
    return np.int64(x), x - np.int64(x)


@compiled
def _gates(s: Any, p: Any, table: Any) -> None:
    """Move all gates half a step beyond the present: from t - dt/2 to t + dt/2."""
    g = s.gates
    row, part = _row(s.soma)
    here, above = table[row], table[row + 1]
    for k in range(9):
        steady = here[k] + part * (above[k] - here[k])
        g[k] = steady + (g[k] - steady) * (here[k + 10] + part * (above[k + 10] - here[k + 10]))
    row, part = _row(s.dendrite)
    steady = table[row, 9] + part * (table[row + 1, 9] - table[row, 9])
    g[9] = steady + (g[9] - steady) * (table[row, 19] + part * (table[row + 1, 19] - table[row, 19]))
    ca2 = s.calcium * s.calcium
    steady = ca2 * ca2 / (ca2 * ca2 + p.sk_half4)
    s.sk = steady + (s.sk - steady) * p.sk_decay
    steady = s.sensor * s.sensor / (s.sensor * s.sensor + p.ahp_half2)
    s.ahp = steady + (s.ahp - steady) * p.ahp_decay
    s.synapse_rise *= p.synapse_rise
    s.synapse_fall *= p.synapse_fall


@compiled
def _membrane(s: Any, p: Any, l_type: Any, hva: Any) -> Any:
    """Return the soma's conductance and its current at 0 mV, backward Euler's half-step included."""
    m, h, n, a, b, w = s.gates[0], s.gates[1], s.gates[2], s.gates[3], s.gates[4], s.gates[5]
    sodium = p.g_na * m * m * m * h
    potassium = p.g_kdr * n + p.g_ka * a * b + p.g_km * w + p.g_sk * s.sk + p.g_ahp * s.ahp
    conductance = p.soma_charge + p.leak_soma + sodium + potassium + l_type + hva + p.coupling
    current = p.soma_charge * s.soma + p.leak_soma * (p.leak_reversal + s.drift) + s.membrane_noise
    current += sodium * p.na_reversal + potassium * p.k_reversal + (l_type + hva) * p.ca_reversal
    return conductance, current


@compiled
def _dendrite(s: Any, p: Any) -> Any:
    """Return the same for the dendrite. Synapses reverse at 0 mV."""
    h = p.g_ih * s.gates[9]
    conductance = p.dendrite_charge + p.leak_dendrite + h + s.synapse_fall - s.synapse_rise + p.coupling
    current = p.dendrite_charge * s.dendrite + p.leak_dendrite * (p.leak_reversal + s.drift) + h * p.ih_reversal
    return conductance, current


@compiled
def _clamp_voltage(s: Any, p: Any, command: Any, noise: Any, g: Any, conductance: Any, current: Any) -> Any:
    """Return (soma at mid-step, pipette at the step's end) with the pipette following `command`, mV.

    The correction of the series resistance feeds the pipette current back within the step: explicit feedback would
    lag by a sample and slow the clamp. vp1 = free - bound * soma solves the loop.
    """
    feedback = p.correction * (1.0 - p.correction_decay) * g * (1.0 - p.clamp_decay)
    scale = 1.0 / (1.0 - 0.5 * feedback)
    wanted = command + p.offset + p.correction * p.correction_decay * s.corrected
    free = (1.0 - p.clamp_decay) * wanted + p.clamp_decay * s.pipette + feedback * (0.5 * s.pipette + noise)
    free *= scale
    bound = feedback * scale
    soma = (current + g * (0.5 * (s.pipette + free) + noise)) / (conductance + g * (1.0 + 0.5 * bound))
    return soma, free - bound * soma


@compiled
def _clamp_current(s: Any, p: Any, command: Any, noise: Any, g: Any, conductance: Any, current: Any) -> Any:
    """Return the same with `command` pA into the pipette, whose stray capacitance takes its share."""
    share = 1.0 / (p.stray_charge + g + p.seal)
    pushed = p.stray_charge * s.pipette + command - g * noise
    soma = (current + g * (share * pushed + noise)) / (conductance + g - g * share * g)
    return soma, share * (pushed + g * soma)


@compiled
def _pools(s: Any, p: Any, l_type: Any, hva: Any) -> None:
    """Move the calcium pools by a whole step; currents, pA, are those of mid-step."""
    steady = p.ca_rest - p.ca_gain * (l_type + hva)
    s.calcium = steady + (s.calcium - steady) * p.ca_decay
    steady = -p.sensor_gain * (l_type + p.sensor_hva_share * hva)
    s.sensor = steady + (s.sensor - steady) * p.sensor_decay


@compiled
def _read(s: Any, p: Any, clamped: Any, command: Any, pipette: Any, through: Any) -> None:
    """Put what the amplifier measures, before its filter, into `raw_voltage` (mV) and `raw_current` (pA)."""
    pink = s.pink_fast + s.pink_middle + s.pink_slow
    s.raw_voltage = pipette - p.offset + p.pink_voltage * pink + p.hum_voltage * s.hum_sin
    if clamped:
        middle = 0.5 * (s.pipette + pipette)
        cancelled = command + (s.cancelled - command) * p.cancel_decay
        s.corrected = through + (s.corrected - through) * p.correction_decay
        s.raw_current = through + p.seal * middle + p.stray_charge * (pipette - s.pipette)
        s.raw_current += pink + p.hum_current * s.hum_sin - p.cancel_charge * (cancelled - s.cancelled)
        s.cancelled = cancelled
    else:
        s.raw_voltage -= p.bridge * command
        s.raw_current = command
    turned = s.hum_cos * p.hum_cos - s.hum_sin * p.hum_sin
    s.hum_sin = s.hum_sin * p.hum_cos + s.hum_cos * p.hum_sin
    s.hum_cos = turned


@compiled
def _filtered(x: Any, b: Any, f: Any) -> Any:
    """Return x through the 4-pole low-pass: two second-order sections, direct form 2 transposed."""
    y = f[0] * x + b[0]
    b[0] = f[1] * x - f[3] * y + b[1]
    b[1] = f[2] * x - f[4] * y
    z = f[5] * y + b[2]
    b[2] = f[6] * y - f[8] * z + b[3]
    b[3] = f[7] * y - f[9] * z
    return z


@compiled
def _step(s: Any, p: Any, drugs: Any, table: Any, clamped: Any, command: Any) -> None:
    """Move everything by dt."""
    if s.to_tick == 0:
        _tick(s, p, drugs)
        s.to_tick = p.per_tick
    s.to_tick -= 1
    noise = _noise(s, p)
    _gates(s, p, table)
    l_type = p.g_l_type * s.unblocked * s.run_down * s.gates[6]
    hva = p.g_hva * s.gates[7] * s.gates[7] * s.gates[8]
    conductance, current = _membrane(s, p, l_type, hva)
    below, inflow = _dendrite(s, p)
    per_below = 1.0 / below
    conductance -= p.coupling * p.coupling * per_below
    current += p.coupling * per_below * inflow
    g = 1e3 / s.access
    if clamped:
        soma, pipette = _clamp_voltage(s, p, command, noise, g, conductance, current)
        through = g * (0.5 * (s.pipette + pipette) + noise - soma)
    else:
        soma, pipette = _clamp_current(s, p, command, noise, g, conductance, current)
        through = g * (pipette + noise - soma)
    _pools(s, p, l_type * (soma - p.ca_reversal), hva * (soma - p.ca_reversal))
    _read(s, p, clamped, command, pipette, through)
    s.pipette = pipette
    s.dendrite = 2.0 * per_below * (inflow + p.coupling * soma) - s.dendrite
    s.soma = 2.0 * soma - s.soma


@compiled
def run(
    state: Any, parameters: Any, drugs: Any, table: Any, clamped: Any, commands: Any, readout: Any, counts: Any,
    soma: Any,
) -> None:  # fmt: skip
    """Play `commands` and record.

    Parameters
    ----------
    state, parameters
        One record each, of `STATE` (changed) and `PARAMETERS`.
    drugs
        (compounds, 7), changed; columns as above.
    table
        (ROWS, 20), from `rates.table` for this dt.
    clamped
        Whether the pipette follows a voltage (commands in mV) or is fed a current (pA).
    commands
        (n,) float64.
    readout
        (channels, 2): which signal, counts per mV or pA.
    counts
        (channels, n) int16, filled with what the converter reads.
    soma
        (n,) or (0,) float64, filled with the true potential at the end of each sample, mV.
    """
    s, p = state[0], parameters[0]
    signals = np.zeros(2)
    for k in range(commands.shape[0]):
        for _ in range(p.substeps):
            _step(s, p, drugs, table, clamped, commands[k])
            signals[VOLTAGE] = _filtered(s.raw_voltage, s.filter_voltage, p.filter)
            signals[CURRENT] = _filtered(s.raw_current, s.filter_current, p.filter)
        for c in range(readout.shape[0]):
            exact = math.floor(signals[np.int64(readout[c, 0])] * readout[c, 1] + 0.5)
            counts[c, k] = np.int16(min(max(exact, -32768.0), 32767.0))
        if soma.shape[0] > 0:
            soma[k] = s.soma
