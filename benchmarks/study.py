"""Simulated studies through `compare`: does its interval hold the truth, and how often does it find what is not there?

    python -m benchmarks.study [--repeats 100] [--processes 2] [--results FILE] [--show] [--without-files 2000]

Each repeat draws 12 vehicle cells, 12 cells that get a drug which blocks 35 % of the slow AHP (SD 12 between cells) and
12 that get a drug which does nothing, writes the session file of every cell (`benchmarks/study_cells.py`: 10 sweeps
before and 10 after, measured as in a live run), and reads and compares the files with the functions of
`patchrig compare`. The two studies of a repeat share their vehicle cells.

The truth is the population's mean of (drug - baseline) - (vehicle - baseline), not that of the cells drawn: for A_1000
and S_fix in V and V s, and for A_1000 in % of each cell's baseline. It is computed exactly (`Population`).

Results go to FILE repeat by repeat; started again with the same FILE, it goes on where it was. --show prints what is
there. --without-files N makes the A_1000 of N studies directly, with the noise that the sweeps have, and compares them
with the same statistics: hundreds of studies a minute, for shares that a hundred studies only give to a few per cent.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from acquisition.statistics.groups import difference_in_differences
from acquisition.study.cell import Rules
from acquisition.study.design import design_of
from acquisition.study.findings import Result, results_of
from acquisition.study.reading import read_cell
from benchmarks import study_cells
from benchmarks.study_cells import draw, means, population, write_cell

CELLS = 12
MEASURES = ("A_1000", "S_fix")
COVERAGE, FALSE_POSITIVES = (90.0, 99.0), (2.0, 8.0)
"""What is allowed, %."""
ALPHA = 0.05
RULES = Rules()
VEHICLE, DRUG, NOTHING = range(3)


@dataclass(frozen=True)
class Found:
    """What `compare` says of one measure in one study, SI and %."""

    estimate: float
    interval: tuple[float, float]
    bca: tuple[float, float]
    p: float
    permutation: float
    percent: float
    percent_interval: tuple[float, float]
    percent_bca: tuple[float, float]
    percent_p: float
    percent_permutation: float
    paired_p: float
    """Of the drug cells alone, blind to run-down."""

    @classmethod
    def of(cls, result: Result) -> Found:
        """Return the numbers of a result that has vehicle cells."""
        made, percent = result.contrast, result.against.percent
        return cls(
            made.estimate,
            made.interval,
            made.bca,
            made.p,
            made.permutation,
            made.percent,
            made.percent_interval,
            percent.bca,
            percent.p,
            percent.permutation.p,
            result.paired.p,
        )


# --- one repeat -------------------------------------------------------------------------------------------------------


def repeat(number: int) -> dict[str, Any]:
    """Run one repeat and return a JSON-able record."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        groups = [write_group(Path(name), number, group) for group in (VEHICLE, DRUG, NOTHING)]
        written = time.perf_counter()
        cells = [[read_cell(path, RULES) for path in paths] for paths in groups]
    read = time.perf_counter()
    effect = compared([*cells[VEHICLE], *cells[DRUG]])
    none = compared([*cells[VEHICLE], *cells[NOTHING]])
    return {
        "repeat": number,
        "effect": {m: asdict(f) for m, f in effect.items()},
        "none": {m: asdict(f) for m, f in none.items()},
        "left_out": ["; ".join(c.reasons) for group in cells for c in group if not c.is_accepted],
        "sweeps_left_out": sum(len(c.left_out) for group in cells for c in group),
        "seconds": [written - start, read - written, time.perf_counter() - read],
    }


def write_group(folder: Path, number: int, group: int) -> list[Path]:
    """Draw the cells of one group and write their sessions."""
    random, out = np.random.default_rng((number, group)), []
    for i in range(CELLS):
        cell = draw(random, has_effect=group == DRUG)
        name = f"r{number:04d}{'VDN'[group]}{i:02d}"
        out.append(write_cell(folder, name, cell, (number, group, i), is_drug=group != VEHICLE))
    return out


def compared(cells: list[Any]) -> dict[str, Found]:
    """Return what `compare` finds for drug against vehicle cells."""
    results = results_of(design_of(cells), MEASURES)
    return {m: Found.of(r) for (_, m), r in results.items() if r.against is not None}


