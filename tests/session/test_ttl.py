"""TTL pulses are in the session file: a table that every NWB reader shows, and the samples in the sweep's header."""

import json

import numpy as np
import pynwb
import pytest

from acquisition.session.headers import header_of, header_text
from acquisition.session.journal import journal_path
from acquisition.session.journal_recorder import JournalRecorder
from acquisition.session.packer import Packer
from acquisition.session.reader import open_session
from acquisition.session.recovery import recover
from protocols.sweeps import ClampMode, Frame, Sweep
from protocols.waveforms import TtlPulse
from tests.session.synthetic import PULSED, RATE, burst, make_counts, make_head, make_header

CC = ClampMode.CURRENT


def header(index):
    return make_header(index, burst(seconds=0.1), CC, sweep=Sweep(index, CC, burst(seconds=0.1), PULSED))


@pytest.fixture
def interrupted(tmp_path):
    """The journal of a recording that was killed in its second sweep, and the file recovered from it."""
    nwb = tmp_path / "a.nwb"
    recorder = JournalRecorder(nwb, make_head(), ballast=0)
    for index, n in ((0, header(0).sweep.n_samples), (1, 220)):
        recorder.begin_sweep(header(index))
        recorder.samples(Frame(0, make_counts(header(index), n)))
        if index == 0:
            recorder.end_sweep()
    recorder._journal.close()
    recover(nwb)
    return nwb


def test_a_recovered_session_has_the_pulses_of_each_sweep_as_far_as_it_went(interrupted):
    with open_session(interrupted) as session:
        assert session.ttl == {0: PULSED, 1: (*PULSED[:2], TtlPulse("camera", 200, 220))}
        assert session.header(1).sweep.ttl == PULSED


def test_the_table_is_valid_nwb_with_times_of_the_session(interrupted):
    assert pynwb.validate(path=str(interrupted)) == []
    with pynwb.NWBHDF5IO(str(interrupted), "r") as io:
        table = io.read().intervals["ttl"].to_dataframe()
    first = table[table["sweep"] == 0]
    assert list(first["line"]) == ["camera", "stimulator", "camera"]
    starts = header(0).start + np.array([0, 100, 200]) / RATE
    assert first["start_time"].to_numpy() == pytest.approx(starts, abs=1e-12)
    assert (first["stop_time"] - first["start_time"]).to_numpy() == pytest.approx(np.array([40, 20, 40]) / RATE)


def test_a_session_without_ttl_pulses_has_no_such_table(tmp_path):
    nwb = tmp_path / "b.nwb"
    with JournalRecorder(nwb, make_head(), ballast=0) as recorder:
        plain = make_header(0, burst(seconds=0.1), CC)
        recorder.begin_sweep(plain)
        recorder.samples(Frame(0, make_counts(plain)))
        recorder.end_sweep()
    with Packer(journal_path(nwb), nwb) as packer:
        packer.run()
    with open_session(nwb) as session:
        assert session.ttl == {}
        assert "intervals/ttl" not in session._file


def test_headers_of_sessions_from_before_ttl_lines_can_be_read():
    told = json.loads(header_text(header(0)))
    del told["sweep"]["ttl"]
    assert header_of(json.dumps(told)).sweep == Sweep(0, CC, burst(seconds=0.1))
