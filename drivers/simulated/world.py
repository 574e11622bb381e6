"""What the simulated devices share: one cell with a pipette on it, in one stream of time.

The world moves by whole samples counted from the last change of rate. While nobody plays a sweep the standing command
goes on; that time is caught up, at the full rate, before anything is touched. So the same calls at the same moments
of the clock give the same samples.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivers.simulated import kernel
from drivers.simulated.cell import SteadyState, individual, preset, steady_state
from drivers.simulated.packing import Knobs, pack, settled
from drivers.simulated.rates import table
from protocols.sweeps import STORED_STEP, ClampMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from drivers.base import Gains
    from drivers.clock import Clock
    from drivers.simulated.cell import Cell
    from drivers.simulated.settings import Simulation

SLOWEST = 20_000.0
"""Steps per second at least: at 50 us the spikes and the AHP still converge (0.1 ms, 5 uV)."""
START_RATE = 20_000.0
"""Until the first sweep says otherwise, Hz."""
SIGNALS = {"V": kernel.VOLTAGE, "A": kernel.CURRENT}


@dataclass(frozen=True)
class Converter:
    """The inputs of the board."""

    inputs: tuple[str, ...]
    """Names, in the order of a frame's rows."""
    volts_per_count: Mapping[str, float]


def random_state(seed: int) -> NDArray[np.uint64]:
    """Return the four words of xoshiro256++, from splitmix64 as its authors advise."""
    mask, x, words = (1 << 64) - 1, seed & ((1 << 64) - 1), []
    for _ in range(4):
        x = (x + 0x9E3779B97F4A7C15) & mask
        z = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        words.append(z ^ (z >> 31))
    return np.array(words, np.uint64)


def fresh_state(steady: SteadyState, *, pipette: float, access: float, seed: int) -> NDArray[np.void]:
    """Return the kernel's state with the cell in a steady state; `pipette` in mV, `access` in MOhm."""
    state = np.zeros(1, kernel.STATE)
    for name in ("soma", "dendrite", "calcium", "sensor", "sk", "ahp", "gates"):
        state[name] = getattr(steady, name)
    state["pipette"], state["access"], state["random"] = pipette, access, random_state(seed)
    state["unblocked"] = state["run_down"] = state["hum_cos"] = 1.0
    return state


def cell_of(settings: Simulation, seed: int) -> Cell:
    """Return the neuron that `seed` means under `settings`."""
    return individual(preset(settings.cell, settings.parameters), seed, float(settings.variability))


