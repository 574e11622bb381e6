"""A whole protocol on an NI rig: nothing but the rig file's addresses differs, and every sample is the same."""

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
SHORT = "steps:\n  - membrane_test: {step: -5 mV, width: 50 ms, average: 2}\n"
DEAD_TIME = ("dead_time: 45 s", "dead_time: 3 s")


def protocol_of(steps=STEPS, sampling="20 kHz"):
    text = HEAD.replace("sampling: 20 kHz", f"sampling: {sampling}") + steps
    return protocol_from_text(text, "protocol.yaml")


def rig_of(**addresses):
    text = (RIGS / "ni_simulated.yaml").read_text(encoding="utf-8").replace(*DEAD_TIME)
    text = text.replace("served://127.0.0.1:31764", f"served://{addresses.get('link', '127.0.0.1:31764')}")
    grpc = f"    grpc: {addresses['grpc']}\n" if "grpc" in addresses else ""
    return rig_from_text(text.replace("    grpc: 127.0.0.1:31763\n", grpc), "rig.yaml")


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

    def go(protocol, *faults):
        with ExitStack() as stack:
            board = make_board(rig_of(), seed=SEED, faults=faults)
            board.preparation.fill({"control": Filling("ACSF"), "drug": Filling("blocker", "MEM 1003", 1e-6)})
            door = stack.enter_context(LinkServer(Doors(board).all()))
            addresses = {"link": f"127.0.0.1:{door.port}"}
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


def test_a_protocol_gives_the_same_samples_through_ni_as_without_it(on_ni):
    clock = DemandClock()
    expected = run(protocol_of(), rig_of(), open_devices(rig_of(), clock, simulate=True, seed=SEED), clock)
    got = on_ni(protocol_of())
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
        ({"call": "WriteAnalogF64", "nth": 40, "stall": 5.0}, "stalled for longer than the 'lead' (NI-DAQmx -200290)"),
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
    assert len(got.measurements) > 2000
    mine, theirs = ([(m.name, m.sweep, m.value) for m in t.measurements] for t in (got, expected))
    assert [m[:2] for m in mine] == [m[:2] for m in theirs]
    assert np.array_equal([m[2] for m in mine], [m[2] for m in theirs], equal_nan=True)
