"""What an experimenter can do at the rig, as verbs.

Play a sweep, switch the mode, set the bias, change the solution, wait, ask: executors of steps are written in these
words. How a sweep is played, the mode switched and the bath looked after is in modules of their own. All of it runs in
the engine's thread, which owns the devices.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from acquisition import flow, pipette, playing, switching
from acquisition.analysis.analyser import Settings
from acquisition.events import Logged, Waiting
from acquisition.gates import Gatekeeper, Vitals
from acquisition.guardian.lease import Unguarded
from acquisition.recomputing import STORED_SETTINGS, log_settings
from acquisition.rest import put_to_rest, taken_by_another
from acquisition.state import State
from acquisition.wishes import fulfil
from protocols.errors import DiskFull, HardwareError, StoppedByGate
from protocols.sweeps import LogEntry

if TYPE_CHECKING:
    from acquisition.controls import Controls
    from acquisition.lanes import LiveLane, WriterLane
    from acquisition.person import Person
    from acquisition.state import Trial
    from config.rig import Rig
    from drivers.base import Gains
    from drivers.build import Devices
    from drivers.clock import Clock
    from protocols.conditions import OnFail
    from protocols.parts import Require, StopWhen
    from protocols.protocol import Protocol
    from protocols.sweeps import ClampMode
    from protocols.waveforms import TtlPulse, Waveform

log = logging.getLogger(__name__)

REST = 90.0
"""Seconds: coming to rest, a person turns a knob and an instrument may be silent."""
ASKED_FOR_SPACE = 5
"""Times that the person is asked for one sweep: who said yes to everything beforehand would say so for ever."""
GLANCE = 0.05
"""Seconds between looks at the controls while waiting."""
PUMP_MARGIN = 5.0
"""Seconds before the end of a wait in which the pump is not asked: when it is silent, that takes its time."""


class Bench:
    """The rig as the steps see it."""

    def __init__(
        self,
        protocol: Protocol,
        rig: Rig,
        devices: Devices,
        *,
        clock: Clock,
        writer: WriterLane,
        live: LiveLane,
        person: Person,
        controls: Controls,
        lease: Unguarded | None = None,
    ) -> None:
        """Take everything from outside; open nothing."""
        self.protocol, self.rig, self.devices = protocol, rig, devices
        self.clock, self.writer, self.live = clock, writer, live
        self.person, self.controls, self.lease = person, controls, lease or Unguarded()
        self.state, self.vitals, self.gatekeeper = State(), Vitals(), Gatekeeper()
        self.settings = Settings.of(protocol)
        self.pump = flow.PumpWatch(devices.pump, clock, self.log)
        self.left: tuple[str, ...] = ()
        """What could not be put to rest at the end, in words."""
        self.taken = ""
        """Who has taken the rig from this run, in words; it is then left to that one."""

    # --- log and questions ---------------------------------------------------------------------------------

    def log(self, kind: str, text: str, **data: object) -> None:
        """Write a line to the session's log, and tell observers."""
        entry = LogEntry(self.clock.now(), kind, text, data)
        log.info("%s", text)
        self.writer.log(entry)
        self.live.tell(Logged(entry))

    def log_analysis(self) -> None:
        """Write down what numbers are made with, so that they can be made again."""
        text, data = log_settings(self.settings)
        self.log(STORED_SETTINGS, text, **data)

    def ask(self, question: str, options: tuple[str, ...], *, otherwise: str) -> str:
        """Ask the person, or take `otherwise` when there is nobody, and log the answer."""
        with self.lease.waiting("an answer"):
            self.live.drain()
            answer = self.person.ask(question, options, otherwise=otherwise)
        self.log("question", f"{question} - {answer}", question=question, answer=answer)
        return answer

    def act(self, action: OnFail, text: str) -> None:
        """Do what a gate says: note it, ask, or stop. To skip a sweep is `reject`."""
        self.log("gate", f"{text} ({action})", action=action)
        if action == "stop":
            raise StoppedByGate(text)
        if action == "ask" and self.ask(f"{text}. Go on?", ("continue", "stop"), otherwise="stop") == "stop":
            raise StoppedByGate(text)

    def judge(self, trial: Trial, require: Require | None = None) -> bool:
        """Look at the gates after a sweep and act; return whether the sweep may enter means."""
        gates: list[Require | StopWhen] = [*([require] if require is not None else []), *self.protocol.stop_when]
        accepted = True
        for tripped in self.gatekeeper.look(gates, self.vitals):
            if tripped.action == "skip":
                self.reject(trial, tripped.text)
                accepted = False
            else:
                self.act(tripped.action, tripped.text)
        return accepted

    # --- time -----------------------------------------------------------------------------------------------

    def wait_until(self, moment: float, text: str) -> None:
        """Wait at the present level, looking at the controls meanwhile; a pause extends it."""
        if moment > self.clock.now():
            self.live.tell(Waiting(self.clock.now(), moment, text))
        if self.controls.paused:
            self.log("pause", "paused by the person, at the present holding level")
        while (now := self.clock.now()) < moment or self.controls.paused:
            fulfil(self, between_sweeps=True)
            self.controls.check_between_sweeps()
            if self.controls.stage is not None:
                pipette.watch(self)
                continue
            self.lease.beat()
            if self.controls.paused or now + PUMP_MARGIN < moment:
                self.pump.glance()
            self.clock.wait_until(now + GLANCE if self.controls.paused else min(now + GLANCE, moment))
        self.controls.check_between_sweeps()

    def first_onset(self, every: float) -> float:
        """Return when the next burst may begin: `every` seconds after the last one, whichever step that belonged to.

        A series that began while the after-potential of the last search sweep decays would measure that, too.
        """
        last = self.state.last_burst
        return self.clock.now() if last is None else max(self.clock.now(), last + every)

    # --- sweeps ---------------------------------------------------------------------------------------------

    def new_run(self) -> None:
        """Begin a run: sweeps of one run belong together."""
        self.state.runs += 1

    @property
    def rate(self) -> float:
        """Samples per second: what the card makes of the protocol's wish."""
        return self.devices.daq.rate(float(self.protocol.record.sampling))

    @property
    def condition(self) -> str:
        """What the cell experiences now."""
        return flow.condition(self)

    def play(
        self, command: Waveform, *, label: str, kind: str, keep: bool = False, ttl: tuple[TtlPulse, ...] = ()
    ) -> Trial:
        """Play and record one sweep, measuring as it comes in.

        Samples go to the writer first. A sweep that ends early is closed as incomplete with the samples it has,
        and its outputs are put to rest by whoever catches what is raised. When the disk is full the person is asked
        to make space; then the sweep is played again.
        """
        for _ in range(ASKED_FOR_SPACE):
            try:
                return playing.play_once(self, command, label=label, kind=kind, keep=keep, ttl=ttl)
            except DiskFull as full:
                self._ask_for_space(full, command.holding)
        return playing.play_once(self, command, label=label, kind=kind, keep=keep, ttl=ttl)

    def _ask_for_space(self, full: DiskFull, holding: float) -> None:
        """Hold the cell where it is until there is space, or end the run."""
        self.park(holding)
        answer = self.ask(f"{full}. Is there space now?", ("continue", "stop"), otherwise="stop")
        if answer == "stop":
            raise full
        self.writer.go_on()

    def reject(self, trial: Trial, reason: str) -> None:
        """Leave a sweep out of means; it stays in the file."""
        self.log(
            "rejected", f"sweep {trial.header.sweep.index}: {reason}", sweep=trial.header.sweep.index, reason=reason
        )

    # --- mode and command -----------------------------------------------------------------------------------

    @property
    def gains(self) -> Gains:
        """Scale factors and mode, as last verified."""
        if self.state.gains is None:
            raise HardwareError(self.devices.amplifier.name, "its scale factors were never read")
        return self.state.gains

    @property
    def mode(self) -> ClampMode:
        """The clamp mode, as last verified."""
        return self.gains.mode

    def park(self, level: float) -> None:
        """Hold the command at `level`, SI of the mode."""
        self.devices.daq.park(level, self.gains)
        self.state.level = level

    def read_amplifier(self) -> None:
        """Take over mode and scale factors as the amplifier telegraphs them, if they are what the rig file declares.

        Raises
        ------
        HardwareError
            They differ: a command in the wrong scale could be five times what was meant. The amplifier is at I=0 then.
        """
        switching.read_amplifier(self)

    def switch_mode(self, mode: ClampMode, level: float) -> None:
        """Go to `mode` at `level` (SI of that mode) through I=0, where the cell cannot see the command move.

        The new command is written in the new mode's own scale before I=0 is left, and scale factors are read
        again afterwards: the same volt means -70 mV in one mode and -1.4 nA in another.

        Raises
        ------
        ModeMismatch
            Somebody has turned the mode meanwhile.
        HardwareError
            Scales are not the rig file's, or no cell has the potential that is seen then. The amplifier is at I=0.
        """
        switching.switch_mode(self, mode, level)

    # --- bath -----------------------------------------------------------------------------------------------

    def fill_lines(self) -> None:
        """Say what stands on the lines, and start with the first solution, the control."""
        flow.fill_lines(self)

    def apply(self, name: str, *, dead_time: float | None = None) -> None:
        """Switch to the solution called `name`; it reaches the bath after the rig's dead time."""
        flow.apply(self, name, dead_time=dead_time)

    def read_temperature(self) -> float | None:
        """Read, store and note the bath's temperature, degC; None without a thermometer, or if it fails."""
        return flow.read_temperature(self)

    def rest(self) -> list[str]:
        """Put the rig into its safe state; return what could not be done, in words.

        A rig that another program has taken is left to that one: by the guardian, too.
        """
        if taken := taken_by_another(self.devices):
            self.taken = taken
            self.lease.rested([])
            return []
        with self.lease.waiting("the rig to come to rest", REST):
            left = put_to_rest(self.devices, self.rig.safe, self.state.gains)
        self.lease.rested(left)
        self.left = tuple(left)
        return left
