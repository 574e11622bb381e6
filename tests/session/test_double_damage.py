"""When more than one thing goes wrong, nothing that can be had is thrown away, and nobody is told that all is well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import pytest

from acquisition.session.claim import Claim
from acquisition.session.journal import Kind, frame_parts, journal_path, scan
from acquisition.session.journal_recorder import JournalRecorder
from acquisition.session.packer import Packer
from acquisition.session.recovery import prove, prune, recover, seal, verify
from protocols.errors import Refused, SessionError
from protocols.sweeps import ClampMode, LogEntry
from tests.session.synthetic import Recorder, burst, make_head, make_header

if TYPE_CHECKING:
    from pathlib import Path

SWEEPS = 6


@pytest.fixture
def session(tmp_path) -> Path:
    """A finished session of a few sweeps, with its journal."""
    nwb = tmp_path / "a.nwb"
    with JournalRecorder(nwb, make_head(), ballast=0) as recorder:
        r = Recorder(recorder)
        for i in range(SWEEPS):
            r.play(make_header(i, burst(seconds=0.1), ClampMode.CURRENT))
    with Packer(journal_path(nwb), nwb) as packer:
        packer.run()
    return nwb


def damage(path: Path, place: int, length: int = 8) -> None:
    data = bytearray(path.read_bytes())
    data[place : place + length] = bytes(length)
    path.write_bytes(data)


def middle_of_the_journal(nwb: Path) -> int:
    records = list(scan(journal_path(nwb)))
    return records[len(records) // 2].position + 4


def test_a_journal_damaged_in_its_middle_is_never_called_good_nor_removed(session):
    damage(journal_path(session), middle_of_the_journal(session))
    session.unlink()
    recover(session)
    assert not verify(session).ok
    assert "recorded frames cannot be read" in verify(session).problems[0]
    assert not seal(session).ok
    with pytest.raises(Refused):
        prune(session)
    assert journal_path(session).exists()


def test_a_file_with_intact_sweeps_of_its_own_is_not_replaced_by_a_shorter_one(session):
    damage(journal_path(session), middle_of_the_journal(session))
    with h5py.File(session, "r") as file:
        place = file["acquisition/sweep_00000_primary/data"].id.get_chunk_info(0).byte_offset
    damage(session, place, 64)
    with pytest.raises(SessionError, match="both damaged"):
        recover(session)
    assert sum(s.intact for s in verify(session).sweeps) == SWEEPS - 1
    assert verify(session.with_name("a.from-journal.nwb")).sweeps


def test_a_file_in_use_is_not_taken_for_a_damaged_one(session):
    before = session.read_bytes()
    with h5py.File(session, "r+"), pytest.raises(SessionError, match="open for writing in another program"):
        recover(session)
    assert session.read_bytes() == before
    assert not list(session.parent.glob("*.broken*"))


def test_a_session_that_is_being_recorded_is_not_reported_as_wrong(tmp_path):
    nwb = tmp_path / "live.nwb"
    with JournalRecorder(nwb, make_head(), ballast=0), pytest.raises(SessionError, match="being recorded"):
        prove(nwb)


def test_a_claim_that_was_given_back_does_not_remove_its_successors(tmp_path, monkeypatch):
    first, taken = Claim(tmp_path / "a.nwb"), []
    import os

    close = os.close

    def close_and_let_another_in(descriptor):
        close(descriptor)
        if not taken:
            taken.append(None)
            taken[0] = Claim(tmp_path / "a.nwb")

    monkeypatch.setattr(os, "close", close_and_let_another_in)
    first.release()
    monkeypatch.undo()
    with pytest.raises(SessionError, match="another process"):
        Claim(tmp_path / "a.nwb")
    taken[0].release()


def test_a_log_line_that_was_changed_with_all_its_checksums_is_found(tmp_path):
    nwb = tmp_path / "a.nwb"
    with JournalRecorder(nwb, make_head(), ballast=0) as recorder:
        for k in range(3):
            recorder.log(LogEntry(float(k), "note", f"line {k}"))
    journal, forged = journal_path(nwb), []
    for r in scan(journal):
        payload = r.payload.replace(b"line 1", b"line X") if r.kind is Kind.LOG else r.payload
        forged.append(b"".join(frame_parts(r.kind, r.seq, r.time_ns, payload)))
    journal.write_bytes(b"".join(forged))
    recover(nwb)
    assert verify(nwb).problems == ("the journal's log was changed after it was written",)
