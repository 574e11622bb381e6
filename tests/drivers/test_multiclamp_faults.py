"""A run on a served board whose MultiClamp fails: where outputs end, what is kept, what is said."""

from dataclasses import dataclass

import pytest

from acquisition.bench import Bench
from acquisition.controls import Controls
from acquisition.engine import Engine
from acquisition.events import FrameArrived
from acquisition.lanes import LiveLane, WriterLane
from config.loading import load_rig
from drivers.build import open_devices, serve_board
from drivers.multiclamp.table import Code
from drivers.simulated.link import Link, LinkClock
from protocols.loading import load_protocol
from protocols.sweeps import ClampMode
from tests.drivers.rehearsal import RIG_FILE
from tests.kit import HEAD, Answers, Tape

HOLD = """
steps:
  - hold: {voltage: -60 mV, for: 2 s}
"""
SWITCH = """
steps:
  - switch_to: {clamp: current, bridge: keep}
"""
SAFE_VOLTS = {ClampMode.VOLTAGE: -70e-3 / 20e-3, ClampMode.CURRENT: 0.0}
"""At the card's output, of the shipped rig file's safe state."""
CODES = [c for c in Code if c is not Code.OK]


@dataclass
class Ended:
    """What can be seen after a run."""

    finished: object
    tape: Tape
    volts: float
    mode: ClampMode
    lines: list


class Troublemaker:
    """Does something in the middle of the first sweep."""

    def __init__(self, act):
        self._act, self._done = act, False

    def __call__(self, event):
        if isinstance(event, FrameArrived) and event.frame.first > 5_000 and not self._done:
            self._done = True
            self._act()


@pytest.fixture
def run(tmp_path):
    """Return a function that runs steps; `before` and `amid` get (the Commander, the board's side door)."""

    def ended(steps, *, before=None, amid=None):
        (tmp_path / "protocol.yaml").write_text(HEAD + steps, encoding="utf-8")
        rig, tape = load_rig(RIG_FILE.with_name("ni_simulated.yaml")), Tape()
        with serve_board(rig, speed=None, seed=3) as served, Link(served.link) as link:
            daq = rig.daq.model_copy(update={"options": {**rig.daq.options, "grpc": served.address}})
            amplifier = rig.amplifier.model_copy(update={"options": {"library": f"served://{served.link}"}})
            rig, clock = rig.model_copy(update={"daq": daq, "amplifier": amplifier}), LinkClock(link)
            with open_devices(rig, clock) as devices:
                commander = devices.amplifier._telegraph.commander
                if before is not None:
                    before(commander, link)
                observers = [Troublemaker(lambda: amid(commander, link))] if amid else []
                with LiveLane(observers, lossless=True) as live:
                    bench = Bench(
                        load_protocol(tmp_path / "protocol.yaml"), rig, devices,
                        clock=clock, writer=WriterLane(tape), live=live, person=Answers(), controls=Controls(),
                    )  # fmt: skip
                    finished = Engine(bench).run()
            seen = link.ask("amplifier.get")
            return Ended(finished, tape, seen["volts"], ClampMode(seen["mode"]), link.ask("perfusion.get")["lines"])

    return ended


def test_a_run_without_faults_ends_at_rest(run):
    r = run(SWITCH)
    assert r.finished.reason == "finished"
    assert r.mode is ClampMode.CURRENT
    assert r.volts == pytest.approx(0.0, abs=1e-3)
    assert r.lines == ["control"]


@pytest.mark.parametrize("code", CODES, ids=lambda c: c.name)
@pytest.mark.parametrize(("call", "nth"), [("SetMode", 1), ("SelectMultiClamp", 2)])
def test_whatever_the_library_answers_to_a_switch_the_command_is_at_rest(run, call, nth, code):
    r = run(SWITCH, before=lambda commander, _: commander.fail(code, call=call, nth=nth))
    assert r.finished.reason == "hardware failed"
    assert str(int(code)) in r.finished.text
    assert r.mode is ClampMode.VOLTAGE
    assert r.volts == pytest.approx(SAFE_VOLTS[ClampMode.VOLTAGE], abs=1e-3)
    assert r.lines == ["control"]


def test_a_switch_that_stops_half_way_stays_in_i0(run):
    """The second of two switches fails: the cell is at I=0, where no command reaches it."""
    r = run(SWITCH, before=lambda commander, _: commander.fail(Code.TIMEOUT, call="SetMode", nth=2))
    assert r.finished.reason == "hardware failed"
    assert r.mode is ClampMode.ZERO


@pytest.mark.parametrize("mode", [ClampMode.CURRENT, ClampMode.ZERO])
def test_a_mode_turned_in_mid_sweep_ends_the_run_at_the_safe_level_of_the_new_mode(run, mode):
    r = run(HOLD, amid=lambda _, link: link.ask("amplifier.mode", mode=str(mode)))
    assert r.finished.reason == "hardware failed"
    assert f"it is in {mode} now" in r.finished.text
    assert r.mode is mode
    if mode is ClampMode.CURRENT:
        assert r.volts == pytest.approx(SAFE_VOLTS[mode], abs=1e-3)
    assert r.tape.ends[-1][0] is False
    assert sum(f.n_samples for f in r.tape.frames[-1]) > 5_000


def test_a_commander_that_quits_in_mid_sweep_leaves_the_safe_level_and_says_that_nobody_can_know(run):
    def quit_commander(commander, _):
        commander.is_running = False

    r = run(HOLD, amid=quit_commander)
    assert r.finished.reason == "hardware failed"
    assert "is MultiClamp Commander running?" in r.finished.text
    assert "NOT AT REST" in r.finished.text
    assert r.volts == pytest.approx(SAFE_VOLTS[ClampMode.VOLTAGE], abs=1e-3)
    assert sum(f.n_samples for f in r.tape.frames[-1]) > 5_000


def test_a_garbled_telegraph_ends_the_run_at_the_safe_level(run):
    def garble(commander, _):
        commander.record = lambda _where: b"\xff" * 256

    r = run(HOLD, amid=garble)
    assert r.finished.reason == "hardware failed"
    assert "is unknown" in r.finished.text
    assert r.volts == pytest.approx(SAFE_VOLTS[ClampMode.VOLTAGE], abs=1e-3)


def test_a_gain_that_the_rig_file_does_not_declare_ends_the_run_at_i0_before_anything_is_commanded(run):
    def turn_gain(commander, _):
        next(iter(commander.headstages.values())).set("PrimarySignalGain", 5.0)

    r = run(HOLD, before=turn_gain)
    assert r.finished.reason == "hardware failed"
    assert "the scale of 'primary' in voltage clamp is 5 V/nA, rig file says 1 V/nA" in r.finished.text
    assert r.mode is ClampMode.ZERO
    assert r.tape.frames == []


def test_an_external_command_that_is_off_ends_the_run_at_i0(run):
    r = run(SWITCH, before=lambda _, link: link.ask("amplifier.scales", mode="current clamp", command=0.0))
    assert r.finished.reason == "hardware failed"
    assert "external command is OFF in MultiClamp Commander" in r.finished.text
    assert r.mode is ClampMode.ZERO


def test_a_commander_that_adds_its_own_holding_is_told_not_to(run):
    kept = []

    def hold_in_the_commander(commander, _):
        store = next(iter(commander.headstages.values()))
        store.kept[ClampMode.CURRENT]["HoldingEnable"] = 1.0
        kept.append(store.kept[ClampMode.CURRENT])

    assert run(SWITCH, before=hold_in_the_commander).finished.reason == "finished"
    assert kept[0]["HoldingEnable"] == 0
