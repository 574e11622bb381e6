"""Doctor on rigs: well ones, and one thing wrong at a time, through NI's own client on a served board."""

import os
from contextlib import suppress

import grpc
import nidaqmx
import pytest

from acquisition.doctor.devices import quiet
from acquisition.doctor.finding import Verdict
from acquisition.guardian.claim import claimed
from acquisition.register import registered
from config.loading import load_rig
from drivers.build import open_devices, serve_board
from drivers.clock import WallClock
from drivers.simulated.link import Link, LinkClock
from tests.doctor.kit import NI_RIG, examined, one, rig_file, served
from tests.kit import RIG

NOWHERE = "127.0.0.1:9"
"""The port 'discard', where nobody listens."""


def verdicts(found, *sections):
    return {f.verdict for (section, _), fs in found.items() if section in sections for f in fs}


@pytest.fixture
def board(tmp_path):
    with served(tmp_path) as board:
        yield board


# --- well ---------------------------------------------------------------------------------------------------------


def test_the_shipped_simulated_rig_is_well(tmp_path):
    found = examined(tmp_path)
    assert Verdict.BAD not in {f.verdict for fs in found.values() for f in fs}
    assert one(found, "Rig", "amplifier").found == "amplifier answers: voltage clamp"


def test_a_served_ni_rig_is_well(tmp_path, board):
    found = board.examined(tmp_path)
    assert Verdict.BAD not in {f.verdict for fs in found.values() for f in fs}
    assert "NI-DAQmx 24.8.0" in one(found, "Vendors' drivers", "driver").found
    assert "PCIe-6363" in one(found, "Vendors' drivers", "card").found
    assert one(found, "Rig", "command").found == "-70 mV in voltage clamp"
    assert one(found, "Rig", "thermometer").found.endswith("°C")


def test_an_amplifier_with_knobs_is_read_by_its_telegraphs(tmp_path):
    template = NI_RIG.with_name("ni_axopatch.yaml")
    with serve_board(load_rig(template), speed=None) as board, Link(board.link) as link:
        options = ("    streaming: continuous", f"    grpc: {board.address}\n    streaming: continuous")
        path = rig_file(tmp_path, options, template=template)
        found = examined(tmp_path, path, clock=LinkClock(link))
    assert one(found, "Rig", "amplifier").found == "Axopatch 200B answers: voltage clamp"
    assert one(found, "Rig", "gains").verdict is Verdict.OK
    assert verdicts(found, "Rig") == {Verdict.OK, Verdict.NOTE}


def test_a_telegraph_at_0_v_that_means_a_gain_is_doubted(tmp_path):
    template = NI_RIG.with_name("ni_axopatch.yaml")
    scales = [
        ("driver: axopatch200b", "driver: telegraphed"),
        ("voltage_clamp: {command: 20 mV/V, primary: 10 V/nA", "voltage_clamp: {command: 20 mV/V, primary: 0.01 mV/pA"),
        ("frequency: frequency, capacitance: capacitance, beta: 1", "model: am_2400, low_pass: 5 kHz"),
    ]
    wired = load_rig(rig_file(tmp_path, *scales, template=template))
    with serve_board(wired, speed=None) as board, Link(board.link) as link:
        server = ("    streaming: continuous", f"    grpc: {board.address}\n    streaming: continuous")
        found = examined(tmp_path, rig_file(tmp_path, *scales, server, template=template), clock=LinkClock(link))
    assert one(found, "Rig", "gains").verdict is Verdict.OK
    doubts = found["Rig", "telegraph"]
    assert {f.verdict for f in doubts} == {Verdict.NOTE}
    assert "is the cable plugged in?" in doubts[0].found


def test_looking_commands_nothing(tmp_path, board):
    before = (dict(board.board.levels), board.board.preparation.open)
    board.link.ask("perfusion.select", line="drug")
    found = board.examined(tmp_path)
    assert "not opened" in one(found, "Rig", "perfusion").found
    assert board.board.preparation.open == ("drug",)
    assert dict(board.board.levels) == before[0]
    assert not board.board.tasks


def test_a_bath_is_not_regulated_by_looking(tmp_path):
    tc200 = "driver: tc200\n  options: {resource: /dev/null, set_temperature: 34 °C}"
    thermometer = (
        "driver: analogue\n  options:\n    input: {pin: ai7, range: 10 V, terminal: DIFF}\n    per_degree: 100 mV"
    )
    rig = load_rig(rig_file(tmp_path, (thermometer, tc200), template=NI_RIG))
    assert "set_temperature" in rig.thermometer.options
    assert "set_temperature" not in quiet(rig).thermometer.options
    assert quiet(load_rig(RIG)) == load_rig(RIG)


# --- one thing wrong ----------------------------------------------------------------------------------------------


def test_no_device_server_is_said_and_the_amplifier_still_looked_at(tmp_path, board):
    text = board.path.read_text(encoding="utf-8")
    address = next(line.split(": ")[1] for line in text.splitlines() if "grpc:" in line)
    board.path.write_text(text.replace(address, NOWHERE), encoding="utf-8")
    found = board.examined(tmp_path)
    for section, what in (("Vendors' drivers", "driver"), ("Rig", "card")):
        assert one(found, section, what).verdict is Verdict.BAD
        assert "the device server does not answer" in one(found, section, what).found
    assert one(found, "Rig", "amplifier").verdict is Verdict.OK


def test_no_commander_is_said_and_the_card_still_looked_at(tmp_path, board):
    text = board.path.read_text(encoding="utf-8")
    link = text.split("served://")[1].split('"')[0]
    board.path.write_text(text.replace(link, NOWHERE), encoding="utf-8")
    found = board.examined(tmp_path)
    assert found["Rig", "amplifier"][0].verdict is Verdict.BAD
    assert one(found, "Rig", "card").verdict is Verdict.OK


