"""The evoked burst: how many action potentials, their shape and intervals, and the electrode at the step's edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquisition.analysis import membrane
from acquisition.analysis.in_progress import AFTER_SPIKE, AP_COUNT, FOOT, NO_SPIKES
from acquisition.analysis.rows import INCOMPLETE, NAN
from acquisition.analysis.spikes import onset
from protocols.waveforms import samples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acquisition.analysis.in_progress import Stage, SweepInProgress
    from acquisition.analysis.spikes import Spike
    from protocols.sweeps import Measurement

FAST = 5e-3
"""The fast AHP is the lowest potential within this after the peak."""
SIMKIN = 5.0
"""Slope of threshold after Simkin et al. 2021 (10.7554/eLife.64434), V/s."""
IPFX = 0.05
"""Slope of threshold as a part of the mean steepest upstroke, as IPFX has it."""
SHAPE = {
    "ap_threshold": "V",
    "ap_threshold_5": "V",
    "ap_threshold_5_percent": "V",
    "ap_peak": "V",
    "ap_height": "V",
    "ap_half_width": "s",
    "ap_upstroke": "V/s",
    "ap_downstroke": "V/s",
    "fAHP": "V",
    "ap_latency": "s",
}
"""Measures of the first action potential, and their units."""
INTERVALS = {"isi_first": "s", "isi_last": "s", "isi_ratio": "1", "adaptation": "1"}


def stages(sweep: SweepInProgress) -> Iterator[Stage]:
    """Yield the stages: soon after the step, after the test pulses, and at the sweep's end."""
    yield sweep.due(sweep.off + sweep.n(AFTER_SPIKE)), lambda: _burst(sweep)
    if sweep.tests:
        settled = sweep.n(membrane.JUMP[1] + sweep.delay + FOOT) + 1
        yield sweep.due(sweep.tests[-1].stop + settled), lambda: _electrode_late(sweep)
    yield sweep.n_samples, lambda: _late(sweep)


def _burst(sweep: SweepInProgress) -> Iterator[Measurement]:
    end = sweep.off + sweep.n(AFTER_SPIKE)
    span, before = (sweep.on, end), (0, sweep.on)
    _, wrong = sweep.trace.window(*span)
    if wrong == INCOMPLETE:
        sweep.found.burst_flags = (INCOMPLETE,)
        yield sweep.rows.row("n_ap", NAN, "1", span, [INCOMPLETE])
        yield sweep.rows.row("n_base", NAN, "1", before, [INCOMPLETE])
        yield from _nothing(sweep, {**SHAPE, **INTERVALS}, INCOMPLETE)
    else:
        spikes = sweep.spikes(end)
        evoked = [s for s in spikes if sweep.on <= s.peak_at < end]
        early = sum(s.peak_at < sweep.on for s in spikes)
        sweep.found.burst_flags = tuple(_count_flags(sweep, len(evoked)))
        flags = [*sweep.found.burst_flags, *([wrong] if wrong else [])]
        yield sweep.rows.row("n_ap", len(evoked), "1", span, flags)
        yield sweep.rows.row("n_base", early, "1", before, ["baseline_spikes"] if early else [])
        yield from _shape(sweep, evoked) if evoked else _nothing(sweep, SHAPE, NO_SPIKES)
        yield from _intervals(sweep, evoked)
    yield from _electrode(sweep)


def _count_flags(sweep: SweepInProgress, count: int) -> Iterator[str]:
    wanted = sweep.aim.spikes
    if count == 0 and (wanted is None or wanted[0] > 0):
        yield NO_SPIKES
    if wanted is not None and not wanted[0] <= count <= wanted[1]:
        yield AP_COUNT


def _nothing(sweep: SweepInProgress, names: dict[str, str], why: str) -> Iterator[Measurement]:
    span = (sweep.on, sweep.off + sweep.n(AFTER_SPIKE))
    for name, unit in names.items():
        yield sweep.rows.row(name, NAN, unit, span, [why])


def _shape(sweep: SweepInProgress, evoked: list[Spike]) -> Iterator[Measurement]:
    """Yield the shape of the first action potential."""
    v, rate, first = sweep.trace.values, sweep.rate, evoked[0]
    at, flat = (first.crossing, first.peak_at + 1), ["clipped"] if first.is_flat else []
    relative = IPFX * float(np.mean([s.upstroke for s in evoked]))
    fast, why = _fast_ahp(sweep, evoked)
    made = {
        "ap_threshold": (first.threshold, []),
        "ap_threshold_5": (float(v[onset(v, rate, first.crossing, SIMKIN)]), []),
        "ap_threshold_5_percent": (float(v[onset(v, rate, first.crossing, relative)]), []),
        "ap_peak": (NAN if flat else first.peak, flat),
        "ap_height": (NAN if flat else first.peak - sweep.found.baseline.mean, flat or sweep.base_flags(None)),
        "ap_half_width": (first.half_width, flat),
        "ap_upstroke": (first.upstroke, []),
        "ap_downstroke": (first.downstroke, []),
        "fAHP": (fast, why),
        "ap_latency": ((first.peak_at - sweep.on) / rate, []),
    }
    for name, (value, flags) in made.items():
        yield sweep.rows.row(name, value, SHAPE[name], at, flags)


def _fast_ahp(sweep: SweepInProgress, evoked: list[Spike]) -> tuple[float, list[str]]:
    """Return the lowest potential after the first spike, from its threshold; NaN if something else begins before."""
    first = evoked[0]
    stop = first.peak_at + samples(FAST, sweep.rate)
    if stop > sweep.off or any(s.crossing < stop for s in evoked[1:]):
        return NAN, ["window_incomplete"]
    return float(sweep.trace.values[first.peak_at : stop].min()) - first.threshold, []


