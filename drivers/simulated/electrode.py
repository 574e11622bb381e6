"""Where the pipette is at the start: in the bath, sealed onto the cell, or in whole-cell configuration.

From the bath to the cell the compiled loop counts the milliseconds itself (`to_touch`, `to_break_in`), so that a run
cut into blocks of any size gives the same samples. A test pulse then shows the tip's few MOhm, gigaohms, and at last
the transient of the cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.simulated.cell import resting_potential, steady_state
from drivers.simulated.packing import TICK

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from drivers.simulated.cell import Cell, SteadyState
    from drivers.simulated.settings import Simulation

ON_CELL = 1e6
"""MOhm through an intact patch of membrane: nothing of the cell is seen."""
MOST_BALANCED = 1e9
"""Ohms that a bridge can be set to."""


def steady_start(cell: Cell, settings: Simulation, holding: float) -> SteadyState:
    """Return where the cell stands at first: at `holding` V under the pipette's control, at rest without it."""
    return steady_state(cell, holding * 1e3 if settings.start == "cell" else resting_potential(cell))


def put(state: NDArray[np.void], settings: Simulation) -> None:
    """Put the pipette where the settings have it at the start; `state` is one record that means whole cell."""
    if settings.start == "cell":
        return
    state["access"], state["to_break_in"] = ON_CELL, _ticks(float(settings.break_in_at))
    if settings.start == "bath":
        state["to_touch"] = _ticks(float(settings.touch_at))
        state["tip_leak"] = 1e9 / float(settings.pipette_resistance)
        # the offset was zeroed in the bath, where the junction is; it goes when the tip touches the cell
        state["tip_offset"] = float(settings.junction_potential) * 1e3


def in_series(state: NDArray[np.void]) -> float:
    """Return the ohms that a bridge balances: of the access, or of the open tip."""
    siemens = 1e-6 / float(state["access"][0]) + 1e-9 * float(state["tip_leak"][0])
    return min(1 / siemens, MOST_BALANCED)


def _ticks(seconds: float) -> int:
    return max(1, round(seconds * 1e3 / TICK))
