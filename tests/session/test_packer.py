"""What the packer makes of a journal is what the writer would have made of the samples themselves."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from acquisition.session import layout
from acquisition.session.journal import journal_path
from acquisition.session.journal_recorder import JournalRecorder
from acquisition.session.packer import Packer, start
from acquisition.session.reader import open_session
from acquisition.session.writer import SessionWriter
from protocols.errors import SessionError
from protocols.sweeps import ClampMode, Frame
from tests.session.synthetic import RATE, Recorder, burst, hold, make_counts, make_head, make_header, measures, record

if TYPE_CHECKING:
    from pathlib import Path

CC, VC = ClampMode.CURRENT, ClampMode.VOLTAGE
OWN = {"object_id", "file_create_date"}
"""What two files never share."""


@pytest.fixture
def nwb(tmp_path):
    return tmp_path / "new.nwb"


@pytest.fixture
def recorder(nwb):
    with JournalRecorder(nwb, make_head(), ballast=0) as recorder:
        yield recorder


@pytest.fixture
def packer(recorder, nwb):
    with Packer(journal_path(nwb), nwb) as packer:
        yield packer


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> tuple[Path, Recorder]:
    path = tmp_path_factory.mktemp("packed") / "packed.nwb"
    recorded = record(JournalRecorder(path, make_head(), ballast=0))
    with Packer(journal_path(path), path) as packer:
        packer.run()
    return path, recorded


def drain(packer: Packer) -> None:
    while packer.step():
        pass


def sweeps_in(nwb: Path) -> list[int]:
    with open_session(nwb) as session:
        assert all(session.is_intact(s.index) for s in session.sweeps)
        return [s.index for s in session.sweeps]


def contents(path: Path) -> dict[str, object]:
    """Every name in a file, with its values and attributes; of a reference, the name it points at."""
    with h5py.File(path) as file:

        def plain(value):
            match value:
                case h5py.Reference():
                    return file[value].name
                case np.ndarray() | list() | tuple() | np.void():
                    return [plain(v) for v in value]
                case np.generic():
                    return repr(value.item())
            return value

        def of(item):
            attributes = {k: plain(v) for k, v in item.attrs.items() if k not in OWN}
            return attributes, (item.dtype.str, plain(item[()])) if isinstance(item, h5py.Dataset) else None

        found = {}
        file.visititems(lambda name, item: found.update({name: of(item)} if name not in OWN else {}))
        return found


def test_a_packed_file_holds_what_a_directly_written_one_holds(packed, tmp_path):
    path = tmp_path / "direct.nwb"
    with open_session(packed[0]) as session:
        head = make_head(identifier=session.identifier)
    record(SessionWriter(path, head))
    ours, directly = contents(packed[0]), contents(path)
    assert list(ours) == list(directly)
    for name in directly:
        assert ours[name] == directly[name], name


def test_every_sweep_number_and_line_is_what_live_analysis_saw(packed):
    path, r = packed
    with open_session(path) as session:
        for index, live in r.live.items():
            found = session.sweep(index)
            assert (found.header, found.complete) == (live.header, live.complete)
            assert {k: v.tobytes() for k, v in found.stored.items()} == {k: v.tobytes() for k, v in live.stored.items()}
        assert repr(session.measurements) == repr(tuple(r.measured))
        assert session.log == tuple(r.entries)
        assert session.closed == "stopped by the person"


def test_nothing_but_the_session_and_its_journal_is_left(packed):
    path = packed[0]
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name, journal_path(path).name]


def test_a_packed_file_is_valid_nwb_at_the_end_and_between_sweeps(packed, recorder, packer, nwb):
    pynwb = pytest.importorskip("pynwb")
    assert pynwb.validate(path=str(packed[0])) == []
    drain(packer)
    assert pynwb.validate(path=str(nwb)) == []
    Recorder(recorder).play(make_header(0, burst(), CC))
    drain(packer)
    assert pynwb.validate(path=str(nwb)) == []


def test_the_file_is_there_before_the_first_sweep(packer, nwb):
    drain(packer)
    assert sweeps_in(nwb) == []


def test_every_finished_sweep_is_in_the_file_at_once_with_its_numbers(recorder, packer, nwb):
    r = Recorder(recorder)
    for i in range(5):
        r.play(make_header(i, burst(), CC))
        drain(packer)
        assert sweeps_in(nwb) == list(range(i + 1))
        r.measure(measures(i, 30.0 * i))
        drain(packer)
        with open_session(nwb) as session:
            assert len(session.measurements) == 4 * (i + 1)
            assert session.closed is None


def test_a_line_of_the_log_need_not_wait_for_a_sweep(recorder, packer, nwb):
    Recorder(recorder).say(1.0, "note", "slice turned")
    drain(packer)
    with open_session(nwb) as session:
        assert [e.text for e in session.log] == ["slice turned"]


def test_a_long_hold_is_one_series_that_grows_while_it_lasts(recorder, nwb):
    header = make_header(0, hold(3.6 * layout.SLICE / RATE), VC, label="hold", kind="hold")
    counts, seen = make_counts(header), []
    with Packer(journal_path(nwb), nwb, slice_bytes=2 * 2 * layout.SLICE) as packer:
        recorder.begin_sweep(header)
        for first in range(0, counts.shape[1], 20_000):
            recorder.samples(Frame(first, counts[:, first : first + 20_000]))
            drain(packer)
            with h5py.File(nwb) as file:
                name = layout.response_path(0, "primary")
                seen.append(file[name]["data"].shape[0] if name in file else 0)
                if seen[-1]:
                    stored = header.channels[0].stored(counts[0, : seen[-1]])
                    np.testing.assert_array_equal(file[name]["data"][-1000:], stored[-1000:], strict=True)
        recorder.end_sweep()
        drain(packer)
    assert sorted(set(seen)) == [k * layout.SLICE for k in range(4)]
    assert sweeps_in(nwb) == [0]
    with h5py.File(nwb) as file:
        assert sorted(file["acquisition"]) == ["sweep_00000_primary", "sweep_00000_secondary"]


def test_a_reader_delays_the_file_and_never_the_recording(recorder, nwb, caplog):
    r = Recorder(recorder)
    with Packer(journal_path(nwb), nwb, patience=0.0, tell_after=0.0) as packer:
        drain(packer)
        with h5py.File(nwb) as reader:
            for i in range(3):
                r.play(make_header(i, burst(), CC))
                drain(packer)
                assert packer.is_waiting
            assert layout.SWEEPS.path not in reader
        assert sweeps_in(nwb) == []
        drain(packer)
        assert not packer.is_waiting
    assert sweeps_in(nwb) == [0, 1, 2]
    assert [m.message for m in caplog.records if "another program has it open" in m.message] == [
        "new.nwb waits: another program has it open. The recording goes on."
    ]


def test_a_reader_that_never_leaves_is_named_at_the_end(recorder, nwb):
    with Packer(journal_path(nwb), nwb, patience=0.0) as packer:
        drain(packer)
        with h5py.File(nwb):
            recorder.close()
            with pytest.raises(SessionError, match="everything is in its journal"):
                packer.run(patience=0.0)


def test_a_session_is_packed_by_one_process_at_a_time(packer, nwb):
    with pytest.raises(SessionError, match=r"new\.nwb is being written by another process"):
        Packer(journal_path(nwb), nwb)


def test_a_session_without_a_journal_cannot_be_packed(nwb):
    with pytest.raises(SessionError, match="cannot be opened"):
        Packer(journal_path(nwb), nwb)
    assert list(nwb.parent.iterdir()) == []


def test_another_packer_goes_on_where_one_died(recorder, nwb):
    r = Recorder(recorder)
    with Packer(journal_path(nwb), nwb) as first:
        r.play(make_header(0, burst(), CC))
        drain(first)
    r.play(make_header(1, burst(), CC))
    assert sweeps_in(nwb) == [0]
    recorder.begin_sweep(make_header(2, burst(), CC))
    with Packer(journal_path(nwb), nwb) as second:
        drain(second)
        assert sweeps_in(nwb) == [0, 1]
        recorder.end_sweep(complete=False, reason="stopped")
        recorder.close()
        second.run()
    assert sweeps_in(nwb) == [0, 1, 2]
    assert sorted(p.suffix for p in nwb.parent.iterdir()) == [".journal", ".nwb"]


def test_a_file_that_is_not_a_part_of_the_journal_is_put_aside(recorder, nwb):
    Recorder(recorder).play(make_header(0, burst(), CC))
    other = nwb.with_name("other.nwb")
    Recorder(SessionWriter(other, make_head())).play(make_header(7, burst(), CC))
    shutil.copy(other, nwb)
    with Packer(journal_path(nwb), nwb) as packer:
        drain(packer)
    assert sweeps_in(nwb) == [0]
    assert nwb.with_name("new.nwb.broken").read_bytes() == other.read_bytes()


def test_a_process_of_its_own_packs_a_session_to_its_end(recorder, nwb):
    process = start(journal_path(nwb), nwb)
    r = record(recorder)
    assert process.wait(60) == 0
    assert sweeps_in(nwb) == list(r.live)


def test_a_packer_ends_when_its_recorder_has_died(recorder, nwb, tmp_path):
    r = Recorder(recorder)
    for i in range(2):
        r.play(make_header(i, burst(), CC))
    recorder.begin_sweep(make_header(2, burst(), CC))
    left = tmp_path / "left.nwb"
    shutil.copy(journal_path(nwb), journal_path(left))
    with journal_path(left).open("ab") as file:
        file.write(b"PRJ1, a frame that was cut off")
    with Packer(journal_path(left), left) as packer:
        packer.run()
    assert sweeps_in(left) == [0, 1]
    with open_session(left) as session:
        assert session.closed is None


def test_a_channel_that_is_not_straight_is_proved_too(recorder, nwb):
    header = make_header(0, burst(), CC)
    bent = replace(header.channels[0], coefficients=(0.0, 1e-5, 1e-10, 1e-16))
    Recorder(recorder).play(replace(header, channels=(bent,)))
    with Packer(journal_path(nwb), nwb) as packer:
        drain(packer)
    assert sweeps_in(nwb) == [0]
