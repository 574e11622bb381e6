"""What the cells of the simulator's populations are like, beside published spreads.

    python benchmarks/population.py [POPULATION ...] [--cells 100]

Each cell is held at -60 mV, stepped by 25 pA more until 150 ms give 3 or 4 spikes, and then blocked by 1 µM MEM 1003,
with as many spikes. A cell that goes on firing, or stays up, is counted and left out. Without noise, drift and
amplifier: what is there, not what is recorded.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from drivers.simulated.population import populations
from drivers.simulated.settings import Simulation
from drivers.simulated.truth import Burst, burst, respond
from protocols.waveforms import Pulse, Waveform

RATE = 20e3
STEPS = range(200, 401, 25)
"""pA."""
PUBLISHED = {
    "input resistance, MOhm": "45, 24 % (Oh 1999, aged rabbit); 52-69 (rat)",
    "slow AHP at 1 s, mV": "2-4; amplitude 38 % (Oh 1999)",
    "area 0-2 s, mV s": "4.8, 77 % (Oh 1999, to the return)",
    "duration to 10 %, s": "3.2, 42 % (Oh 1999)",
    "spikes in 800 ms, 250 pA": "6.4, 33 % (Oh 1999, accommodation)",
    "time constant, ms": "15-30",
}


def input_resistance(settings: Simulation, seed: int) -> tuple[float, float]:
    """Return MOhm, and ms to 63 % of the response to -50 pA."""
    soma = respond(settings, Waveform(RATE, 15_000, 0.0, (Pulse("step", 2_000, 14_000, -50e-12),)), seed=seed)
    change = soma - soma[:2_000].mean()
    charged = np.flatnonzero(change < 0.632 * change[2_000:6_000].min())[0] - 2_000
    return change[13_000:14_000].mean() / -50e-6, charged / RATE * 1e3


def search(settings: Simulation, seed: int) -> int | None:
    """Return the smallest step, pA, that gives 3 or 4 spikes."""
    return next((i for i in STEPS if burst(settings, i * 1e-12, seed=seed, after=0.05).spikes in (3, 4)), None)


def duration(found: Burst) -> float:
    """Return the seconds from the step's end until the AHP is down to a tenth of its size at 100 ms and later."""
    after = found.soma[found.step.stop :] - found.baseline
    late = round(0.1 * found.rate)
    above = np.flatnonzero(after[late:] > 0.1 * after[late:].min())
    return (late + (above[0] if len(above) else len(after) - late)) / found.rate


def in_blocker(settings: Simulation, seed: int, amplitude: int, spikes: int) -> Burst | None:
    """Return the response in the blocker with as many `spikes`, by up to 50 pA less, as the shipped study does."""
    steps = (
        burst(settings, (amplitude - less) * 1e-12, seed=seed, after=2.1, drug=("MEM 1003", 1e-6))
        for less in range(0, 60, 10)
    )
    return next((found for found in steps if found.spikes == spikes), None)


def properties(settings: Simulation, seed: int) -> dict[str, float] | None:
    """Return what one cell is like; None without a step for it, or if it does not come to rest after one."""
    amplitude = search(settings, seed)
    if amplitude is None:
        return None
    control = burst(settings, amplitude * 1e-12, seed=seed)
    blocked = in_blocker(settings, seed, amplitude, control.spikes)
    if blocked is None or max(control.sahp, blocked.sahp) > 0 or len(blocked.spike_times) > blocked.spikes:
        return None
    resistance, tau = input_resistance(settings, seed)
    return {
        "input resistance, MOhm": resistance,
        "time constant, ms": tau,
        "step for 3-4 spikes, pA": amplitude,
        "spikes in 800 ms, 250 pA": burst(settings, 250e-12, seed=seed, width=0.8, after=0.05).spikes,
        "slow AHP at 1 s, mV": -control.sahp * 1e3,
        "area 0-2 s, mV s": -control.area * 1e3,
        "duration to 10 %, s": duration(control),
        "area lost in 1 µM MEM 1003, %": 100 * (1 - blocked.area / control.area),
    }


def main() -> None:
    """Measure and print a table for each population."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("populations", nargs="*", default=list(populations()))
    parser.add_argument("--cells", type=int, default=100)
    wanted = parser.parse_args()
    for name in wanted.populations:
        found = [properties(Simulation(population=name), seed) for seed in range(1, wanted.cells + 1)]
        cells = [p for p in found if p is not None]
        print(f"\n{name}: {len(cells)} of {len(found)} cells can be measured at {STEPS[0]} to {STEPS[-1]} pA")
        print(f"{'':32}{'mean':>8}{'CV':>7}{'5 %':>8}{'95 %':>8}   published")
        for key in cells[0]:
            x = np.array([p[key] for p in cells])
            low, high = np.percentile(x, (5, 95))
            cv = 100 * x.std(ddof=1) / abs(x.mean())
            print(f"{key:32}{x.mean():8.3g}{cv:6.0f} %{low:7.3g}{high:8.3g}   {PUBLISHED.get(key, '')}")


if __name__ == "__main__":
    main()
