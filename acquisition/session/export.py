"""A session as a flat table, one row per sweep, for spreadsheets and statistics programs.

Numbers are in the field's units, and the column's name says which: `A_1000_mV`, `Rs_MOhm`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from acquisition.acceptance import EXPECTED_IN_A_RANGE, against_sweep, by_sweep, flags_of, is_range
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import polars

    from acquisition.session.reader import Session, SweepInfo
    from protocols.sweeps import Measurement

FIELD_UNIT: dict[str, tuple[str, float]] = {
    "V": ("_mV", 1e3),
    "A": ("_pA", 1e12),
    "Ohm": ("_MOhm", 1e-6),
    "F": ("_pF", 1e12),
    "s": ("_ms", 1e3),
    "V s": ("_mV_s", 1e3),
    "V/s": ("_mV_per_s", 1e3),
    "1": ("", 1.0),
    "degC": ("_degC", 1.0),
}
"""SI unit -> suffix of the column, factor. A unit that is not here is written as it is."""


def field_unit(name: str, unit: str) -> tuple[str, float]:
    """Return suffix of the column and factor for a measure: slopes of spikes are given in V/s, of baselines in mV/s."""
    if name in ("ap_upstroke", "ap_downstroke"):
        return "_V_per_s", 1.0
    return FIELD_UNIT.get(unit, (f"_{unit}", 1.0))


def to_csv(session: Session, path: Path) -> None:
    """Write the table as CSV."""
    sweep_frame(session).write_csv(path)


def to_parquet(session: Session, path: Path) -> None:
    """Write the table as Parquet."""
    sweep_frame(session).write_parquet(path)


def sweep_frame(session: Session) -> polars.DataFrame:
    """Return one row per sweep and one column per measure.

    Where a sweep has a measure several times (a hold with many test pulses), the median stands; a measure that
    could not be made is empty, and `flags` says why. `kept` is the summary's rule for what may enter means;
    where it is false, `reason` says what speaks against the sweep, be it the run or a flag.
    """
    import polars

    made = by_sweep(session.measurements)
    expected = _expected(session.sweeps)
    rows = []
    for s in session.sweeps:
        here = made.get(s.index, {})
        flags = against_sweep(here, expected=expected[s.run])
        rows.append(_facts(s, session.rejected.get(s.index), flags) | _numbers(here))
    names = dict.fromkeys(name for row in rows for name in row)
    return polars.DataFrame({name: [row.get(name) for row in rows] for name in names}, strict=False)


def _expected(sweeps: Sequence[SweepInfo]) -> dict[int, frozenset[str]]:
    """Return, for each run, the excluding flags that are passed over: those that a range of currents must raise."""
    steps: dict[int, list[float]] = {s.run: [] for s in sweeps}
    for s in sweeps:
        if s.kind == "series" and s.step is not None:
            steps[s.run].append(s.step)
    return {run: EXPECTED_IN_A_RANGE if is_range(found) else frozenset() for run, found in steps.items()}


def _facts(sweep: SweepInfo, rejected: str | None, against: Sequence[str]) -> dict[str, Any]:
    """Return the columns that are not measures."""
    current = sweep.mode is not ClampMode.VOLTAGE
    holding = sweep.holding * (1e12 if current else 1e3)
    reason = next((r for r in (rejected, sweep.reason) if r is not None), "; ".join(against) or None)
    return {
        "sweep": sweep.index,
        "time_s": sweep.start,
        "label": sweep.label,
        "kind": sweep.kind,
        "run": sweep.run,
        "condition": sweep.condition,
        "clamp_mode": str(sweep.mode),
        "step_pA": sweep.step * 1e12 if sweep.step is not None and current else None,
        "holding_pA": holding if current else None,
        "holding_mV": None if current else holding,
        "temperature_degC": sweep.temperature,
        "complete": sweep.complete,
        "kept": sweep.complete and rejected is None and not against,
        "reason": reason,
    }


def _numbers(made: Mapping[str, Measurement]) -> dict[str, Any]:
    """Return flags and measures of one sweep, in the field's units."""
    row: dict[str, Any] = {"flags": "; ".join(flags_of(made.values()))}
    for m in made.values():
        suffix, factor = field_unit(m.name, m.unit)
        row[m.name + suffix] = m.value * factor if math.isfinite(m.value) else None
    return row
