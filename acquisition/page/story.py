"""A run as its journal tells it: everything the Run screen knows, built frame by frame."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from acquisition.acceptance import HEADLINE, rejected_of
from acquisition.analysis.phases import Phase, accepted_phase, baseline_of, burst_runs, counted_value, phases_of
from acquisition.analysis.sweep_numbers import gather
from acquisition.gates import Vitals
from acquisition.page.present import Present
from acquisition.page.programme import Programme
from acquisition.page.reference import Course, course_of, mean_of
from acquisition.session.headers import header_of
from acquisition.session.journal import Kind
from acquisition.session.payloads import close_of, end_of, frame_of, head_of, log_of, measured_of, temperature_of
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from acquisition.analysis.settings import Settings
    from acquisition.analysis.sweep_numbers import SweepNumbers
    from acquisition.session.head import SessionHead
    from acquisition.session.journal import Record
    from acquisition.session.payloads import SweepEnd
    from protocols.sweeps import Frame, LogEntry, Measurement, SweepHeader

MODES = {ClampMode.VOLTAGE: "voltage clamp", ClampMode.CURRENT: "current clamp", ClampMode.ZERO: "I=0"}


@dataclass
class Played:
    """A sweep that began."""

    header: SweepHeader
    place: tuple[int, int]
    """Position and number of the journal's frame after the one that began it: its samples."""
    end: SweepEnd | None = None
    measurements: list[Measurement] = field(default_factory=list)
    course: Course | None = None
    """Of a sweep with a step, when it is over and was seen, or is needed."""

    # what `gather` asks of a line of the list of sweeps
    @property
    def index(self) -> int:
        """Number of the sweep."""
        return self.header.sweep.index

    @property
    def label(self) -> str:
        """Name of its step."""
        return self.header.label

    @property
    def kind(self) -> str:
        """Verb of its step."""
        return self.header.kind

    @property
    def run(self) -> int:
        """Which execution of which step."""
        return self.header.run

    @property
    def condition(self) -> str:
        """What the cell experienced."""
        return self.header.condition

    @property
    def start(self) -> float:
        """Seconds from the session's start."""
        return self.header.start


