"""Resistances and capacitance from small pulses, as pure functions of a stretch of current or voltage.

The amplifier's 4-pole Bessel filter delays everything by `bessel_delay` and rounds the first instants off, so the
first samples after an edge are never read as they are. In voltage clamp the transient's shape is fitted behind them,
and the size of its fast part is taken from its charge: a filter moves charge in time but keeps it, so that neither
the filter nor a sample of latency in the converter biases the access resistance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from protocols.waveforms import samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

BESSEL_4 = 2.113918
"""-3 dB corner of the 4-pole Bessel filter whose delay is 1 s, rad/s (poles of 105/(s^4+10s^3+45s^2+105s+105))."""
SETTLED = 3.0
"""Filter delays after an edge until the rounding is over."""
FASTEST, SLOWEST = 60e-6, 0.5
"""Range of time constants: seconds, and as a part of the pulse."""
RESOLVED = 3.0
"""Filter delays: an exponential faster than this beside a slower one cannot be told from the filter's rounding."""
APART = 2.5
"""Two time constants nearer to each other than this factor are one."""
BEYOND_NOISE = 12.0
"""Gain in log-likelihood units (twice) that a second exponential must bring; two parameters more."""
NEGLIGIBLE = 1e-6
"""Part of the sum of squares that is not worth an exponential: what is left of the filter's rounding."""
FAST_PART = 3.0
"""Fast time constants over which the charge of the fast part is summed."""
SETTLED_PART = 0.100
"""Rin: the last 100 ms of the pulse, and the 100 ms before it."""
JUMP = (0.3e-3, 3e-3)
"""Seconds after an edge from which the electrode's jump is extrapolated back."""
BEFORE_JUMP = 2e-3
"""Seconds before an edge that the jump is counted from."""


def bessel_delay(corner: float | None) -> float:
    """Return the delay, s, of a 4-pole Bessel low-pass with its -3 dB at `corner` Hz; 0 if that is not known."""
    return BESSEL_4 / (2 * np.pi * corner) if corner else 0.0


@dataclass(frozen=True)
class Pulse:
    """What a voltage-clamp pulse says of patch and cell, SI; NaN where the fit found nothing."""

    access: float
    membrane: float
    capacitance: float
    total: float
    holding: float
    access_peak: float = float("nan")
    """From the back-extrapolated peak of the fit, as most programs give it."""
    access_charge: float = float("nan")
    """From time constant and charge: tau / C on a model cell."""


@dataclass(frozen=True)
class Decay:
    """`steady + sum(size * exp(-t / tau))`, A and s; fastest first."""

    steady: float
    sizes: tuple[float, ...]
    taus: tuple[float, ...]
    misfit: float
    """Sum of squares."""


def measure_pulse(current: NDArray[np.float64], rate: float, *, onset: int, step: float, delay: float) -> Pulse:
    """Return access and membrane resistance and capacitance from one pulse, or from the mean of many.

    Parameters
    ----------
    current : (samples,), A
        Rest, then the pulse to its end.
    rate
        Samples per second.
    onset
        Sample at which the pulse begins.
    step
        Size of the pulse, V.
    delay
        Of the output filter, s; see `bessel_delay`.

    Notes
    -----
    For a membrane (R, C) behind an access resistance, with I(0) the extrapolated peak and I(oo) the steady current,
    both counted from the holding current: access = step / I(0), total = step / I(oo), and the transient's charge is
    Q = step C (membrane / total)^2. With more than one exponential (a dendrite) I(0) and Q are sums, and C is the
    capacitance that the pulse reaches.
    """
    holding = float(current[:onset].mean())
    response = (current[onset:] - holding) / step  # S: positive for a passive cell, whatever the pulse's sign
    decay = fit_decay(response, rate, delay)
    if decay is None or decay.steady <= 0:
        return Pulse(float("nan"), float("nan"), float("nan"), float("nan"), holding)
    sizes = (_fast_size(response, rate, decay, delay), *decay.sizes[1:])
    access, total = 1 / (sum(sizes) + decay.steady), 1 / decay.steady
    membrane = total - access
    charge = sum(a * tau for a, tau in zip(sizes, decay.taus, strict=True))
    capacitance = charge * (total / membrane) ** 2
    peak = 1 / (sum(decay.sizes) + decay.steady)
    return Pulse(access, membrane, capacitance, total, holding, peak, _by_charge(response, rate, decay, delay))


def _by_charge(response: NDArray[np.float64], rate: float, decay: Decay, delay: float) -> float:
    """Return the access resistance from the whole transient's charge Q and its mean time constant tau.

    With R the total resistance, tau = C Rs Rm / R and Q = step C (Rm / R)^2, so that tau step / Q = Rs R / Rm. With
    several exponentials tau is their mean by charge; a cell with dendrites has no one time constant, and this
    underestimates its access resistance.
    """
    last = len(response) - 1
    charge = float(response.sum() - 0.5 * response[last]) / rate - decay.steady * (last / rate - delay)
    pairs = list(zip(decay.sizes, decay.taus, strict=True))
    tau = sum(a * t * t for a, t in pairs) / sum(a * t for a, t in pairs)
    ratio = tau / charge if charge > 0 else float("nan")
    total = 1 / decay.steady
    return ratio * total / (total + ratio)


