from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.study.studies import write_cell

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three drug cells that lose half their AHP and three vehicle cells that lose a tenth, in files."""
    folder = tmp_path_factory.mktemp("study")
    for i, before in enumerate((-4.0e-3, -5.0e-3, -3.0e-3)):
        write_cell(folder, animal=f"R{i // 2}", cell=f"drug{i}", before=before, after=0.5 * before - 1e-5 * i, bad=(1,))
    for i, before in enumerate((-4.2e-3, -3.8e-3, -4.8e-3)):
        name = f"vehicle{i}"
        write_cell(folder, animal=f"V{i}", cell=name, compound=None, before=before, after=0.9 * before - 1e-5 * i)
    return folder
