"""A MultiClamp on a served board's cell: what the Commander is told, the cell feels, and the telegraph says."""

import numpy as np
import pytest

from config.loading import load_rig
from drivers.build import open_devices, serve_board
from drivers.clock import DemandClock, WallClock
from drivers.contract import AmplifierContract
from drivers.simulated.link import Link, LinkClock
from protocols.errors import HardwareError
from protocols.sweeps import ClampMode, Sweep
from protocols.waveforms import Pulse, Waveform
from tests.drivers.rehearsal import RIG_FILE, STILL, rig_with


@pytest.fixture
def rig():
    return rig_with(STILL)


@pytest.fixture
def board(rig):
    with serve_board(rig, speed=None, seed=3) as served:
        yield served


@pytest.fixture
def link(board):
    with Link(board.link) as opened:
        yield opened


def multiclamp(rig, address, **options):
    """Return the amplifier of a rig that names a served board in place of the control library."""
    entry = {"driver": "multiclamp", "options": {"library": f"served://{address}", **options}}
    made = rig.model_copy(update={"amplifier": rig.amplifier.model_copy(update=entry)})
    return open_devices(made, WallClock(), seed=3).amplifier


@pytest.fixture
def amplifier(rig, board):
    with multiclamp(rig, board.link) as opened:
        yield opened


class TestContract(AmplifierContract):
    @pytest.fixture
    def amplifier(self, amplifier):
        return amplifier


def test_the_telegraph_says_the_boards_true_scales(amplifier, rig):
    for mode in ClampMode:
        amplifier.set_mode(ClampMode.ZERO)
        amplifier.set_mode(mode)
        gains, declared = amplifier.gains(), amplifier.gains_in(mode)
        assert gains.command == pytest.approx(declared.command)
        for name, (unit, scale) in declared.inputs.items():
            assert gains.inputs[name] == (unit, pytest.approx(scale))


def test_a_gain_turned_in_the_commander_changes_the_board_and_the_telegraph_alike(amplifier, link):
    before = amplifier.gains().inputs["primary"][1]
    amplifier.set_gain(5)
    assert amplifier.gains().inputs["primary"][1] == pytest.approx(before / 5)
    assert link.ask("amplifier.get")["inputs"]["primary"][1] == pytest.approx(before / 5)


def test_a_mode_turned_at_the_board_is_telegraphed(amplifier, link):
    link.ask("amplifier.mode", mode=str(ClampMode.ZERO))
    assert amplifier.mode() is ClampMode.ZERO


def test_knobs_reach_the_boards_amplifier(amplifier, link):
    amplifier.set_whole_cell(33e-12, 12e6)
    amplifier.set_low_pass(2e3)
    knobs = link.ask("amplifier.knobs")
    assert (knobs["whole_cell_capacitance"], knobs["whole_cell_series_resistance"]) == (33e-12, 12e6)
    assert knobs["low_pass"] == 2e3
    amplifier.set_whole_cell(0.0, 0.0)
    assert link.ask("amplifier.knobs")["whole_cell_capacitance"] == 0


def test_a_switch_turned_off_and_on_again_brings_the_value_back(amplifier, link):
    amplifier.set_mode(ClampMode.CURRENT)
    amplifier.set_bridge(12e6)
    commander, where = amplifier._connected, amplifier._where
    commander.set(where, "BridgeBalEnable", 0)
    assert link.ask("amplifier.knobs")["bridge"] == 0
    commander.set(where, "BridgeBalEnable", 1)
    assert link.ask("amplifier.knobs")["bridge"] == 12e6


def test_the_bridge_is_balanced_on_the_cells_true_series_resistance_as_in_the_simulator(amplifier, link, rig):
    """The same seed finds the same bridge."""
    with open_devices(rig, DemandClock(), seed=3) as simulated:
        simulated.amplifier.set_mode(ClampMode.CURRENT)
        expected = simulated.amplifier.auto_bridge()
    amplifier.set_mode(ClampMode.CURRENT)
    assert amplifier.auto_bridge() == pytest.approx(expected)
    assert amplifier.auto_bridge() == pytest.approx(link.ask("amplifier.get")["access_resistance"], rel=0.021)


def test_the_headstage_is_the_one_the_rig_file_means(rig, board):
    with multiclamp(rig, board.link, serial="00834001") as amplifier:
        assert str(amplifier._where) == "700B serial 00834001, channel 1"
    with multiclamp(rig, board.link, com=3, device=1) as amplifier:
        assert str(amplifier._where) == "700A on COM3, device 1, channel 1"


def test_it_can_be_opened_again(rig, board):
    amplifier = multiclamp(rig, board.link)
    for _ in range(2):
        with amplifier:
            assert amplifier.mode() is ClampMode.VOLTAGE


def test_a_board_that_is_not_served_is_named(rig):
    with pytest.raises(HardwareError, match=r"no served board at '127\.0\.0\.1:1'.*start patchrig serve-board"):
        multiclamp(rig, "127.0.0.1:1").__enter__()


def played(devices, clock):
    """Return the SI samples of two sweeps, one in each clamp, switched as the bench switches, through I=0."""
    found = []

    def play(command):
        gains = devices.amplifier.gains()
        channels = devices.daq.channels(gains)
        counts = np.concatenate([f.counts for f in devices.daq.play(Sweep(0, gains.mode, command), gains)], axis=1)
        found.extend(c.si(c.stored(row)) for c, row in zip(channels, counts, strict=True))

    devices.daq.park(-70e-3, devices.amplifier.gains())
    play(Waveform(20e3, 4000, -70e-3, (Pulse("step", 1000, 2000, -5e-3),)))
    devices.amplifier.set_mode(ClampMode.ZERO)
    devices.daq.park(20e-12, devices.amplifier.gains_in(ClampMode.CURRENT))
    devices.amplifier.set_mode(ClampMode.CURRENT)
    devices.amplifier.auto_bridge()
    clock.wait_until(clock.now() + 0.5)
    play(Waveform(20e3, 8000, 20e-12, (Pulse("step", 1000, 4000, 300e-12),)))
    return found


def test_a_rig_of_vendors_libraries_records_what_the_simulator_records():
    """NI's own client and the control library's binding, against the simulated devices of the same seed."""
    rig = load_rig(RIG_FILE.with_name("ni_simulated.yaml"))
    with serve_board(rig, speed=None, seed=3) as served, Link(served.link) as link:
        daq = rig.daq.model_copy(update={"options": {**rig.daq.options, "grpc": served.address}})
        amplifier = rig.amplifier.model_copy(update={"options": {"library": f"served://{served.link}"}})
        clock = LinkClock(link)
        with open_devices(rig.model_copy(update={"daq": daq, "amplifier": amplifier}), clock) as devices:
            through_libraries = played(devices, clock)
    clock = DemandClock()
    with open_devices(rig, clock, simulate=True, seed=3) as devices:
        simulated = played(devices, clock)
    assert [len(row) for row in simulated] == [4000, 4000, 8000, 8000]
    step = [10 / 32768 / volts for volts in (1e9, 10, 50, 1e9)]  # one converter count of each row, SI
    for ours, theirs, count in zip(through_libraries, simulated, step, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1.01 * count)
