from __future__ import annotations

import shutil
import subprocess
import sys
import uuid
from hashlib import sha256

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acquisition.session import layout
from acquisition.session.headers import entry_of, entry_text, header_of, header_text
from acquisition.session.reader import open_session
from acquisition.session.writer import SessionWriter
from protocols.errors import SessionError
from protocols.sweeps import Channel, ClampMode, Frame, LogEntry, Measurement, Sweep, SweepHeader
from protocols.waveforms import Pulse, Waveform
from tests.session.synthetic import AMPLIFIER, RATE, Recorder, burst, hold, make_counts, make_head, make_header

CC, VC = ClampMode.CURRENT, ClampMode.VOLTAGE
numbers = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new.nwb"


@pytest.fixture
def writer(path):
    with SessionWriter(path, make_head()) as writer:
        yield writer


def test_every_sweep_comes_back_equal_to_the_last_bit(recorded):
    path, r = recorded
    with open_session(path) as session:
        assert [s.index for s in session.sweeps] == list(r.live)
        for index, live in r.live.items():
            found = session.sweep(index)
            assert found.header == live.header
            assert found.complete == live.complete
            assert list(found.stored) == list(live.stored)
            for name, values in live.stored.items():
                assert found.stored[name].dtype == np.float32
                assert found.stored[name].tobytes() == values.tobytes()


def test_every_sweep_matches_the_hash_of_its_counts(recorded):
    path, r = recorded
    with open_session(path) as session:
        assert all(session.is_intact(i) for i in r.live)
        assert session.sweeps[3].sha256 == sha256(make_counts(r.live[3].header).T.astype("<i2").tobytes()).hexdigest()


def test_numbers_log_and_temperatures_come_back(recorded):
    path, r = recorded
    with open_session(path) as session:
        assert repr(session.measurements) == repr(tuple(r.measured))
        assert session.log == tuple(r.entries)
        times, values = session.temperatures
        known = [s.header for s in r.live.values() if s.header.temperature is not None]
        assert times.tolist() == [h.start for h in known]
        assert values.tolist() == [h.temperature for h in known]


def test_head_comes_back(recorded):
    path, _ = recorded
    head = make_head()
    with open_session(path) as session:
        assert session.protocol_text == head.protocol_text
        assert session.rig_text == head.rig_text
        assert session.protocol == head.protocol
        assert session.started == head.started
        assert (session.subject_id, session.cell_id, session.seed) == ("R17", "R17-c1", 7)
        assert session.experimenter == ("Doe, Jane",)
        assert session.software == {"patchrig": "0.1.0", "numpy": "2.0"}
        assert session.closed == "stopped by the person"


def test_list_of_sweeps_says_what_they_are(recorded):
    path, _ = recorded
    with open_session(path) as session:
        first, burst_, aborted, empty = (session.sweeps[i] for i in (0, 3, 8, 9))
        assert (first.kind, first.mode, first.step, first.holding) == ("hold", VC, None, -70e-3)
        assert (burst_.label, burst_.mode, burst_.step, burst_.run) == ("baseline", CC, 300e-12, 3)
        assert (aborted.n_samples, aborted.complete, aborted.reason) == (4321, False, "stopped by the person")
        assert (empty.n_samples, empty.complete) == (0, False)
        assert session.rejected == {4: "2 spikes"}


def test_lost_samples_are_nan_and_listed(recorded):
    path, r = recorded
    with open_session(path) as session, h5py.File(path) as file:
        lost = np.isnan(session.sweep(6).stored["primary"])
        assert np.flatnonzero(lost).tolist() == list(range(800, 1600))
        times = file["intervals/invalid_times"]
        start = r.live[6].header.start
        assert times["start_time"][0] == pytest.approx(start + 800 / RATE)
        assert times["stop_time"][0] == pytest.approx(start + 1600 / RATE)


def test_equal_commands_are_stored_once_per_run(recorded):
    path, _ = recorded
    with h5py.File(path) as file:
        assert list(file[layout.PRESENTATION]) == [
            "run_001_command_00000",
            "run_003_command_00002",
            "run_004_command_00006",
            "run_004_command_00007",
        ]


def test_of_an_interrupted_command_only_the_played_part_is_stored(path, writer):
    Recorder(writer).play(make_header(0, burst(), CC), n=4321, block=500)
    with h5py.File(path) as file:
        assert file[f"{layout.command_path(1, 0)}/data"].shape == (4321,)


