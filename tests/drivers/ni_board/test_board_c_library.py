"""The library that nidaqmx loads: built, found, filled, emptied."""

import ctypes
import platform

import nidaqmx
import pytest

from drivers.simulated.ni.assembly import board_of
from drivers.simulated.ni.c_calls import CALLS
from drivers.simulated.ni.c_library import SONAME, built, source
from drivers.simulated.ni.pace import DemandPace
from protocols.errors import HardwareError
from tests.drivers.ni_board.bench import code_of, rig_with
from tests.drivers.ni_board.conftest import through_c


def test_the_library_is_built_once_and_kept(tmp_path):
    with through_c(board_of(rig_with(), DemandPace())):
        pass  # skips where there is no compiler
    first = built(tmp_path)
    made = first.stat().st_mtime_ns
    assert built(tmp_path) == first
    assert first.stat().st_mtime_ns == made
    assert first.name == SONAME
    exports = ctypes.CDLL(str(first))
    assert all(hasattr(exports, f"DAQmx{name}") for name in CALLS)


def test_a_board_that_was_unloaded_answers_no_more():
    with through_c(board_of(rig_with(), DemandPace())) as client:
        task = client.task()
        task.close()
    assert code_of(nidaqmx.Task) == -200452


def test_two_tasks_cannot_have_one_name():
    with through_c(board_of(rig_with(), DemandPace())) as client, client.task("sweep"):
        assert code_of(lambda: client.task("sweep")) == -200089


def test_tasks_left_open_end_with_the_library_and_outputs_stay():
    board = board_of(rig_with(), DemandPace())
    with through_c(board) as client:
        client.put("ao0", 1.0)
        task = client.task()
        task.ai_channels.add_ai_voltage_chan("Dev1/ai0")
        task.start()
    assert not board.tasks
    assert board.levels["ao0"] == pytest.approx(1.0, abs=5e-4)
    assert code_of(task.close) == -200452


def test_a_mistake_of_the_boards_own_is_an_error_code_and_not_garbage():
    with through_c(board_of(rig_with(), DemandPace())) as client:
        client.board.create_task = None
        assert code_of(client.task) == -50150


def test_another_processor_is_refused_with_words(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "pdp11")
    with pytest.raises(HardwareError, match="gRPC"):
        source()
