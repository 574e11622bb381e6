"""The compiled loop: cell, pipette, amplifier, filter and converter, one step after the other.

Units inside: mV, ms, pA, nS, pF, MOhm, µM. Everything that goes on from one call to the next is in one record
(`records.STATE`) and one array (drugs), so a run cut into blocks of any size gives the same samples as the whole.

Scheme: staggered, second order. Gates move from t - dt/2 to t + dt/2, exactly for V(t) (Rush-Larsen, from a table);
then a backward Euler half-step for the potentials, doubled (V(t + dt) = 2 Vmid - V(t), as NEURON's secondorder 2), with
the three nodes eliminated by hand; calcium pools move with the mid-point current. The loop has no transcendental
function: decays come as parameters, rates from the table. In voltage clamp an edge of the command is spread over its
step, which delays it by half a step.

Order of work: what is slow once a tick (`_tick`); then, for up to `STRETCH` steps at a time, the noises (`_noise`),
cell and pipette (`_live`), what the amplifier adds and filters (`_read`), and the converter (`_convert`). They hand on
to each other through a small array, the tape: a processor works ahead in short loops, and only in `_live` must a step
wait for the one before.

All compiled functions are in this file, because numba's cache notices changes in the entry point's own file only, and
in the layout of the records, which is part of a function's signature.
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
GATES = 10
"""Those of a row: nine of the soma, the last of the dendrite."""

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
"""The two signals of the amplifier, rows of the tape."""
SOMA, COMMAND, MEMBRANE, PINK, THERMAL, TIP = range(2, 8)
"""The tape's other rows: the true potential; what is asked of the amplifier; the noises of the membrane (pA), of the
amplifier (pA), of the access (mV) and of a tip that leaks (pA)."""
STRETCH = 64
"""Steps on the tape, at most."""
MOVED = 1e-4
"""What follows from the conductance of access and tip is made anew when it has changed by this part."""
EVEN = math.sqrt(3.0) / 2.0**31
"""What makes signed 32-bit numbers a uniform distribution with an SD of 1."""

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
def _next(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Return the next 64 random bits and the four words after them: xoshiro256++ (Blackman & Vigna)."""
    x = a + d
    bits = ((x << np.uint64(23)) | (x >> np.uint64(41))) + a
    t = b << np.uint64(17)
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    return bits, a, b, c, (d << np.uint64(45)) | (d >> np.uint64(19))


@inlined
def _bits(r: Any) -> Any:
    """Return the next 64 random bits."""
    bits, r[0], r[1], r[2], r[3] = _next(r[0], r[1], r[2], r[3])
    return bits


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
        s.conductances[j] = p.conductances[j]
        if s.taken[j] != 0.0:
            s.conductances[j] *= 1.0 + s.effect[j] / (1.0 + s.taken[j])
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
    if abs(1e3 / s.access + s.tip_leak - s.followed) > MOVED * s.followed:
        s.series, s.thermal = 1e3 / s.access, p.johnson * math.sqrt(s.access)
        s.followed = s.series + s.tip_leak
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
def _noise(s: Any, p: Any, tape: Any, n: Any) -> None:
    """Put the noises of the next `n` steps on the tape."""
    if p.noisy != 0.0:
        _draw(s, p, tape, n)
    else:
        tape[MEMBRANE : TIP + 1, :n] = 0.0


@compiled
def _draw(s: Any, p: Any, tape: Any, n: Any) -> None:
    """Do so with random numbers; the generator is in registers, which is thrice as fast.

    Thermal noise, 4kTR (Johnson), is normal from step to step. Noises of the membrane and of the amplifier are uniform
    numbers, two from one draw, through first-order filters that add up at least twenty: as normal as anybody can see.
    """
    r, leaky = s.random, s.tip_leak > TIGHT
    tip = p.johnson * math.sqrt(1e3 * s.tip_leak)  # of the tip as a conductor: pA from mV and nS
    membrane, fast, middle, slow = s.membrane_noise, s.pink_fast, s.pink_middle, s.pink_slow
    a, b, c, d = r[0], r[1], r[2], r[3]
    for i in range(n):
        bits, a, b, c, d = _next(a, b, c, d)
        membrane = p.membrane_decay * membrane + p.membrane_noise * (np.int32(bits >> np.uint64(32)) * EVEN)
        x = np.int32(bits & np.uint64(0xFFFFFFFF)) * EVEN
        fast = p.pink_fast_decay * fast + p.pink_fast * x
        middle = p.pink_middle_decay * middle + p.pink_middle * x
        slow = p.pink_slow_decay * slow + p.pink_slow * x
        bits, a, b, c, d = _next(a, b, c, d)
        layer = np.int64(bits & np.uint64(127))
        u = 2.0 * _fraction(bits) - 1.0
        normal = u * EDGES[layer]
        if abs(u) >= RATIOS[layer]:
            r[0], r[1], r[2], r[3] = a, b, c, d
            normal = _normal_rarely(r, layer, u)
            a, b, c, d = r[0], r[1], r[2], r[3]
        tape[MEMBRANE, i], tape[PINK, i], tape[THERMAL, i] = membrane, (fast + middle) + slow, s.thermal * normal
        tape[TIP, i] = 0.0
        if leaky:
            r[0], r[1], r[2], r[3] = a, b, c, d
            tape[TIP, i] = tip * _normal(r)
            a, b, c, d = r[0], r[1], r[2], r[3]
    r[0], r[1], r[2], r[3] = a, b, c, d
    s.membrane_noise, s.pink_fast, s.pink_middle, s.pink_slow = membrane, fast, middle, slow


