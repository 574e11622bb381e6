"""A synthetic session, recorded through the public writer; what the tests of the session file look at."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from acquisition.session.head import SessionHead
from config.loading import load_rig
from protocols.loading import load_protocol, read_text
from protocols.sweeps import (
    Channel,
    ClampMode,
    Frame,
    LogEntry,
    Measurement,
    RecordedSweep,
    Sweep,
    SweepHeader,
)
from protocols.waveforms import TtlPulse, Waveform, pulse_train, step_sweep

if TYPE_CHECKING:
    from acquisition.session.writer import SessionWriter

ROOT = Path(__file__).parents[2]
PROTOCOL = ROOT / "protocols/library/sahp_l_type_block.yaml"
RIG = ROOT / "config/rigs/simulated.yaml"
RATE = 20_000.0

CURRENT = Channel("primary", "V", (1.25e-4, 10 / 32768 / 50, 3e-16))
CURRENT_MONITOR = Channel("secondary", "A", (0.0, 10 / 32768 * 1e-9))
VOLTAGE = Channel("primary", "A", (2e-13, 10 / 32768 * 1e-9))
VOLTAGE_MONITOR = Channel("secondary", "V", (0.0, 10 / 32768 / 10))
CHANNELS = {
    ClampMode.CURRENT: (CURRENT, CURRENT_MONITOR),
    ClampMode.VOLTAGE: (VOLTAGE, VOLTAGE_MONITOR),
    ClampMode.ZERO: (CURRENT, CURRENT_MONITOR),
}
AMPLIFIER = {
    ClampMode.CURRENT: {
        "mode": "current clamp",
        "primary_gain": 50.0,
        "low_pass": 4e3,
        "bridge_balance": 12.3e6,
        "capacitance_compensation": 4e-12,
    },
    ClampMode.VOLTAGE: {
        "mode": "voltage clamp",
        "primary_gain": 1e9,
        "low_pass": 4e3,
        "whole_cell_capacitance": 81e-12,
        "whole_cell_series_resistance": 12e6,
        "resistance_correction": 0.6,
        "resistance_prediction": 0.5,
    },
    ClampMode.ZERO: {"mode": "zero current", "primary_gain": 50.0, "low_pass": 4e3},
}


PULSED = (TtlPulse("camera", 0, 40), TtlPulse("stimulator", 100, 120), TtlPulse("camera", 200, 240))


def make_head(**changes: object) -> SessionHead:
    facts = {
        "protocol": load_protocol(PROTOCOL),
        "protocol_text": read_text(PROTOCOL),
        "rig": load_rig(RIG),
        "rig_text": read_text(RIG),
        "identifier": str(uuid.uuid4()),
        "session_id": "20260102T101112-cell1",
        "started": datetime(2026, 1, 2, 10, 11, 12, 345678, tzinfo=UTC),
        "experimenter": ("Doe, Jane",),
        "subject_id": "R17",
        "cell_id": "R17-c1",
        "seed": 7,
        "software": {"patchrig": "0.1.0", "numpy": "2.0"},
    }
    return SessionHead(**(facts | changes))


def make_header(index: int, command: Waveform, mode: ClampMode, **changes: object) -> SweepHeader:
    facts = {
        "sweep": Sweep(index, mode, command),
        "start": 30.0 * index + 0.1,
        "label": "baseline",
        "kind": "series",
        "run": 1,
        "condition": "ACSF + 0.01 % DMSO",
        "channels": CHANNELS[mode],
        "holding": command.holding,
        "amplifier": AMPLIFIER[mode],
        "temperature": 30.0 + 0.01 * index**2,
    }
    return SweepHeader(**(facts | changes))


def make_counts(header: SweepHeader, n: int | None = None) -> np.ndarray:
    """All of int16's range appears, so that scaling is tried everywhere."""
    n = header.sweep.n_samples if n is None else n
    noise = np.random.default_rng(header.sweep.index).integers(-40, 40, (len(header.channels), n))
    ramp = np.linspace(-32700, 32700, n)
    return (ramp + noise).astype(np.int16)


def burst(amplitude: float = 300e-12, seconds: float = 0.5) -> Waveform:
    pulse = (-50e-12, 0.05, 0.1)
    return step_sweep(
        RATE, holding=-35e-12, before=0.1, width=0.15, after=seconds, amplitude=amplitude, test_pulse=pulse
    )


