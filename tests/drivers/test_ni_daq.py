"""The card under NI-DAQmx: true samples, honest gaps, and outputs that end where they belong whatever fails."""

from contextlib import closing

import numpy as np
import pytest

from drivers.build import open_devices
from drivers.clock import DemandClock
from drivers.ni import tasks
from drivers.ni.failures import CardError
from drivers.simulated.ni.preparation import Wires
from protocols.errors import HardwareError, Overrun
from protocols.sweeps import ClampMode, Sweep
from protocols.waveforms import Pulse, Waveform
from tests.drivers.ni_bench import ni_rig, opened, with_options

HOLDING = -70e-3
HOLDING_VOLTS = -3.5
STEP = Waveform(20e3, 20_000, HOLDING, (Pulse("step", 5_000, 15_000, -5e-3),))
LONG = Waveform(20e3, 1_200_000, HOLDING, (Pulse("step", 1, 1_200_000, -5e-3),))
LOOP = Wires(signals={"ai0": "primary"}, cables={"ai1": "ao0"})
"""The secondary input is wired to the output, so that each sample tells which one it is."""


def stairs(samples, step=1000):
    """Return a command of as many different levels as it has steps."""
    edges = range(0, samples - step, step)
    return Waveform(20e3, samples, 0.0, tuple(Pulse("step", s, s + step, 1e-6 * (s // step) * 20) for s in edges))


def wanted_counts(command, gains, first, n):
    """Return what the converter makes of the command when it is wired to an input."""
    return np.round(command.values(first, n) / gains.command * 3276.8).astype(np.int16)


@pytest.fixture
def bench():
    with opened(ni_rig()) as bench:
        bench.daq.park(HOLDING, bench.gains)
        yield bench


def at_rest(bench, volts=HOLDING_VOLTS):
    """Return whether nothing of ours is left on the card and the output stands at `volts`."""
    return not bench.tasks and bench.board.levels["ao0"] == pytest.approx(volts, abs=1e-3)


# --- what is recorded ---------------------------------------------------------------------------------------------


def session(bench):
    """Play in both modes, with pauses, and return all counts."""
    wait = lambda seconds: bench.clock.wait_until(bench.clock.now() + seconds)  # noqa: E731
    clamped = bench.counts(STEP)
    wait(0.5)
    bench.switch(ClampMode.CURRENT, 20e-12)
    wait(0.1)
    free = bench.counts(Waveform(20e3, 12_345, 20e-12, (Pulse("step", 1000, 4000, 300e-12),)))
    return np.concatenate([clamped, free], axis=1)


@pytest.fixture(scope="module")
def rehearsed():
    """Return the counts of the same session on the simulator in this process, without NI-DAQmx."""
    clock = DemandClock()
    with open_devices(ni_rig(), clock, simulate=True, seed=3) as devices:

        class InProcess:
            daq, amplifier = devices.daq, devices.amplifier

            def counts(self, command):
                gains = self.amplifier.gains()
                frames = self.daq.play(Sweep(0, gains.mode, command), gains)
                return np.concatenate([f.counts for f in frames], axis=1)

            def switch(self, mode, level):
                self.amplifier.set_mode(ClampMode.ZERO)
                self.daq.park(level, self.amplifier.gains_in(mode))
                self.amplifier.set_mode(mode)

        InProcess.clock = clock
        devices.daq.park(HOLDING, devices.amplifier.gains())
        return session(InProcess())


@pytest.mark.parametrize("options", [{}, {"streaming": "finite"}, {"lead": "300 ms"}])
def test_counts_are_those_of_the_simulator_without_ni(rehearsed, options):
    with opened(ni_rig(**options), seed=3) as bench:
        bench.daq.park(HOLDING, bench.gains)
        assert np.array_equal(session(bench), rehearsed)


@pytest.mark.parametrize("block", [7.35e-3, 20e-3, 200e-3])
def test_the_length_of_a_block_changes_nothing(rehearsed, block):
    with opened(ni_rig(block=block), seed=3) as bench:
        bench.daq.park(HOLDING, bench.gains)
        assert np.array_equal(session(bench), rehearsed)


def test_a_card_without_16_bit_samples_is_read_in_volts_and_rounded_by_half_a_step(rehearsed):
    with opened(ni_rig(), seed=3, faults=[{"call": "GetChanAttribute", "code": -200197, "times": 0}]) as bench:
        assert bench.board.faults.calls["ReadBinaryI16"] == 0
        bench.daq.park(HOLDING, bench.gains)
        assert np.array_equal(session(bench), rehearsed)
        assert bench.board.faults.calls["ReadBinaryI16"] == 0


def test_an_inputs_scale_is_the_cards_times_the_amplifiers(bench):
    primary, secondary = bench.daq.channels(bench.gains)
    assert primary.coefficients == pytest.approx((0, 10 / 32768 * 1e-9))
    assert secondary.coefficients == pytest.approx((0, 10 / 32768 / 10))


def test_an_input_that_the_amplifier_does_not_drive_is_recorded_in_volts():
    rig = ni_rig(changes=[("\noutputs:", "  marker: {pin: ai6, range: 5 V}\n\noutputs:")])
    with opened(rig, wires=Wires(signals={"ai0": "primary", "ai1": "secondary"}, forced={"ai6": 2.5})) as bench:
        channel, row = bench.daq.channels(bench.gains)[2], bench.counts(STEP)[2]
        assert (channel.name, channel.unit) == ("marker", "V")
        assert channel.si(channel.stored(row)) == pytest.approx(2.5, rel=1e-3)


def test_each_sample_is_the_response_to_the_command_of_the_same_number():
    with opened(ni_rig(), wires=LOOP) as bench:
        command = stairs(100_000)
        assert np.array_equal(bench.counts(command)[1], wanted_counts(command, bench.gains, 0, 100_000))


def test_in_zero_current_the_output_is_not_touched(bench):
    bench.amplifier.set_mode(ClampMode.ZERO)
    before = bench.board.faults.calls["CreateAOVoltageChan"]
    assert bench.counts(Waveform(20e3, 2000, 0.0)).shape == (2, 2000)
    assert bench.board.faults.calls["CreateAOVoltageChan"] == before
    assert at_rest(bench)


# --- rates --------------------------------------------------------------------------------------------------------


def test_the_rate_is_the_one_the_card_makes_of_it(bench):
    assert bench.daq.rate(20e3) == 20e3
    assert bench.daq.rate(30e3) == pytest.approx(100e6 / 3333)
    assert bench.counts(Waveform(bench.daq.rate(30e3), 3000, HOLDING)).shape == (2, 3000)


def test_a_sweep_made_for_another_rate_is_refused_before_it_starts(bench):
    before = bench.board.faults.calls["StartTask"]
    with pytest.raises(HardwareError, match=r"30003\.0003 Hz.*30000 Hz"):
        bench.counts(Waveform(30e3, 3000, HOLDING, (Pulse("step", 0, 3000, 10e-3),)))
    assert bench.board.faults.calls["StartTask"] == before
    assert at_rest(bench)


# --- samples that come late, short or never -----------------------------------------------------------------------


def test_a_read_that_comes_short_loses_and_doubles_nothing(monkeypatch):
    with opened(ni_rig(), wires=LOOP) as bench:
        monkeypatch.setattr(tasks, "PATIENCE", -0.02)  # too short a wait for 1000 samples: 600 come
        command, frames = stairs(20_000), []
        for frame in bench.frames(command):
            frames.append(frame)
            if len(frames) == 10:
                monkeypatch.setattr(tasks, "PATIENCE", 2.0)
        assert [f.n_samples for f in frames[:12]] == [600] * 10 + [1000] * 2
        got = np.concatenate([f.counts[1] for f in frames])
        assert np.array_equal(got, wanted_counts(command, bench.gains, 0, 20_000))


def test_a_clock_that_stops_ends_the_sweep_with_what_came(bench):
    bench.fault(call="ReadBinaryI16", code=-200284, nth=4)
    got, why = until_it_fails(bench, LONG)
    assert (why.code, why.samples, why.task, why.channels) == (-200284, 0, "inputs", ("primary", "secondary"))
    assert sum(f.n_samples for f in got) == 3000
    assert at_rest(bench)


def test_lost_samples_are_a_gap_and_those_behind_it_are_the_newest():
    with opened(ni_rig(input_buffer="1 s", lead="5 s"), wires=LOOP) as bench:
        command = stairs(100_000)
        bench.fault(call="ReadBinaryI16", nth=6, stall=2.0)
        frames = list(bench.frames(command))
        firsts, ends = np.array([f.first for f in frames]), np.array([f.first + f.n_samples for f in frames])
        assert firsts[5] - ends[4] == 39_000
        assert ends[-1] == 100_000
        assert sum(firsts[1:] != ends[:-1]) == 1
        for f in frames:
            assert np.array_equal(f.counts[1], wanted_counts(command, bench.gains, f.first, f.n_samples))


def test_samples_lost_up_to_the_end_of_a_sweep_are_an_overrun_with_what_was_kept():
    with opened(ni_rig(input_buffer="1 s", lead="5 s"), wires=LOOP) as bench:
        bench.daq.park(HOLDING, bench.gains)
        bench.fault(call="ReadBinaryI16", nth=6, stall=4.0)
        got, why = until_it_fails(bench, Waveform(20e3, 60_000, HOLDING))
        assert isinstance(why, Overrun)
        assert why.samples_kept == sum(f.n_samples for f in got) == 5000
        assert at_rest(bench)


@pytest.mark.parametrize("code", [-200361, -200222])
def test_an_overflow_that_stops_the_card_is_an_overrun(bench, code):
    bench.fault(call="ReadBinaryI16", code=code, nth=6)
    got, why = until_it_fails(bench, LONG)
    assert isinstance(why, Overrun)
    assert why.samples_kept == sum(f.n_samples for f in got) == 5000
    assert at_rest(bench)


def test_an_output_that_runs_dry_ends_the_sweep_and_is_parked(bench):
    bench.fault(call="WriteAnalogF64", nth=6, stall=5.0)
    got, why = until_it_fails(bench, LONG)
    assert why.code == -200290
    assert why.samples == sum(f.n_samples for f in got)
    assert "stalled for longer than the 'lead'" in str(why)
    assert at_rest(bench)


def until_it_fails(bench, command):
    """Return the frames that came, and why no more did."""
    got = []
    with pytest.raises(HardwareError) as failure, closing(bench.frames(command)) as frames:
        got.extend(frames)
    return got, failure.value


def test_whoever_takes_the_last_frame_late_has_a_whole_sweep_all_the_same(bench):
    frames = []
    for frame in bench.frames(STEP):
        frames.append(frame)
        if len(frames) == 20:
            bench.clock.wait_until(bench.clock.now() + 5.0)
    assert sum(f.n_samples for f in frames) == 20_000
    assert at_rest(bench)


# --- failures -----------------------------------------------------------------------------------------------------

FAILURES = [
    ("CreateTask", -50103, 1),
    ("CreateAIVoltageChan", -200220, 1),
    ("CreateAIVoltageChan", -201003, 2),
    ("CreateAOVoltageChan", -200170, 1),
    ("CfgSampClkTiming", -200077, 1),
    ("CfgSampClkTiming", -200077, 2),
    ("CfgDigEdgeStartTrig", -89137, 1),
    ("SetBufferAttribute", -50103, 1),
    ("SetWriteAttribute", -200077, 1),
    ("StartTask", -50103, 1),
    ("StartTask", -89137, 2),
    ("WriteAnalogF64", -200561, 1),
    ("WriteAnalogF64", -200292, 2),
    ("WriteAnalogF64", -200621, 2),
    ("ReadBinaryI16", -200088, 1),
    ("ReadBinaryI16", -88709, 5),
    ("ReadBinaryI16", -201003, 5),
    ("ReadBinaryI16", -12345, 5),
    ("StopTask", -200290, 1),
    ("IsTaskDone", -200018, 1),
]


@pytest.mark.parametrize(("call", "code", "nth"), FAILURES)
def test_whatever_fails_in_a_sweep_the_output_ends_at_holding_and_the_code_is_kept(bench, call, code, nth):
    bench.fault(call=call, code=code, nth=nth)
    command = Waveform(20e3, 10_000, HOLDING, (Pulse("step", 1, 10_000, -5e-3),))
    if call == "StopTask":  # everything was played and recorded by then
        assert bench.counts(command).shape == (2, 10_000)
        assert not bench.tasks
        return
    _, why = until_it_fails(bench, command)
    assert (why.device, why.code) == ("Dev1", code)
    assert f"(NI-DAQmx {code})" in str(why)
    assert len(str(why)) < 250
    assert why.__cause__ is not None
    assert at_rest(bench)
    assert bench.counts(STEP).shape == (2, 20_000)


def test_a_card_that_others_hold_is_named_as_such(bench):
    bench.fault(call="StartTask", code=-50103)
    _, why = until_it_fails(bench, STEP)
    assert "close NI MAX's test panels" in str(why)


def test_a_level_that_cannot_be_parked_is_said(bench):
    bench.fault(call="WriteAnalogF64", code=-201003, times=0)
    bench.fault(call="WriteAnalogScalarF64", code=-201003, times=0)
    with pytest.raises(CardError, match="is it plugged in"):
        bench.daq.park(-60e-3, bench.gains)
    assert not bench.tasks


def test_a_server_that_goes_away_ends_the_sweep_with_words(bench):
    frames = bench.frames(LONG)
    next(frames)
    bench.server.__exit__(None, None, None)
    with pytest.raises(CardError, match="device server does not answer"):
        next(frames)


def test_no_server_is_found_out_when_the_card_is_opened():
    from drivers.build import Context
    from drivers.clock import WallClock
    from drivers.ni.daq import daq

    rig = with_options(ni_rig(), grpc="127.0.0.1:9")
    with pytest.raises(CardError, match="Dev1: card: the device server does not answer"):
        daq(Context(rig, WallClock(), 1)).__enter__()


# --- the output, read back ----------------------------------------------------------------------------------------


def test_an_output_is_read_back_through_the_input_that_is_wired_to_it():
    wires = Wires(signals={"ai0": "primary", "ai1": "secondary"}, cables={"ai6": "ao0"})
    with opened(ni_rig(read_back="ai6"), wires=wires) as bench:
        bench.daq.park(HOLDING, bench.gains)
        bench.board.set_levels({"ao0": 1.25})
        assert bench.daq.output_volts() == pytest.approx(1.25, abs=1e-3)


def test_an_output_that_nobody_wrote_and_nothing_measures_is_not_a_number():
    with opened(ni_rig(read_back="none")) as bench:
        assert np.isnan(bench.daq.output_volts())
        bench.daq.park(HOLDING, bench.gains)
        assert bench.daq.output_volts() == pytest.approx(HOLDING_VOLTS)


# --- telegraphs ---------------------------------------------------------------------------------------------------


@pytest.fixture
def axopatch():
    wires = Wires(signals={"ai0": "primary", "ai1": "secondary"}, forced={"ai2": 2.5, "ai3": 6.0})
    with opened(ni_rig("ni_axopatch"), wires=wires) as bench:
        yield bench


def test_telegraphs_are_read_between_sweeps_and_followed_during_them(axopatch):
    from drivers.ni.analogue import read_volts

    volts = read_volts(axopatch.context)
    assert volts("gain") == pytest.approx(2.5, abs=1e-3)
    with closing(axopatch.frames(STEP)) as frames:
        first = next(frames)
        assert first.counts.shape[0] == 2
        assert volts("mode") == pytest.approx(6.0, abs=1e-3)
        axopatch.board.preparation.wires.forced["ai3"] = 3.0
        next(frames)
        assert volts("mode") == pytest.approx(3.0, abs=1e-3)
        with pytest.raises(HardwareError, match="cannot be read during a sweep"):
            volts("primary")
    assert volts("mode") == pytest.approx(3.0, abs=1e-3)


def test_an_unknown_input_is_named_with_what_is_known(axopatch):
    from drivers.ni.analogue import read_volts

    with pytest.raises(HardwareError, match="no input is named 'gian'; did you mean 'gain'"):
        read_volts(axopatch.context)("gian")


def test_other_outputs_of_the_rig_are_played_beside_the_command_and_stand_at_0_v():
    rig = ni_rig(
        changes=[
            (
                "  command: {pin: ao0, range: 10 V}",
                "  command: {pin: ao0, range: 10 V}\n  light: {pin: ao1, range: 10 V}",
            )
        ]
    )
    wires = Wires(signals={}, cables={"ai0": "ao0", "ai1": "ao1"})
    with opened(rig, wires=wires) as bench:
        bench.board.levels["ao1"] = 2.0
        counts = bench.counts(STEP)
        assert np.abs(counts[1]).max() <= 1, "0 V, to a step of the converter"
        assert counts[0].min() < counts[0].max() < -11_000
        assert bench.board.levels["ao1"] == 0.0


def test_what_the_vendor_says_at_length_is_kept_but_not_told(bench):
    long = "\n".join(["Status: " + "word " * 60, *(["more"] * 30)])
    from nidaqmx.errors import DaqError

    from drivers.ni.failures import ours

    with pytest.raises(CardError) as found, ours("Dev1", "inputs"):
        raise DaqError(long, -12345)
    assert len(str(found.value)) < 170
    assert str(found.value).endswith("... (NI-DAQmx -12345)")
    assert "more" in found.value.said
