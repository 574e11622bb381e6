"""The study's data as flat tables, for spreadsheets and statistics programs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from acquisition.acceptance import HEADLINE
from acquisition.session.export import FIELD_UNIT
from acquisition.study.cell import CONFOUNDS
from acquisition.study.design import group_of
from acquisition.study.measures import SHOWN
from protocols.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars

    from acquisition.study.cell import Cell, CellPhase
    from acquisition.study.design import By, Design

FORMS = (".csv", ".parquet")


def write_tables(design: Design, path: Path) -> tuple[Path, Path]:
    """Write the table of means to `path` (.csv or .parquet) and that of the sweeps beside it; return both names.

    Raises
    ------
    Refused
        The name ends otherwise.
    """
    if path.suffix.lower() not in FORMS:
        raise Refused(f"{path}: write a name that ends in {' or '.join(FORMS)}")
    beside = path.with_name(f"{path.stem}_sweeps{path.suffix}")
    for frame, name in ((means_frame(design), path), (sweeps_frame(design), beside)):
        if path.suffix.lower() == ".csv":
            frame.write_csv(name)
        else:
            frame.write_parquet(name)
    return path, beside


def means_frame(design: Design) -> polars.DataFrame:
    """Return one row per cell, phase and measure; `unit` says in what `mean`, `sd` and `lower_bound` are."""
    import polars

    rows = [row for cell in design.cells for row in _rows(cell, design.by)]
    return polars.DataFrame(rows, infer_schema_length=None)


def sweeps_frame(design: Design) -> polars.DataFrame:
    """Return one row per sweep of the series that are compared, with why it was left out."""
    import polars

    rows = [row for cell in design.cells for row in _sweeps(cell)]
    return polars.DataFrame(rows, infer_schema_length=None)


def _rows(cell: Cell, by: By) -> Iterator[dict[str, Any]]:
    for phase in cell.phases:
        for name in phase.measures:
            yield _who(cell) | _phase(phase, by) | _value(phase, name)


def _who(cell: Cell) -> dict[str, Any]:
    return {
        "session": cell.session,
        "animal": cell.animal,
        "cell": cell.cell,
        "age": cell.age,
        "cell_accepted": cell.is_accepted,
        "cell_left_out_because": "; ".join(cell.reasons) or None,
    }


def _phase(phase: CellPhase, by: By) -> dict[str, Any]:
    s = phase.solution
    return {
        "phase": str(phase.role),
        "group": group_of(s, by) if phase.role == "test" else None,
        "solution": s.label,
        "compound": s.compound,
        "concentration_mol_per_l": s.concentration,
        "minutes_from": phase.minutes[0],
        "minutes_to": phase.minutes[1],
    }


def _value(phase: CellPhase, name: str) -> dict[str, Any]:
    mean = phase.measures[name]
    unit, factor = unit_of(name, mean.unit)
    return {
        "measure": name,
        "mean": _scaled(mean.value, factor),
        "sd": _scaled(mean.sd, factor),
        "unit": unit,
        "n_sweeps": mean.n,
        "n_censored": mean.censored,
        "lower_bound": _scaled(mean.bound, factor),
    }


def unit_of(name: str, si: str) -> tuple[str, float]:
    """Return the unit in which a measure is written, and the factor from SI."""
    if name in SHOWN:
        return SHOWN[name].unit.replace("Ω", "Ohm") or "1", SHOWN[name].factor
    suffix, factor = FIELD_UNIT.get(si, (f"_{si}", 1.0))
    return suffix.removeprefix("_").replace("_per_", "/").replace("_", " ") or "1", factor


def _scaled(value: float, factor: float) -> float | None:
    return value * factor if math.isfinite(value) else None


def _sweeps(cell: Cell) -> Iterator[dict[str, Any]]:
    why = {s.sweep: s.reason for s in cell.left_out}
    for p in cell.course:
        values = {}
        for name in (HEADLINE, *CONFOUNDS):
            unit, factor = unit_of(name, "1")
            values[f"{name}_{unit}".removesuffix("_1")] = _scaled(p.values[name], factor)
        yield {
            "session": cell.session,
            "animal": cell.animal,
            "cell": cell.cell,
            "sweep": p.sweep,
            "minutes": p.minutes,
            "phase": str(p.role),
            "kept": p.is_accepted,
            "reason": why.get(p.sweep),
            "A_1000_percent_of_baseline": _scaled(p.percent, 1.0),
            **values,
        }
