"""The command line in this process, and files that several tests look at."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.foreign import synthetic_files as files


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    words: str
    error: BaseException | None

    @property
    def data(self):
        return json.loads(self.out)


@pytest.fixture(scope="session")
def patchrig():
    """Runs a command; what it refuses is in `error`, which `main` turns into a message and an exit code."""
    from acquisition.cli import app

    def run(*arguments):
        done = CliRunner().invoke(app, [str(a) for a in arguments])
        return Done(done.exit_code, done.stdout, done.stderr, done.exception)

    return run


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("foreign")


@pytest.fixture(scope="session")
def burst(folder):
    """Path and step edges (s) of three sweeps with four spikes and an AHP."""
    return files.burst_file(folder / "burst.abf")
