"""A run with injected faults on the simulated rig, its journal, and what stands at the devices afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from acquisition.bench import Bench
from acquisition.controls import Controls
from acquisition.engine import Engine
from acquisition.injection import FillableVolume, die
from acquisition.lanes import LiveLane
from acquisition.run import Wish, _head, _writer
from acquisition.session.journal_recorder import JournalRecorder
from acquisition.session.recovery import open_recovered
from config.faults import faults_for
from config.fit import load_fitting
from drivers.build import open_devices
from drivers.clock import DemandClock
from tests.kit import HEAD, RIG, Answers

if TYPE_CHECKING:
    from pathlib import Path

HEAD_OF_FAULTS = "trouble: For a test\nformat: 1\nfaults:\n"
BURSTS = """
steps:
  - switch_to: {clamp: current}
  - series:
      name: bursts
      step: 350 pA
      width: 150 ms
      every: 3 s
      before: 520 ms
      after: 2 s
      sweeps: 4
      test_pulse: {current: -50 pA, width: 300 ms, before_end: 500 ms}
stop_when:
  - {baseline_voltage: outside -75 mV .. -50 mV, then: stop}
  - {access_resistance: outside 60 % of start, then: ask}
"""
"""Sweeps of 2.67 s every 3 s in current clamp, with the gates of an experiment."""
PULSES = """
steps:
  - membrane_test: {average: 8}
  - membrane_test: {average: 8}
  - membrane_test: {average: 8}
stop_when:
  - {access_resistance: outside 60 % of start, then: stop}
  - {holding_current: below -300 pA, then: stop}
"""
"""Voltage clamp: three tests of 8 pulses, 1.6 s each."""


@dataclass
class Seen:
    """What is there after a run."""

    finished: Any
    volts: float
    mode: str
    line: str
    sweeps: tuple[Any, ...]
    log: tuple[Any, ...]
    measurements: tuple[Any, ...]
    closed: str | None
    intact: bool
    asked: list[str] = field(default_factory=list)
    path: Path | None = None

    @property
    def text(self):
        return self.finished.text

    def said(self, kind):
        return [e for e in self.log if e.kind == kind]

    def injected(self):
        return [e.text.removeprefix("injected: ") for e in self.said("injected")]

    def value(self, sweep, name):
        return next(m.value for m in self.measurements if m.sweep == sweep and m.name == name)

    def flags(self, sweep):
        return {flag for m in self.measurements if m.sweep == sweep for flag in m.flags}

    def of(self, label):
        return [s for s in self.sweeps if s.label == label]


def run(
    folder: Path, faults: str, steps: str = BURSTS, *, rig: str | None = None, seed=3, person=None, volume=None,
    protocol: str | None = None,
) -> Seen:  # fmt: skip
    """Run `steps`, or a whole `protocol`, on the simulated rig while `faults` happen; all as YAML."""
    folder.mkdir(exist_ok=True)
    (folder / "protocol.yaml").write_text(protocol or HEAD + steps, "utf-8")
    (folder / "rig.yaml").write_text(rig or RIG.read_text("utf-8"), "utf-8")
    (folder / "faults.yaml").write_text(HEAD_OF_FAULTS + faults, "utf-8")
    wish = Wish(folder / "protocol.yaml", folder / "rig.yaml", folder, seed=seed, faults=folder / "faults.yaml")
    protocol, loaded = load_fitting(wish.protocol, wish.rig)
    clock, person, nwb = DemandClock(), person or Answers("stop"), folder / "session.nwb"
    volume = volume or FillableVolume()
    planned = faults_for(wish.faults, protocol, loaded)
    with open_devices(loaded, clock, seed=seed, faults=planned) as devices:
        with (
            LiveLane([], lossless=True) as live,
            JournalRecorder(nwb, _head(wish, protocol, loaded, devices), ballast=1 << 20, volume=volume) as recorder,
        ):
            bench = Bench(
                protocol, loaded, devices, clock=clock, writer=_writer(recorder, devices, volume, live, die),
                live=live, person=person, controls=Controls(),
            )  # fmt: skip
            finished = Engine(bench).run()
        standing = devices.daq.output_volts(), str(devices.amplifier._world.mode), devices.perfusion.selected()
    return seen(nwb, finished, *standing, asked=person.asked)


def seen(nwb: Path, finished: Any, volts: float, mode: str, line: str, asked: list[str]) -> Seen:
    """Return what is in the session that was recovered from its journal."""
    with open_recovered(nwb) as session:
        return Seen(
            finished, volts, mode, line, tuple(session.sweeps), tuple(session.log), tuple(session.measurements),
            session.closed, all(session.is_intact(s.index) for s in session.sweeps), asked, nwb,
        )  # fmt: skip
