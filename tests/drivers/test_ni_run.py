"""A whole protocol on an NI rig: nothing but the rig file's addresses differs, and every sample is the same."""

import re
from contextlib import ExitStack

import numpy as np
import pytest

from acquisition.bench import Bench
from acquisition.controls import Controls
from acquisition.engine import Engine
from acquisition.lanes import LiveLane, WriterLane
from config.loading import rig_from_text
from drivers.base import Filling
from drivers.build import open_devices
from drivers.clock import DemandClock
from drivers.simulated.link import Link, LinkClock, LinkServer
from drivers.simulated.ni.answers import Answers as Doors
from drivers.simulated.ni.c_library import load
from drivers.simulated.ni.grpc_server import GrpcServer
from protocols.loading import load_protocol, protocol_from_text
from protocols.sweeps import ClampMode
from tests.drivers.ni_bench import RIGS, WAYS, make_board
from tests.kit import HEAD, ROOT, Answers, Tape

SEED = 4
STEPS = """
steps:
  - membrane_test: &test {step: -5 mV, width: 50 ms, average: 10}
  - switch_to: {clamp: current, bias_to: -60 mV, tolerance: 2 mV, max_bias: 250 pA, bridge: auto}
  - series: &sweeps {name: baseline, step: 300 pA, width: 150 ms, every: 5 s, before: 1 s, after: 2 s, sweeps: 2}
  - apply: {solution: blocker}
  - series: {<<: *sweeps, name: blocked}
finish:
  - switch_to: {clamp: voltage}
  - membrane_test: *test
"""
HOLD = "steps:\n  - hold: {voltage: -80 mV, for: 10 s}\n"
LONG_HOLD = "steps:\n  - hold: {voltage: -80 mV, for: 25 s}\n"
PULSED = """
steps:
  - hold:
      voltage: -80 mV
      for: 2 s
      ttl:
        - {line: camera, at: 100 ms, width: 2 ms, count: 3, every: 500 ms}
        - {line: stimulator, at: 1 s, width: 250 us}
"""
LINES = "ttl:\n  stimulator: {pin: port0/line4}\n  camera: {pin: port0/line5}\n"
SHORT = "steps:\n  - membrane_test: {step: -5 mV, width: 50 ms, average: 2}\n"
DEAD_TIME = ("dead_time: 45 s", "dead_time: 3 s")
FEWER_BLOCKS = ("block: 20 ms", "block: 50 ms")
"""The same samples in less time of the test."""


def protocol_of(steps=STEPS, sampling="20 kHz"):
    text = HEAD.replace("sampling: 20 kHz", f"sampling: {sampling}") + steps
    return protocol_from_text(text, "protocol.yaml")


def rig_of(**addresses):
    text = (RIGS / "ni_simulated.yaml").read_text(encoding="utf-8").replace(*DEAD_TIME).replace(*FEWER_BLOCKS)
    text = text.replace("served://127.0.0.1:31764", f"served://{addresses.get('link', '127.0.0.1:31764')}")
    grpc = f"    grpc: {addresses['grpc']}\n" if "grpc" in addresses else ""
    text = re.sub(r"block: \d+ ms", "block: 50 ms", text.replace("    grpc: 127.0.0.1:31763\n", grpc))
    text = text.replace("streaming: continuous", f"streaming: {addresses.get('streaming', 'continuous')}")
    return rig_from_text(text + LINES, "rig.yaml")


def run(protocol, rig, devices, clock):
    """Run a protocol and return all that was recorded."""
    tape = Tape()
    with devices, LiveLane((), lossless=True) as live:
        bench = Bench(
            protocol, rig, devices, clock=clock, writer=WriterLane(tape), live=live, person=Answers(),
            controls=Controls(),
        )  # fmt: skip
        tape.finished = Engine(bench).run()
        tape.line = devices.perfusion.selected()
    return tape


@pytest.fixture(params=WAYS)
def on_ni(request):
    """Return a function that runs a protocol on a served board, by NI's device server or NI's library."""

    def go(protocol, *faults, **options):
        with ExitStack() as stack:
            board = make_board(rig_of(), seed=SEED, faults=faults)
            board.preparation.fill({"control": Filling("ACSF"), "drug": Filling("blocker", "MEM 1003", 1e-6)})
            door = stack.enter_context(LinkServer(Doors(board).all()))
            addresses = {"link": f"127.0.0.1:{door.port}", **options}
            if request.param == "grpc":
                addresses["grpc"] = stack.enter_context(GrpcServer(board)).address
            else:
                stack.enter_context(load(board))
            rig, clock = rig_of(**addresses), LinkClock(stack.enter_context(Link(addresses["link"])))
            tape = run(protocol, rig, open_devices(rig, clock), clock)
            tape.board = board
            return tape

    return go


def joined(tape):
    return [np.concatenate([f.counts for f in frames], axis=1) for frames in tape.frames]


@pytest.mark.parametrize("streaming", ["continuous", "finite"])
def test_a_protocol_gives_the_same_samples_through_ni_as_without_it(on_ni, streaming):
    clock = DemandClock()
    expected = run(protocol_of(), rig_of(), open_devices(rig_of(), clock, simulate=True, seed=SEED), clock)
    got = on_ni(protocol_of(), streaming=streaming)
    assert got.finished.reason == expected.finished.reason == "finished"
    assert [h.start for h in got.headers] == pytest.approx([h.start for h in expected.headers], abs=1e-6)
    assert [h.condition for h in got.headers] == [h.condition for h in expected.headers]
    for mine, theirs in zip(joined(got), joined(expected), strict=True):
        assert np.array_equal(mine, theirs)
    for mine, theirs in zip(got.headers, expected.headers, strict=True):
        assert mine.channels == theirs.channels
        assert mine.temperature == pytest.approx(theirs.temperature, abs=0.01)
    assert got.line == "control"
    assert not got.board.tasks


