"""Whether a protocol can run on a rig: asked before anything is opened."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from config.loading import load_rig
from protocols.errors import InvalidFile, Problem, Refused
from protocols.loading import protocol_from_text, read_text
from protocols.marks import Finding, located, read_marked
from protocols.plan import Plan, PlanLimits, PlannedStep, bounded, excess, make_plan, too_fast
from protocols.quantities import Current, Voltage
from protocols.steps import SwitchTo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from config.rig import Rig
    from protocols.protocol import Protocol


BY_HAND: Mapping[str, str] = {"axopatch200b": "axopatch_200b", "telegraphed": ""}
"""Drivers of amplifiers whose knobs a person turns -> the model if the rig file names none."""
CORNERS: Mapping[str, tuple[float, ...]] = {
    "axopatch_200b": (1e3, 2e3, 5e3, 10e3, 100e3),
    "axopatch_200a": (1e3, 2e3, 5e3, 10e3, 50e3),
    "axopatch_200": (1e3, 2e3, 5e3, 10e3, 50e3),
}
"""Model -> positions of the output filter's knob, Hz, where they are telegraphed: those of drivers/telegraphs.toml."""

WITHOUT_ZERO = ("axopatch_200a", "axopatch_200", "am_2400", "am_2400_newer", "cairn_optopatch")
"""Models in drivers/telegraphs.toml whose mode telegraph has no position for I=0, through which modes are switched."""


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
    rules = (_knob_notes, _output_notes)
    return [words for rule in rules for words in rule(protocol, rig)]


def plan_for(protocol: Protocol, rig: Rig) -> Plan:
    """Return what `protocol` will do on `rig`.

    Raises
    ------
    Refused, LimitExceeded
        See `make_plan`.
    """
    return make_plan(protocol, plan_limits(rig))


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
    rules = (_lines, _channels, _sampling, _bridge, _mode_switches, _low_pass, _levels)
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


def _sampling(protocol: Protocol, rig: Rig) -> Iterator[Finding]:
    limits = plan_limits(rig)
    if protocol.record.sampling > limits.sampling:
        yield Finding(("record", "sampling"), too_fast(protocol, limits))


def _bridge(protocol: Protocol, rig: Rig) -> Iterator[Finding]:
    """Find bridges to be balanced by an amplifier that has no such procedure."""
    if rig.amplifier.driver not in BY_HAND:
        return
    for part, steps in (("steps", protocol.steps), ("finish", protocol.finish)):
        for i, step in enumerate(steps):
            if isinstance(step, SwitchTo) and step.clamp == "current" and step.bridge == "auto":
                words = (
                    f"the bridge of '{rig.rig}' is set by hand: write 'bridge: keep', or a resistance such as "
                    "'bridge: 12 MOhm' that the person dials"
                )
                said = "bridge" in step.model_fields_set
                yield Finding((part, i, step.verb, *(("bridge",) if said else ())), words, on_key=not said)


def _mode_switches(protocol: Protocol, rig: Rig) -> Iterator[Finding]:
    """Find switches of the mode that the amplifier's telegraph could not confirm; every run begins in voltage clamp."""
    model, is_read = _model(rig), rig.amplifier.options.get("mode", "mode")
    if model not in WITHOUT_ZERO or not is_read:
        return
    words = (
        f"'{rig.rig}' cannot switch modes: no position for I=0 is known of the mode telegraph of '{model}', and modes "
        "are switched through it; write a protocol in voltage clamp alone"
    )
    for part, steps in (("steps", protocol.steps), ("finish", protocol.finish)):
        for i, step in enumerate(steps):
            if isinstance(step, SwitchTo) and step.clamp == "current":
                yield Finding((part, i, step.verb), words, on_key=True)


def _model(rig: Rig) -> str | None:
    """Return which amplifier with knobs it is; None if it is another kind."""
    driver = rig.amplifier.driver
    return str(rig.amplifier.options.get("model") or BY_HAND[driver]) if driver in BY_HAND else None


def _low_pass(protocol: Protocol, rig: Rig) -> Iterator[Finding]:
    """Find a filter that the amplifier's knob does not have; where it is not telegraphed, only the person knows."""
    wanted, corners = float(protocol.record.low_pass), _corners(rig)
    if corners and wanted not in corners:
        has = ", ".join(f"{c / 1e3:g}" for c in corners)
        yield Finding(("record", "low_pass"), f"the output filter of '{rig.rig}' has {has} kHz; write one of these")


def _corners(rig: Rig) -> tuple[float, ...]:
    """Return the positions of a knob whose telegraph is read; none if there is no such knob."""
    return CORNERS.get(_model(rig) or "", ()) if rig.amplifier.options.get("frequency") else ()


def _knob_notes(protocol: Protocol, rig: Rig) -> Iterator[str]:
    if rig.amplifier.driver not in BY_HAND:
        return
    wanted = protocol.record.low_pass
    how = "; the telegraph confirms it" if _corners(rig) else "; nothing telegraphs it, so you will be asked"
    yield f"the amplifier's knobs are turned by hand: set the output filter to {wanted}{how}"


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
