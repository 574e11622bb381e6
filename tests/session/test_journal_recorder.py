from __future__ import annotations

import errno
import os
import subprocess
import sys
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.session import payloads
from acquisition.session.headers import header_of
from acquisition.session.journal import Kind, Record, is_held, journal_path, scan
from acquisition.session.journal_recorder import JournalRecorder
from acquisition.session.writer import SessionWriter
from protocols.errors import SessionError
from protocols.sweeps import ClampMode, Frame, LogEntry, Measurement
from tests.session.synthetic import ROOT, Recorder, burst, make_counts, make_head, make_header, record

if TYPE_CHECKING:
    from pathlib import Path

HEAD = make_head()
HEADER = make_header(0, burst(), ClampMode.CURRENT)
COUNTS = make_counts(HEADER)
FLOATS = st.floats(allow_nan=True, allow_infinity=True)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Record], Recorder]:
    nwb = tmp_path_factory.mktemp("journal") / "a.nwb"
    recorder = record(JournalRecorder(nwb, HEAD))
    return list(scan(journal_path(nwb))), recorder


@pytest.fixture
def recorder(tmp_path: Path):
    made = JournalRecorder(tmp_path / "a.nwb", HEAD, ballast=1 << 16)
    yield made
    made.close()


def of(kind: Kind, records: list[Record]) -> list[bytes]:
    return [r.payload for r in records if r.kind is kind]


def play(recorder: JournalRecorder, header=HEADER, *, blocks: range = range(0, 15_000, 400)) -> None:
    recorder.begin_sweep(header)
    for first in blocks:
        recorder.samples(Frame(first, COUNTS[:, first : first + 400]))


def full_from(number: int, monkeypatch: pytest.MonkeyPatch, ballast: Path):
    """The disk is full from the given write on, until the reserve is gone."""
    genuine, writes = os.pwritev, []

    def pwritev(descriptor, parts, position):
        writes.append(position)
        if len(writes) > number and ballast.exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        return genuine(descriptor, parts, position)

    monkeypatch.setattr(os, "pwritev", pwritev)


# --- what the journal holds -------------------------------------------------------------------------------------


def test_the_head_comes_back(told) -> None:
    records, _ = told
    assert records[0].kind is Kind.SESSION
    assert payloads.head_of(records[0].payload.decode()) == HEAD


def test_every_header_comes_back(told) -> None:
    records, played = told
    headers = [header_of(p.decode()) for p in of(Kind.SWEEP_BEGIN, records)]
    assert headers == [sweep.header for sweep in played.live.values()]


def test_every_sample_comes_back_as_converted(tmp_path: Path, recorder: JournalRecorder) -> None:
    play(recorder)
    recorder.end_sweep()
    frames = [payloads.frame_of(p, 2) for p in of(Kind.DATA, list(scan(journal_path(tmp_path / "a.nwb"))))]
    assert [f.first for f in frames] == list(range(0, 15_000, 400))
    assert np.array_equal(np.concatenate([f.counts for f in frames], axis=1), COUNTS)
    assert frames[0].counts.dtype == np.int16


def test_the_hash_is_of_the_counts_samples_by_channels(told) -> None:
    records, _ = told
    ends = [payloads.end_of(p) for p in of(Kind.SWEEP_END, records)]
    header = make_header(2, burst(), ClampMode.CURRENT)
    assert ends[2].sha256 == sha256(np.ascontiguousarray(make_counts(header).T).tobytes()).hexdigest()


def test_journal_and_session_file_agree_on_every_sweep(told, tmp_path: Path) -> None:
    from acquisition.session.reader import open_session

    records, _ = told
    record(SessionWriter(tmp_path / "direct.nwb", HEAD))
    with open_session(tmp_path / "direct.nwb") as session:
        stored = [(s.index, s.complete, s.reason, s.sha256, s.n_samples) for s in session.sweeps]
    ends = [payloads.end_of(p) for p in of(Kind.SWEEP_END, records)]
    assert [(e.sweep, e.complete, e.reason, e.sha256, e.n_samples) for e in ends] == stored


def test_lost_samples_stay_lost(told) -> None:
    records, _ = told
    begin = next(
        r.seq for r in records if r.kind is Kind.SWEEP_BEGIN and header_of(r.payload.decode()).sweep.index == 6
    )
    frames = [payloads.frame_of(r.payload, 2) for r in records[begin + 1 :] if r.kind is Kind.DATA][:3]
    assert [f.first for f in frames] == [0, 400, 1600]


