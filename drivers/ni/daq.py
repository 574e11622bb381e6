"""The converter card: a sweep is an output written ahead of a shared clock and inputs read block by block.

The card paces. Inputs run until stopped, the output follows their sample clock and start trigger; one thread, the
one that takes the frames, does all reading and writing. Between sweeps the level stands by a write on demand.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import numpy as np

from config.ni import NiDaqOptions, options_of
from drivers.base import Daq, Gains, Limits
from drivers.ni.analogue import AnalogueInputs, inputs
from drivers.ni.capabilities import Capabilities, read_capabilities, shortcomings
from drivers.ni.connection import Connection, connection
from drivers.ni.failures import NO_SUCH_CHANNEL, NOT_SUPPORTED, CardError
from drivers.ni.feed import Ahead, Feed
from drivers.ni.pulses import PulseTask, levels_of, lower_now
from drivers.ni.tasks import InputTask, OutputTask, Plug, Scaling, Wire, same_rate, write_now
from protocols.errors import HardwareError
from protocols.sweeps import Channel, Frame

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from numpy.typing import NDArray

    from config.rig import Rig
    from drivers.build import Context
    from protocols.sweeps import Sweep

USUAL_RATE = 20_000.0
"""Hz, for asking the card about its inputs."""


class NiDaq(Daq):
    """One multifunction card: the rig's inputs, the command output, the TTL lines."""

    def __init__(self, rig: Rig, way: Connection, source: AnalogueInputs) -> None:
        """Take wiring, limits and options from the rig file; the card is asked when it is opened."""
        super().__init__(_limits(rig))
        self.name, self._rig, self._way, self._source = rig.daq.device, rig, way, source
        self._options = options_of("daq", NiDaqOptions, rig.daq.options)
        self._block = float(rig.daq.block)
        command = rig.outputs["command"]
        self.output_range, self._output = float(command.range), way.pin(command.pin)
        self._others = tuple(
            Plug(way.pin(entry.pin), float(entry.range)) for name, entry in rig.outputs.items() if name != "command"
        )
        self.ttl = tuple(rig.ttl)
        self._ttl_pins = {name: way.pin(entry.pin) for name, entry in rig.ttl.items()}
        self._is_low = not self.ttl
        self._wires = tuple(Wire.of(name, entry, way) for name, entry in rig.inputs.items())
        self._scalings: tuple[Scaling, ...] = ()
        self._rates: dict[float, float] = {}
        self._card: Capabilities | None = None
        self._checked_by = self._read_back_wire()
        self._volts = float("nan")

    # --- open and close -------------------------------------------------------------------------------------

    def _open(self) -> None:
        """Ask the card what it can do; nothing is written yet."""
        self._way.join(self.name)
        try:
            self._card = read_capabilities(self._way, tuple(self._ttl_pins.values()))
            if wrong := shortcomings(self._card, self._rig, tuple(self._options.telegraphs.values()), self._way):
                raise HardwareError(self.name, f"{self._card.product} does not fit the rig file: {'; '.join(wrong)}")
            with self._inputs() as task:
                self._scalings = task.scalings(self._sampled)
            self._volts = self._read_back()
        except BaseException:
            self._way.leave(self.name)
            raise

    def _close(self) -> None:
        """Let go of the card; every sweep has put the output where it belongs by itself."""
        self._source.unfollow()
        self._way.leave(self.name)

    @property
    def card(self) -> Capabilities:
        """What the card can do."""
        if self._card is None:
            raise HardwareError(self.name, "the card is not open")
        return self._card

    # --- what is asked between sweeps -----------------------------------------------------------------------

    def channels(self, gains: Gains) -> tuple[Channel, ...]:
        """Return the rig file's inputs; those the amplifier does not drive are recorded as the volts they are."""
        return tuple(self._channel(w, s, gains) for w, s in zip(self._wires, self._scalings, strict=False))

    @staticmethod
    def _channel(wire: Wire, scaling: Scaling, gains: Gains) -> Channel:
        unit, per_volt = gains.inputs.get(wire.name, ("V", 1.0))
        return Channel(wire.name, "V" if unit == "V" else "A", tuple(per_volt * c for c in scaling.coefficients))

    def rate(self, wanted: float) -> float:
        """Return what the card makes of `wanted`, Hz: its timebase divided by a whole number."""
        if wanted not in self._rates:
            with self._inputs() as task:
                self._rates[wanted] = task.arm(wanted, round(wanted), buffer=float(self._options.input_buffer))
        return self._rates[wanted]

    def output_volts(self) -> float:
        """Return the volts at the command output; NaN if nothing was written and the card cannot read it back."""
        found = self._read_back()
        return self._volts if np.isnan(found) else found

    def _read_back_wire(self) -> Wire | None:
        how = self._options.read_back
        if how == "none":
            return None
        pin = f"_{self._output.rsplit('/', 1)[-1]}_vs_aognd" if how == "internal" else how
        return Wire("read back", self._way.pin(pin), self.output_range, None)

    def _read_back(self) -> float:
        """Return the output as the card measures it, NaN where it cannot."""
        if self._checked_by is None:
            return float("nan")
        try:
            return self._source.read(self._checked_by)
        except CardError as error:
            if self._options.read_back != "internal" or error.code not in (*NO_SUCH_CHANNEL, *NOT_SUPPORTED):
                raise
            self._checked_by = None  # M series and USB cards have no such channel
            return float("nan")

    # --- sweeps ---------------------------------------------------------------------------------------------

    def _play(self, sweep: Sweep, gains: Gains) -> Generator[Frame, None, None]:
        """Yield block after block as the card delivers them; park at holding if the sweep does not end well."""
        whole = False
        try:
            with self._armed(sweep, gains) as (task, outputs):
                yield from self._frames(sweep, task, outputs)
                whole = True
        finally:
            self._source.unfollow()
            if whole and gains.command:
                self._volts = float(_levels(sweep, sweep.n_samples - 1, 1)[0] / gains.command)
            elif not whole:
                self._park(sweep.command.holding, gains)
            self._lower()

    @contextmanager
    def _armed(self, sweep: Sweep, gains: Gains) -> Iterator[tuple[InputTask, list[Feed]]]:
        """Give a sweep's running tasks: slaves first, master last, and the master stopped first."""
        with (
            self._output_task(sweep, gains) as command,
            self._pulse_task(sweep) as pulses,
            self._inputs(self._scalings) as task,
        ):
            finite = self._options.streaming == "finite"
            samples = sweep.n_samples if finite else self._block_of(sweep)
            rate = task.arm(sweep.rate, samples, buffer=None if finite else float(self._options.input_buffer))
            if not same_rate(rate, sweep.rate):
                words = f"the card samples at {rate:.9g} Hz, the sweep was made for {sweep.rate:.9g} Hz"
                raise HardwareError(self.name, words)
            outputs = [output for output in (command, pulses) if output is not None]
            for output in outputs:
                output.start()
            task.start()
            yield task, outputs

    @contextmanager
    def _output_task(self, sweep: Sweep, gains: Gains) -> Iterator[Feed | None]:
        """Give the output with its first samples written; nothing in I=0, where it stays as it is."""
        if gains.command == 0:
            yield None
            return
        task = OutputTask(self._way, Plug(self._output, self.output_range), self._others)
        try:
            feed = Feed(task, sweep, lambda *part: _levels(sweep, *part) / gains.command, self._ahead(sweep))
            feed.arm(self._buffer(sweep), trigger=self.card.digital_trigger is not False)
            yield feed
        finally:
            task.close()

    @contextmanager
    def _pulse_task(self, sweep: Sweep) -> Iterator[Feed | None]:
        """Give the TTL lines that the sweep pulses, with their first samples written; nothing if there are none."""
        lines = tuple(name for name in self.ttl if any(p.line == name for p in sweep.ttl))
        if not lines:
            yield None
            return
        self._is_low = False
        task = PulseTask(self._way, tuple(self._ttl_pins[name] for name in lines))
        try:
            feed = Feed(task, sweep, levels_of(sweep, lines), self._ahead(sweep))
            feed.arm(self._buffer(sweep), trigger=self.card.line_trigger is True)
            yield feed
        finally:
            task.close()

    def _frames(self, sweep: Sweep, task: InputTask, outputs: list[Feed]) -> Iterator[Frame]:
        block, done, recorded = self._block_of(sweep), 0, len(self._wires)
        while done < sweep.n_samples:
            first, counts = task.read(min(block, sweep.n_samples - done), sweep.n_samples)
            done, frame = first + counts.shape[1], Frame(first, counts[:recorded])
            self._follow(counts[recorded:])
            try:
                for output in outputs:
                    output.feed(done)
            except CardError as error:
                error.samples = done
                yield frame  # it was recorded, whatever became of the output
                raise
            yield frame

    def _follow(self, counts: NDArray[np.int16]) -> None:
        """Let others see the telegraphs, whose rows come after the recorded ones."""
        scalings = self._scalings[len(self._wires) :]
        means = [
            np.polynomial.polynomial.polyval(row, s.coefficients).mean()
            for row, s in zip(counts, scalings, strict=True)
        ]
        self._source.follow([float(m) for m in means])

    def _park(self, level: float, gains: Gains) -> None:
        """Write on demand; in I=0 the output stays as it is. TTL lines go low, whatever becomes of the command."""
        try:
            if gains.command:
                write_now(self._way, self._output, self.output_range, level / gains.command)
                self._volts = level / gains.command
        except HardwareError:
            with suppress(HardwareError):  # the cell hangs on the command: that it failed is what must be said
                self._lower()
            raise
        self._lower()

    def _lower(self) -> None:
        """Let TTL lines be low; a killed program may have left one high, so they are written once in any case."""
        if not self._is_low:
            lower_now(self._way, self._ttl_pins)
            self._is_low = True

    # --- sizes ----------------------------------------------------------------------------------------------

    @property
    def _sampled(self) -> tuple[Wire, ...]:
        """What is sampled during a sweep: recorded inputs, then telegraphs."""
        return (*self._wires, *self._source.followed)

    @contextmanager
    def _inputs(self, scalings: tuple[Scaling, ...] | None = None) -> Iterator[InputTask]:
        task = InputTask(self._way, self._sampled, scalings)
        try:
            yield task
        finally:
            task.close()

    def _block_of(self, sweep: Sweep) -> int:
        return min(max(1, round(self._block * sweep.rate)), sweep.n_samples)

    def _ahead(self, sweep: Sweep) -> Ahead | None:
        """Return how far outputs are written ahead; None when the whole sweep is written at once."""
        if self._options.streaming == "finite":
            return None
        return Ahead.of(sweep, float(self._options.lead), self._block_of(sweep))

    def _buffer(self, sweep: Sweep) -> int | None:
        """Return the outputs' buffer in samples; None when the whole sweep is written at once."""
        if (ahead := self._ahead(sweep)) is None:
            return None
        wanted = self._options.output_buffer
        return max(ahead.lead + ahead.start, round(float(wanted or 0) * sweep.rate))


def _levels(sweep: Sweep, first: int, count: int) -> NDArray[np.float64]:
    """Return the command for `count` samples from `first` on, SI; behind the end its last level."""
    inside = sweep.command.values(first, count)
    last = sweep.command.values(sweep.n_samples - 1, 1)
    return np.concatenate([inside, np.repeat(last, count - len(inside))])


def _limits(rig: Rig) -> Limits:
    return Limits(
        voltage=(float(rig.limits.voltage.low), float(rig.limits.voltage.high)),
        current=(float(rig.limits.current.low), float(rig.limits.current.high)),
        sampling=float(rig.daq.sampling_limit),
    )


def daq(context: Context) -> NiDaq:
    """Return the card of the rig file."""
    return NiDaq(context.rig, context.shared(connection), context.shared(inputs))