def direct(number: int) -> dict[str, dict[str, Any]]:
    """Return the findings of one study whose cells' means are made without sweeps and files."""
    random = np.random.default_rng((number, 3))
    groups = {g: [draw(random, has_effect=g == DRUG) for _ in range(CELLS)] for g in (VEHICLE, DRUG, NOTHING)}
    made = {g: np.array([means(cell, random) for cell in cells]).T for g, cells in groups.items()}
    return {k: _direct(made[g], made[VEHICLE]) for k, g in (("effect", DRUG), ("none", NOTHING))}


def _direct(drug: np.ndarray, vehicle: np.ndarray) -> dict[str, Any]:
    found = difference_in_differences(*drug, *vehicle)
    change, percent = found.change, found.percent
    return asdict(
        Found(
            change.difference,
            change.interval,
            change.bca,
            change.p,
            change.permutation.p,
            percent.difference,
            percent.interval,
            percent.bca,
            percent.p,
            percent.permutation.p,
            found.drug.p,
        )
    )


def drawn(number: int) -> float:
    """Return the true effect in the very cells of one repeat, V."""
    changes = []
    for group in (DRUG, VEHICLE):
        random = np.random.default_rng((number, group))
        pairs = [means(draw(random, has_effect=group == DRUG)) for _ in range(CELLS)]
        changes.append(mean(after - before for before, after in pairs))
    return changes[0] - changes[1]


# --- many -------------------------------------------------------------------------------------------------------------


def run(repeats: int, processes: int, file: Path) -> None:
    """Run what is missing in `file`."""
    done = {r["repeat"] for r in records(file)}
    missing = [n for n in range(repeats) if n not in done]
    with ProcessPoolExecutor(processes) as pool, file.open("a", encoding="utf-8") as out:
        running = [pool.submit(repeat, n) for n in missing]
        for count, made in enumerate(as_completed(running), start=1):
            out.write(json.dumps(made.result()) + "\n")
            out.flush()
            print(f"\r{count} of {len(missing)} repeats", end="", flush=True)
    print()


def records(file: Path) -> list[dict[str, Any]]:
    """Return the repeats in `file`; the first line says for which studies they are."""
    if not file.exists():
        file.write_text(json.dumps(made_of()) + "\n", encoding="utf-8")
    first, *lines = file.read_text(encoding="utf-8").splitlines()
    if json.loads(first) != made_of():
        raise SystemExit(f"{file} is of other studies; name another file with --results")
    return [json.loads(line) for line in lines]


def made_of() -> dict[str, Any]:
    """Return the numbers that make the studies what they are."""
    named = {k: v for k, v in vars(study_cells).items() if k.isupper() and isinstance(v, int | float)}
    return {"cells": CELLS, "measures": list(MEASURES), **named}


# --- the table --------------------------------------------------------------------------------------------------------


def percent_of(hits: list[bool]) -> tuple[float, tuple[float, float]]:
    """Return how many % of cases, with Wilson's 95 % interval."""
    n, share, z = len(hits), mean(hits), 1.959964
    middle, half = share + z**2 / (2 * n), z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return 100 * share, (100 * (middle - half) / (1 + z**2 / n), 100 * (middle + half) / (1 + z**2 / n))


def line(what: str, hits: list[bool], allowed: tuple[float, float] | None) -> None:
    """Print a share and whether it is allowed."""
    share, (low, high) = percent_of(hits)
    limit = ""
    if allowed is not None:
        verdict = "" if allowed[0] <= share <= allowed[1] else "   MISSED"
        limit = f"   limit {allowed[0]:.0f}..{allowed[1]:.0f} %{verdict}"
    print(f"  {what:44} {share:5.1f} %  ({low:.1f} to {high:.1f}){limit}")


def coverage(found: list[dict[str, Any]], interval: str, truth: float) -> list[bool]:
    """Return in which studies an interval holds the truth."""
    return [f[interval][0] <= truth <= f[interval][1] for f in found]


