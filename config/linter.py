"""What a rig's models cannot see one by one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from config.amplifiers import OPTIONS, TELEGRAPHS, null_telegraph
from config.digital import ttl_findings
from config.ni import NI_OPTIONS, NiDaqOptions, option_findings
from config.rig import AmplifierEntry, DaqEntry, Output, PumpEntry, RigLimits, SafeState
from config.telegraphs import telegraph_findings
from config.visa import VISA_OPTIONS
from protocols.draft import attempt, mapping
from protocols.explaining import did_you_mean
from protocols.marks import Finding
from protocols.quantities import Duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from protocols.marks import Path

DRIVER_NAMES: Mapping[str, tuple[str, ...]] = {
    "daq": ("simulated", "nidaqmx"),
    "amplifier": ("simulated", "multiclamp", "axopatch200b", "telegraphed"),
    "perfusion": ("simulated", "digital_valves", "valvelink"),
    "thermometer": ("simulated", "analogue", "tc200"),
    "pump": ("simulated", "ne1000"),
}
"""Part of the rig file -> drivers' names: those of drivers/build.py."""
CONVERTED = "converted"
"""Stands for a driver in the rig text of converted sessions; nothing can be opened by it."""
WIDEST = 10.0
"""V, each way: the widest range of converter cards."""
NI_PINS: Mapping[str, tuple[str, str]] = {
    "inputs": (r"(?:\w+/)?ai[0-9]+", "ai0"),
    "outputs": (r"(?:\w+/)?ao[0-9]+", "ao0"),
    "perfusion": (r"(?:\w+/)?port[0-9]+/line[0-9]+", "port0/line0"),
}
"""Kind of connector -> how NI-DAQmx names it, on another card with that one's name, and an example."""


def lint_rig(data: dict[str, Any]) -> list[Finding]:
    """Return what is wrong between the parts of a rig file, given its plain data."""
    rules = (
        _drivers,
        _channels,
        _pins,
        _ranges,
        _safe_line,
        _safe_levels,
        _command_scales,
        _output_scales,
        _amplifier_options,
        telegraph_findings,
        _ni,
        _visa,
        ttl_findings,
    )
    return [f for rule in rules for f in rule(data)]


def lint_empty(path: Path) -> str | None:
    """Return why the key at `path` must not be left empty; None if it may."""
    where, name = path[:-1], str(path[-1])
    return null_telegraph(name) if where == ("amplifier", "options") and name in TELEGRAPHS else None


def _drivers(data: dict[str, Any]) -> Iterator[Finding]:
    """Check that there is a driver of each name."""
    for part, known in DRIVER_NAMES.items():
        name = mapping(data.get(part)).get("driver")
        if isinstance(name, str) and name not in (*known, CONVERTED):
            yield Finding((part, "driver"), f"no driver of this part is named '{name}'{did_you_mean(name, known)}")


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


def _ranges(data: dict[str, Any]) -> Iterator[Finding]:
    """Check that a card can have these ranges."""
    for path, entry in _connectors(data):
        volts = attempt(Output, {"pin": "any", "range": entry.get("range", "10 V")})
        if volts is not None and volts.range > WIDEST:
            words = f"{volts.range} is more than a card has; write what it is set to, such as '10 V' or '5 V'"
            yield Finding((*path, "range"), words)


