"""How near the study's reported block comes to what each simulated cell really does.

    python benchmarks/recovery_of_truth.py [FIRST LAST]      # seeds, default 1 20

Runs the shipped study once a seed and compares the change of the sAHP at 1 s with the same cell, without noise, drift
and amplifier, at the same current and the same concentration. The recordings do not run down: a drug cell alone cannot
tell that from the drug, which is what vehicle cells are for.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

import config
import protocols
from acquisition.analysis.summary import gather, summarise
from acquisition.run import Wish, run
from acquisition.session.reader import open_session
from drivers.simulated.settings import Simulation
from drivers.simulated.truth import burst

STUDY = Path(protocols.__path__[0]) / "library" / "sahp_l_type_block.yaml"
RIG = Path(config.__path__[0]) / "rigs" / "simulated.yaml"
MEM_1003 = ("(Rac)-MEM 1003", 1e-6)


def one(seed: int, folder: Path) -> tuple[float, int] | None:
    """Run one cell, print a line, return the error in percentage points and the trials of the search."""
    finished, path = run(Wish(STUDY, rig_without_run_down(folder), folder, simulate=True, seed=seed))
    with open_session(path) as session:
        summary = summarise(gather(session.sweeps, session.measurements, session.rejected))
        found = [e for e in session.log if e.kind == "found"]
        trials = sum(s.kind == "find" for s in session.sweeps)
    change = summary.change("A_1000", "drug")
    if finished.reason != "finished" or not found or change is None:
        print(f"seed {seed:3d}: {finished.reason}, {finished.text}")
        return None
    current, effect = found[0].data["current"], change.effect
    before = burst(Simulation(), current, seed=seed)
    after = burst(Simulation(), current, seed=seed, drug=MEM_1003)
    true = 100 * (after.sahp / before.sahp - 1)
    print(
        f"seed {seed:3d}: {current * 1e12:.0f} pA, {found[0].data['spikes']} spikes in {trials} trials; "
        f"{effect.mean_before * 1e3:.2f} -> {effect.mean_after * 1e3:.2f} mV, {effect.percent:.1f} % "
        f"(true {true:.1f} %, {before.spikes} -> {after.spikes} spikes), {finished.time / 60:.0f} min",
        flush=True,
    )
    return effect.percent - true, trials


def rig_without_run_down(folder: Path) -> Path:
    """Write the shipped rig file with run-down turned off."""
    folder.mkdir(parents=True, exist_ok=True)
    rig = folder / "rig.yaml"
    rig.write_text(f"{RIG.read_text(encoding='utf-8')}\n  sahp_run_down: null\n  run_down: null\n", encoding="utf-8")
    return rig


def main() -> None:
    """Run the seeds and print the spread."""
    first, last = (int(a) for a in sys.argv[1:3]) if len(sys.argv) > 2 else (1, 20)
    with tempfile.TemporaryDirectory() as folder:
        done = [one(seed, Path(folder) / str(seed)) for seed in range(first, last + 1)]
    results = [d for d in done if d is not None]
    errors = [e for e, _ in results]
    print(
        f"{len(results)} of {len(done)} cells finished; error median {median(errors):+.1f}, "
        f"largest {max(errors, key=abs):+.1f} percentage points, within 5 points in "
        f"{sum(abs(e) <= 5 for e in errors)}; trials of the search: median {median(t for _, t in results):g}"
    )


if __name__ == "__main__":
    main()
