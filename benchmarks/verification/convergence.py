"""One burst, solved by LSODA to ten digits, by NEURON and by the suite's loop at several steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.verification import neuron_cell
from benchmarks.verification.neuron_cell import Method
from tests.simulator_physics import bare, equations

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drivers.simulated.cell import Cell
    from tests.simulator_physics.equations import Trace

BEFORE, WIDTH, AFTER = 50.0, 150.0, 800.0
"""ms."""
STEPS = (0.05, 0.025, 0.0125, 0.00625, 0.003125)
"""ms."""


@dataclass(frozen=True)
class Error:
    """How far a method is from LSODA."""

    name: str
    spikes: NDArray[np.float64]
    """Per action potential, µs; nan where one is missing."""
    ahp: float
    """Largest difference from 60 ms after the step on, mV."""
    burst: float
    """RMS over the step, mV."""
    first: float
    """RMS from the step on until 3 ms after the first action potential, mV."""


def reference(cell: Cell, step: float) -> Trace:
    """Return LSODA's answer."""
    return equations.solved(cell, step, before=BEFORE, width=WIDTH, after=AFTER)


def compare(name: str, trace: Trace, exact: Trace, *, before: float = BEFORE, after: float = AFTER) -> Error:
    """Return how far `trace` is from `exact`; `before` and `after` the step, ms."""
    wanted, found = exact.crossings(), trace.crossings()
    spikes = np.full(len(wanted), np.nan)
    if len(found) == len(wanted):
        spikes = (found - wanted) * 1e3
    during = np.arange(before, before + WIDTH, 0.1)
    late = np.arange(before + WIDTH + 60.0, before + WIDTH + after - 1.0, 0.1)
    return Error(
        name,
        spikes,
        ahp=float(np.abs(trace.at(late) - exact.at(late)).max()),
        burst=_rms(trace, exact, during),
        first=_rms(trace, exact, during[during < wanted[0] + 3.0]),
    )


def _rms(trace: Trace, exact: Trace, times: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean((trace.at(times) - exact.at(times)) ** 2)))


def ours(cell: Cell, step: float, exact: Trace) -> list[Error]:
    """Return the loop's errors, coarsest step first."""
    traces = ((dt, bare.burst(cell, step, dt, before=BEFORE, width=WIDTH, after=AFTER)) for dt in STEPS)
    return [compare(f"patchrig, {dt * 1e3:g} µs", trace, exact) for dt, trace in traces]


def neurons(cell: Cell, step: float, exact: Trace) -> list[Error]:
    """Return NEURON's errors: variable step, second order, and its default."""
    methods = {
        "NEURON, variable step, 1e-9": Method(tolerance=1e-9),
        **{f"NEURON, second order, {dt * 1e3:g} µs": Method(dt) for dt in STEPS[:4]},
        **{f"NEURON, default, {dt * 1e3:g} µs": Method(dt, order=0) for dt in STEPS[:2]},
    }
    return [
        compare(
            name,
            neuron_cell.burst(cell, step, before=BEFORE, width=WIDTH, after=AFTER, method=method),
            exact,
        )
        for name, method in methods.items()
    ]
