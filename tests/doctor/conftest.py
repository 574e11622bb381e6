"""What every test of doctor is spared."""

import pytest

from acquisition.doctor import folder


@pytest.fixture(autouse=True)
def small_trial(monkeypatch):
    """Write little: how fast this computer's disk is, is nobody's question here."""
    monkeypatch.setattr(folder, "TRIAL", 1 << 20)
