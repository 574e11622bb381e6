"""A virtual cell is an ordinary run: only the file is spared, and no number knows that."""

from __future__ import annotations

import dataclasses
import math
import threading

import pytest

from acquisition.rehearsal.population import live_all
from acquisition.rehearsal.rehearsing import Asked, orders_of
from acquisition.rehearsal.vehicle import has_compound, vehicle_text
from acquisition.rehearsal.virtual_cell import Arm, Ending, Order, live
from acquisition.study.reading import read_cell
from protocols.errors import InvalidFile
from protocols.loading import load_protocol, protocol_from_text
from tests.kit import HEAD, RIG, ROOT


def order(protocol, rig, *, seed=1, **more):
    return Order(seed, Arm.WRITTEN, protocol.read_text(), rig.read_text(), **more)


def plain(value):
    """Return `value` so that NaN equals NaN and everything else only itself."""
    if dataclasses.is_dataclass(value):
        return plain(vars(value))
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def test_a_cell_without_a_file_has_the_numbers_of_one_with_a_file_to_the_last_bit(protocol, rig, rehearsed, tmp_path):
    without = next(c for c in rehearsed.of(Arm.WRITTEN))
    kept = live(order(protocol, rig, seed=without.seed, keep=str(tmp_path)))
    assert plain([p.measures for p in kept.cell.phases]) == plain([p.measures for p in without.cell.phases])
    of_session = {"path", "identifier", "session", "started"}
    both = [{k: v for k, v in dataclasses.asdict(c.cell).items() if k not in of_session} for c in (kept, without)]
    assert plain(both[0]) == plain(both[1])
    assert (kept.course, kept.duration, kept.sweeps) == (without.course, without.duration, without.sweeps)
    assert read_cell(kept.session).phases[0].mean("A_1000") == without.cell.phases[0].mean("A_1000")


FULL = "trouble: No room\nformat: 1\nfaults:\n  - full_disk: {after: drug, at: %s}\n"


@pytest.mark.parametrize("at", ["1 s", "7.5 s"], ids=["in a sweep", "between sweeps"])
def test_a_full_disk_is_met_without_a_file_as_it_is_with_one(protocol, rig, tmp_path, at):
    faults = FULL % at
    kept = live(order(protocol, rig, faults=faults, answers=True, keep=str(tmp_path)))
    without = live(order(protocol, rig, faults=faults, answers=True))
    assert kept.ending is without.ending is Ending.USABLE
    assert (kept.course, kept.duration, kept.sweeps) == (without.course, without.duration, without.sweeps)
    assert plain([p.measures for p in kept.cell.phases]) == plain([p.measures for p in without.cell.phases])
    assert without.sweeps > live(order(protocol, rig)).sweeps


def test_a_full_disk_ends_the_run_when_nobody_is_there_to_make_space(protocol, rig):
    found = live(order(protocol, rig, faults=FULL % "1 s"))
    assert found.ending is Ending.FAILED
    assert found.why[0].startswith("failed: the disk is full: the sweep was closed with everything recorded so far")


