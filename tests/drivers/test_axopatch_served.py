"""An Axopatch on a served board: its telegraph voltages come through NI's own client, and a hand turns its knobs."""

import re
from pathlib import Path

import pytest

from acquisition.bench import Bench
from acquisition.controls import Controls
from acquisition.engine import Engine
from acquisition.events import FrameArrived
from acquisition.lanes import LiveLane, WriterLane
from config.loading import load_rig
from drivers.build import open_devices, serve_board
from drivers.contract import AmplifierContract
from drivers.scales import differences
from drivers.simulated.link import Link, LinkClock
from drivers.telegraphs import CLAMPS, NotAStep, telegraphs_of
from protocols.loading import load_protocol
from protocols.sweeps import ClampMode
from tests.kit import HEAD, Answers, Tape

RIG_FILE = Path(__file__).parents[2] / "config" / "rigs" / "ni_axopatch.yaml"


class BoardsHands:
    """Turns the board's knobs as it is told."""

    def __init__(self, link):
        self._link, self._table = link, telegraphs_of("axopatch_200b")

    def tell(self, text):
        what, _, wanted = text.rpartition(" to ")
        if what.endswith("mode knob"):
            clamp = next(p.clamp for p in self._table.mode.positions if p.knob == wanted)
            self._link.ask("amplifier.mode", mode=str(CLAMPS[clamp]))
        else:
            self._link.ask("amplifier.knobs", low_pass=float(wanted.removesuffix(" kHz")) * 1e3)

    def confirm(self, text):
        return "bridge" in text


@pytest.fixture
def rig():
    return load_rig(RIG_FILE)


@pytest.fixture
def link(rig):
    with serve_board(rig, speed=None) as served, Link(served.link) as link:
        link.grpc = served.address
        yield link


@pytest.fixture
def devices(rig, link):
    options = {**rig.daq.options, "grpc": link.grpc}
    wired = rig.model_copy(update={"daq": rig.daq.model_copy(update={"options": options})})
    with open_devices(wired, LinkClock(link), hands=BoardsHands(link)) as opened:
        yield opened


class TestContract(AmplifierContract):
    automatic_bridge = False

    @pytest.fixture
    def amplifier(self, devices):
        return devices.amplifier


def test_the_shipped_rig_file_declares_what_is_telegraphed(devices):
    assert devices.amplifier.name == "Axopatch 200B"
    for mode in (ClampMode.VOLTAGE, ClampMode.CURRENT):
        devices.amplifier.set_mode(mode)
        assert not differences(devices.amplifier.gains(), devices.amplifier.gains_in(mode))


def test_a_mode_turned_by_hand_is_seen(devices, link):
    link.ask("amplifier.mode", mode=str(ClampMode.CURRENT))
    assert devices.amplifier.mode() is ClampMode.CURRENT


def test_a_telegraph_between_two_steps_is_refused(devices, link):
    link.ask("telegraph", pin="ai2", volts=2.75)
    with pytest.raises(NotAStep, match=r"gain telegraph: 2\.75 V"):
        devices.amplifier.gains()


def test_a_knob_turned_in_mid_sweep_ends_the_run_at_the_safe_level_of_the_new_mode(devices, link, rig, tmp_path):
    written, tape = tmp_path / "protocol.yaml", Tape()
    steps = "steps:\n  - hold: {voltage: -60 mV, for: 5 s}\n"
    written.write_text(HEAD.replace("low_pass: 4 kHz", "low_pass: 5 kHz") + steps, encoding="utf-8")

    def turn(event):
        if isinstance(event, FrameArrived) and event.frame.first > 20_000:
            link.ask("amplifier.mode", mode=str(ClampMode.CURRENT))

    with LiveLane([turn], lossless=True) as live:
        bench = Bench(
            load_protocol(written), rig, devices,
            clock=LinkClock(link), writer=WriterLane(tape), live=live, person=Answers(), controls=Controls(),
        )  # fmt: skip
        finished = Engine(bench).run()
    assert finished.reason == "hardware failed"
    # the block in which it was turned has a mean between both positions, which may be that of a third one
    assert re.search("it is in (current clamp|zero current) now|knob is at TRACK", finished.text)
    assert link.ask("amplifier.get")["volts"] == pytest.approx(0.0, abs=1e-3)
    assert 20_000 < sum(f.n_samples for f in tape.frames[-1]) < 60_000