def test_numbers_log_and_temperatures_come_back(told) -> None:
    records, played = told
    numbers = [m for p in of(Kind.MEASURED, records) for m in payloads.measured_of(p)]
    assert repr(numbers) == repr(played.measured)
    assert [payloads.log_of(p) for p in of(Kind.LOG, records)] == played.entries
    assert payloads.temperature_of(of(Kind.TEMPERATURE, records)[1]) == (60.1, 30.04)
    assert payloads.close_of(records[-1].payload) == "stopped by the person"


@given(st.lists(st.tuples(FLOATS, FLOATS, st.none() | st.tuples(FLOATS, FLOATS), st.lists(st.text(max_size=5)))))
def test_any_number_survives(facts) -> None:
    made = [Measurement("m", v, "V", 3, t, w, tuple(f), "a 1") for v, t, w, f in facts]
    assert repr(payloads.measured_of(payloads.measured_text(made))) == repr(made)


@given(FLOATS, FLOATS)
def test_any_temperature_survives(time: float, value: float) -> None:
    assert repr(payloads.temperature_of(payloads.temperature_bytes(time, value))) == repr((time, value))


# --- the audit chain --------------------------------------------------------------------------------------------


def test_the_log_is_chained_to_the_head(told) -> None:
    records, _ = told
    assert payloads.broken_link(records[0].payload.decode(), of(Kind.LOG, records)) is None


@pytest.mark.parametrize("harm", ["removed", "changed", "swapped"])
def test_a_log_that_was_changed_shows_it(told, harm: str) -> None:
    records, _ = told
    lines = of(Kind.LOG, records)
    match harm:
        case "removed":
            del lines[1]
        case "changed":
            lines[1] = lines[1].replace(b"4", b"5", 1)
        case "swapped":
            lines[1], lines[2] = lines[2], lines[1]
    assert payloads.broken_link(records[0].payload.decode(), lines) == 1


# --- how it behaves ---------------------------------------------------------------------------------------------


def test_recording_never_loads_hdf5() -> None:
    code = "import sys, acquisition.session.journal_recorder; assert not {'h5py', 'scipy', 'pynwb'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_sweep_is_in_the_file_as_soon_as_it_ended(tmp_path: Path, recorder: JournalRecorder) -> None:
    play(recorder)
    recorder.end_sweep()
    assert of(Kind.SWEEP_END, list(scan(journal_path(tmp_path / "a.nwb"))))
    assert is_held(journal_path(tmp_path / "a.nwb"))


def test_samples_are_in_the_file_as_soon_as_they_were_given(tmp_path: Path, recorder: JournalRecorder) -> None:
    play(recorder, blocks=range(0, 2000, 400))
    assert len(of(Kind.DATA, list(scan(journal_path(tmp_path / "a.nwb"))))) == 5


def test_closing_ends_an_open_sweep_as_incomplete(tmp_path: Path, recorder: JournalRecorder) -> None:
    play(recorder, blocks=range(0, 2000, 400))
    recorder.close("stopped")
    records = list(scan(journal_path(tmp_path / "a.nwb")))
    end = payloads.end_of(of(Kind.SWEEP_END, records)[0])
    assert (end.complete, end.reason, end.n_samples, end.status) == (False, "stopped", 2000, "incomplete")
    assert payloads.close_of(records[-1].payload) == "stopped"


def test_only_the_journal_is_left_behind(tmp_path: Path, recorder: JournalRecorder) -> None:
    recorder.close()
    assert [p.name for p in tmp_path.iterdir()] == ["a.nwb.journal"]


@pytest.mark.parametrize("name", ["a.nwb", "a.nwb.journal"])
def test_nothing_that_exists_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"precious")
    with pytest.raises(SessionError, match="never overwritten"):
        JournalRecorder(tmp_path / "a.nwb", HEAD)
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"precious"]


def refused(frame: Frame, words: str) -> object:
    return pytest.param(frame, words, id=words)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        refused(Frame(400, COUNTS[:1, :10]), "2 channels"),
        refused(Frame(400, COUNTS[:, :10].astype(np.float32)), "int16"),
        refused(Frame(100, COUNTS[:, :10]), "400 samples are here already"),
    ],
)
def test_frames_that_cannot_belong_are_refused(recorder: JournalRecorder, frame: Frame, words: str) -> None:
    play(recorder, blocks=range(0, 400, 400))
    with pytest.raises(SessionError, match=words):
        recorder.samples(frame)


