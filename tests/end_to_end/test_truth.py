"""The whole chain, from command to reported effect, recovers what the simulated cell really does."""

import pytest

from acquisition.analysis.summary import gather, summarise
from acquisition.run import Wish, run
from acquisition.session.reader import open_session
from drivers.simulated.settings import Simulation
from drivers.simulated.truth import burst
from tests.kit import RIG, ROOT

STUDY = ROOT / "protocols" / "library" / "sahp_l_type_block.yaml"
AT_PEACE = "\n  sahp_run_down: off\n  run_down: off\n  sahp_fluctuation: 0 %\n  membrane_fluctuation: 0 pA\n"
MEM_1003 = ("(Rac)-MEM 1003", 1e-6)
SEED = 11
"""A cell that fires as often in the blocker."""


def test_the_study_reports_the_cells_true_block_within_5_percentage_points(tmp_path):
    """Of a cell at peace: one cell alone cannot tell run-down from the drug, nor chance, by which one that is restless
    changes by 9 % (SD). That is what vehicle cells and more cells are for; `benchmarks/recovery_of_truth.py` has those.
    """
    rig = tmp_path / "rig.yaml"
    rig.write_text(RIG.read_text(encoding="utf-8") + AT_PEACE, encoding="utf-8")
    finished, path = run(Wish(STUDY, rig, tmp_path, simulate=True, seed=SEED))
    assert finished.reason == "finished"
    with open_session(path) as session:
        summary = summarise(gather(session.sweeps, session.measurements, session.rejected))
        (found,) = [e for e in session.log if e.kind == "found"]
    effect = summary.change("A_1000", "drug").effect
    before = burst(Simulation(), found.data["current"], seed=SEED)
    after = burst(Simulation(), found.data["current"], seed=SEED, drug=MEM_1003)
    assert 200e-12 <= found.data["current"] <= 400e-12
    assert found.data["spikes"] == before.spikes == after.spikes
    assert -4.5e-3 <= effect.mean_before <= -1.5e-3
    assert effect.percent == pytest.approx(100 * (after.sahp / before.sahp - 1), abs=5.0)