@inlined
def _row(v: Any, rates: Any) -> Any:
    """Return v's row of the table, and the fraction of the way to the next."""
    x = min(max(v * (1.0 / STEP) - LOWEST / STEP, 0.0), ROWS - 2.0)
    row = np.int32(x)
    return rates[np.uint32(row)], x - row


@inlined
def _moved(gate: Any, row: Any, part: Any, k: Any) -> Any:
    """Return gate `k` half a step beyond the present: what is left of it, and what comes in."""
    return gate * (row[k] + part * row[k + GATES]) + (row[k + 2 * GATES] + part * row[k + 3 * GATES])


@inlined
def _gates(gates: Any, soma: Any, dendrite: Any, rates: Any) -> Any:
    """Return all gates of the potential half a step beyond the present: from t - dt/2 to t + dt/2."""
    row, part = _row(soma, rates)
    below, below_part = _row(dendrite, rates)
    return (
        _moved(gates[0], row, part, 0), _moved(gates[1], row, part, 1), _moved(gates[2], row, part, 2),
        _moved(gates[3], row, part, 3), _moved(gates[4], row, part, 4), _moved(gates[5], row, part, 5),
        _moved(gates[6], row, part, 6), _moved(gates[7], row, part, 7), _moved(gates[8], row, part, 8),
        _moved(gates[9], below, below_part, 9),
    )  # fmt: skip


@inlined
def _calcium_gates(p: Any, calcium: Any, sensor: Any, sk: Any, ahp: Any) -> Any:
    """Return (sk, ahp), which calcium opens, half a step beyond the present."""
    ca4, sensor2 = (calcium * calcium) * (calcium * calcium), sensor * sensor
    return (
        sk * p.sk_decay + (1.0 - p.sk_decay) * (ca4 / (ca4 + p.sk_half4)),
        ahp * p.ahp_decay + (1.0 - p.ahp_decay) * (sensor2 / (sensor2 + p.ahp_half2)),
    )


@inlined
def _membrane(s: Any, p: Any, gates: Any, calcium: Any, sk: Any, ahp: Any, conductance: Any, current: Any) -> Any:
    """Return the soma's conductance and its current at 0 mV, those of its channels added.

    Sodium comes last: its gates are the slowest to get ready, and the whole step waits for them.
    """
    m, h, n, a, b, w, _, _, _, _ = gates
    g = s.conductances
    potassium = (g[KDR] * n + g[KA] * a * b) + (g[KM] * w + (g[SK] * sk + g[AHP] * ahp))
    conductance += calcium + potassium
    current += calcium * p.ca_reversal + potassium * p.k_reversal
    open_, sodium = m * m * h, g[NA] * m
    return conductance + sodium * open_, current + (sodium * p.na_reversal) * open_


@inlined
def _feedback(s: Any, p: Any) -> Any:
    """Return what the correction of the series resistance feeds back in voltage clamp, and by what it thereby scales.

    It is fed back within the step: explicit feedback would lag by a sample and slow the clamp. The pipette's potential
    at the step's end is free - feedback * scale * soma, which solves the loop.
    """
    feedback = p.correction * (1.0 - p.correction_decay) * s.series * (1.0 - p.clamp_decay)
    return feedback, 1.0 / (1.0 - 0.5 * feedback)


