"""The cell: on every way out, outputs are in the rig's safe state for the mode the amplifier is then in."""

from dataclasses import replace

import pytest

from acquisition.controls import Controls
from acquisition.events import SweepStarted
from acquisition.person import Unattended
from acquisition.rest import told_once
from protocols.errors import DiskFull, HardwareError
from protocols.sweeps import ClampMode
from tests.kit import Answers, Tape

VC_HOLD = """
steps:
  - hold: {voltage: -60 mV, for: 2 s}
"""
CC_SERIES = """
steps:
  - switch_to: {clamp: current, bias_to: -60 mV}
  - series: {name: bursts, step: 300 pA, width: 150 ms, every: 5 s, before: 600 ms, after: 2 s, sweeps: 3}
"""
WITH_FINISH = f"""{CC_SERIES}
finish:
  - switch_to: {{clamp: voltage}}
"""
DRUG = """
steps:
  - apply: {solution: blocker}
  - hold: {voltage: -60 mV, for: 2 s}
"""

VOLTAGE_SAFE = -70e-3 / 20e-3
"""Volts at the output: -70 mV at 20 mV/V."""


def test_a_finished_run_in_voltage_clamp_leaves_the_cell_at_its_safe_potential(rehearse):
    r = rehearse(VC_HOLD)
    assert r.finished.reason == "finished"
    assert r.mode is ClampMode.VOLTAGE
    assert r.output_volts == pytest.approx(VOLTAGE_SAFE, abs=1e-3)


def test_a_finished_run_in_current_clamp_leaves_no_current(rehearse):
    r = rehearse(CC_SERIES)
    assert r.finished.reason == "finished"
    assert r.mode is ClampMode.CURRENT
    assert r.output_volts == pytest.approx(0.0, abs=1e-3)


def test_the_control_solution_flows_after_the_run(rehearse):
    assert rehearse(DRUG).line == "control"


def test_a_stop_in_mid_step_takes_the_current_away_and_keeps_the_samples(rehearse):
    controls = Controls()

    def stop_in_second_burst(event):
        if isinstance(event, SweepStarted) and event.header.label == "bursts":
            controls.stop()

    r = rehearse(CC_SERIES, controls=controls, observers=[stop_in_second_burst])
    assert r.finished.reason == "stopped by the person"
    assert r.output_volts == pytest.approx(0.0, abs=1e-3)
    assert r.tape.ends[-1][0] is False
    assert r.tape.closed == "stopped by the person"


def test_finish_runs_after_a_stop(rehearse):
    controls = Controls()
    controls.stop()
    r = rehearse(WITH_FINISH, controls=controls)
    assert [e.text for e in r.tape.said("step")] == ["finish 1 of 1: switch to voltage clamp"]


def test_finish_is_left_out_when_the_person_stops_twice(rehearse):
    controls = Controls()
    controls.stop()
    controls.stop()
    r = rehearse(WITH_FINISH, controls=controls)
    assert r.tape.said("step") == []
    assert r.output_volts == pytest.approx(VOLTAGE_SAFE, abs=1e-3)


def test_a_full_disk_in_mid_sweep_leaves_the_cell_safe_and_says_why(rehearse):
    r = rehearse(VC_HOLD.replace("2 s", "60 s"), tape=Tape(fail_after=20))
    assert r.finished.reason == "failed"
    assert "no space left" in r.finished.text
    assert r.output_volts == pytest.approx(VOLTAGE_SAFE, abs=1e-3)


class FullOnce(Tape):
    """A disk that is full in the middle of a sweep, until somebody makes space."""

    is_full = True

    def samples(self, frame):
        if self.is_full and frame.first > 10_000:
            self.is_full = False
            raise DiskFull("the disk is full")
        super().samples(frame)


def test_after_space_was_made_the_sweep_is_played_again(rehearse):
    r = rehearse(VC_HOLD, tape=FullOnce(), person=Answers("continue"))
    assert r.finished.reason == "finished"
    assert [complete for complete, _ in r.tape.ends] == [False, True]
    assert sum(f.n_samples for f in r.tape.frames[-1]) == 40_000


def test_a_full_disk_with_nobody_there_ends_the_run(rehearse):
    r = rehearse(VC_HOLD, tape=FullOnce(), person=Unattended())
    assert r.finished.reason == "failed"
    assert "the disk is full" in r.finished.text
    assert r.output_volts == pytest.approx(VOLTAGE_SAFE, abs=1e-3)


def test_what_was_turned_just_before_a_stop_is_told_and_the_log_claims_nothing_else(rehearse):
    controls = Controls()

    def turn_up_and_stop(event):
        if isinstance(event, SweepStarted):
            amplifier = benches[0].devices.amplifier
            honest = amplifier.gains
            amplifier.gains = lambda: replace(honest(), command=0.1)
            controls.stop()

    benches = []
    r = rehearse(VC_HOLD, controls=controls, observers=[turn_up_and_stop], before=benches.append)
    assert r.finished.reason == "stopped by the person"
    (told,) = r.tape.said("gain")
    assert "the scale of 'command' in voltage clamp is 100 mV/V, it was 20 mV/V" in told.text


