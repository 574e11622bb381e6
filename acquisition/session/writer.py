"""Writes a session file while the session goes on: valid NWB after every call that ends something.

Raw HDF5 through h5py: pynwb can neither append to the icephys tables nor write in the time there is.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import h5py
import numpy as np

from acquisition.session import layout
from acquisition.session.headers import header_text
from acquisition.session.icephys import IcephysTables, first_step
from acquisition.session.metadata import fingerprint, write_head
from acquisition.session.objects import Table, extend, put_text, scratch
from acquisition.session.recording import SweepRecording, new_command
from acquisition.session.solutions import SolutionEpochs
from acquisition.session.timelines import LogSeries, TemperatureSeries
from acquisition.session.transaction import LIBVER
from protocols.errors import SessionError
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from acquisition.session.head import SessionHead
    from protocols.sweeps import Frame, LogEntry, Measurement, SweepHeader
    from protocols.waveforms import Waveform


class SessionWriter:
    """The file while it grows. Construction begins the session; use it with `with`.

    The samples of a recording go to the journal first (`JournalRecorder`); the packer plays the journal to this writer,
    on an HDF5 file whose bytes it commits itself.

    Numbers and log lines gather in memory until a sweep ends, numbers come or the session closes;
    samples until there are `layout.SLICE` of them. At those moments the file is flushed, unless it is another's, who
    will do so before he commits.

    Raises
    ------
    SessionError
        From any call, when the file cannot be written.
    """

    def __init__(self, path: Path, head: SessionHead, *, file: Any | None = None) -> None:
        """Create `path` and write the head. An existing file is never overwritten.

        `file` is an open, empty HDF5 file to write to instead; `path` is then its name in messages.
        """
        self.path, self._head = path, head
        self._file, self._is_own = _create(path) if file is None else file, file is None
        with self._words():
            write_head(self._file, head)
        self._icephys = IcephysTables(self._file, head.protocol, fingerprint(head.protocol_text))
        self._sweeps, self._pulses = Table(self._file, layout.SWEEPS), Table(self._file, layout.PULSES)
        self._ttl = Table(self._file, layout.TTL)
        self._lost, self._measures = Table(self._file, layout.INVALID_TIMES), Table(self._file, layout.MEASURES)
        self._epochs, self._log = SolutionEpochs(self._file), LogSeries(self._file)
        self._temperature = TemperatureSeries(self._file)
        self._commands: dict[tuple[int, ClampMode, Waveform], Any] = {}
        self._recording: SweepRecording | None = None
        self._begun: set[int] = set()
        self._latest = 0.0
        with self._words():
            self._flush()

    def __enter__(self) -> Self:
        """Nothing to do: the session has begun."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close, whatever happened."""
        self.close("finished" if error is None else f"interrupted: {error}")

    def begin_sweep(self, header: SweepHeader) -> None:
        """Begin a sweep."""
        index = header.sweep.index
        if self._recording is not None:
            raise SessionError(f"sweep {index} begins before sweep {self._recording.header.sweep.index} has ended")
        if index in self._begun:
            raise SessionError(f"{self.path.name} has a sweep {index} already")
        self._begun.add(index)
        self._recording = SweepRecording(self._open_file, header)

    def samples(self, frame: Frame) -> None:
        """Add samples to the sweep: counts, exactly as converted."""
        with self._words():
            if self._current.take(frame):
                self._flush()

    def end_sweep(self, *, complete: bool = True, reason: str | None = None) -> None:
        """End the sweep; it is in the file when this returns."""
        done, self._recording = self._current, None
        with self._words():
            done.write()
            if done.n_samples:
                self._add_to_tables(done, complete=complete)
            self._add_interval(done, complete=complete, reason=reason)
            self._write_waiting()

    def measured(self, measurements: Sequence[Measurement]) -> None:
        """Add numbers; best all of a sweep at once."""
        with self._words():
            for m in measurements:
                window = m.window or (float("nan"), float("nan"))
                self._measures.add(
                    measure=m.name,
                    value=m.value,
                    unit=m.unit,
                    sweep=m.sweep,
                    time=m.time,
                    window_start=window[0],
                    window_stop=window[1],
                    flags=layout.FLAG_SEPARATOR.join(m.flags),
                    analyser=m.analyser,
                )
            self._icephys.measured(measurements)
            self._note_access(measurements)
            self._write_waiting()

    def log(self, entry: LogEntry) -> None:
        """Add a line to the log."""
        self._latest = max(self._latest, entry.time)
        self._log.add(entry)
        self._epochs.see(entry)

    def temperature(self, time: float, value: float) -> None:
        """Add a reading of the bath, degC."""
        self._temperature.add(time, value)

    @property
    def open_sweep(self) -> int | None:
        """The sweep that has begun and not ended."""
        return None if self._recording is None else self._recording.header.sweep.index

    def flush(self) -> None:
        """Write what waits, except samples of a sweep that goes on."""
        with self._words():
            self._write_waiting()

    def close(self, reason: str = "finished") -> None:
        """End the session: an open sweep is closed as incomplete. Closing twice does nothing."""
        if not self._file:
            return
        try:
            if self._recording is not None:
                self.end_sweep(complete=False, reason=reason)
            with self._words():
                self._epochs.end(self._latest)
                self._write_waiting()
                self._temperature.settle()
                scratch(self._file, layout.CLOSED, "Why the session ended", reason)
        finally:
            with self._words():
                self._file.close()

    @property
    def _open_file(self) -> Any:
        if not self._file:
            raise SessionError(f"{self.path.name} is closed already")
        return self._file

    @property
    def _current(self) -> SweepRecording:
        if self._recording is None:
            raise SessionError("no sweep has begun")
        return self._recording

    def _add_to_tables(self, done: SweepRecording, *, complete: bool) -> None:
        response = self._file.get(layout.response_path(done.header.sweep.index, "primary"))
        if response is not None:
            self._icephys.add(done, response=response, command=self._command(done, complete), complete=complete)
        rate, start = done.header.sweep.rate, done.header.start
        for first, stop in done.gaps:
            times = {"start_time": start + first / rate, "stop_time": start + stop / rate}
            self._lost.add(**times, sweep=done.header.sweep.index, cause="samples lost")

    def _command(self, done: SweepRecording, complete: bool) -> Any | None:
        """Return the command's series, one for all equal commands of a run; None in I=0, where there is none."""
        header = done.header
        if header.sweep.mode is ClampMode.ZERO:
            return None
        key = (header.run, header.sweep.mode, header.sweep.command)
        if key in self._commands:
            return self._commands[key]
        n_samples = header.sweep.n_samples if complete else done.n_samples
        series = new_command(self._file, layout.command_path(header.run, header.sweep.index), header, n_samples)
        if complete:
            self._commands[key] = series
        return series

    def _add_interval(self, done: SweepRecording, *, complete: bool, reason: str | None) -> None:
        header, command = done.header, done.header.sweep.command
        stop = header.start + max(done.n_samples, 1) / command.rate
        self._latest = max(self._latest, stop)
        self._sweeps.add(
            start_time=header.start,
            stop_time=stop,
            sweep=header.sweep.index,
            label=header.label,
            kind=header.kind,
            run=header.run,
            condition=header.condition,
            clamp_mode=str(header.sweep.mode),
            rate=command.rate,
            n_samples=done.n_samples,
            complete=complete,
            reason=reason or "",
            holding=header.holding,
            step=first_step(command),
            temperature=float("nan") if header.temperature is None else header.temperature,
            sha256=done.sha256,
        )
        self._add_pulses(done)
        self._add_ttl(done)
        self._write_header(header)

    def _add_pulses(self, done: SweepRecording) -> None:
        """List the pulses that were played, an interrupted one as far as it went."""
        header, command = done.header, done.header.sweep.command
        for pulse in command.pulses:
            if pulse.start >= done.n_samples:
                return
            self._pulses.add(
                start_time=header.start + pulse.start / command.rate,
                stop_time=header.start + min(pulse.stop, done.n_samples) / command.rate,
                sweep=header.sweep.index,
                role=pulse.role,
                level=command.holding + pulse.amplitude,
                amplitude=pulse.amplitude,
                unit=header.sweep.mode.command_unit,
            )

    def _add_ttl(self, done: SweepRecording) -> None:
        """List the TTL pulses that were played, an interrupted one as far as it went."""
        header = done.header
        for pulse in (p for p in header.sweep.ttl if p.start < done.n_samples):
            stop = min(pulse.stop, done.n_samples)
            self._ttl.add(
                start_time=header.start + pulse.start / header.sweep.rate,
                stop_time=header.start + stop / header.sweep.rate,
                sweep=header.sweep.index,
                line=pulse.line,
                first_sample=pulse.start,
                end_sample=stop,
            )

    def _write_header(self, header: SweepHeader) -> None:
        if layout.SWEEP_HEADERS not in self._file:
            scratch(self._file, layout.SWEEP_HEADERS, "JSON per row of /intervals/sweeps: the sweep's exact header")
        extend(self._file[layout.SWEEP_HEADERS], [header_text(header)])

    def _note_access(self, measurements: Sequence[Measurement]) -> None:
        """Write the first good access resistance where NWB has a place for it."""
        electrode = self._file[layout.ELECTRODE]
        good = (m.value for m in measurements if m.name == "Rs" and np.isfinite(m.value) and not m.flags)
        if "initial_access_resistance" not in electrode and (ohms := next(good, None)) is not None:
            put_text(electrode, "initial_access_resistance", f"{ohms / 1e6:.1f} MOhm")

    def _write_waiting(self) -> None:
        for part in (self._sweeps, self._pulses, self._ttl, self._lost, self._measures):
            part.write()
        for series in (self._epochs, self._log, self._temperature):
            series.write()
        self._flush()

    def _flush(self) -> None:
        file = self._open_file
        if self._is_own:
            file.flush()

    @contextmanager
    def _words(self) -> Iterator[None]:
        """Turn what h5py raises into a sentence with the file's name."""
        try:
            yield
        except (OSError, RuntimeError) as error:
            raise SessionError(f"{self.path} cannot be written: {error}") from error


def _create(path: Path) -> Any:
    """Create the HDF5 file."""
    if path.exists():
        raise SessionError(f"{path} exists already; a session file is never overwritten")
    try:
        return h5py.File(path, "x", libver=LIBVER)
    except OSError as error:
        raise SessionError(f"{path} cannot be created: {error}. Does its folder exist?") from error
