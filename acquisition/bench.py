"""What an experimenter can do at the rig, as verbs.

Play a sweep, switch the mode, set the bias, change the solution, wait, ask: executors of steps are written in these
words, and devices are touched nowhere else. All of it runs in the engine's thread, which owns the devices.
"""

from __future__ import annotations

import logging
from contextlib import closing
from typing import TYPE_CHECKING

from acquisition import pipette
from acquisition.analysis.analyser import Settings
from acquisition.events import FrameArrived, Logged, Measured, SweepFinished, SweepStarted, Waiting
from acquisition.gates import Gatekeeper, Vitals
from acquisition.guarded import Guarded
from acquisition.guardian.lease import Unguarded
from acquisition.recomputing import STORED_SETTINGS, log_settings
from acquisition.rest import hold_at_once, put_to_rest
from acquisition.state import Flow, State, Trial
from acquisition.watching import Watch, joined
from acquisition.wishes import fulfil
from drivers.base import Filling, differences
from protocols.errors import DiskFull, HardwareError, ModeMismatch, PatchrigError, StoppedByGate
from protocols.sweeps import ClampMode, Frame, LogEntry, RecordedSweep, Sweep, SweepHeader

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from acquisition.controls import Controls
    from acquisition.lanes import LiveLane, WriterLane
    from acquisition.person import Person
    from config.rig import Rig
    from drivers.base import Gains
    from drivers.build import Devices
    from drivers.clock import Clock
    from protocols.conditions import OnFail
    from protocols.parts import Require, StopWhen
    from protocols.protocol import Protocol
    from protocols.sweeps import Measurement
    from protocols.waveforms import Waveform

log = logging.getLogger(__name__)

