"""Measures of a voltage-clamp sweep: what each test pulse says of patch and cell.

A hold lasts minutes, so only the stretch around the present pulse is kept. A membrane test is measured on the mean
of its pulses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquisition.analysis import membrane
from acquisition.analysis.rows import INCOMPLETE, NAN, Rows, Trace
from protocols.waveforms import samples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from protocols.sweeps import Measurement, SweepHeader
    from protocols.waveforms import Pulse

ANALYSER = "membrane 2.0"
REST = 0.050
"""Seconds before a pulse from which the holding current is taken, where there is room for them."""
AVERAGED = "membrane_test"
"""The kind of sweep whose pulses are averaged."""
WATCHED, NO_CELL = "approach", ("bath", "patch")
"""The kind of sweep in which a pipette is watched, and its labels while there is no cell on it to have a membrane."""
WITHOUT_CELL = ("R_total", "I_hold")
"""Measures of those."""


class VoltageClamp:
    """Measures one voltage-clamp sweep."""

    def __init__(self, header: SweepHeader) -> None:
        """Lay out the windows, one per test pulse."""
        self._header, self._rows = header, Rows(header, ANALYSER)
        self._rate = header.sweep.rate
        self._channel = next(c for c in header.channels if c.name == "primary")
        corner = header.amplifier.get("low_pass")
        self._delay = membrane.bessel_delay(corner if isinstance(corner, float) else None)
        pulses = header.sweep.command.of("test_pulse")
        self._rest = self._room(pulses)
        self._pulses = list(pulses)
        self._average = bool(pulses) and header.kind == AVERAGED
        self._is_alone = header.kind == WATCHED and header.label in NO_CELL
        self._sum: NDArray[np.float64] | None = None
        self._wrong: str | None = None
        self._first = pulses[0] if pulses else None
        self._count = len(pulses)
        self._trace: Trace | None = None

    def feed(self, first: int, stored: NDArray[np.float32]) -> list[Measurement]:
        """Take a block of the primary output, (samples,) pA, and return what became final with it."""
        made: list[Measurement] = []
        while self._pulses and first + len(stored) > self._pulses[0].start - self._rest:
            pulse, trace = self._pulses[0], self._present()
            trace.add(first, stored)
            if trace.have < pulse.stop:
                break
            made += self._one(pulse, trace)
            self._pulses.pop(0)
            self._trace = None
        return made

    def finish(self) -> list[Measurement]:
        """Return the rest: pulses that never became complete are NaN."""
        made: list[Measurement] = []
        while self._pulses:
            made += self._one(self._pulses[0], self._present())
            self._pulses.pop(0)
            self._trace = None
        return made

    def _room(self, pulses: tuple[Pulse, ...]) -> int:
        """Return the samples of rest taken before each pulse: half of the shortest gap at most."""
        ends = [0, *(p.stop for p in pulses)]
        gaps = [p.start - end for p, end in zip(pulses, ends, strict=False)]
        return min([samples(REST, self._rate), *(g // 2 for g in gaps)])

    def _present(self) -> Trace:
        if self._trace is None:
            pulse = self._pulses[0]
            first = pulse.start - self._rest
            self._trace = Trace(self._channel, first, pulse.stop - first)
        return self._trace

    def _one(self, pulse: Pulse, trace: Trace) -> Iterator[Measurement]:
        current, wrong = trace.window(pulse.start - self._rest, pulse.stop)
        if not self._average:
            return self._measured(current, wrong, pulse, pulse.start - self._rest)
        return self._averaged(current, wrong, pulse)

    def _averaged(self, current: NDArray[np.float64], wrong: str | None, pulse: Pulse) -> Iterator[Measurement]:
        """Add a pulse to the mean, and measure it with the last."""
        self._wrong = self._wrong or wrong
        if self._wrong is None:
            self._sum = current.copy() if self._sum is None else self._sum + current
        if len(self._pulses) == 1 and self._first is not None:
            mean = np.empty(0) if self._sum is None else self._sum / self._count
            yield from self._measured(mean, self._wrong, pulse, self._first.start - self._rest)

    def _measured(
        self, current: NDArray[np.float64], wrong: str | None, pulse: Pulse, first: int
    ) -> Iterator[Measurement]:
        span = (first, pulse.stop)
        if wrong is None and not self._rest:
            wrong = INCOMPLETE
        if wrong is None:
            found = membrane.measure_pulse(
                current, self._rate, onset=self._rest, step=pulse.amplitude, delay=self._delay
            )
        else:
            found = membrane.Pulse(NAN, NAN, NAN, NAN, NAN)
        flags = (wrong,) if wrong else () if np.isfinite(found.access) else ("no_fit",)
        for name, value, unit in (
            ("Rs", found.access, "Ohm"),
            ("Rs_peak", found.access_peak, "Ohm"),
            ("Rs_charge", found.access_charge, "Ohm"),
            ("Rm", found.membrane, "Ohm"),
            ("Cm", found.capacitance, "F"),
            ("R_total", found.total, "Ohm"),
            ("I_hold", found.holding, "A"),
        ):
            if not self._is_alone or name in WITHOUT_CELL:
                yield self._rows.row(name, value, unit, span, () if np.isfinite(value) else flags)
