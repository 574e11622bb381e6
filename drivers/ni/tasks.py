"""The two tasks of a sweep: inputs on the card's own sample clock, the output as its slave."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from nidaqmx.constants import (
    AcquisitionType,
    OverwriteMode,
    ReadRelativeTo,
    RegenerationMode,
    TerminalConfiguration,
)
from nidaqmx.errors import DaqError, DaqWarning, Error
from nidaqmx.stream_readers import AnalogMultiChannelReader, AnalogUnscaledReader
from nidaqmx.stream_writers import AnalogMultiChannelWriter, AnalogSingleChannelWriter

from drivers.ni.connection import INPUTS, OUTPUT
from drivers.ni.failures import (
    NOT_SUPPORTED,
    NOT_YET_ACQUIRED,
    OVERWRITTEN,
    STOPPED_BY_OVERFLOW,
    CardError,
    code_of,
    ours,
)
from protocols.errors import HardwareError, Overrun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from nidaqmx import Task
    from numpy.typing import NDArray

    from config.rig import Input
    from drivers.ni.connection import Connection

log = logging.getLogger(__name__)

HALF_SCALE = 32768
"""Counts each way of the int16 in which samples are kept."""
PATIENCE = 2.0
"""Seconds a read may take longer than its samples; then the clock has stopped (shorter ones stall for nothing)."""
WRITE_AT_ONCE = 500_000
"""Samples per write: 4 MB."""
SAME_RATE = 1e-9
"""Relative difference up to which two rates are one."""


@dataclass(frozen=True)
class Wire:
    """One input as it is wired to the card."""

    name: str
    pin: str
    """Full name, 'Dev1/ai0'."""
    reach: float
    """V, each way."""
    terminal: str | None

    @classmethod
    def of(cls, name: str, entry: Input, connection: Connection) -> Wire:
        """Return what the rig file says of one input."""
        return cls(name, connection.pin(entry.pin), float(entry.range), entry.terminal)


@dataclass(frozen=True)
class Scaling:
    """How the counts of one input become volts."""

    coefficients: tuple[float, ...]
    """Polynomial, lowest order first, V."""
    of_the_card: bool
    """Counts are the converter's own; otherwise volts are read and rounded to the range's 65536th part."""


def add_input(task: Task, wire: Wire) -> None:
    """Add one input to a task."""
    terminal = TerminalConfiguration.DEFAULT if wire.terminal is None else _terminal(wire.terminal)
    task.ai_channels.add_ai_voltage_chan(
        wire.pin, name_to_assign_to_channel=wire.name, terminal_config=terminal, min_val=-wire.reach, max_val=wire.reach
    )


def _terminal(name: str) -> TerminalConfiguration:
    return TerminalConfiguration["PSEUDO_DIFF" if name == "PSEUDODIFF" else name]


def _trimmed(coefficients: list[float]) -> tuple[float, ...]:
    """Return a polynomial without zeros at its end."""
    while len(coefficients) > 2 and coefficients[-1] == 0:
        coefficients = coefficients[:-1]
    return tuple(coefficients)


def _wish(act: Callable[[], None]) -> None:
    """Set what helps where the card has it."""
    try:
        act()
    except DaqError as error:
        if code_of(error) not in NOT_SUPPORTED:
            raise


class InputTask:
    """All inputs, sampled together: the master of the sweep."""

    def __init__(
        self, connection: Connection, wires: Sequence[Wire], scalings: Sequence[Scaling] | None = None
    ) -> None:
        """Make the task. Without `scalings` it can be asked about the inputs, but not read."""
        self._device, self._names = connection.device, tuple(w.name for w in wires)
        self._task = connection.task(INPUTS)
        self._scalings = scalings
        self._position, self._rate = 0, 0.0
        try:
            with self._ours():
                for wire in wires:
                    add_input(self._task, wire)
        except BaseException:
            self.close()
            raise

    def scalings(self, wires: Sequence[Wire]) -> tuple[Scaling, ...]:
        """Return how each input's counts become volts: all by the card's own polynomials, or all by their ranges."""
        with self._ours():
            own = [self._own_coefficients(wire.name) for wire in wires]
        if all(own):
            return tuple(Scaling(c, of_the_card=True) for c in own if c)
        return tuple(Scaling((0.0, wire.reach / HALF_SCALE), of_the_card=False) for wire in wires)

    def _own_coefficients(self, name: str) -> tuple[float, ...] | None:
        """Return the polynomial of a converter whose raw samples are 16 bits wide, None for others."""
        try:
            channel = self._task.ai_channels[name]
            if int(channel.ai_raw_samp_size) != 16:
                return None
            return _trimmed([float(c) for c in channel.ai_dev_scaling_coeff]) or None
        except DaqError as error:
            if code_of(error) in NOT_SUPPORTED:
                return None
            raise

    def arm(self, rate: float, samples: int, *, buffer: float | None) -> float:
        """Set the clock to run until stopped with a buffer of `buffer` seconds, or (None) for `samples`.

        Returns the rate that the card makes of `rate`, Hz.
        """
        mode = AcquisitionType.FINITE if buffer is None else AcquisitionType.CONTINUOUS
        with self._ours():
            self._task.timing.cfg_samp_clk_timing(rate, sample_mode=mode, samps_per_chan=max(2, samples))
            self._rate = float(self._task.timing.samp_clk_rate)
            if buffer is not None:
                self._task.in_stream.input_buf_size = max(2 * samples, round(buffer * rate))
                # otherwise the card stops when the buffer is full, and nothing later could be recorded
                _wish(self._overwrite)
        return self._rate

    def _overwrite(self) -> None:
        self._task.in_stream.overwrite = OverwriteMode.OVERWRITE_UNREAD_SAMPLES

    def start(self) -> None:
        """Start the clock."""
        with self._ours():
            self._task.start()

    def read(self, samples: int, end: int) -> tuple[int, NDArray[np.int16]]:
        """Return the next samples: the number of the first, and counts (inputs, n), n up to `samples`.

        When this computer was too slow and samples are lost, reading goes on from the newest ones: the number of
        the first then jumps. `end` is the number of samples in the sweep.

        Raises
        ------
        Overrun
            Samples were lost and there is no going on.
        CardError
            The card delivers nothing any more, or fails.
        """
        try:
            counts = self._read(samples)
        except CardError as error:
            if error.code == NOT_YET_ACQUIRED:
                counts = self._again(error)
            elif error.code in (OVERWRITTEN, *STOPPED_BY_OVERFLOW):
                counts = self._newest(samples, end, error)
            else:
                raise
        first, self._position = self._position, self._position + counts.shape[1]
        return first, counts

    def _read(self, samples: int) -> NDArray[np.int16]:
        if self._scalings is None:
            raise HardwareError(self._device, "an input task without scales cannot be read")
        shape, timeout = (len(self._names), samples), samples / self._rate + PATIENCE
        if self._scalings[0].of_the_card:
            counts = np.empty(shape, np.int16)
            raw = AnalogUnscaledReader(self._task.in_stream)
            raw.verify_array_shape = False
            with self._ours():
                raw.read_int16(counts, samples, timeout)
            return counts
        volts = np.empty(shape)
        reader = AnalogMultiChannelReader(self._task.in_stream)
        reader.verify_array_shape = False
        with self._ours():
            reader.read_many_sample(volts, samples, timeout)
        return self._rounded(volts)

    def _rounded(self, volts: NDArray[np.float64]) -> NDArray[np.int16]:
        steps = np.array([s.coefficients[1] for s in self._scalings or ()])[:, None]
        rounded: NDArray[np.int16] = np.clip(np.rint(volts / steps), -HALF_SCALE, HALF_SCALE - 1).astype(np.int16)
        return rounded

    def _again(self, error: CardError) -> NDArray[np.int16]:
        """Fetch once more what a read that came too short did get.

        The layout of a short read is not to be trusted (nidaqmx-python #528), but its samples are in the buffer yet.
        """
        if not error.samples:
            raise error
        log.debug("a read came short after %d samples", error.samples)
        return self._read_from(self._position, error.samples)

    def _newest(self, samples: int, end: int, error: CardError) -> NDArray[np.int16]:
        """Leave out what was lost and read the newest samples of the sweep."""
        before = self._position
        try:
            if error.code in STOPPED_BY_OVERFLOW:
                raise error
            with self._ours():
                acquired = int(self._task.in_stream.total_samp_per_chan_acquired)
            first = max(before, acquired - samples)
            if first >= end:
                raise error
            counts = self._read_from(first, min(samples, end - first))
        except CardError as last:
            words = f"{last} - samples from {before} on are lost"
            raise Overrun(self._device, words.removeprefix(f"{self._device}: "), samples_kept=before) from last
        self._position = first
        log.warning("samples %d to %d were lost: this computer did not fetch them in time", before, first - 1)
        return counts

    def _read_from(self, first: int, samples: int) -> NDArray[np.int16]:
        stream = self._task.in_stream
        with self._ours():
            stream.relative_to, stream.offset = ReadRelativeTo.FIRST_SAMPLE, first
        try:
            return self._read(samples)
        finally:
            with self._ours():
                stream.relative_to, stream.offset = ReadRelativeTo.CURRENT_READ_POSITION, 0

    def close(self) -> None:
        """Stop and clear; what it says then has been said before, or concerns nothing that was recorded."""
        clear(self._task, INPUTS)

    def _ours(self) -> AbstractContextManager[None]:
        return ours(self._device, INPUTS, self._names)


@dataclass(frozen=True)
class Plug:
    """An analogue output: where it is, and how far it reaches, volts, each way."""

    pin: str
    reach: float


class OutputTask:
    """The command output, clocked and started by the inputs; the rig's other outputs stand at 0 V beside it."""

    def __init__(self, connection: Connection, command: Plug, others: Sequence[Plug] = ()) -> None:
        """Make the task."""
        self._device, self._pins = connection.device, tuple(p.pin for p in (command, *others))
        self._task = connection.task(OUTPUT)
        try:
            with self._ours():
                for plug in (command, *others):
                    self._task.ao_channels.add_ao_voltage_chan(plug.pin, min_val=-plug.reach, max_val=plug.reach)
                self._writer = AnalogMultiChannelWriter(self._task.out_stream, auto_start=False)
                self._writer.verify_array_shape = False
        except BaseException:
            self.close()
            raise

    def arm(self, rate: float, samples: int, *, buffer: int | None, trigger: bool) -> None:
        """Follow the inputs' clock, fed through a buffer of `buffer` samples, or (None) for `samples` written at once.

        In the second case the card's default of 1000 samples would repeat shorter waves (nidaqmx-python #454).
        """
        mode = AcquisitionType.FINITE if buffer is None else AcquisitionType.CONTINUOUS
        clock = f"/{self._device}/ai/SampleClock"
        with self._ours():
            self._task.timing.cfg_samp_clk_timing(rate, source=clock, sample_mode=mode, samps_per_chan=max(2, samples))
            if trigger:
                self._task.triggers.start_trigger.cfg_dig_edge_start_trig(f"/{self._device}/ai/StartTrigger")
            if buffer is not None:
                self._task.out_stream.regen_mode = RegenerationMode.DONT_ALLOW_REGENERATION
            self._task.out_stream.output_buf_size = max(2, samples) if buffer is None else buffer

    def write(self, volts: NDArray[np.float64]) -> None:
        """Append `volts` (n,) of the command to what will be played."""
        for start in range(0, len(volts), WRITE_AT_ONCE):
            part = volts[start : start + WRITE_AT_ONCE]
            rows = np.zeros((len(self._pins), len(part)))
            rows[0] = part
            with self._ours():
                self._writer.write_many_sample(rows, PATIENCE)

    def start(self) -> None:
        """Wait for the inputs' clock."""
        with self._ours():
            self._task.start()

    def check(self) -> None:
        """Raise if the output has stopped by itself; NI-DAQmx says so only when it is asked."""
        with self._ours():
            self._task.is_task_done()

    def close(self) -> None:
        """Stop and clear; the last level stays."""
        clear(self._task, OUTPUT)

    def _ours(self) -> AbstractContextManager[None]:
        return ours(self._device, OUTPUT, self._pins)


def same_rate(a: float, b: float) -> bool:
    """Return whether two rates are one."""
    return abs(a - b) <= SAME_RATE * abs(b)


def write_now(connection: Connection, pin: str, reach: float, volts: float) -> None:
    """Write one level on demand; it stays when the task is gone."""
    task = connection.task(OUTPUT)
    try:
        with ours(connection.device, OUTPUT, (pin,)):
            task.ao_channels.add_ao_voltage_chan(pin, min_val=-reach, max_val=reach)
            AnalogSingleChannelWriter(task.out_stream, auto_start=True).write_one_sample(volts, PATIENCE)
    finally:
        clear(task, OUTPUT)


def read_now(connection: Connection, wire: Wire, samples: int) -> float:
    """Return the mean of `samples` looks at one input, taken at once, V."""
    task, volts = connection.task(wire.name), np.empty((1, samples))
    try:
        with ours(connection.device, wire.name, (wire.pin,)):
            add_input(task, wire)
            # some cards give one look per call, whatever is asked for
            got = AnalogMultiChannelReader(task.in_stream).read_many_sample(volts, samples, PATIENCE)
    finally:
        clear(task, wire.name)
    return float(volts.flat[:got].mean())


def clear(task: Task, what: str) -> None:
    """Stop and clear a task; what it says then has been said before, or concerns nothing any more."""
    with warnings.catch_warnings():
        # a finite task that is stopped before its end warns (200010); it is stopped on purpose
        warnings.simplefilter("ignore", DaqWarning)
        _stop_and_close(task, what)


def _stop_and_close(task: Task, what: str) -> None:
    for act in (task.stop, task.close):
        try:
            act()
        except Error as error:
            log.debug("%s: at the end: %s", what, error)
