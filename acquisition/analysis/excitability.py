"""What a session shows beside the AHP: spikes against current, and the state of the membrane."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisition.acceptance import EXCLUDING, EXPECTED_IN_A_RANGE, is_range
from acquisition.analysis.phases import currents, runs_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from acquisition.analysis.sweep_numbers import SweepNumbers


@dataclass(frozen=True)
class SpikeCounts:
    """The result of a series over a range of currents in one solution."""

    label: str
    condition: str
    currents: tuple[float, ...]
    """Step currents in ascending order, A."""
    spikes: tuple[float, ...]
    """Mean count at each."""

    @property
    def text(self) -> str:
        """One line: 'f_i (ACSF): spikes 0 up to 100 pA, 1 at 150, 3.5 at 200 pA'."""
        silent = next((i for i, n in enumerate(self.spikes) if n > 0), len(self.spikes))
        shown = [f"{1e12 * current:.0f}" for current in self.currents]
        words = [f"0 up to {shown[silent - 1]} pA"] if silent else []
        words += [f"{n:.3g} at {at}" for n, at in zip(self.spikes[silent:], shown[silent:], strict=True)]
        unit = "" if words[-1].endswith("pA") else " pA"
        return f"{self.label} ({self.condition}): spikes {', '.join(words)}{unit}"


@dataclass(frozen=True)
class MembraneTest:
    """The last membrane test, SI."""

    label: str
    time: float
    """Seconds from the session's start."""
    access: float
    membrane: float
    capacitance: float
    holding: float

    @property
    def text(self) -> str:
        """One line, in the words of the run's log."""
        return (
            f"{self.label} at {self.time / 60:.0f} min: Ra {self.access * 1e-6:.1f} MOhm, "
            f"Rm {self.membrane * 1e-6:.0f} MOhm, Cm {self.capacitance * 1e12:.0f} pF, "
            f"holding {self.holding * 1e12:.0f} pA"
        )


def spike_counts(sweeps: Sequence[SweepNumbers]) -> Iterator[SpikeCounts]:
    """Yield the counts of every series over a range of currents."""
    for run in runs_of(sweeps):
        counted = [s for s in run if _counts(s)]
        if is_range(currents(counted)):
            yield _mean_counts(counted)


def _counts(sweep: SweepNumbers) -> bool:
    """Whether a sweep of a range enters the mean count at its current."""
    made = sweep.measured("n_ap")
    if made is None or not (math.isfinite(made.value) and math.isfinite(sweep.value("I_step"))):
        return False
    baseline = sweep.measured("V_b")
    flags = {*made.flags, *(baseline.flags if baseline else ())}
    return not sweep.is_rejected and flags.isdisjoint(EXCLUDING - EXPECTED_IN_A_RANGE)


def _mean_counts(sweeps: Sequence[SweepNumbers]) -> SpikeCounts:
    by_current: defaultdict[float, list[float]] = defaultdict(list)
    for s in sweeps:
        by_current[s.value("I_step")].append(s.value("n_ap"))
    steps = tuple(sorted(by_current))
    spikes = tuple(float(np.mean(by_current[c])) for c in steps)
    return SpikeCounts(sweeps[-1].label, sweeps[-1].condition, steps, spikes)


def last_membrane_test(sweeps: Sequence[SweepNumbers]) -> MembraneTest | None:
    """Return the last sweep of a membrane test that could be measured; without one, the last other with test pulses."""
    found: list[MembraneTest] = []
    for s in sorted(sweeps, key=lambda s: (s.kind == "membrane_test", s.start)):
        access, resistance, capacitance, holding = (s.value(name) for name in ("Rs", "Rm", "Cm", "I_hold"))
        if all(math.isfinite(v) for v in (access, resistance, capacitance, holding)):
            found.append(MembraneTest(s.label, s.start, access, resistance, capacitance, holding))
    return found[-1] if found else None
