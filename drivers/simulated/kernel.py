"""The compiled loop: cell, pipette, amplifier, filter and converter, one step after the other.

Units inside: mV, ms, pA, nS, pF, MOhm, µM. Everything that goes on from one call to the next is in one record
(`records.STATE`) and one array (drugs), so a run cut into blocks of any size gives the same samples as the whole.

Scheme: staggered, second order. Gates move from t - dt/2 to t + dt/2, exactly for V(t) (Rush-Larsen, from a table);
then a backward Euler half-step for the potentials, doubled (V(t + dt) = 2 Vmid - V(t), as NEURON's secondorder 2), with
the three nodes eliminated by hand; calcium pools move with the mid-point current. The loop has no transcendental
function: decays come as parameters, rates from the table. In voltage clamp an edge of the command is spread over its
step, which delays it by half a step.

All compiled functions are in this file, because numba's cache notices changes in the entry point's own file only, and
in the layout of the records, which is part of a function's signature.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
import numpy as np

from drivers.simulated.records import NORMALS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LOWEST, STEP, ROWS = -150.0, 0.05, 5001
"""The table's potentials: from -150 to +100 mV."""

NA, KDR, KA, KM, L_TYPE, HVA, IH, SK, AHP = range(9)
"""Places in `records.CONDUCTANCES`."""

TARGET, BATH, SITE, STUCK, ON, OFF, KEPT, HALF, HILL, EFFECT, SELECTIVITY, CONDUCTANCE = range(12)
"""Columns of the drugs, a row for each conductance on which a drug acts.

Concentrations in µM: at the inlet, in the bath, at the channel, and that part of it which no wash removes. ON, OFF:
fraction per tick; KEPT: fraction of the greatest concentration at the channel that gets stuck; HALF: half-effective
concentration at -60 mV, µM; EFFECT: relative change of the conductance at saturation (block is negative); SELECTIVITY:
how many times as tightly inactivated channels bind as resting ones."""
NOTHING = 1e-9
"""µM of a drug, or nS of a leak: less is none, which keeps decays from becoming subnormal numbers."""
TIGHT = 1.0
"""nS: the thermal current of a tip that leaks less is lost in that of the access resistance."""
RAIL = 1000.0
"""mV: as far as the headstage can push the pipette."""

VOLTAGE, CURRENT = 0, 1
"""The two signals of the amplifier."""

F = TypeVar("F", bound="Callable[..., Any]")


def compiled(function: F, **options: Any) -> F:
    """Return `function` compiled on first use, and kept on disk where numba finds a folder it can write to.

    A product and the sum it goes into may be one instruction with one rounding ('contract'): a sixth of the time. Other
    liberties with arithmetic are not taken.
    """
    options = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}, **options}
    try:
        return cast("F", numba.njit(function, cache=True, **options))
    except RuntimeError:  # numba 4908: 'no locator available' in frozen or read-only installations
        return cast("F", numba.njit(function, **options))


def inlined(function: F) -> F:
    """Return `function` compiled into its caller: of what every step calls, calls were a quarter of the time."""
    return compiled(function, forceinline=True)


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


@inlined
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


