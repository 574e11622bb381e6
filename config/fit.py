"""Whether a protocol can run on a rig: asked before anything is opened."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from config import knobs
from config.loading import load_rig
from protocols.errors import InvalidFile, Problem, Refused
from protocols.explaining import did_you_mean
from protocols.loading import protocol_from_text, read_text
from protocols.marks import Finding, located, read_marked
from protocols.plan import Plan, PlanLimits, PlannedStep, bounded, excess, make_plan, too_fast
from protocols.quantities import Current, Voltage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from config.rig import Rig
    from protocols.protocol import Protocol


def load_fitting(protocol: Path, rig: Path) -> tuple[Protocol, Rig]:
    """Return a protocol and a rig that can run it.

    Raises
    ------
    InvalidFile
        One of the files has mistakes, or (with the places in the protocol) the protocol asks for what the rig has not.
    """
    text, name = read_text(protocol), str(protocol)
    read, on = protocol_from_text(text, name), load_rig(rig)
    if problems := misfits(read, text, on):
        raise InvalidFile(name, text, problems)
    return read, on


def misfits(protocol: Protocol, text: str, rig: Rig) -> list[Problem]:
    """Return the places in `text`, which `protocol` was read from, that ask for what `rig` has not."""
    findings = _findings(protocol, rig)
    marked = read_marked(text) if findings else None
    found = [located(f, marked) for f in findings] if marked is not None else []
    return sorted(found, key=lambda p: (p.line, p.column))


def check_fit(protocol: Protocol, rig: Rig) -> None:
    """Refuse a protocol that cannot run on `rig`.

    Raises
    ------
    Refused
        With all the reasons.
    """
    if reasons := fit(protocol, rig):
        raise Refused("\n".join(reasons))


def fit(protocol: Protocol, rig: Rig) -> list[str]:
    """Return why `protocol` cannot run on `rig`, one sentence each; nothing if it can."""
    return [f.message for f in _findings(protocol, rig)]


def notes(protocol: Protocol, rig: Rig) -> list[str]:
    """Return what a person should know before `protocol` runs on `rig`, one sentence each."""
    rules = (knobs.notes, _output_notes)
    return [words for rule in rules for words in rule(protocol, rig)]


def plan_for(protocol: Protocol, rig: Rig) -> Plan:
    """Return what `protocol` will do on `rig`.

    Raises
    ------
    Refused, LimitExceeded
        See `make_plan`.
    """
    return replace(make_plan(protocol, plan_limits(rig)), notes=tuple(notes(protocol, rig)))


def plan_limits(rig: Rig) -> PlanLimits:
    """Return what a plan must know of `rig`."""
    return PlanLimits(
        voltage=(float(rig.limits.voltage.low), float(rig.limits.voltage.high)),
        current=(float(rig.limits.current.low), float(rig.limits.current.high)),
        sampling=float(rig.daq.sampling_limit),
        safe_voltage=float(rig.safe.voltage_clamp),
        dead_time=float(rig.perfusion.dead_time),
        settle=float(rig.amplifier.settle),
    )


def _findings(protocol: Protocol, rig: Rig) -> list[Finding]:
    rules = (_lines, _channels, _ttl, _sampling, knobs.mode_findings, knobs.filter_findings, _levels)
    return list(chain.from_iterable(rule(protocol, rig) for rule in rules))


def _lines(protocol: Protocol, rig: Rig) -> Iterator[Finding]:
    for name, solution in protocol.solutions.items():
        if solution.line not in rig.perfusion.lines:
            words = f"'{name}' is to stand on line '{solution.line}'; '{rig.rig}' has {', '.join(rig.perfusion.lines)}"
            yield Finding(("solutions", name, "line"), words)


def _channels(protocol: Protocol, rig: Rig) -> Iterator[Finding]:
    for i, name in enumerate(protocol.record.channels):
        if name not in rig.inputs:
            words = f"channel '{name}' is to be recorded; '{rig.rig}' has {', '.join(rig.inputs)}"
            yield Finding(("record", "channels", i), words)


def _ttl(protocol: Protocol, rig: Rig) -> Iterator[Finding]:
    """Find TTL lines that the rig has not."""
    for part, steps in (("steps", protocol.steps), ("finish", protocol.finish)):
        for i, step in enumerate(steps):
            for k, pulses in enumerate(getattr(step, "ttl", ())):
                if pulses.line not in rig.ttl:
                    known = did_you_mean(pulses.line, rig.ttl) if rig.ttl else "; it has none, see 'ttl' in a rig file"
                    words = f"'{rig.rig}' has no TTL line '{pulses.line}'{known}"
                    yield Finding((part, i, step.verb, "ttl", k, "line"), words)


def _sampling(protocol: Protocol, rig: Rig) -> Iterator[Finding]:
    limits = plan_limits(rig)
    if protocol.record.sampling > limits.sampling:
        yield Finding(("record", "sampling"), too_fast(protocol, limits))


def _output_notes(protocol: Protocol, rig: Rig) -> Iterator[str]:  # noqa: ARG001  one form for all notes
    if unused := [name for name in rig.outputs if name != "command"]:
        yield f"protocols drive 'command' alone; other outputs of '{rig.rig}' stand at 0 V: {', '.join(unused)}"


def _levels(protocol: Protocol, rig: Rig) -> Iterator[Finding]:
    """Find steps that could go beyond the limits, or else beyond what the output can deliver."""
    limits = plan_limits(rig)
    for step in bounded(protocol, limits).steps:
        if words := excess(step, limits) or _out_of_reach(step, rig):
            yield Finding((step.part, step.index, step.verb), words, on_key=True)


def _out_of_reach(step: PlannedStep, rig: Rig) -> str | None:
    if step.unit is None or step.lowest is None or step.highest is None:
        return None
    volts, amplifier = rig.outputs["command"].range, rig.amplifier
    mode, kind = (amplifier.voltage_clamp, Voltage) if step.unit == "V" else (amplifier.current_clamp, Current)
    reach = volts * mode.command
    if max(abs(step.lowest), abs(step.highest)) <= reach:
        return None
    return f"{step.what}: could command {step.command}; {volts} at the output are {kind(reach)}"