def _fast_size(response: NDArray[np.float64], rate: float, decay: Decay, delay: float) -> float:
    """Return the size at the edge of the fastest exponential, from its charge."""
    tau = decay.taus[0]
    last = min(samples(delay + FAST_PART * tau, rate), len(response) - 1)
    summed = float(response[:last].sum() + 0.5 * response[last]) / rate
    span = last / rate - delay
    others = zip(decay.sizes[1:], decay.taus[1:], strict=True)
    slower = decay.steady * span + sum(a * t * -np.expm1(-span / t) for a, t in others)
    return float((summed - slower) / (tau * -np.expm1(-span / tau)))


def fit_decay(y: NDArray[np.float64], rate: float, delay: float) -> Decay | None:
    """Return one or two falling exponentials and a constant for `y` (samples,), counted from its first sample.

    Time constants are searched on a grid that is refined around the best; sizes follow by least squares. The second
    exponential is kept if it explains more than noise. None if nothing falls.
    """
    first = int(np.ceil(SETTLED * delay * rate)) + 1
    if len(y) - first < 20:
        return None
    t = np.arange(first, len(y)) / rate - delay
    tail = y[first:]
    slowest = SLOWEST * len(y) / rate
    one = _best(t, tail, (max(FASTEST, 1 / rate), slowest), 1)
    two = _best(t, tail, (max(FASTEST, 2 / rate, RESOLVED * delay), slowest), 2)
    if one is None or two is None:
        return one or two
    # neighbouring samples are correlated by the filter; a delay holds about one independent value
    independent = len(tail) / max(1.0, delay * rate)
    floor = NEGLIGIBLE * float(tail @ tail)
    gain = independent * np.log((one.misfit + floor) / (two.misfit + floor))
    return two if gain > BEYOND_NOISE else one


def _best(t: NDArray[np.float64], y: NDArray[np.float64], range_: tuple[float, float], count: int) -> Decay | None:
    """Return the best fit with `count` exponentials, by a grid that narrows around its best point."""
    grids = [np.geomspace(*range_, 16)] * count
    best: Decay | None = None
    for _ in range(5):
        fit = _on_grid(t, y, grids)
        if fit is None:
            return best
        if best is None or fit.misfit <= best.misfit:
            best = fit
        wide = [(g[1] / g[0]) for g in grids]
        grids = [
            np.geomspace(max(tau / w, range_[0]), min(tau * w, range_[1]), 9)
            for tau, w in zip(best.taus, wide, strict=True)
        ]
    return best


def _on_grid(t: NDArray[np.float64], y: NDArray[np.float64], grids: list[NDArray[np.float64]]) -> Decay | None:
    """Return the best fit whose time constants are on `grids`, all sizes falling; None if there is none."""
    taus = np.stack(np.meshgrid(*grids, indexing="ij"), axis=-1).reshape(-1, len(grids))
    if len(grids) > 1:
        taus = taus[taus[:, 1] >= APART * taus[:, 0]]
    if not len(taus):
        return None
    unique, where = np.unique(taus, return_inverse=True)
    shapes = np.vstack([np.exp(-t / unique[:, None]), np.ones_like(t)])
    gram, target = shapes @ shapes.T, shapes @ y
    index = np.column_stack([where.reshape(taus.shape), np.full(len(taus), len(unique))])
    wanted = target[index]
    sizes = np.linalg.solve(gram[index[:, :, None], index[:, None, :]], wanted[..., None])[..., 0]
    misfit = float(y @ y) - np.einsum("ij,ij->i", sizes, wanted)
    misfit[(sizes[:, :-1] <= 0).any(axis=1)] = np.inf
    at = int(np.argmin(misfit))
    if not np.isfinite(misfit[at]):
        return None
    exact = float(np.sum((y - sizes[at] @ shapes[index[at]]) ** 2))
    return Decay(float(sizes[at, -1]), tuple(sizes[at, :-1].tolist()), tuple(taus[at].tolist()), exact)


def input_resistance(before: NDArray[np.float64], settled: NDArray[np.float64], amplitude: float) -> float:
    """Return Rin, ohms, from the potential before a current pulse and at its end (V) and its `amplitude` (A)."""
    return float((settled.mean() - before.mean()) / amplitude)


def edge_jump(v: NDArray[np.float64], rate: float, *, edge: int, delay: float) -> float:
    """Return the instantaneous jump of `v` (samples,), V, at sample `edge`: the electrode's part of the response.

    The cell charges within milliseconds of a current step, its soma faster than its dendrites, while the electrode
    answers at once. The charging from 0.3 to 3 ms is fitted by an exponential on a slope and extrapolated to the edge.
    """
    rest = v[edge - samples(BEFORE_JUMP, rate) : edge]
    first, stop = (samples(x + delay, rate) for x in JUMP)
    y = v[edge + first : edge + stop] - rest.mean()
    shapes, solvers = _lines_and_curves(first, stop, rate, delay)
    sizes = solvers @ y
    misfits = ((y - (shapes @ sizes[:, :, None])[:, :, 0]) ** 2).sum(axis=1)
    return float(sizes[int(np.argmin(misfits)), 0])


@cache
def _lines_and_curves(
    first: int, stop: int, rate: float, delay: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return `a + b t + c (1 - exp(-t / tau))` for eight time constants, (8, n, 3), and what solves for a, b, c."""
    t = np.arange(first, stop) / rate - delay
    taus = np.geomspace(0.4e-3, 3e-3, 8)
    shapes = np.stack([np.column_stack([np.ones_like(t), t, -np.expm1(-t / tau)]) for tau in taus])
    return shapes, np.linalg.pinv(shapes)
