"""The shipped protocols."""

from pathlib import Path

import pytest

from config.fit import fit
from config.loading import load_rig
from protocols.loading import load_protocol
from protocols.protocol import Protocol
from protocols.steps import Series

LIBRARY = sorted(Path("protocols/library").glob("*.yaml"))


def series(protocol: Protocol) -> list[Series]:
    return [s for s in protocol.steps if isinstance(s, Series)]


@pytest.mark.parametrize("path", LIBRARY, ids=lambda p: p.stem)
def test_it_runs_on_the_simulated_rig(path) -> None:
    assert fit(load_protocol(path), load_rig(Path("config/rigs/simulated.yaml"))) == []


@pytest.mark.parametrize("path", LIBRARY, ids=lambda p: p.stem)
def test_it_points_editors_to_its_schema(path) -> None:
    first, *_ = path.read_text(encoding="utf-8").splitlines()
    assert first.startswith("# yaml-language-server: $schema=")


@pytest.mark.parametrize("name", ["sahp_l_type_block", "sahp_vehicle_control", "sahp_short"])
def test_sweeps_are_the_same_in_every_condition(name) -> None:
    keys = ("step", "width", "every", "before", "after", "rebias", "test_pulse", "require")
    kinds = {tuple(getattr(s, k) for k in keys) for s in series(load_protocol(Path(f"protocols/library/{name}.yaml")))}
    assert len(kinds) == 1


def test_the_vehicle_control_differs_in_the_vehicle_alone() -> None:
    study, control = (
        load_protocol(Path(f"protocols/library/sahp_{n}.yaml")) for n in ("l_type_block", "vehicle_control")
    )
    renamed = {"drug": "vehicle"}
    assert [s.model_copy(update={"name": renamed.get(s.name, s.name)}) for s in series(study)] == series(control)
    assert [s.verb for s in study.steps] == [s.verb for s in control.steps]
    for part in ("preparation", "record", "measures", "stop_when", "finish"):
        assert getattr(study, part) == getattr(control, part)
    assert [s.compound for s in control.solutions.values()] == [None, None]
