"""A study from files to paper: gather, code, compare, write. The command line calls this and nothing below it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from acquisition.study.blinding import code
from acquisition.study.cell import Rules
from acquisition.study.design import By
from acquisition.study.effect_sheet import as_mapping
from acquisition.study.findings import compare_cells
from acquisition.study.gathering import find_sessions, gather_cells
from acquisition.study.methods import Paragraph, recording_methods
from acquisition.study.report import make_report
from protocols.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from acquisition.study.blinding import Key
    from acquisition.study.cell import Cell
    from acquisition.study.findings import Findings
    from acquisition.study.gathering import Gathered, Told
    from acquisition.study.report import Report

REPORTS = (".html", ".pdf")


@dataclass(frozen=True)
class Asked:
    """What a person wants of a comparison."""

    sessions: tuple[Path, ...]
    by: By = By.CONDITION
    blind: bool = False
    key: Path | None = None
    vehicle: str | None = None
    report: Path | None = None
    table: Path | None = None
    dask: str | None = None
    workers: int | None = None


@dataclass(frozen=True)
class Study:
    """What came of it."""

    findings: Findings
    gathered: Gathered
    report: Report
    written: tuple[Path, ...]

    def as_mapping(self) -> dict[str, Any]:
        """Return what `--json` prints: SI, NaN as None."""
        f = self.findings
        return {
            "by": str(f.design.by),
            "title": self.report.title,
            "answer": list(self.report.answer),
            "caveats": list(self.report.caveats),
            "groups": [
                {"name": g.name, "is_vehicle": g.is_vehicle, "cells": len(g.accepted), "animals": len(g.animals)}
                for g in f.design.groups
            ],
            "results": [_result(r) for r in f.results.values()],
            "cells": [c.as_mapping() for c in f.design.cells],
            "unreadable": [vars(u) for u in self.gathered.unreadable],
            "doubled": list(self.gathered.doubled),
            "written": [str(p) for p in self.written],
        }


def _result(r: Any) -> dict[str, Any]:
    c = r.contrast
    facts = {
        "group": r.group,
        "measure": r.measure,
        "n_cells": r.paired.n_cells,
        "n_animals": r.paired.n_animals,
        "before": r.paired.mean_before,
        "after": r.paired.mean_after,
        "against_vehicle": r.against is not None,
        **vars(c),
        **as_mapping(r),
        "p_holm": r.corrected.adjusted if r.corrected is not None else None,
    }
    return {k: _known(v) for k, v in facts.items()}


def _known(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_known(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def compare_sessions(asked: Asked, told: Told | None = None) -> Study:
    """Compare the cells of many sessions and write what was asked for.

    Raises
    ------
    Refused
        There are no sessions, none can be read, nothing is called like the vehicle, or a file cannot be written so.
    """
    key = _key_file(asked)
    _can_write((asked.report, REPORTS), (asked.table, (".csv", ".parquet")), (key, (".json",)))
    rules = Rules(vehicle=asked.vehicle)
    gathered = gather_cells(find_sessions(asked.sessions), rules, workers=asked.workers, dask=asked.dask, told=told)
    _must_have_cells(gathered)
    _must_know_vehicle(gathered.cells, asked.vehicle)
    recorded = recording_methods(gathered.cells, blind=asked.blind)
    by, written = asked.by, []
    if asked.blind and key is not None:
        coded = code(gathered, asked.by)
        written.append(_write_key(coded.key, key))
        gathered, by = coded.gathered, By.CONDITION
        recorded = tuple(Paragraph(p.heading, coded.names(p.text)) for p in recorded)
    findings = compare_cells(gathered.cells, by)
    report = make_report(findings, gathered, recorded, rules, blind=asked.blind)
    written += _write(asked, findings, report)
    return Study(findings, gathered, report, tuple(written))


def _key_file(asked: Asked) -> Path | None:
    """Return where the key goes: beside the report or the table."""
    if not asked.blind:
        if asked.key is not None:
            raise Refused("--key belongs to --blind; without codes there is no key to write")
        return None
    beside = asked.report or asked.table
    if asked.key is None and beside is None:
        raise Refused("--blind needs a place for its key: name a --report or --table, or --key FILE.json")
    return asked.key or (beside.with_name(f"{beside.stem}.key.json") if beside else None)


def _can_write(*files: tuple[Path | None, Sequence[str]]) -> None:
    """Refuse a file that could not be written, before an hour's reading."""
    for path, forms in files:
        if path is None:
            continue
        if path.suffix.lower() not in forms:
            raise Refused(f"{path}: write a name that ends in {' or '.join(forms)}")
        if not path.absolute().parent.is_dir():
            raise Refused(f"{path}: there is no folder {path.absolute().parent}")


def _must_have_cells(gathered: Gathered) -> None:
    if not gathered.cells:
        reasons = "\n".join(f"  {u.reason}" for u in gathered.unreadable)
        raise Refused(
            f"none of the {len(gathered.unreadable)} files could be read as a session with bursts:\n{reasons}"
        )


def _must_know_vehicle(cells: Iterable[Cell], vehicle: str | None) -> None:
    """Refuse a name that no session knows: the cells it was meant for would silently count as drug cells."""
    if vehicle is None:
        return
    known = dict.fromkeys(name for c in cells for name in c.solutions)
    if vehicle.casefold() not in {n.casefold() for n in known}:
        raise Refused(f"no solution is called '{vehicle}' in these sessions; they have {', '.join(known) or 'none'}")


def _write_key(key: Key, path: Path) -> Path:
    path.write_text(json.dumps(key.as_mapping(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return path


def _write(asked: Asked, findings: Findings, report: Report) -> list[Path]:
    """Write report and tables."""
    written: list[Path] = []
    if asked.table is not None:
        from acquisition.study.tables import write_tables

        written += write_tables(findings.design, asked.table)
    if asked.report is not None and asked.report.suffix.lower() == ".html":
        from acquisition.study.pages import write_html

        write_html(report, asked.report)
        written.append(asked.report)
    elif asked.report is not None:
        from acquisition.study.sheaf import write_pdf

        write_pdf(report, asked.report)
        written.append(asked.report)
    return written