def _connectors(data: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Yield each analogue connector of the card: its place in the file, and what is written there."""
    for part in ("inputs", "outputs"):
        yield from (((part, name), mapping(entry)) for name, entry in mapping(data.get(part)).items())
    yield from _other_inputs(data)


def _other_inputs(data: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Yield the inputs of an NI card that are not recorded: telegraphs, and the thermometer's."""
    options, thermometer = mapping(mapping(data.get("daq")).get("options")), mapping(data.get("thermometer"))
    for name, entry in mapping(options.get("telegraphs")).items():
        yield ("daq", "options", "telegraphs", name), mapping(entry)
    if thermometer.get("driver") == "analogue":
        yield ("thermometer", "options", "input"), mapping(mapping(thermometer.get("options")).get("input"))


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


def _amplifier_options(data: dict[str, Any]) -> Iterator[Finding]:
    """Check what the amplifier's driver is told."""
    entry = mapping(data.get("amplifier"))
    if (model := OPTIONS.get(str(entry.get("driver")))) is not None:
        yield from option_findings("amplifier", model, mapping(entry.get("options")))


def _ni(data: dict[str, Any]) -> Iterator[Finding]:
    """Check what the NI-DAQmx drivers are told, and that they are told enough."""
    for (part, driver), model in NI_OPTIONS.items():
        entry = mapping(data.get(part))
        if entry.get("driver") == driver:
            yield from option_findings(part, model, mapping(entry.get("options")))
    yield from _ni_card(data)
    yield from _valve_pins(data)


def _ni_card(data: dict[str, Any]) -> Iterator[Finding]:
    """Check that the card's connectors are named as the vendor does and used once, and that its buffers suffice."""
    daq = mapping(data.get("daq"))
    if daq.get("driver") != "nidaqmx":
        return
    yield from _ni_names(data)
    yield from _ni_inputs(data)
    yield from _ni_buffers(daq)


def _ni_names(data: dict[str, Any]) -> Iterator[Finding]:
    """Check that connectors have names that NI-DAQmx knows."""
    valves = mapping(data.get("perfusion"))
    lines = mapping(valves.get("lines")) if valves.get("driver") == "digital_valves" else {}
    named = [*_connectors(data), *((("perfusion", "lines", name), mapping(line)) for name, line in lines.items())]
    for path, entry in named:
        pin = entry.get("pin")
        kind = path[0] if path[0] in NI_PINS else "inputs"
        pattern, example = NI_PINS[kind]
        if isinstance(pin, str) and not re.fullmatch(pattern, pin):
            yield Finding(
                (*path, "pin"), f"'{pin}' is no name of this kind of connector; write one such as '{example}'"
            )


def _ni_inputs(data: dict[str, Any]) -> Iterator[Finding]:
    """Check that an input is not used for two things, where they are in different parts of the file."""
    taken = {mapping(e).get("pin"): str(name) for name, e in mapping(data.get("inputs")).items()}
    others = [((*path, "pin"), entry.get("pin"), path[-1]) for path, entry in _other_inputs(data)]
    read_back = mapping(mapping(data.get("daq")).get("options")).get("read_back")
    if str(read_back).startswith("ai"):
        others.append((("daq", "options", "read_back"), read_back, "read_back"))
    for path, pin, name in others:
        if isinstance(pin, str) and taken.setdefault(pin, name) != name:
            words = f"'{pin}' is taken by '{taken[pin]}'; wire this to an input of its own, and write that one"
            yield Finding(path, words)


def _ni_buffers(daq: Mapping[str, Any]) -> Iterator[Finding]:
    """Check that output and input have room for some blocks."""
    card, options = attempt(DaqEntry, daq), attempt(NiDaqOptions, mapping(daq.get("options")))
    if card is None or options is None:
        return
    for key, value, blocks in (("lead", options.lead, 2), ("input_buffer", options.input_buffer, 4)):
        if value < blocks * card.block:
            least = Duration(blocks * card.block)
            words = (
                f"{value} must be at least {blocks} blocks of {card.block}: write {least} or more, or a shorter 'block'"
            )
            yield Finding(("daq", "options", key), words)


def _valve_pins(data: dict[str, Any]) -> Iterator[Finding]:
    """Check that valves on digital lines have them, on a card of the same vendor."""
    perfusion = mapping(data.get("perfusion"))
    if perfusion.get("driver") != "digital_valves":
        return
    for name, line in mapping(perfusion.get("lines")).items():
        if not mapping(line).get("pin"):
            yield Finding(
                ("perfusion", "lines", name), "'pin' is missing: the digital line of the valve, such as 'port0/line0'"
            )


def _visa(data: dict[str, Any]) -> Iterator[Finding]:
    """Check what the VISA drivers are told, and that they are told enough."""
    for (part, driver), model in VISA_OPTIONS.items():
        entry = mapping(data.get(part))
        if entry.get("driver") == driver:
            yield from option_findings(part, model, mapping(entry.get("options")))
    yield from _numbered_valves(mapping(data.get("perfusion")), mapping(data.get("inputs")))
    pump = attempt(PumpEntry, data.get("pump"))
    if pump is not None and pump.rate > pump.limit:
        yield Finding(("pump", "rate"), f"{pump.rate} is more than the pump's own limit, {pump.limit}")


def _numbered_valves(perfusion: Mapping[str, Any], inputs: Mapping[str, Any]) -> Iterator[Finding]:
    """Check that a valve controller's lines have valves, and that its marker is wired."""
    if perfusion.get("driver") != "valvelink":
        return
    for name, line in mapping(perfusion.get("lines")).items():
        if not str(mapping(line).get("pin") or "").isdecimal():
            yield Finding(("perfusion", "lines", name), "'pin' must be the valve's number, such as {pin: '3'}")
    marker = mapping(perfusion.get("options")).get("marker")
    if isinstance(marker, str) and marker not in inputs:
        yield Finding(("perfusion", "options", "marker"), f"no input is named '{marker}'{did_you_mean(marker, inputs)}")


def _scale(mode: str, key: str, message: str) -> Finding:
    return Finding(("amplifier", mode, key), message)
