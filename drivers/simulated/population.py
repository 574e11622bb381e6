"""Cells and recordings differ: named populations, from which a seed draws one neuron and how its recording goes."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, field, replace
from importlib.resources import files
from random import Random
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from drivers.simulated.cell import at_temperature, preset
from drivers.simulated.pharmacology import compounds
from protocols.errors import HardwareError
from protocols.explaining import did_you_mean
from protocols.quantities import Current, Duration, Frequency, Percent, Resistance, Voltage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drivers.simulated.cell import Cell
    from drivers.simulated.pharmacology import Action, Compound
    from drivers.simulated.settings import Simulation

TEN_MINUTES = 600.0
"""s."""


def _run_down(loss: float) -> Duration | None:
    """Return the time constant, s, of a loss of this fraction in 10 min; None without loss."""
    return Duration(-TEN_MINUTES / math.log1p(-loss)) if 0 < loss < 1 else None


RECORDING: Mapping[str, Callable[[float], object]] = {
    "series_resistance": Resistance,
    "series_resistance_drift": Percent,
    "seal": Resistance,
    "rest_drift": Voltage,
    "sahp_run_down": _run_down,
    "run_down": _run_down,
    "epsp_rate": Frequency,
    "spontaneous_spikes": Frequency,
    "membrane_fluctuation": Current,
}
"""Settings that a population draws where the rig file leaves them out, and what makes a setting of the number drawn."""


@dataclass(frozen=True)
class Spread:
    """Parameters of the cell that differ together: all by the same factor, or all by the same shift."""

    parameters: tuple[str, ...]
    factor: float = 0.0
    """SD of the factor's logarithm."""
    shift: float = 0.0
    """SD of the shift, in the parameters' unit."""

    def moved(self, cell: Cell, z: float) -> Cell:
        """Return `cell` at `z` SDs."""
        factor, shift = math.exp(self.factor * z), self.shift * z
        return replace(cell, **{p: getattr(cell, p) * factor + shift for p in self.parameters})


@dataclass(frozen=True)
class Drawn:
    """How one setting of the recording differs between cells: by a factor around `median`, or by shifts of `sd`."""

    median: float
    factor: float = 0.0
    """SD of the factor's logarithm."""
    sd: float = 0.0

    def at(self, z: float) -> float:
        """Return the value at `z` SDs."""
        return self.median * math.exp(self.factor * z) + self.sd * z


@dataclass(frozen=True)
class Answers:
    """How differently the cells answer to the same concentration of a drug."""

    half: float = 0.0
    """SD of the logarithm of a factor on half-effective concentrations."""
    resistance: float = 0.0
    """SD of the logarithm of a factor on the logarithm of the part that a saturating blocker takes."""

    def of(self, drug: Compound, half: float, resistance: float) -> Compound:
        """Return `drug` as a cell feels it that is so many SDs from the middle."""
        factor, power = math.exp(self.half * half), math.exp(self.resistance * resistance)
        return replace(drug, acts=tuple(_felt(action, factor, power) for action in drug.acts))


def _felt(action: Action, factor: float, power: float) -> Action:
    """Return `action` at `factor` of its half-effective concentration; a block stays between none and all."""
    block = -((-action.effect) ** power) if action.effect < 0 else action.effect
    return replace(action, half=action.half * factor, effect=block)


@dataclass(frozen=True)
class Population:
    """Neurons of one kind."""

    cell: str
    """The preset in the middle."""
    about: str
    """What it stands for, in a line."""
    times: Mapping[str, float] = field(default_factory=dict)
    """What the middle has of the preset's parameters."""
    spreads: tuple[Spread, ...] = ()
    recording: Mapping[str, Drawn] = field(default_factory=dict)
    drugs: Answers = Answers()

    def middle(self, cell: Cell) -> Cell:
        """Return `cell` with this population's multiples of its parameters."""
        return replace(cell, **{name: getattr(cell, name) * times for name, times in self.times.items()})


def populations() -> dict[str, Population]:
    """Return the named populations that come with the suite."""
    text = files("drivers.simulated").joinpath("populations.toml").read_text(encoding="utf-8")
    return {name: _population(entry) for name, entry in tomllib.loads(text).items()}


def _population(entry: Mapping[str, Any]) -> Population:
    spreads = tuple(Spread(**{**s, "parameters": tuple(s["parameters"])}) for s in entry["spreads"])
    recording = {key: Drawn(**values) for key, values in entry["recording"].items()}
    drugs = Answers(**entry["drugs"])
    return Population(**{**entry, "spreads": spreads, "recording": recording, "drugs": drugs})


def population(name: str) -> Population:
    """Return the population called `name`.

    Raises
    ------
    HardwareError
        There is none; the message names what there is.
    """
    known = populations()
    if name not in known:
        raise HardwareError("simulated cell", f"there is no population '{name}'{did_you_mean(name, known)}")
    return known[name]


def cell_of(settings: Simulation, seed: int) -> Cell:
    """Return the neuron that `seed` means under `settings`, at the temperature of its bath."""
    kind = population(settings.population)
    cell = kind.middle(preset(settings.cell or kind.cell, settings.parameters))
    draw = _normals(f"cell {seed}", float(settings.variability))
    for spread in kind.spreads:
        cell = spread.moved(cell, draw())
    return at_temperature(cell, float(settings.temperature))


def recording_of(settings: Simulation, seed: int) -> Simulation:
    """Return `settings` with what they leave out as the recording of cell `seed` has it.

    What is written in the rig file holds; without variability nothing is drawn.
    """
    if not settings.variability:
        return settings
    draw = _normals(f"recording {seed}", float(settings.variability))
    drawn = {key: (one, draw()) for key, one in population(settings.population).recording.items()}
    left_out = {key: one.at(z) for key, (one, z) in drawn.items() if key not in settings.model_fields_set}
    return settings.model_copy(update={key: RECORDING[key](value) for key, value in left_out.items()})


def drugs_of(settings: Simulation, seed: int) -> tuple[Compound, ...]:
    """Return the drugs that are known to act, as the neuron that `seed` means answers to them."""
    answers, draw = population(settings.population).drugs, _normals(f"drugs {seed}", float(settings.variability))
    return tuple(answers.of(drug, draw(), draw()) for drug in compounds())


def _normals(key: str, spread: float) -> Callable[[], float]:
    """Return a function that draws numbers of SD `spread`."""
    # random() of Python's own generator is promised to stay the same over versions; NumPy's streams are not
    random, normal = Random(key), NormalDist().inv_cdf
    return lambda: spread * normal(max(random.random(), 1e-12))
