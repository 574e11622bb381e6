"""A task of the driver: its channels, timing and trigger, and the states it goes through.

verified -> reserved -> committed -> running, and back as far as the client had taken it by itself: a task that was
committed keeps its resources when it stops, any other gives them back (NI-DAQmx Help, 'Task State Model').
"""

from __future__ import annotations

import enum
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from drivers.simulated.ni import codes
from drivers.simulated.ni.buffers import InputBuffer, OutputBuffer
from drivers.simulated.ni.card import coerced, expanded
from drivers.simulated.ni.codes import DaqmxError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drivers.simulated.ni.buffers import Volts
    from drivers.simulated.ni.card import Card

FINITE, CONTINUOUS = 10178, 10123
REGENERATE, DO_NOT_REGENERATE = 10097, 10158
KEEP_UNREAD, OVERWRITE = 10159, 10252
FIRST_SAMPLE, READ_POSITION, NEWEST = 10424, 10425, 10428
TICK = 1e-3
"""Of a sample: so much may the floating point of the clock be short of a whole one."""
NO_CLOCK = -(1 << 62)


class State(enum.IntEnum):
    """Where the task is."""

    VERIFIED = 0
    RESERVED = 1
    COMMITTED = 2
    ARMED = 3
    """Started, waiting for its trigger."""
    RUNNING = 4
    BROKEN = 5
    """Stopped by an error that the client has yet to fetch."""


@dataclass(frozen=True)
class Channel:
    """One channel of a task."""

    name: str
    pins: tuple[str, ...]
    """Without the device; digital channels may have several lines."""
    low: float = -10.0
    high: float = 10.0
    reach: float = 10.0
    """Volts, each way, of the range in use."""
    terminal: int = 10083


@dataclass(frozen=True)
class Timing:
    """A sample clock."""

    rate: float
    mode: int
    count: int
    source: str


