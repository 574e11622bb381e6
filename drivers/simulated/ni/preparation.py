"""What hangs on the board's terminals: amplifier, cell, bath, thermometer, valves, telegraphs, cables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from drivers.base import Filling
from drivers.simulated.ni.card import STEPS
from drivers.simulated.pharmacology import concentrations
from drivers.simulated.world import Converter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drivers.simulated.bath import SimulatedThermometer
    from drivers.simulated.ni.buffers import Counts, Volts
    from drivers.simulated.patch import SimulatedAmplifier
    from drivers.simulated.world import World

STANDING_STEP = 10.0 / STEPS
"""Volts per count of the amplifier's signals while no task records them."""


@dataclass(frozen=True)
class Valve:
    """A perfusion line's valve."""

    pin: str
    opens_high: bool = True


@dataclass(frozen=True)
class ThermometerWire:
    """The thermometer's analogue output."""

    pin: str
    volts_per_degree: float
    volts_at_zero: float = 0.0


@dataclass
class Wires:
    """Which terminal goes where."""

    command: str = "ao0"
    """Output to the amplifier's command input."""
    signals: Mapping[str, str] = field(default_factory=dict)
    """Input pin -> the amplifier's output, 'primary' or 'secondary'."""
    valves: Mapping[str, Valve] = field(default_factory=dict)
    """Perfusion line -> its valve."""
    thermometer: ThermometerWire | None = None
    telegraphs: dict[str, Callable[[], float]] = field(default_factory=dict)
    """Input pin -> what the amplifier telegraphs there, volts."""
    forced: dict[str, float] = field(default_factory=dict)
    """Input pin -> volts that stand there whatever is connected."""
    cables: dict[str, str] = field(default_factory=dict)
    """Input pin -> output pin, or digital line."""


class Preparation:
    """One cell on one amplifier, as the board's terminals see them."""

    def __init__(
        self,
        world: World,
        amplifier: SimulatedAmplifier,
        thermometer: SimulatedThermometer,
        wires: Wires,
        *,
        dead_time: float,
    ) -> None:
        """Connect; `dead_time` in seconds from a valve to the bath."""
        self.world, self.amplifier, self.thermometer, self.wires = world, amplifier, thermometer, wires
        self.fillings: dict[str, Filling] = {}
        self.open: tuple[str, ...] = ()
        self._dead_time = dead_time
        self._recorded: tuple[tuple[str, float], ...] = ()
        self.end()

    # --- the stream of samples ------------------------------------------------------------------------------------

    def begin(self, rate: float, recorded: tuple[tuple[str, float], ...]) -> None:
        """Take over a sample clock of `rate` Hz; `recorded` are pins with their volts per count."""
        self._recorded = recorded
        names = [(self.wires.signals[pin], step) for pin, step in recorded if self._is_signal(pin)]
        self.world.begin(rate)  # the time until now is lived through with the old converter
        self.world.connect(Converter(tuple(n for n, _ in names), dict(names)))

    def play(self, n: int, outputs: Mapping[str, Volts], levels: Mapping[str, float]) -> Counts:
        """Play `n` samples and return counts (recorded, n)."""
        command = outputs.get(self.wires.command)
        signals = iter(self.world.play(np.full(n, levels[self.wires.command]) if command is None else command))
        counts = np.empty((len(self._recorded), n), np.int16)
        for row, (pin, step) in zip(counts, self._recorded, strict=True):
            if self._is_signal(pin):
                row[:] = next(signals)
                continue
            source = outputs.get(self.wires.cables.get(pin, ""))
            volts = self._steady(pin, levels) if source is None or pin in self.wires.forced else source
            row[:] = np.clip(np.round(volts / step), -STEPS, STEPS - 1)
        return counts

    def end(self) -> None:
        """Follow the clock again, at the standing command."""
        self.world.end()
        self.world.connect(Converter(("primary", "secondary"), dict.fromkeys(("primary", "secondary"), STANDING_STEP)))

    def idle(self) -> None:
        """Live through the time up to now."""
        self.world.catch_up()

    def stand(self, levels: Mapping[str, float]) -> None:
        """Let `levels` stand at the outputs."""
        self.world.stand(levels[self.wires.command])

    def glance(self, pin: str, levels: Mapping[str, float]) -> float:
        """Return the volts at an input pin now."""
        if self._is_signal(pin):
            self.world.catch_up()
            return self.world.reading(self.wires.signals[pin])
        return self._steady(pin, levels)

    def _is_signal(self, pin: str) -> bool:
        return pin in self.wires.signals and pin not in self.wires.forced

    def _steady(self, pin: str, levels: Mapping[str, float]) -> float:
        """Return what stands at a pin that does not carry the amplifier's signals; 0 V where nothing is connected."""
        wires = self.wires
        if pin in wires.forced:
            return wires.forced[pin]
        if pin in wires.telegraphs:
            return wires.telegraphs[pin]()
        if pin in wires.cables:
            return levels.get(wires.cables[pin], 0.0)
        if wires.thermometer is not None and pin == wires.thermometer.pin:
            return wires.thermometer.volts_at_zero + wires.thermometer.volts_per_degree * self.thermometer.read()
        return 0.0

    # --- perfusion ------------------------------------------------------------------------------------------------

    def fill(self, fillings: Mapping[str, Filling]) -> None:
        """Say what stands on which line. What flows already stays what it was."""
        self.fillings.update(fillings)

    def switch_valves(self, lines: Mapping[str, bool]) -> None:
        """Open and close valves by the levels of the digital lines."""
        self.select(tuple(line for line, v in self.wires.valves.items() if lines[v.pin] == v.opens_high))

    def select(self, lines: tuple[str, ...]) -> None:
        """Let `lines` flow, in equal parts; with none the bath stands still."""
        if lines == self.open:
            return
        self.open = lines
        if lines:
            inlet = np.mean([concentrations(self.fillings.get(line, Filling(line))) for line in lines], axis=0)
            self.world.flow(inlet, after=self._dead_time)
