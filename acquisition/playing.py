"""One sweep: played, recorded, watched and measured while it comes in."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from acquisition.analysis.analyser import MEASURED
from acquisition.events import FrameArrived, Measured, SweepFinished, SweepStarted
from acquisition.guarded import Guarded
from acquisition.rest import hold_at_once
from acquisition.state import Trial
from acquisition.watching import Watch, joined
from acquisition.wishes import fulfil
from protocols.errors import HardwareError, PatchrigError
from protocols.sweeps import Frame, RecordedSweep, Sweep, SweepHeader

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from acquisition.bench import Bench
    from protocols.sweeps import Measurement
    from protocols.waveforms import TtlPulse, Waveform

WATCH = 0.04
"""Seconds of a sweep between looks whether somebody has turned mode or gain: the command is wrong then."""
DISK = 30.0
"""Seconds: the writer gives up after less."""


def play_once(
    bench: Bench, command: Waveform, *, label: str, kind: str, keep: bool, ttl: tuple[TtlPulse, ...]
) -> Trial:
    """Play and record one sweep; see `Bench.play`."""
    watch = Watch(bench.devices.amplifier, bench.gains, every=WATCH)
    watch.look()
    sweep = Sweep(bench.state.sweeps, bench.mode, command, ttl)
    return _Playing(bench, _header(bench, sweep, label, kind), watch, keep=keep).run()


class _Playing:
    """A sweep in the air."""

    def __init__(self, bench: Bench, header: SweepHeader, watch: Watch, *, keep: bool) -> None:
        self._bench, self._header, self._watch, self._keep = bench, header, watch, keep
        self._analyser = Guarded(header, bench.settings)
        self._rows = _recorded_rows(bench)
        self._converted = [(r, c) for r, c in enumerate(header.channels) if keep or c.name in MEASURED]
        """Rows of a frame that become mV or pA here, and their channels."""
        self._kept: list[tuple[int, Mapping[str, NDArray[np.float32]]]] = []
        self._measurements: list[Measurement] = []

    def run(self) -> Trial:
        """Play to the end, or close what there is as incomplete and raise."""
        bench, header = self._bench, self._header
        complete = False
        why: str | None = "interrupted"
        bench.live.tell(SweepStarted(header))
        with bench.lease.waiting("the disk", DISK):
            bench.writer.begin_sweep(header)
        try:
            self._record()
            complete, why = True, None
        except PatchrigError as error:
            if isinstance(error, HardwareError):
                hold_at_once(bench.devices, bench.rig.safe, bench.state.gains)
            else:
                self._watch.broken_off()
            why = str(error)
            raise
        finally:
            self._end(why, complete=complete)
        return self._learned()

    def _record(self) -> None:
        """Pass block after block to the writer first, then to whoever looks."""
        bench, header = self._bench, self._header
        with closing(bench.devices.daq.play(header.sweep, bench.gains)) as frames:
            for whole in frames:
                frame = whole if self._rows is None else Frame(whole.first, whole.counts[self._rows])
                bench.writer.samples(frame)
                bench.live.tell(FrameArrived(frame))
                self._measure(frame)
                fulfil(bench, between_sweeps=False)
                bench.controls.check_within_sweep(header.kind)
                bench.lease.beat()
                self._watch.saw(frame, header.sweep.rate)
        self._watch.look_last(header.sweep.n_samples)

    def _measure(self, frame: Frame) -> None:
        stored = {c.name: c.stored(frame.counts[row]) for row, c in self._converted}
        self._tell(self._analyser.feed(frame.first, stored))
        if self._keep:
            self._kept.append((frame.first, stored))

    def _tell(self, measurements: list[Measurement]) -> None:
        self._measurements += measurements
        if measurements:
            self._bench.live.tell(Measured(tuple(measurements)))

    def _end(self, why: str | None, *, complete: bool) -> None:
        """Close the sweep in the file, whatever became of it."""
        bench, header = self._bench, self._header
        bench.state.level = header.holding
        self._tell(self._analyser.finish(complete=complete))
        bench.writer.end_sweep(complete=complete, reason=why)
        bench.writer.measured(self._measurements)
        bench.live.tell(SweepFinished(header, complete))
        self._log()

    def _log(self) -> None:
        """Write down what the samples do not say: the mode at the sweep's end, what is missing, what went wrong."""
        bench, number = self._bench, self._header.sweep.index
        for kind, text, data in self._watch.told(self._header.sweep, [c.name for c in self._header.channels]):
            bench.log(kind, text, sweep=number, **data)
        if self._analyser.failure:
            bench.log("fault", f"sweep {number} could not be measured: {self._analyser.failure}")
        for words in bench.lease.news():
            bench.log("fault", words)

    def _learned(self) -> Trial:
        """Take over what a whole sweep tells of the cell, and return it."""
        bench, header = self._bench, self._header
        averaged, failed = header.kind == "membrane_test", self._analyser.failure is not None
        bench.vitals.take(self._measurements, averaged=averaged, failed=failed)
        for m in self._measurements:
            if m.name in ("Rm", "Rin") and 10e6 < m.value < 2e9:
                bench.state.membrane_resistance = m.value
        if header.sweep.command.of("step"):
            bench.state.last_burst = header.start
        bench.pump.look()
        recorded = RecordedSweep(header, joined(self._kept)) if self._keep else None
        return Trial(header, tuple(self._measurements), recorded)


def _header(bench: Bench, sweep: Sweep, label: str, kind: str) -> SweepHeader:
    bench.state.sweeps += 1
    channels = bench.devices.daq.channels(bench.gains)
    amplifier, temperature = bench.devices.amplifier.state().as_mapping(), bench.read_temperature()
    return SweepHeader(
        sweep=sweep,
        start=bench.clock.now(),  # last of all: reading the devices takes its time
        label=label,
        kind=kind,
        run=bench.state.runs,
        condition=bench.condition,
        channels=tuple(c for c in channels if c.name in bench.protocol.record.channels),
        holding=sweep.command.holding,
        amplifier=amplifier,
        temperature=temperature,
    )


def _recorded_rows(bench: Bench) -> list[int] | None:
    """Return the rows of the card's frames that the protocol asks for, in the card's order; None for all of them."""
    names = [c.name for c in bench.devices.daq.channels(bench.gains)]
    rows = [i for i, name in enumerate(names) if name in bench.protocol.record.channels]
    return None if len(rows) == len(names) else rows
