"""The simulated cells of `benchmarks.study`: who they are, what they truly do, and their session files.

A cell has a slow AHP (peak and decay drawn for it), a medium AHP, run-down, and in the drug group a block of its own
size. Between cells the spread is the published one (Oh et al. 1999, aging rabbit CA1): CV of the amplitude 38 %, of the
area 77 %, of the duration 42 %. Sweeps of a cell resemble their neighbours, and the membrane fluctuates slowly.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
from scipy.signal import lfilter

from acquisition.analysis.analyser import Settings, SweepAnalyser
from acquisition.session.head import SessionHead
from acquisition.session.writer import SessionWriter
from config.loading import load_rig
from protocols.loading import load_text, read_text
from protocols.protocol import Protocol
from protocols.sweeps import Channel, ClampMode, Frame, LogEntry, Measurement, Sweep, SweepHeader
from protocols.waveforms import step_sweep
from tests.session.synthetic import AMPLIFIER, PROTOCOL, RIG

if TYPE_CHECKING:
    from pathlib import Path

    from acquisition.session.recording import SweepRecording
    from protocols.waveforms import Waveform

MV, PA = 1e-3, 1e-12
RATE = 10_000.0
COUNTS = Channel("primary", "V", (0.0, 0.2 / 32768))
REST, SPIKE, STEP, HOLDING, TEST = -60 * MV, 85 * MV, 300 * PA, 60 * PA, -50 * PA
SPIKE_TIMES = (0.020, 0.050, 0.085, 0.125)
"""From the step's start, s."""
RIN, CHARGING = 80e6, 0.020
MEDIUM, MEDIUM_FALL = 1.5 * MV, 0.060
RISE = 0.150

AMPLITUDE, AMPLITUDE_CV = 4.7 * MV, 0.38
FALL, FALL_CV = 1.05, 0.42
TOGETHER = 0.90
"""Correlation of the logarithms of amplitude and decay; with it the area has the published CV of 77 %."""
RUN_DOWN, RUN_DOWN_SD = 0.08, 0.04
"""Rate of the exponential loss of the slow AHP, per 10 min."""
BLOCK, BLOCK_SD = 0.35, 0.12
"""Part of the slow AHP that the drug takes."""
SWEEP_SD, SWEEP_MEMORY = 0.06, 0.3
"""Relative fluctuation of the AHP from sweep to sweep and its lag-one correlation."""
SLOW, SLOW_TIME, WHITE = 0.243 * MV, 0.1, 0.1 * MV
"""Membrane noise, and noise of the electrode."""
NULL_SD = 0.25 * MV
"""Of A_1000 in a cell without AHP, with that noise."""

EVERY, SWEEPS = 30.0, 10
"""Seconds between sweeps; sweeps in each solution."""
SWITCH, DEAD_TIME, WAIT = 305.0, 45.0, 600.0
"""When the valve turns, when the drug arrives after that, and how long is waited then; s."""
BASELINE_TIMES = 1.0 + EVERY * np.arange(SWEEPS)
TEST_TIMES = SWITCH + DEAD_TIME + WAIT + EVERY * np.arange(SWEEPS)
CONTROL, DRUG, VEHICLE = "ACSF + 0.01 % DMSO", "(Rac)-MEM 1003 1 µM", "vehicle: ACSF + 0.01 % DMSO"


@dataclass(frozen=True)
class CellTruth:
    """What one cell truly does."""

    amplitude: float
    """Peak of the slow AHP at the start, V."""
    fall: float
    """Its decay, s."""
    run_down: float
    """Per 10 min."""
    block: float
    """0 without drug."""


# --- the population ---------------------------------------------------------------------------------------------------


def lognormal(mean: float, cv: float) -> tuple[float, float]:
    """Return mean and SD of the logarithm."""
    variance = np.log1p(cv**2)
    return float(np.log(mean) - variance / 2), float(np.sqrt(variance))


def draw(random: np.random.Generator, *, has_effect: bool) -> CellTruth:
    """Draw a cell from the population."""
    z = random.standard_normal(4)
    amplitude, fall = _amplitude_and_fall(z[0], z[1])
    block = BLOCK + BLOCK_SD * z[3] if has_effect else 0.0
    return CellTruth(float(amplitude), float(fall), RUN_DOWN + RUN_DOWN_SD * float(z[2]), float(block))


