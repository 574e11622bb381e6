"""The simulated rig's pump: keeps account of what it delivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.base import Pump
from protocols.errors import HardwareError

if TYPE_CHECKING:
    from drivers.build import Context
    from drivers.clock import Clock


class SimulatedPump(Pump):
    """A pump that stops when it is told to, or made to stall."""

    needs_wall_time = False

    def __init__(self, *, limit: float, rate: float, clock: Clock) -> None:
        """Deliver `rate` m³/s when it runs."""
        super().__init__(limit)
        self.name = "pump"
        self._rate, self._clock = rate, clock
        self._runs, self._volume, self._since = False, 0.0, clock.now()
        self._alarms: tuple[str, ...] = ()

    def rate(self) -> float:
        """Return the rate, m³/s."""
        return self._rate

    def running(self) -> bool:
        """Return whether it pumps now."""
        return self._runs

    def dispensed(self) -> float:
        """Return the volume delivered, m³."""
        self._count()
        return self._volume

    def alarms(self) -> tuple[str, ...]:
        """Return why it stalled, once."""
        told, self._alarms = self._alarms, ()
        return told

    def stall(self, why: str = "the pump motor has stalled") -> None:
        """Stop as a pump does whose plunger is at its end, or whose syringe is jammed."""
        self._stop()
        self._alarms = (*self._alarms, why)

    def _set_rate(self, rate: float) -> None:
        self._count()
        self._rate = rate

    def _run(self) -> None:
        self._count()
        self._runs = True

    def _stop(self) -> None:
        self._count()
        self._runs = False

    def _count(self) -> None:
        now = self._clock.now()
        self._volume += (now - self._since) * self._rate * self._runs
        self._since = now


def pump(context: Context) -> SimulatedPump:
    """Return the pump of the rig file; it stands."""
    entry = context.rig.pump
    if entry is None:
        raise HardwareError("pump", "the rig file names none")
    return SimulatedPump(limit=float(entry.limit), rate=float(entry.rate), clock=context.clock)
