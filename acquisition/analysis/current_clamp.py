"""Measures of a current-clamp sweep, each made as soon as its window has been recorded.

Everything is a function of the samples up to a point that the command alone decides, so that the size of the blocks
in which samples arrive cannot matter, and of nothing later, so that no number is ever revised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from acquisition.analysis import membrane, sahp
from acquisition.analysis.rows import INCOMPLETE, NAN, Rows, Trace
from acquisition.analysis.spikes import DELAY, Spike, find_spikes
from protocols.measures import AFTER_STEP
from protocols.waveforms import samples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from acquisition.analysis.settings import Declared, Settings
    from protocols.sweeps import Measurement, SweepHeader
    from protocols.waveforms import Pulse

ANALYSER = "sahp 1.0"
NO_SPIKES, AP_COUNT = COUNTS = ("no_spikes", "ap_count")
"""Flags of what depends on the evoked spikes."""
AFTER_SPIKE = 5e-3
"""A spike that peaks within this after the step belongs to it."""
SPIKE_REACH = 0.300
"""A spike after the step spoils windows that begin less than this after it."""
FOOT = 2e-3
"""A spike that peaks within this after a window has its foot in it."""
END = 0.5
"""Length of the window at the sweep's end."""
RECOVERED_BY = 3.0
"""Seconds after the step from which on the cell should be back at its baseline."""
PULSE_BEFORE = 1.0
"""A test pulse ending within this before the baseline may have shifted it (0.7 mV seen)."""

Stage = tuple[int, Callable[[], "Iterator[Measurement]"]]
"""How many samples must have come, and what to do then."""


@dataclass
class _Cell:
    """What earlier stages found, for later ones."""

    baseline: sahp.Baseline
    base_flags: tuple[str, ...] = ()
    burst_flags: tuple[str, ...] = ()
    """Of everything that depends on the evoked spikes."""
    lowest: float = NAN
    lowest_at: float = NAN
    """Peak of the AHP, V, and its time in seconds from the step's end."""
    lowest_flags: tuple[str, ...] = ()
    a_1000: float = NAN


