"""A current-clamp sweep while it is measured: the samples so far, its windows, its spikes, and what was found.

Everything is a function of the samples up to a point that the command alone decides, so that the size of the blocks
in which samples arrive cannot matter, and of nothing later, so that no number is ever revised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from acquisition.analysis import membrane, sahp
from acquisition.analysis.rows import INCOMPLETE, NAN, Rows, Trace
from acquisition.analysis.spikes import DELAY, Spike, find_spikes
from protocols.waveforms import samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from acquisition.analysis.settings import Settings
    from protocols.sweeps import Measurement, SweepHeader

ANALYSER = "sahp 2.3"
"""Raised whenever a number could come out otherwise."""
NO_SPIKES, AP_COUNT = COUNTS = ("no_spikes", "ap_count")
"""Flags of what depends on the evoked spikes."""
AFTER_SPIKE = 5e-3
"""A spike that peaks within this after the step belongs to it."""
SPIKE_REACH = 0.300
"""A spike after the step spoils windows that begin less than this after it."""
FOOT = 2e-3
"""A spike that peaks within this after a window has its foot in it."""
UNUSABLE = frozenset({INCOMPLETE, "gap", "clipped"})

Stage = tuple[int, Callable[[], "Iterator[Measurement]"]]
"""How many samples must have come, and what to do then."""


@dataclass
class Found:
    """What earlier stages found, for later ones."""

    baseline: sahp.Baseline = sahp.NO_BASELINE
    base_flags: tuple[str, ...] = ()
    burst_flags: tuple[str, ...] = ()
    """Of everything that depends on the evoked spikes."""
    lowest: float = NAN
    lowest_at: float = NAN
    """Peak of the AHP, V, and its time in seconds from the step's end."""
    lowest_flags: tuple[str, ...] = ()
    crossed: float = NAN
    """Seconds from the step's end to the AHP's onset."""
    back: float = NAN
    """And to its return to the baseline."""
    a_1000: float = NAN
    has_access: bool = False
    """Whether the access resistance was said already."""
    box: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    """5 ms boxcar of the first second after the step, V."""


class SweepInProgress:
    """What all measures of one sweep with a step stand on."""

    def __init__(self, header: SweepHeader, settings: Settings) -> None:
        """Hold nothing yet. The command must have a step."""
        command = header.sweep.command
        steps = command.of("step")
        self.header, self.settings, self.rate = header, settings, command.rate
        self.aim = settings.aim(header.label)
        self.rows = Rows(header, f"{ANALYSER} {settings.digest}")
        self.step, self.on, self.off = steps[0], steps[0].start, steps[-1].stop
        self.tests = [p for p in command.of("test_pulse") if p.start >= self.off]
        self.clean = self.tests[0].start if self.tests else command.n_samples
        """Sample at which the undisturbed part of the sweep ends."""
        self.delay = membrane.bessel_delay(self.number("low_pass"))
        channel = next(c for c in header.channels if c.name == "primary")
        self.trace = Trace(channel, 0, command.n_samples)
        self.found = Found()
        self.seen = 0
        """Samples that the present stage may look at: fixed by the command, whatever the blocks."""
        self._spikes, self._scanned = list[Spike](), 0
        self._edges = tuple(e for p in command.pulses for e in (p.start, p.stop))

    @property
    def n_samples(self) -> int:
        """Length of the commanded sweep."""
        return self.header.sweep.n_samples

    def n(self, seconds: float) -> int:
        """Return `seconds` in samples."""
        return samples(seconds, self.rate)

    def number(self, key: str) -> float | None:
        """Return a telegraphed number of the amplifier; None if it was not told."""
        value = self.header.amplifier.get(key)
        return float(value) if isinstance(value, int | float) else None

    def due(self, stop: int) -> int:
        """Return when a stage that looks at spikes before sample `stop` can begin: `DELAY` later they are known."""
        return min(stop + self.n(DELAY), self.n_samples)

    # --- spikes ---------------------------------------------------------------------------------------------------

    def spikes(self, stop: int) -> list[Spike]:
        """Return the spikes whose upstroke lies before `stop`, as far as they can be judged."""
        known = self.seen - self.n(DELAY)
        if known > self._scanned:
            self._spikes += find_spikes(
                self.trace.values,
                self.rate,
                self.settings.spikes,
                start=self._scanned,
                stop=known,
                edges=self._edges,
                last=self._spikes[-1] if self._spikes else None,
            )
            self._scanned = known
        return [s for s in self._spikes if s.crossing < stop]

    def is_hit(self, span: tuple[int, int]) -> bool:
        """Whether a spike after the step spoils the window; what comes after it is not known yet and cannot count."""
        end, reach = self.off + self.n(AFTER_SPIKE), self.n(SPIKE_REACH)
        return any(s.peak_at >= end and s.peak_at + reach > span[0] for s in self.spikes(span[1]))

    # --- windows --------------------------------------------------------------------------------------------------

    def after(self, first: float, stop: float) -> tuple[NDArray[np.float64], tuple[int, int], tuple[str, ...]]:
        """Return the samples of a window counted from the step's end (s), its place, and its flags."""
        span = (self.off + self.n(first), self.off + self.n(stop))
        v, wrong = self.undisturbed(span)
        return v, span, (*self.flags(span, wrong), *self.base_flags(wrong))

    def undisturbed(self, span: tuple[int, int]) -> tuple[NDArray[np.float64], str | None]:
        """Return a window after the step; one that reaches into the test pulse is incomplete."""
        return self.trace.window(*span) if span[1] <= self.clean else (np.empty(0), INCOMPLETE)

    def flags(self, span: tuple[int, int], wrong: str | None) -> tuple[str, ...]:
        """Return what is to be said of a window after the step, its baseline aside."""
        late = ["late_spikes"] if wrong != INCOMPLETE and self.is_hit(span) else []
        return once([*([wrong] if wrong else []), *late, *self.found.burst_flags])

    def base_flags(self, wrong: str | None) -> tuple[str, ...]:
        """Return what is wrong with the baseline, if there is none to count from."""
        missing = not np.isfinite(self.found.baseline.mean)
        return tuple(f for f in self.found.base_flags if f != wrong) if missing else ()

    def events(self, v: NDArray[np.float64]) -> tuple[str, ...]:
        """Return the flag of a window that a synaptic event has moved."""
        return ("event_in_window",) if abs(sahp.event(v, self.rate)) > self.settings.event else ()


def once(flags: Iterable[str]) -> tuple[str, ...]:
    """Return each flag once, in order."""
    return tuple(dict.fromkeys(flags))


def is_usable(flags: Iterable[str]) -> bool:
    """Say whether a window can be measured at all."""
    return UNUSABLE.isdisjoint(flags)
