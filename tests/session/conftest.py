from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acquisition.session.writer import SessionWriter
from tests.session.synthetic import Recorder, make_head, record

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Recorder]:
    head = make_head()
    path = tmp_path_factory.mktemp("session") / head.file_name
    with SessionWriter(path, head) as writer:
        return path, record(writer)
