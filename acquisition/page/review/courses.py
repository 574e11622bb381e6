"""The sweeps of each condition laid over each other, their means, and the difference that a drug makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.analysis.mean_waveform import MeanWaveform, difference_between, mean_waveform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from acquisition.analysis.phases import Phase
    from acquisition.page.review.kept import Kept
    from acquisition.page.review.windows import Windows
    from acquisition.session.reader import Session

COLUMN = 4e-3
"""Seconds averaged to one value: nothing in a slow AHP is faster."""


def courses(kept: Kept, windows: Windows) -> dict[str, Any]:
    """Return each phase with the sweeps of its mean, the mean and its standard error, and differences; mV, s.

    Times count from the step's end, potentials from the baseline of each sweep.
    """
    outcome = kept.outcome(windows)
    numbers = kept.numbers(windows)
    if outcome is None or numbers is None:
        return {"phases": [], "differences": []}
    levels = {m.sweep: m.value for m in numbers if m.name == "V_b" and np.isfinite(m.value)}
    phases = outcome.summary.phases or outcome.summary.unaccepted
    with kept.open() as session:
        drawn = [_phase(session, p, levels) for p in phases]
    found = [d for d in drawn if d is not None]
    control = outcome.summary.baseline
    means = [mean for _, mean in found]
    differences = [
        _difference(means[0], mean, f"{told['label']} − {found[0][0]['label']}")
        for told, mean in (found[1:] if control is not None else [])
    ]
    return {"phases": [told for told, _ in found], "differences": differences}


def _phase(session: Session, phase: Phase, levels: Mapping[int, float]) -> tuple[dict[str, Any], MeanWaveform] | None:
    pairs = [(session.sweep(i), levels[i]) for i in phase.sweeps if i in levels]
    if not pairs:
        return None
    mean = mean_waveform(pairs, block=COLUMN)
    single = [mean_waveform([pair], block=COLUMN) for pair in pairs]
    told = {
        "label": phase.label, "condition": phase.condition, "start": float(mean.time[0]), "step": mean.step,
        "column": _column(mean), "mean": _shown(mean.mean), "sem": _shown(mean.sem),
        "sweeps": [{"sweep": i, "start": float(s.time[0]), "values": _shown(s.mean)}
                   for i, s in zip((i for i in phase.sweeps if i in levels), single, strict=True)],
    }  # fmt: skip
    return told, mean


def _difference(before: MeanWaveform, after: MeanWaveform, label: str) -> dict[str, Any]:
    d = difference_between(before, after)
    return {
        "label": label, "start": float(d.time[0]), "column": _column(before), "step": d.step,
        "difference": _shown(d.difference), "sem": _shown(d.sem),
    }  # fmt: skip


def _column(mean: MeanWaveform) -> float:
    return float(mean.time[1] - mean.time[0]) if len(mean.time) > 1 else COLUMN


def _shown(values: NDArray[np.float64]) -> Sequence[float | None]:
    """Return volts as mV to a ten-thousandth; None where samples are lost."""
    return [None if np.isnan(v) else round(1e3 * float(v), 4) for v in values]
