"""What a session file says when it is opened: phases, cell, time course, difference waveform, by its own protocol."""

import json

import numpy as np
import polars
import pytest

from acquisition.difference import difference_of, write_difference
from acquisition.outcome import outcome_of
from acquisition.reports import result_of
from acquisition.session.reader import open_session
from acquisition.session.writer import SessionWriter
from protocols.errors import Refused
from protocols.sweeps import LogEntry
from tests.session.synthetic import make_head
from tests.test_figure import DRUG, MV, Rig, drug_study, membrane_test_only, one_baseline


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The long study, recorded once."""
    head = make_head()
    path = tmp_path_factory.mktemp("study") / head.file_name
    with SessionWriter(path, head) as writer:
        long_study(Rig(writer))
    return path


@pytest.fixture
def recorded(tmp_path):
    """Record with a function of a rig, and return the path of the session; `edit` changes the protocol's text."""

    def record(experiment, edit=lambda text: text):
        head = make_head()
        head = make_head(protocol_text=edit(head.protocol_text))
        path = tmp_path / head.file_name
        with SessionWriter(path, head) as writer:
            experiment(Rig(writer))
        return path

    return record


def accepting(block):
    """Replace the protocol's `accept` block."""

    def edit(text):
        head, rest = text.split("\naccept:", 1)
        return f"{head}\naccept: {block}\n\nsteps:{rest.split(chr(10) + 'steps:', 1)[1]}"

    return edit


def long_study(rig):
    """Ten sweeps before a drug that works at once, and eleven minutes of it."""
    rig.switch(0.0, "ACSF", 0.0)
    rig.writer.log(LogEntry(30.0, "rest", "resting potential -64.0 mV (no current)", {"potential": -64e-3}))
    for i in range(10):
        rig.burst(60.0 + 30 * i, noise=0.02)
    rig.switch(360.0, DRUG, 45.0)
    for i in range(22):
        rig.burst(420.0 + 30 * i, label="drug", run=3, condition=DRUG, size=1.5 * MV, noise=0.02)


def test_review_says_that_the_cell_counts_and_that_its_phases_are_steady(study):
    lines = result_of(study).lines
    assert lines[-1] == "cell accepted"
    assert any(line.startswith("baseline: 10 of 10 sweeps steady, slope ") for line in lines)
    assert any(line.startswith("drug: 10 sweeps steady, slope ") and "10 min after arrival" in line for line in lines)


def test_review_says_why_a_cell_is_left_out(recorded):
    assert result_of(recorded(drug_study)).lines[-1].startswith("cell left out: 5 accepted baseline sweeps, 8 needed")


def test_the_limits_are_those_of_the_protocol_in_the_file(recorded):
    strict = accepting("{cell: {access_resistance: below 5 MOhm, baseline_sweeps: 5}}")
    (reason,) = result_of(recorded(drug_study, strict)).data["cell"]["reasons"]
    assert "access resistance " in reason
    assert reason.endswith("wanted below 5 MOhm")


def test_a_session_whose_protocol_cannot_be_read_is_judged_by_the_defaults_and_says_so(recorded):
    lines = result_of(recorded(drug_study, lambda text: text.replace("format: 1", "format: 9"))).lines
    assert lines[-2].startswith("cell left out: 5 accepted baseline sweeps, 8 needed")
    assert lines[-1] == "this version cannot read the session's protocol: judged by the default limits"


def test_a_session_without_bursts_has_no_verdict_on_its_cell(recorded):
    result = result_of(recorded(membrane_test_only))
    assert result.data["cell"] is None
    assert not any("cell" in line for line in result.lines)


def test_json_has_the_time_course_the_steadiness_and_every_check(recorded):
    data = result_of(recorded(drug_study)).data
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert [round(p["minutes"], 2) for p in data["time_course"]][6:8] == [0.25, 0.75]
    assert data["time_course"][6]["percent"] == pytest.approx(50, abs=15)
    assert data["phases"][1]["steadiness"]["besides"][0]["name"] == "since_arrival"
    assert {c["name"] for c in data["cell"]["checks"]} >= {"resting_potential", "access_change_within"}


def test_the_difference_waveform_goes_to_a_spreadsheet_with_units_in_its_heads(study, tmp_path):
    with open_session(study) as session:
        found, change = difference_of(session), outcome_of(session).summary.change("A_1000")
    write_difference(found, tmp_path / "difference.csv")
    table = polars.read_csv(tmp_path / "difference.csv")
    assert table.columns == ["time_s", "before_mV", "after_mV", "difference_mV", "sem_mV"]
    at_1_s = table.filter(polars.col("time_s").is_between(0.95, 1.05))["difference_mV"].mean()
    assert at_1_s == pytest.approx(1e3 * change.effect.difference, abs=1e-6)
    assert np.allclose(np.diff(table["time_s"]), 1e-3)


def test_a_phase_that_is_not_there_has_no_difference(recorded):
    path = recorded(one_baseline)
    with (
        open_session(path) as session,
        pytest.raises(Refused, match="no phase with accepted sweeps after the baseline"),
    ):
        difference_of(session)


def test_a_misspelt_phase_is_answered_with_those_there_are(recorded):
    with open_session(recorded(drug_study)) as session, pytest.raises(Refused, match="there are drug"):
        difference_of(session, after="wash")
