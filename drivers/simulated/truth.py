"""What is really there: the simulated cell without noise, drift, amplifier or converter.

For tests that ask whether the whole chain, from command to reported effect, recovers what the cell does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from drivers.base import Filling
from drivers.simulated import kernel
from drivers.simulated.cell import steady_state
from drivers.simulated.packing import Knobs, pack
from drivers.simulated.pharmacology import compound, concentrations, drug_table
from drivers.simulated.population import cell_of, drugs_of
from drivers.simulated.rates import table
from drivers.simulated.world import fresh_state
from protocols.quantities import Percent, Voltage
from protocols.waveforms import samples, step_sweep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from drivers.simulated.cell import Cell
    from drivers.simulated.pharmacology import Compound
    from drivers.simulated.settings import Simulation
    from protocols.waveforms import Pulse, Waveform

STILL = {
    "noise": False, "series_resistance_drift": Percent(0.0), "rest_drift": Voltage(0.0), "run_down": None,
    "sahp_run_down": None, "start": "cell",
}  # fmt: skip
"""Settings of a cell that nothing disturbs or changes."""
SPIKE = -10e-3
"""V: an upward crossing is a spike."""


@dataclass(frozen=True)
class Burst:
    """The response to one current step; SI."""

    rate: float
    step: Pulse
    soma: NDArray[np.float64]
    """(samples,), V."""

    @property
    def baseline(self) -> float:
        """Mean of 510 to 10 ms before the step, V."""
        return self._mean(self.step.start, -0.510, -0.010)

    @property
    def sahp(self) -> float:
        """Mean of 950 to 1050 ms after the step's end, relative to the baseline, V (negative)."""
        return self._mean(self.step.stop, 0.950, 1.050) - self.baseline

    @property
    def area(self) -> float:
        """Integral of 10 ms to 2 s after the step's end, relative to the baseline, V s (negative)."""
        return (self._mean(self.step.stop, 0.010, 2.0) - self.baseline) * 1.99

    @property
    def spike_times(self) -> NDArray[np.float64]:
        """Upward crossings of -10 mV, seconds from the step's onset, between samples by a straight line."""
        v = self.soma
        k = np.flatnonzero((v[:-1] < SPIKE) & (v[1:] >= SPIKE))
        return np.asarray((k + (SPIKE - v[k]) / (v[k + 1] - v[k]) + 1 - self.step.start) / self.rate)

    @property
    def spikes(self) -> int:
        """How many there are, from the step's onset until 5 ms after its end."""
        last = (self.step.stop - self.step.start) / self.rate + 5e-3
        return int(np.sum((self.spike_times >= 0) & (self.spike_times <= last)))

    def _mean(self, origin: int, start: float, stop: float) -> float:
        first, last = (origin + samples(t, self.rate) for t in (start, stop))
        return float(self.soma[first:last].mean())


def burst(
    settings: Simulation,
    amplitude: float,
    *,
    seed: int = 1,
    holding: float = -60e-3,
    width: float = 0.150,
    after: float = 6.0,
    drug: tuple[str, float] | None = None,
    rate: float = 40_000.0,
) -> Burst:
    """Return what the cell does when stepped by `amplitude` A from `holding` V.

    Parameters
    ----------
    settings, seed
        Which cell.
    amplitude
        Of the step, A.
    holding
        True potential of the soma before the step, held by a steady current, V.
    width, after
        Of the step and of the time recorded behind it, s.
    drug
        Name and concentration (mol/L), in equilibrium with the channel; None for control.
    rate
        Samples per second, 20 kHz or more.
    """
    command = step_sweep(rate, holding=0.0, before=0.6, width=width, after=after, amplitude=amplitude)
    soma = respond(settings, command, seed=seed, holding=holding, drug=drug)
    return Burst(rate, command.of("step")[0], soma)


def respond(
    settings: Simulation,
    command: Waveform,
    *,
    seed: int = 1,
    holding: float = -60e-3,
    drug: tuple[str, float] | None = None,
) -> NDArray[np.float64]:
    """Return the soma's potential (samples,), V, under `command` A added to the current that keeps it at `holding`."""
    still = settings.model_copy(update=STILL)
    cell, rate = cell_of(still, seed), command.rate
    known = drugs_of(still, seed)
    steady = steady_state(_under(cell, drug, known), holding * 1e3)
    parameters = pack(cell, still, Knobs.of(still), rate=rate, substeps=1)
    access = float(still.series_resistance) * 1e-6
    pipette = steady.soma + steady.current * access * 1e-3
    state = fresh_state(steady, pipette=pipette, access=access, seed=seed)
    commands = command.values() * 1e12 + steady.current + parameters["seal"][0] * pipette
    soma = np.empty(len(commands))
    kernel.run(
        state, parameters, _equilibrium(drug, known), table(cell, 1e3 / rate), False, commands, np.empty((0, 2)),
        np.empty((0, len(commands)), np.int16), soma,
    )  # fmt: skip
    return soma * 1e-3


def _under(cell: Cell, drug: tuple[str, float] | None, known: Sequence[Compound]) -> Cell:
    """Return the neuron with its conductances as `drug`, of those `known`, leaves them at -60 mV."""
    found = compound(drug[0], known) if drug else None
    if drug is None or found is None:
        return cell
    touched = {action.conductance for action in found.acts}
    return replace(cell, **{name: getattr(cell, name) * found.left(name, drug[1]) for name in touched})


def _equilibrium(drug: tuple[str, float] | None, known: Sequence[Compound]) -> NDArray[np.float64]:
    """Return the kernel's drugs, as `known`, with `drug` everywhere at its concentration."""
    drugs = drug_table(known)
    if drug is not None:
        for column in (kernel.TARGET, kernel.BATH, kernel.SITE):
            drugs[:, column] = concentrations(Filling(drug[0], *drug))
    return drugs