def test_nothing_stays_on_the_disk(protocol, rig, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert live(order(protocol, rig)).is_usable
    assert list(tmp_path.rglob("*")) == []


def test_what_goes_wrong_is_in_the_result(protocol):
    broken = Order(1, Arm.WRITTEN, "steps: []", RIG.read_text())
    found = live(broken)
    assert found.ending is Ending.FAILED
    assert "protocol.yaml" in found.why[0]


def test_with_nobody_there_a_gate_that_would_ask_ends_the_run(protocol, bad_rig):
    nobody = live(Order(1, Arm.WRITTEN, protocol.read_text(), bad_rig.read_text()))
    assert nobody.ending is Ending.GATE
    assert nobody.course.trips[-1].cause == "access resistance; wanted below 25 MOhm"
    assert nobody.course.last.startswith("1 membrane test")


def test_a_gate_that_ends_finish_is_a_gate_and_no_failure(rig):
    strict = "{step: -5 mV, width: 50 ms, average: 2, require: {access_resistance: below 1 MOhm, on_fail: ask}}"
    text = f"{HEAD}\nsteps:\n  - note: begun\nfinish:\n  - membrane_test: {strict}\n"
    found = live(Order(1, Arm.WRITTEN, text, rig.read_text()))
    assert found.ending is Ending.GATE
    assert found.course.trips[-1].phase == "finish"
    assert found.cell is None


def test_processes_give_what_one_process_gives(protocol, rig, rehearsed):
    orders = orders_of(Asked(protocol, rig, cells=8), load_protocol(protocol))[:2]
    told = []
    found = live_all(orders, workers=2, told=lambda done, of: told.append((done, of)))
    alone = rehearsed.cells[:2]
    assert plain([c.cell.phases[0].measures for c in found]) == plain([c.cell.phases[0].measures for c in alone])
    assert told == [(1, 2), (2, 2)]


def test_once_the_person_wants_an_end_no_cell_is_begun(protocol, rig):
    orders = orders_of(Asked(protocol, rig, cells=8), load_protocol(protocol))
    stop = threading.Event()
    found = live_all(orders, workers=1, told=lambda _done, _of: stop.set(), stop=stop)
    assert [c.seed for c in found] == [1]


def test_a_dask_cluster_runs_the_same_function(protocol, rig, rehearsed):
    distributed = pytest.importorskip("distributed")
    orders = orders_of(Asked(protocol, rig, cells=8), load_protocol(protocol))[:1]
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        (found,) = live_all(orders, dask=cluster.scheduler_address)
    assert found.cell.phases[0].mean("A_1000") == rehearsed.cells[0].cell.phases[0].mean("A_1000")


def test_vehicle_cells_are_spread_evenly_and_differ_from_the_others(protocol, rig):
    read = load_protocol(protocol)
    arms = [o.arm for o in orders_of(Asked(protocol, rig, cells=8), read)]
    assert arms.count(Arm.VEHICLE) == 4
    assert arms[:2].count(Arm.VEHICLE) == 1
    assert len({o.seed for o in orders_of(Asked(protocol, rig, cells=8), read)}) == 8
    assert orders_of(Asked(protocol, rig, cells=3, vehicle=0), read)[0].arm is Arm.WRITTEN


@pytest.mark.parametrize("name", ["sahp_short", "sahp_l_type_block"])
def test_the_vehicle_arm_is_the_same_protocol_without_the_compound(name):
    text = (ROOT / "protocols" / "library" / f"{name}.yaml").read_text(encoding="utf-8")
    written, vehicle = protocol_from_text(text, name), protocol_from_text(vehicle_text(text), name)
    assert vehicle.steps == written.steps
    assert vehicle.finish == written.finish
    assert vehicle.stop_when == written.stop_when
    assert [s.line for s in vehicle.solutions.values()] == [s.line for s in written.solutions.values()]
    assert has_compound(written)
    assert not has_compound(vehicle)


def test_a_compound_that_is_in_the_control_stays_in_the_vehicle(protocol):
    picrotoxin = "compound: {name: picrotoxin, concentration: 50 µM}"
    text = protocol.read_text().replace("{label: ACSF, line: control}", f"{{label: ACSF, line: control, {picrotoxin}}}")
    vehicle = protocol_from_text(vehicle_text(text), "vehicle")
    assert {s.compound.name for s in vehicle.solutions.values()} == {"picrotoxin"}


def test_a_wrong_protocol_is_refused_before_anything_runs(tmp_path):
    from acquisition.rehearsal.rehearsing import rehearse

    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("protocol: x\nformat: 1\n", encoding="utf-8")
    with pytest.raises(InvalidFile):
        rehearse(Asked(wrong, RIG, cells=2, workers=1))