class World:
    """The cell, the patch and the bath, moved along by the injected clock."""

    def __init__(
        self,
        settings: Simulation,
        scales: Mapping[ClampMode, Gains],
        converter: Converter,
        *,
        clock: Clock,
        seed: int,
        holding: float,
        drugs: NDArray[np.float64],
    ) -> None:
        """Start in voltage clamp at `holding` volts, as after break-in, with the cell at rest there."""
        self._settings, self._scales, self._converter = settings, scales, converter
        self._clock, self._cell = clock, cell_of(settings, seed)
        self._drugs, self._arrivals = drugs, deque[tuple[float, "NDArray[np.float64]"]]()
        self._mode, self._volts = ClampMode.VOLTAGE, holding / scales[ClampMode.VOLTAGE].command
        self._knobs = Knobs.of(settings)
        self._state = fresh_state(
            steady_state(self._cell, holding * 1e3),
            pipette=holding * 1e3 + float(settings.offset - settings.junction_potential) * 1e3,
            access=float(settings.series_resistance) * 1e-6,
            seed=seed,
        )
        self._state["cancelled"] = self._state["raw_voltage"] = holding * 1e3
        self._epoch, self._done, self._playing = clock.now(), 0, False
        self._rate = START_RATE
        self._latest: dict[str, float] = {}
        self._rebuild()

    @property
    def mode(self) -> ClampMode:
        """The amplifier's mode."""
        return self._mode

    @property
    def volts(self) -> float:
        """What stands at the command output."""
        return self._volts

    @property
    def knobs(self) -> Knobs:
        """How the amplifier is set."""
        return self._knobs

    @property
    def access_resistance(self) -> float:
        """The true series resistance now, ohms."""
        self.catch_up()
        return float(self._state["access"][0]) * 1e6

    def catch_up(self) -> None:
        """Live through the time since the last sample at the standing command, a second at a time."""
        if self._playing:
            return
        due = self._sample_at(self._clock.now()) - self._done
        while due > 0:
            count = min(due, round(self._rate))
            self._run(np.full(count, self._volts))
            due -= count

    def switch(self, mode: ClampMode) -> None:
        """Turn the mode switch. The cell goes on; only what holds the pipette changes."""
        self.catch_up()
        self._mode = mode
        self._state["cancelled"] = self._commands(np.array([self._volts]))[0]

    def turn(self, knobs: Knobs) -> None:
        """Set the amplifier's knobs."""
        self.catch_up()
        self._knobs = knobs
        self._rebuild()

    def stand(self, volts: float) -> None:
        """Leave `volts` at the command output."""
        self.catch_up()
        self._volts = volts

    def flow(self, inlet: NDArray[np.float64], *, after: float) -> None:
        """Let concentrations (compounds,), µM, reach the bath `after` seconds from now."""
        self.catch_up()
        self._arrivals.append((self._clock.now() + after, inlet))

    def rescale(self, scales: Mapping[ClampMode, Gains]) -> None:
        """Turn the amplifier's gain switches."""
        self.catch_up()
        self._scales = scales

    def connect(self, converter: Converter) -> None:
        """Convert with other inputs or ranges from the next sample on."""
        self._converter = converter

    def warm_up(self) -> None:
        """Have the compiled loop ready, so that the first block is not the one that waits for it."""
        nothing = np.empty(0)
        kernel.run(
            self._state.copy(), self._parameters, self._drugs, self._table, True, nothing, self._readout(),
            np.empty((len(self._converter.inputs), 0), np.int16), nothing,
        )  # fmt: skip

    def reading(self, name: str) -> float:
        """Return the volts of the last sample at an input of the converter; 0 before the first one."""
        return self._latest.get(name, 0.0)

    def begin(self, rate: float) -> None:
        """Take over a sweep's rate; the board paces from here to `end`."""
        self.catch_up()
        if rate != self._rate:
            self._epoch, self._done = self._epoch + self._done / self._rate, 0
            self._rate = rate
            self._state["to_tick"] = 0
            self._rebuild()
        self._playing = True

    def play(self, volts: NDArray[np.float64]) -> NDArray[np.int16]:
        """Play `volts` (n,) at the command output and return counts (channels, n)."""
        self._volts = float(volts[-1])
        return self._run(volts)

    def end(self) -> None:
        """Follow the clock again."""
        self._playing = False

    def _rebuild(self) -> None:
        """Make tables and filters for the present rate and knobs; the state carries on.

        Below 20 kHz each sample is made of the fewest steps that are no longer than 50 us; otherwise of one.
        """
        substeps = max(1, -int(-SLOWEST // self._rate))
        dt = 1e3 / (self._rate * substeps)
        self._table = table(self._cell, dt)
        self._parameters = pack(self._cell, self._settings, self._knobs, rate=self._rate, substeps=substeps)
        sections = self._parameters["filter"][0]
        self._state["filter_voltage"] = settled(sections, float(self._state["raw_voltage"][0]))
        self._state["filter_current"] = settled(sections, float(self._state["raw_current"][0]))

    def _sample_at(self, moment: float) -> int:
        return round((moment - self._epoch) * self._rate)

    def _commands(self, volts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the amplifier makes of `volts`: mV in voltage clamp, pA in current clamp, nothing in I=0."""
        return volts * (self._scales[self._mode].command / STORED_STEP[self._mode.command_unit])

    def _readout(self) -> NDArray[np.float64]:
        """Return (channels, 2): the signal on each input and its counts per mV or pA."""
        rows = []
        for name in self._converter.inputs:
            unit, per_volt = self._scales[self._mode].inputs[name]
            step: float = STORED_STEP["V"] if unit == "V" else STORED_STEP["A"]
            rows.append((SIGNALS[unit], step / (per_volt * self._converter.volts_per_count[name])))
        return np.array(rows).reshape(-1, 2)  # a converter may have none of the signals

    def _run(self, volts: NDArray[np.float64]) -> NDArray[np.int16]:
        """Move on by len(volts) samples, stopping where a solution arrives."""
        commands, readout = self._commands(volts), self._readout()
        pieces, done = [], 0
        while done < len(volts):
            stop = min(len(volts), done + self._samples_to_arrival())
            # an array of its own for each piece: numba would compile once more for a view with gaps
            counts = np.empty((len(readout), stop - done), np.int16)
            kernel.run(
                self._state, self._parameters, self._drugs, self._table, self._mode is ClampMode.VOLTAGE,
                commands[done:stop], readout, counts, np.empty(0),
            )  # fmt: skip
            self._done += stop - done
            done = stop
            pieces.append(counts)
        if done:
            steps = self._converter.volts_per_count
            self._latest = {n: float(c) * steps[n] for n, c in zip(self._converter.inputs, counts[:, -1], strict=True)}
        return np.concatenate(pieces, axis=1) if len(pieces) > 1 else pieces[0]

    def _samples_to_arrival(self) -> int:
        """Let arrive what is due, and return how many samples there are until the next; always more than none."""
        while self._arrivals:
            ahead = self._sample_at(self._arrivals[0][0]) - self._done
            if ahead > 0:
                return ahead
            self._drugs[:, kernel.TARGET] = self._arrivals.popleft()[1]
        return np.iinfo(np.int64).max
