"""Sweeps with one step each, at an interval, for a time, a number, or until a measure is stable."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from acquisition.acceptance import is_accepted
from acquisition.analysis.stability import Verdict, after_arrival, beside_baseline, judge
from acquisition.events import SeriesProgress
from acquisition.steps.rested import Rested
from acquisition.steps.switch_to import rebias
from protocols.commands import series_command, ttl_pulses
from protocols.quantities import Current, CurrentSteps

if TYPE_CHECKING:
    from acquisition.bench import Bench
    from acquisition.state import Trial
    from protocols.parts import FollowSpikes, Stable
    from protocols.steps import Series
    from protocols.waveforms import Waveform


LATE = 1.0
"""Seconds after which a sweep's delay is written down."""
INSTANT = 1e-6
"""Seconds by which sums of intervals may miss the same moment."""
BESIDE = ("Rin", "V_b")
"""Measures that must be steady beside the one that the protocol names."""


def series(step: Series, bench: Bench) -> None:
    """Play sweeps until the series ends by its own words."""
    if step.until_stable is not None:
        import scipy.stats  # noqa: F401  takes a second on some machines, which must not fall between two sweeps
    run = _Series(step, bench)
    while not run.over():
        run.sweep()
    run.conclude()


class _Series:
    """One run of a series: its clock, its accepted values, its verdict."""

    def __init__(self, step: Series, bench: Bench) -> None:
        self._step, self._bench = step, bench
        self._start = self._next = bench.first_onset(step.every)
        """Onset of the first sweep, and of the one to come, seconds from the session's start."""
        self._done = 0
        self._accepted: list[Trial] = []
        aim = None if step.rebias is None else float(step.rebias.to)
        self._rested = Rested(aim, bench.protocol.accept.sweep)
        self._verdict: Verdict | None = None

    def over(self) -> bool:
        """Whether the last sweep was played: by number, by time, or by the criterion."""
        step, next_onset = self._step, max(self._next, self._bench.clock.now())
        if step.sweeps is not None and self._done >= step.sweeps:
            return True
        end = step.for_ if step.for_ is not None else step.at_most
        if end is not None and next_onset >= self._counted_from + end - INSTANT:
            return True
        earliest = self._counted_from + (step.at_least or 0.0)
        return self._verdict is not None and self._verdict.steady and next_onset >= earliest - INSTANT

    def sweep(self) -> None:
        """Wait for the onset, play, look at the gates, follow the cell, judge."""
        step, bench = self._step, self._bench
        if (late := bench.clock.now() - self._next) > LATE:
            bench.log("late", f"{step.name}: this sweep comes {late:.0f} s late; the ones after it keep their interval")
        bench.wait_until(self._next, f"next sweep of '{step.name}'")
        trial = bench.play(self._command(), label=step.name, kind="series", ttl=ttl_pulses(step, bench.rate))
        # after a question or a pause the schedule moves on: sweeps must not follow each other without rest
        on_time = trial.header.start - self._next <= LATE
        self._next = (self._next if on_time else trial.header.start) + step.every
        self._done += 1
        accepted = self._is_rested(trial)
        accepted = bench.judge(trial, step.require) and accepted
        if step.rebias is not None:
            r = step.rebias
            rebias(trial.value("V_b"), float(r.to), float(r.within), float(r.by_at_most), bench)
        if step.follow_spikes is not None:
            self._follow_spikes(step.follow_spikes, trial.value("n_ap"))
        if step.until_stable is not None:
            self._judge(trial, accepted=accepted)
        bench.live.tell(SeriesProgress(step.name, self._done, self._expected, self._verdict))

    def _is_rested(self, trial: Trial) -> bool:
        """Leave a sweep out that began before the AHP of the one before was over; return whether it did not."""
        if why := self._rested.why_not(trial):
            self._bench.reject(trial, why)
        return why is None

    def conclude(self) -> None:
        """Say how it ended; act if it should have become stable and did not."""
        step, bench = self._step, self._bench
        text = f"{step.name}: {self._done} sweeps"
        if self._verdict is None:
            bench.log("series", text, name=step.name, sweeps=self._done)
            return
        bench.log("series", f"{text}; {self._verdict.text}", name=step.name, sweeps=self._done)
        if not self._verdict.steady:
            bench.act(step.if_not_stable, f"'{step.name}' is not steady: {self._verdict.why}")

    @property
    def _counted_from(self) -> float:
        flow = self._bench.state.flow
        if self._step.counted_from == "arrival" and flow is not None:
            return max(flow.arrives, self._start)
        return self._start

    @property
    def _expected(self) -> int:
        step = self._step
        if step.sweeps is not None:
            return step.sweeps
        end = step.for_ if step.for_ is not None else step.at_most
        return math.ceil((self._counted_from - self._start + (end or 0.0)) / step.every)

    def _judge(self, trial: Trial, *, accepted: bool) -> None:
        """Say whether the series is steady now, on the screen and in the file."""
        rule = self._step.until_stable
        if rule is None:
            return
        if accepted and is_accepted(trial.measurements, rule.measure):
            self._accepted.append(trial)
        self._verdict = verdict = self._judged(rule)
        self._bench.log(
            "steady",
            f"{self._step.name}: {verdict.text}",
            name=self._step.name,
            sweep=trial.header.sweep.index,
            measure=rule.measure,
            **verdict.as_mapping(),
        )

    def _judged(self, rule: Stable) -> Verdict:
        """Return the verdict on the sweeps so far: the written criterion, and beside it what the phase asks for."""
        rules, flow = self._bench.protocol.accept, self._bench.state.flow
        since = flow.arrives if self._step.counted_from == "arrival" and flow is not None else None
        kept = [t for t in self._accepted if t.header.sweep.index not in self._bench.state.left_out]
        trials = [t for t in kept if since is None or t.header.start >= since - INSTANT]
        times, values = [t.header.start for t in trials], [t.value(rule.measure) for t in trials]
        verdict = judge(times, values, last=rule.last, drift_below=rule.drift_below, cv_below=rule.cv_below)
        if since is not None:
            return verdict.also(after_arrival(times, values, arrival=since, rules=rules.drug))
        beside = {name: [t.value(name) for t in trials] for name in BESIDE}
        criteria = beside_baseline(times, beside, last=rule.last, per=rule.drift_below.per, rules=rules.baseline)
        return verdict.also(criteria)

    def _amplitude(self) -> float:
        step = self._step.step
        if isinstance(step, CurrentSteps):
            return step.levels()[self._done % len(step.levels())]
        if isinstance(step, Current):
            return float(step)
        state = self._bench.state
        return state.found[step].current + state.trims.get(step, 0.0)

    def _follow_spikes(self, rule: FollowSpikes, count: float) -> None:
        """Change the step current of the sweeps to come by a little if the count of spikes is not as wanted."""
        wanted, name, bench = self._bench.settings.aim(self._step.name).spikes, str(self._step.step), self._bench
        if wanted is None or math.isnan(count) or wanted[0] <= count <= wanted[1]:
            return
        before = bench.state.trims.get(name, 0.0)
        change = float(rule.by) if count < wanted[0] else -float(rule.by)
        after = max(-float(rule.within), min(float(rule.within), before + change))
        if after == before:
            return
        bench.state.trims[name] = after
        current = bench.state.found[name].current + after
        bench.log(
            "step_current",
            f"step current {current * 1e12:.0f} pA from now on ({count:.0f} spikes, wanted {wanted[0]} to {wanted[1]})",
            name=name,
            current=current,
            spikes=int(count),
        )

    def _command(self) -> Waveform:
        bench = self._bench
        return series_command(self._step, bench.rate, holding=bench.state.level, amplitude=self._amplitude())
