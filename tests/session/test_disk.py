from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from acquisition.session import platform
from acquisition.session.disk import Ballast, require_space
from protocols.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path


def free(size: int):
    return lambda _: shutil._ntuple_diskusage(10**12, 10**12 - size, size)


@pytest.mark.parametrize(("left", "needed"), [(10**9, 900 * 10**6), (200 * 10**6, 0)])
def test_a_run_that_fits_may_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int, needed: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", free(left))
    require_space(tmp_path, needed)


def test_a_run_that_does_not_fit_is_refused_with_both_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", free(3 * 10**9))
    with pytest.raises(Refused, match=r"3\.0 GB left, the run needs up to 3\.0 GB .* make space or choose"):
        require_space(tmp_path, 3 * 10**9)


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_above(tmp_path: Path) -> None:
    require_space(tmp_path / "not" / "yet", 0)


@pytest.mark.parametrize("has_fallocate", [True, False])
def test_ballast_takes_real_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_fallocate: bool) -> None:
    if not has_fallocate:
        monkeypatch.delattr(os, "posix_fallocate")
    ballast = Ballast(tmp_path / "a.nwb", 3 << 20)
    ballast.take()
    assert (tmp_path / "a.nwb.ballast").stat().st_blocks * 512 >= 3 << 20
    assert ballast.release()
    assert not list(tmp_path.iterdir())
    assert not ballast.release()


def test_ballast_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "a.nwb.ballast").write_bytes(b"old")
    Ballast(tmp_path / "a.nwb", 1 << 20).take()
    assert (tmp_path / "a.nwb.ballast").stat().st_size == 1 << 20


def test_ballast_that_does_not_fit_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(platform, "reserve", full)
    with pytest.raises(OSError, match="No space"):
        Ballast(tmp_path / "a.nwb").take()
    assert not list(tmp_path.iterdir())