def test_epochs_hold_solutions_with_their_dead_time(recorded):
    path, _ = recorded
    with h5py.File(path) as file:
        table = file["intervals/epochs"]
        rows = zip(*(table[k][:].tolist() for k in ("start_time", "stop_time", "phase")), strict=True)
        assert list(rows) == [(0.0, 176.0, b"in bath"), (176.0, 221.0, b"dead time"), (221.0, 300.0, b"in bath")]


def test_access_resistance_is_noted_at_the_electrode(recorded):
    path, _ = recorded
    with h5py.File(path) as file:
        assert file[layout.ELECTRODE]["initial_access_resistance"].asstr()[()] == "14.2 MOhm"


def test_a_long_hold_is_written_in_slices_while_it_lasts(path, writer):
    seconds = 3.2 * layout.SLICE / RATE
    header = make_header(0, hold(seconds), VC, label="hold", kind="hold")
    counts = make_counts(header)
    writer.begin_sweep(header)
    for first in range(0, counts.shape[1], 10_000):
        writer.samples(Frame(first, counts[:, first : first + 10_000]))
    with h5py.File(path) as file:
        assert file[layout.response_path(0, "primary")]["data"].shape[0] == 3 * layout.SLICE
    writer.end_sweep()
    writer.close()
    with open_session(path) as session:
        np.testing.assert_array_equal(
            session.sweep(0).stored["secondary"], header.channels[1].stored(counts[1]), strict=True
        )


def test_a_finished_sweep_survives_the_death_of_the_program(path, tmp_path, writer):
    r = Recorder(writer)
    r.play(make_header(0, burst(), CC))
    r.measure([Measurement("Rin", 1e8, "Ohm", 0, 1.0)])
    writer.begin_sweep(make_header(1, burst(), CC))
    writer.samples(Frame(0, make_counts(make_header(1, burst(), CC), 400)))
    left = shutil.copy(path, tmp_path / "left.nwb")
    with open_session(left) as session:
        assert session.closed is None
        assert [s.index for s in session.sweeps] == [0]
        assert session.is_intact(0)
        assert len(session.measurements) == 1


def test_an_error_closes_the_open_sweep_as_incomplete(path):
    with pytest.raises(ZeroDivisionError), SessionWriter(path, make_head()) as writer:  # noqa: PT012
        writer.begin_sweep(make_header(0, burst(), CC))
        writer.samples(Frame(0, make_counts(make_header(0, burst(), CC), 700)))
        raise ZeroDivisionError("boom")
    with open_session(path) as session:
        assert (session.sweeps[0].n_samples, session.sweeps[0].complete) == (700, False)
        assert session.sweeps[0].reason == session.closed == "interrupted: boom"


def test_closing_twice_does_nothing(path, writer):
    writer.close("finished")
    writer.close("something else")
    with open_session(path) as session:
        assert session.closed == "finished"
        assert session.sweeps == session.measurements == session.log == ()


def test_regular_temperatures_keep_their_times(path, writer):
    for k in range(5):
        writer.temperature(10.0 + 30.0 * k, 30.0 + 0.1 * k)
    writer.temperature(130.0, 99.0)
    writer.close()
    with open_session(path) as session:
        times, values = session.temperatures
    np.testing.assert_allclose(times, [10, 40, 70, 100, 130], rtol=1e-12)
    assert values.tolist() == [30.0 + 0.1 * k for k in range(5)]


def test_an_existing_file_is_never_overwritten(path):
    path.write_bytes(b"somebody's data")
    with pytest.raises(SessionError, match="never overwritten"):
        SessionWriter(path, make_head())
    assert path.read_bytes() == b"somebody's data"


def test_a_missing_folder_is_said_in_words(tmp_path):
    with pytest.raises(SessionError, match="Does its folder exist"):
        SessionWriter(tmp_path / "nowhere" / "new.nwb", make_head())


def test_samples_that_come_twice_are_refused(writer):
    writer.begin_sweep(make_header(0, burst(), CC))
    writer.samples(Frame(0, np.zeros((2, 100), np.int16)))
    with pytest.raises(SessionError, match="100 samples are here already"):
        writer.samples(Frame(50, np.zeros((2, 100), np.int16)))


def test_frames_of_the_wrong_shape_are_refused(writer):
    writer.begin_sweep(make_header(0, burst(), CC))
    with pytest.raises(SessionError, match="2 channels"):
        writer.samples(Frame(0, np.zeros((3, 100), np.int16)))


def test_counts_of_another_width_are_refused(writer):
    writer.begin_sweep(make_header(0, burst(), CC))
    with pytest.raises(SessionError, match="must be int16"):
        writer.samples(Frame(0, np.zeros((2, 100), np.int32)))


