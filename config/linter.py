"""What a rig's models cannot see one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from config.rig import AmplifierEntry, RigLimits, SafeState
from protocols.draft import attempt, mapping
from protocols.explaining import did_you_mean
from protocols.marks import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator


def lint_rig(data: dict[str, Any]) -> list[Finding]:
    """Return what is wrong between the parts of a rig file, given its plain data."""
    rules = (_channels, _pins, _safe_line, _safe_levels, _command_scales, _output_scales)
    return [f for rule in rules for f in rule(data)]


def _channels(data: dict[str, Any]) -> Iterator[Finding]:
    """Check that there is what every sweep needs."""
    for part, name, what in (
        ("inputs", "primary", "the amplifier's primary output"),
        ("outputs", "command", "the command"),
    ):
        if part in data and name not in mapping(data[part]):
            hint = (
                did_you_mean(name, mapping(data[part])).split("; known are")[0].replace("did you mean", "is it called")
            )
            yield Finding((part,), f"'{name}' must be among the {part}: it is {what}{hint}", on_key=True)


def _pins(data: dict[str, Any]) -> Iterator[Finding]:
    """Check that no connector is used twice."""
    lines = mapping(data.get("perfusion")).get("lines")
    for path, entries in (
        (("inputs",), data.get("inputs")),
        (("outputs",), data.get("outputs")),
        (("perfusion", "lines"), lines),
    ):
        seen: dict[str, str] = {}
        for name, entry in mapping(entries).items():
            pin = mapping(entry).get("pin")
            if isinstance(pin, str) and seen.setdefault(pin, name) != name:
                yield Finding((*path, name, "pin"), f"'{pin}' is taken by '{seen[pin]}'")


def _safe_line(data: dict[str, Any]) -> Iterator[Finding]:
    """Check that the safe line exists."""
    lines, line = mapping(mapping(data.get("perfusion")).get("lines")), mapping(data.get("safe")).get("line")
    if lines and isinstance(line, str) and line not in lines:
        yield Finding(("safe", "line"), f"no perfusion line is named '{line}'{did_you_mean(line, lines)}")


def _safe_levels(data: dict[str, Any]) -> Iterator[Finding]:
    """Check that safe levels are inside the limits."""
    safe, limits = attempt(SafeState, data.get("safe")), attempt(RigLimits, data.get("limits"))
    if safe is None or limits is None:
        return
    for key, level, allowed in (
        ("voltage_clamp", safe.voltage_clamp, limits.voltage),
        ("current_clamp", safe.current_clamp, limits.current),
    ):
        if not allowed.low <= level <= allowed.high:
            yield Finding(("safe", key), f"{level} is outside this rig's own limits, {allowed}")


def _amplifier(data: dict[str, Any]) -> AmplifierEntry | None:
    return attempt(AmplifierEntry, data.get("amplifier"))


def _command_scales(data: dict[str, Any]) -> Iterator[Finding]:
    """Check that voltage clamp commands volts, and current clamp amperes."""
    if (amplifier := _amplifier(data)) is None:
        return
    if amplifier.voltage_clamp.command.unit != "V":
        yield _scale("voltage_clamp", "command", "in voltage clamp the command is a voltage, such as '20 mV/V'")
    if amplifier.current_clamp.command.unit != "A":
        yield _scale("current_clamp", "command", "in current clamp the command is a current, such as '400 pA/V'")


def _output_scales(data: dict[str, Any]) -> Iterator[Finding]:
    """Check that the primary output is what the mode does not control."""
    if (amplifier := _amplifier(data)) is None:
        return
    if amplifier.voltage_clamp.primary.unit != "A":
        yield _scale("voltage_clamp", "primary", "in voltage clamp the primary output is the current, such as '1 V/nA'")
    if amplifier.current_clamp.primary.unit != "V":
        yield _scale(
            "current_clamp", "primary", "in current clamp the primary output is the voltage, such as '10 mV/mV'"
        )


def _scale(mode: str, key: str, message: str) -> Finding:
    return Finding(("amplifier", mode, key), message)
