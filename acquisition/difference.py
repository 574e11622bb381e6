"""The difference that a drug makes to the mean sweep of a session, to draw and to take into another program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquisition.analysis.decay import AFTER_PEAK, FIT_BLOCK, FIT_FROM
from acquisition.analysis.mean_decay import MeanDecay, fit_mean
from acquisition.analysis.mean_waveform import Difference, MeanWaveform, difference_between, mean_waveform
from acquisition.analysis.sahp import PEAK, block_means
from acquisition.outcome import outcome_of
from protocols.errors import Refused, SessionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from acquisition.analysis.phases import Phase
    from acquisition.session.reader import Session
    from protocols.sweeps import RecordedSweep


def difference_of(session: Session, after: str | None = None) -> Difference:
    """Return the mean sweep of the phase labelled `after` (the first after the baseline) minus that of the baseline.

    The sweeps are those of the means in `review`: the last accepted ones of each phase.

    Raises
    ------
    Refused
        There are no two such phases.
    """
    summary = outcome_of(session).summary
    baseline, phases = summary.baseline, summary.phases[1:]
    later = [p for p in phases if after in (None, p.label)]
    if baseline is None or not later:
        known = ", ".join(p.label for p in phases) if baseline else ""
        cure = f"; there are {known}" if known else ": it has no phase with accepted sweeps after the baseline"
        raise Refused(f"{session.path.name} has no '{after or 'drug'}' to compare with its baseline{cure}")
    return difference_between(phase_mean(session, baseline), phase_mean(session, later[0]))


def phase_mean(session: Session, phase: Phase) -> MeanWaveform:
    """Return the mean of a phase's sweeps, each counted from its own baseline."""
    levels = {m.sweep: m.value for m in session.measurements if m.name == "V_b"}
    return mean_waveform((_whole(session, i), levels[i]) for i in phase.sweeps)


def _whole(session: Session, index: int) -> RecordedSweep:
    """Return a sweep whose numbers are in the means, or say that its samples are gone."""
    sweep = session.sweep(index)
    if len(sweep.stored.get("primary", ())) < sweep.header.sweep.n_samples:
        raise SessionError(f"{session.path.name}: samples of sweep {index} are missing; patchrig verify says more")
    return sweep


def decays_of(session: Session, phases: Sequence[Phase]) -> list[str]:
    """Return how the mean sweep of each phase decays, in words: one exponential, or two if they are worth it."""
    lines = []
    for phase in phases:
        try:
            found = _decay(phase_mean(session, phase))
        except SessionError as error:  # a damaged sweep is no reason to show nothing else
            lines.append(str(error))
            continue
        if found is not None:
            lines.append(f"mean sweep of {phase.label} ({phase.condition}) {found.text}")
    return lines


def _decay(mean: MeanWaveform) -> MeanDecay | None:
    """Fit a mean sweep from 0.5 s, or from 0.1 s behind its lowest point, in blocks of 10 ms."""
    early = (mean.time >= PEAK[0]) & (mean.time < PEAK[1])
    if not early.any() or np.isnan(mean.mean[mean.time > PEAK[0]]).any():
        return None
    lowest = float(mean.time[early][np.argmin(mean.mean[early])])
    first = max(FIT_FROM, lowest + AFTER_PEAK)
    t, y = mean.time[mean.time >= first] - first, mean.mean[mean.time >= first]
    length = max(1, round(FIT_BLOCK / float(np.diff(mean.time[:2])[0])))
    return fit_mean(block_means(t, length), block_means(y, length))


def write_difference(difference: Difference, path: Path) -> None:
    """Write a difference waveform as CSV, one row a millisecond; time from the step's end in s, potentials in mV."""
    import polars

    d = difference
    columns = {
        "time_s": d.time.round(7),
        "before_mV": 1e3 * d.before,
        "after_mV": 1e3 * d.after,
        "difference_mV": 1e3 * d.difference,
        "sem_mV": 1e3 * d.sem,
    }
    polars.DataFrame(columns).write_csv(path)
