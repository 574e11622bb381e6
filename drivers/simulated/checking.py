"""Whether a rig file's 'simulation' means a neuron that can live: asked before anything is opened."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from drivers.simulated.cell import preset
from drivers.simulated.population import population
from drivers.simulated.settings import KEY, Simulation, explained
from protocols.errors import HardwareError
from protocols.marks import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

POSITIVE = ("capacitance_", "coupling", "_tau", "_slope", "_fastest", "sk_half", "ahp_half")
"""Parts of names of parameters by which the equations divide."""
NOT_NEGATIVE = ("g_", "leak_soma", "leak_dendrite", "ca_rest", "_per_charge", "_share")
COLDEST, WARMEST = 0.0, 45.0
"""degC at which a parameter set may have been measured."""
LOWEST, HIGHEST = -150.0, 150.0
"""mV."""


def mistakes(written: Mapping[str, Any]) -> list[Finding]:
    """Return what is wrong with 'simulation', each with its path in the rig file."""
    try:
        made = Simulation.model_validate(dict(written))
    except ValidationError as error:
        return explained(error, written)
    return list(_without_life(made))


def _without_life(made: Simulation) -> Iterator[Finding]:
    try:
        kind = population(made.population)
    except HardwareError as error:
        yield Finding((KEY, "population"), _reason(error))
        return
    try:
        preset(made.cell or kind.cell)
    except HardwareError as error:
        yield Finding((KEY, "cell"), _reason(error))
        return
    for key, value in made.parameters.items():
        if words := _impossible(made.cell or kind.cell, key, value):
            yield Finding((KEY, "parameters", key), words)


def _impossible(cell: str, key: str, value: float) -> str | None:
    """Return why a parameter cannot have this value."""
    try:
        preset(cell, {key: value})
    except HardwareError as error:
        return _reason(error)
    usual, (low, is_within) = getattr(preset(cell), key), _range(key)
    if math.isfinite(value) and is_within(value):
        return None
    return f"{value:g} is no '{key}' that a cell can have: it must be {low}, such as {usual:g}"


def _reason(error: HardwareError) -> str:
    return str(error).removeprefix(f"{error.device}: ")


def _range(key: str) -> tuple[str, Any]:
    """Return in words, and as a test, what a parameter may be."""
    if any(part in key for part in POSITIVE):
        return "more than 0", lambda x: x > 0
    if key.startswith(NOT_NEGATIVE) or key.endswith(NOT_NEGATIVE):
        return "0 or more", lambda x: x >= 0
    if key == "temperature":
        return f"{COLDEST:g} to {WARMEST:g} degC", lambda x: COLDEST <= x <= WARMEST
    return f"{LOWEST:g} to {HIGHEST:g} mV", lambda x: LOWEST <= x <= HIGHEST