def test_a_stopped_sweeps_last_look_is_at_its_end(rehearse):
    controls = Controls()

    def stop(bench):
        original = bench.devices.daq._play

        def play(sweep, gains):
            controls.stop()
            yield from original(sweep, gains)

        bench.devices.daq._play = play

    r = rehearse(VC_HOLD, controls=controls, before=stop)
    (told,) = r.tape.said("mode_at_end")
    assert "was in voltage clamp to its end" in told.text
    assert told.data["looks"] == 2


def test_a_mode_turned_by_hand_in_mid_sweep_ends_the_run_in_the_safe_state_of_the_new_mode(rehearse):
    def turn(bench):
        original = bench.devices.daq._play

        def play(sweep, gains):
            yield from original(sweep, gains)
            bench.devices.amplifier._set_mode(ClampMode.CURRENT)

        bench.devices.daq._play = play

    r = rehearse(VC_HOLD, before=turn)
    assert r.finished.reason == "hardware failed"
    assert "current clamp" in r.finished.text
    assert r.mode is ClampMode.CURRENT
    assert r.output_volts == pytest.approx(0.0, abs=1e-3)
    assert r.tape.ends == [(False, r.tape.ends[0][1])]


def test_a_valve_that_fails_does_not_keep_the_command_from_its_rest(rehearse):
    def stick(bench):
        def stuck(line):
            raise HardwareError("valves", "valve stuck")

        bench.devices.perfusion._select = stuck

    r = rehearse(VC_HOLD, before=stick)
    assert r.finished.reason == "hardware failed"
    assert "NOT AT REST: valves: valve stuck" in r.finished.text
    assert r.output_volts == pytest.approx(VOLTAGE_SAFE, abs=1e-3)


def test_a_bug_in_a_step_still_puts_the_outputs_to_rest_and_closes_the_file(rehearse):
    tape, seen = Tape(), {}

    def break_it(bench):
        seen["daq"] = bench.devices.daq
        bench.judge = lambda *_: 1 / 0

    with pytest.raises(ZeroDivisionError):
        rehearse("steps:\n  - membrane_test: {average: 2}\n", before=break_it, tape=tape)
    assert seen["daq"].output_volts() == pytest.approx(VOLTAGE_SAFE, abs=1e-3)
    assert tape.closed == "failed"


def test_an_analysis_that_fails_costs_numbers_and_not_the_run(rehearse, monkeypatch):
    from acquisition.analysis.analyser import SweepAnalyser

    monkeypatch.setattr(SweepAnalyser, "feed", lambda *_: 1 / 0)
    r = rehearse(VC_HOLD)
    assert r.finished.reason == "finished"
    assert r.tape.ends == [(True, None)]
    assert "ZeroDivisionError" in r.tape.said("fault")[0].text


def test_a_command_beyond_the_rigs_limits_is_refused_before_the_cell_sees_it(rehearse):
    r = rehearse("steps:\n  - hold: {voltage: -130 mV, for: 1 s}\n")
    assert r.finished.reason == "failed"
    assert "-120 to 60 mV" in r.finished.text
    assert r.tape.counts() == b""


def test_a_telegraph_that_dies_still_lets_the_command_go_to_rest(rehearse):
    def die_in_second_burst(bench):
        amplifier, daq = bench.devices.amplifier, bench.devices.daq
        original = daq._play

        def dead():
            raise HardwareError("amplifier", "the telegraph does not answer")

        def play(sweep, gains):
            if sweep.command.of("step"):
                amplifier.mode = amplifier.gains = dead
            return original(sweep, gains)

        daq._play = play

    r = rehearse(CC_SERIES, before=die_in_second_burst, look=False)
    assert r.finished.reason == "hardware failed"
    assert "NOT AT REST: amplifier" in r.finished.text
    assert r.output_volts == pytest.approx(0.0, abs=1e-3)


def test_a_scale_that_is_not_the_rig_files_is_refused_at_the_switch(rehearse):
    def turn_up(bench):
        amplifier = bench.devices.amplifier
        honest = amplifier.gains

        def five_times():
            g = honest()
            return replace(g, command=5 * g.command) if g.mode is ClampMode.CURRENT else g

        amplifier.gains = five_times

    r = rehearse(CC_SERIES, before=turn_up)
    assert r.finished.reason == "hardware failed"
    assert "the scale of 'command' in current clamp is 2000 pA/V, rig file says 400 pA/V" in r.finished.text
    assert r.mode is ClampMode.ZERO
    assert not [h for h in r.tape.headers if h.label == "bursts"]