def _amplitude_and_fall(z: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = lognormal(AMPLITUDE, AMPLITUDE_CV), lognormal(FALL, FALL_CV)
    return np.exp(a[0] + a[1] * z), np.exp(b[0] + b[1] * (TOGETHER * z + np.sqrt(1 - TOGETHER**2) * w))


def slow_ahp(t: np.ndarray, fall: np.ndarray | float) -> np.ndarray:
    """Return the slow AHP `t` seconds after the step for a peak of 1, positive."""
    return np.where(t > 0, (np.exp(-t / fall) - np.exp(-t / RISE)) / _top(fall), 0.0)


def _top(fall: np.ndarray | float) -> np.ndarray | float:
    """Return the largest difference of the two exponentials."""
    ratio = RISE / fall
    return ratio ** (ratio / (1 - ratio)) - ratio ** (1 / (1 - ratio))


def _until(t: float, fall: np.ndarray) -> np.ndarray:
    """Return the integral of the two exponentials from 0 to `t`."""
    return fall * -np.expm1(-t / fall) - RISE * -np.expm1(-t / RISE)


@dataclass(frozen=True)
class Population:
    """Exact expectations over all cells that could be drawn, by Gauss-Hermite quadrature."""

    a_1000: float
    """Mean of A_1000 at the start, V."""
    effect: float
    """(drug - baseline) - (vehicle - baseline) of A_1000, V."""
    area_effect: float
    """The same of S_fix, V s."""
    percent: float
    """That of each cell's change of A_1000 in % of its baseline."""
    run_down: float
    """Mean change of a vehicle cell from baseline to test, %."""
    spreads: dict[str, float]
    """CV of amplitude, decay, whole area and A_1000 between cells."""


@cache
def population() -> Population:
    """Return the truth that the studies are to find.

    The AHP, its run-down and its block are drawn independently of each other, so that the mean effect is the product of
    mean A_1000, mean block and the mean of what run-down leaves at the time of the test sweeps.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()
    z, w = np.meshgrid(nodes, nodes, indexing="ij")
    both = np.outer(weights, weights)
    amplitude, fall = _amplitude_and_fall(z, w)
    window = 0.95 + (np.arange(1000) + 0.5) / 1e4
    a_1000 = -amplitude * np.mean([slow_ahp(t, fall) for t in window], axis=0)
    area = amplitude * (fall - RISE) / _top(fall)
    rates = RUN_DOWN + RUN_DOWN_SD * nodes
    before = np.array([left(r, BASELINE_TIMES).mean() for r in rates])
    after = np.array([left(r, TEST_TIMES).mean() for r in rates])
    mean, kept = float((both * a_1000).sum()), float(weights @ after)
    fixed = amplitude * (_until(2.0, fall) - _until(0.01, fall)) / _top(fall)
    return Population(
        mean,
        -mean * BLOCK * kept,
        float((both * fixed).sum()) * BLOCK * kept,
        -100 * BLOCK * float(weights @ (after / before)),
        100 * float(weights @ (after / before) - 1),
        {k: _cv(v, both) for k, v in {"peak": amplitude, "decay": fall, "area": area, "A_1000": a_1000}.items()},
    )


def _cv(values: np.ndarray, weights: np.ndarray) -> float:
    mean = (weights * values).sum()
    return float(np.sqrt((weights * (values - mean) ** 2).sum()) / abs(mean))


def left(run_down: float, at: np.ndarray) -> np.ndarray:
    """Return what run-down leaves of the slow AHP at seconds of the session."""
    return np.exp(-run_down * at / 600)


# --- the sweeps -------------------------------------------------------------------------------------------------------


@cache
def command() -> Waveform:
    """Return the command of every sweep."""
    return step_sweep(
        RATE, holding=HOLDING, before=1.5, width=0.15, after=6.35, amplitude=STEP, test_pulse=(TEST, 0.3, 0.8)
    )


@cache
def _since() -> np.ndarray:
    """Return seconds from the step's end."""
    return np.arange(command().n_samples) / RATE - command().of("step")[0].stop / RATE


@cache
def _same_in_all() -> np.ndarray:
    """Return what every sweep has: rest, charging, spikes, medium AHP, test pulse; V."""
    t = np.arange(command().n_samples) / RATE
    v = np.full(len(t), REST)
    for pulse in command().pulses:
        size = pulse.amplitude * RIN * (0.5 if pulse.role == "step" else 1.0)
        for edge, sign in ((pulse.start, 1), (pulse.stop, -1)):
            after = np.maximum(t - edge / RATE, 0)
            v += sign * size * -np.expm1(-after / CHARGING)
    for at in SPIKE_TIMES:
        away = t - command().of("step")[0].start / RATE - at
        v += SPIKE * np.exp(-0.5 * (away / np.where(away < 0, 0.3e-3, 0.6e-3)) ** 2)
    after = np.maximum(_since(), 0)
    v -= np.where(_since() > 0, MEDIUM * (np.exp(-after / MEDIUM_FALL) - np.exp(-after / 0.005)), 0)
    return v


def _noise(random: np.random.Generator) -> np.ndarray:
    """Return one sweep's noise, V; its slow part is drawn at 1 kHz."""
    n, coarse = command().n_samples, 1000
    keep = np.exp(-1 / (SLOW_TIME * coarse))
    draws = random.standard_normal(round(n / RATE * coarse) + 2)
    draws[1:] *= np.sqrt(1 - keep**2)
    slow = lfilter([SLOW], [1, -keep], draws)
    white = random.standard_normal(n, dtype=np.float32)
    return np.interp(np.arange(n) * (coarse / RATE), np.arange(len(slow)), slow) + WHITE * white


def sizes(cell: CellTruth, random: np.random.Generator) -> np.ndarray:
    """Return the peak of the slow AHP of every sweep, V: baseline, then test."""
    times = np.concatenate([BASELINE_TIMES, TEST_TIMES])
    draws = random.standard_normal(len(times))
    draws[1:] *= np.sqrt(1 - SWEEP_MEMORY**2)
    fluctuation = 1 + SWEEP_SD * lfilter([1.0], [1.0, -SWEEP_MEMORY], draws)
    kept = np.where(times >= TEST_TIMES[0], 1 - cell.block, 1.0)
    return cell.amplitude * left(cell.run_down, times) * kept * fluctuation


def means(cell: CellTruth, random: np.random.Generator | None = None) -> tuple[float, float]:
    """Return A_1000 over the baseline and over the test sweeps, V: true, or as noisy sweeps without files give it."""
    times = np.concatenate([BASELINE_TIMES, TEST_TIMES])
    true = cell.amplitude * left(cell.run_down, times) * np.where(times >= TEST_TIMES[0], 1 - cell.block, 1.0)
    window = 0.95 + (np.arange(100) + 0.5) / 1000
    at_one = -float(slow_ahp(window, cell.fall).mean())
    a = at_one * (true if random is None else sizes(cell, random))
    if random is not None:
        a = a + random.normal(0, NULL_SD, len(a))
    return float(a[:SWEEPS].mean()), float(a[SWEEPS:].mean())


# --- the files --------------------------------------------------------------------------------------------------------


@cache
def _facts(*, is_drug: bool) -> tuple[dict, Settings]:
    """Return the head's protocol and rig, and the analysis' settings. A vehicle has no compound."""
    text = read_text(PROTOCOL).replace("sampling: 20 kHz", "sampling: 10 kHz")
    if not is_drug:
        lines = [x for x in text.splitlines(keepends=True) if not x.lstrip().startswith("compound:")]
        text = "".join(lines).replace(f"label: {DRUG}", f"label: '{VEHICLE}'")
    protocol = load_text(text, "study", Protocol)
    rig = {"rig": load_rig(RIG), "rig_text": read_text(RIG)}
    return {"protocol": protocol, "protocol_text": text, **rig}, Settings.of(protocol)


def write_cell(folder: Path, name: str, cell: CellTruth, seed: tuple[int, ...], *, is_drug: bool) -> Path:
    """Write the session of one cell, every sweep measured as in a live run, and return its path."""
    random = np.random.default_rng(seed)
    facts, settings = _facts(is_drug=is_drug)
    named = {"subject_id": name, "cell_id": f"{name}-c1", "session_id": f"s-{name}"}
    identity = str(UUID(bytes=random.bytes(16), version=4))
    started = datetime(2026, 1, 2, 10, 0, 0, tzinfo=UTC)
    head = SessionHead(**facts, **named, identifier=identity, started=started, seed=seed[-1])
    path, label = folder / f"{name}.nwb", DRUG if is_drug else VEHICLE
    shape, made = slow_ahp(_since(), cell.fall), list[Measurement]()
    with AtOnce(path, head) as writer:
        writer.log(_solution(0.0, CONTROL, "control", 0.0))
        for i, size in enumerate(sizes(cell, random)):
            if i == SWEEPS:
                writer.log(_solution(SWITCH, label, "drug", DEAD_TIME))
            v = _same_in_all() - size * shape + _noise(random)
            made += _play(writer, _header(i, label), v, settings)
        writer.measured(made)
    return path


class AtOnce(SessionWriter):
    """Writes its tables once, at the end, and without NWB's five tables of recordings, which `compare` does not read.

    The many small commits of a run would take most of the time.
    """

    _is_ending = False

    def close(self, reason: str = "finished") -> None:
        """End the session and write the tables."""
        self._is_ending = True
        super().close(reason)

    def _add_to_tables(self, done: SweepRecording, *, complete: bool) -> None:
        pass

    def _write_waiting(self) -> None:
        if self._is_ending:
            super()._write_waiting()


def _solution(time: float, label: str, line: str, dead_time: float) -> LogEntry:
    facts = {"solution": line, "label": label, "line": line, "switched": time, "arrives": time + dead_time}
    return LogEntry(time, "solution", f"{label} on line {line}", facts)


def _header(i: int, label: str) -> SweepHeader:
    is_baseline = i < SWEEPS
    return SweepHeader(
        Sweep(i, ClampMode.CURRENT, command()),
        float(BASELINE_TIMES[i] if is_baseline else TEST_TIMES[i - SWEEPS]),
        "baseline" if is_baseline else "drug",
        "series",
        1 if is_baseline else 2,
        CONTROL if is_baseline else label,
        (COUNTS,),
        HOLDING,
        AMPLIFIER[ClampMode.CURRENT],
        30.0,
    )


def _play(writer: SessionWriter, header: SweepHeader, v: np.ndarray, settings: Settings) -> list[Measurement]:
    counts = np.round(v / COUNTS.coefficients[1]).astype(np.int16)[None]
    writer.begin_sweep(header)
    writer.samples(Frame(0, counts))
    writer.end_sweep()
    analyser = SweepAnalyser(header, settings)
    made = analyser.feed(0, {"primary": COUNTS.stored(counts[0])})
    return [*made, *analyser.finish(complete=True)]
