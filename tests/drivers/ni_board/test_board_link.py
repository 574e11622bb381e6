"""The side door: what stands in for the amplifier's library, serial instruments and a person's hand."""

import threading

import pytest

from drivers.simulated.link import Link, LinkClock, LinkServer
from drivers.simulated.ni.serving import served_board
from protocols.errors import HardwareError
from tests.drivers.ni_board.bench import rig_with


@pytest.fixture
def served():
    with served_board(rig_with(), speed=None) as served:
        yield served


@pytest.fixture
def link(served):
    with Link(served.link) as link:
        yield link


def test_the_amplifier_tells_mode_scales_and_knobs(link):
    found = link.ask("amplifier.get")
    assert found["mode"] == "voltage clamp"
    assert found["command"] == pytest.approx(20e-3)
    assert found["inputs"]["primary"] == ["A", pytest.approx(1e-9)]
    assert found["knobs"]["low_pass"] == 4e3


def test_the_mode_switch_is_the_worlds(link, served):
    assert link.ask("amplifier.mode", mode="current clamp")["mode"] == "current clamp"
    assert str(served.board.preparation.world.mode) == "current clamp"
    assert link.ask("amplifier.get")["command"] == pytest.approx(400e-12)


def test_a_knob_can_be_turned(link):
    assert link.ask("amplifier.knobs", low_pass=2e3, bridge=10e6)["bridge"] == 10e6
    assert link.ask("amplifier.knobs")["low_pass"] == 2e3


def test_a_scale_can_be_wrong(link):
    link.ask("amplifier.scales", mode="voltage clamp", primary=0.2e-9)
    assert link.ask("amplifier.get")["inputs"]["primary"] == ["A", 0.2e-9]


def test_the_bridge_is_balanced_as_in_process(link, served):
    from drivers.build import open_devices
    from drivers.clock import DemandClock
    from protocols.sweeps import ClampMode

    alone = open_devices(rig_with(), DemandClock(), simulate=True, seed=1).amplifier
    alone.set_mode(ClampMode.CURRENT)
    link.ask("amplifier.mode", mode="current clamp")
    assert link.ask("amplifier.auto_bridge")["bridge"] == pytest.approx(alone.auto_bridge(), rel=1e-12)


def test_a_telegraph_can_be_forced_and_let_go(link):
    assert link.ask("telegraph", pin="ai3", volts=4.2)["volts"] == {"ai3": 4.2}
    assert link.ask("telegraph", pin="ai3")["volts"] == {}


def test_a_solution_is_filled_and_selected(link):
    link.ask("perfusion.fill", lines={"drug": {"label": "nimodipine", "compound": "nimodipine", "concentration": 1e-5}})
    assert link.ask("perfusion.select", line="drug")["lines"] == ["drug"]
    assert link.ask("perfusion.get")["lines"] == ["drug"]
    assert link.ask("perfusion.select", line=None)["lines"] == []


def test_the_thermometer_reads_the_bath(link):
    assert 29.5 < link.ask("thermometer.read")["temperature"] < 30.5


def test_the_clock_moves_the_boards_time(link, served):
    clock = LinkClock(link)
    assert clock.now() == 0.0
    clock.wait_until(123.0)
    assert clock.now() == pytest.approx(123.0)
    assert served.board.pace.now() == pytest.approx(123.0)


def test_outputs_lines_and_tasks_are_shown(link, served):
    found = link.ask("board.get")
    assert found["outputs"]["ao0"] == pytest.approx(-3.5)
    assert found["high"] == []
    assert found["tasks"] == {}


def test_a_fault_can_be_added_in_flight(link, served):
    assert link.ask("fault.add", call="StartTask", code=-201003)["faults"] == 1
    assert served.board.faults.meet("StartTask").code == -201003
    assert link.ask("fault.clear")["faults"] == 0


def test_a_wrong_question_is_answered_and_the_next_one_too(link):
    for op, question in (("amplifier.sing", {}), ("amplifier.mode", {"mode": "karaoke"}), ("fault.add", {"x": 1})):
        with pytest.raises(HardwareError):
            link.ask(op, **question)
    assert link.ask("clock.now")["now"] == 0.0


def test_many_ask_at_once_and_none_gets_anothers_answer(served):
    def ask(n, found):
        with Link(served.link) as link:
            found[n] = link.ask("telegraph", pin=f"ai{n}", volts=float(n))["volts"][f"ai{n}"]

    found = {}
    threads = [threading.Thread(target=ask, args=(n, found)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(5.0)
    assert found == {n: float(n) for n in range(8)}


def test_nobody_there_is_said_in_words():
    with LinkServer({}) as server:
        port = server.port
    with pytest.raises(HardwareError, match="serve-board"):
        Link(f"127.0.0.1:{port}")


def test_a_board_that_has_gone_is_said_in_words():
    with LinkServer({"bye": lambda _: {}}) as server:
        link = Link(f"127.0.0.1:{server.port}")
        link.ask("bye")
        link._socket.shutdown(2)
    with pytest.raises(HardwareError):
        link.ask("bye")
    link.close()