class CurrentClamp:
    """Measures one current-clamp sweep with a step, or only its bias if there is none."""

    def __init__(self, header: SweepHeader, settings: Settings) -> None:
        """Lay out the stages; the command says when each is due."""
        command = header.sweep.command
        self._header, self._settings, self._rate = header, settings, command.rate
        self._aim = settings.aim(header.label)
        self._rows = Rows(header, ANALYSER)
        channel = next(c for c in header.channels if c.name == "primary")
        self._delay = membrane.bessel_delay(_number(header, "low_pass"))
        steps = command.of("step")
        self._trace = Trace(channel, 0, command.n_samples if steps else 0)
        self._cell, self._spikes, self._scanned = _Cell(sahp.NO_BASELINE), list[Spike](), 0
        self._seen = 0
        """Samples that the present stage may look at: fixed by the command, whatever the blocks."""
        self._edges = tuple(e for p in command.pulses for e in (p.start, p.stop))
        if steps:
            self._step, self._on, self._off = steps[0], steps[0].start, steps[-1].stop
            self._tests = [p for p in command.of("test_pulse") if p.start >= self._off]
            self._clean = self._tests[0].start if self._tests else command.n_samples
            self._stages = sorted(self._plan(), key=lambda s: s[0])
        else:
            self._stages = [(0, self._bias)]

    def feed(self, first: int, stored: NDArray[np.float32]) -> list[Measurement]:
        """Take a block of the primary output, (samples,) mV, and return what became final with it."""
        self._trace.add(first, stored)
        made: list[Measurement] = []
        while self._stages and self._stages[0][0] <= self._trace.have:
            self._seen, stage = self._stages.pop(0)
            made += stage()
        return made

    def finish(self) -> list[Measurement]:
        """Return the rest: windows that never became complete are NaN."""
        made: list[Measurement] = []
        self._seen = self._trace.have
        for _, stage in self._stages:
            made += stage()
        self._stages = []
        return made

    # --- stages ---------------------------------------------------------------------------------------------------

    def _plan(self) -> Iterator[Stage]:
        """Yield the stages. Those that look at spikes come `DELAY` after their window, when spikes are known."""
        n, on, off = self._header.sweep.n_samples, self._on, self._off
        known = self._n(DELAY)
        yield on, self._before
        yield min(off + self._n(AFTER_SPIKE) + known, n), self._burst
        for stop, stage in self._after_windows():
            if stop <= n:  # what the command leaves no room for is not asked for
                yield min(stop + known, n), stage
        yield min(self._clean + known, n), self._decay
        for pulse in self._tests:
            yield min(pulse.stop + known, n), partial(self._input_resistance, pulse)
        yield n, self._late

    def _after_windows(self) -> Iterator[Stage]:
        """Yield where the windows of measures after the step end, those of the protocol included, and their stages."""
        off = self._off
        yield off + self._n(sahp.MEDIUM[1]), partial(self._peak, "A_m", "t_m", sahp.MEDIUM)
        yield off + self._n(sahp.PEAK[1]), partial(self._peak, "A_pk", "t_pk", sahp.PEAK)
        yield off + self._n(sahp.AREA[1]), self._area
        for after in AFTER_STEP:
            latency = after / 1000
            yield off + self._n(latency + sahp.AROUND), partial(self._amplitude, f"A_{after}", latency)
        for d in self._settings.declared:
            yield max(self._span(d)[1], self._on), partial(self._declared, d)

    def _before(self) -> Iterator[Measurement]:
        """Baseline and currents, known when the step begins."""
        window = tuple(self._on + self._n(x) for x in sahp.BASELINE)
        span = (window[0], window[1])
        v, wrong = self._trace.window(*span)
        found, flags = sahp.NO_BASELINE, [wrong] if wrong else []
        if wrong is None:
            peaks = [s.peak_at - span[0] for s in self._scan(self._on)]
            found = sahp.baseline(v, self._rate, peaks)
            flags += self._reservations(found, span)
        self._cell.baseline, self._cell.base_flags = found, tuple(flags)
        yield self._rows.row("V_b", found.mean, "V", span, flags)
        yield self._rows.row("V_b_sd", found.sd, "V", span, flags)
        yield self._rows.row("V_b_slope", found.slope, "V/s", span, flags)
        yield self._rows.row("I_step", self._step.amplitude, "A", (self._step.start, self._step.stop))
        yield from self._bias()

    def _reservations(self, found: sahp.Baseline, span: tuple[int, int]) -> Iterator[str]:
        """Yield the flags of a baseline."""
        if found.dropped:
            yield "baseline_spikes"
        first = span[0] - self._n(PULSE_BEFORE)
        if any(p.stop > first and p.start < span[1] for p in self._header.sweep.command.of("test_pulse")):
            yield "test_pulse_near"
        if self._aim.potential is not None:
            off = abs(found.mean - self._aim.potential)
            if off > self._settings.near_target:
                yield "vhold"
            if off > self._settings.far_from_target:
                yield "vhold_far"

    def _bias(self) -> Iterator[Measurement]:
        yield self._rows.row("I_hold", self._header.holding, "A", (0, self._header.sweep.n_samples))

    def _burst(self) -> Iterator[Measurement]:
        """Count the evoked spikes, measure the first, look at the electrode."""
        end = self._off + self._n(AFTER_SPIKE)
        span, before = (self._on, end), (0, self._on)
        _, wrong = self._trace.window(*span)
        if wrong == INCOMPLETE:
            self._cell.burst_flags = (INCOMPLETE,)
            yield self._rows.row("n_ap", NAN, "1", span, [INCOMPLETE])
            yield self._rows.row("n_base", NAN, "1", before, [INCOMPLETE])
            yield from self._no_action_potential(span, INCOMPLETE)
        else:
            spikes = self._scan(end)
            evoked = [s for s in spikes if self._on <= s.peak_at < end]
            early = sum(s.peak_at < self._on for s in spikes)
            self._cell.burst_flags = tuple(self._count_flags(len(evoked)))
            flags = [*self._cell.burst_flags, *([wrong] if wrong else [])]
            yield self._rows.row("n_ap", len(evoked), "1", span, flags)
            yield self._rows.row("n_base", early, "1", before, ["baseline_spikes"] if early else [])
            yield from self._action_potentials(evoked, span)
        yield from self._electrode()

    def _count_flags(self, count: int) -> Iterator[str]:
        wanted = self._aim.spikes
        if count == 0 and (wanted is None or wanted[0] > 0):
            yield NO_SPIKES
        if wanted is not None and not wanted[0] <= count <= wanted[1]:
            yield AP_COUNT

    def _action_potentials(self, evoked: list[Spike], span: tuple[int, int]) -> Iterator[Measurement]:
        """Shape of the first action potential, and the first and last interval."""
        if not evoked:
            yield from self._no_action_potential(span, NO_SPIKES)
            return
        first = evoked[0]
        at, flat = (first.crossing, first.peak_at + 1), ["clipped"] if first.is_flat else []
        yield self._rows.row("ap_threshold", first.threshold, "V", at)
        yield self._rows.row("ap_peak", NAN if flat else first.peak, "V", at, flat)
        yield self._rows.row("ap_half_width", first.half_width, "s", at, flat)
        gaps = np.diff([s.peak_at for s in evoked]) / self._rate
        flags = [] if len(gaps) else ["too_few_spikes"]
        yield self._rows.row("isi_first", gaps[0] if len(gaps) else NAN, "s", span, flags)
        yield self._rows.row("isi_last", gaps[-1] if len(gaps) else NAN, "s", span, flags)

    def _no_action_potential(self, span: tuple[int, int], why: str) -> Iterator[Measurement]:
        for name in ("ap_threshold", "ap_peak", "ap_half_width", "isi_first", "isi_last"):
            yield self._rows.row(name, NAN, "V" if name in ("ap_threshold", "ap_peak") else "s", span, [why])

    def _electrode(self) -> Iterator[Measurement]:
        """Read what the bridge leaves of the access resistance from the jump where the step begins.

        The jump where it ends says the same only of a passive cell: here it comes on top of a burst's last moments.
        """
        first = self._on - self._n(membrane.BEFORE_JUMP)
        stop = self._on + self._n(membrane.JUMP[1] + self._delay) + 1
        v, wrong = self._trace.window(first, stop)
        near = first - self._n(AFTER_SPIKE), stop + self._n(FOOT)
        if wrong is None and any(near[0] <= s.peak_at <= near[1] for s in self._scan(near[1])):
            wrong = "spike_at_edge"
        wrong = wrong or (None if self._step.amplitude else "no_step")
        residual = NAN
        if wrong is None:
            jump = membrane.edge_jump(v, self._rate, edge=self._on - first, delay=self._delay)
            residual = jump / self._step.amplitude
        span, bridge = (first, stop), _number(self._header, "bridge_balance")
        flags = [wrong] if wrong else []
        yield self._rows.row("bridge_residual", residual, "Ohm", span, flags)
        if bridge is None:
            yield self._rows.row("Rs", NAN, "Ohm", span, [*flags, "bridge_unknown"])
        else:
            yield self._rows.row("Rs", bridge + residual, "Ohm", span, flags)

    # --- after the step -------------------------------------------------------------------------------------------

    def _after(self, first: float, stop: float) -> tuple[NDArray[np.float64], tuple[int, int], tuple[str, ...]]:
        """Return the samples of a window counted from the step's end (s), its place, and its flags."""
        span = (self._off + self._n(first), self._off + self._n(stop))
        v, wrong = self._undisturbed(span)
        return v, span, (*self._flags(span, wrong), *self._base_flags(wrong))

    def _undisturbed(self, span: tuple[int, int]) -> tuple[NDArray[np.float64], str | None]:
        """Return a window after the step; one that reaches into the test pulse is incomplete."""
        return self._trace.window(*span) if span[1] <= self._clean else (np.empty(0), INCOMPLETE)

    def _flags(self, span: tuple[int, int], wrong: str | None) -> tuple[str, ...]:
        """Return what is to be said of a window after the step, its baseline aside."""
        late = ["late_spikes"] if wrong != INCOMPLETE and self._is_hit(span) else []
        return tuple(dict.fromkeys([*([wrong] if wrong else []), *late, *self._cell.burst_flags]))

    def _base_flags(self, wrong: str | None) -> tuple[str, ...]:
        """Return what is wrong with the baseline, if there is none to count from."""
        missing = not np.isfinite(self._cell.baseline.mean)
        return tuple(f for f in self._cell.base_flags if f != wrong) if missing else ()

    def _is_hit(self, span: tuple[int, int]) -> bool:
        """Whether a spike after the step spoils the window; what comes after it is not known yet and cannot count."""
        end, reach = self._off + self._n(AFTER_SPIKE), self._n(SPIKE_REACH)
        return any(s.peak_at >= end and s.peak_at + reach > span[0] for s in self._scan(span[1]))

    def _amplitude(self, name: str, latency: float) -> Iterator[Measurement]:
        v, span, flags = self._after(latency - sahp.AROUND, latency + sahp.AROUND)
        value = sahp.mean(v) - self._cell.baseline.mean if _is_usable(flags) else NAN
        if name == "A_1000":
            self._cell.a_1000 = value
        yield self._rows.row(name, value, "V", span, flags)

    def _peak(self, name: str, time: str, limits: tuple[float, float]) -> Iterator[Measurement]:
        v, span, flags = self._after(*limits)
        lowest, at = sahp.peak(v, self._rate) if _is_usable(flags) else (NAN, NAN)
        value, at = lowest - self._cell.baseline.mean, at + limits[0]
        if value > -self._settings.smallest_ahp:
            flags = (*flags, "no_ahp")
        if name == "A_pk":
            self._cell.lowest, self._cell.lowest_at, self._cell.lowest_flags = lowest, at, flags
        yield self._rows.row(name, value, "V", span, flags)
        yield self._rows.row(time, at, "s", span, flags)

    def _area(self) -> Iterator[Measurement]:
        v, span, flags = self._after(*sahp.AREA)
        value = sahp.area(v, self._rate, self._cell.baseline.mean) if _is_usable(flags) else NAN
        yield self._rows.row("S_fix", value, "V s", span, flags)

    def _span(self, d: Declared) -> tuple[int, int]:
        origin = {"step_start": self._on, "step_end": self._off, "sweep_start": 0}[d.counted_from]
        return origin + self._n(d.start), origin + self._n(d.stop)

    def _declared(self, d: Declared) -> Iterator[Measurement]:
        span, base = self._span(d), self._cell.baseline.mean if d.minus_baseline else 0.0
        if span[0] >= self._off:
            v, wrong = self._undisturbed(span)
            flags = self._flags(span, wrong)
        else:
            v, wrong = self._trace.window(*span)
            flags = (wrong,) if wrong else ()
        flags = (*flags, *self._base_flags(wrong)) if d.minus_baseline else flags
        value = self._measure(d, v, base) if _is_usable(flags) else NAN
        if d.kind.startswith("peak") and span[1] - span[0] < self._n(sahp.SMOOTH):
            flags = (*flags, "window_too_short")
        yield self._rows.row(d.name, value, "V s" if d.kind == "area" else "V", span, flags)

    def _measure(self, d: Declared, v: NDArray[np.float64], base: float) -> float:
        match d.kind:
            case "mean":
                return sahp.mean(v) - base
            case "area":
                return sahp.area(v, self._rate, base)
            case "peak_down" | "peak_up":
                if len(v) < self._n(sahp.SMOOTH):
                    return NAN
                return sahp.peak(v, self._rate, down=d.kind == "peak_down")[0] - base

    def _decay(self) -> Iterator[Measurement]:
        """Half-decay and the way back, known when the undisturbed part of the sweep is over."""
        start = sahp.PEAK[0]
        stop = (self._clean - self._off) / self._rate
        v, span, flags = self._after(start, stop)
        flags = tuple(dict.fromkeys([*flags, *self._cell.lowest_flags]))
        value = NAN
        if _is_usable(flags) and "no_ahp" not in flags:
            base = self._cell.baseline.mean
            level = 0.5 * (base + self._cell.lowest)
            value = sahp.half_decay(v, self._rate, level, self._cell.lowest_at - start) + start
            flags = flags if np.isfinite(value) else (*flags, "censored")
        if self._off + self._n(sahp.PEAK[1]) <= self._header.sweep.n_samples:
            yield self._rows.row("D50", value, "s", span, flags)
        if stop >= 2 * END:
            yield from self._end(stop)

    def _end(self, stop: float) -> Iterator[Measurement]:
        v, span, flags = self._after(stop - END, stop)
        value = sahp.mean(v) if len(v) and not np.isnan(v).any() else NAN
        away = abs(value - self._cell.baseline.mean)
        ahp = 0.25 * abs(self._cell.a_1000)
        if stop - END >= RECOVERED_BY:
            drifted = away > self._settings.end_near or away > max(ahp, self._settings.smallest_ahp)
            lost = away > self._settings.end_far
            flags = (*flags, *(["drift"] if drifted else []), *(["not_recovered"] if lost else []))
        yield self._rows.row("V_end", value, "V", span, [f for f in flags if f not in COUNTS])

    def _input_resistance(self, pulse: Pulse) -> Iterator[Measurement]:
        part = self._n(membrane.SETTLED_PART)
        before, wrong_before = self._trace.window(pulse.start - part, pulse.start)
        settled, wrong = self._trace.window(pulse.stop - part, pulse.stop)
        if pulse.stop - pulse.start < part:
            wrong = INCOMPLETE
        span = (pulse.start - part, pulse.stop)
        reasons = dict.fromkeys(x for x in (wrong_before, wrong) if x)
        flags = (*reasons, *(["late_spikes"] if INCOMPLETE not in reasons and self._is_hit(span) else []))
        value = membrane.input_resistance(before, settled, pulse.amplitude) if _is_usable(flags) else NAN
        yield self._rows.row("Rin", value, "Ohm", span, flags)

    def _late(self) -> Iterator[Measurement]:
        """Count the spikes after the step, known at the sweep's end."""
        n, end = self._header.sweep.n_samples, self._off + self._n(AFTER_SPIKE)
        if self._trace.have < n:
            yield self._rows.row("n_late", NAN, "1", (end, n), [INCOMPLETE])
            return
        count = sum(s.peak_at >= end for s in self._scan(n))
        yield self._rows.row("n_late", count, "1", (end, n), ["late_spikes"] if count else [])

    # --- helpers --------------------------------------------------------------------------------------------------

    def _n(self, seconds: float) -> int:
        return samples(seconds, self._rate)

    def _scan(self, stop: int) -> list[Spike]:
        """Return the spikes whose upstroke lies before `stop`, as far as they can be judged."""
        known = self._seen - self._n(DELAY)
        if known > self._scanned:
            self._spikes += find_spikes(
                self._trace.values,
                self._rate,
                self._settings.spikes,
                start=self._scanned,
                stop=known,
                edges=self._edges,
                last=self._spikes[-1] if self._spikes else None,
            )
            self._scanned = known
        return [s for s in self._spikes if s.crossing < stop]


UNUSABLE = frozenset({INCOMPLETE, "gap", "clipped"})


def _is_usable(flags: tuple[str, ...]) -> bool:
    return UNUSABLE.isdisjoint(flags)


def _number(header: SweepHeader, key: str) -> float | None:
    value = header.amplifier.get(key)
    return float(value) if isinstance(value, int | float) else None
