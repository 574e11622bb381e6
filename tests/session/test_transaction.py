from __future__ import annotations

import io
import shutil

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acquisition.session import platform
from acquisition.session.transaction import (
    LIBVER,
    PAGE,
    Overlay,
    commit,
    pour,
    redo_path,
    replay_redo,
    transact,
)
from protocols.errors import SessionError

OLD = np.random.default_rng(1).bytes(5 * PAGE + 123)


class PowerCut(Exception):
    """Nothing reaches the disk any more."""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "base.nwb"
    path.write_bytes(OLD)
    return path


@pytest.fixture
def hdf5(tmp_path):
    """An HDF5 file with one small and one large dataset."""
    path = tmp_path / "small.nwb"
    with h5py.File(path, "w", libver=LIBVER) as file:
        file.create_dataset("rows", data=np.arange(10), maxshape=(None,), chunks=(64,))
        file["spread"] = np.zeros(60_000, np.uint8)
    return path


def grow(file: h5py.File) -> None:
    """A change that touches old pages in several places and adds new ones."""
    file["rows"].resize((20,))
    file["rows"][10:] = np.arange(10, 20)
    file["spread"][::10_000] = 1
    for k in range(12):
        file.create_dataset(f"group_{k}/samples", data=np.full(3000, k), compression="gzip")
    file.attrs["changed"] = True


def rows_of(path) -> int:
    with h5py.File(path) as file:
        groups = [k for k in file if k.startswith("group")]
        assert len(groups) == (12 if file.attrs.get("changed") else 0)
        assert all((file[g]["samples"][:] == int(g[6:])).all() for g in groups)
        assert (file["rows"][:] == np.arange(len(file["rows"]))).all()
        assert "spread" not in file or file["spread"][:].sum() == (6 if groups else 0)
        return len(file["rows"])


step = st.one_of(
    st.tuples(st.just("write"), st.integers(0, 8 * PAGE), st.binary(min_size=1, max_size=3 * PAGE)),
    st.tuples(st.just("read"), st.integers(0, 8 * PAGE), st.integers(0, 3 * PAGE)),
    st.tuples(st.just("commit"), st.just(0), st.just(0)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(step, max_size=12))
def test_an_overlay_reads_as_a_file_that_was_written_and_the_file_changes_only_at_a_commit(path, steps):
    path.write_bytes(OLD)
    model, committed = io.BytesIO(OLD), OLD
    with Overlay(path) as overlay:
        for verb, offset, what in steps:
            overlay.seek(offset)
            model.seek(offset)
            match verb:
                case "write":
                    assert overlay.write(what) == model.write(what)
                case "read":
                    assert overlay.read(what) == model.read(what)
                case _:
                    assert commit(overlay)
                    committed = model.getvalue()
            assert path.read_bytes() == committed
        assert (overlay.seek(0, 2), overlay.tell()) == (len(model.getvalue()), len(model.getvalue()))
        assert commit(overlay)
    assert path.read_bytes() == model.getvalue()
    assert not redo_path(path).exists()


def test_hdf5_works_on_an_overlay_and_the_file_is_an_ordinary_one_afterwards(hdf5):
    transact(hdf5, grow)
    assert rows_of(hdf5) == 20


def test_one_hdf5_file_stays_open_over_many_commits(tmp_path):
    path = tmp_path / "long.nwb"
    path.touch()
    with Overlay(path) as overlay, h5py.File(overlay, "w", libver=LIBVER) as file:
        rows = file.create_dataset("rows", (0,), maxshape=(None,), chunks=(16,), dtype="i8")
        for n in range(1, 40):
            rows.resize((n,))
            rows[-1] = n - 1
            file.create_dataset(f"sweep_{n}", data=np.arange(500))
            file.flush()
            assert commit(overlay)
            with h5py.File(path) as seen:
                assert seen["rows"][:].tolist() == list(range(n))
                assert len(seen) == n + 1


def cut_after(n: int, monkeypatch, folder, copy) -> None:
    """Let `n` writes through, then take a copy of what the disk holds and stop everything."""
    left = iter(range(n))
    write = platform.write_at

    def limited(descriptor, parts, position):
        if next(left, None) is None:
            if not copy.exists():
                shutil.copytree(folder, copy)
            raise PowerCut
        write(descriptor, parts, position)

    monkeypatch.setattr(platform, "write_at", limited)


def test_wherever_a_commit_is_cut_off_the_file_is_the_old_or_the_new_one(hdf5, tmp_path, monkeypatch):
    found, opened, n = [], [], 0
    while n == len(found):
        folder, copy = tmp_path / f"run_{n}", tmp_path / f"copy_{n}"
        folder.mkdir()
        shutil.copy(hdf5, folder)
        with monkeypatch.context() as patch:
            cut_after(n, patch, folder, copy)
            try:
                transact(folder / hdf5.name, grow)
            except PowerCut:
                n += 1
                opened.append(is_whole(copy / hdf5.name))
        left = (copy if copy.exists() else folder) / hdf5.name
        replay_redo(left)
        found.append(rows_of(left))
    assert n > 6
    assert found == sorted(found)
    assert set(found) == {10, 20}
    assert opened[:2] == [True, True]


def is_whole(path) -> bool:
    try:
        return rows_of(path) in (10, 20)
    except (OSError, RuntimeError, KeyError, AssertionError):
        return False


def test_replaying_a_redo_file_twice_does_no_harm(hdf5, tmp_path, monkeypatch):
    redo, kept = redo_path(hdf5), tmp_path / "kept"

    with Overlay(hdf5) as overlay:
        with h5py.File(overlay, "r+", libver=LIBVER) as file:
            grow(file)
        monkeypatch.setattr(overlay.redo, "cross_out", lambda: shutil.copy(redo, kept))
        commit(overlay)
    after = hdf5.read_bytes()
    for _ in range(2):
        shutil.copy(kept, redo)
        assert replay_redo(hdf5)
        assert hdf5.read_bytes() == after
    assert not redo.exists()
    assert not replay_redo(hdf5)


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:40], lambda b: b"", lambda b: b[:99] + b"?" + b[100:]]
)
def test_a_redo_file_that_is_not_whole_changes_nothing(path, damage):
    with Overlay(path) as overlay:
        overlay.redo.write([(10, bytes(500))], path.stat().st_size)
        record = redo_path(path).read_bytes()
    redo_path(path).write_bytes(damage(record))
    assert not replay_redo(path)
    assert path.read_bytes() == OLD
    assert not redo_path(path).exists()