@inlined
def _clamped(s: Any, p: Any, feedback: Any, pipette: Any, corrected: Any, command: Any, noise: Any) -> Any:
    """Return where the pipette, which follows `command` mV, would get by the step's end, but for feedback's scale."""
    wanted = command + p.offset + s.tip_offset + p.correction * p.correction_decay * corrected
    return (1.0 - p.clamp_decay) * wanted + p.clamp_decay * pipette + feedback * (0.5 * pipette + noise)


@inlined
def _dendrite(s: Any, p: Any, own: Any, gate: Any, potential: Any, synapse: Any) -> Any:
    """Return 1 / the dendrite's conductance, and its current at 0 mV. Synapses reverse at 0 mV."""
    h = s.conductances[IH] * gate
    return 1.0 / (own + h + synapse), p.dendrite_charge * potential + s.leak_dendrite + h * p.ih_reversal


@inlined
def _pools(p: Any, calcium: Any, sensor: Any, l_type: Any, hva: Any) -> Any:
    """Return the calcium pools a whole step later; currents, pA, are those of mid-step."""
    steady = p.ca_rest - p.ca_gain * (l_type + hva)
    below = p.sensor_gain * (l_type + p.sensor_hva_share * hva)
    return (
        calcium * p.ca_decay + (1.0 - p.ca_decay) * steady,
        sensor * p.sensor_decay - (1.0 - p.sensor_decay) * below,
    )


@inlined
def _beside(s: Any, p: Any, pipette: Any, end: Any) -> Any:
    """Return the current in voltage clamp that does not go through the access: seal, open tip, stray capacitance."""
    stray = (p.capacitance - p.neutralisation) * (end - pipette) * p.per_dt
    return (p.seal + s.tip_leak) * 0.5 * (pipette + end) + stray


@inlined
def _live(s: Any, p: Any, rates: Any, clamped: Any, tape: Any, n: Any) -> None:
    """Move cell and pipette on by `n` steps; leave on the tape the pipette's potential and its current.

    In current clamp the pipette is fed the command, of which its stray capacitance takes its share (see `_follow`).
    """
    soma, dendrite, calcium, sensor, sk, ahp = s.soma, s.dendrite, s.calcium, s.sensor, s.sk, s.ahp
    a = s.gates
    gates = (a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9])
    rise, fall = s.synapse_rise, s.synapse_fall
    pipette, neutralised, corrected = s.pipette, s.neutralised, s.corrected
    g, f = s.series, s.follow
    feedback, scale = _feedback(s, p)
    held = g + 0.5 * g * feedback * scale if clamped else g - g * f[8] * g
    own, below = p.soma_charge + p.leak_soma + p.coupling + held, p.dendrite_charge + p.leak_dendrite + p.coupling
    for i in range(n):
        gates = _gates(gates, soma, dendrite, rates)
        sk, ahp = _calcium_gates(p, calcium, sensor, sk, ahp)
        rise, fall = rise * p.synapse_rise, fall * p.synapse_fall
        l_type = s.conductances[L_TYPE] * gates[6]
        hva = (s.conductances[HVA] * gates[7]) * (gates[7] * gates[8])

        per_below, inflow = _dendrite(s, p, below, gates[9], dendrite, fall - rise)
        shared = p.coupling * per_below

        noise, command = tape[THERMAL, i], tape[COMMAND, i]
        pushed = command + tape[TIP, i] - g * noise
        if clamped:
            free = _clamped(s, p, feedback, pipette, corrected, command, noise) * scale
            toward = 0.5 * (pipette + free)
        else:
            toward = free = f[6] * pipette + f[7] * neutralised + f[8] * pushed

        current = p.soma_charge * soma + (s.leak_soma + tape[MEMBRANE, i]) + shared * inflow + g * (toward + noise)
        conductance, current = _membrane(s, p, gates, l_type + hva, sk, ahp, own - p.coupling * shared, current)
        middle = current / conductance
        if clamped:
            end = free - feedback * scale * middle
        else:
            into = pushed + g * middle
            end = f[0] * pipette + f[1] * neutralised + f[2] * into
            neutralised = min(max(f[3] * pipette + f[4] * neutralised + f[5] * into, -RAIL), RAIL)
        if abs(end) > RAIL:
            end = math.copysign(RAIL, end)
            middle = (current + g * (0.5 * (pipette + end) - toward)) / (conductance + g - held)
        if clamped:
            neutralised, through = end, g * (0.5 * (pipette + end) + noise - middle)
            corrected = through + (corrected - through) * p.correction_decay
            tape[CURRENT, i] = through + _beside(s, p, pipette, end) + tape[TIP, i]
        driving = middle - p.ca_reversal
        calcium, sensor = _pools(p, calcium, sensor, l_type * driving, hva * driving)
        dendrite = 2.0 * per_below * (inflow + p.coupling * middle) - dendrite
        soma, pipette = 2.0 * middle - soma, end
        tape[VOLTAGE, i], tape[SOMA, i] = pipette, soma
    s.soma, s.dendrite, s.calcium, s.sensor, s.sk, s.ahp = soma, dendrite, calcium, sensor, sk, ahp
    a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9] = gates
    s.synapse_rise, s.synapse_fall = rise, fall
    s.pipette, s.neutralised, s.corrected = pipette, neutralised, corrected


