"""Runs a protocol: its steps, then its 'finish', and on every way out the outputs go to rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquisition.controls import StepLeft
from acquisition.events import Reason, RunFinished, StepStarted
from acquisition.rest import NOT_AT_REST, told_once
from acquisition.steps import execute
from config.knobs import corner_of, substitution
from protocols.describing import describe
from protocols.errors import HardwareError, PatchrigError, StoppedByGate, StoppedByPerson
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from acquisition.bench import Bench
    from protocols.steps import Step


LEAVABLE = frozenset({"hold", "membrane_test", "series", "wait", "apply"})
"""Verbs of steps that a person may leave early: what comes after them does not need their result."""


class Engine:
    """Owns the bench, and with it the devices, for the length of one run."""

    def __init__(self, bench: Bench) -> None:
        """Keep the bench; nothing happens yet."""
        self._bench = bench

    def run(self) -> RunFinished:
        """Run the protocol and return how it ended.

        Whatever happens, outputs and perfusion end in the rig's safe state for the mode the amplifier is then in,
        what was acquired is with the writer, and the writer is closed. Errors of ours are answered in the result;
        anything else rises after all that.
        """
        bench = self._bench
        reason: Reason = "failed"
        text = "the run broke off"
        unfinished: PatchrigError | None = None
        try:
            try:
                reason, text = self._main_part()
            finally:
                unfinished = self._finish_part(reason)
        finally:
            not_at_rest = [f"{NOT_AT_REST}{words}" for words in bench.rest()]
            trouble = [*([f"finish: {unfinished}"] if unfinished is not None else []), *not_at_rest]
            taken = [bench.taken] if bench.taken and bench.taken != text else []
            reason, text = self._truth(reason, unfinished, not_at_rest), "; ".join(told_once([text, *taken, *trouble]))
            not_written = self._write_end(reason, text)
        if unsaid := [words for words in not_written if words not in text]:
            reason, text = "hardware failed" if reason == "hardware failed" else "failed", "; ".join([text, *unsaid])
        done = RunFinished(reason, text, bench.clock.now(), bench.state.sweeps)
        bench.live.tell(done)
        return done

    def _truth(self, reason: Reason, unfinished: PatchrigError | None, not_at_rest: Sequence[str]) -> Reason:
        """Return how the run ended, with what happened after its last step: a rig not at rest is no success."""
        if self._bench.taken or not_at_rest:
            return "hardware failed"
        if unfinished is None or reason != "finished":
            return reason
        if isinstance(unfinished, StoppedByGate):
            return "stopped by a gate"
        return "stopped by the person" if self._bench.controls.was_stopped else "failed"

    def _main_part(self) -> tuple[Reason, str]:
        """Run the steps and return the reason for their end; errors of ours become reasons."""
        try:
            self._prepare()
            self._steps(self._bench.protocol.steps)
        except StoppedByGate as stop:
            return "stopped by a gate", str(stop)
        except StoppedByPerson as stop:
            return "stopped by the person", str(stop)
        except HardwareError as error:
            return "hardware failed", str(error)
        except PatchrigError as error:
            return "failed", str(error)
        return "finished", "all steps done"

    def _finish_part(self, reason: Reason) -> PatchrigError | None:
        """Run the protocol's 'finish', unless rig, disk or program have failed; return what went wrong."""
        if reason in ("failed", "hardware failed"):
            return None
        try:
            self._bench.controls.begin_finish()
            self._steps(self._bench.protocol.finish, label="finish")
        except PatchrigError as error:
            return error
        return None

    def _prepare(self) -> None:
        """Bring the rig to where every protocol starts: voltage clamp at the safe potential, control solution."""
        bench = self._bench
        bench.log_analysis()
        corner = float(corner_of(bench.protocol, bench.rig))
        if words := substitution(bench.protocol, bench.rig):
            bench.log("note", words, low_pass=corner)
        bench.devices.amplifier.set_low_pass(corner)
        bench.read_amplifier()
        bench.devices.daq.lower_lines()
        bench.fill_lines()
        bench.pump.begin(bench.ask)
        if bench.mode is not ClampMode.VOLTAGE:
            if bench.mode is ClampMode.CURRENT:
                bench.park(float(bench.rig.safe.current_clamp))  # whatever stands there, the switch begins from it
            bench.switch_mode(ClampMode.VOLTAGE, float(bench.rig.safe.voltage_clamp))
        bench.park(float(bench.rig.safe.voltage_clamp))

    def _steps(self, steps: Sequence[Step], *, label: str = "step") -> None:
        bench = self._bench
        for number, step in enumerate(steps, 1):
            bench.controls.begin_step(can_be_left=False)
            bench.wait_until(bench.clock.now(), "the next step")  # where a pause is kept
            text = describe(step, bench.protocol)
            bench.live.tell(StepStarted(bench.clock.now(), number, len(steps), step.verb, text))
            bench.log("step", f"{label} {number} of {len(steps)}: {text}", number=number, verb=step.verb)
            bench.new_run()
            bench.devices.daq.check_ours()
            bench.controls.begin_step(can_be_left=step.verb in LEAVABLE)
            try:
                execute(step, bench)
            except StepLeft:
                bench.log("skipped", f"{label} {number} of {len(steps)} left by the person", number=number)
        bench.controls.begin_step(can_be_left=False)

    def _write_end(self, reason: Reason, text: str) -> list[str]:
        """Write the last line and close the file; return what could not be written, in words."""
        bench = self._bench
        failures: list[str] = []
        acts: tuple[Callable[[], None], ...] = (
            lambda: bench.log("end", f"{reason}: {text}", reason=reason),
            lambda: bench.writer.close(reason),
        )
        for act in acts:
            try:
                act()
            except Exception as error:  # noqa: BLE001  the file must be closed whatever the last line became of
                failures.append(str(error) if isinstance(error, PatchrigError) else f"{type(error).__name__}: {error}")
        return list(dict.fromkeys(failures))
