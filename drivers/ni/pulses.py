"""TTL lines of a sweep: digital outputs on the inputs' sample clock, so that they change with the command's samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from nidaqmx.constants import AcquisitionType, LineGrouping, RegenerationMode
from nidaqmx.stream_writers import DigitalMultiChannelWriter

from drivers.ni.connection import TTL
from drivers.ni.failures import ours
from drivers.ni.tasks import PATIENCE, WRITE_AT_ONCE, clear

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from drivers.ni.connection import Connection
    from protocols.sweeps import Sweep


class PulseTask:
    """The lines that a sweep pulses, clocked and started by the inputs, as the command output is."""

    def __init__(self, connection: Connection, pins: tuple[str, ...]) -> None:
        """Make the task."""
        self._device, self._pins = connection.device, pins
        self._task = connection.task(TTL)
        try:
            with self._ours():
                self._task.do_channels.add_do_chan(", ".join(pins), line_grouping=LineGrouping.CHAN_PER_LINE)
        except BaseException:
            self.close()
            raise

    def arm(self, rate: float, samples: int, *, buffer: int | None, trigger: bool) -> None:
        """Follow the inputs' clock, fed through a buffer of `buffer` samples, or (None) for `samples` written at once.

        Without a `trigger` the clock alone starts the lines; it ticks from the inputs' start on and not before.
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

    def write(self, levels: NDArray[np.bool_]) -> None:
        """Append `levels` (lines, n) to what will be played."""
        for start in range(0, levels.shape[1], WRITE_AT_ONCE):
            part = levels[:, start : start + WRITE_AT_ONCE]
            with self._ours():
                # line by line: how the bits of a word lie on some lines of a port is not the same everywhere
                self._task.write(np.ascontiguousarray(part if len(part) > 1 else part[0]), False, PATIENCE)

    def start(self) -> None:
        """Wait for the inputs' clock."""
        with self._ours():
            self._task.start()

    def check(self) -> None:
        """Raise if the lines have stopped by themselves."""
        with self._ours():
            self._task.is_task_done()

    def close(self) -> None:
        """Stop and clear; the last levels stay."""
        clear(self._task, TTL)

    def _ours(self) -> AbstractContextManager[None]:
        return ours(self._device, TTL, self._pins)


def levels_of(sweep: Sweep, lines: tuple[str, ...]) -> Callable[[int, int], NDArray[np.bool_]]:
    """Return a function (first, count) that tells whether each line is high at the samples from `first` on.

    Its answer is (lines, count). Behind the sweep's end all lines are low.
    """
    edges = [np.array([e for p in sweep.ttl if p.line == line for e in (p.start, p.stop)]) for line in lines]

    def levels(first: int, count: int) -> NDArray[np.bool_]:
        samples = np.arange(first, first + count)
        # behind an odd number of edges a line is high; a sample is behind the edge that is its own
        return np.stack([np.searchsorted(on_line, samples, side="right") % 2 == 1 for on_line in edges])

    return levels


def lower_now(connection: Connection, pins: Mapping[str, str]) -> None:
    """Write lines low on demand; they stay so when the task is gone."""
    task, names = connection.task(TTL), tuple(pins.values())
    try:
        with ours(connection.device, TTL, names):
            task.do_channels.add_do_chan(", ".join(names), line_grouping=LineGrouping.CHAN_PER_LINE)
            writer = DigitalMultiChannelWriter(task.out_stream, auto_start=True)
            writer.write_one_sample_one_line(np.zeros(len(names), bool), PATIENCE)
    finally:
        clear(task, TTL)
