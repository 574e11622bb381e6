"""What is behind the board's terminals: the same cell as in process, and the bath, valves and telegraphs of a rig."""

import numpy as np
import pytest
from nidaqmx.constants import LineGrouping
from nidaqmx.stream_readers import AnalogUnscaledReader

from drivers.base import Filling
from drivers.build import open_devices
from drivers.clock import DemandClock
from drivers.simulated.ni.answers import Answers
from drivers.simulated.ni.assembly import board_of
from drivers.simulated.ni.pace import DemandPace
from protocols.sweeps import ClampMode
from protocols.waveforms import Pulse, Waveform
from tests.drivers.ni_board.bench import RATE, read, rig_with, tasks, write
from tests.drivers.ni_board.conftest import over_grpc, through_c
from tests.drivers.rehearsal import Rehearsal

NOISY = {"noise": "yes"}
CELLS = [1, 7]


def in_process(seed):
    """The same rig, opened without a board."""
    rig, clock = rig_with(simulation=NOISY), DemandClock()
    return Rehearsal(open_devices(rig, clock, simulate=True, seed=seed), clock)


def step_to(level, seconds=0.2, holding=-70e-3):
    return Waveform(RATE, round(seconds * RATE), holding, (Pulse("test_pulse", 1000, 2000, level - holding),))


def sweep(client, values, per_volt):
    """Play (n,) SI as a sweep through the client and return counts (2, n)."""
    counts, n = np.empty((2, len(values)), np.int16), len(values)
    with tasks(client, outputs="ao0", count=n) as (ai, ao):
        write(ao, values[None] / per_volt)
        ao.start()
        ai.start()
        reader = AnalogUnscaledReader(ai.in_stream)
        for first in range(0, n, 500):
            block = np.empty((2, 500), np.int16)
            reader.read_int16(block, 500)
            counts[:, first : first + 500] = block
    return counts


@pytest.mark.parametrize("face", [over_grpc, through_c])
@pytest.mark.parametrize("seed", CELLS)
def test_the_cell_behind_the_board_is_the_cell_in_process(face, seed):
    alone = in_process(seed)
    with face(board_of(rig_with(simulation=NOISY), DemandPace(), seed=seed)) as client:
        for level in (-80e-3, -60e-3):
            wave = step_to(level)
            assert np.array_equal(sweep(client, wave.values(), alone.gains.command), alone.counts(wave))
            alone.wait(3.7)
            client.board.pace.clock.wait_until(client.board.pace.now() + 3.7)
    assert client.board.pace.now() == pytest.approx(alone.clock.now())


def test_counts_mean_true_millivolts_and_picoamperes(remote):
    with tasks(remote, inputs="ai0:1", outputs="ao0", count=4000) as (ai, ao):
        write(ao, np.full((1, 4000), -65e-3 / 20e-3))
        ao.start()
        ai.start()
        current, voltage = read(ai, 4000)[:, -100:]
    world = remote.board.preparation.world
    assert voltage.mean() / 10 == pytest.approx(-65e-3, rel=1e-3)
    assert current.mean() / 1e9 == pytest.approx(float(world._state["raw_current"][0]) * 1e-12, rel=1e-2)


def test_a_line_opens_its_valve_and_the_drug_arrives_after_the_dead_time(remote):
    board = remote.board
    board.preparation.fill({"drug": Filling("nimodipine", "nimodipine", 10e-6)})
    with remote.task() as valves:
        valves.do_channels.add_do_chan("Dev1/port0/line0:1", line_grouping=LineGrouping.CHAN_PER_LINE)
        valves.write([False, True])
        assert board.preparation.open == ("drug",)
        answers = Answers(board).all()
        answers["clock.wait_until"]({"moment": board.pace.now() + 44.0})
        assert board.preparation.world._drugs[:, 0].max() == 0.0
        answers["clock.wait_until"]({"moment": board.pace.now() + 2.0})
        answers["clock.now"]({})
        assert board.preparation.world._drugs[:, 0].max() == pytest.approx(10.0)
        valves.write([True, False])
    assert board.preparation.open == ("control",)


def test_the_thermometer_is_a_voltage_on_its_input(remote):
    expected = remote.board.preparation.thermometer.read()
    assert remote.volts("ai7") / 100e-3 == pytest.approx(expected, abs=0.002)


def test_inputs_without_a_wire_read_nothing(remote):
    assert remote.volts("ai12") == 0.0


def test_the_command_output_holds_the_cell_from_the_start(remote):
    assert remote.volts("_ao0_vs_aognd") == pytest.approx(-70e-3 / 20e-3, abs=5e-4)


@pytest.mark.parametrize(("mode", "volts"), [(ClampMode.VOLTAGE, 6.0), (ClampMode.ZERO, 3.0), (ClampMode.CURRENT, 2.0)])
def test_an_axopatch_telegraphs_its_mode(mode, volts):
    with over_grpc(board_of(rig_with("ni_axopatch"), DemandPace())) as client:
        client.board.preparation.world.switch(mode)
        assert client.volts("ai3") == pytest.approx(volts, abs=1e-3)


def test_an_axopatch_telegraphs_gain_and_filter():
    with over_grpc(board_of(rig_with("ni_axopatch"), DemandPace())) as client:
        assert client.volts("ai2") == pytest.approx(4.0, abs=1e-3)  # 10 mV/pA
        assert client.volts("ai4") == pytest.approx(6.0, abs=1e-3)  # 4 kHz is nearest to 5 kHz
        client.board.preparation.world.switch(ClampMode.CURRENT)
        assert client.volts("ai2") == pytest.approx(4.0, abs=1e-3)  # 10 mV/mV


def test_telegraphs_are_sampled_with_the_sweep_and_follow_the_knob():
    with over_grpc(board_of(rig_with("ni_axopatch"), DemandPace())) as client, client.task() as ai:
        ai.ai_channels.add_ai_voltage_chan("Dev1/ai0,Dev1/ai3", min_val=-10, max_val=10)
        ai.timing.cfg_samp_clk_timing(RATE, samps_per_chan=100_000)
        ai.start()
        before = read(ai, 500)[1]
        Answers(client.board).all()["amplifier.mode"]({"mode": "zero current"})
        after = read(ai, 500)[1]
    assert before.mean() == pytest.approx(6.0, abs=1e-3)
    assert after.mean() == pytest.approx(3.0, abs=1e-3)
