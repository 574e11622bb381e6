"""The crash programme: break a recording in every way we know, recover it, and compare every sample with the truth.

    python -m benchmarks.crash [--kills 1000] [--cuts 100] [--plugs 60] [--fuzz 3000] [--seed 0] [--folder .]

kills     kill -9 of the recorder, of the packer, of both: at a random moment at a tenth of life speed, at a random
          moment at full speed, and before, amid or after the n-th call to the system that writes
cuts      power cuts by the page model (`tests/faults/power.py`) at random points of a trace of every write
plugs     real power cuts: an ext4 on a loop device, shut down without flushing its log (needs root)
full      a disk of 6 MB that is really full (needs the right to mount one in memory)
fuzz      a journal that is cut, has a bit flipped, or a page of zeros or noise

Every crash follows from its seed, which is printed where anything was lost; the exact moment of a kill at a random
moment depends on the machine as well. Exit code 1 if a finished sweep or a block was lost, or a sample was wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.cuts import power_cuts
from tests.faults.ext4 import ext4_cuts
from tests.faults.full_disk import fill, small_disk
from tests.faults.fuzz import fuzz
from tests.faults.kills import TIMINGS, VICTIMS, Toll, crash, plans


def kills(wish: argparse.Namespace) -> bool:
    tolls = {(victim, timing): Toll() for victim in VICTIMS for timing in TIMINGS}
    for number, plan in enumerate(plans(wish.kills, wish.seed), 1):
        if number % 100 == 0:
            print(f"{number} kills so far", flush=True)
        with tempfile.TemporaryDirectory(dir=wish.folder) as folder:
            tolls[plan.victim, plan.timing].add(crash(plan, Path(folder)), str(plan))
    for (victim, timing), toll in tolls.items():
        if toll.crashes:
            print(f"kills of {victim}, {timing}: {toll}", flush=True)
    return all(toll.is_clean for toll in tolls.values())


def cuts(wish: argparse.Namespace) -> bool:
    """Cuts in sessions of eight sweeps, fifty in each."""
    well = True
    for seed in range(wish.seed, wish.seed + -(-wish.cuts // 50)):
        with tempfile.TemporaryDirectory(dir=wish.folder) as folder:
            toll = power_cuts(Path(folder), min(50, wish.cuts), seed=seed)
        print(f"power cuts, seed {seed}: {toll}", flush=True)
        well &= toll.is_clean
    return well


def plugs(wish: argparse.Namespace) -> bool:
    with tempfile.TemporaryDirectory(dir=wish.folder) as folder:
        try:
            toll = ext4_cuts(Path(folder), wish.plugs, seed=wish.seed)
        except PermissionError as error:
            print(f"power cuts on ext4: not tried; {error}")
            return True
    print(f"power cuts on ext4: {toll}", flush=True)
    return toll.is_clean


def full(wish: argparse.Namespace) -> bool:
    with tempfile.TemporaryDirectory(dir=wish.folder) as folder:
        try:
            with small_disk(Path(folder), 6) as disk:
                outcome = fill(disk)
        except PermissionError as error:
            print(f"full disk: not tried; {error}")
            return True
    verdict = outcome.recovered
    print(
        f"full disk: {verdict.finished} sweeps before, {len(outcome.reasons)} in all; lost {verdict.lost_sweeps}, "
        f"blocks lost {verdict.lost_blocks}, wrong {verdict.wrong}, opened while full: {outcome.opened}"
    )
    return outcome.opened and not (verdict.lost_sweeps or verdict.lost_blocks or verdict.wrong)


def fuzzing(wish: argparse.Namespace) -> bool:
    with tempfile.TemporaryDirectory(dir=wish.folder) as folder:
        found = fuzz(Path(folder), wish.fuzz, wish.seed)
    print(f"journal fuzz: {found}")
    return sum(found.values()) == found["damaged"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--plugs", type=int, default=60)
    parser.add_argument("--fuzz", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=None, help="where to record; a disk, not memory")
    wish = parser.parse_args()
    begun = time.perf_counter()
    print(f"seeds from {wish.seed}: {wish.kills} kills, {wish.cuts} power cuts, {wish.fuzz} damaged journals")
    well = [part(wish) for part in (fuzzing, full, cuts, plugs, kills)]
    print(f"{'nothing was lost' if all(well) else 'SOMETHING WAS LOST'} ({time.perf_counter() - begun:.0f} s)")
    return 0 if all(well) else 1


if __name__ == "__main__":
    sys.exit(main())