class Story:
    """What the journal has said so far."""

    def __init__(self, head: SessionHead, settings: Settings) -> None:
        """Begin with the session's head."""
        self.head, self.settings = head, settings
        self.programme = Programme(head.protocol, head.rig)
        self.sweeps: list[Played] = []
        self.log: list[LogEntry] = []
        self.temperatures: list[tuple[float, float]] = []
        self.vitals = Vitals()
        self.present: Present | None = None
        self.before: bytes | None = None
        """The sweep (or window) before the present one, packed for viewers."""
        self.recall: Callable[[Played], Iterable[Frame]] = lambda _: ()
        """Gives the samples of an earlier sweep again."""
        self.closed: str | None = None
        self.latest = 0.0
        """Session time of the newest thing said, s."""
        self.numbers: tuple[SweepNumbers, ...] = ()
        self.baseline: Phase | None = None
        self.reference: dict[str, Any] | None = None
        self.changes = 0
        """Raised whenever something other than samples came."""
        self._is_stale = False

    @classmethod
    def of(cls, record: Record) -> Story:
        """Begin with the journal's first frame."""
        from acquisition.analysis.settings import Settings

        head = head_of(record.payload.decode())
        return cls(head, Settings.of(head.protocol))

    def take(self, record: Record, *, with_samples: bool = True) -> None:
        """Take the next frame of the journal; without samples it takes a tenth of the time."""
        payload = record.payload
        if record.kind is Kind.DATA:
            if with_samples:
                self.samples(record)
            return
        self.changes += 1
        match record.kind:
            case Kind.SWEEP_BEGIN:
                self._begin(header_of(payload.decode()), (record.stop, record.seq + 1))
            case Kind.SWEEP_END:
                self._end(end_of(payload))
            case Kind.MEASURED:
                self._measured(measured_of(payload))
            case Kind.LOG:
                self._said(log_of(payload))
            case Kind.TEMPERATURE:
                self.temperatures.append(temperature_of(payload))
                self.vitals.note("temperature", self.temperatures[-1][1])
            case Kind.CLOSE:
                self.closed = close_of(payload)
                self.programme.end(self.latest)
            case _:
                pass

    def settle(self) -> None:
        """Work out what depends on all sweeps, if something has changed."""
        if not self._is_stale:
            return
        self._is_stale = False
        self.numbers = gather(self.sweeps, (m for s in self.sweeps for m in s.measurements), rejected_of(self.log))
        finished = [n for n, s in zip(self.numbers, self.sweeps, strict=True) if s.end is not None]
        self.baseline = self._baseline(finished)
        self.reference = self._mean()

    def _baseline(self, finished: list[SweepNumbers]) -> Phase | None:
        """Return the phase that the present sweep is compared with; while it is recorded, what there is of it."""
        found = baseline_of(finished, phases_of(finished))
        runs = burst_runs(finished)
        return found or (accepted_phase(runs[0]) if runs else None)

    def _mean(self) -> dict[str, Any] | None:
        if self.baseline is None or not self.baseline.sweeps:
            return None
        chosen = set(self.baseline.sweeps)
        if len(chosen) > 1:  # a sweep is not compared with itself
            chosen.discard(self.sweeps[-1].index)
        numbers = {n.index: n for n in self.numbers}
        bases = {s.index: counted_value(numbers[s.index], "V_b") for s in self.sweeps if s.index in chosen}
        found = [(self._course(s), bases[s.index]) for s in self.sweeps if bases.get(s.index) is not None]
        pairs = [(course, base) for course, base in found if course is not None and base is not None]
        values = self.baseline.values[HEADLINE]
        mean = sum(values) / len(values) if values else None
        told = mean_of(pairs, self.baseline.label)
        return None if told is None else {**told, "mean": mean}

    def _course(self, played: Played) -> Course | None:
        """Return a sweep's course, from the journal if it was recorded before anybody looked."""
        if played.course is None:
            present = Present(played.header, self.settings)
            for frame in self.recall(played):
                present.take(frame, 0.0)
            played.course = course_of(present)
        return played.course

    def _begin(self, header: SweepHeader, place: tuple[int, int]) -> None:
        self._keep_before()
        if self.present is not None and not _are_alike(self.present.header, header):
            self.before = None
        self.sweeps.append(Played(header, place))
        self.vitals.mode = header.sweep.mode
        self.present = Present(header, self.settings)
        self.latest = max(self.latest, header.start)
        self.programme.swept(header.label)

    def _keep_before(self) -> None:
        present = self.present
        if present is not None and present.columns[0].have:
            self.before = present.whole()

    def samples(self, record: Record) -> None:
        """Take a block of samples of the present sweep."""
        present = self.present
        if present is None:
            return
        frame = frame_of(record.payload, len(present.header.channels))
        wall = time.time() - (time.monotonic_ns() - record.time_ns) * 1e-9
        if (frame.first + frame.n_samples - 1) // present.window_n != present.window:
            self._keep_before()
        present.take(frame, wall)
        self.latest = max(self.latest, present.header.start + (frame.first + frame.n_samples) / present.rate)

    def _end(self, end: SweepEnd) -> None:
        played = self.sweeps[-1]
        played.end = end
        was_seen = self.present is not None and self.present.columns[0].have == end.n_samples
        if self.present is not None and was_seen and played.kind == "series":
            played.course = course_of(self.present)
        self._is_stale = True

    def _measured(self, measurements: list[Measurement]) -> None:
        played = self.sweeps[-1]
        played.measurements += measurements
        if played.end is not None and played.end.complete:  # as the run does
            self.vitals.take(measurements, averaged=played.kind == "membrane_test")
        self._is_stale = True

    def _said(self, entry: LogEntry) -> None:
        self.log.append(entry)
        self.latest = max(self.latest, entry.time)
        self.programme.said(entry)
        if entry.kind in ("rejected", "restored"):
            self._is_stale = True

    def solutions(self) -> list[dict[str, Any]]:
        """Return the bars of the solutions: when a valve was switched, and when that was in the bath."""
        bars: list[dict[str, Any]] = []
        control = next(iter(self.head.protocol.solutions), None)
        for entry in self.log:
            data: Mapping[str, Any] = entry.data
            if entry.kind != "solution" or (bars and bars[-1]["name"] == data.get("solution")):
                continue
            bars.append(
                {
                    "name": data.get("solution"),
                    "label": data.get("label", entry.text),
                    "switched": data.get("switched", entry.time),
                    "arrives": data.get("arrives", entry.time),
                    "is_control": data.get("solution") == control,
                }
            )
        for i, bar in enumerate(bars):
            bar["until"] = bars[i + 1]["arrives"] if i + 1 < len(bars) else None
        return bars


def _are_alike(one: SweepHeader, other: SweepHeader) -> bool:
    """Return whether two sweeps can be drawn over each other."""
    return (one.kind, one.sweep.mode) == (other.kind, other.sweep.mode)
