"""How near the study's reported block comes to what each simulated cell really does.

    python benchmarks/recovery_of_truth.py [FIRST LAST] [--at-peace]      # seeds, default 1 20

Runs the shipped study once a seed and compares the change of the sAHP at 1 s with the same cell without noise, drift
and amplifier: at the concentrations of the two conditions, and for each sweep at its number of spikes and its step
current, or the nearest at which the cell fires as often (noise moves a spike in or out where two counts meet). The
recordings do not run down: a drug cell alone cannot tell that from the drug, which is what vehicle cells are for. With
`--at-peace` the cells do not fluctuate either, which leaves what the measuring itself gets wrong; without it, what
chance does to one cell is in it.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from statistics import fmean, median, stdev
from typing import TYPE_CHECKING

import config
import protocols
from acquisition.analysis.summary import gather, summarise
from acquisition.run import Wish, run
from acquisition.session.reader import open_session
from drivers.simulated.settings import Simulation
from drivers.simulated.truth import burst

if TYPE_CHECKING:
    from acquisition.analysis.phases import Phase

STUDY = Path(protocols.__path__[0]) / "library" / "sahp_l_type_block.yaml"
RIG = Path(config.__path__[0]) / "rigs" / "simulated.yaml"
MEM_1003 = ("(Rac)-MEM 1003", 1e-6)
NO_RUN_DOWN = "\n  sahp_run_down: off\n  run_down: off\n"
AT_PEACE = "  sahp_fluctuation: 0 %\n  membrane_fluctuation: 0 pA\n"


@dataclass(frozen=True)
class Cell:
    """One cell: the error in percentage points, NaN if nothing was reported, and the trials of the search."""

    error: float
    trials: int
    text: str


@cache
def sahp(seed: int, current: float, spikes: int, drug: tuple[str, float] | None) -> float:
    """Return the cell's own sAHP 1 s after `spikes` spikes, V, at the step nearest to `current` A that gives them."""
    for off in sorted(range(-60, 61, 5), key=abs):
        found = burst(Simulation(), current + off * 1e-12, seed=seed, drug=drug)
        if found.spikes == spikes:
            return found.sahp
    return math.nan


def true_sahp(phase: Phase, seed: int, drug: tuple[str, float] | None) -> float:
    """Return the mean of the cell's own over the sweeps of a phase, V."""
    sweeps = zip(phase.values["I_step"], phase.values["n_ap"], strict=True)
    return fmean(sahp(seed, round(current * 1e12) * 1e-12, round(count), drug) for current, count in sweeps)


def one(seed: int, *, simulation: str) -> Cell:
    """Run one cell."""
    with tempfile.TemporaryDirectory() as folder:
        rig = Path(folder) / "rig.yaml"
        rig.write_text(RIG.read_text(encoding="utf-8") + simulation, encoding="utf-8")
        finished, path = run(Wish(STUDY, rig, Path(folder), simulate=True, seed=seed))
        with open_session(path) as session:
            summary = summarise(gather(session.sweeps, session.measurements, session.rejected))
            found = [e for e in session.log if e.kind == "found"]
            trials = sum(s.kind == "find" for s in session.sweeps)
    change = summary.change("A_1000", "drug")
    if finished.reason != "finished" or not found or change is None:
        return Cell(math.nan, trials, f"seed {seed:3d}: {finished.reason}, {finished.text}")
    before, after = (next(p for p in summary.phases if p.label == label) for label in (change.before, "drug"))
    effect, true = change.effect, 100 * (true_sahp(after, seed, MEM_1003) / true_sahp(before, seed, None) - 1)
    millivolts = f"{effect.mean_before * 1e3:.2f} -> {effect.mean_after * 1e3:.2f} mV"
    text = (
        f"seed {seed:3d}: {found[0].data['spikes']} spikes in {trials} trials, then {counted(before)} -> "
        f"{counted(after)}; {millivolts}, {effect.percent:.1f} % (true {true:.1f} %), {finished.time / 60:.0f} min"
    )
    return Cell(effect.percent - true, trials, text)


def counted(phase: Phase) -> str:
    """Return the mean number of spikes and step of a phase in words."""
    return f"{fmean(phase.values['n_ap']):.1f} at {fmean(phase.values['I_step']) * 1e12:.0f} pA"


def main() -> None:
    """Run the seeds and print the spread."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("seeds", type=int, nargs="*", default=[1, 20])
    asked.add_argument("--at-peace", action="store_true")
    wish = asked.parse_args()
    simulation = NO_RUN_DOWN + (AT_PEACE if wish.at_peace else "")
    cells = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for cell in pool.map(partial(one, simulation=simulation), range(wish.seeds[0], wish.seeds[-1] + 1)):
            print(cell.text, flush=True)
            cells.append(cell)
    errors = [c.error for c in cells if math.isfinite(c.error)]
    print(
        f"{len(errors)} of {len(cells)} cells finished; error: mean {fmean(errors):+.1f}, SD {stdev(errors):.1f}, "
        f"median {median(errors):+.1f}, largest {max(errors, key=abs):+.1f} percentage points, within 5 points in "
        f"{sum(abs(e) <= 5 for e in errors)}; trials of the search: median {median(c.trials for c in cells):g}, "
        f"most {max(c.trials for c in cells)}"
    )


if __name__ == "__main__":
    main()
