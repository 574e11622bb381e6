"""What was measured in a file of another program, as a table: for a person, for a spreadsheet, as JSON.

One row a sweep and step. Files and screen have the field's units and say them; JSON has SI.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from acquisition.acceptance import against_sweep, flags_of, one_of_each
from acquisition.session.export import field_unit
from protocols.measures import BASELINE
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    import polars
    from rich.table import Table

    from acquisition.foreign.measuring import Findings, MeasuredPart


def frame_of(findings: Findings) -> polars.DataFrame:
    """Return one row a sweep and step, as `patchrig export` has it for sessions, with `file` and `step` beside."""
    import polars

    rows = [_facts(findings, part) | _numbers(part) for part in findings.parts]
    names = dict.fromkeys(name for row in rows for name in row)
    return polars.DataFrame({name: [row.get(name) for row in rows] for name in names}, strict=False)


def _facts(findings: Findings, part: MeasuredPart) -> dict[str, Any]:
    """Return the columns that are not measures."""
    against = against_sweep(one_of_each(part.measurements))
    current = findings.recording.mode is not ClampMode.VOLTAGE
    return {
        "file": findings.recording.path.name,
        "sweep": part.sweep,
        "step": part.step or None,
        "time_s": part.start,
        "clamp_mode": str(findings.recording.mode),
        "step_start_s": _known(part.edges[0]),
        "step_stop_s": _known(part.edges[1]),
        "step_pA": _known(part.amplitude * 1e12) if current else None,
        "kept": not against,
        "reason": "; ".join(against) or None,
        "analyser": next((m.analyser for m in part.measurements), None),
    }


def _numbers(part: MeasuredPart) -> dict[str, Any]:
    made = one_of_each(part.measurements)
    row: dict[str, Any] = {"flags": "; ".join(flags_of(made.values()))}
    for m in made.values():
        suffix, factor = field_unit(m.name, m.unit)
        row[m.name + suffix] = _known(m.value * factor)
    return row


def as_mapping(findings: Findings) -> dict[str, Any]:
    """Return what `--json` prints, SI."""
    r = findings.recording
    return {
        "file": r.path,
        "format": r.form,
        "mode": str(r.mode),
        "rate": r.rate,
        "assumed_unit": r.assumed or None,
        "warnings": list(findings.warnings),
        "sweeps": [_as_mapping(part) for part in findings.parts],
    }


def _as_mapping(part: MeasuredPart) -> dict[str, Any]:
    made = one_of_each(part.measurements)
    return {
        "sweep": part.sweep,
        "step": part.step or None,
        "start": part.start,
        "step_start": _known(part.edges[0]),
        "step_stop": _known(part.edges[1]),
        "step_amplitude": _known(part.amplitude),
        "flags": list(flags_of(made.values())),
        "measures": {name: _known(m.value) for name, m in made.items()},
        "measurements": [vars(m) | {"value": _known(m.value)} for m in part.measurements],
    }


def screen_of(findings: Findings) -> Table:
    """Return the table for a person: the columns of `patchrig review`, as far as there is something in them."""
    from rich.box import ROUNDED
    from rich.table import Table

    from acquisition.reports import COLUMNS

    made = [one_of_each(part.measurements) for part in findings.parts]
    present = [c for c in COLUMNS if any(c[1] in m and math.isfinite(m[c[1]].value) for m in made)]
    in_steps = findings.recording.mode is not ClampMode.VOLTAGE
    table = Table(box=ROUNDED)
    heads = ("#", "step", "from\ns", "to\ns", "size\npA") if in_steps else ("#",)
    for head in (*heads, *(c[0] for c in present), "flags"):
        table.add_column(head, justify="left" if head == "flags" else "right")
    for part, values in zip(findings.parts, made, strict=True):
        numbers = [_cell(values[name].value if name in values else math.nan, f, form) for _, name, f, form in present]
        flags = "; ".join(flags_of(values.values()))
        table.add_row(*(_where(part) if in_steps else (str(part.sweep),)), *numbers, flags)
    return table


def title_of(findings: Findings) -> str:
    """Return what was measured in one line."""
    r = findings.recording
    named = f", '{r.protocol}'" if r.protocol else ""
    return f"{r.path.name}: {r.form}, {r.mode}, {r.rate / 1e3:g} kHz{named}"


def notes_of(findings: Findings) -> list[str]:
    """Return what a person should know who wonders at empty columns."""
    bases = [m for part in findings.parts for m in part.measurements if m.name == "V_b"]
    without = sum("window_incomplete" in m.flags for m in bases)
    if not without:
        return []
    return [
        f"No baseline in {without} of {len(bases)}: it is {-1e3 * BASELINE[0]:.0f} to {-1e3 * BASELINE[1]:.0f} "
        "ms before the step unless you say otherwise, free of other pulses, and never shorter. What is counted from it "
        "is empty.",
        "A baseline that fits: --baseline '-140 ms .. -10 ms'. A window of your own: "
        "--measure 'late: {kind: mean, from: 100 ms, to: 200 ms, minus_baseline: no}'",
    ]


def _where(part: MeasuredPart) -> tuple[str, ...]:
    on, off = part.edges
    return str(part.sweep), str(part.step), f"{on:.7g}", f"{off:.7g}", _cell(part.amplitude, 1e12, "{:.0f}")


def _cell(value: float, factor: float, form: str) -> str:
    return form.format(value * factor) if math.isfinite(value) else ""


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
