"""The bath: what flows into it, what the drug in it does, how warm it is."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from drivers.base import Filling, Perfusion, Thermometer
from drivers.simulated import kernel
from drivers.simulated.packing import TICK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from config.rig import PerfusionEntry
    from drivers.clock import Clock
    from drivers.simulated.world import World

WANDER = ((0.07, 310.0), (0.03, 47.0))
"""degC and seconds per turn of the thermometer's slow waves."""


@dataclass(frozen=True)
class Compound:
    """What one drug does at the L-type channel; SI."""

    names: tuple[str, ...]
    ic50: float
    efficacy: float
    wash_in: float
    wash_out: float

    def unblocked(self, concentration: float) -> float:
        """Return the part of the conductance that is left at `concentration` mol/L, in the steady state."""
        return 1 - self.efficacy * concentration / (concentration + self.ic50)


def compounds() -> tuple[Compound, ...]:
    """Return the drugs that are known to act; the row of each in `drug_table` is its place here."""
    text = files("drivers.simulated").joinpath("compounds.toml").read_text(encoding="utf-8")
    return tuple(Compound(**{**entry, "names": tuple(entry["names"])}) for entry in tomllib.loads(text).values())


def compound(name: str | None) -> Compound | None:
    """Return the drug that `name` means; None for a vehicle and for everything unknown, which does nothing."""
    plain = " ".join((name or "").split()).casefold()
    return next((c for c in compounds() if plain in (n.casefold() for n in c.names)), None)


def drug_table() -> NDArray[np.float64]:
    """Return the kernel's drugs, (compounds, 7), none of them in the bath."""
    rows = np.zeros((len(compounds()), 7))
    for row, drug in zip(rows, compounds(), strict=True):
        row[kernel.IC50], row[kernel.EFFICACY] = drug.ic50 * 1e6, drug.efficacy
        row[kernel.ON] = 1 - math.exp(-TICK * 1e-3 / drug.wash_in)
        row[kernel.OFF] = 1 - math.exp(-TICK * 1e-3 / drug.wash_out)
    return rows


def concentrations(filling: Filling) -> NDArray[np.float64]:
    """Return what `filling` brings of each known drug, µM."""
    flowing = compound(filling.compound)
    return np.array([filling.concentration * 1e6 if c == flowing else 0.0 for c in compounds()])


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
