"""What drugs do to the simulated cell: concentration -> part of a named conductance, and how fast it comes and goes."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from drivers.simulated import kernel
from drivers.simulated.packing import TICK
from drivers.simulated.records import CONDUCTANCES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from drivers.base import Filling


@dataclass(frozen=True)
class Action:
    """What one drug does to one conductance; SI."""

    conductance: str
    """One of `records.CONDUCTANCES`."""
    half: float
    """Half-effective concentration at -60 mV, mol/L: the IC50 of a blocker, the EC50 of an agonist."""
    effect: float
    """Relative change of the conductance by a saturating concentration; block is negative, -1 all of it."""
    hill: float = 1.0
    selectivity: float = 1.0
    """How many times as tightly inactivated channels bind as resting ones; 1 is no dependence on potential."""

    def __post_init__(self) -> None:
        """Refuse a conductance that the cell does not have."""
        if self.conductance not in CONDUCTANCES:
            raise ValueError(f"'{self.conductance}' is none of {', '.join(CONDUCTANCES)}")

    def left(self, concentration: float) -> float:
        """Return the part of the conductance that is left at `concentration` mol/L, at -60 mV in the steady state."""
        taken = math.pow(concentration / self.half, self.hill)
        return 1 + self.effect * taken / (1 + taken)


@dataclass(frozen=True)
class Compound:
    """One drug: its names, its kinetics in the slice behind the bath, and all that it does; SI."""

    names: tuple[str, ...]
    wash_in: float
    wash_out: float
    acts: tuple[Action, ...]
    kept: float = 0.0
    """Part of the greatest concentration at the channel that never leaves."""

    def left(self, conductance: str, concentration: float) -> float:
        """Return the part of a conductance that is left at `concentration` mol/L, at -60 mV in the steady state."""
        return math.prod(a.left(concentration) for a in self.acts if a.conductance == conductance)


def compounds() -> tuple[Compound, ...]:
    """Return the drugs that are known to act."""
    text = files("drivers.simulated").joinpath("compounds.toml").read_text(encoding="utf-8")
    return tuple(_compound(entry) for entry in tomllib.loads(text).values())


def _compound(entry: Mapping[str, Any]) -> Compound:
    acts = tuple(Action(**action) for action in entry["acts"])
    return Compound(**{**entry, "names": tuple(entry["names"]), "acts": acts})


def compound(name: str | None, among: Sequence[Compound] | None = None) -> Compound | None:
    """Return the drug that `name` means; None for a vehicle and for everything unknown, which does nothing."""
    plain = " ".join((name or "").split()).casefold()
    return next((c for c in among or compounds() if plain in (n.casefold() for n in c.names)), None)


def drug_table(drugs: Sequence[Compound] | None = None) -> NDArray[np.float64]:
    """Return the kernel's drugs, (actions of all compounds, 12), none of them in the bath.

    `drugs` are all of `compounds()`, in order, as one cell answers to them; by default as the file has them.
    """
    return np.array([_row(drug, action) for drug in drugs or compounds() for action in drug.acts])


def _row(drug: Compound, action: Action) -> NDArray[np.float64]:
    row = np.zeros(12)
    row[kernel.ON] = 1 - math.exp(-TICK * 1e-3 / drug.wash_in)
    row[kernel.OFF] = 1 - math.exp(-TICK * 1e-3 / drug.wash_out)
    row[kernel.KEPT], row[kernel.HALF], row[kernel.HILL] = drug.kept, action.half * 1e6, action.hill
    row[kernel.EFFECT], row[kernel.SELECTIVITY] = action.effect, action.selectivity
    row[kernel.CONDUCTANCE] = CONDUCTANCES.index(action.conductance)
    return row


def concentrations(filling: Filling) -> NDArray[np.float64]:
    """Return what `filling` brings of the drug in each row of the kernel's table, µM."""
    flowing = compound(filling.compound)
    return np.array([filling.concentration * 1e6 if c == flowing else 0.0 for c in compounds() for _ in c.acts])