def test_a_redo_file_of_a_longer_file_changes_nothing(path):
    with Overlay(path) as overlay:
        overlay.redo.write([(10, bytes(500))], len(OLD) + 1)
    assert not replay_redo(path)
    assert path.read_bytes() == OLD


def test_a_change_that_was_not_completed_stays_on_record_when_its_overlay_closes(path):
    with Overlay(path) as overlay:
        overlay.redo.write([(10, bytes(500))], len(OLD))
    assert replay_redo(path)
    assert path.read_bytes() == OLD[:10] + bytes(500) + OLD[510:]


def test_a_reader_makes_a_commit_wait_and_never_sees_half_of_it(hdf5):
    with Overlay(hdf5) as overlay:
        with h5py.File(overlay, "r+", libver=LIBVER) as file:
            grow(file)
        with h5py.File(hdf5) as reader:
            assert not commit(overlay, patience=0.0)
            assert len(reader["rows"]) == 10
        assert rows_of(hdf5) == 10
        assert commit(overlay, patience=0.0)
    assert rows_of(hdf5) == 20


def test_a_file_that_is_held_is_named_when_a_change_must_be_made_at_once(hdf5):
    with h5py.File(hdf5), pytest.raises(SessionError, match=r"small\.nwb is held open by another program"):
        transact(hdf5, grow, patience=0.0)
    assert rows_of(hdf5) == 10


def test_a_new_file_gets_its_name_in_one_step_and_goes_on_growing(tmp_path):
    new, final = tmp_path / "a.nwb.tmp", tmp_path / "a.nwb"
    new.touch()
    with Overlay(new) as overlay, h5py.File(overlay, "w", libver=LIBVER) as file:
        file["rows"] = np.arange(10)
        file.flush()
        pour(overlay)
        overlay.move_to(final)
        assert not new.exists()
        assert rows_of(final) == 10
        del file["rows"]
        file["rows"] = np.arange(20)
        file.flush()
        assert commit(overlay)
        assert rows_of(final) == 20


def test_a_full_disk_leaves_the_file_as_it_was(hdf5, monkeypatch):
    def full(descriptor, parts, position):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):  # noqa: PT012
        patch.setattr(platform, "write_at", full)
        transact(hdf5, grow)
    replay_redo(hdf5)
    assert rows_of(hdf5) == 10
