"""A session as a flat table, one row per sweep, for spreadsheets and statistics programs.

Numbers are in the field's units, and the column's name says which: `A_1000_mV`, `Rs_MOhm`.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from protocols.sweeps import ClampMode

if TYPE_CHECKING:
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


def to_csv(session: Session, path: Path) -> None:
    """Write the table as CSV."""
    sweep_frame(session).write_csv(path)


def to_parquet(session: Session, path: Path) -> None:
    """Write the table as Parquet."""
    sweep_frame(session).write_parquet(path)


def sweep_frame(session: Session) -> polars.DataFrame:
    """Return one row per sweep and one column per measure.

    Where a sweep has a measure several times (a hold with many test pulses), the median stands; a measure that
    could not be made is empty, and `flags` says why.
    """
    import polars

    made: dict[int, list[Measurement]] = {}
    for m in session.measurements:
        made.setdefault(m.sweep, []).append(m)
    rows = [_facts(s, session.rejected) | _numbers(made.get(s.index, [])) for s in session.sweeps]
    names = dict.fromkeys(name for row in rows for name in row)
    return polars.DataFrame({name: [row.get(name) for row in rows] for name in names}, strict=False)


def _facts(sweep: SweepInfo, rejected: dict[int, str]) -> dict[str, Any]:
    """Return the columns that are not measures."""
    current = sweep.mode is not ClampMode.VOLTAGE
    holding = sweep.holding * (1e12 if current else 1e3)
    reason = rejected.get(sweep.index, sweep.reason)
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
        "kept": sweep.complete and sweep.index not in rejected,
        "reason": reason,
    }


def _numbers(measurements: list[Measurement]) -> dict[str, Any]:
    """Return flags and measures of one sweep, in the field's units."""
    values: dict[str, list[float]] = {}
    for m in measurements:
        suffix, factor = FIELD_UNIT.get(m.unit, (f"_{m.unit}", 1.0))
        values.setdefault(m.name + suffix, []).extend([m.value * factor] if m.value == m.value else [])
    flags = dict.fromkeys(flag for m in measurements for flag in m.flags)
    return {"flags": "; ".join(flags)} | {name: median(v) if v else None for name, v in values.items()}
