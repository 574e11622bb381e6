"""What people decide about sweeps after the session: beside the file, never in it, and every line tied to the last."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from acquisition.outcome import outcome_of
from acquisition.session.audit import audit_path, decide, read_audit
from acquisition.session.export import sweep_frame
from acquisition.session.reader import open_session
from acquisition.session.recovery import prove
from acquisition.session.writer import SessionWriter
from protocols.errors import SessionError
from tests.session.synthetic import make_head
from tests.test_figure import Rig, drug_study


@pytest.fixture(scope="module")
def recorded_once(tmp_path_factory):
    head = make_head()
    path = tmp_path_factory.mktemp("audit") / head.file_name
    with SessionWriter(path, head) as writer:
        drug_study(Rig(writer))
    return path, head.identifier


@pytest.fixture
def session(recorded_once):
    path, identifier = recorded_once
    audit_path(path).unlink(missing_ok=True)
    yield path, identifier
    audit_path(path).unlink(missing_ok=True)


def test_a_rejected_sweep_leaves_the_means_of_everybody_and_the_file_stays_as_it_was(session):
    path, identifier = session
    before = sha256(path.read_bytes()).hexdigest()
    with open_session(path) as opened:
        n = len(outcome_of(opened).summary.baseline.sweeps)
    decide(path, identifier, "rejected", 4, "an artefact at 1 s", who="ann")
    with open_session(path) as opened:
        assert opened.rejected[4] == "an artefact at 1 s"
        assert len(outcome_of(opened).summary.baseline.sweeps) == n - 1
        row = sweep_frame(opened).row(4, named=True)
    assert (row["kept"], row["reason"]) == (False, "an artefact at 1 s")
    assert sha256(path.read_bytes()).hexdigest() == before


def test_a_restored_sweep_is_back_and_both_decisions_stand_with_who_when_and_why(session):
    path, identifier = session
    decide(path, identifier, "rejected", 4, "an artefact at 1 s", who="ann")
    decide(path, identifier, "restored", 4, "it lies outside the window", who="bob")
    with open_session(path) as opened:
        assert 4 not in opened.rejected
        entries = opened.audit.entries
    assert [(e.kind, e.who, e.reason) for e in entries] == [
        ("rejected", "ann", "an artefact at 1 s"),
        ("restored", "bob", "it lies outside the window"),
    ]
    assert all("T" in e.time and ("+" in e.time or "Z" in e.time) for e in entries)


def test_verify_accepts_a_record_and_names_a_line_that_was_changed_or_taken_out(session):
    path, identifier = session
    for sweep in (4, 5, 6):
        decide(path, identifier, "rejected", sweep, "noise", who="ann")
    assert not [p for p in prove(path).problems if "review" in p]
    whole = audit_path(path).read_bytes().splitlines(keepends=True)
    audit_path(path).write_bytes(b"".join([whole[0], whole[2]]))
    assert prove(path).problems == (f"{audit_path(path).name} was changed after it was written (line 2)",)
    with pytest.raises(SessionError, match="nothing was added"):
        decide(path, identifier, "rejected", 7, "noise", who="ann")


def test_a_record_of_another_session_is_told(session):
    path, _ = session
    decide(path, "another", "rejected", 4, "noise", who="ann")
    assert "is of another session" in prove(path).problems[0]


def test_a_line_that_was_cut_off_was_never_acknowledged_and_is_written_over(session):
    path, identifier = session
    decide(path, identifier, "rejected", 4, "noise", who="ann")
    with audit_path(path).open("ab") as file:
        file.write(b'{"kind": "rejec')
    assert len(read_audit(path, identifier).entries) == 1
    decide(path, identifier, "rejected", 5, "noise", who="ann")
    assert [e.sweep for e in read_audit(path, identifier).entries] == [4, 5]


@pytest.mark.parametrize("line", ["no JSON", "[]", json.dumps({"kind": "rejected", "after": ""})])
def test_a_record_that_cannot_be_read_is_an_error_and_not_an_empty_record(session, line):
    path, identifier = session
    audit_path(path).write_text(line + "\n", encoding="utf-8")
    with pytest.raises(SessionError, match="line 1: this is no decision"):
        read_audit(path, identifier)
