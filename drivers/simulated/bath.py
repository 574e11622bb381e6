"""The bath: what flows into it and how warm it is."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING

from drivers.base import Filling, Perfusion, Thermometer
from drivers.simulated.pharmacology import concentrations

if TYPE_CHECKING:
    from config.rig import PerfusionEntry
    from drivers.clock import Clock
    from drivers.simulated.world import World

WANDER = ((0.07, 310.0), (0.03, 47.0))
"""degC and seconds per turn of the thermometer's slow waves."""


class SimulatedPerfusion(Perfusion):
    """Valves whose solutions need the rig's dead time to reach the bath."""

    needs_wall_time = False

    def __init__(self, entry: PerfusionEntry, world: World, *, line: str) -> None:
        """Take the rig's lines; `line` is open at the start."""
        super().__init__(tuple(entry.lines), float(entry.dead_time))
        self.name = "perfusion"
        self._world, self._selected = world, line

    def selected(self) -> str:
        """Return the open line."""
        return self._selected

    def _select(self, line: str) -> None:
        self._selected = line
        filling = self.fillings.get(line, Filling(line))
        self._world.flow(concentrations(filling), after=self.dead_time)


class SimulatedThermometer(Thermometer):
    """A bath that is kept at its temperature as well as baths are."""

    needs_wall_time = False

    def __init__(self, temperature: float, clock: Clock, *, seed: int) -> None:
        """Keep `temperature`, degC."""
        self.name = "thermometer"
        self._temperature, self._clock = temperature, clock
        random = Random(f"bath {seed}")
        self._phases = [random.random() for _ in WANDER]

    def read(self) -> float:
        """Return degC now: the nominal value with slow waves of 0.1 degC."""
        now = self._clock.now()
        waves = (
            size * math.sin(2 * math.pi * (now / period + phase))
            for (size, period), phase in zip(WANDER, self._phases, strict=True)
        )
        return self._temperature + sum(waves)
