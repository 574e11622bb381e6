"""Are these numbers what the file calls them? Units and gains in files of other programs are often wrong.

On a rig of ours the units come from the rig file and the amplifier's telegraph; here nothing but the numbers speaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from protocols.sweeps import Unit


@dataclass(frozen=True)
class Plausible:
    """Ranges that a whole-cell recording of a neuron stays in, SI."""

    baseline: tuple[float, float] = (-100e-3, -20e-3)
    """Of the potential at rest or at the holding current."""
    range: float = 250e-3
    """Highest minus lowest potential: nothing alive and no step artefact that can be measured goes further."""
    spike_height: tuple[float, float] = (40e-3, 140e-3)
    """Median over sweeps, from threshold to peak."""
    current: float = 20e-9
    """Command, either way: whole-cell headstages with a 500 MOhm feedback stop there."""
    potential: float = 250e-3
    """Command in voltage clamp, either way."""


PLAUSIBLE = Plausible()


def doubts(
    mode: ClampMode,
    values: NDArray[np.float64],
    *,
    baseline: NDArray[np.float64] | None = None,
    command_unit: Unit | None = None,
    command: tuple[float, float] | None = None,
    spike_heights: Sequence[float] = (),
    limits: Plausible = PLAUSIBLE,
) -> tuple[str, ...]:
    """Return what speaks against a recording being what it is called, each with its numbers; empty is good.

    Parameters
    ----------
    mode
        What the amplifier is said to have controlled.
    values : (samples,), V or A
        The response, of all sweeps or of some.
    baseline : (samples,), V
        The response where nothing was commanded; its median is looked at. `values` if not given.
    command_unit
        Unit of the command as the file says; None if it does not.
    command
        Lowest and highest level commanded, SI; None if not known.
    spike_heights
        Threshold to peak, V, of some action potentials; none if there were none.
    limits
        What is plausible.
    """
    found = list(_command_doubts(mode, command_unit, command, limits))
    known, rest = (x[np.isfinite(x)] for x in (values, values if baseline is None else baseline))
    if mode is not ClampMode.VOLTAGE and len(known) and len(rest):
        found += _voltage_doubts(float(np.median(rest)), float(known.min()), float(known.max()), limits)
        found += _spike_doubts(spike_heights, limits)
    return tuple(found)


def _command_doubts(
    mode: ClampMode, unit: Unit | None, command: tuple[float, float] | None, limits: Plausible
) -> list[str]:
    wanted, response = mode.command_unit, mode.response_unit
    if unit is not None and unit != wanted:
        words = {"V": "a voltage", "A": "a current"}
        return [f"the response is {words[response]} and the command is {words[unit]} too, which no clamp mode has"]
    if command is None:
        return []
    low, high = command
    if wanted == "A" and max(-low, high) > limits.current:
        return [f"the command goes from {low * 1e12:.4g} to {high * 1e12:.4g} pA (20 nA is much)"]
    if wanted == "V" and max(-low, high) > limits.potential:
        return [f"the command goes from {low * 1e3:.4g} to {high * 1e3:.4g} mV"]
    return []


def _voltage_doubts(baseline: float, lowest: float, highest: float, limits: Plausible) -> list[str]:
    found = []
    low, high = limits.baseline
    if not low <= baseline <= high:
        found.append(f"the baseline is {baseline * 1e3:.4g} mV, outside {low * 1e3:.0f}..{high * 1e3:.0f} mV")
    if highest - lowest > limits.range:
        found.append(
            f"the trace goes from {lowest * 1e3:.4g} to {highest * 1e3:.4g} mV, more than {limits.range * 1e3:.0f} mV"
        )
    return found


def _spike_doubts(heights: Sequence[float], limits: Plausible) -> list[str]:
    known = [h for h in heights if np.isfinite(h)]
    low, high = limits.spike_height
    if not known or low <= (middle := float(np.median(known))) <= high:
        return []
    return [f"action potentials are {middle * 1e3:.4g} mV high, outside {low * 1e3:.0f}..{high * 1e3:.0f} mV"]
