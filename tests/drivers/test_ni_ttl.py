"""TTL lines on an NI card, through NI's own client: on the samples of the command, and low whatever happens."""

from contextlib import closing

import numpy as np
import pytest

from drivers.build import Context
from drivers.ni.daq import daq
from drivers.simulated.ni.board import ON_DEMAND
from drivers.simulated.ni.preparation import Wires
from protocols.errors import HardwareError
from protocols.sweeps import ClampMode, Sweep
from protocols.waveforms import Pulse, TtlPulse, Waveform
from tests.drivers.ni_bench import WAYS, ni_rig, opened

LINES = (
    "\nperfusion:\n",
    "\nttl:\n  stimulator: {pin: port0/line4}\n  camera: {pin: Dev1/port0/line5}\n\nperfusion:\n",
)
LOOP = Wires(signals={}, cables={"ai0": "ao0", "ai1": "port0/line4"})
HOLDING = -60e-3
STEP = Waveform(20e3, 30_000, HOLDING, (Pulse("step", 12_345, 12_360, -40e-3), Pulse("step", 22_001, 22_010, -40e-3)))
WITH_THE_STEP = tuple(TtlPulse("stimulator", p.start, p.stop) for p in STEP.pulses)
LONG = Waveform(20e3, 100_000, HOLDING)
TO_THE_END = (TtlPulse("stimulator", 10, 100_000), TtlPulse("camera", 10, 100_000))


def rig(**how):
    return ni_rig(changes=[LINES], **how)


@pytest.fixture
def bench():
    with opened(rig()) as bench:
        yield bench


def play(bench, command, ttl, gains=None):
    gains = gains or bench.gains
    return bench.daq.play(Sweep(0, gains.mode, command, ttl), gains)


def is_at_rest(bench):
    low = not (bench.board.lines["port0/line4"] or bench.board.lines["port0/line5"])
    return low and not bench.tasks and bench.board.levels["ao0"] == pytest.approx(-3.0, abs=1e-3)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("options", [{}, {"streaming": "finite"}, {"lead": "300 ms"}])
def test_a_lines_edges_arrive_at_the_samples_of_the_commands_edges(way, options):
    with opened(rig(**options), wires=LOOP, way=way) as bench:
        counts = np.concatenate([f.counts for f in play(bench, STEP, WITH_THE_STEP)], axis=1)
        command, line = (np.flatnonzero(np.abs(np.diff(row.astype(int))) > 1000) + 1 for row in counts)
        assert list(line) == list(command) == [12_345, 12_360, 22_001, 22_010]
        assert counts[1].max() == 32768 // 2, "5 V of 10 V"


def test_lines_are_pulsed_also_in_zero_current_where_no_command_is_played(bench):
    bench.amplifier.set_mode(ClampMode.ZERO)
    list(play(bench, LONG, (TtlPulse("camera", 7, 9),)))
    assert bench.board.edges == [("port0/line5", 7, True), ("port0/line5", 9, False)]


def test_a_pulse_that_lasts_to_the_sweeps_end_ends_there(bench):
    list(play(bench, LONG, TO_THE_END))
    assert [e[1:] for e in bench.board.edges] == [(10, True), (10, True), (ON_DEMAND, False), (ON_DEMAND, False)]
    assert is_at_rest(bench)


@pytest.mark.parametrize(
    ("call", "code", "nth"),
    [
        ("CreateDOChan", -200170, 1),
        ("CfgSampClkTiming", -200077, 2),
        ("StartTask", -200587, 2),
        ("WriteDigitalLines", -200292, 2),
        ("WriteDigitalLines", -200290, 5),
        ("ReadBinaryI16", -201003, 6),
    ],
)
def test_whatever_fails_in_a_sweep_its_lines_end_low_and_the_command_at_holding(bench, call, code, nth):
    bench.fault(call=call, code=code, nth=nth)
    with pytest.raises(HardwareError) as why, closing(play(bench, LONG, TO_THE_END)) as frames:
        list(frames)
    assert why.value.code == code
    assert is_at_rest(bench)
    list(play(bench, STEP, WITH_THE_STEP))
    assert is_at_rest(bench)


def test_a_line_that_a_killed_program_left_high_is_low_once_the_command_is_parked(bench):
    bench.board.set_lines({"port0/line4": True})
    bench.daq.park(HOLDING, bench.gains)
    assert is_at_rest(bench)


def test_a_line_that_cannot_be_lowered_is_said_and_the_command_is_parked_all_the_same(bench):
    bench.fault(call="WriteDigitalLines", code=-200587, times=0)
    with pytest.raises(HardwareError, match=r"TTL lines .*reserved by another task"):
        bench.daq.park(HOLDING, bench.gains)
    assert bench.board.levels["ao0"] == pytest.approx(-3.0, abs=1e-3)


def test_a_sweep_without_pulses_leaves_the_lines_to_whoever_has_them(bench):
    bench.daq.park(HOLDING, bench.gains)
    before = bench.board.faults.calls["WriteDigitalLines"]
    list(play(bench, LONG, ()))
    bench.daq.park(HOLDING, bench.gains)
    assert bench.board.faults.calls["WriteDigitalLines"] == before


def test_a_line_without_a_sample_clock_is_refused_when_the_card_is_opened():
    changed = LINES[1].replace("port0/line4", "port1/line0").replace("Dev1/port0/line5", "port7/line0")
    with pytest.raises(HardwareError) as refusal, opened(ni_rig(changes=[(LINES[0], changed)])):
        pass
    assert "its line 'port1/line0' has no sample clock, so 'stimulator' cannot be pulsed there" in str(refusal.value)
    assert "it has no digital line 'port7/line0'" in str(refusal.value)


def test_what_others_see_of_a_rig_without_ttl_lines_is_unchanged():
    with opened(ni_rig()) as bench:
        assert bench.daq.ttl == ()
        with pytest.raises(HardwareError, match="no TTL line is named camera; this rig has none"):
            play(bench, LONG, (TtlPulse("camera", 0, 1),))
        assert not bench.board.faults.calls["WriteDigitalLines"]
        assert daq(Context(ni_rig(), bench.clock, 1)).ttl == ()
