"""A rehearsal from asking to answer: orders made, cells lived, findings, report."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from acquisition.files import load_fitting, make_folder
from acquisition.rehearsal.counts import Share, share, whole
from acquisition.rehearsal.planned import plans
from acquisition.rehearsal.population import ended_by_person, live_all
from acquisition.rehearsal.vehicle import has_compound, vehicle_text
from acquisition.rehearsal.virtual_cell import Arm, Ending, Order
from acquisition.run import DISK_FACTOR
from acquisition.session.disk import require_space
from acquisition.study.findings import compare_cells
from config.fault_moments import too_late
from config.faults import faults_for
from config.fit import plan_for
from protocols.errors import Refused
from protocols.loading import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from acquisition.rehearsal.planned import Planned
    from acquisition.rehearsal.population import Told
    from acquisition.rehearsal.virtual_cell import VirtualCell
    from acquisition.study.findings import Findings
    from acquisition.study.report import Report
    from config.rig import Rig
    from protocols.protocol import Protocol

REPORTS, FIGURES = (".html", ".pdf"), (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class Asked:
    """What a person wants of a rehearsal."""

    protocol: Path
    rig: Path
    cells: int = 200
    vehicle: int | None = None
    """How many of them get the vehicle; None: half, if there is a compound to leave out."""
    seed: int = 1
    """Of the first cell; the others follow."""
    faults: Path | None = None
    answers: bool = False
    """Whether questions of a run get their first option."""
    workers: int | None = None
    dask: str | None = None
    out: Path | None = None
    """Folder for everything: report, figure, data, and sessions if they are kept."""
    report: Path | None = None
    figure: Path | None = None
    keep: bool = False


@dataclass(frozen=True)
class Rehearsal:
    """What came of it."""

    asked: Asked
    title: str
    rig: Rig
    cells: tuple[VirtualCell, ...]
    """Those that were lived, in the order of seeds."""
    findings: Findings | None
    """Of the usable cells; None where there is nothing to compare."""
    planned: tuple[Planned, ...]

    @property
    def success(self) -> Share:
        """How many ended with a usable result."""
        return share(self.cells, lambda c: c.is_usable)

    @property
    def is_cut_short(self) -> bool:
        """Whether the person ended it early."""
        return len(self.cells) < self.asked.cells

    def of(self, arm: Arm) -> tuple[VirtualCell, ...]:
        """Return the cells of one arm."""
        return tuple(c for c in self.cells if c.arm is arm)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that got a compound and have plans, by name."""
        return tuple(dict.fromkeys(p.group for p in self.planned))

    def planned_of(self, group: str) -> tuple[Planned, ...]:
        """Return the plans of one group."""
        return tuple(p for p in self.planned if p.group == group)

    def as_mapping(self) -> dict[str, Any]:
        """Return what `--json` prints: SI, NaN as None."""
        time = whole(self.cells)
        return {
            "protocol": self.title,
            "rig": self.rig.rig,
            "asked": self.asked.cells,
            "lived": len(self.cells),
            "cut_short": self.is_cut_short,
            "success": _share(self.success),
            "endings": {str(e): share(self.cells, lambda c, e=e: c.ending is e).count for e in Ending},  # type: ignore[misc]
            "experiment_s": None if time is None else {"median": time.median, "p5": time.low, "p95": time.high},
            "planned": [_planned(p) for p in self.planned],
            "cells": [c.as_mapping() for c in self.cells],
        }


def rehearse(asked: Asked, told: Told | None = None) -> Rehearsal:
    """Rehearse, until all cells are done or the person presses Ctrl-C.

    Raises
    ------
    InvalidFile, Refused
        A file is wrong, the protocol cannot run on this rig, or something asked for cannot be.
    """
    protocol, rig = load_fitting(asked.protocol, asked.rig)
    _check(asked, protocol, rig)
    orders = orders_of(asked, protocol)
    with ended_by_person() as stop:
        cells = live_all(orders, workers=asked.workers, dask=asked.dask, told=told, stop=stop)
    return concluded(asked, protocol.protocol, rig, cells)


def late_faults(asked: Asked) -> Iterator[str]:
    """Yield a warning for each fault of the list whose moment lies beyond any run of the protocol."""
    if asked.faults is not None:
        fitting = load_fitting(asked.protocol, asked.rig)
        yield from too_late(faults_for(asked.faults, *fitting), *fitting)


def concluded(asked: Asked, title: str, rig: Rig, cells: Sequence[VirtualCell]) -> Rehearsal:
    """Return what the cells show, compared as `compare` compares sessions."""
    usable = [c.cell for c in cells if c.is_usable and c.cell is not None and c.cell.tests]
    findings = compare_cells(usable) if usable else None
    return Rehearsal(asked, title, rig, tuple(cells), findings, plans(findings.design) if findings else ())


