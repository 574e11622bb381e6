"""Many files into cells, in the order of the paths, whoever reads them."""

from __future__ import annotations

import shutil
import sys

import pytest

from acquisition.study.cell import Rules
from acquisition.study.gathering import find_sessions, gather_cells
from protocols.errors import Refused


@pytest.fixture(scope="module")
def files(study):
    return find_sessions([study])


def test_a_folder_stands_for_all_sessions_inside_each_once(study, files):
    assert [f.name for f in find_sessions([study, files[0]])] == sorted(p.name for p in study.glob("*.nwb"))


def test_a_folder_without_sessions_is_refused(tmp_path):
    with pytest.raises(Refused, match="no session file"):
        find_sessions([tmp_path])


def test_what_is_not_there_is_refused_by_name(tmp_path):
    with pytest.raises(Refused, match=r"missing\.nwb: there is no such file"):
        find_sessions([tmp_path / "missing.nwb"])


def test_processes_give_what_one_process_gives_in_the_order_of_the_paths(files):
    told = []
    backwards = files[::-1]
    alone = gather_cells(backwards, Rules(), workers=1)
    together = gather_cells(backwards, Rules(), workers=2, told=lambda done, of: told.append((done, of)))
    assert repr(together) == repr(alone)
    assert [c.cell for c in together.cells] == [f.name.split("20260102-")[1].split("_")[0] for f in backwards]
    assert told == [(n, len(files)) for n in range(1, len(files) + 1)]


def test_a_dask_cluster_gives_what_one_process_gives(files):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        mapped = gather_cells(files[:2], Rules(), dask=cluster.scheduler_address)
    assert repr(mapped) == repr(gather_cells(files[:2], Rules(), workers=1))


def test_without_dask_the_person_is_told_how_to_install_it(files, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(Refused, match=r"pip install 'patchrig\[dask\]'"):
        gather_cells(files, Rules(), dask="tcp://127.0.0.1:1")


def test_a_bad_address_of_a_cluster_is_a_sentence(files):
    pytest.importorskip("distributed")
    with pytest.raises(Refused, match="'nonsense://x' is no address of a Dask scheduler"):
        gather_cells(files, Rules(), dask="nonsense://x")


def test_the_same_session_in_two_files_counts_once(files, tmp_path):
    copy = tmp_path / "copy.nwb"
    shutil.copy(files[0], copy)
    gathered = gather_cells([files[0], copy], Rules(), workers=1)
    assert len(gathered.cells) == 1
    assert gathered.doubled == (f"copy.nwb is the same session as {files[0].name} and counts once",)


def test_one_bad_file_does_not_end_the_study(files, tmp_path):
    bad = tmp_path / "bad.nwb"
    bad.write_bytes(b"no session")
    gathered = gather_cells([bad, files[0]], Rules(), workers=1)
    assert len(gathered.cells) == 1
    assert "bad.nwb is not an NWB file" in gathered.unreadable[0].reason
