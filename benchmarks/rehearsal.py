"""How long a virtual study takes, and whether its power curve is right.

    python -m benchmarks.rehearsal [--cells 200] [--workers 2] [--protocol FILE] [--rig FILE] [--out DIR]
    python -m benchmarks.rehearsal --study [--populations 20] [--studies 5000]

The first form runs `patchrig rehearse` in a fresh process (numba's cache as it is) and prints wall and CPU time, what
gates did in how many cells, and what a study could show.

With --study no cell is run. The cells are those of the study simulation (`benchmarks/study_cells.py`: CV of the
amplitude 38 %, a drug that blocks 35 %, run-down), 100 with drug and 100 with vehicle as a rehearsal of 200 would have
them, with the noise of ten sweeps. The power that the rehearsal's curve gives for 12 + 12 cells is compared with the
share of independent simulated studies of 12 + 12 cells that Welch's t test finds significant, over populations.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from acquisition.rehearsal.power import Comparison, curves
from acquisition.statistics.percent import per_cell
from acquisition.statistics.student import welch
from benchmarks.study_cells import draw, means

ROOT = Path(__file__).parents[1]
SHORT = ROOT / "protocols" / "library" / "sahp_short.yaml"
PLANNED = 12
"""Cells in each group."""


def main() -> None:
    """Time a rehearsal, or check the curve."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--cells", type=int, default=200)
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--protocol", type=Path, default=SHORT)
    asked.add_argument("--rig", type=Path)
    asked.add_argument("--faults", type=Path)
    asked.add_argument("--out", type=Path)
    asked.add_argument("--study", action="store_true")
    asked.add_argument("--populations", type=int, default=20)
    asked.add_argument("--studies", type=int, default=5000)
    wish = asked.parse_args()
    if wish.study:
        compare_with_studies(wish.populations, wish.studies)
    else:
        time_one(wish)


# --- how long ---------------------------------------------------------------------------------------------------------


def time_one(wish: argparse.Namespace) -> None:
    """Rehearse once in a fresh process and print what it took and what it found."""
    options = [f"--{name}={value}" for name in ("rig", "faults", "out") if (value := getattr(wish, name))]
    words = ["--cells", str(wish.cells), "--workers", str(wish.workers), "--json", *options]
    before, start = cpu(), time.perf_counter()
    code = "from acquisition.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "rehearse", str(wish.protocol), *words], check=True, capture_output=True
    )
    wall, used = time.perf_counter() - start, cpu() - before
    data = json.loads(done.stdout)
    print(
        f"{data['lived']} virtual cells of '{data['protocol']}', {wish.workers} processes: {wall:.0f} s of wall time, "
        f"{used:.0f} s of CPU ({used / data['lived']:.2f} s per cell, everything included)"
    )
    print(f"endings: {', '.join(f'{k} {v}' for k, v in data['endings'].items())}; {data['experiment_s']}")
    show_gates(data["cells"])
    for planned in data["planned"]:
        show(planned)


def cpu() -> float:
    """Return the CPU time of the processes that have ended, s."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def show_gates(cells: list[dict[str, Any]]) -> None:
    """Print what gates did in which cells, and why cells were lost: the seeds are there to be looked at."""
    seeds: dict[str, list[int]] = defaultdict(list)
    for cell in cells:
        for words in {f"{trip['cause']} ({trip['action']})" for trip in cell["gates"]}:
            seeds[words].append(cell["seed"])
        if cell["why"]:
            seeds[f"lost: {cell['why'][0]}"].append(cell["seed"])
    for words, found in sorted(seeds.items(), key=lambda item: -len(item[1])):
        print(f"  {len(found):3} of {len(cells)} cells: {words}; seeds {', '.join(map(str, found[:12]))}")


def show(planned: dict[str, Any]) -> None:
    """Print effect, spread and power of one measure."""
    print(f"{planned['measure']}, {planned['unit']}: effect {planned['effect']:.4g}, SD {planned['sd_drug']:.3g} "
          f"(vehicle {planned['sd_vehicle'] or float('nan'):.3g})")  # fmt: skip
    for test, curve in planned["power"].items():
        i = curve["cells"].index(PLANNED)
        print(
            f"  {test:26} n = {PLANNED}: {100 * curve['drawn'][i]:5.1f} % drawn ({100 * curve['low'][i]:.1f} to "
            f"{100 * curve['high'][i]:.1f}), {100 * curve['formula'][i]:5.1f} % by the formula; "
            f"80 %: {curve['needed']} {curve['needed_interval']}"
        )


# --- whether it is right ----------------------------------------------------------------------------------------------


def compare_with_studies(populations: int, studies: int) -> None:
    """Print the curve's value for 12 + 12 cells beside the share of simulated studies that find the effect."""
    random = np.random.default_rng(11)
    found = np.mean([[p < 0.05 for p in study(random)] for _ in range(studies)], axis=0)
    made = np.array([planned(random) for _ in range(populations)])
    for i, unit in enumerate(("mV", "% of baseline")):
        power, sd = made[:, i].mean(axis=0), made[:, i].std(axis=0, ddof=1)
        print(
            f"A_1000 in {unit}, 12 + 12 cells: {100 * found[i]:.1f} % of {studies} studies find it; {populations} "
            f"rehearsals of 100 + 100 cells say {100 * power[0]:.1f} % (SD {100 * sd[0]:.1f}) by drawing, "
            f"{100 * power[1]:.1f} % ({100 * sd[1]:.1f}) by the formula"
        )


def group(random: np.random.Generator, n: int, *, has_effect: bool) -> np.ndarray:
    """Return A_1000 before and after in `n` cells, (n, 2), V."""
    return np.array([means(draw(random, has_effect=has_effect), random) for _ in range(n)])


def changes(pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the changes in V and in % of each cell's baseline."""
    return pairs[:, 1] - pairs[:, 0], per_cell(pairs[:, 0], pairs[:, 1])


def study(random: np.random.Generator) -> list[float]:
    """Return p of one study of 12 + 12 cells, in V and in %."""
    drug, vehicle = (changes(group(random, PLANNED, has_effect=e)) for e in (True, False))
    return [welch(a, b).p for a, b in zip(drug, vehicle, strict=True)]


def planned(random: np.random.Generator) -> list[tuple[float, float]]:
    """Return the power for 12 + 12 cells that a rehearsal of 100 + 100 would tell, in V and in %."""
    drug, vehicle = (changes(group(random, 100, has_effect=e)) for e in (True, False))
    out = []
    for a, b in zip(drug, vehicle, strict=True):
        out.append(next(c for c in curves(a, b) if c.test is Comparison.AGAINST).at(PLANNED))
    return out


if __name__ == "__main__":
    main()
