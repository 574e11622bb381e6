"""A bench with the simulated rig on it, for tests of the engine and its steps."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from acquisition.bench import Bench
from acquisition.controls import Controls
from acquisition.engine import Engine
from acquisition.lanes import LiveLane, WriterLane
from config.loading import load_rig
from drivers.build import open_devices
from drivers.clock import DemandClock
from protocols.loading import load_protocol
from tests.kit import HEAD, RIG, Answers, Tape


@dataclass
class Rehearsal:
    """A finished run and all that can be looked at afterwards."""

    finished: object
    tape: Tape
    bench: Bench
    output_volts: float
    mode: object
    line: str
    person: Answers
    events: list = field(default_factory=list)


@pytest.fixture
def rehearse(tmp_path):
    """Return a function that runs steps, given as YAML, on the simulated rig."""

    def run(
        steps,
        *,
        rig=None,
        seed=1,
        controls=None,
        person=None,
        tape=None,
        observers=(),
        before=None,
        channels=None,
        look=True,
    ):
        path = tmp_path / "protocol.yaml"
        head = HEAD if channels is None else HEAD.replace("low_pass: 4 kHz", f"low_pass: 4 kHz, channels: {channels}")
        path.write_text(head + steps, encoding="utf-8")
        rig_path = RIG
        if rig is not None:
            rig_path = tmp_path / "rig.yaml"
            rig_path.write_text(rig, encoding="utf-8")
        tape, person, clock, events = tape or Tape(), person or Answers(), DemandClock(), []
        loaded_rig = load_rig(rig_path)
        with (
            open_devices(loaded_rig, clock, seed=seed) as devices,
            LiveLane([events.append, *observers], lossless=True) as live,
        ):
            bench = Bench(
                load_protocol(path),
                loaded_rig,
                devices,
                clock=clock,
                writer=WriterLane(tape),
                live=live,
                person=person,
                controls=controls or Controls(),
            )
            if before is not None:
                before(bench)
            finished = Engine(bench).run()
            return Rehearsal(
                finished,
                tape,
                bench,
                type(devices.daq).output_volts(devices.daq),
                devices.amplifier.mode() if look else None,
                devices.perfusion.selected(),
                person,
                events,
            )

    return run
