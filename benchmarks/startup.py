"""How long the command line takes to answer: `patchrig --help` and `patchrig check` of the shipped study.

    python benchmarks/startup.py

Medians of wall time over fresh processes, after one to warm the file cache.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
STUDY = ROOT / "protocols" / "library" / "sahp_l_type_block.yaml"
REPEATS = 9


def seconds(*arguments: str) -> float:
    """Return the median wall time of `patchrig ARGUMENTS`."""
    program = shutil.which("patchrig")
    if program is None:
        raise SystemExit("patchrig is not on the PATH: activate its environment first")
    times = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        subprocess.run([program, *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main() -> None:
    """Print a table."""
    for limit, arguments in ((0.4, ("--help",)), (0.8, ("check", str(STUDY)))):
        name = " ".join(["patchrig", *(Path(a).name for a in arguments)])
        print(f"{name:<44} {seconds(*arguments):.2f} s   (limit {limit} s)")


if __name__ == "__main__":
    main()
