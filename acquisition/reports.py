"""What the command line shows of files, plans and sessions, as words and tables."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from rich.box import ROUNDED
from rich.console import Console
from rich.table import Table

from acquisition.acceptance import by_sweep, flags_of
from acquisition.terminal import clock_text
from protocols.errors import InvalidFile, PatchrigError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from acquisition.session.reader import SweepInfo
    from acquisition.session.recovery import Seal
    from protocols.plan import Plan, PlannedStep
    from protocols.sweeps import Measurement
    from protocols.waveforms import TtlPulse

# --- check ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Checked:
    """What was found in one file."""

    path: Path
    ok: bool
    text: str
    problems: tuple[Problem, ...] = ()

    def as_mapping(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {"file": self.path, "ok": self.ok, "problems": [vars(p) for p in self.problems]}


def check_files(paths: list[Path], rig: Path | None, shipped: Path) -> list[Checked]:
    """Check each file as what it is: protocols also against `rig` if given, faults against a protocol beside them.

    Faults beside a protocol are checked against the `shipped` rig if none is given.
    """
    protocols = [path for path in paths if _kind_or_none(path) == "protocol"]
    return [_check(path, rig, shipped, protocols) for path in paths]


def _check(path: Path, rig: Path | None, shipped: Path, protocols: list[Path]) -> Checked:
    from acquisition.files import load_fitting, load_rig
    from config.fit import notes
    from protocols.loading import load_protocol

    words: list[str] = []
    try:
        kind = _kind_of(path)
        if kind == "rig":
            load_rig(path)
        elif kind == "trouble":
            words = _check_faults(path, rig or shipped, protocols)
        elif rig is None:
            load_protocol(path)
        else:
            words = notes(*load_fitting(path, rig))
    except InvalidFile as error:
        return Checked(path, ok=False, text=str(error), problems=error.problems)
    except PatchrigError as error:
        return Checked(path, ok=False, text=f"{path}: {error}", problems=(Problem(1, 1, str(error)),))
    return Checked(path, ok=True, text="\n".join([f"{path}: ok", *(f"  note: {w}" for w in words)]))


def _check_faults(path: Path, rig: Path, protocols: list[Path]) -> list[str]:
    """Check a list of faults by itself, and against a single protocol beside it.

    Return what could not be checked, or else which faults come too late for any run.
    """
    from acquisition.files import load_fitting
    from config.fault_moments import too_late
    from config.faults import faults_for, load_faults

    load_faults(path)
    if len(protocols) != 1:  # of several nobody knows which one the list is for
        return ["names after 'after', sweep numbers and parts of the rig were not checked: give one protocol beside it"]
    try:
        fitting = load_fitting(protocols[0], rig)
    except PatchrigError:
        return [f"not checked against {protocols[0]}, which has mistakes of its own or does not fit the rig"]
    return list(too_late(faults_for(path, *fitting), *fitting))


def _kind_or_none(path: Path) -> str | None:
    """Return the kind of a file, None for one that cannot be read: its own check says why."""
    try:
        return _kind_of(path)
    except PatchrigError:
        return None


def _kind_of(path: Path) -> str | None:
    """Return which of its possible first keys the file has at its left margin; None if none."""
    from protocols.loading import read_text

    heads = ("rig", "protocol", "trouble")
    return next((h for line in read_text(path).splitlines() if (h := line.split(":")[0]) in heads), None)


# --- plan -----------------------------------------------------------------------------------------------------------


def the_plan(protocol: Path, rig: Path, faults: Path | None = None) -> Plan:
    """Return the plan of a protocol on a rig; its notes say which `faults` of a list come too late for any run.

    Raises
    ------
    InvalidFile, Refused
        The files are wrong, or the protocol could exceed the rig's limits.
    """
    from acquisition.files import load_fitting
    from config.fault_moments import too_late
    from config.faults import faults_for
    from config.fit import plan_for

    fitting = load_fitting(protocol, rig)
    plan = plan_for(*fitting)
    late = () if faults is None else too_late(faults_for(faults, *fitting), *fitting)
    return replace(plan, notes=(*plan.notes, *late))


def plan_table(plan: Plan) -> None:
    """Print the plan to stdout."""
    table = Table(title=plan.title, title_justify="left", title_style="bold", box=ROUNDED)
    for head in ("#", "what", "at least", "at most", "sweeps", "command"):
        table.add_column(head, justify="left" if head in ("#", "what") else "right")
    for s in plan.steps:
        if s.number == "finish 1":
            table.add_section()
        table.add_row(s.number, s.what, clock_text(s.shortest), clock_text(s.longest), _sweeps(s), s.command)
    table.add_section()
    table.add_row("", "in all", clock_text(plan.shortest), clock_text(plan.longest), "", "")
    console = _stdout()
    console.print(table)
    for line in plan.summary:
        console.print(line, soft_wrap=True)


def _stdout() -> Console:
    """Return a console on stdout; as wide as the tables need when it is not a terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=170)


def _sweeps(step: PlannedStep) -> str:
    if step.sweeps_max == 0:
        return ""
    return str(step.sweeps_max) if step.sweeps_min == step.sweeps_max else f"{step.sweeps_min} .. {step.sweeps_max}"


# --- review ---------------------------------------------------------------------------------------------------------