def test_a_control_library_that_is_not_there_is_said(tmp_path, board):
    text = board.path.read_text(encoding="utf-8")
    link = text.split("served://")[1].split('"')[0]
    board.path.write_text(text.replace(f"served://{link}", "AxMultiClampMsg.dll"), encoding="utf-8")
    found = board.examined(tmp_path)["Rig", "amplifier"][0]
    assert found.verdict is Verdict.BAD
    assert "MultiClamp" in found.found


def test_a_gain_that_is_not_the_rig_files_is_said_with_both_numbers(tmp_path, board):
    board.link.ask("amplifier.scales", mode="voltage clamp", primary=0.2e-9)
    found = one(board.examined(tmp_path), "Rig", "gains")
    assert found.verdict is Verdict.BAD
    assert "is 5 V/nA, rig file says 1 V/nA" in found.found


def test_a_connector_that_the_card_has_not_is_said(tmp_path):
    with served(tmp_path) as board:
        text = board.path.read_text(encoding="utf-8")
        board.path.write_text(text.replace("secondary: {pin: ai1,", "secondary: {pin: ai77,"), encoding="utf-8")
        found = one(board.examined(tmp_path), "Rig", "card")
    assert found.verdict is Verdict.BAD
    assert "it has no input 'ai77'" in found.found


def test_a_thermometer_without_its_cable_is_said(tmp_path, board):
    board.link.ask("telegraph", pin="ai7", volts=-9.0)
    found = one(board.examined(tmp_path), "Rig", "thermometer")
    assert found.verdict is Verdict.BAD
    assert "cable" in found.found


def test_a_freezing_bath_is_said(tmp_path, board):
    board.link.ask("telegraph", pin="ai7", volts=0.4)
    found = one(board.examined(tmp_path), "Rig", "thermometer")
    assert "4.0 °C is no bath for slices" in found.found


def test_a_cell_that_is_commanded_beyond_the_limits_is_said(tmp_path, board):
    board.board.levels["ao0"] = 5.0
    found = one(board.examined(tmp_path), "Rig", "command")
    assert found.verdict is Verdict.BAD
    assert found.found.startswith("100 mV in voltage clamp")


def test_tasks_of_a_dead_program_on_the_device_server_are_named(tmp_path, board):
    address = board.path.read_text(encoding="utf-8").split("grpc: ")[1].split()[0]
    name = "patchrig_Dev1_inputs"
    with (
        grpc.insecure_channel(address) as channel,
        suppress(nidaqmx.DaqError),  # it is taken away, as it should be
        nidaqmx.Task(name, grpc_options=nidaqmx.GrpcSessionOptions(channel, name)),
    ):
        found = board.examined(tmp_path)
    assert one(found, "Vendors' drivers", "tasks").verdict is Verdict.NOTE
    assert name in one(found, "Vendors' drivers", "tasks").found
    assert one(found, "Rig", "card").verdict is Verdict.OK
    assert not board.board.tasks


def test_a_rig_file_with_mistakes_ends_the_examination_of_the_rig_alone(tmp_path):
    path = rig_file(tmp_path, ("voltage_clamp: -70 mV", "voltage_clamp: -170 mV"))
    found = examined(tmp_path, path)
    assert one(found, "Rig file", "rig file").verdict is Verdict.BAD
    assert ("This computer", "packages") in found
    assert not any(section == "Rig" for section, _ in found)


def test_an_output_that_nothing_uses_is_noted(tmp_path):
    path = rig_file(tmp_path, ("  command: {pin: ao0, range: 10 V}", "  command: {pin: ao0}\n  light: {pin: ao1}"))
    found = one(examined(tmp_path, path), "Rig", "file")
    assert found.verdict is Verdict.NOTE
    assert "light" in found.found


def test_a_valve_controller_whose_port_is_not_there_is_said(tmp_path):
    valves = (
        "driver: valvelink\n  options: {resource: COM77}\n  lines:\n    control: {pin: '1'}\n    drug: {pin: '2'}\n"
    )
    path = rig_file(
        tmp_path,
        ("driver: simulated\n  lines:\n    control: {pin: port0/line0}\n    drug: {pin: port0/line1}\n", valves),
    )
    note, missing = examined(tmp_path, path)["Rig", "perfusion"]
    assert "not opened" in note.found
    assert missing.verdict is Verdict.BAD
    assert "COM77 is not among those" in missing.found


# --- somebody else is on it ---------------------------------------------------------------------------------------


def test_a_rig_with_a_running_session_is_left_alone(tmp_path, board):
    rig = load_rig(board.path)
    devices = open_devices(rig, WallClock())
    with registered(board.path, rig.rig, tmp_path / "cell.nwb", devices, tmp_path / "state" / "running"):
        found = board.examined(tmp_path)
    assert "it was left alone" in one(found, "Rig", "rig").found
    assert "not tried" in one(found, "Data", "disk").found
    assert not any(section == "Vendors' drivers" for section, _ in found)


def test_a_rig_on_which_a_guardian_is_still_at_work_is_left_alone(tmp_path, board, monkeypatch):
    monkeypatch.setattr("acquisition.guardian.claim.PATIENCE", 0.0)
    with claimed(load_rig(board.path), os.getpid(), tmp_path / "state" / "rigs"):
        found = board.examined(tmp_path)
    assert "is taken" in one(found, "Rig", "drivers").found
    assert ("Rig", "card") not in found
