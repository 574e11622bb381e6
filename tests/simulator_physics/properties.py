"""What a physiologist measures of a cell, measured of the simulated one: no noise, no electrode. mV, ms, pA, MOhm."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from drivers.simulated.cell import resting_potential
from tests.simulator_physics.bare import Bare, rectangle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drivers.simulated.cell import Cell

DT = 0.025
BEFORE, WIDTH = 20.0, 150.0
UPSTROKE = 20.0
"""V/s: the threshold of an action potential is where its slope passes this."""
BLOCK = 0.86
"""Of the L-type conductance: what 1 uM of a blocker with an IC50 of 100 nM and an efficacy of 0.95 takes."""


@dataclass(frozen=True)
class ActionPotential:
    """One spike."""

    threshold: float
    peak: float
    half_width: float
    """At half the height from threshold to peak."""
    upstroke: float
    """Steepest slope, V/s."""
    downstroke: float
    trough: float
    """Lowest potential within 5 ms of the peak."""


@dataclass(frozen=True)
class AfterPotential:
    """What follows the step, relative to the baseline before it."""

    medium: float
    """The lowest potential within 250 ms."""
    early: float
    """Mean of 50 to 100 ms, where SK has its largest part."""
    half_second: float
    one_second: float
    two_seconds: float
    six_seconds: float
    area: float
    """From 10 ms to 2 s, mV s."""
    decay: float
    """Time constant from 1 to 3 s, s."""


def in_apamin(cell: Cell) -> Cell:
    """Return the cell with what 100 nM apamin leaves of SK, as in compounds.toml."""
    return replace(cell, g_sk=cell.g_sk * 0.03)


def blocked(cell: Cell, part: float = BLOCK) -> Cell:
    """Return the cell with `part` of its L-type conductance gone."""
    return replace(cell, g_l_type=cell.g_l_type * (1 - part))


def response(
    cell: Cell, step: float, *, width: float = WIDTH, after: float = 30.0, dt: float = DT, holding: float = -60.0
) -> NDArray[np.float64]:
    """Return the soma's potential, from `holding`, `BEFORE` ms before the step on."""
    bare = Bare(cell, dt, holding=holding)
    return bare.play(rectangle(dt, before=BEFORE, width=width, after=after, level=bare.level, step=step))


def spike_times(v: NDArray[np.float64], dt: float = DT) -> NDArray[np.float64]:
    """Return upward crossings of -10 mV, ms from the step's onset."""
    k = np.flatnonzero((v[:-1] < -10) & (v[1:] >= -10))
    return np.asarray((k + 1 + (-10 - v[k]) / (v[k + 1] - v[k])) * dt - BEFORE)


def first_interval(cell: Cell, step: float) -> float:
    """Return the time between the first two spikes of a step, ms; infinite where there are none."""
    times = spike_times(response(cell, step))
    return float(times[1] - times[0]) if len(times) > 1 else float("inf")


def peak_lost(cell: Cell, step: float, width: float = 800.0) -> float:
    """Return the peak of the first spike in a step of `width` ms less that of the smallest, mV."""
    peaks = [spike.peak for spike in action_potentials(response(cell, step, width=width))]
    return peaks[0] - min(peaks)


def count(cell: Cell, step: float, width: float = WIDTH) -> int:
    """Return the spikes until 5 ms after the end of a step of `step` pA."""
    return int(np.sum(spike_times(response(cell, step, width=width)) < width + 5))


def action_potentials(v: NDArray[np.float64], dt: float = DT) -> list[ActionPotential]:
    """Return the spikes in `v`."""
    slope = np.gradient(v, dt)
    return [_spike(v, slope, k, dt) for k in np.flatnonzero((v[:-1] < -10) & (v[1:] >= -10))]


def _spike(v: NDArray[np.float64], slope: NDArray[np.float64], crossing: int, dt: float) -> ActionPotential:
    ms = round(1 / dt)
    begin = crossing - int(np.argmax(slope[crossing::-1] < UPSTROKE))
    peak = crossing + int(np.argmax(v[crossing : crossing + 3 * ms]))
    half = 0.5 * (v[begin] + v[peak])
    up = np.interp(half, v[begin : peak + 1], np.arange(begin, peak + 1))
    end = peak + int(np.argmax(v[peak:] < half))
    down = end - (half - v[end]) / (v[end - 1] - v[end])
    return ActionPotential(
        threshold=float(v[begin]),
        peak=float(v[peak]),
        half_width=float((down - up) * dt),
        upstroke=float(slope[begin : peak + 1].max()),
        downstroke=float(slope[peak : peak + 3 * ms].min()),
        trough=float(v[peak : peak + 5 * ms].min()),
    )


def after_potential(cell: Cell, step: float = 300.0) -> AfterPotential:
    """Return what follows a step of 150 ms."""
    v = response(cell, step, after=6100.0)
    y = v - v[: round(BEFORE / DT)].mean()

    def part(start: float, stop: float) -> NDArray[np.float64]:
        return y[round((BEFORE + WIDTH + start) / DT) : round((BEFORE + WIDTH + stop) / DT)]

    one, three = part(950, 1050).mean(), part(2950, 3050).mean()
    return AfterPotential(
        medium=float(part(5, 250).min()),
        early=float(part(50, 100).mean()),
        half_second=float(part(450, 550).mean()),
        one_second=float(one),
        two_seconds=float(part(1950, 2050).mean()),
        six_seconds=float(part(5950, 6050).mean()),
        area=float(part(10, 2000).sum() * DT * 1e-3),
        decay=float(2.0 / np.log(one / three)),
    )


@dataclass(frozen=True)
class Deflection:
    """The answer to 600 ms of current below threshold, relative to the potential before it."""

    peak: float
    """The deepest point."""
    steady: float
    """Mean of the last 50 ms."""
    rise: float
    """Time to 63 % of the deepest point, ms."""

    @property
    def sag(self) -> float:
        """Part of the deepest deflection that is gone at the end."""
        return 1 - self.steady / self.peak


def deflection(cell: Cell, step: float, *, holding: float) -> Deflection:
    """Return the answer to `step` pA (negative) from `holding`."""
    v = response(cell, step, width=600.0, holding=holding)
    y = (v - v[: round(BEFORE / DT)].mean())[round(BEFORE / DT) : round((BEFORE + 600) / DT)]
    peak = float(y.min())
    return Deflection(peak, float(y[-round(50 / DT) :].mean()), float(np.argmax(y < 0.632 * peak) * DT))


def sag(cell: Cell, *, to: float = -90.0) -> float:
    """Return the sag from rest of a step whose deepest point is near `to`."""
    rest, step = resting_potential(cell), -100.0
    for _ in range(3):
        found = deflection(cell, step, holding=rest)
        step *= (to - rest) / found.peak
    return found.sag


@dataclass(frozen=True)
class Passive:
    """Below threshold; resistances steady, for -50 pA for 600 ms."""

    rest: float
    input_resistance: float
    """From rest."""
    held_resistance: float
    """From -60 mV."""
    deep_resistance: float
    """From -80 mV."""
    time_constant: float
    """From rest, to 63 % of the deepest point."""
    sag: float
    """From rest to -90 mV."""


def passive(cell: Cell) -> Passive:
    """Return the passive properties."""
    rest = resting_potential(cell)
    at_rest = deflection(cell, -50.0, holding=rest)
    held, deep = (deflection(cell, -50.0, holding=holding).steady / -0.05 for holding in (-60.0, -80.0))
    return Passive(rest, at_rest.steady / -0.05, held, deep, at_rest.rise, sag(cell))
