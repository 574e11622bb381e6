"""The five icephys tables: recordings, and how they belong together by sweep, run, repetition and condition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acquisition.session import layout
from acquisition.session.objects import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acquisition.session.recording import SweepRecording
    from protocols.protocol import Protocol
    from protocols.sweeps import Measurement
    from protocols.waveforms import Waveform

NONE = -1
"""NWB's index and count for 'nothing was recorded'."""


class IcephysTables:
    """Adds a row per sweep to intracellular_recordings and groups the rows."""

    def __init__(self, file: Any, protocol: Protocol, protocol_sha256: str) -> None:
        """Write nothing yet."""
        self._file, self._protocol, self._protocol_sha256 = file, protocol, protocol_sha256
        self._recordings = Table(file, layout.RECORDINGS)
        self._electrodes = Table(file, layout.ELECTRODES)
        self._stimuli = Table(file, layout.STIMULI)
        self._responses = Table(file, layout.RESPONSES)
        self._simultaneous = Table(file, layout.SIMULTANEOUS)
        self._sequential = Table(file, layout.SEQUENTIAL)
        self._repetitions = Table(file, layout.REPETITIONS)
        self._conditions = Table(file, layout.CONDITIONS)
        self._group: tuple[int, str, str] | None = None
        self._condition: str | None = None
        self._row_of: dict[int, int] = {}

    def add(self, done: SweepRecording, *, response: Any, command: Any | None, complete: bool) -> None:
        """Add a sweep that has samples. `command` is None in I=0."""
        row = self._add_recording(done, response, command, complete)
        header = done.header
        self._row_of[header.sweep.index] = row
        self._simultaneous.add(
            recordings=[row], sweep=header.sweep.index, start_time=header.start, condition=header.condition
        )
        self._simultaneous.write()
        self._group_sweep((header.run, header.label, header.condition), len(self._simultaneous) - 1)

    def measured(self, measurements: Sequence[Measurement]) -> None:
        """Repeat the membrane's measures in the electrodes table."""
        for m in measurements:
            column, row = layout.ELECTRODE_COLUMN.get(m.name), self._row_of.get(m.sweep)
            if column is not None and row is not None and m.value == m.value:
                self._electrodes.set(column, row, m.value)

    def _add_recording(self, done: SweepRecording, response: Any, command: Any | None, complete: bool) -> int:
        header, n = done.header, done.n_samples
        row = self._recordings.add(condition=header.condition, label=header.label)
        self._electrodes.add(
            electrode=self._file[layout.ELECTRODE].ref,
            bridge_balance=float(header.amplifier.get("bridge_balance", "nan")),
            bath_temperature=float("nan") if header.temperature is None else header.temperature,
        )
        self._stimuli.add(
            stimulus=(NONE, NONE, response.ref) if command is None else (0, n, command.ref),
            holding=header.holding,
            amplitude=first_step(header.sweep.command),
            n_pulses=len(header.sweep.command.pulses),
        )
        self._responses.add(
            response=(0, n, response.ref),
            sweep=header.sweep.index,
            complete=complete,
            sha256=done.sha256,
            n_dropped=done.n_dropped,
        )
        for table in (self._recordings, self._electrodes, self._stimuli, self._responses):
            table.write()
        return row

    def _group_sweep(self, group: tuple[int, str, str], row: int) -> None:
        """Put a sweep into the present group, or begin a new one when run, label or condition changed."""
        if group == self._group:
            self._sequential.extend_last("simultaneous_recordings", row)
            return
        self._group = group
        run, label, condition = group
        self._sequential.add(
            simultaneous_recordings=[row],
            stimulus_type=label,
            run=run,
            condition=condition,
            protocol_sha256=self._protocol_sha256,
        )
        self._sequential.write()
        self._repetitions.add(sequential_recordings=[len(self._sequential) - 1], condition=condition)
        self._repetitions.write()
        self._group_condition(condition, len(self._repetitions) - 1)

    def _group_condition(self, condition: str, row: int) -> None:
        if condition == self._condition:
            self._conditions.extend_last("repetitions", row)
            return
        self._condition = condition
        drug, concentration = self._drug_in(condition)
        self._conditions.add(repetitions=[row], condition=condition, drug=drug, concentration=concentration)
        self._conditions.write()

    def _drug_in(self, condition: str) -> tuple[str, str]:
        """Return the compound and concentration of the solution that `condition` names; empty if none."""
        for solution in self._protocol.solutions.values():
            if condition in (solution.label, f"{solution.label} (arriving)") and solution.compound is not None:
                return solution.compound.name, str(solution.compound.concentration)
        return "", ""


def first_step(command: Waveform) -> float:
    """Return the amplitude of the command's first step, SI; NaN if it has none."""
    return next((p.amplitude for p in command.of("step")), float("nan"))
