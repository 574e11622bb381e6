"""A rig file as the Rig screen shows it. Texts keep the units that a person wrote; numbers are SI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drivers.scales import scales_of
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from config.rig import Input, ModeScales, Output, Rig

MODES = (ClampMode.VOLTAGE, ClampMode.CURRENT)
PIN = "pin"


def facts(rig: Rig) -> dict[str, Any]:
    """Return what the file says, in the order in which a person looks at a rig."""
    return {
        "name": rig.rig,
        "place": ", ".join(p for p in (rig.lab, rig.institution) if p),
        "instruments": list(_instruments(rig)),
        "channels": list(_channels(rig)),
        "others": list(_other_inputs(rig)),
        "modes": [
            _mode("voltage clamp", rig.amplifier.voltage_clamp),
            _mode("current clamp", rig.amplifier.current_clamp),
        ],
        "lines": [
            {"name": n, "pin": line.pin or "", "opens": line.opens if line.pin else "", "is_safe": n == rig.safe.line}
            for n, line in rig.perfusion.lines.items()
        ],
        "dead_time": float(rig.perfusion.dead_time),
        "flow": str(rig.perfusion.flow or ""),
        "limits": {"voltage": str(rig.limits.voltage), "current": str(rig.limits.current)},
        "safe": _safe(rig),
    }


def _instruments(rig: Rig) -> Iterator[dict[str, Any]]:
    daq, amplifier, perfusion = rig.daq, rig.amplifier, rig.perfusion
    card = f"{daq.device}, at most {daq.sampling_limit}, read every {daq.block}"
    yield _instrument("card", daq.driver, card, daq.options)
    words = f"headstage {amplifier.channel}, settles in {amplifier.settle}"
    yield _instrument("amplifier", amplifier.driver, words, amplifier.options)
    yield _instrument("perfusion", perfusion.driver, f"{len(perfusion.lines)} lines", perfusion.options)
    if rig.thermometer is None:
        yield _instrument("thermometer", "none", "sessions carry no temperature", {})
    else:
        yield _instrument("thermometer", rig.thermometer.driver, "", rig.thermometer.options)
    if rig.pump is not None:
        yield _instrument("pump", rig.pump.driver, f"{rig.pump.rate}, never beyond {rig.pump.limit}", rig.pump.options)


def _instrument(kind: str, driver: str, words: str, options: Mapping[str, Any]) -> dict[str, Any]:
    plain = [f"{k.replace('_', ' ')} {v}" for k, v in options.items() if not isinstance(v, dict)]
    return {"kind": kind, "driver": driver, "words": words, "options": plain}


def _channels(rig: Rig) -> Iterator[dict[str, Any]]:
    gains = scales_of(rig.amplifier)
    for name, entry in rig.inputs.items():
        scales = {str(m): gains[m].inputs.get(name) for m in MODES}
        yield {**_wired(name, "in", entry), "means": {m: _span(s, entry) for m, s in scales.items() if s is not None}}
    for name, output in rig.outputs.items():
        commands = {str(m): (m.command_unit, gains[m].command) for m in MODES} if name == "command" else {}
        means = {m: _span(command, output) for m, command in commands.items()}
        yield {**_wired(name, "out", output), "means": means}


def _wired(name: str, way: str, entry: Input | Output) -> dict[str, Any]:
    terminal = getattr(entry, "terminal", None) or ""
    return {"name": name, "way": way, "pin": entry.pin, "range": str(entry.range), "terminal": terminal}


def _span(scale: tuple[str, float], entry: Input | Output) -> dict[str, Any]:
    """Return SI per volt at the card, and what its full range is."""
    unit, per_volt = scale
    return {"unit": unit, "per_volt": per_volt, "full": float(entry.range) * per_volt}


def _other_inputs(rig: Rig) -> Iterator[dict[str, str]]:
    """Yield inputs that carry no trace: telegraphs, a thermometer."""
    devices = {
        "telegraph": rig.daq.options.get("telegraphs"),
        "thermometer": rig.thermometer and rig.thermometer.options,
    }
    for of, options in devices.items():
        for name, entry in (options or {}).items():
            if isinstance(entry, dict) and PIN in entry:
                yield {"of": of, "name": name, "pin": str(entry[PIN]), "range": str(entry.get("range", ""))}


def _mode(name: str, scales: ModeScales) -> dict[str, str]:
    return {
        "mode": name,
        "command": str(scales.command),
        "primary": str(scales.primary),
        "secondary": str(scales.secondary),
    }


def _safe(rig: Rig) -> list[list[str]]:
    safe = rig.safe
    found = [
        ["voltage clamp", f"hold {safe.voltage_clamp}"],
        ["current clamp", f"bias {safe.current_clamp}"],
        ["amplifier", "stays in its mode" if safe.amplifier == "keep" else "goes to I=0"],
        ["perfusion", f"line '{safe.line}'"],
    ]
    return found + ([["pump", "stops" if safe.pump == "stop" else "keeps running"]] if rig.pump is not None else [])
