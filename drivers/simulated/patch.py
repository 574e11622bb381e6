"""The patch-clamp amplifier of the simulated rig."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from drivers.base import Amplifier, AmplifierState, Gains
from protocols.errors import HardwareError
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.simulated.world import World

BRIDGE_ERROR = 0.02
"""How near a good amplifier's own procedure comes to the series resistance."""


class SimulatedAmplifier(Amplifier):
    """One headstage, with telegraphs that always tell the truth."""

    needs_wall_time = False

    def __init__(self, scales: Mapping[ClampMode, Gains], world: World, *, settle: float, seed: int) -> None:
        """Set the scale factors; `settle` in seconds."""
        self.name, self.settle = "amplifier", settle
        self._scales, self._world, self._random = scales, world, Random(f"bridge {seed}")

    def mode(self) -> ClampMode:
        """Return the mode."""
        return self._world.mode

    def gains(self) -> Gains:
        """Return the scale factors of the present mode."""
        return self._scales[self.mode()]

    def gains_in(self, mode: ClampMode) -> Gains:
        """Return the scale factors of `mode`."""
        return self._scales[mode]

    def rescale(self, gains: Gains) -> None:
        """Turn the gain switches: the scales of one mode are these from now on."""
        self._scales = {**self._scales, gains.mode: gains}
        self._world.rescale(self._scales)

    def state(self) -> AmplifierState:
        """Return all settings of the present mode."""
        mode, knobs = self.mode(), self._world.knobs
        clamped = mode is ClampMode.VOLTAGE
        compensated = clamped and knobs.whole_cell_capacitance > 0
        return AmplifierState(
            mode=mode,
            primary_gain=1 / self.gains().inputs["primary"][1],
            low_pass=knobs.low_pass,
            capacitance_compensation=knobs.capacitance_compensation,
            bridge_balance=None if clamped else knobs.bridge,
            resistance_correction=knobs.resistance_correction if clamped else None,
            whole_cell_capacitance=knobs.whole_cell_capacitance if compensated else None,
            whole_cell_series_resistance=knobs.whole_cell_series_resistance if compensated else None,
        )

    def auto_bridge(self) -> float:
        """Balance the bridge to within 2 % of the true series resistance."""
        if self.mode() is ClampMode.VOLTAGE:
            raise HardwareError(self.name, "bridge balance belongs to current clamp")
        error = BRIDGE_ERROR * (2 * self._random.random() - 1)
        self._set_bridge(self._world.access_resistance * (1 + error))
        return self._world.knobs.bridge

    def set_low_pass(self, hertz: float) -> None:
        """Set the corner of the output filter, which both outputs share."""
        self._world.turn(replace(self._world.knobs, low_pass=hertz))

    def _set_mode(self, mode: ClampMode) -> None:
        self._world.switch(mode)

    def _set_bridge(self, ohms: float) -> None:
        self._world.turn(replace(self._world.knobs, bridge=ohms))
