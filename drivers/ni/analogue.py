"""The card's inputs between sweeps, the amplifier's telegraphs also during them, and a thermometer on one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from config.ni import AnalogueThermometerOptions, NiDaqOptions, options_of
from drivers.base import Thermometer
from drivers.ni.connection import Connection, connection
from drivers.ni.tasks import Wire, read_now
from protocols.errors import HardwareError
from protocols.explaining import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from drivers.build import Context

LOOKS = 32
"""Samples per reading on demand, averaged: about a millisecond on a local card."""
LIKELY = (-5.0, 60.0)
"""degC that a bath can have; beyond, the thermometer is off or its cable is out."""


class AnalogueInputs:
    """Reads inputs by their names in the rig file, V."""

    def __init__(self, way: Connection, wires: Mapping[str, Wire], followed: Sequence[str]) -> None:
        """Keep the wiring; `followed` names the inputs that are sampled during sweeps for others to look at."""
        self._way, self._wires = way, wires
        self.followed = tuple(wires[name] for name in followed)
        self._latest: dict[str, float] | None = None

    def volts(self, name: str) -> float:
        """Return what stands at the input `name` now; during a sweep, its mean over the latest block.

        Raises
        ------
        HardwareError
            There is no such input, or a sweep is running that does not follow it.
        """
        if name not in self._wires:
            raise HardwareError(self._way.device, f"no input is named '{name}'{did_you_mean(name, self._wires)}")
        if self._latest is None:
            return self.read(self._wires[name])
        if name not in self._latest:
            raise HardwareError(self._way.device, f"'{name}' cannot be read during a sweep; only telegraphs can")
        return self._latest[name]

    def read(self, wire: Wire) -> float:
        """Return what stands at an input now, V; not during a sweep."""
        return read_now(self._way, wire, LOOKS)

    def follow(self, volts: Sequence[float]) -> None:
        """Take over what a running sweep sees on the followed inputs, in their order."""
        self._latest = {wire.name: v for wire, v in zip(self.followed, volts, strict=True)}

    def unfollow(self) -> None:
        """Say that no sweep is running any more."""
        self._latest = None


def inputs(context: Context) -> AnalogueInputs:
    """Return the inputs of the rig file and the telegraphs of its 'daq: options'."""
    way = context.shared(connection)
    options = options_of("daq", NiDaqOptions, context.rig.daq.options)
    entries = {**context.rig.inputs, **options.telegraphs}
    wires = {name: Wire.of(name, entry, way) for name, entry in entries.items()}
    return AnalogueInputs(way, wires, tuple(options.telegraphs))


def read_volts(context: Context) -> Callable[[str], float]:
    """Return a function from an input's name to volts: what an amplifier without a library of its own is read by."""
    return context.shared(inputs).volts


class AnalogueThermometer(Thermometer):
    """A thermometer with an analogue output on one of the card's inputs."""

    def __init__(self, way: Connection, options: AnalogueThermometerOptions, source: AnalogueInputs) -> None:
        """Take the scale from `options`."""
        self.name = "thermometer"
        self._way, self._source = way, source
        self._wire = Wire.of(self.name, options.input, way)
        self._per_degree, self._at_zero = float(options.per_degree), float(options.at_zero)

    def read(self) -> float:
        """Return degC now.

        Raises
        ------
        HardwareError
            The card fails, or the voltage is none that a bath has.
        """
        volts = self._source.read(self._wire)
        degrees = float(np.round((volts - self._at_zero) / self._per_degree, 4))
        if not LIKELY[0] <= degrees <= LIKELY[1]:
            raise HardwareError(self.name, f"{volts:.3g} V would be {degrees:.0f} °C: is it on, and its cable in?")
        return degrees

    def _open(self) -> None:
        self._way.join(self.name)

    def _close(self) -> None:
        self._way.leave(self.name)


def thermometer(context: Context) -> AnalogueThermometer:
    """Return the thermometer of the rig file."""
    entry = context.rig.thermometer
    options = options_of("thermometer", AnalogueThermometerOptions, entry.options if entry else {})
    return AnalogueThermometer(context.shared(connection), options, context.shared(inputs))
