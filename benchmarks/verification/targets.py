"""What the simulated cell has of what was measured in real ones: every row with where the number was read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivers.simulated.cell import at_temperature
from tests.simulator_physics.properties import (
    BLOCK,
    AfterPotential,
    action_potentials,
    after_potential,
    blocked,
    count,
    first_interval,
    in_apamin,
    passive,
    peak_lost,
    response,
)

if TYPE_CHECKING:
    from drivers.simulated.cell import Cell

STEP = 300.0
"""pA: where the shipped study begins to look."""
LONG_STEP = 250.0
"""pA, for 800 ms."""
CURRENTS = (100, 125, 150, 200, 250, 300, 350, 400, 500, 600, 700, 800)


@dataclass(frozen=True)
class Target:
    """One property, and the range that counts as met."""

    name: str
    unit: str
    low: float
    high: float
    literature: str

    @property
    def wanted(self) -> str:
        """The range as text."""
        if math.isinf(self.low) or math.isinf(self.high):
            return f"below {self.high:g}" if math.isinf(self.low) else f"{self.low:g} or more"
        return f"{self.low:g}" if self.low == self.high else f"{self.low:g}..{self.high:g}"

    def met(self, value: float) -> bool:
        """Whether `value` is in it."""
        return self.low <= value <= self.high


TARGETS = {
    "rest": Target("resting potential", "mV", -72, -62, "-62 to -72 [1, 2, 3]"),
    "input_resistance": Target(
        "input resistance at rest", "MOhm", 60, 120, "69 ± 3 [1]; 107 ± 11 [2]; 113 ± 9 [3]; 45 ± 2 [4]"
    ),
    "held_resistance": Target("input resistance at -60 mV", "MOhm", 60, 120, "where the study holds; as at rest"),
    "deep": Target("input resistance at -80 mV, of that at rest", "", 0.5, 1, "falls as Ih opens [10]"),
    "sag": Target("sag, from rest to -90 mV", "%", 10, 25, "clear, by Ih [10, 11]; the range is assumed"),
    "time_constant": Target("membrane time constant at rest", "ms", 15, 30, "22 ± 2 [3]"),
    "threshold": Target("AP threshold (20 V/s)", "mV", -53, -46, "-53 ± 1 [1]; -46 to -47 [5]"),
    "height": Target("AP height from rest", "mV", 90, 112, "92 ± 4 [1]; 95 ± 2 [2]; 93 ± 3, 112 ± 9 [5]"),
    "half_width": Target("AP half-width", "ms", 0.75, 1.0, "0.8 [1]; 0.84, 0.95 [5]; 0.99 [2]"),
    "upstroke": Target("AP steepest rise", "V/s", 250, 400, "297 ± 22, 381 ± 18 [5]"),
    "downstroke": Target("AP steepest fall", "V/s", -125, -80, "-103 ± 5, -95 ± 3 [5]"),
    "loss": Target("peak of the first AP less the last's", "mV", -math.inf, 12, "6 to the second, in bursts 32 [5]"),
    "trough": Target(
        "fast AHP, lowest within 5 ms of the first AP's peak", "mV", -65, -53, "assumed; 9 ± 1, base line not given [1]"
    ),
    "at_200": Target("APs in 150 ms at 200 pA", "", 2, 3, "assumed, as are the next three"),
    "spikes": Target("APs in 150 ms at 300 pA", "", 3, 4, "protocols ask for 3 or 4"),
    "at_400": Target("APs in 150 ms at 400 pA", "", 4, 6, "4 to 6"),
    "at_600": Target("APs in 150 ms at 600 pA", "", 7, 9, "7 to 9"),
    "first_interval": Target(
        "first interval at 400 pA", "ms", 10, 17, "60 to 100 Hz, assumed; bursting cells 4.1 ± 0.1 [5]"
    ),
    "long_loss": Target("peak of the first AP less the smallest's, 800 ms at 250 pA", "mV", -math.inf, 15, "assumed"),
    "accommodation": Target("APs in 800 ms at 250 pA", "", 5, 10, "6.4 ± 0.4, aging, at its own current [4]"),
    "medium": Target("AHP, peak", "mV", -8, -3, "-4.7 ± 0.3, aging, 4 APs [4]; -4.0 ± 0.3 [6]"),
    "apamin": Target(
        "AHP at 50 to 100 ms lost in apamin",
        "%",
        10,
        40,
        "an apamin-sensitive part [12]; about 20 of its amplitude, young rabbits [13]",
    ),
    "one_second": Target("sAHP 1 s after the step", "mV", -4, -2, "no table found"),
    "decay": Target("decay of the sAHP, 1 to 3 s", "s", 1, 2, "its channels close in about 1.5 [7]"),
    "area": Target("AHP area, 10 ms to 2 s", "mV s", -8, -3, "-4.8 ± 0.7 to its end, aging [4]"),
    "six_seconds": Target("AHP 6 s after the step", "mV", -0.2, 0.1, "over after 3.2 ± 0.25 s, aging [4]"),
    "lost": Target(
        f"area lost when {BLOCK:.0%} of L-type is blocked, as many APs",
        "%",
        40,
        60,
        "area and 1 s value fall without CaV1.3 [8]",
    ),
    "gained": Target("APs in 800 ms gained by that block", "", 1, math.inf, "more, nimodipine in aging rabbits [9]"),
}

SOURCES = (
    "Control rats, table 1 of a study of stress in J Neurosci (highwire 448122)",
    "Chevaleyre & Siegelbaum 2010, Neuron; NeuroElectro table 26869",
    "Pike et al. 2000, J Physiol; NeuroElectro table 8577",
    "Oh et al. 1999, J Neurosci 19:1814, table 2, sharp electrodes",
    "Staff et al. 2000, J Neurophysiol; NeuroElectro table 1065 (two kinds of cell)",
    "Disterhoft et al. 1988, PNAS (abstract; PubMed 3179727)",
    "Sah & Clements 1999, J Neurosci",
    "Gamelli et al. 2011 (PMC2891900), knock-out mice",
    "Moyer et al. 1992, J Neurophysiol 68:2100",
    "Magee 1998, J Neurosci 18:7613 (h current, temperature of 33 °C)",
    "Maccaferri et al. 1993, J Neurophysiol 69:2129 (abstract; PubMed 7688802)",
    "Stocker, Krause & Pedarzani 1999, PNAS 96:4662 (PMC16389)",
    "Apamin, 250 to 1000 nM, sharp electrodes, CA1 of young rabbits (abstract only; ACNP catalogue 76414445)",
)


def matching(cell: Cell, drugged: Cell) -> float:
    """Return the largest step, pA, up to `STEP`, at which both fire as often: an AP more hides the loss."""
    return next(float(i) for i in np.arange(STEP, -1.0, -25.0) if count(cell, i) == count(drugged, i))


def matched(cell: Cell, drugged: Cell) -> tuple[AfterPotential, AfterPotential]:
    """Return what follows the step at which both fire as often."""
    step = matching(cell, drugged)
    return after_potential(cell, step), after_potential(drugged, step)


def simulated(cell: Cell) -> dict[str, float]:
    """Return every property in `TARGETS` of `cell`, at its temperature."""
    below, spikes = passive(cell), action_potentials(response(cell, STEP))
    control, (undrugged, drug), (unblocked, apamin) = (
        after_potential(cell, STEP),
        matched(cell, blocked(cell)),
        matched(cell, in_apamin(cell)),
    )
    first, firing = spikes[0], count(cell, LONG_STEP, 800.0)
    return {
        "rest": below.rest,
        "input_resistance": below.input_resistance,
        "held_resistance": below.held_resistance,
        "deep": below.deep_resistance / below.input_resistance,
        "sag": 100 * below.sag,
        "time_constant": below.time_constant,
        "threshold": first.threshold,
        "height": first.peak - below.rest,
        "half_width": first.half_width,
        "upstroke": first.upstroke,
        "downstroke": first.downstroke,
        "loss": first.peak - spikes[-1].peak,
        "trough": first.trough,
        **{name: count(cell, step) for name, step in (("at_200", 200.0), ("at_400", 400.0), ("at_600", 600.0))},
        "spikes": len(spikes),
        "first_interval": first_interval(cell, 400.0),
        "long_loss": peak_lost(cell, LONG_STEP),
        "accommodation": firing,
        "medium": control.medium,
        "apamin": 100 * (1 - apamin.early / unblocked.early),
        "one_second": control.one_second,
        "decay": control.decay,
        "area": control.area,
        "six_seconds": control.six_seconds,
        "lost": 100 * (1 - drug.area / undrugged.area),
        "gained": count(blocked(cell), LONG_STEP, 800.0) - firing,
    }


def counts(cell: Cell, celsius: float) -> list[int]:
    """Return the action potentials at each of `CURRENTS`."""
    return [count(at_temperature(cell, celsius), current) for current in CURRENTS]