@dataclass
class Task:
    """One task. The board, which holds the lock, moves it along."""

    name: str
    card: Card
    kind: str = ""
    """ai, ao, do or di, from the first channel on."""
    channels: list[Channel] = field(default_factory=list)
    timing: Timing | None = None
    trigger: str = ""
    regeneration: int = REGENERATE
    overwrite: int = KEEP_UNREAD
    relative_to: int = READ_POSITION
    offset: int = 0
    input_size: int | None = None
    output_size: int | None = None
    state: State = State.VERIFIED
    home: State = State.VERIFIED
    """Where `stop` leads back to."""
    started: float = math.nan
    """Moment of the start trigger."""
    position: int = 0
    """Samples acquired or generated since then."""
    read_position: int = 0
    error: DaqmxError | None = None
    input: InputBuffer = field(default_factory=lambda: InputBuffer(0, 0))
    output: OutputBuffer = field(default_factory=lambda: OutputBuffer(0))
    played_out: bool = False
    """Whether the next write begins a new waveform."""
    events: set[str] = field(default_factory=set)
    descriptions: dict[str, str] = field(default_factory=dict)
    """Channel -> what a client wrote about it."""

    # --- what it is made of ---------------------------------------------------------------------------------------

    @property
    def pins(self) -> list[str]:
        """All pins of its channels."""
        return [pin for channel in self.channels for pin in channel.pins]

    @property
    def steps(self) -> NDArray[np.float64]:
        """Volts per count of each channel, (channels,)."""
        return np.array([c.reach / 32768 for c in self.channels])

    def add(self, kind: str, channels: list[Channel]) -> None:
        """Add channels, all of one kind."""
        if self.kind not in ("", kind):
            raise DaqmxError(codes.MIXED_CHANNELS)
        for channel in channels:
            if set(channel.pins) & set(self.pins):
                raise DaqmxError(codes.CHANNEL_TWICE, f"Channel: {channel.name}")
        self.kind = kind
        self.channels += channels
        self.output = OutputBuffer(len(self.pins))

    def channel(self, name: str) -> Channel:
        """Return the first channel of those named, 'a, b' or 'Dev1/ai0:3'; no name means all."""
        if not self.channels:
            raise DaqmxError(codes.NO_CHANNELS)
        wanted = next(iter(expanded(name)), "")
        found = next((c for c in self.channels if wanted in ("", c.name)), None)
        if found is None:
            raise DaqmxError(codes.INVALID_CHANNEL, f"Channel: {name}")
        return found

    def set_timing(self, source: str, rate: float, mode: int, count: int) -> None:
        """Take a sample clock, coerced to what the divider can make."""
        self.check_not_running()
        if self.kind in ("do", "di") and not all(map(self.card.is_clocked, self.pins)):
            raise DaqmxError(codes.NOT_SUPPORTED, f"Property: DAQmx_SampTimingType\nTask Name: {self.name}")
        limit = self._fastest
        if not 0 < rate <= limit * (1 + 1e-9):
            raise DaqmxError(
                codes.BAD_VALUE,
                f"Property: DAQmx_SampClk_Rate\nRequested Value: {rate}\nMaximum Value: {limit}\n"
                f"Minimum Value: {self.card.lowest_rate}",
            )
        if mode not in (FINITE, CONTINUOUS):
            raise DaqmxError(codes.BAD_VALUE, f"Property: DAQmx_SampQuant_SampMode\nRequested Value: {mode}")
        if source and source not in ("OnboardClock",) and self._other_end(source, "SampleClock") is None:
            raise DaqmxError(codes.BAD_VALUE, f"Property: DAQmx_SampClk_Src\nRequested Value: {source}")
        self.timing = Timing(coerced(rate), mode, int(count), source)

    @property
    def _fastest(self) -> float:
        match self.kind:
            case "ao":
                return self.card.output_rate
            case "do" | "di":
                return self.card.line_rate
        return self.card.input_limit(len(self.channels))

    def check_not_running(self) -> None:
        """Refuse what cannot be changed in flight."""
        if self.state in (State.ARMED, State.RUNNING):
            raise DaqmxError(codes.TASK_RUNNING, f"Task Name: {self.name}")

    @property
    def rate(self) -> float:
        """Of the sample clock; an error when there is none."""
        if self.timing is None:
            raise DaqmxError(codes.NOT_SUPPORTED, f"Task Name: {self.name} has no sample clock.")
        return self.timing.rate

    @property
    def finite(self) -> bool:
        """Whether it ends by itself."""
        return self.timing is not None and self.timing.mode == FINITE

    @property
    def clocked_by(self) -> str | None:
        """The kind of task whose sample clock it uses; None with a clock of its own."""
        return self._other_end(self.timing.source, "SampleClock") if self.timing else None

    @property
    def triggered_by(self) -> str | None:
        """The kind of task whose start it waits for; '' is a pin that nothing drives, None no trigger."""
        if not self.trigger:
            return None
        master = self._other_end(self.trigger, "StartTrigger")
        return "" if master is None else None if master == self.kind else master

    def _other_end(self, terminal: str, signal: str) -> str | None:
        match = re.fullmatch(rf"/?{re.escape(self.card.device)}/(ai|ao|do)/{signal}", terminal)
        return match[1] if match else None

    # --- buffers --------------------------------------------------------------------------------------------------

    @property
    def input_room(self) -> int:
        """Samples per channel of the input buffer (NI-DAQmx Help, 'How Is Buffer Size Determined?')."""
        if self.timing is None:
            return 1
        if self.input_size:
            return self.input_size
        if self.finite:
            return self.timing.count
        sizes = ((100, 1_000), (10_000, 10_000), (1_000_000, 100_000))
        return max(self.timing.count, next((size for limit, size in sizes if self.rate <= limit), 1_000_000))

    @property
    def unread(self) -> int:
        """Samples per channel acquired and not yet read."""
        return max(0, self.input.acquired - self.read_position)

    @property
    def space(self) -> int:
        """Samples per channel that can be written now."""
        if self.output_size is None:
            return 1 << 31
        return self.output_size - self.output.written + (self.position if self.regeneration != REGENERATE else 0)

    # --- moving along ---------------------------------------------------------------------------------------------

    @property
    def plays(self) -> bool:
        """Whether its clock ticks."""
        return self.state is State.RUNNING and self.timing is not None and not self.complete

    @property
    def complete(self) -> bool:
        """Whether a finite task has all its samples."""
        return self.timing is not None and self.finite and self.position >= self.timing.count

    @property
    def is_done(self) -> bool:
        """Whether nothing more will happen."""
        return self.state not in (State.ARMED, State.RUNNING) or self.timing is None or self.complete

    def due(self, now: float) -> int:
        """Return how many samples its own clock has made by `now`."""
        ticks = math.floor((now - self.started) * self.rate + TICK)
        return min(ticks, self.timing.count) if self.timing and self.finite else ticks

    def moment_of(self, count: int) -> float:
        """Return when its own clock has made `count` samples."""
        return self.started + count / self.rate

    def begin(self, now: float) -> None:
        """Start from the first sample."""
        self.state, self.started, self.position = State.RUNNING, now, 0

    def generate(self, numbers: NDArray[np.int64]) -> Volts:
        """Return the output (channels, n) at sample `numbers`; it breaks where it runs dry."""
        if self._repeats:
            volts = self.output.looped(numbers)
        else:
            volts = self.output.at(numbers)
            if numbers[-1] >= self.output.written:
                self.break_off(DaqmxError(codes.RAN_DRY, f"Task Name: {self.name}"))
            elif self.regeneration != REGENERATE:
                self.output.forget(int(numbers[-1]))
        self.position = int(numbers[-1]) + 1
        return volts

    @property
    def _repeats(self) -> bool:
        """Whether the buffer is played over again: always, unless a finite waveform is all there or it is forbidden."""
        whole = self.timing is not None and self.finite and self.output.written >= self.timing.count
        return self.regeneration == REGENERATE and not whole

    def acquire(self, counts: NDArray[np.int16]) -> None:
        """Take what was converted, (channels, n); it breaks where unread samples would be overwritten."""
        if self.overwrite == KEEP_UNREAD and not self.finite:
            room = self.input.size - self.unread
            if counts.shape[1] > room:
                self.break_off(DaqmxError(codes.NO_LONGER_AVAILABLE, f"Task Name: {self.name}", read=0))
                counts = counts[:, :room]
        self.input.append(counts)
        self.position = self.input.acquired

    def break_off(self, error: DaqmxError) -> None:
        """Stop by an error, which every further call meets until the client stops the task."""
        self.error, self.state = error, State.BROKEN

    def raise_error(self) -> None:
        """Raise what broke it."""
        if self.error is not None:
            e = self.error
            raise DaqmxError(e.code, f"Task Name: {self.name}", read=e.read, written=e.written)