COLUMNS = (
    ("spikes", "n_ap", 1.0, "{:.0f}"),
    ("sAHP 1 s\nmV", "A_1000", 1e3, "{:.2f}"),
    ("area\nmV s", "S_fix", 1e3, "{:.2f}"),
    ("D50\ns", "D50", 1.0, "{:.2f}"),
    ("Vm\nmV", "V_b", 1e3, "{:.1f}"),
    ("Rin\nMOhm", "Rin", 1e-6, "{:.0f}"),
    ("Rm\nMOhm", "Rm", 1e-6, "{:.0f}"),
    ("Ra\nMOhm", "Rs", 1e-6, "{:.1f}"),
    ("Cm\npF", "Cm", 1e12, "{:.0f}"),
)
"""Head, measure, factor to the unit shown, form."""


def sweep_rows(path: Path) -> list[dict[str, Any]]:
    """Return one mapping a sweep, SI, for `--json`."""
    from acquisition.session.recovery import open_recovered

    with open_recovered(path) as session:
        made = by_sweep(session.measurements)
        return [
            {**_row(s, made.get(s.index, {}), session.rejected.get(s.index)), "ttl": _ttl_rows(s, session.ttl)}
            for s in session.sweeps
        ]


def _ttl_rows(sweep: SweepInfo, ttl: Mapping[int, tuple[TtlPulse, ...]]) -> list[dict[str, Any]]:
    """Return the TTL pulses of a sweep, seconds from its first sample."""
    pulses = ttl.get(sweep.index, ())
    return [{"line": p.line, "start": p.start / sweep.rate, "stop": p.stop / sweep.rate} for p in pulses]


def ttl_words(sweep: SweepInfo, pulses: tuple[TtlPulse, ...]) -> str:
    """Return which lines were pulsed when, as 'camera 10x from 0.100 s; stimulator 1.000 s'."""
    lines: dict[str, list[float]] = {}
    for p in pulses:
        lines.setdefault(p.line, []).append(p.start / sweep.rate)
    many = ((line, f" {len(t)}x from" if len(t) > 1 else "", t[0]) for line, t in lines.items())
    return "; ".join(f"{line}{count} {first:.3f} s" for line, count, first in many)


def _row(sweep: SweepInfo, made: dict[str, Measurement], rejected: str | None) -> dict[str, Any]:
    values = {name: m.value if math.isfinite(m.value) else None for name, m in made.items()}
    facts = {
        "sweep": sweep.index,
        "start": sweep.start,
        "label": sweep.label,
        "condition": sweep.condition,
        "mode": str(sweep.mode),
        "holding": sweep.holding,
        "step": sweep.step,
        "complete": sweep.complete,
        "rejected": rejected,
    }
    return {**facts, "flags": list(flags_of(made.values())), "measures": values}


def sweep_table(path: Path) -> None:
    """Print the table of sweeps to stdout."""
    from acquisition.session.recovery import open_recovered

    with open_recovered(path) as session:
        made = by_sweep(session.measurements)
        present = [c for c in COLUMNS if any(c[1] in values for values in made.values())]
        table = Table(
            title=f"{path.name}: {session.cell_id}, {session.started:%Y-%m-%d %H:%M}",
            title_justify="left",
            title_style="bold",
            box=ROUNDED,
        )
        ttl = ("TTL",) if session.ttl else ()
        for head in ("#", "time", "label", "solution", "hold", "step\npA", *ttl, *(c[0] for c in present), "flags"):
            table.add_column(head, justify="left" if head in ("label", "solution", "TTL", "flags") else "right")
        for s in session.sweeps:
            pulsed = [ttl_words(s, session.ttl.get(s.index, ())) for _ in ttl]
            table.add_row(*_cells(s, pulsed, made.get(s.index, {}), present, session.rejected.get(s.index)))
    _stdout().print(table)


def _cells(
    sweep: SweepInfo,
    pulsed: list[str],
    made: dict[str, Measurement],
    columns: list[tuple[str, str, float, str]],
    rejected: str | None,
) -> list[str]:
    in_amperes = sweep.mode.command_unit == "A"
    hold = f"{sweep.holding * 1e12:.0f} pA" if in_amperes else f"{sweep.holding * 1e3:.0f} mV"
    step = f"{sweep.step * 1e12:.0f}" if sweep.step is not None and in_amperes else ""
    numbers = [
        form.format(made[name].value * factor) if name in made and math.isfinite(made[name].value) else ""
        for _, name, factor, form in columns
    ]
    words = [*(["incomplete"] if not sweep.complete else []), *([f"rejected: {rejected}"] if rejected else [])]
    return [
        str(sweep.index),
        clock_text(sweep.start),
        sweep.label,
        sweep.condition,
        hold,
        step,
        *pulsed,
        *numbers,
        "; ".join([*words, *flags_of(made.values())]),
    ]


# --- result ---------------------------------------------------------------------------------------------------------


def seal_words(seal: Seal) -> str:
    """Return the verdict on a session in a few words."""
    if seal.ok:
        valid = ", valid NWB" if seal.invalid is not None else ""
        return f"sealed: all sweeps ({seal.sweeps}) as recorded{valid}"
    return "NOT SEALED: " + "; ".join([*seal.problems, *(seal.invalid or ())])


@dataclass(frozen=True)
class Result:
    """What a session shows."""

    lines: tuple[str, ...]
    data: dict[str, Any]


def result_of(path: Path) -> Result:
    """Return what a session shows: before against after, spikes against current, or the state of the membrane.

    Sessions with bursts also say whether their cell counts, by the limits of their own protocol.
    """
    from acquisition.difference import decays_of
    from acquisition.outcome import outcome_of
    from acquisition.session.recovery import open_recovered

    with open_recovered(path) as session:
        found, guardian = outcome_of(session), session.guardian
        decays = decays_of(session, found.summary.phases)
    lines = (*found.lines(decays), *([guardian.words()] if guardian else []))
    return Result(lines, {**found.as_mapping(), "decays": decays, "guardian": guardian and asdict(guardian)})