def test_calls_out_of_order_are_refused(recorder: JournalRecorder) -> None:
    with pytest.raises(SessionError, match="no sweep"):
        recorder.samples(Frame(0, COUNTS))
    recorder.begin_sweep(HEADER)
    with pytest.raises(SessionError, match="before sweep 0 has ended"):
        recorder.begin_sweep(make_header(1, burst(), ClampMode.CURRENT))
    recorder.end_sweep()
    with pytest.raises(SessionError, match="has a sweep 0 already"):
        recorder.begin_sweep(HEADER)
    recorder.close()
    with pytest.raises(SessionError, match="closed"):
        recorder.begin_sweep(make_header(1, burst(), ClampMode.CURRENT))
    with pytest.raises(SessionError, match="closed"):
        recorder.log(LogEntry(0.0, "note", "too late"))


def test_a_failing_disk_is_said_in_words(recorder: JournalRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as harm:
        harm.setattr(os, "pwritev", broken)
        with pytest.raises(SessionError, match=r"a\.nwb\.journal cannot be written: Input/output error"):
            recorder.log(LogEntry(0.0, "note", "x"))


# --- a full disk ------------------------------------------------------------------------------------------------


def test_a_full_disk_ends_the_sweep_with_all_its_samples(
    tmp_path: Path, recorder: JournalRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_from(4, monkeypatch, tmp_path / "a.nwb.ballast")
    with pytest.raises(SessionError, match="full: the sweep was closed"):
        play(recorder)
    records = list(scan(journal_path(tmp_path / "a.nwb")))
    end = payloads.end_of(of(Kind.SWEEP_END, records)[0])
    assert (end.complete, end.status, end.n_samples) == (False, "disk_full", 1600)
    assert len(of(Kind.DATA, records)) == 4


def test_after_a_full_disk_the_run_can_be_closed(
    tmp_path: Path, recorder: JournalRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_from(4, monkeypatch, tmp_path / "a.nwb.ballast")
    with pytest.raises(SessionError):
        play(recorder)
    with pytest.raises(SessionError, match="full"):
        recorder.samples(Frame(5000, COUNTS[:, :400]))
    recorder.end_sweep(complete=False, reason="the disk is full")
    recorder.log(LogEntry(1.0, "end", "the disk is full"))
    recorder.close("the disk is full")
    kinds = [r.kind for r in scan(journal_path(tmp_path / "a.nwb"))]
    assert kinds[-3:] == [Kind.SWEEP_END, Kind.LOG, Kind.CLOSE]
    assert kinds.count(Kind.SWEEP_END) == 1


def test_recording_goes_on_after_space_was_made(
    tmp_path: Path, recorder: JournalRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full_from(4, full, tmp_path / "a.nwb.ballast")
        with pytest.raises(SessionError):
            play(recorder)
    play(recorder, make_header(1, burst(), ClampMode.CURRENT))
    recorder.end_sweep()
    ends = [payloads.end_of(p) for p in of(Kind.SWEEP_END, list(scan(journal_path(tmp_path / "a.nwb"))))]
    assert [(e.sweep, e.status) for e in ends] == [(0, "disk_full"), (1, "complete")]
    assert (tmp_path / "a.nwb.ballast").exists()


def test_no_sweep_begins_on_a_full_disk(
    tmp_path: Path, recorder: JournalRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full_from(0, full, tmp_path / "a.nwb.ballast")
        with pytest.raises(SessionError, match="is full; make space"):
            recorder.begin_sweep(HEADER)
    assert (tmp_path / "a.nwb.ballast").exists()
    recorder.begin_sweep(HEADER)


def test_a_log_line_on_the_reserve_ends_the_sweep_at_its_next_block(
    tmp_path: Path, recorder: JournalRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(recorder, blocks=range(0, 800, 400))
    full_from(0, monkeypatch, tmp_path / "a.nwb.ballast")
    recorder.log(LogEntry(0.0, "note", "x"))
    with pytest.raises(SessionError, match="full"):
        recorder.samples(Frame(800, COUNTS[:, 800:1200]))
    records = list(scan(journal_path(tmp_path / "a.nwb")))
    assert payloads.end_of(of(Kind.SWEEP_END, records)[0]).n_samples == 1200


def test_a_disk_without_room_for_the_reserve_is_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing_left(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", nothing_left)
    with pytest.raises(SessionError, match="full; make space"):
        JournalRecorder(tmp_path / "a.nwb", HEAD)
    assert not list(tmp_path.iterdir())