def hold(seconds: float = 3.0) -> Waveform:
    return pulse_train(RATE, holding=-70e-3, duration=seconds, amplitude=-5e-3, width=0.05, every=1.0)


def measures(index: int, time: float) -> list[Measurement]:
    return [
        Measurement("A_1000", -2.1e-3 + index * 1e-6, "V", index, time + 1.0, (1.2, 1.3), (), "sahp 1.0"),
        Measurement("n_ap", 3.0, "1", index, time + 0.2, None, ("ap_count", "late_spikes"), "sahp 1.0"),
        Measurement("Rin", 101e6, "Ohm", index, time + 2.0, (0.1, 0.2), (), "sahp 1.0"),
        Measurement("D50", float("nan"), "s", index, time, (0.25, 0.5), ("window_incomplete",), "sahp 1.0"),
    ]


@dataclass
class Recorder:
    """Records through the public writer, and keeps what live analysis would have seen."""

    writer: SessionWriter
    live: dict[int, RecordedSweep] = field(default_factory=dict)
    measured: list[Measurement] = field(default_factory=list)
    entries: list[LogEntry] = field(default_factory=list)

    def play(
        self, header: SweepHeader, *, n: int | None = None, block: int = 400, gap: tuple[int, int] = (0, 0)
    ) -> None:
        counts, index = make_counts(header, n), header.sweep.index
        complete = n is None
        if header.temperature is not None:
            self.writer.temperature(header.start, header.temperature)
        self.writer.begin_sweep(header)
        for first in range(0, counts.shape[1], block):
            if not gap[0] <= first < gap[1]:
                self.writer.samples(Frame(first, counts[:, first : first + block]))
        self.writer.end_sweep(complete=complete, reason=None if complete else "stopped by the person")
        stored = {c.name: c.stored(row) for c, row in zip(header.channels, counts, strict=True)}
        for values in stored.values():
            values[gap[0] : gap[1]] = np.nan
        self.live[index] = RecordedSweep(header, stored, complete)

    def measure(self, measurements: list[Measurement]) -> None:
        self.measured += measurements
        self.writer.measured(measurements)

    def say(self, time: float, kind: str, text: str, **data: object) -> None:
        self.entries.append(LogEntry(time, kind, text, data))
        self.writer.log(self.entries[-1])

    def solution(self, time: float, label: str, line: str, dead_time: float) -> None:
        facts = {"solution": line, "label": label, "line": line, "switched": time, "arrives": time + dead_time}
        self.say(time, "solution", f"{label} on line {line}", **facts)


def record(writer: SessionWriter) -> Recorder:
    """A small session with one of everything: hold, I=0, bursts, drug, a gap, an aborted sweep, one without samples."""
    r = Recorder(writer)
    vc, cc, zero = ClampMode.VOLTAGE, ClampMode.CURRENT, ClampMode.ZERO
    control, drug = "ACSF + 0.01 % DMSO", "(Rac)-MEM 1003 1 µM"
    r.solution(0.0, control, "control", 0.0)
    r.play(make_header(0, hold(), vc, label="hold -70 mV", kind="hold"))
    r.measure(
        [Measurement("Rs", 14.2e6, "Ohm", 0, 1.0 + k, (k, k + 0.05), (), "membrane 1.0") for k in (0.0, 1.0, 2.0)]
    )
    r.play(make_header(1, Waveform(RATE, 2000, 0.0), zero, label="rest", kind="switch_to", run=2, temperature=None))
    for i in range(2, 6):
        r.play(make_header(i, burst(), cc, run=3, sweep=Sweep(i, cc, burst(), PULSED if i > 3 else ())))
        r.measure(measures(i, 30.0 * i))
    r.say(175.0, "rejected", "sweep 4: 2 spikes", sweep=4, reason="2 spikes")
    r.solution(176.0, drug, "drug", 45.0)
    r.say(177.0, "note", "slice turned; Übergang µ", who="Jane", values=[1, 2.5, None])
    r.play(make_header(6, burst(), cc, run=4, label="drug", condition=f"{drug} (arriving)"), gap=(800, 1600))
    r.play(make_header(7, burst(325e-12), cc, run=4, label="drug", condition=f"{drug} (arriving)"))
    r.play(make_header(8, burst(), cc, run=4, label="drug", condition=drug), n=4321, block=500)
    r.play(make_header(9, burst(), cc, run=4, label="drug", condition=drug), n=0)
    r.say(300.0, "end", "stopped by the person", reason="stopped by the person")
    writer.close("stopped by the person")
    return r
