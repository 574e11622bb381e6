"""Perfusion valves on the card's digital lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from nidaqmx.constants import LineGrouping
from nidaqmx.errors import Error
from nidaqmx.stream_writers import DigitalMultiChannelWriter

from config.ni import DigitalValvesOptions, options_of
from drivers.base import Perfusion
from drivers.ni.connection import VALVES, Connection, connection
from drivers.ni.failures import ours
from protocols.errors import HardwareError

if TYPE_CHECKING:
    from config.rig import PerfusionEntry
    from drivers.build import Context

ANSWER_WITHIN = 2.0
"""Seconds."""


class DigitalValves(Perfusion):
    """One valve per digital line; all lines are written at once, so that one is open at any time.

    The lines keep their levels when the program ends; the levels say what was commanded, not what a valve did.
    """

    def __init__(self, entry: PerfusionEntry, way: Connection, *, line: str) -> None:
        """Take the rig's lines; `line` is opened when the device is."""
        super().__init__(tuple(entry.lines), float(entry.dead_time))
        self.name = "perfusion"
        self._way, self._first, self._selected = way, line, line
        if without := [name for name, e in entry.lines.items() if not e.pin]:
            raise HardwareError(self.name, f"no digital line is named for {', '.join(without)} ('pin: port0/line0')")
        self._pins = tuple(way.pin(e.pin or "") for e in entry.lines.values())
        self._opens_high = tuple(e.opens == "high" for e in entry.lines.values())

    def selected(self) -> str:
        """Return the line that was opened last."""
        return self._selected

    def _open(self) -> None:
        """Open the first line: what the lines are at is not known until they are written."""
        self._way.join(self.name)
        try:
            self._select(self._first)
        except BaseException:
            self._way.leave(self.name)
            raise

    def _close(self) -> None:
        self._way.leave(self.name)

    def _select(self, line: str) -> None:
        levels = [(name == line) == high for name, high in zip(self.lines, self._opens_high, strict=True)]
        task = self._way.task(VALVES)
        try:
            with ours(self.name, VALVES, self._pins):
                task.do_channels.add_do_chan(", ".join(self._pins), line_grouping=LineGrouping.CHAN_PER_LINE)
                writer = DigitalMultiChannelWriter(task.out_stream, auto_start=True)
                writer.write_one_sample_one_line(np.array(levels), ANSWER_WITHIN)
        finally:
            self._clear(task)
        self._selected = line

    @staticmethod
    def _clear(task: object) -> None:
        try:
            task.close()  # type: ignore[attr-defined]
        except Error:
            return


def perfusion(context: Context) -> DigitalValves:
    """Return the valves of the rig file; the safe line is opened first."""
    entry = context.rig.perfusion
    options_of("perfusion", DigitalValvesOptions, entry.options)
    return DigitalValves(entry, context.shared(connection), line=context.rig.safe.line)
