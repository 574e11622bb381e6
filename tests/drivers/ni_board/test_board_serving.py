"""A board in a process of its own, and the clocks it can have."""

import signal
import subprocess
import sys
import threading

import grpc
import nidaqmx
import pytest

from acquisition.cli.serving import board_speed
from drivers.base import Filling
from drivers.simulated.link import Link
from drivers.simulated.ni.pace import DemandPace, WallPace
from drivers.simulated.ni.serving import served_board
from protocols.errors import HardwareError
from tests.drivers.ni_board.bench import code_of, read, rig_with, tasks
from tests.drivers.ni_board.conftest import Client

PROGRAM = "from acquisition.cli import main; main()"


@pytest.mark.skipif(sys.platform == "win32", reason="ends by SIGINT")
def test_the_command_serves_until_it_is_interrupted():
    command = [sys.executable, "-c", PROGRAM, "serve-board", "--address", "127.0.0.1:0", "--link", "0"]
    process = subprocess.Popen([*command, "--speed", "max"], stderr=subprocess.PIPE, text=True)
    try:
        first = process.stderr.readline()
        address = first.split(" on ")[1].split(";")[0]
        with grpc.insecure_channel(address) as channel:
            device = nidaqmx.system.System.remote(nidaqmx.GrpcSessionOptions(channel, "")).devices[0]
            assert device.product_type in first
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=10)
    finally:
        process.kill()
    assert said.endswith("closed\n")
    assert process.returncode == 0


def test_an_address_in_use_is_refused_with_words():
    with (
        served_board(rig_with(), speed=None) as first,
        pytest.raises(HardwareError, match="in use"),
        served_board(rig_with(), speed=None, address=first.address),
    ):
        pass


def test_a_named_session_is_shared_or_refused_as_the_client_asked(remote):
    from nidaqmx.errors import RpcError
    from nidaqmx.grpc_session_options import SessionInitializationBehavior as Behavior

    def named(behavior):
        return nidaqmx.Task(
            "sweep", grpc_options=nidaqmx.GrpcSessionOptions(channel, "", initialization_behavior=behavior)
        )

    channel = remote.options.grpc_channel
    with pytest.raises(RpcError) as caught:
        named(Behavior.ATTACH_TO_SERVER_SESSION)
    assert caught.value.rpc_code is grpc.StatusCode.FAILED_PRECONDITION
    first = named(Behavior.INITIALIZE_SERVER_SESSION)
    with pytest.raises(RpcError) as caught:
        named(Behavior.INITIALIZE_SERVER_SESSION)
    assert caught.value.rpc_code is grpc.StatusCode.ALREADY_EXISTS
    for behavior in (Behavior.AUTO, Behavior.ATTACH_TO_SERVER_SESSION):
        with named(behavior) as second:
            assert second.name == "sweep"
    assert list(remote.board.tasks) == ["sweep"]  # who only attached has left it open
    first.close()
    assert not remote.board.tasks


def test_the_lines_hold_what_was_said():
    fillings = {"drug": Filling("nimodipine", "nimodipine", 10e-6)}
    with served_board(rig_with(), speed=None, fillings=fillings) as served:
        assert served.board.preparation.fillings["drug"].concentration == 10e-6


def test_a_board_with_a_clock_delivers_samples_when_they_are_due():
    with (
        served_board(rig_with(), speed=50.0) as served,
        grpc.insecure_channel(served.address) as channel,
        tasks(Client(served.board, nidaqmx.GrpcSessionOptions(channel, "")), inputs="ai0") as (ai, _),
    ):
        ai.start()
        before = served.board.pace.now()
        read(ai, 20_000)  # a second of the board's, 20 ms of ours
        assert served.board.pace.now() >= before + 1.0 - 0.1


def test_the_cell_lives_on_while_nobody_asks():
    with served_board(rig_with(), speed=1000.0) as served, Link(served.link) as link:
        assert link.ask("clock.wait_until", moment=20.0)["now"] >= 20.0
        assert served.board.preparation.world._done > 0


@pytest.mark.parametrize(("text", "speed"), [("life", 1.0), ("max", None), ("10", 10.0), ("0.5x", 0.5)])
def test_speeds_are_read(text, speed):
    assert board_speed(text) == speed


@pytest.mark.parametrize("text", ["fast", "0", "-1", "1e9", ""])
def test_other_speeds_are_refused(text):
    import typer

    with pytest.raises(typer.BadParameter):
        board_speed(text)


def test_time_on_demand_jumps_to_where_somebody_waits():
    pace, changed = DemandPace(), threading.Condition()
    with changed:
        pace.wait(changed, 5.0)
    assert pace.now() == 5.0
    assert pace.deadline(2.0) == 7.0
    assert pace.deadline(-1.0) == float("inf")


def test_a_hurried_clients_patience_is_its_own():
    pace = WallPace(10.0)
    assert pace.deadline(2.0) - pace.now() == pytest.approx(20.0, abs=1.0)


def test_tasks_of_a_dead_client_are_let_go_by_a_reset_of_the_server_and_outputs_stay():
    import session_pb2
    import session_pb2_grpc

    with served_board(rig_with(), speed=None) as served, grpc.insecure_channel(served.address) as channel:
        client = Client(served.board, nidaqmx.GrpcSessionOptions(channel, ""))
        dead = client.task()
        dead.ao_channels.add_ao_voltage_chan("Dev1/ao0")
        dead.write(1.5, auto_start=True)
        dead.start()
        assert code_of(lambda: client.put("ao0", -3.5)) == -50103
        utilities = session_pb2_grpc.SessionUtilitiesStub(channel)
        assert utilities.ResetServer(session_pb2.ResetServerRequest()).is_server_reset
        assert served.board.levels["ao0"] == pytest.approx(1.5, abs=5e-4)
        client.put("ao0", -3.5)
        found = utilities.EnumerateDevices(session_pb2.EnumerateDevicesRequest()).devices
        assert [d.name for d in found] == ["Dev1"]
        assert code_of(dead.close) == -200088
