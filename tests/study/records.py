"""Cells of a study as records, without files."""

from __future__ import annotations

import math

from acquisition.study.cell import Cell, CellPhase, CoursePoint, Mean, Role, Solution

UNITS = {"A_1000": "V", "S_fix": "V s", "D50": "s", "Rin": "Ohm", "V_b": "V", "I_step": "A", "Rs": "Ohm", "n_ap": "1"}


def phase(role: Role, solution: Solution, *, minutes: float = 5.0, **values: Mean | float) -> CellPhase:
    means = {n: v if isinstance(v, Mean) else Mean(v, 0.1 * abs(v), 10, unit=UNITS[n]) for n, v in values.items()}
    return CellPhase(role, str(role), solution, 0.0, 300.0, (minutes - 5, minutes), 10, 10, means)


def cell(
    name: str,
    before: float,
    after: float,
    *,
    animal: str | None = None,
    solution: Solution | None = None,
    accepted: bool = True,
    d50: tuple[Mean, Mean] | None = None,
) -> Cell:
    """A cell whose A_1000 goes from `before` to `after`, V; without a solution it is a vehicle cell."""
    test = solution or Solution("ACSF, second line")
    d50 = d50 or (Mean(0.9, 0.1, 10, unit="s"), Mean(0.6, 0.1, 10, unit="s"))
    rest = {"Rin": 80e6, "V_b": -60e-3, "I_step": 3e-10, "Rs": 15e6, "n_ap": 3.0}
    phases = (
        phase(Role.BASELINE, Solution("ACSF"), minutes=-1.0, A_1000=before, S_fix=1.5 * before, D50=d50[0], **rest),
        phase(Role.TEST, test, minutes=12.0, A_1000=after, S_fix=1.5 * after, D50=d50[1], **rest),
    )
    course = tuple(
        CoursePoint(i, m, r, True, 100 * v / before, {"A_1000": v, **rest})
        for i, (m, r, v) in enumerate(
            [(t - 5.5, Role.BASELINE, before) for t in range(5)] + [(t + 0.5, Role.TEST, after) for t in range(5)]
        )
    )
    return Cell(
        path=f"/data/{name}.nwb", identifier=f"id-{name}", session=f"s-{name}", animal=animal or f"animal-{name}",
        cell=name, slice=None, age="24 months", strain="Fischer 344", sex="male", started="2026-01-02T10:11:12+00:00",
        is_simulated=False, title="A study", protocol_text="", solutions=(test.label,), software={},
        analysers=("sahp 2.3",), phases=phases, within=(), course=course, left_out=(), is_accepted=accepted,
        reasons=() if accepted else ("access resistance rose 31 %, limit 20 %",), temperature=math.nan,
    )  # fmt: skip


def drug(molar: float = 1e-6, compound: str = "MEM 1003") -> Solution:
    return Solution(f"{compound} {molar * 1e6:g} µM", compound, molar, "0.01 % DMSO")