@inlined
def _fraction(bits: Any) -> Any:
    """Return 0 <= x < 1 from the upper 53 bits."""
    return np.float64(bits >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@inlined
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
def _draw(s: Any) -> None:
    """Draw the next `NORMALS` normal numbers; with the generator in registers they cost a third of `_normal`."""
    r, drawn = s.random, s.normals
    a, b, c, d = r[0], r[1], r[2], r[3]
    for i in range(drawn.shape[0]):
        x = a + d
        bits = ((x << np.uint64(23)) | (x >> np.uint64(41))) + a
        t = b << np.uint64(17)
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= t
        d = (d << np.uint64(45)) | (d >> np.uint64(19))
        layer = np.int64(bits & np.uint64(127))
        u = 2.0 * _fraction(bits) - 1.0
        if abs(u) < RATIOS[layer]:
            drawn[i] = u * EDGES[layer]
        else:
            r[0], r[1], r[2], r[3] = a, b, c, d
            drawn[i] = _normal_rarely(r, layer, u)
            a, b, c, d = r[0], r[1], r[2], r[3]
    r[0], r[1], r[2], r[3] = a, b, c, d


@compiled
def _inactivated(s: Any, p: Any) -> Any:
    """Return the part of the L-type channels that would stand inactivated at the soma's present potential."""
    return 1.0 / (1.0 + math.exp((p.inactivation_half - s.soma) / p.inactivation_slope))


@compiled
def _flow(p: Any, d: Any) -> Any:
    """Let one drug's solution reach bath and channel; return whether there is any."""
    if d[TARGET] + d[BATH] + d[SITE] < NOTHING:
        d[BATH] = d[SITE] = 0.0
        return False
    d[BATH] += (d[TARGET] - d[BATH]) * p.exchange
    gap = max(d[BATH], d[STUCK]) - d[SITE]
    d[SITE] += gap * (d[ON] if gap > 0 else d[OFF])
    d[STUCK] = max(d[STUCK], d[KEPT] * d[SITE])
    return True


@compiled
def _pharmacology(s: Any, p: Any, drugs: Any) -> None:
    """Set the conductances to what drugs and run-down leave of them.

    Drugs on one conductance compete for one site (Gaddum, with each drug's Hill coefficient); affinity follows the part
    of the channels that is inactivated (the modulated receptor: Bean 1984, PNAS 81:6388).
    """
    s.taken[:] = 0.0
    s.effect[:] = 0.0
    for i in range(drugs.shape[0]):
        d = drugs[i]
        if not _flow(p, d):
            continue
        k = np.int64(d[CONDUCTANCE])
        tighter = (1.0 + (d[SELECTIVITY] - 1.0) * s.inactivated) / (1.0 + (d[SELECTIVITY] - 1.0) * p.inactivated_at_60)
        x = d[SITE] * tighter / d[HALF]
        if d[HILL] != 1.0:  # a power costs as much as all the rest
            x = x ** d[HILL]
        s.taken[k] += x
        s.effect[k] += d[EFFECT] * x
    for j in range(s.taken.shape[0]):
        s.conductances[j] = p.conductances[j] * (1.0 + s.effect[j] / (1.0 + s.taken[j]))
    s.conductances[L_TYPE] *= s.run_down
    s.conductances[AHP] *= s.sahp_run_down * max(0.0, 1.0 + s.sahp_change)


@compiled
def _restless(s: Any, p: Any) -> None:
    """Let the leak drift, and membrane and slow AHP fluctuate slowly around their means."""
    s.drift += p.reversal_drift
    if p.noisy != 0.0:
        s.fluctuation = p.fluctuation_decay * s.fluctuation + p.fluctuation * _normal(s.random)
        s.sahp_change = p.sahp_change_decay * s.sahp_change + p.sahp_change * _normal(s.random)
    s.leak_soma = p.leak_soma * (p.leak_reversal + s.drift) + s.fluctuation
    s.leak_dendrite = p.leak_dendrite * (p.leak_reversal + s.drift)


@compiled
def _electrode(s: Any, p: Any) -> None:
    """Let the tip touch the cell, seal and break in when it is time; let the access resistance drift."""
    if s.to_touch > 0:
        s.to_touch -= 1
        if s.to_touch == 0:
            s.tip_offset = 0.0
    elif s.tip_leak > 0.0:
        s.tip_leak = s.tip_leak * p.sealing if s.tip_leak > NOTHING else 0.0
    if s.to_break_in > 0:
        s.to_break_in -= 1
        if s.to_break_in == 0:
            s.access = p.broken_in
    s.access *= p.access_drift
    if p.noisy != 0.0:
        s.access *= 1.0 + p.access_walk * _normal(s.random)
    s.series, s.thermal = 1e3 / s.access, p.johnson * math.sqrt(s.access)
    _follow(s, p)


@compiled
def _follow(s: Any, p: Any) -> None:
    """Make the exact step of pipette and neutralisation in current clamp, for the present access and seal.

        C dV/dt = -G V + N dW/dt + I,   lag dW/dt = V - W      G: access and seal; N: neutralisation

    For constant I the step is V' = a V + b W + c I, W' = d V + e W + f I, and V is h V + i W + j I on average over it;
    `follow` is (a, b, c, d, e, f, h, i, j). With the average the charge into the cell is exact. V grows instead of
    settling where N > C + G lag: an over-neutralised electrode rings.
    """
    g = s.series + p.seal + s.tip_leak
    n = p.neutralisation / p.neutralisation_lag
    first, second = (n - g) / p.capacitance, -n / p.capacitance
    third, fourth = 1.0 / p.neutralisation_lag, -1.0 / p.neutralisation_lag
    middle = 0.5 * (first + fourth)
    square = middle * middle - (first * fourth - second * third)
    root = math.sqrt(abs(square))
    if square > 0.0:
        up, down = math.exp((middle + root) * p.dt), math.exp((middle - root) * p.dt)
        even, odd = 0.5 * (up + down), 0.5 * (up - down) / root
    else:
        size = math.exp(middle * p.dt)
        even, odd = size * math.cos(root * p.dt), size * math.sin(root * p.dt) / max(root, 1e-12)
    s.follow[0], s.follow[1] = even + odd * (first - middle), odd * second
    s.follow[3], s.follow[4] = odd * third, even + odd * (fourth - middle)
    s.follow[2] = (1.0 - s.follow[0] - s.follow[1]) / g
    s.follow[5] = (1.0 - s.follow[3] - s.follow[4]) / g
    per_det = p.capacitance * p.neutralisation_lag / (g * p.dt)
    s.follow[6] = (fourth * (s.follow[0] - 1.0) - second * s.follow[3]) * per_det
    s.follow[7] = (fourth * s.follow[1] - second * (s.follow[4] - 1.0)) * per_det
    s.follow[8] = (1.0 - s.follow[6] - s.follow[7]) / g


@compiled
def _synapse(s: Any, size: Any) -> None:
    s.synapse_rise += size
    s.synapse_fall += size


@compiled
def _tick(s: Any, p: Any, drugs: Any) -> None:
    """Do what happens once a millisecond: drugs, run-down, drifts, synaptic events."""
    s.inactivated += (_inactivated(s, p) - s.inactivated) * p.inactivation_gain
    s.run_down *= p.run_down
    s.sahp_run_down *= p.sahp_run_down
    _restless(s, p)
    _pharmacology(s, p, drugs)
    if s.synapse_fall < 1e-15:  # left to decay it would become subnormal, and each step four times as slow
        s.synapse_rise = s.synapse_fall = 0.0
    _electrode(s, p)
    if p.noisy == 0.0:
        return
    if _fraction(_bits(s.random)) < p.epsp_chance:
        _synapse(s, p.epsp_size * math.exp(p.epsp_spread * _normal(s.random)))
    if _fraction(_bits(s.random)) < p.spike_chance:
        _synapse(s, p.spike_size)


@inlined
def _noise(s: Any, p: Any) -> Any:
    """Move the noise processes on and return the pipette's thermal noise, mV (Johnson: 4kTR)."""
    if p.noisy == 0.0:
        return 0.0
    if s.used == 0:
        _draw(s)
    i = s.used
    s.used = i + 3 if i + 3 < NORMALS else 0
    # of the tip as a conductor: pA from mV and nS
    s.tip_noise = p.johnson * math.sqrt(1e3 * s.tip_leak) * _normal(s.random) if s.tip_leak > TIGHT else 0.0
    s.membrane_noise = p.membrane_decay * s.membrane_noise + p.membrane_noise * s.normals[i]
    x = s.normals[i + 1]
    s.pink_fast = p.pink_fast_decay * s.pink_fast + p.pink_fast * x
    s.pink_middle = p.pink_middle_decay * s.pink_middle + p.pink_middle * x
    s.pink_slow = p.pink_slow_decay * s.pink_slow + p.pink_slow * x
    return s.thermal * s.normals[i + 2]


@inlined
def _row(v: Any) -> Any:
    """Return v's row in the table, with the fraction of the way to the next."""
    x = min(max((v - LOWEST) * (1.0 / STEP), 0.0), ROWS - 2.0)
    return np.int64(x), x - np.int64(x)


@inlined
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


@inlined
def _membrane(s: Any, p: Any, l_type: Any, hva: Any) -> Any:
    """Return the soma's conductance and its current at 0 mV, backward Euler's half-step included."""
    m, h, n, a, b, w = s.gates[0], s.gates[1], s.gates[2], s.gates[3], s.gates[4], s.gates[5]
    g = s.conductances
    # sums of pairs rather than one long chain: each addition waits for the one before it
    sodium = (g[NA] * m) * (m * m * h)
    potassium = (g[KDR] * n + g[KA] * a * b) + (g[KM] * w + (g[SK] * s.sk + g[AHP] * s.ahp))
    calcium = l_type + hva
    conductance = (p.soma_charge + p.leak_soma + p.coupling + calcium) + (sodium + potassium)
    current = p.soma_charge * s.soma + s.leak_soma + s.membrane_noise
    current = (current + calcium * p.ca_reversal) + (sodium * p.na_reversal + potassium * p.k_reversal)
    return conductance, current


@inlined
def _dendrite(s: Any, p: Any) -> Any:
    """Return the same for the dendrite. Synapses reverse at 0 mV."""
    h = s.conductances[IH] * s.gates[9]
    conductance = p.dendrite_charge + p.leak_dendrite + h + s.synapse_fall - s.synapse_rise + p.coupling
    current = p.dendrite_charge * s.dendrite + s.leak_dendrite + h * p.ih_reversal
    return conductance, current


@inlined
def _clamp_voltage(s: Any, p: Any, command: Any, noise: Any, g: Any, conductance: Any, current: Any) -> Any:
    """Return (soma at mid-step, pipette at the step's end and over the step) with the pipette following `command`, mV.

    The correction of the series resistance feeds the pipette current back within the step: explicit feedback would
    lag by a sample and slow the clamp. vp1 = free - bound * soma solves the loop.
    """
    feedback = p.correction * (1.0 - p.correction_decay) * g * (1.0 - p.clamp_decay)
    scale = 1.0 / (1.0 - 0.5 * feedback)
    wanted = command + p.offset + s.tip_offset + p.correction * p.correction_decay * s.corrected
    free = (1.0 - p.clamp_decay) * wanted + p.clamp_decay * s.pipette + feedback * (0.5 * s.pipette + noise)
    free *= scale
    bound = feedback * scale
    soma = (current + g * (0.5 * (s.pipette + free) + noise)) / (conductance + g * (1.0 + 0.5 * bound))
    pipette = free - bound * soma
    if abs(pipette) > RAIL:
        pipette = math.copysign(RAIL, pipette)
        soma = (current + g * (0.5 * (s.pipette + pipette) + noise)) / (conductance + g)
    s.neutralised = pipette
    return soma, pipette, 0.5 * (s.pipette + pipette)


@inlined
def _clamp_current(s: Any, command: Any, noise: Any, g: Any, conductance: Any, current: Any) -> Any:
    """Return the same with `command` pA into the pipette, whose stray capacitance takes its share."""
    f, v, w = s.follow, s.pipette, s.neutralised
    pushed = command + s.tip_noise - g * noise
    free = f[6] * v + f[7] * w + f[8] * pushed
    soma = (current + g * (free + noise)) / (conductance + g - g * f[8] * g)
    into = pushed + g * soma
    pipette, mean = f[0] * v + f[1] * w + f[2] * into, free + f[8] * g * soma
    if abs(pipette) > RAIL:
        pipette = math.copysign(RAIL, pipette)
        mean = 0.5 * (v + pipette)
        soma = (current + g * (mean + noise)) / (conductance + g)
    s.neutralised = min(max(f[3] * v + f[4] * w + f[5] * into, -RAIL), RAIL)
    return soma, pipette, mean


@inlined
def _pools(s: Any, p: Any, l_type: Any, hva: Any) -> None:
    """Move the calcium pools by a whole step; currents, pA, are those of mid-step."""
    steady = p.ca_rest - p.ca_gain * (l_type + hva)
    s.calcium = steady + (s.calcium - steady) * p.ca_decay
    steady = -p.sensor_gain * (l_type + p.sensor_hva_share * hva)
    s.sensor = steady + (s.sensor - steady) * p.sensor_decay


@inlined
def _read(s: Any, p: Any, clamped: Any, command: Any, pipette: Any, through: Any) -> None:
    """Put what the amplifier measures, before its filter, into `raw_voltage` (mV) and `raw_current` (pA)."""
    pink = s.pink_fast + s.pink_middle + s.pink_slow
    s.raw_voltage = pipette - p.offset - s.tip_offset + p.pink_voltage * pink + p.hum_voltage * s.hum_sin
    if clamped:
        middle = 0.5 * (s.pipette + pipette)
        cancelled = command + (s.cancelled - command) * p.cancel_decay
        s.corrected = through + (s.corrected - through) * p.correction_decay
        s.raw_current = through + (p.seal + s.tip_leak) * middle + s.tip_noise
        s.raw_current += (p.capacitance - p.neutralisation) * (pipette - s.pipette) * p.per_dt
        s.raw_current += pink + p.hum_current * s.hum_sin - p.cancel_charge * (cancelled - s.cancelled)
        s.cancelled = cancelled
    else:
        s.raw_voltage -= p.bridge * command
        s.raw_current = command
    turned = s.hum_cos * p.hum_cos - s.hum_sin * p.hum_sin
    s.hum_sin = s.hum_sin * p.hum_cos + s.hum_cos * p.hum_sin
    s.hum_cos = turned


@inlined
def _filtered(x: Any, b: Any, f: Any) -> Any:
    """Return x through the 4-pole low-pass: two second-order sections, direct form 2 transposed."""
    y = f[0] * x + b[0]
    b[0] = f[1] * x - f[3] * y + b[1]
    b[1] = f[2] * x - f[4] * y
    z = f[5] * y + b[2]
    b[2] = f[6] * y - f[8] * z + b[3]
    b[3] = f[7] * y - f[9] * z
    return z


@inlined
def _step(s: Any, p: Any, drugs: Any, table: Any, clamped: Any, command: Any) -> None:
    """Move everything by dt."""
    if s.to_tick == 0:
        _tick(s, p, drugs)
        s.to_tick = p.per_tick
    s.to_tick -= 1
    noise = _noise(s, p)
    _gates(s, p, table)
    l_type = s.conductances[L_TYPE] * s.gates[6]
    hva = s.conductances[HVA] * s.gates[7] * s.gates[7] * s.gates[8]
    conductance, current = _membrane(s, p, l_type, hva)
    below, inflow = _dendrite(s, p)
    per_below = 1.0 / below
    conductance -= p.coupling * p.coupling * per_below
    current += p.coupling * per_below * inflow
    g = s.series
    if clamped:
        soma, pipette, mean = _clamp_voltage(s, p, command, noise, g, conductance, current)
    else:
        soma, pipette, mean = _clamp_current(s, command, noise, g, conductance, current)
    through = g * (mean + noise - soma)
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
        One record each, of `records.STATE` (changed) and `records.PARAMETERS`.
    drugs
        (actions, 12), changed; columns as above.
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