def test_strange_characters_do_not_end_a_run(path, writer):
    strange = "half \udc80, nul \0, 🐀"
    Recorder(writer).play(make_header(0, burst(), CC, label=strange, condition=strange), n=400)
    writer.log(LogEntry(1.0, "fault", strange, {"said": strange}))
    writer.close(strange)
    with open_session(path) as session:
        assert session.log[0].text == session.log[0].data["said"] == session.sweep(0).header.label == strange
        assert session.closed == session.sweeps[0].label == "half ?, nul \ufffd, 🐀"


def test_calls_out_of_order_are_refused(writer):
    with pytest.raises(SessionError, match="no sweep has begun"):
        writer.end_sweep()
    writer.begin_sweep(make_header(0, burst(), CC))
    with pytest.raises(SessionError, match="before sweep 0 has ended"):
        writer.begin_sweep(make_header(1, burst(), CC))
    writer.end_sweep()
    with pytest.raises(SessionError, match="has a sweep 0 already"):
        writer.begin_sweep(make_header(0, burst(), CC))
    writer.close()
    with pytest.raises(SessionError, match="closed already"):
        writer.begin_sweep(make_header(2, burst(), CC))


def test_a_changed_sample_shows(recorded, tmp_path):
    changed = shutil.copy(recorded[0], tmp_path / "changed.nwb")
    with h5py.File(changed, "r+") as file:
        file[layout.response_path(3, "primary")]["data"][1234] += 1.0
    with open_session(changed) as session:
        assert session.is_intact(2)
        assert not session.is_intact(3)


def test_recording_and_reviewing_do_not_load_the_slow_libraries():
    code = (
        "import sys, acquisition.session.writer, acquisition.session.reader, acquisition.session.export; "
        "print([m for m in ('pynwb', 'polars', 'scipy', 'numba', 'matplotlib') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@st.composite
def headers(draw):
    rate, n, holding = draw(st.floats(1.0, 1e6)), draw(st.integers(1, 10_000)), draw(numbers)
    edges = sorted(draw(st.lists(st.integers(0, n), max_size=6).filter(lambda e: len(e) % 2 == 0)))
    pairs = zip(edges[::2], edges[1::2], strict=True)
    pulses = tuple(Pulse(draw(st.sampled_from(["step", "test_pulse"])), a, b, draw(numbers)) for a, b in pairs)
    mode = draw(st.sampled_from(list(ClampMode)))
    return SweepHeader(
        sweep=Sweep(draw(st.integers(0, 10_000)), mode, Waveform(rate, n, holding, pulses)),
        start=draw(numbers),
        label=draw(st.text()),
        kind="series",
        run=draw(st.integers(0, 100)),
        condition=draw(st.text()),
        channels=(Channel("primary", mode.response_unit, tuple(draw(st.lists(numbers, min_size=1, max_size=4)))),),
        holding=holding,
        amplifier=draw(st.dictionaries(st.text(), numbers | st.text())) | AMPLIFIER[mode],
        temperature=draw(st.none() | numbers),
    )


@given(headers())
def test_any_header_survives_as_text(header):
    assert header_of(header_text(header)) == header


@given(numbers, st.text(), st.dictionaries(st.text(), st.none() | st.booleans() | numbers | st.text()))
def test_any_log_line_survives_as_text(time, text, data):
    entry = LogEntry(time, "note", text, data)
    assert entry_of(entry_text(entry)) == entry


def test_a_log_line_takes_numpy_and_anything_with_a_name():
    entry = LogEntry(0.0, "note", "text", {"a": np.float64(0.1), "b": np.arange(2), "c": VC, "d": object})
    assert entry_of(entry_text(entry)).data == {"a": 0.1, "b": [0, 1], "c": "voltage clamp", "d": "<class 'object'>"}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=12), st.integers(0, 99))
def test_the_file_does_not_depend_on_the_lengths_of_frames(tmp_path, lengths, seed):
    header = make_header(0, Waveform(RATE, sum(lengths), 0.0), CC)
    counts = np.random.default_rng(seed).integers(-32768, 32768, (2, sum(lengths))).astype(np.int16)
    path = tmp_path / f"{uuid.uuid4()}.nwb"
    with SessionWriter(path, make_head()) as writer:
        writer.begin_sweep(header)
        for first, n in zip(np.cumsum([0, *lengths]), lengths, strict=False):
            writer.samples(Frame(int(first), counts[:, first : first + n]))
        writer.end_sweep()
    with open_session(path) as session:
        assert session.sweeps[0].sha256 == sha256(counts.T.astype("<i2").tobytes()).hexdigest()
        for channel, row in zip(header.channels, counts, strict=True):
            np.testing.assert_array_equal(session.sweep(0).stored[channel.name], channel.stored(row), strict=True)
