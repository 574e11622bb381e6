"""What the steps of a protocol will command, as lines that a plot can draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from acquisition.analysis.settings import Settings
from acquisition.page.present import windows_of
from protocols import commands
from protocols.quantities import CurrentSteps
from protocols.steps import Find, Hold, MembraneTest, Series, SwitchTo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from protocols.protocol import Protocol
    from protocols.steps import Step
    from protocols.sweeps import Unit
    from protocols.waveforms import Waveform

MOST_PULSES = 400
"""Pulses of a long hold that are drawn."""
MOST_LINES = 24
"""Sweeps that are drawn over each other."""


@dataclass(frozen=True)
class Preview:
    """The command of one step: sweeps with the same edges and different levels."""

    part: str
    index: int
    unit: Unit
    sweeps: tuple[Waveform, ...]
    names: tuple[str, ...]
    """What each sweep is called, such as its step."""
    about: str
    windows: tuple[dict[str, Any], ...] = ()

    def told(self) -> dict[str, Any]:
        """Return it as the screen reads it: times in s, levels in V or A."""
        first = self.sweeps[0]
        step = first.of("step")
        return {
            "part": self.part,
            "index": self.index,
            "unit": self.unit,
            "times": [t for t, _ in _corners(first)],
            "levels": [[level for _, level in _corners(w)] for w in self.sweeps],
            "names": self.names,
            "about": self.about,
            "length": first.duration,
            "step": [step[0].start / first.rate, step[-1].stop / first.rate] if step else None,
            "windows": self.windows,
        }


def previews(protocol: Protocol, safe_voltage: float) -> Iterator[Preview]:
    """Yield the command of every step that plays sweeps; `safe_voltage` is where voltage clamp begins, V."""
    rate, holding = float(protocol.record.sampling), safe_voltage
    settings, found = Settings.of(protocol), dict[str, CurrentSteps]()
    for part, steps in (("steps", protocol.steps), ("finish", protocol.finish)):
        for index, step in enumerate(steps):
            holding = _holding(step, holding, safe_voltage)
            if isinstance(step, Find):
                found[step.name] = step.step
            if (made := _made(step, rate, holding, found)) is not None:
                unit, sweeps, names, about = made
                windows = _windows(sweeps[0], settings) if isinstance(step, Series) else ()
                yield Preview(part, index, unit, sweeps, names, about, windows)


def _holding(step: Step, before: float, safe: float) -> float:
    if isinstance(step, Hold):
        return float(step.voltage)
    if isinstance(step, SwitchTo) and step.clamp == "voltage":
        return safe if step.holding is None else float(step.holding)
    return before


def _made(
    step: Step, rate: float, holding: float, found: dict[str, CurrentSteps]
) -> tuple[Unit, tuple[Waveform, ...], tuple[str, ...], str] | None:
    """Return unit, sweeps, their names, and what is to be said of them; None if the step plays nothing."""
    match step:
        case Hold():
            return "V", (commands.hold_command(step, rate),), (str(step.voltage),), f"commanded: {step.voltage}"
        case MembraneTest():
            return (
                "V",
                (commands.membrane_test_command(step, rate, holding=holding),),
                (str(step.step),),
                f"commanded: pulses of {step.step}",
            )
        case Find():
            levels = _thinned(step.step.levels())
            made = tuple(commands.find_command(step, rate, holding=0.0, amplitude=a) for a in levels)
            return "A", made, _names(levels), f"above the bias, one level a sweep: {step.step}"
        case Series():
            levels, about = _series_levels(step, found)
            made = tuple(commands.series_command(step, rate, holding=0.0, amplitude=a) for a in levels)
            return "A", made, _names(levels), about
        case _:
            return None


def _series_levels(step: Series, found: dict[str, CurrentSteps]) -> tuple[tuple[float, ...], str]:
    if isinstance(step.step, str):
        grid = found[step.step]
        ends = tuple(dict.fromkeys((float(grid.low), float(grid.high))))
        return ends, f"above the bias, as '{step.step}' finds it: {grid.low} to {grid.high}"
    if isinstance(step.step, CurrentSteps):
        return _thinned(step.step.levels()), f"above the bias, one level a sweep: {step.step}"
    return (float(step.step),), f"above the bias: {step.step}"


def _thinned(levels: Sequence[float]) -> tuple[float, ...]:
    return tuple(levels[:: -(-len(levels) // MOST_LINES)])


def _names(levels: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{level * 1e12:g} pA" for level in levels)


def _windows(sweep: Waveform, settings: Settings) -> tuple[dict[str, Any], ...]:
    """Return the measuring windows, counted from the sweep's start."""
    step = sweep.of("step")
    if not step:
        return ()
    ends = (step[0].start / sweep.rate, step[-1].stop / sweep.rate)
    shown = windows_of(ends, settings)
    return tuple({**w, "start": w["start"] + ends[1], "stop": w["stop"] + ends[1]} for w in shown)


def _corners(sweep: Waveform) -> list[tuple[float, float]]:
    """Return time (s) and level (SI) of every corner of a command."""
    low = sweep.holding
    corners = [(0.0, low)]
    for pulse in sweep.pulses[:MOST_PULSES]:
        high, on, off = low + pulse.amplitude, pulse.start / sweep.rate, pulse.stop / sweep.rate
        corners += [(on, low), (on, high), (off, high), (off, low)]
    return [*corners, (sweep.duration, low)]
