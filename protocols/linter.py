"""What a protocol's models cannot see one by one: names that point nowhere, steps in the wrong clamp mode.

With the rules of `accepting`, `gating` and `timing` it works on files that have other mistakes as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from protocols.accepting import accept_rules
from protocols.draft import UNREADABLE, Draft, DraftStep, draft
from protocols.explaining import did_you_mean
from protocols.gating import gate_rules
from protocols.marks import Finding
from protocols.measures import ACCOMPANYING, STANDARD_MEASURES
from protocols.model import NAME
from protocols.pulsing import ttl_rules
from protocols.steps import Find, Series, SwitchTo
from protocols.timing import timing_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from protocols.marks import Path

Clamp = Literal["voltage", "current", "unknown"]


def lint_protocol(data: dict[str, Any]) -> list[Finding]:
    """Return what is wrong between the parts of a protocol, given its plain data."""
    d = draft(data)
    rules = (_solutions, _labels, _found_names, _measures, _doubled_names, _record, _clamp, _switches, _arrivals)
    return [f for rule in (*rules, *accept_rules, *gate_rules, *timing_rules, *ttl_rules) for f in rule(d)]


def _solutions(d: Draft) -> Iterator[Finding]:
    """Check that applied solutions exist, and that each stands on a line of its own."""
    for s in d.all_steps:
        name = s.raw.get("solution")
        if s.verb == "apply" and isinstance(name, str) and name not in d.solutions:
            yield Finding(s.key("solution"), f"no solution is named '{name}'{did_you_mean(name, d.solutions)}")
    lines: dict[Any, str] = {}
    for name, raw in d.solutions.items():
        line = raw.get("line") if isinstance(raw, dict) else None
        if isinstance(line, str) and lines.setdefault(line, name) != name:
            yield Finding(("solutions", name, "line"), f"'{lines[line]}' stands on line '{line}' already")


def _labels(d: Draft) -> Iterator[Finding]:
    """Check that solutions of one label are the same: sweeps, figures and results tell them apart by it alone."""
    seen: dict[str, tuple[str, Any]] = {}
    for name, raw in d.solutions.items():
        label = raw.get("label") if isinstance(raw, dict) else None
        if not isinstance(label, str):
            continue
        first, compound = seen.setdefault(label, (name, raw.get("compound")))
        if raw.get("compound") != compound:
            words = f"'{first}' is labelled '{label}' already and has something else in it; results go by the label"
            yield Finding(("solutions", name, "label"), words)


def _found_names(d: Draft) -> Iterator[Finding]:
    """Check that a series' step is a current, or the name of an earlier find."""
    found: list[str] = []
    for s in d.all_steps:
        if s.verb == UNREADABLE:
            return
        if s.verb == "find" and isinstance(s.raw.get("name"), str):
            found.append(s.raw["name"])
        name = s.raw.get("step")
        if s.verb == "series" and isinstance(name, str) and re.match(NAME, name) and name not in found:
            known = did_you_mean(name, found) if found else "; there is no 'find' before this step"
            yield Finding(s.key("step"), f"'{name}' is neither a current nor the name of an earlier 'find'{known}")


def _measures(d: Draft) -> Iterator[Finding]:
    """Check that criteria use measures that exist, and that declared ones do not hide standard ones."""
    known = [*d.measures, *STANDARD_MEASURES]
    for s in d.all_steps:
        stable = s.raw.get("until_stable")
        name = stable.get("measure") if isinstance(stable, dict) else None
        if isinstance(name, str) and name not in known:
            hint = did_you_mean(name, known).split("; known are")[0]
            hint = (
                hint or f"; declared are {', '.join(d.measures) or 'none'}, standard are A_1000, S_fix, D50, Rin, ..."
            )
            yield Finding(s.key("until_stable", "measure"), f"no measure is named '{name}'{hint}")
    for name in d.measures:
        if name in (*STANDARD_MEASURES, *ACCOMPANYING):
            yield Finding(
                ("measures", name), f"'{name}' is a standard measure; give this one another name", on_key=True
            )