@inlined
def _filtered(x: Any, b: Any, f: Any) -> Any:
    """Return x through the 4-pole low-pass, and its memory: two second-order sections, direct form 2 transposed."""
    y = f[0] * x + b[0]
    z = f[5] * y + b[2]
    return z, (
        (f[1] * x + b[1]) - f[3] * y, f[2] * x - f[4] * y,
        (f[6] * y + b[3]) - f[8] * z, f[7] * y - f[9] * z,
    )  # fmt: skip


@inlined
def _read(s: Any, p: Any, clamped: Any, tape: Any, n: Any) -> None:
    """Make of pipette and current what the amplifier gives out: mV and pA, filtered."""
    voltage, current = s.raw_voltage, s.raw_current
    a, b = s.filter_voltage, s.filter_current
    of_voltage, of_current = (a[0], a[1], a[2], a[3]), (b[0], b[1], b[2], b[3])
    sin, cos, cancelled = s.hum_sin, s.hum_cos, s.cancelled
    for i in range(n):
        command, pink = tape[COMMAND, i], tape[PINK, i]
        voltage = (tape[VOLTAGE, i] - (p.offset + s.tip_offset)) + (p.pink_voltage * pink + p.hum_voltage * sin)
        if clamped:
            cancels = command + (cancelled - command) * p.cancel_decay
            current = (tape[CURRENT, i] + pink) + (p.hum_current * sin - p.cancel_charge * (cancels - cancelled))
            cancelled = cancels
        else:
            voltage -= p.bridge * command
            current = command
        tape[VOLTAGE, i], of_voltage = _filtered(voltage, of_voltage, p.filter)
        tape[CURRENT, i], of_current = _filtered(current, of_current, p.filter)
        cos, sin = cos * p.hum_cos - sin * p.hum_sin, sin * p.hum_cos + cos * p.hum_sin
    s.raw_voltage, s.raw_current = voltage, current
    a[0], a[1], a[2], a[3] = of_voltage
    b[0], b[1], b[2], b[3] = of_current
    s.hum_sin, s.hum_cos, s.cancelled = sin, cos, cancelled


@inlined
def _ask(tape: Any, commands: Any, substeps: Any, done: Any, n: Any) -> None:
    """Put the commands of `n` steps on the tape, when `done` have been; each holds for `substeps`."""
    sample, left = done // substeps, substeps - done % substeps
    for i in range(n):
        tape[COMMAND, i] = commands[sample]
        left -= 1
        if left == 0:
            sample, left = sample + 1, substeps


@inlined
def _convert(tape: Any, readout: Any, counts: Any, soma: Any, substeps: Any, done: Any, n: Any) -> None:
    """Take the samples that end on the tape."""
    first = substeps - 1 - done % substeps
    for c in range(readout.shape[0]):
        signal, per_unit, k = np.int64(readout[c, 0]), readout[c, 1], done // substeps
        for i in range(first, n, substeps):
            exact = np.floor(tape[signal, i] * per_unit + 0.5)
            counts[c, k] = np.int16(min(max(exact, -32768.0), 32767.0))
            k += 1
    if soma.shape[0] > 0:
        k = done // substeps
        for i in range(first, n, substeps):
            soma[k] = tape[SOMA, i]
            k += 1


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
        (ROWS, 4 * GATES), from `rates.table` for this dt.
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
    tape = np.zeros((TIP + 1, STRETCH))
    steps, done = commands.shape[0] * p.substeps, 0
    while done < steps:
        if s.to_tick == 0:
            _tick(s, p, drugs)
            s.to_tick = p.per_tick
        n = min(s.to_tick, STRETCH, steps - done)
        _ask(tape, commands, p.substeps, done, n)
        _noise(s, p, tape, n)
        _live(s, p, table, clamped, tape, n)
        _read(s, p, clamped, tape, n)
        _convert(tape, readout, counts, soma, p.substeps, done, n)
        s.to_tick -= n
        done += n
