"""The converter card of the simulated rig: paces by the clock, converts with 16 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drivers.base import Daq, Gains, Limits
from protocols.sweeps import Channel, Frame

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from drivers.clock import Clock
    from drivers.simulated.world import Converter, World
    from protocols.sweeps import Sweep

STEPS = 32768
"""Of a 16-bit converter, each way."""


class SimulatedDaq(Daq):
    """A card with one command output and the amplifier's outputs as inputs."""

    needs_wall_time = False

    def __init__(
        self,
        name: str,
        limits: Limits,
        world: World,
        converter: Converter,
        *,
        clock: Clock,
        output_range: float,
        block: float,
    ) -> None:
        """Deliver frames of `block` seconds; `output_range` in volts, each way."""
        super().__init__(limits)
        self.name, self.output_range = name, output_range
        self._world, self._converter, self._clock, self._block = world, converter, clock, block

    def channels(self, gains: Gains) -> tuple[Channel, ...]:
        """Return the inputs that the amplifier drives."""
        return tuple(self._channel(name, gains) for name in self._converter.inputs)

    def output_volts(self) -> float:
        """Return the volts that stand at the command output now."""
        return self._world.volts

    def _channel(self, name: str, gains: Gains) -> Channel:
        unit, per_volt = gains.inputs[name]
        return Channel(name, "V" if unit == "V" else "A", (0.0, per_volt * self._converter.volts_per_count[name]))

    def _play(self, sweep: Sweep, gains: Gains) -> Generator[Frame, None, None]:
        """Yield block after block, each when its last sample is due by the clock."""
        done, block = 0, max(1, round(self._block * sweep.rate))
        start = self._clock.now()
        self._world.begin(sweep.rate)
        try:
            while done < sweep.n_samples:
                first, done = done, min(done + block, sweep.n_samples)
                self._clock.wait_until(start + done / sweep.rate)
                volts = self._volts(sweep.command.values(first, done - first), gains)
                yield Frame(first, self._world.play(volts))
        finally:
            self._world.end()
            if done < sweep.n_samples:
                self._park(sweep.command.holding, gains)

    def _park(self, level: float, gains: Gains) -> None:
        self._world.stand(float(self._volts(np.array([level]), gains)[0]))

    def _volts(self, levels: NDArray[np.float64], gains: Gains) -> NDArray[np.float64]:
        """Return the output for `levels` (SI), as the converter makes it; in I=0 it stays as it is."""
        if gains.command == 0:
            return np.full(len(levels), self._world.volts)
        step = self.output_range / STEPS
        return np.clip(np.round(levels / (gains.command * step)), -STEPS, STEPS - 1) * step
