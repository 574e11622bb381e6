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
        ttl: tuple[str, ...] = (),
    ) -> None:
        """Deliver frames of `block` seconds; `output_range` in volts, each way; `ttl` are lines that can be pulsed."""
        super().__init__(limits)
        self.ttl = ttl
        self.edges: list[tuple[str, int, bool]] = []
        """What the TTL lines did in the latest sweep: line, sample, whether it rose."""
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
        self.edges = []
        self._world.begin(sweep.rate)
        try:
            while done < sweep.n_samples:
                first, done = done, min(done + block, sweep.n_samples)
                self._clock.wait_until(start + done / sweep.rate)
                volts = self._volts(sweep.command.values(first, done - first), gains)
                self._pulse(sweep, first, done)
                yield Frame(first, self._world.play(volts))
        finally:
            self._world.end()
            self._lower(done)
            if done < sweep.n_samples:
                self._park(sweep.command.holding, gains)

    def _pulse(self, sweep: Sweep, first: int, stop: int) -> None:
        """Note the edges of the TTL lines from sample `first` to before `stop`."""
        edges = [(p.line, at, rises) for p in sweep.ttl for at, rises in ((p.start, True), (p.stop, False))]
        self.edges += sorted((e for e in edges if first <= e[1] < stop), key=lambda e: (e[1], e[0]))

    def _lower(self, at: int) -> None:
        """Let lines fall that are high when the sweep ends."""
        high = {line: rises for line, _, rises in self.edges}
        self.edges += [(line, at, False) for line, is_high in high.items() if is_high]

    def _lower_lines(self) -> None:
        """Do nothing: no line is high outside of a sweep, and none outlives this program."""

    def _park(self, level: float, gains: Gains) -> None:
        self._world.stand(float(self._volts(np.array([level]), gains)[0]))

    def _volts(self, levels: NDArray[np.float64], gains: Gains) -> NDArray[np.float64]:
        """Return the output for `levels` (SI), as the converter makes it; in I=0 it stays as it is."""
        if gains.command == 0:
            return np.full(len(levels), self._world.volts)
        step = self.output_range / STEPS
        made = np.rint(levels / (gains.command * step))
        np.minimum(np.maximum(made, -STEPS, out=made), STEPS - 1, out=made)
        made *= step
        return made
