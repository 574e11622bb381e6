"""The board behind both of its faces, with the genuine nidaqmx client in front."""

import os
import platform
import shutil
from contextlib import contextmanager
from dataclasses import dataclass

import nidaqmx
import pytest
from nidaqmx.system import System

from drivers.simulated.ni.assembly import board_of
from drivers.simulated.ni.c_library import COMPILERS, load
from drivers.simulated.ni.faults import Fault
from drivers.simulated.ni.grpc_server import GrpcServer
from drivers.simulated.ni.pace import DemandPace
from tests.drivers.ni_board.bench import rig_with

FACES = ("grpc", "c_library")


@dataclass
class Client:
    """What a program on the rig sees of the board, and the board itself."""

    board: object
    options: object

    def task(self, name=""):
        return nidaqmx.Task(name, grpc_options=self.options) if self.options else nidaqmx.Task(name)

    @property
    def device(self):
        system = System.remote(self.options) if self.options else System.local()
        return system.devices[0]

    def fault(self, call, code=0, **more):
        self.board.faults.add(Fault(call, code, **more))

    def volts(self, pin):
        """Read an input once, on demand."""
        with self.task() as task:
            task.ai_channels.add_ai_voltage_chan(f"Dev1/{pin}", min_val=-10, max_val=10)
            return task.read()

    def put(self, pin, volts):
        """Write an output on demand."""
        with self.task() as task:
            task.ao_channels.add_ao_voltage_chan(f"Dev1/{pin}", min_val=-10, max_val=10)
            task.write(volts, auto_start=True)


@contextmanager
def over_grpc(board):
    import grpc

    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with GrpcServer(board) as server, grpc.insecure_channel(server.address, options=unlimited) as channel:
        yield Client(board, nidaqmx.GrpcSessionOptions(channel, ""))


@contextmanager
def through_c(board):
    # never skipped on a server that checks changes: there the way that rigs run must be run
    if platform.system() != "Linux":
        pytest.skip("the C library board is made for Linux")
    if not any(map(shutil.which, COMPILERS)) and not os.environ.get("CI"):
        pytest.skip("no C compiler: install gcc to test the way through the C library")
    with load(board):
        yield Client(board, None)


def opened_by(face, board):
    return over_grpc(board) if face == "grpc" else through_c(board)


@pytest.fixture(params=FACES)
def client(request):
    """A client of a board without noise whose time is on demand, through each face."""
    with opened_by(request.param, board_of(rig_with(), DemandPace())) as client:
        yield client


@pytest.fixture
def remote():
    """The same through gRPC alone."""
    with over_grpc(board_of(rig_with(), DemandPace())) as client:
        yield client