def show(made: list[dict[str, Any]]) -> None:
    """Print everything."""
    if not made:
        raise SystemExit("there is no repeat yet")
    people = population()
    spreads = ", ".join(f"{k} {100 * v:.0f} %" for k, v in people.spreads.items())
    print(f"{len(made)} repeats of {CELLS} drug and {CELLS} vehicle cells; CV between cells: {spreads}")
    write, read, compare = (mean(r["seconds"][i] for r in made) for i in range(3))
    print(
        f"run-down {people.run_down:+.1f} %; "
        f"{sum(len(r['left_out']) for r in made)} of {3 * CELLS * len(made)} cells and "
        f"{sum(r['sweeps_left_out'] for r in made)} of {60 * CELLS * len(made)} sweeps left out; "
        f"per repeat {write:.1f} s writing, {read:.1f} s reading, {compare:.1f} s comparing"
    )
    in_cells = 1e3 * mean(drawn(r["repeat"]) for r in made)
    print(f"true effect on A_1000 in the very cells that were drawn {in_cells:+.3f} mV")
    for measure in MEASURES:
        _show_measure(measure, [r["effect"][measure] for r in made], [r["none"][measure] for r in made])


def _show_measure(measure: str, effect: list[dict[str, Any]], none: list[dict[str, Any]]) -> None:
    people = population()
    true, unit = {"A_1000": (people.effect, "mV"), "S_fix": (people.area_effect, "mV s")}[measure]
    estimates = [1e3 * f["estimate"] for f in effect]
    print(f"{measure}: true effect {1e3 * true:+.3f} {unit}, mean estimate {mean(estimates):+.3f} {unit}")
    line("95 % t interval holds the truth", coverage(effect, "interval", true), COVERAGE)
    line("95 % BCa interval holds the truth", coverage(effect, "bca", true), COVERAGE)
    line("found (p < 0.05, Welch t)", [f["p"] < ALPHA for f in effect], None)
    line("found (p < 0.05, permutation)", [f["permutation"] < ALPHA for f in effect], None)
    line("no effect: 95 % t interval holds 0", coverage(none, "interval", 0.0), COVERAGE)
    line("no effect: 95 % BCa interval holds 0", coverage(none, "bca", 0.0), COVERAGE)
    line("no effect: false positives, Welch t", [f["p"] < ALPHA for f in none], FALSE_POSITIVES)
    line("no effect: false positives, permutation", [f["permutation"] < ALPHA for f in none], FALSE_POSITIVES)
    line("no effect: paired t without vehicle cells", [f["paired_p"] < ALPHA for f in none], None)
    if measure == "A_1000":
        _show_percent(effect, none)


def _show_percent(effect: list[dict[str, Any]], none: list[dict[str, Any]]) -> None:
    true = population().percent
    print(f"A_1000 in % of baseline: true effect {true:+.1f}, mean estimate {mean(f['percent'] for f in effect):+.1f}")
    line("95 % t interval holds the truth", coverage(effect, "percent_interval", true), COVERAGE)
    line("95 % BCa interval holds the truth", coverage(effect, "percent_bca", true), COVERAGE)
    line("found (p < 0.05, Welch t)", [f["percent_p"] < ALPHA for f in effect], None)
    line("no effect: false positives, Welch t", [f["percent_p"] < ALPHA for f in none], FALSE_POSITIVES)
    line("no effect: false positives, permutation", [f["percent_permutation"] < ALPHA for f in none], FALSE_POSITIVES)


def main() -> None:
    """Run the repeats and print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--repeats", type=int, default=100)
    asked.add_argument("--processes", type=int, default=2)
    asked.add_argument("--results", type=Path, default=Path(tempfile.gettempdir()) / "patchrig_study.jsonl")
    asked.add_argument("--show", action="store_true", help="print what FILE holds and run nothing")
    asked.add_argument("--without-files", type=int, metavar="N")
    wish = asked.parse_args()
    if wish.without_files:
        with ProcessPoolExecutor(wish.processes) as pool:
            found = list(pool.map(direct, range(wish.without_files), chunksize=10))
        print(f"{len(found)} studies without files")
        _show_measure("A_1000", [f["effect"] for f in found], [f["none"] for f in found])
        return
    if not wish.show:
        run(wish.repeats, wish.processes, wish.results)
    show(records(wish.results))


if __name__ == "__main__":
    main()