def test_a_thermometer_that_fails_costs_the_temperature_and_not_the_run(rehearse):
    def break_it(bench):
        def read():
            raise HardwareError("thermometer", "unplugged")

        bench.devices.thermometer.read = read

    r = rehearse(CC_SERIES, before=break_it)
    assert r.finished.reason == "finished"
    assert [e.text for e in r.tape.said("fault")] == ["no bath temperature: thermometer: unplugged"]
    assert all(h.temperature is None for h in r.tape.headers)


def test_a_search_whose_analysis_fails_ends_as_not_found(rehearse, monkeypatch):
    from acquisition.analysis.analyser import SweepAnalyser

    monkeypatch.setattr(SweepAnalyser, "feed", lambda *_: 1 / 0)
    r = rehearse(
        "steps:\n  - switch_to: {clamp: current}\n  - find: {name: burst, step: 200 pA .. 400 pA by 100 pA, "
        "width: 150 ms, until_spikes: 3..4, every: 5 s, at_most: 3, if_none: note}\n"
    )
    assert r.finished.reason == "finished"
    assert r.tape.said("found") == []
    assert len(r.tape.said("not_found")) == 1


def test_a_foreign_error_of_a_driver_does_not_keep_the_valves_from_rest(rehearse):
    def strange(bench):
        bench.devices.daq.output_volts = lambda: {}["nothing"]

    r = rehearse(DRUG, before=strange, look=False)
    assert r.line == "control"
    assert "NOT AT REST: KeyError" in r.finished.text


def test_a_run_whose_rig_is_not_at_rest_is_not_called_finished_in_its_file(rehearse):
    def stick(bench):
        stuck = bench.devices.perfusion._select

        def select(line):
            if line == "control" and bench.state.sweeps:
                raise HardwareError("valves", "valve stuck")
            stuck(line)

        bench.devices.perfusion._select = select

    r = rehearse(DRUG, before=stick)
    assert r.finished.text == "all steps done; NOT AT REST: valves: valve stuck"
    assert r.tape.closed == r.finished.reason == "hardware failed"
    assert r.tape.said("end")[0].text == f"hardware failed: {r.finished.text}"


def test_a_finish_that_fails_is_in_the_files_last_line(rehearse):
    def break_it(bench):
        amplifier = bench.devices.amplifier
        switch = amplifier._set_mode

        def set_mode(mode):
            if bench.protocol.finish and bench.controls.is_finishing:
                raise HardwareError("amplifier", "no answer")
            switch(mode)

        amplifier._set_mode = set_mode
        begin = bench.controls.begin_finish

        def begun():
            begin()
            bench.controls.is_finishing = True

        bench.controls.is_finishing, bench.controls.begin_finish = False, begun

    r = rehearse(f"{WITH_FINISH}", before=break_it)
    assert r.finished.reason == r.tape.closed == "failed"
    assert r.tape.said("end")[0].text == "failed: all steps done; finish: amplifier: no answer"


def test_a_failure_in_mid_sweep_closes_the_drugs_valve_before_anything_is_written_down(rehearse):
    """The log may wait for the disk; the cell does not."""
    lines = []

    class Notes(Tape):
        def end_sweep(self, *, complete=True, reason=None):
            lines.append(devices[0].perfusion.selected())
            super().end_sweep(complete=complete, reason=reason)

    devices = []

    def fail(bench):
        devices.append(bench.devices)
        original = bench.devices.daq._play

        def play(sweep, gains):
            frames = original(sweep, gains)
            if not bench.state.sweeps:
                yield from frames
                return
            yield next(frames)
            frames.close()
            raise HardwareError("card", "gone")

        bench.devices.daq._play = play

    r = rehearse(DRUG, before=fail, tape=Notes())
    assert r.finished.reason == "hardware failed"
    assert lines == ["control"]


CARD_GONE = "the card is gone: is it plugged in and powered, and its driver's service running?"


def test_a_device_that_fails_alike_at_two_questions_is_told_once():
    dead = "[Errno 111] Connection refused: is it on, is its cable in, is the address as in 'patchrig devices'?"
    lines = [
        f"all steps done; NOT AT REST: pump: TCPIP::here::SOCKET to 'status?': {dead}",
        f"the guardian could not put the rig to rest. NOT AT REST: pump: TCPIP::here::SOCKET to 'SAF': {dead}",
        f"pump: TCPIP::here::SOCKET to 'status?': {dead}",
    ]
    assert told_once(lines) == [lines[0], lines[1].replace(dead.partition(": ")[2], "as above")]


def test_one_cause_is_explained_once_and_each_part_is_named():
    lines = [
        f"Dev1: inputs: {CARD_GONE}",
        f"NOT AT REST: Dev1: command output: {CARD_GONE}",
        f"NOT AT REST: Dev1: valves: {CARD_GONE}",
        "NOT AT REST: pump: no answer",
    ]
    assert "; ".join(told_once(lines)) == (
        f"Dev1: inputs: {CARD_GONE}; NOT AT REST: Dev1: command output: the card is gone: as above; "
        "NOT AT REST: Dev1: valves: the card is gone: as above; NOT AT REST: pump: no answer"
    )
