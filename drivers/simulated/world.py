"""What the simulated devices share: one cell with a pipette on it, in one stream of time.

The world moves by whole samples counted from the last change of rate. While nobody plays a sweep the standing command
goes on; that time is caught up, at the full rate, before anything is touched. So the same calls at the same moments
of the clock give the same samples.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from drivers.simulated import kernel
from drivers.simulated.agenda import Agenda
from drivers.simulated.cell import at_temperature
from drivers.simulated.electrode import in_series, put, steady_start
from drivers.simulated.packing import Knobs, pack, settled
from drivers.simulated.population import cell_of, recording_of
from drivers.simulated.rates import table
from drivers.simulated.records import STATE
from protocols.quantities import Temperature
from protocols.sweeps import STORED_STEP, ClampMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from drivers.base import Gains
    from drivers.clock import Clock
    from drivers.simulated.agenda import Act
    from drivers.simulated.cell import Cell, SteadyState
    from drivers.simulated.settings import Simulation

SLOWEST = 40_000.0
"""Steps per second at least: at 25 us every spike of a burst is within 0.1 ms, and the AHP within 5 uV."""
START_RATE = 20_000.0
"""Until the first sweep says otherwise, Hz."""
FULL_SCALE = 32767
"""Counts of a 16-bit converter."""
FOREVER = int(np.iinfo(np.int64).max)
"""Samples to what never happens."""
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
    state = np.zeros(1, STATE)
    for name in ("soma", "dendrite", "calcium", "sensor", "sk", "ahp", "gates", "inactivated"):
        state[name] = getattr(steady, name)
    state["pipette"], state["access"], state["random"] = pipette, access, random_state(seed)
    state["neutralised"] = pipette
    state["run_down"] = state["sahp_run_down"] = state["hum_cos"] = 1.0
    return state


def amplified(gains: Gains, times: float) -> Gains:
    """Return scale factors whose primary output is `times` as large."""
    unit, per_volt = gains.inputs["primary"]
    return replace(gains, inputs={**gains.inputs, "primary": (unit, per_volt / times)})


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
        """Start in voltage clamp at `holding` volts, with the cell long there if the pipette is in it."""
        settings = recording_of(settings, seed)
        self._settings, self._scales, self._converter = settings, scales, converter
        self._clock, self._cell = clock, cell_of(settings, seed)
        self._drugs, self._agenda = drugs, Agenda()
        self._mode, self._volts = ClampMode.VOLTAGE, holding / scales[ClampMode.VOLTAGE].command
        self._knobs = Knobs.of(settings)
        self._state = fresh_state(
            steady_start(self._cell, settings, holding),
            pipette=holding * 1e3 + float(settings.offset - settings.junction_potential) * 1e3,
            access=float(settings.series_resistance) * 1e-6,
            seed=seed,
        )
        put(self._state, settings)
        self._state["cancelled"] = self._state["raw_voltage"] = holding * 1e3
        self._epoch, self._done, self._playing = clock.now(), 0, False
        self._rate = START_RATE
        self._latest: tuple[Converter, NDArray[np.int16]] | None = None
        """Counts (channels,) of the last sample, and the converter that made them."""
        self._overloaded: frozenset[str] = frozenset()
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
        """The true resistance in series with the pipette now, ohms: of the access, or of the tip in the bath."""
        self.catch_up()
        return in_series(self._state)

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
        self.enter(self._clock.now() + after, lambda: self._arrive(inlet))

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
        if self._latest is None:
            return 0.0
        converter, counts = self._latest
        if name not in converter.inputs:
            return 0.0
        return float(counts[converter.inputs.index(name)]) * converter.volts_per_count[name]

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
        return self._run(volts)

    def end(self) -> None:
        """Follow the clock again."""
        self._playing = False

    # --- what happens at a moment of the world's own time, between two samples ------------------------------------

    @property
    def settings(self) -> Simulation:
        """What the world is made of now."""
        return self._settings

    @property
    def cell(self) -> Cell:
        """The neuron as it is now."""
        return self._cell

    def now(self) -> float:
        """Return the moment of the next sample, seconds from the session's start."""
        return self._epoch + self._done / self._rate

    def enter(self, moment: float, act: Act) -> None:
        """Let `act` happen before the sample at `moment` (s); it may call what follows here, and nothing else."""
        self._agenda.enter(moment, act)

    def change(self, **settings: object) -> None:
        """Be made of other `settings` from here on, in sections that `Simulation` has."""
        self._settings = self._settings.model_copy(update=settings)
        self._pack()

    def become(self, cell: Cell) -> None:
        """Let the neuron be `cell` from here on; its potentials and gates stay where they are."""
        self._cell = cell
        self._pack()

    def warm(self, celsius: float) -> None:
        """Have bath and cell at another temperature, degC."""
        self._cell = at_temperature(self._cell, celsius)
        self.change(temperature=Temperature(celsius))

    def clog(self, factor: float) -> None:
        """Multiply the series resistance."""
        self._state["access"] *= factor
        self._state["to_tick"] = 0

    def flip(self, mode: ClampMode) -> None:
        """Turn the mode switch at this sample; the output goes on as it is."""
        self._mode = mode
        self._state["cancelled"] = self._commands(np.array([self._volts]))[0]

    def amplify(self, times: float) -> None:
        """Let the primary output be `times` as large, in every mode."""
        self._scales = {mode: amplified(gains, times) for mode, gains in self._scales.items()}

    def overload(self, names: frozenset[str]) -> None:
        """Let these inputs, and no others, stand at full scale."""
        self._overloaded = names

    def _arrive(self, inlet: NDArray[np.float64]) -> None:
        self._drugs[:, kernel.TARGET] = inlet

    # --- the numbers the compiled loop works with -----------------------------------------------------------------

    def _pack(self) -> None:
        """Make table and parameters for the present cell, settings, rate and knobs; the state carries on.

        Below 40 kHz each sample is made of the fewest steps that are no longer than 25 us; otherwise of one.
        """
        substeps = max(1, -int(-SLOWEST // self._rate))
        dt = 1e3 / (self._rate * substeps)
        self._table = table(self._cell, dt)
        self._parameters = pack(self._cell, self._settings, self._knobs, rate=self._rate, substeps=substeps)
        self._state["to_tick"] = self._state["followed"] = 0  # conductances and electrode are made anew at ticks

    def _rebuild(self) -> None:
        """Pack anew, and let the filters be settled: for another rate or other knobs."""
        self._pack()
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
        """Move on by len(volts) samples, stopping where something happens."""
        pieces, done = [], 0
        while done < len(volts):
            stop = min(len(volts), done + self._samples_to_next())
            pieces.append(self._piece(volts[done:stop]))
            done, self._volts = stop, float(volts[stop - 1])
        if pieces:
            self._latest = self._converter, pieces[-1][:, -1]
        return np.concatenate(pieces, axis=1) if len(pieces) > 1 else pieces[0]

    def _piece(self, volts: NDArray[np.float64]) -> NDArray[np.int16]:
        """Move on by len(volts) samples in which nothing happens."""
        readout = self._readout()
        # an array of its own for each piece: numba would compile once more for a view with gaps
        counts = np.empty((len(readout), len(volts)), np.int16)
        kernel.run(
            self._state, self._parameters, self._drugs, self._table, self._mode is ClampMode.VOLTAGE,
            self._commands(volts), readout, counts, np.empty(0),
        )  # fmt: skip
        self._done += len(volts)
        for row, name in enumerate(self._converter.inputs):
            if name in self._overloaded:
                counts[row] = FULL_SCALE
        return counts

    def _samples_to_next(self) -> int:
        """Let happen what is due, and return how many samples there are until the next; always more than none."""
        while (moment := self._agenda.first()) is not None:
            ahead = self._sample_at(moment) - self._done
            if ahead > 0:
                return ahead
            self._agenda.take()()
        return FOREVER
