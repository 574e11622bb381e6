"""A protocol of two minutes with a burst before and during a drug, and what came of virtual cells that ran it."""

from __future__ import annotations

import pytest

from acquisition.rehearsal.rehearsing import Asked, rehearse
from tests.kit import HEAD, RIG

SHORT = f"""{HEAD}
accept: {{cell: {{baseline_sweeps: 3}}, baseline: {{last: 3}}}}
steps:
  - membrane_test:
      {{step: -5 mV, width: 50 ms, average: 4, require: {{access_resistance: below 25 MOhm, on_fail: ask}}}}
  - switch_to: {{clamp: current, bias_to: -60 mV}}
  - find: {{name: burst, step: 210 pA .. 250 pA by 10 pA, width: 150 ms, until_spikes: 3..4, confirm: 1, every: 5 s}}
  - series:
      name: baseline
      <<: &sweeps {{step: burst, width: 150 ms, every: 8 s, before: 1 s, after: 6 s, rebias: {{to: -60 mV}}}}
      sweeps: 4
  - apply: {{solution: blocker}}
  - series: {{name: drug, <<: *sweeps, sweeps: 12}}
finish:
  - switch_to: {{clamp: voltage, holding: -70 mV}}
"""
CALM = "simulation: {cell: ca1_pyramidal, variability: 10 %}\n"
BAD_SEAL = "simulation: {cell: ca1_pyramidal, series_resistance: 40 MOhm}\n"


@pytest.fixture(scope="session")
def protocol(tmp_path_factory):
    """Return the path of the short protocol."""
    path = tmp_path_factory.mktemp("rehearsal") / "short.yaml"
    path.write_text(SHORT, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def rig(tmp_path_factory):
    """Return the path of a rig with healthy cells."""
    return _rig(tmp_path_factory.mktemp("rig") / "calm.yaml", CALM)


@pytest.fixture(scope="session")
def bad_rig(tmp_path_factory):
    """Return the path of a rig on which the access resistance is always too high."""
    return _rig(tmp_path_factory.mktemp("rig") / "bad.yaml", BAD_SEAL)


def _rig(path, simulation):
    text = RIG.read_text(encoding="utf-8")
    path.write_text(text[: text.index("simulation:")] + simulation, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def rehearsed(protocol, rig):
    """Return a rehearsal of eight cells, four of them with the vehicle, in this process."""
    return rehearse(Asked(protocol, rig, cells=8, workers=1))
