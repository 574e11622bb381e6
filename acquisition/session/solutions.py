"""The epochs of the session: which solution was applied when, and when it arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acquisition.session import layout
from acquisition.session.objects import Table

if TYPE_CHECKING:
    from protocols.sweeps import LogEntry


class SolutionEpochs:
    """Turns log entries of kind 'solution' into intervals; each is written when it has ended."""

    def __init__(self, file: Any) -> None:
        """No solution yet."""
        self._table = Table(file, layout.EPOCHS)
        self._present: LogEntry | None = None

    def see(self, entry: LogEntry) -> None:
        """Take note of a change of solution; other entries are none of our business."""
        if entry.kind != "solution":
            return
        self.end(float(entry.data.get("switched", entry.time)))
        self._present = entry

    def end(self, time: float) -> None:
        """End the present solution's intervals at `time`."""
        if self._present is None:
            return
        entry, self._present = self._present, None
        switched = float(entry.data.get("switched", entry.time))
        arrives = min(float(entry.data.get("arrives", switched)), time)
        self._add(entry, "dead time", switched, arrives)
        self._add(entry, "in bath", arrives, time)

    def write(self) -> None:
        """Write what waits."""
        self._table.write()

    def _add(self, entry: LogEntry, phase: str, start: float, stop: float) -> None:
        if stop > start:
            label, line = str(entry.data.get("label", entry.text)), str(entry.data.get("line", ""))
            self._table.add(
                start_time=start, stop_time=stop, label=label, phase=phase, line=line, tags=[f"{phase}: {label}"]
            )