def _doubled_names(d: Draft) -> Iterator[Finding]:
    """Check that each name is used once: sweeps carry the name of their step."""
    seen: dict[str, Path] = {}
    for s in d.all_steps:
        name = s.raw.get("name")
        if s.verb in ("find", "series") and isinstance(name, str) and seen.setdefault(name, s.path) != s.path:
            yield Finding(
                s.key("name"), f"another step is named '{name}'; sweeps carry the name, so it must be its own"
            )


def _record(d: Draft) -> Iterator[Finding]:
    """Check that the filter suits the sampling, and that the primary output is recorded."""
    if d.record is None:
        return
    r = d.record
    if r.low_pass >= r.sampling / 2:
        message = (
            f"{r.low_pass} is not below half the sampling rate of {r.sampling}: noise would fold into the recording"
        )
        yield Finding(("record", "low_pass"), message)
    if "primary" not in r.channels:
        yield Finding(("record", "channels"), "'primary' must be among the channels: everything is measured on it")
    if len(set(r.channels)) < len(r.channels):
        yield Finding(("record", "channels"), "a channel is named twice")


_NEEDS: dict[str, Clamp] = {"hold": "voltage", "membrane_test": "voltage", "find": "current", "series": "current"}


def _clamp(d: Draft) -> Iterator[Finding]:
    """Check that every step is in the clamp mode it needs; protocols begin in voltage clamp."""
    clamp: Clamp = "voltage"
    for s in d.steps:
        if (need := _NEEDS.get(s.verb, clamp)) != clamp and clamp != "unknown":
            yield Finding(
                s.path, f"'{s.verb}' needs {need} clamp: put '- switch_to: {{clamp: {need}}}' before it", on_key=True
            )
        clamp = _after(s, clamp)
    switches = any(s.verb == "switch_to" for s in d.steps)
    if not switches or not d.finish or any(s.verb == UNREADABLE for s in d.finish):
        return
    clamp = "unknown"
    for s in d.finish:
        if (need := _NEEDS.get(s.verb, clamp)) != clamp:
            cure = f"put '- switch_to: {{clamp: {need}}}' before '{s.verb}'"
            message = f"'finish' also runs after a stop, in either clamp mode: {cure}"
            yield Finding(s.path, message, on_key=True)
        clamp = _after(s, need)
    if clamp == "unknown":
        yield Finding(("finish",), "say in which mode the run ends: '- switch_to: {clamp: voltage}'", on_key=True)


def _after(s: DraftStep, clamp: Clamp) -> Clamp:
    """Return the mode after a step; a 'switch_to' that cannot be read leaves it open."""
    if s.verb not in ("switch_to", UNREADABLE):
        return clamp
    match s.raw.get("clamp"):
        case "voltage":
            return "voltage"
        case "current":
            return "current"
    return "unknown"


def _switches(d: Draft) -> Iterator[Finding]:
    """Check that a switch says only what its mode understands."""
    belongs = {"holding": "voltage", "bias_to": "current", "bridge": "current", "max_bias": "current"}
    for s in d.all_steps:
        if not isinstance(s.step, SwitchTo):
            continue
        for key, clamp in belongs.items():
            if key in s.raw and clamp != s.step.clamp:
                yield Finding(
                    s.key(key),
                    f"'{key}' belongs to {clamp} clamp, and this switches to {s.step.clamp} clamp",
                    on_key=True,
                )


def _arrivals(d: Draft) -> Iterator[Finding]:
    """Check that what is counted from arrives, and that a search can be confirmed."""
    applied = False
    for s in d.all_steps:
        applied = applied or s.verb in ("apply", UNREADABLE)
        if isinstance(s.step, Series) and s.step.counted_from == "arrival" and not applied:
            yield Finding(s.key("counted_from"), "no solution was applied before this step, so none arrives")
        if isinstance(s.step, Find) and s.step.confirm > s.step.at_most:
            yield Finding(
                s.key("confirm"), f"{s.step.confirm} sweeps to confirm are more than 'at_most' {s.step.at_most}"
            )