def orders_of(asked: Asked, protocol: Protocol) -> list[Order]:
    """Return one order per cell; the vehicle cells are spread evenly, so that a rehearsal cut short has both."""
    written, rig = read_text(asked.protocol), read_text(asked.rig)
    n = vehicle_cells(asked, protocol)
    texts = {Arm.WRITTEN: written, Arm.VEHICLE: vehicle_text(written) if n else ""}
    faults = None if asked.faults is None else read_text(asked.faults)
    keep = str(_sessions(asked).resolve()) if asked.keep else None
    arms = [
        Arm.VEHICLE if (i + 1) * n // asked.cells > i * n // asked.cells else Arm.WRITTEN for i in range(asked.cells)
    ]
    return [Order(asked.seed + i, arm, texts[arm], rig, faults, asked.answers, keep) for i, arm in enumerate(arms)]


def vehicle_cells(asked: Asked, protocol: Protocol) -> int:
    """Return how many cells get the vehicle."""
    if asked.vehicle is None:
        return asked.cells // 2 if has_compound(protocol) else 0
    return asked.vehicle


def write(rehearsal: Rehearsal) -> list[Path]:
    """Write what was asked for, and return the files."""
    asked, out = rehearsal.asked, rehearsal.asked.out
    written: list[Path] = []
    report = asked.report or (out / "report.html" if out else None)
    figure = asked.figure or (out / "rehearsal.png" if out else None)
    if report is not None:
        written.append(_write_report(rehearsal, report))
    if figure is not None and rehearsal.cells:
        written.append(_write_figure(rehearsal, figure))
    if out is not None:
        written.append(_write_data(rehearsal, out / "rehearsal.json"))
    return written


def _write_report(rehearsal: Rehearsal, path: Path) -> Path:
    from acquisition.rehearsal.report import report_of

    made: Report = report_of(rehearsal)
    if path.suffix.lower() == ".pdf":
        from acquisition.study.sheaf import write_pdf

        write_pdf(made, path)
    else:
        from acquisition.study.pages import write_html

        write_html(made, path)
    return path


def _write_figure(rehearsal: Rehearsal, path: Path) -> Path:
    from acquisition.rehearsal.figure_plan import plan_figure

    plan_figure(rehearsal, rehearsal.planned_of(next(iter(rehearsal.groups), ""))).savefig(path, facecolor="white")
    return path


def _write_data(rehearsal: Rehearsal, path: Path) -> Path:
    data = {"patchrig": version("patchrig"), **rehearsal.as_mapping()}
    path.write_text(json.dumps(data, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    return path


def _sessions(asked: Asked) -> Path:
    if asked.out is None:
        raise Refused("--keep needs a folder for the sessions: --out DIR")
    return asked.out / "sessions"


def _check(asked: Asked, protocol: Protocol, rig: Rig) -> None:
    """Refuse what cannot be, before minutes of computing."""
    if asked.faults is not None:
        faults_for(asked.faults, protocol, rig)
    _check_arms(asked, protocol)
    for path, forms in ((asked.report, REPORTS), (asked.figure, FIGURES)):
        if path is not None and path.suffix.lower() not in forms:
            raise Refused(f"{path}: write a name that ends in {', '.join(forms)}")
        if path is not None and path.is_dir():
            raise Refused(f"{path} is a folder: name a file")
        if path is not None and not path.absolute().parent.is_dir():
            raise Refused(f"{path}: there is no folder {path.absolute().parent}")
    if asked.out is not None:
        make_folder(asked.out)
    if asked.keep:
        need = asked.cells * DISK_FACTOR * plan_for(protocol, rig).bytes_max
        make_folder(_sessions(asked))
        require_space(_sessions(asked), need)


def _check_arms(asked: Asked, protocol: Protocol) -> None:
    n = vehicle_cells(asked, protocol)
    if n and not has_compound(protocol):
        raise Refused("no solution of this protocol has a compound beyond the first, so there is nothing to leave out "
                      "in vehicle cells; write --vehicle 0")  # fmt: skip
    if n > asked.cells:
        raise Refused(f"{n} vehicle cells are more than the {asked.cells} cells of the rehearsal (--cells)")


def _share(found: Share) -> dict[str, Any]:
    low, high = found.interval
    return {"count": found.count, "of": found.of, "fraction": _known(found.fraction), "interval": [low, high]}


def _planned(p: Planned) -> dict[str, Any]:
    """Return a plan as JSON-able numbers: SI, or % where it says so."""
    return {
        "group": p.group,
        "measure": p.measure,
        "unit": "% of baseline" if p.in_percent else "SI",
        "effect": _known(p.effect),
        "sd_drug": _known(p.sds[0]),
        "sd_vehicle": _known(p.sds[1]),
        "n_drug": len(p.drug),
        "n_vehicle": len(p.vehicle),
        "power": {str(c.test): _curve(c) for c in p.curves},
    }


def _curve(c: Any) -> Mapping[str, Any]:
    return {
        "cells": c.cells.tolist(),
        "formula": c.formula.tolist(),
        "low": c.low.tolist(),
        "high": c.high.tolist(),
        "drawn": c.drawn.tolist(),
        "virtual_cells": c.of,
        "needed": c.needed,
        "needed_interval": list(c.needed_interval),
    }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
