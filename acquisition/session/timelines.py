"""Series of single moments: the log, the bath's temperature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.session import layout
from acquisition.session.headers import entry_text
from acquisition.session.objects import (
    SMALL_CHUNK,
    extend,
    put_data_attributes,
    put_rate,
    put_timestamps,
    scratch,
    texts,
    typed,
)

if TYPE_CHECKING:
    from protocols.sweeps import LogEntry


class LogSeries:
    """The log twice: as sentences on the time axis for any NWB program, as JSON with all particulars for ours."""

    def __init__(self, file: Any) -> None:
        """Nothing yet: an empty series would be a fault in the file."""
        self._file = file
        self._waiting: list[LogEntry] = []

    def add(self, entry: LogEntry) -> None:
        """Add a line; it waits in memory."""
        self._waiting.append(entry)

    def write(self) -> None:
        """Write what waits."""
        if not self._waiting:
            return
        if layout.LOG not in self._file:
            self._create()
        entries, self._waiting = self._waiting, []
        extend(self._file[f"{layout.LOG}/timestamps"], [e.time for e in entries])
        extend(self._file[f"{layout.LOG}/data"], texts([e.text or e.kind for e in entries]))
        extend(self._file[layout.LOG_ENTRIES], [entry_text(e) for e in entries])

    def _create(self) -> None:
        series = typed(
            self._file.create_group(layout.LOG),
            "AnnotationSeries",
            description="What happened, one sentence per event; particulars are in /scratch/log_entries",
            comments="no comments",
        )
        data = series.create_dataset("data", (0,), maxshape=(None,), chunks=(SMALL_CHUNK,), dtype=layout.TEXT)
        put_data_attributes(data, unit="n/a")
        put_timestamps(series)
        scratch(self._file, layout.LOG_ENTRIES, "JSON per event: time (s), kind, text, particulars in SI")


class TemperatureSeries:
    """Readings of the bath, degC, at the times they were made."""

    def __init__(self, file: Any) -> None:
        """Nothing yet."""
        self._file = file
        self._waiting: list[tuple[float, float]] = []
        self._last = -np.inf

    def add(self, time: float, value: float) -> None:
        """Add a reading; a second one at the same moment says nothing new and is left out."""
        if time > self._last:
            self._waiting.append((time, value))
            self._last = time

    def write(self) -> None:
        """Write what waits."""
        if not self._waiting:
            return
        if layout.TEMPERATURE not in self._file:
            self._create()
        times, values = zip(*self._waiting, strict=True)
        self._waiting.clear()
        extend(self._file[f"{layout.TEMPERATURE}/timestamps"], times)
        extend(self._file[f"{layout.TEMPERATURE}/data"], values)

    def settle(self) -> None:
        """Say start and rate instead of times if the readings turned out to be regular, as NWB's inspector asks."""
        if layout.TEMPERATURE not in self._file:
            return
        series = self._file[layout.TEMPERATURE]
        times = series["timestamps"][:]
        if len(times) > 2 and len(np.unique(np.diff(times).round(9))) == 1:
            del series["timestamps"]
            put_rate(series, times[0], (len(times) - 1) / (times[-1] - times[0]))

    def _create(self) -> None:
        series = typed(
            self._file.create_group(layout.TEMPERATURE),
            "TimeSeries",
            description="Temperature of the bath",
            comments="no comments",
        )
        data = series.create_dataset("data", (0,), maxshape=(None,), chunks=(SMALL_CHUNK,), dtype="<f8")
        put_data_attributes(data, unit="degC")
        put_timestamps(series)