WATCH = 0.05
"""Seconds of a sweep between looks whether somebody has turned mode or gain: the command is wrong then."""
DISK, REST = 30.0, 90.0
"""Seconds: the writer gives up after less; coming to rest, a person turns a knob and an instrument may be silent."""
SLOWEST_SWITCH = 120.0
"""Seconds that a mode switch may take: some amplifiers have a knob that a person must turn."""
GLANCE = 0.05
"""Seconds between looks at the controls while waiting."""


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
        self.left: tuple[str, ...] = ()
        """What could not be put to rest at the end, in words."""

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
        flow = self.state.flow
        if flow is None:
            return "no solution declared"
        return flow.label if self.clock.now() >= flow.arrives else f"{flow.label} (arriving)"

    def play(self, command: Waveform, *, label: str, kind: str, keep: bool = False) -> Trial:
        """Play and record one sweep, measuring as it comes in.

        Samples go to the writer first. A sweep that ends early is closed as incomplete with the samples it has,
        and its outputs are put to rest by whoever catches what is raised. When the disk is full the person is asked
        to make space; then the sweep is played again.
        """
        while True:
            try:
                return self._play(command, label=label, kind=kind, keep=keep)
            except DiskFull as full:
                self._ask_for_space(full, command.holding)

    def _ask_for_space(self, full: DiskFull, holding: float) -> None:
        """Hold the cell where it is until there is space, or end the run."""
        self.park(holding)
        answer = self.ask(f"{full}. Is there space now?", ("continue", "stop"), otherwise="stop")
        if answer == "stop":
            raise full
        self.writer.go_on()

    def _play(self, command: Waveform, *, label: str, kind: str, keep: bool) -> Trial:
        """Play one sweep, once."""
        watch = Watch(self.devices.amplifier, self._gains, every=WATCH)
        watch.look()
        header = self._header(command, label, kind)
        analyser = Guarded(header, self.settings)
        kept: list[tuple[int, Mapping[str, np.ndarray]]] = []
        measurements: list[Measurement] = []
        complete = False
        why: str | None = "interrupted"
        self.live.tell(SweepStarted(header))
        with self.lease.waiting("the disk", DISK):
            self.writer.begin_sweep(header)
        try:
            with closing(self.devices.daq.play(header.sweep, self._gains)) as frames:
                for whole in frames:
                    frame = self._recorded(whole)
                    self.writer.samples(frame)
                    self.live.tell(FrameArrived(frame))
                    stored = {c.name: c.stored(row) for c, row in zip(header.channels, frame.counts, strict=True)}
                    measurements += self._tell(analyser.feed(frame.first, stored))
                    if keep:
                        kept.append((frame.first, stored))
                    fulfil(self, between_sweeps=False)
                    self.controls.check_within_sweep(kind)
                    self.lease.beat()
                    watch.saw(frame, header.sweep.rate)
            watch.look_last()
            complete, why = True, None
        except PatchrigError as error:
            if isinstance(error, HardwareError):
                hold_at_once(self.devices, self.rig.safe, self.state.gains)
            else:
                watch.broken_off()
            why = str(error)
            raise
        finally:
            self.state.level = command.holding
            measurements += self._tell(analyser.finish(complete=complete))
            self.writer.end_sweep(complete=complete, reason=why)
            self.writer.measured(measurements)
            self.live.tell(SweepFinished(header, complete))
            self._log_sweep(header, watch, analyser.failure)
        self._learn(measurements, averaged=kind == "membrane_test")
        if command.of("step"):
            self.state.last_burst = header.start
        recorded = RecordedSweep(header, joined(kept)) if keep else None
        return Trial(header, tuple(measurements), recorded)

    def _log_sweep(self, header: SweepHeader, watch: Watch, failure: str | None) -> None:
        """Write down what the samples do not say: the mode at the sweep's end, what is missing, what went wrong."""
        number = header.sweep.index
        for kind, text, data in watch.told(header.sweep):
            self.log(kind, text, sweep=number, **data)
        if failure:
            self.log("fault", f"sweep {number} could not be measured: {failure}")
        for words in self.lease.news():
            self.log("fault", words)

    def reject(self, trial: Trial, reason: str) -> None:
        """Leave a sweep out of means; it stays in the file."""
        self.log(
            "rejected", f"sweep {trial.header.sweep.index}: {reason}", sweep=trial.header.sweep.index, reason=reason
        )

    @property
    def _gains(self) -> Gains:
        if self.state.gains is None:
            raise HardwareError(self.devices.amplifier.name, "its scale factors were never read")
        return self.state.gains

    def _header(self, command: Waveform, label: str, kind: str) -> SweepHeader:
        mode = self._gains.mode
        sweep = Sweep(self.state.sweeps, mode, command)
        self.state.sweeps += 1
        recorded = [c for c in self.devices.daq.channels(self._gains) if c.name in self.protocol.record.channels]
        amplifier, temperature = self.devices.amplifier.state().as_mapping(), self.read_temperature()
        return SweepHeader(
            sweep=sweep,
            start=self.clock.now(),  # last of all: reading the devices takes its time
            label=label,
            kind=kind,
            run=self.state.runs,
            condition=self.condition,
            channels=tuple(recorded),
            holding=command.holding,
            amplifier=amplifier,
            temperature=temperature,
        )

    def _recorded(self, frame: Frame) -> Frame:
        """Return the channels that the protocol asks for, in the card's order."""
        names = [c.name for c in self.devices.daq.channels(self._gains)]
        rows = [i for i, name in enumerate(names) if name in self.protocol.record.channels]
        return frame if len(rows) == len(names) else Frame(frame.first, frame.counts[rows])

    def _tell(self, measurements: list[Measurement]) -> list[Measurement]:
        if measurements:
            self.live.tell(Measured(tuple(measurements)))
        return measurements

    def _learn(self, measurements: list[Measurement], *, averaged: bool) -> None:
        self.vitals.take(measurements, averaged=averaged)
        for m in measurements:
            if m.name in ("Rm", "Rin") and 10e6 < m.value < 2e9:
                self.state.membrane_resistance = m.value

    def read_temperature(self) -> float | None:
        """Read, store and note the bath's temperature, degC; None without a thermometer."""
        if self.devices.thermometer is None:
            return None
        try:
            value = self.devices.thermometer.read()
        except HardwareError as error:
            self._note_thermometer(str(error))
            return None
        self.state.thermometer_fault = None
        self.writer.temperature(self.clock.now(), value)
        self.vitals.note("temperature", value)
        return value

    def _note_thermometer(self, fault: str) -> None:
        """Log a fault of the thermometer, once: an experiment is worth more than its temperature."""
        if fault != self.state.thermometer_fault:
            self.state.thermometer_fault = fault
            self.log("fault", f"no bath temperature: {fault}")

    # --- mode and command -----------------------------------------------------------------------------------

    @property
    def mode(self) -> ClampMode:
        """The clamp mode, as last verified."""
        return self._gains.mode

    def park(self, level: float) -> None:
        """Hold the command at `level`, SI of the mode."""
        self.devices.daq.park(level, self._gains)
        self.state.level = level

    def read_amplifier(self) -> None:
        """Take over mode and scale factors as the amplifier telegraphs them, if they are what the rig file declares.

        Raises
        ------
        HardwareError
            They differ: a command in the wrong scale could be five times what was meant. The amplifier is at I=0 then.
        """
        amplifier = self.devices.amplifier
        self.state.gains = gains = amplifier.gains()
        self.lease.verified(gains)
        self.vitals.mode = gains.mode
        if wrong := differences(gains, amplifier.gains_in(gains.mode)):
            amplifier.set_mode(ClampMode.ZERO)
            self.state.gains = amplifier.gains()
            raise HardwareError(amplifier.name, f"{wrong}; correct the rig file or the amplifier. It is at I=0 now")

    def switch_mode(self, mode: ClampMode, level: float) -> None:
        """Go to `mode` at `level` (SI of that mode) through I=0, where the cell cannot see the command move.

        The new command is written in the new mode's own scale before I=0 is left, and scale factors are read
        again afterwards: the same volt means -70 mV in one mode and -1.4 nA in another.
        """
        amplifier, before = self.devices.amplifier, self.mode
        with self.lease.waiting("a mode switch", SLOWEST_SWITCH):
            amplifier.set_mode(ClampMode.ZERO)
            self.devices.daq.park(level, amplifier.gains_in(mode))
            amplifier.set_mode(mode)
        self.read_amplifier()
        self.clock.wait_until(self.clock.now() + amplifier.settle)
        self.state.level = level
        self._still_in(mode)
        self.log("mode", f"{before} to {mode} through I=0", before=str(before), after=str(mode), level=level)

    def _still_in(self, mode: ClampMode) -> None:
        """Raise if somebody has turned the knob."""
        found = self.devices.amplifier.mode()
        if found is not mode:
            raise ModeMismatch(self.devices.amplifier.name, f"it is in {found} now; the run needs {mode}")

    # --- solutions ------------------------------------------------------------------------------------------

    def fill_lines(self) -> None:
        """Say what stands on the lines, and start with the first solution, the control."""
        fillings = {}
        for s in self.protocol.solutions.values():
            c = s.compound
            fillings[s.line] = Filling(s.label, c.name if c else None, float(c.concentration) if c else 0.0)
        self.devices.perfusion.fill(fillings)
        if self.protocol.solutions:
            first = next(iter(self.protocol.solutions))
            self.apply(first, dead_time=0.0)

    def apply(self, name: str, *, dead_time: float | None = None) -> None:
        """Switch to the solution called `name`; it reaches the bath after the rig's dead time."""
        solution, perfusion = self.protocol.solutions[name], self.devices.perfusion
        delay = perfusion.dead_time if dead_time is None else dead_time
        perfusion.select(solution.line)
        now = self.clock.now()
        self.state.flow = flow = Flow(name, solution.label, now, now + delay)
        self.log(
            "solution",
            f"{solution.label} on line {solution.line}" + (f", in the bath in {delay:g} s" if delay else ""),
            solution=name,
            label=solution.label,
            line=solution.line,
            switched=flow.switched,
            arrives=flow.arrives,
            compound=solution.compound.name if solution.compound else None,
            concentration=float(solution.compound.concentration) if solution.compound else None,
        )

    def rest(self) -> list[str]:
        """Put the rig into its safe state; return what could not be done, in words."""
        with self.lease.waiting("the rig to come to rest", REST):
            left = put_to_rest(self.devices, self.rig.safe, self.state.gains)
        self.lease.rested(left)
        self.left = tuple(left)
        return left
