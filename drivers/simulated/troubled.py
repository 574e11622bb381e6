"""The simulated devices as they are while something is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from drivers.simulated.bath import SimulatedPerfusion, SimulatedThermometer
from drivers.simulated.board import SimulatedDaq
from drivers.simulated.patch import SimulatedAmplifier
from drivers.simulated.world import amplified
from protocols.errors import HardwareError, Overrun

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from drivers.base import AmplifierState, Gains
    from drivers.simulated.world import World
    from protocols.sweeps import ClampMode, Frame, Sweep

BUFFER = 10.0
"""Seconds of samples that the card keeps for a computer that does not come to read."""


@dataclass
class Broken:
    """What is wrong with the devices at this moment; the world's agenda changes it."""

    dropped: int = 0
    """Blocks to lose."""
    late: float = 0.0
    """Seconds by which the next block comes late."""
    told_gain: float = 1.0
    """Factor between the gain that is telegraphed and that of the rig file."""
    overloaded: list[str] = field(default_factory=list)
    """Inputs that stand at full scale; one may be there twice."""
    layers: dict[str, list[object]] = field(default_factory=dict)
    """Settings of the world that faults have changed: what they were, and each change that has not passed."""
    silent: list[str] = field(default_factory=list)
    """Devices that do not answer; one may be there twice."""
    stuck: list[tuple[str | None, bool]] = field(default_factory=list)
    """Lines whose valve does not move (None: all), and whether the controller notices."""

    def silence(self, device: str) -> Callable[[], None]:
        """Let a device not answer; return how it answers again."""
        self.silent.append(device)
        return lambda: self.silent.remove(device)

    def stick(self, line: str | None, *, told: bool) -> Callable[[], None]:
        """Let valves not move; return how they move again."""
        self.stuck.append((line, told))
        return lambda: self.stuck.remove((line, told))


class TroubledDaq(SimulatedDaq):
    """A card whose blocks may be lost or late."""

    def __init__(self, *plain: Any, broken: Broken, **named: Any) -> None:
        """Take what a plain one takes."""
        super().__init__(*plain, **named)
        self.broken = broken

    def _play(self, sweep: Sweep, gains: Gains) -> Generator[Frame, None, None]:
        """Yield what arrives, when it does."""
        whole = super()._play(sweep, gains)
        try:
            for frame in whole:
                self._come_late(frame)
                if self.broken.dropped:
                    self.broken.dropped -= 1
                    continue
                yield frame
        finally:
            whole.close()

    def _come_late(self, frame: Frame) -> None:
        late, self.broken.late = self.broken.late, 0.0
        if not late:
            return
        self._clock.wait_until(self._clock.now() + late)
        if late > BUFFER:
            words = f"the computer did not read for {late:.3g} s and the card's buffer of {BUFFER:g} s overflowed"
            raise Overrun(self.name, words, samples_kept=frame.first)


class TroubledAmplifier(SimulatedAmplifier):
    """An amplifier whose knobs are turned, and whose telegraphs may be silent or wrong."""

    def __init__(self, *plain: Any, broken: Broken, **named: Any) -> None:
        """Take what a plain one takes."""
        super().__init__(*plain, **named)
        self.broken = broken

    def mode(self) -> ClampMode:
        """Return the mode."""
        self._ask()
        return super().mode()

    def gains(self) -> Gains:
        """Return the scale factors of the present mode, as they are told."""
        return amplified(super().gains(), self.broken.told_gain)

    def state(self) -> AmplifierState:
        """Return all settings of the present mode."""
        self._ask()
        return super().state()

    def _set_mode(self, mode: ClampMode) -> None:
        self._ask()
        super()._set_mode(mode)

    def set_low_pass(self, hertz: float) -> None:
        """Set the corner of the output filter."""
        self._ask()
        super().set_low_pass(hertz)

    def _set_bridge(self, ohms: float) -> None:
        self._ask()
        super()._set_bridge(ohms)

    def _ask(self) -> None:
        """Come to the present, and fail if nobody answers there."""
        self._world.catch_up()
        if "amplifier" in self.broken.silent:
            raise HardwareError(self.name, "does not answer; is its program running, its cable plugged in?")


class TroubledPerfusion(SimulatedPerfusion):
    """Valves that may stick."""

    def __init__(self, *plain: Any, broken: Broken, **named: Any) -> None:
        """Take what a plain one takes."""
        super().__init__(*plain, **named)
        self.broken = broken

    def _select(self, line: str) -> None:
        self._world.catch_up()
        found = [told for stuck, told in self.broken.stuck if stuck in (None, line)]
        if any(found):
            raise HardwareError(self.name, f"the valve of '{line}' did not open; look at the valve and its driver")
        if found:
            self._selected = line  # as the program believes; what flows goes on flowing
            return
        super()._select(line)


class TroubledThermometer(SimulatedThermometer):
    """A thermometer in a bath that may change, and that may not answer."""

    def __init__(self, *plain: Any, broken: Broken, world: World, **named: Any) -> None:
        """Take what a plain one takes."""
        super().__init__(*plain, **named)
        self.broken, self.world = broken, world

    def read(self) -> float:
        """Return degC now."""
        self.world.catch_up()
        if "thermometer" in self.broken.silent:
            raise HardwareError(self.name, "does not answer; is it switched on, its cable plugged in?")
        return super().read() + float(self.world.settings.temperature) - self._temperature
