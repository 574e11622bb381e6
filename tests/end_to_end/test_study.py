"""The main job: the short study on the simulated rig, from protocol file to numbers and other people's tools."""

import json

import numpy as np
import pytest

from acquisition.run import Who, Wish, run
from acquisition.session.reader import open_session
from tests.kit import RIG, ROOT

SHORT = ROOT / "protocols" / "library" / "sahp_short.yaml"
SEED = 6
"""A cell that fires as often at every current near the one found, and in the blocker."""


@pytest.fixture(scope="module")
def session_path(tmp_path_factory):
    out = tmp_path_factory.mktemp("study")
    who = Who(("Doe, Jane",), "R042", "c1")
    finished, path = run(Wish(SHORT, RIG, out, simulate=True, seed=SEED, who=who))
    assert finished.reason == "finished", finished.text
    return path


def values(session, label, name):
    indices = {s.index for s in session.sweeps if s.label == label}
    return np.array([m.value for m in session.measurements if m.name == name and m.sweep in indices])


def test_the_step_evokes_three_or_four_spikes_within_the_range(session_path):
    with open_session(session_path) as session:
        counts = values(session, "baseline", "n_ap")
        (found,) = [e for e in session.log if e.kind == "found"]
    assert 200e-12 <= found.data["current"] <= 400e-12
    assert set(counts) <= {3.0, 4.0}


def test_the_blocker_reduces_the_slow_ahp(session_path):
    with open_session(session_path) as session:
        before, after = (np.nanmean(values(session, label, "A_1000")) for label in ("baseline", "drug"))
    assert -4.5e-3 < before < -1.5e-3
    assert after > 0.8 * before


def test_every_live_number_is_made_again_from_the_file_bit_for_bit(session_path):
    from acquisition.analysis.analyser import Settings, analyse

    with open_session(session_path) as session:
        settings = Settings.of(session.protocol)
        for info in session.sweeps:
            stored = [(m.name, m.value, m.window) for m in session.measurements if m.sweep == info.index]
            again = [(m.name, m.value, m.window) for m in analyse(session.sweep(info.index), settings)]
            assert sorted(map(repr, stored)) == sorted(map(repr, again)), info


def test_the_session_is_valid_nwb_and_archive_clean(session_path):
    import pynwb
    from nwbinspector import Importance, inspect_nwbfile, load_config

    errors = pynwb.validate(path=str(session_path))
    assert not errors, errors
    findings = list(inspect_nwbfile(nwbfile_path=str(session_path), config=load_config("dandi")))
    worse = [f for f in findings if f.importance.value > Importance.BEST_PRACTICE_SUGGESTION.value]
    assert not worse, "\n".join(f"{f.importance.name} {f.check_function_name} {f.location} {f.message}" for f in worse)


def test_pynwb_reads_the_conditions(session_path):
    from pynwb import NWBHDF5IO

    with NWBHDF5IO(session_path, "r") as io:
        nwb = io.read()
        conditions = nwb.icephys_experimental_conditions.to_dataframe()
        assert nwb.subject.species == "Rattus norvegicus"
    assert any("MEM 1003" in str(c) for c in conditions["condition"])


def test_neo_reads_one_segment_a_sweep(session_path):
    from neo.io import NWBIO

    with open_session(session_path) as session:
        count = len(session.sweeps)
    blocks = NWBIO(str(session_path), "r").read_all_blocks()
    assert max(len(b.segments) for b in blocks) == count


def test_the_same_seed_gives_a_session_with_the_same_samples(session_path, tmp_path):
    _, other = run(Wish(SHORT, RIG, tmp_path, simulate=True, seed=SEED))
    with open_session(session_path) as a, open_session(other) as b:
        assert [s.sha256 for s in a.sweeps] == [s.sha256 for s in b.sweeps]


def test_the_figure_can_be_drawn_as_png_svg_and_pdf(session_path, tmp_path):
    from acquisition.figure import review_figure

    with open_session(session_path) as session:
        figure = review_figure(session)
        for kind in ("png", "svg", "pdf"):
            figure.savefig(tmp_path / f"figure.{kind}")
            assert (tmp_path / f"figure.{kind}").stat().st_size > 10_000


def test_the_protocol_text_in_the_file_is_the_file_that_was_run(session_path):
    with open_session(session_path) as session:
        assert session.protocol_text == SHORT.read_text(encoding="utf-8")
        assert json.dumps(session.software)
