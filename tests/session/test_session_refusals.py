"""What is said of files that cannot be opened."""

from __future__ import annotations

import json
import shutil

import h5py
import numpy as np
import pytest

from acquisition.session import layout
from acquisition.session.reader import open_session
from protocols.errors import SessionError


def refusal(path) -> str:
    with pytest.raises(SessionError) as caught:
        open_session(path)
    return str(caught.value)


def test_a_missing_file(tmp_path):
    assert "no such file" in refusal(tmp_path / "missing.nwb")


def test_a_folder(tmp_path):
    assert "not a file" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"protocol: text\n", bytes(range(256)) * 50])
def test_something_else(tmp_path, content):
    (tmp_path / "other.nwb").write_bytes(content)
    assert "not an NWB file, or it is damaged" in refusal(tmp_path / "other.nwb")


def test_hdf5_that_is_not_nwb(tmp_path):
    with h5py.File(tmp_path / "plain.h5", "w") as file:
        file["x"] = np.arange(3)
    assert "HDF5 file but not NWB" in refusal(tmp_path / "plain.h5")


def test_nwb_of_another_program(recorded, tmp_path):
    other = shutil.copy(recorded[0], tmp_path / "other.nwb")
    with h5py.File(other, "r+") as file:
        del file[layout.COLLECTION]
    assert "not one that patchrig recorded" in refusal(other)


def test_a_later_format(recorded, tmp_path):
    later = shutil.copy(recorded[0], tmp_path / "later.nwb")
    with h5py.File(later, "r+") as file:
        facts = json.loads(file[layout.COLLECTION].asstr()[()])
        file[layout.COLLECTION][()] = json.dumps(facts | {"patchrig_session_format": 99})
    assert "format 99" in refusal(later)


def test_a_truncated_file(recorded, tmp_path):
    data = recorded[0].read_bytes()
    (tmp_path / "short.nwb").write_bytes(data[: len(data) // 2])
    assert "damaged" in refusal(tmp_path / "short.nwb")


def test_a_file_that_is_being_written(recorded, tmp_path):
    fcntl = pytest.importorskip("fcntl")
    copy = shutil.copy(recorded[0], tmp_path / "busy.nwb")
    with copy.open("rb") as other_program:
        fcntl.flock(other_program, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert "being written by another program" in refusal(copy)


def test_damaged_samples_are_named(recorded, tmp_path):
    damaged = shutil.copy(recorded[0], tmp_path / "damaged.nwb")
    with h5py.File(damaged) as file:
        place = file[layout.response_path(3, "primary")]["data"].id.get_chunk_info(0).byte_offset
    with damaged.open("r+b") as raw:
        raw.seek(place + 50)
        raw.write(bytes(20))
    with open_session(damaged) as session:
        session.sweep(2)
        with pytest.raises(SessionError, match=r"samples of sweep 3 \(primary\) are damaged"):
            session.sweep(3)


def test_a_sweep_that_is_not_there(recorded):
    with open_session(recorded[0]) as session, pytest.raises(SessionError, match="no sweep 77; it has 10 sweeps"):
        session.sweep(77)


def test_a_session_that_was_closed(recorded):
    with open_session(recorded[0]) as session:
        lines = session.sweeps
    assert session.sweeps is lines
    with pytest.raises(SessionError, match="is closed; ask for what you need while it is open"):
        session.sweep(3)
