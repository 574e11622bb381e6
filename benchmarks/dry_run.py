"""How long an hour's experiment takes to rehearse, with analysis and session file, in a fresh process.

    python benchmarks/dry_run.py            # numba's cache as it is
    python benchmarks/dry_run.py --cold     # an empty cache: compile time included

The protocol is the shipped study with fixed lengths, so that it lasts one hour.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
STUDY = ROOT / "protocols" / "library" / "sahp_l_type_block.yaml"
RULE = "      until_stable: {measure: sAHP, last: 10, drift_below: 15 % per 10 min}\n"
HOUR = {
    f"{RULE}      at_least: 5 min\n      at_most: 20 min\n      if_not_stable: ask\n": "      for: 16 min\n",
    f"{RULE}      counted_from: arrival\n      at_least: 10 min\n      at_most: 20 min\n      if_not_stable: note\n": (
        "      counted_from: arrival\n      for: 18 min\n"
    ),
    "      counted_from: arrival\n      for: 15 min\n": "      counted_from: arrival\n      for: 18 min\n",
}
"""What is replaced in the shipped study."""


def hour_protocol() -> str:
    """Return the study with series of fixed length, one hour in all."""
    text = STUDY.read_text(encoding="utf-8")
    for old, new in HOUR.items():
        if old not in text:
            raise SystemExit(f"the shipped study has changed; this benchmark expects\n{old}")
        text = text.replace(old, new)
    return text


def main() -> None:
    """Rehearse once and print the times."""
    with tempfile.TemporaryDirectory() as folder:
        protocol = Path(folder) / "hour.yaml"
        protocol.write_text(hour_protocol(), encoding="utf-8")
        environment = dict(os.environ)
        if "--cold" in sys.argv:
            environment["NUMBA_CACHE_DIR"] = f"{folder}/numba"
        command = ["patchrig", "run", str(protocol), "--simulate", "--out", folder, "--yes", "--json"]
        start = time.perf_counter()
        done = subprocess.run(command, check=True, capture_output=True, env=environment)
        wall = time.perf_counter() - start
        answer = json.loads(done.stdout)
        size = Path(answer["session"]).stat().st_size
    print(
        f"{answer['experiment_s'] / 60:.1f} min of experiment, {answer['sweeps']} sweeps, {size / 1e6:.0f} MB: "
        f"{wall:.1f} s of wall time ({answer['experiment_s'] / wall:.0f} x)"
    )


if __name__ == "__main__":
    main()
