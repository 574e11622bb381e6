"""What tests of drivers share: the shipped rig with changes, the few moves that tests make, a device of metal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from config.loading import rig_from_text
from drivers.base import Thermometer
from protocols.errors import HardwareError
from protocols.sweeps import ClampMode, Sweep
from protocols.waveforms import Waveform

if TYPE_CHECKING:
    from drivers.clock import DemandClock

RIG_FILE = Path(__file__).parents[2] / "config" / "rigs" / "simulated.yaml"
STILL = {"noise": "no", "variability": "0 %", "series_resistance_drift": "0 %"}
"""The preset cell itself, without noise and drift."""


@dataclass
class Rehearsal:
    """Open devices, and the few moves that tests make with them."""

    devices: object
    clock: DemandClock

    @property
    def gains(self):
        return self.devices.amplifier.gains()

    def counts(self, command):
        """Play a waveform in the present mode and return counts (channels, n)."""
        frames = self.devices.daq.play(Sweep(0, self.gains.mode, command), self.gains)
        return np.concatenate([f.counts for f in frames], axis=1)

    def play(self, command):
        """Play a waveform and return its channels in SI, by name."""
        channels, counts = self.devices.daq.channels(self.gains), self.counts(command)
        return {c.name: c.si(c.stored(row)) for c, row in zip(channels, counts, strict=True)}

    def hold(self, level, seconds, rate=20_000.0):
        return self.play(Waveform(rate, round(seconds * rate), level))

    def switch(self, mode, level=0.0):
        """Go to another mode as the bench does: through I=0, with the new command standing before it is left."""
        amplifier = self.devices.amplifier
        amplifier.set_mode(ClampMode.ZERO)
        self.devices.daq.park(level, amplifier.gains_in(mode))
        amplifier.set_mode(mode)

    def wait(self, seconds):
        self.clock.wait_until(self.clock.now() + seconds)


def rig_with(simulation=None, *, changes=()):
    """Return the shipped rig with other settings of the simulation, and texts of the file changed."""
    text = RIG_FILE.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    rig = rig_from_text(text, "rig.yaml")
    return rig.model_copy(update={"simulation": {**rig.simulation, **(simulation or {})}})


class Recorder(Thermometer):
    """A device that writes down what is done with it."""

    needs_wall_time = False

    def __init__(self, name, diary, *, fails=()):
        self.name, self._diary, self._fails = name, diary, fails

    def _open(self):
        self._note("open")

    def _close(self):
        self._note("close")

    def _note(self, what):
        self._diary.append(f"{what} {self.name}")
        if what in self._fails:
            raise HardwareError(self.name, f"cannot {what}")

    def read(self):
        return 30.0


def old_glass(context):
    """Return a thermometer with a time of its own, as a driver's factory does."""
    device = Recorder("old glass", [])
    device.needs_wall_time = True
    return device
