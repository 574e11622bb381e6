"""The crash programme in short. The long one: `python -m benchmarks.crash`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

if not hasattr(os, "fork"):
    pytest.skip("the crash programme forks its victims, which Windows cannot", allow_module_level=True)

from tests.faults.cuts import power_cuts
from tests.faults.ext4 import ext4_cuts
from tests.faults.full_disk import fill, small_disk
from tests.faults.fuzz import fuzz
from tests.faults.kills import Toll, crash, plans

KILLS = 63
ROUNDS = 9
"""Tests that share the kills, so that one which fails says where."""


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_killed_processes_lose_nothing(tmp_path: Path, round_: int) -> None:
    toll = Toll()
    for plan in plans(KILLS)[round_::ROUNDS]:
        folder = tmp_path / str(plan.seed)
        folder.mkdir()
        toll.add(crash(plan, folder), str(plan))
    assert toll.is_clean, str(toll)


def test_power_cuts_lose_no_finished_sweep(tmp_path: Path) -> None:
    toll = power_cuts(tmp_path, 8, sweeps=3)
    assert toll.is_clean, str(toll)


@pytest.mark.parametrize("with_packer", [True, False])
def test_a_full_disk_keeps_everything_and_recording_goes_on(tmp_path: Path, with_packer: bool) -> None:
    try:
        with small_disk(tmp_path, 2) as folder:
            outcome = fill(folder, with_packer=with_packer)
    except PermissionError as error:
        pytest.skip(str(error))
    assert "full: the sweep was closed with everything recorded so far" in outcome.words
    assert outcome.opened
    assert (outcome.recovered.lost_sweeps, outcome.recovered.lost_blocks, outcome.recovered.wrong) == (0, 0, 0)
    early = [reason for reason in outcome.reasons.values() if reason]
    assert early == [f"disk_full: {outcome.words}"]


def test_damage_to_a_journal_never_gives_a_wrong_sample(tmp_path: Path) -> None:
    assert fuzz(tmp_path, 500) == {
        "damaged": 500,
        "wrong frames": 0,
        "stopped before the damage": 0,
        "exceptions": 0,
    }


def test_a_real_power_cut_on_ext4_loses_no_finished_sweep(tmp_path):
    try:
        toll = ext4_cuts(tmp_path, 3, seed=5)
    except PermissionError as error:
        pytest.skip(str(error))
    assert toll.finished > 0
    assert toll.lost_sweeps == toll.wrong == 0, str(toll)