def test_a_rate_that_the_card_cannot_make_is_recorded_as_the_one_it_makes(on_ni):
    got = on_ni(protocol_of(SHORT, "30 kHz"))
    header = got.headers[0]
    pulses = header.sweep.command.pulses
    assert header.sweep.rate == pytest.approx(100e6 / 3333)
    assert (pulses[0].stop - pulses[0].start) == round(0.05 * 100e6 / 3333)
    assert got.finished.reason == "finished"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"call": "ReadBinaryI16", "nth": 30, "code": -201003}, "is it plugged in and powered? (NI-DAQmx -201003)"),
        ({"call": "ReadBinaryI16", "nth": 30, "code": -200284}, "the card delivers no samples"),
    ],
)
def test_a_card_that_fails_in_mid_sweep_ends_the_run_at_rest_with_what_was_recorded(on_ni, fault, words):
    got = on_ni(protocol_of(HOLD), fault)
    assert got.finished.reason == "hardware failed"
    assert words in got.finished.text
    assert got.ends[-1][0] is False
    assert words in got.ends[-1][1]
    assert sum(f.n_samples for f in got.frames[-1]) >= 28_000
    assert got.board.levels["ao0"] == pytest.approx(-3.5, abs=2e-3)
    assert not got.board.tasks


def test_a_computer_that_stalls_for_seconds_loses_nothing(on_ni):
    got = on_ni(protocol_of(LONG_HOLD), {"call": "ReadBinaryI16", "nth": 60, "stall": 8.0})
    assert got.finished.reason == "finished"
    assert joined(got)[0].shape[1] == 25 * 20_000


def test_a_computer_that_stalls_for_longer_than_inputs_are_kept_has_a_gap_and_the_command_goes_on(on_ni):
    got = on_ni(protocol_of(LONG_HOLD), {"call": "ReadBinaryI16", "nth": 60, "stall": 11.0})
    assert got.finished.reason == "finished"
    (lost,) = [e.data for e in got.entries if "lost_from" in e.data]
    assert 10 * 20_000 < lost["lost_to"] - lost["lost_from"] <= 11 * 20_000
    assert got.ends == [(True, None)]


def test_a_computer_that_stalls_for_longer_than_the_lead_ends_the_run_at_rest_and_keeps_what_there_was(on_ni):
    got = on_ni(protocol_of(LONG_HOLD), {"call": "WriteAnalogF64", "nth": 60, "stall": 20.0})
    assert got.finished.reason == "hardware failed"
    assert "stalled for longer than the 'lead' (NI-DAQmx -200290)" in got.finished.text
    assert sum(f.n_samples for f in got.frames[-1]) >= 50_000
    assert got.board.levels["ao0"] == pytest.approx(-3.5, abs=2e-3)


def test_ttl_pulses_of_a_protocol_come_on_their_lines_at_their_samples(on_ni):
    got = on_ni(protocol_of(PULSED))
    assert got.finished.reason == "finished"
    camera = [(k * 10_000 + 2000 + edge, edge == 0) for k in range(3) for edge in (0, 40)]
    assert [e[1:] for e in got.board.edges if e[0] == "port0/line5"] == camera
    assert [e[1:] for e in got.board.edges if e[0] == "port0/line4"] == [(20_000, True), (20_005, False)]
    assert [(p.line, p.start, p.stop) for p in got.headers[0].sweep.ttl][:2] == [
        ("camera", 2000, 2040),
        ("camera", 12_000, 12_040),
    ]


def test_a_card_that_is_gone_for_good_leaves_the_amplifier_at_zero_current_and_says_so(on_ni):
    got = on_ni(protocol_of(HOLD), {"call": "*", "nth": 300, "code": -201003, "times": 0})
    assert got.finished.reason == "hardware failed"
    assert "NOT AT REST: Dev1: command output" in got.finished.text
    assert got.board.preparation.amplifier.mode() is ClampMode.ZERO
    assert got.ends[-1][0] is False
    assert sum(f.n_samples for f in got.frames[-1]) > 20_000


def test_the_shipped_study_runs_unmodified_and_its_measures_are_those_of_the_simulator(on_ni):
    study = load_protocol(ROOT / "protocols" / "library" / "sahp_short.yaml")
    clock = DemandClock()
    expected = run(study, rig_of(), open_devices(rig_of(), clock, simulate=True, seed=SEED), clock)
    got = on_ni(study)
    assert got.finished.reason == expected.finished.reason == "finished"
    names = {m.name for m in got.measurements}
    assert {"A_1000", "S_fix", "D50", "Rin", "Rs", "Cm", "n_ap"} <= names
    assert len(got.measurements) > 1500
    mine, theirs = ([(m.name, m.sweep, m.value) for m in t.measurements] for t in (got, expected))
    assert [m[:2] for m in mine] == [m[:2] for m in theirs]
    assert np.array_equal([m[2] for m in mine], [m[2] for m in theirs], equal_nan=True)