def _intervals(sweep: SweepInProgress, evoked: list[Spike]) -> Iterator[Measurement]:
    """Yield what the intervals say: first, last, their ratio, and the mean change from one to the next.

    Adaptation is the mean of (ISI[k+1] - ISI[k]) / (ISI[k+1] + ISI[k]), as in IPFX and eFEL.
    """
    span, gaps = (sweep.on, sweep.off + sweep.n(AFTER_SPIKE)), np.diff([s.peak_at for s in evoked]) / sweep.rate
    made = dict.fromkeys(INTERVALS, NAN)
    if len(gaps) >= 1:
        made["isi_first"], made["isi_last"] = gaps[0], gaps[-1]
    if len(gaps) >= 2:
        made["isi_ratio"] = gaps[0] / gaps[-1]
        made["adaptation"] = float(np.mean(np.diff(gaps) / (gaps[1:] + gaps[:-1])))
    why = ["too_few_spikes"] if evoked else [NO_SPIKES]
    for name, value in made.items():
        yield sweep.rows.row(name, value, INTERVALS[name], span, [] if np.isfinite(value) else why)


Jump = tuple[float, list[str], tuple[int, int]]
"""Resistance of the jump at an edge, ohms; its flags; its window in samples."""


def _electrode(sweep: SweepInProgress) -> Iterator[Measurement]:
    """Read what the bridge leaves of the access resistance from the jumps where the step begins and ends.

    The second comes on top of a burst's last moments and checks the first. Where the first cannot be read, as when a
    strong step brings the first spike within milliseconds, the second stands for it together with the test pulse behind
    the burst: alone, with a spike about to come, it read 5 MOhm low in sound simulated cells.
    """
    begins, ends = _edges(sweep)
    residual, flags, span = begins
    yield sweep.rows.row("bridge_residual", residual, "Ohm", span, flags)
    if np.isfinite(residual) or not sweep.tests or sweep.number("bridge_balance") is None:
        sweep.found.has_access = True
        yield _access(sweep, next((jump for jump in (begins, ends) if np.isfinite(jump[0])), begins), begins)
    residual, flags, span = ends
    yield sweep.rows.row("bridge_residual_off", residual, "Ohm", span, flags)


def _edges(sweep: SweepInProgress) -> tuple[Jump, Jump]:
    """Return the jumps where the step begins and ends."""
    return _jump(sweep, sweep.on, sweep.step.amplitude), _jump(sweep, sweep.off, -sweep.step.amplitude)


def _electrode_late(sweep: SweepInProgress) -> Iterator[Measurement]:
    """Read the access resistance from the step's end and the test pulses, if the step's start was of no use.

    A pulse of 50 pA gives a few MOhm of noise where a step of 300 pA gives half of one, but nothing is about to happen
    there: the median of all has less of both.
    """
    if sweep.found.has_access:
        return
    edges = [(edge, sign * p.amplitude) for p in sweep.tests for edge, sign in ((p.start, 1), (p.stop, -1))]
    jumps = [_jump(sweep, edge, amplitude) for edge, amplitude in edges]
    begins, ends = _edges(sweep)
    good = [jump for jump in (ends, *jumps) if np.isfinite(jump[0])]
    if not good:
        yield _access(sweep, begins, begins)
        return
    middle, span = float(np.median([jump[0] for jump in good])), (good[0][2][0], good[-1][2][1])
    yield _access(sweep, (middle, list[str](), span), begins)


def _access(sweep: SweepInProgress, jump: Jump, begins: Jump) -> Measurement:
    """Return the access resistance: what the bridge takes away, and what it leaves.

    The window tells where it was read; a flag says why that is not where the step `begins`.
    """
    residual, _, span = jump
    flags, bridge = [f for f in begins[1] if f != "bridge"], sweep.number("bridge_balance")
    if bridge is None:
        return sweep.rows.row("Rs", NAN, "Ohm", span, [*flags, "bridge_unknown"])
    return sweep.rows.row("Rs", bridge + residual, "Ohm", span, flags)


def _jump(sweep: SweepInProgress, edge: int, amplitude: float) -> Jump:
    """Return the resistance (ohms) of the jump at an edge of the command, its flags and its window."""
    first = edge - sweep.n(membrane.BEFORE_JUMP)
    stop = edge + sweep.n(membrane.JUMP[1] + sweep.delay) + 1
    v, wrong = sweep.trace.window(first, stop)
    near = first - sweep.n(AFTER_SPIKE), stop + sweep.n(FOOT)
    if wrong is None and any(near[0] <= s.peak_at <= near[1] for s in sweep.spikes(near[1])):
        wrong = "spike_at_edge"
    wrong = wrong or (None if amplitude else "no_step")
    if wrong:
        return NAN, [wrong], (first, stop)
    jump = membrane.edge_jump(v, sweep.rate, edge=edge - first, delay=sweep.delay)
    limits = sweep.settings
    large = abs(jump) > limits.bridge_jump or abs(jump / amplitude) > limits.bridge_residual
    return jump / amplitude, ["bridge"] if large else [], (first, stop)


def _late(sweep: SweepInProgress) -> Iterator[Measurement]:
    """Count the spikes after the step, known at the sweep's end."""
    span = (sweep.off + sweep.n(AFTER_SPIKE), sweep.n_samples)
    if sweep.trace.have < sweep.n_samples:
        yield sweep.rows.row("n_late", NAN, "1", span, [INCOMPLETE])
        return
    count = sum(s.peak_at >= span[0] for s in sweep.spikes(sweep.n_samples))
    yield sweep.rows.row("n_late", count, "1", span, ["late_spikes"] if count else [])
