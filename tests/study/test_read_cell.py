"""A session file as one cell of a study."""

from __future__ import annotations

import json
import math
import pickle
import subprocess
import sys
from hashlib import sha256

import pytest

from acquisition.analysis.summary import gather, summarise
from acquisition.session.recovery import open_recovered
from acquisition.study.cell import Role, Rules
from acquisition.study.reading import read_cell, try_cell
from tests.study.studies import CONTROL, write_cell


@pytest.fixture(scope="module")
def drug_file(study):
    return next(study.glob("*drug0*.nwb"))


def test_phases_are_baseline_test_and_wash_with_what_flowed(drug_file):
    c = read_cell(drug_file)
    assert [p.role for p in c.phases] == [Role.BASELINE, Role.TEST, Role.WASH]
    assert (c.tests[0].solution.compound, c.tests[0].solution.concentration) == ("MEM 1003", 1e-6)
    assert c.baseline.solution.label == CONTROL
    assert (c.animal, c.cell) == ("R0", "drug0")


def test_means_are_those_that_review_shows(drug_file):
    c = read_cell(drug_file)
    with open_recovered(drug_file) as session:
        shown = summarise(gather(session.sweeps, session.measurements, session.rejected)).as_mapping()["phases"]
    for mine, theirs in zip(c.phases, shown, strict=True):
        assert mine.accepted == theirs["accepted"]
        for name, value in theirs["means"].items():
            assert mine.mean(name).value == value


def test_known_truth_comes_back(drug_file):
    c = read_cell(drug_file)
    assert c.baseline.mean("A_1000").value == pytest.approx(-4e-3)
    assert c.tests[0].mean("A_1000").value == pytest.approx(-2e-3)
    assert c.tests[0].mean("Rin").value == pytest.approx(80e6)


def test_time_counts_from_the_arrival_of_the_drug(drug_file):
    first = next(p for p in read_cell(drug_file).course if p.role is Role.TEST and p.minutes >= 0)
    assert first.minutes == pytest.approx(0.5)  # it arrives 45 s after the valve, the first sweep comes 75 s after it
    assert first.percent == pytest.approx(50.0)


def test_a_sweep_with_the_wrong_count_is_left_out_with_its_reason(drug_file):
    c = read_cell(drug_file)
    assert [(s.sweep, s.reason) for s in c.left_out] == [(1, "spikes 2, not as wanted")]
    assert c.baseline.accepted == 8
    assert not c.course[1].is_accepted


def test_a_record_survives_pickling_and_is_json(drug_file):
    c = read_cell(drug_file)
    assert repr(pickle.loads(pickle.dumps(c))) == repr(c)
    assert json.loads(json.dumps(c.as_mapping(), allow_nan=False))["animal"] == "R0"


def test_reading_writes_nothing(drug_file):
    before = (
        sha256(drug_file.read_bytes()).hexdigest(),
        drug_file.stat().st_mtime_ns,
        sorted(drug_file.parent.iterdir()),
    )
    read_cell(drug_file)
    after = sha256(drug_file.read_bytes()).hexdigest(), drug_file.stat().st_mtime_ns, sorted(drug_file.parent.iterdir())
    assert after == before


def test_a_vehicle_cell_has_a_test_phase_without_compound(study):
    c = read_cell(next(study.glob("*vehicle0*.nwb")))
    assert [p.role for p in c.phases] == [Role.BASELINE, Role.TEST, Role.WASH]
    assert c.tests[0].solution.is_vehicle


def test_a_named_solution_counts_as_vehicle(drug_file):
    assert read_cell(drug_file, Rules(vehicle="mem 1003")).tests[0].solution.is_vehicle


def test_a_second_series_in_the_same_solution_is_a_time_control(tmp_path):
    c = read_cell(write_cell(tmp_path, compound=None, restart=True))
    assert [p.role for p in c.phases][:2] == [Role.BASELINE, Role.TEST]
    assert c.tests[0].solution.is_vehicle
    assert c.tests[0].minutes[0] == pytest.approx(0.0)


def test_a_cell_whose_input_resistance_changed_is_left_out_with_the_reason(tmp_path):
    c = read_cell(write_cell(tmp_path, rin_after=110e6))
    assert not c.is_accepted
    assert "input resistance rose 38 %" in " ".join(c.reasons)


def test_without_an_accepted_drug_sweep_there_is_nothing_to_compare(tmp_path):
    c = read_cell(write_cell(tmp_path, bad=tuple(range(9, 25))))
    assert not c.is_accepted
    assert c.tests == ()
    assert "after the change of solution" in " ".join(c.reasons)


def test_without_an_accepted_baseline_the_drug_is_not_taken_for_it(tmp_path):
    c = read_cell(write_cell(tmp_path, bad=tuple(range(9))))
    assert c.baseline is None
    assert not c.is_accepted


def test_a_half_decay_that_was_mostly_not_seen_is_a_lower_bound(tmp_path):
    mean = read_cell(write_cell(tmp_path, censored=tuple(range(9, 25)))).tests[0].mean("D50")
    assert mean.is_censored
    assert (mean.n, mean.censored) == (0, 9)
    assert mean.bound == pytest.approx(5.5)  # the window ends 5.5 s after the step, as A_1000's place tells


def test_few_censored_half_decays_give_a_median_and_not_a_mean(tmp_path):
    mean = read_cell(write_cell(tmp_path, censored=(15, 16), d50_after=0.7)).tests[0].mean("D50")
    assert mean.value == pytest.approx(0.7)
    assert mean.censored == 2
    assert math.isnan(mean.bound)


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "damaged"), (b"not HDF5", "not an NWB file"), (None, "no such file")]
)
def test_what_is_no_session_is_a_sentence(tmp_path, content, words):
    path = tmp_path / "x.nwb"
    if content is not None:
        path.write_bytes(content)
    assert words in try_cell(path, Rules()).reason


def test_a_file_cut_in_half_is_a_sentence(tmp_path):
    path = write_cell(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    found = try_cell(path, Rules())
    assert path.name in found.reason


def test_a_file_that_another_program_writes_is_named_with_the_reason(tmp_path):
    path = write_cell(tmp_path)
    hold = f"import h5py; f = h5py.File({str(path)!r}, 'r+'); print('open', flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", hold], **pipes) as other:
        assert other.stdout.readline() == "open\n"
        found = try_cell(path, Rules())
        other.communicate("\n")
    assert "written by another program" in found.reason
