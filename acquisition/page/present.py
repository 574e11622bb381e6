"""The sweep that is recorded now: its columns, and what can be said of it before it is over."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.analysis.voltage_clamp import WATCHED
from acquisition.guarded import Guarded
from acquisition.page.decimation import COLUMNS, Columns, column_width
from protocols.measures import AFTER_POTENTIAL, BASELINE
from protocols.sweeps import ClampMode
from protocols.waveforms import samples

if TYPE_CHECKING:
    from acquisition.analysis.settings import Settings
    from protocols.sweeps import Frame, Measurement, SweepHeader

WINDOW = 20.0
"""Seconds of a long hold that a window shows; the next one begins where it ends, as on an oscilloscope."""
TEST_WINDOW = 1.0
"""The same while a pipette is watched."""
KINDS = {"present": 1, "zoom": 2, "before": 3}
_HEADER = struct.Struct("<6Iddd")
DECLARED_SHOWN = 2
"""Windows of the protocol's own measures that are drawn."""


def packed(kind: str, place: tuple[int, int, int], rows: np.ndarray, wall: float, span: tuple[float, float]) -> bytes:
    """Return a block of columns as bytes.

    Parameters
    ----------
    kind
        'present', 'zoom' or 'before'.
    place
        Sweep, window (or number of the request), first column.
    rows
        (rows, columns) mV or pA.
    wall
        Unix time of the newest sample.
    span
        Seconds from the sweep's start to the first column; seconds per column.
    """
    head = _HEADER.pack(KINDS[kind], *place, rows.shape[1], rows.shape[0], wall, *span)
    return head + np.ascontiguousarray(rows, "<f4").tobytes()


class Present:
    """A sweep while it is recorded."""

    def __init__(self, header: SweepHeader, settings: Settings) -> None:
        """Lay out its first window."""
        self.header, self._settings = header, settings
        command = header.sweep.command
        self.rate, self.n_samples = command.rate, command.n_samples
        steps = command.of("step")
        self.step = (steps[0].start / self.rate, steps[-1].stop / self.rate) if steps else None
        long = WINDOW if header.kind != WATCHED else TEST_WINDOW
        self.window_n = self.n_samples if steps else min(self.n_samples, samples(long, self.rate))
        self.width = column_width(self.window_n, COLUMNS)
        self.window, self.wall = 0, 0.0
        self.columns = self._fresh()
        self.values: dict[str, Measurement] = {}
        self._analyser: Guarded | None = None
        self._waiting: list[Frame] = []

    def _fresh(self) -> list[Columns]:
        return [Columns(self.window_n, self.width) for _ in self.header.channels]

    def take(self, frame: Frame, wall: float) -> None:
        """Add samples, written at Unix time `wall`."""
        self.wall = wall
        self._waiting.append(frame)
        first, counts = frame.first, frame.counts
        while counts.shape[1]:
            window, at = divmod(first, self.window_n)
            if window != self.window:
                self.window, self.columns = window, self._fresh()
            n = min(counts.shape[1], self.window_n - at)
            for columns, channel, row in zip(self.columns, self.header.channels, counts, strict=True):
                columns.feed(at, channel.stored(row[:n]))
            first, counts = first + n, counts[:, n:]

    def measure(self) -> None:
        """Measure what came since the last time."""
        if self._analyser is None:
            self._analyser = Guarded(self.header, self._settings)
        for frame in self._waiting:
            stored = {c.name: c.stored(row) for c, row in zip(self.header.channels, frame.counts, strict=True)}
            self.values.update({m.name: m for m in self._analyser.feed(frame.first, stored)})
        self._waiting = []

    def so_far(self) -> dict[str, Any]:
        """Return what can be said by now."""
        now = None if self._analyser is None else self._analyser.so_far()
        facts = {"spikes": None, "lowest": None, "d50": None} if now is None else vars(now)
        return {**facts, "sweep": self.header.sweep.index, "values": {n: m.value for n, m in self.values.items()}}

    def block(self, first: int) -> bytes | None:
        """Return the columns from `first` on as far as they are complete; None if there are none."""
        stop = min(c.complete for c in self.columns)
        if stop <= first:
            return None
        rows = np.concatenate([c.rows[:, first:stop] for c in self.columns])
        start = (self.window * self.window_n + first * self.width) / self.rate
        place = (self.header.sweep.index, self.window, first)
        return packed("present", place, rows, self.wall, (start, self.width / self.rate))

    def whole(self) -> bytes:
        """Return the window as it is, for who comes later."""
        rows = np.concatenate([c.rows for c in self.columns])
        start = self.window * self.window_n / self.rate
        return packed(
            "before", (self.header.sweep.index, self.window, 0), rows, self.wall, (start, self.width / self.rate)
        )

    def facts(self) -> dict[str, Any]:
        """Return what a plot must know before the first sample."""
        header, command = self.header, self.header.sweep.command
        zero = self.step[1] if self.step else 0.0
        return {
            "sweep": header.sweep.index,
            "label": header.label,
            "kind": header.kind,
            "mode": str(header.sweep.mode),
            "window": self.window,
            "n_columns": self.columns[0].rows.shape[1],
            "column": self.width / self.rate,
            "start": self.window * self.window_n / self.rate,
            "length": self.window_n / self.rate,
            "zero": zero,
            "step": self.step,
            "windows": self._windows(),
            "pulses": [[p.role, p.start / self.rate, p.stop / self.rate, p.amplitude] for p in command.pulses[:400]],
            "holding": command.holding,
            "channels": [[c.name, "mV" if c.unit == "V" else "pA"] for c in header.channels],
            "aim": self._settings.aim(header.label).potential,
        }

    def _windows(self) -> list[dict[str, Any]]:
        if self.step is None or self.header.sweep.mode is not ClampMode.CURRENT:
            return []
        return windows_of(self.step, self._settings)


def windows_of(step: tuple[float, float], settings: Settings) -> list[dict[str, Any]]:
    """Return the windows that screens show, counted from the end of `step`, which is in s from the sweep's start."""
    width = step[1] - step[0]
    low, high = BASELINE
    shown = [("V_b", "baseline", low - width, high - width), ("A_1000", "sAHP", *AFTER_POTENTIAL["A_1000"])]
    for declared in settings.declared[:DECLARED_SHOWN]:
        back = {"step_end": 0.0, "step_start": -width, "sweep_start": -step[1]}[declared.counted_from]
        span = (declared.start + back, declared.stop + back)
        if all(abs(span[0] - s[2]) > 1e-6 or abs(span[1] - s[3]) > 1e-6 for s in shown):
            shown.append((declared.name, declared.name, *span))
    return [{"name": n, "label": text, "start": a, "stop": b} for n, text, a, b in shown]
