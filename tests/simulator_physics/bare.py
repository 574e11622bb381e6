"""The compiled loop with nothing around the cell: no seal, no stray capacitance, no noise, no drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from drivers.simulated import kernel
from drivers.simulated.cell import steady_state
from drivers.simulated.packing import Knobs, pack
from drivers.simulated.pharmacology import drug_table
from drivers.simulated.rates import table
from drivers.simulated.settings import Simulation
from drivers.simulated.truth import STILL
from drivers.simulated.world import fresh_state
from protocols.quantities import Capacitance, Percent, Resistance
from tests.simulator_physics.equations import Trace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drivers.simulated.cell import Cell

ACCESS = 12.0
"""MOhm."""
SETTINGS = Simulation().model_copy(
    update={
        **STILL,
        "variability": Percent(0.0),
        "epsp_rate": None,
        "seal": Resistance(1e18),
        # so small that the amplifier's neutralisation takes all of it, lag included
        "pipette_capacitance": Capacitance(0.1e-12),
        "capacitance_compensation": Capacitance(0.1e-12),
    }
)


class Bare:
    """One cell in the loop, from its steady state at `holding` mV; `dt` in ms."""

    def __init__(self, cell: Cell, dt: float, *, clamped: bool = False, holding: float = -60.0) -> None:
        """Current clamp, or voltage clamp through `ACCESS`."""
        self.cell, self.dt, self.clamped = cell, dt, clamped
        self.steady = steady_state(cell, holding)
        through = self.steady.current * ACCESS * 1e-3
        # pipette in balance: in either mode the soma stays at `holding` until a command changes
        self.level = holding + through if clamped else self.steady.current
        self.state = fresh_state(self.steady, pipette=holding + through, access=ACCESS, seed=1)
        self._parameters = pack(cell, SETTINGS, Knobs.of(SETTINGS), rate=1e3 / dt, substeps=1)
        self._table, self._drugs = table(cell, dt), drug_table()

    def play(self, commands: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the soma at the end of each step, mV; `commands` are pA or mV, one a step."""
        soma = np.empty(len(commands))
        kernel.run(
            self.state, self._parameters, self._drugs, self._table, self.clamped, commands,
            np.empty((0, 2)), np.empty((0, len(commands)), np.int16), soma,
        )  # fmt: skip
        return soma

    def steps(self, commands: NDArray[np.float64]) -> NDArray[np.void]:
        """Return the whole state at the start and after each step, (steps + 1,) records; slow."""
        states: list[Any] = [self.state.copy()]
        for command in commands:
            self.play(np.array([command]))
            states.append(self.state.copy())
        return np.concatenate(states)


def rectangle(
    dt: float, *, before: float, width: float, after: float, level: float, step: float
) -> NDArray[np.float64]:
    """Return a command of `level` with `step` added in its middle; times in ms."""
    parts = (round(before / dt), round(width / dt), round(after / dt))
    return np.repeat([level, level + step, level], parts)


def burst(cell: Cell, step: float, dt: float, *, before: float, width: float, after: float) -> Trace:
    """Return the loop's answer to what `equations.solved` is asked."""
    bare = Bare(cell, dt)
    command = rectangle(dt, before=before, width=width, after=after, level=bare.level, step=step)
    soma = bare.play(command)
    return Trace(np.arange(len(soma) + 1) * dt, np.concatenate([[bare.steady.soma], soma]))
