"""The five kinds of device. The public verb checks; the underscored one, which a driver writes, acts.

Each is a context manager: opened by `with`, closed on every way out. Every failure is a `HardwareError`
that names the device. Limits come from the rig file and hold whatever a protocol says.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

from protocols.errors import HardwareError, LimitExceeded, ModeMismatch
from protocols.sweeps import Channel, ClampMode, Frame, Sweep
from protocols.waveforms import lies_within

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from types import TracebackType


@dataclass(frozen=True)
class Limits:
    """What this rig may ever command, SI, and how fast it can sample."""

    voltage: tuple[float, float]
    current: tuple[float, float]
    sampling: float

    def check(self, mode: ClampMode, lowest: float, highest: float) -> None:
        """Raise `LimitExceeded` if a command from `lowest` to `highest` (SI of `mode`) is not allowed."""
        low, high = self.voltage if mode.command_unit == "V" else self.current
        if lies_within((lowest, highest), (low, high)):
            return
        unit, factor = ("mV", 1e3) if mode.command_unit == "V" else ("pA", 1e12)
        msg = (
            f"the command would go from {lowest * factor:g} to {highest * factor:g} {unit}; "
            f"this rig allows {low * factor:g} to {high * factor:g} {unit} in {mode}"
        )
        raise LimitExceeded(msg)


@dataclass(frozen=True)
class Gains:
    """What one volt at the card means now, in one clamp mode; read from the amplifier, never assumed."""

    mode: ClampMode
    command: float
    """SI (V or A) commanded per volt at the analogue output; 0 in I=0, where the command is ignored."""
    inputs: Mapping[str, tuple[str, float]]
    """Input name -> (unit 'V' or 'A', SI per volt at the analogue input)."""


@dataclass(frozen=True)
class AmplifierState:
    """What the amplifier says of itself, SI. None: not applicable in this mode or not telegraphed."""

    mode: ClampMode
    primary_gain: float
    """V at the output per SI unit of the signal (V/A or V/V)."""
    low_pass: float
    bridge_balance: float | None = None
    capacitance_compensation: float | None = None
    whole_cell_capacitance: float | None = None
    whole_cell_series_resistance: float | None = None
    resistance_correction: float | None = None
    """Fraction, 0 to 1."""
    resistance_prediction: float | None = None

    def as_mapping(self) -> dict[str, float | str]:
        """Return what is known, by field name."""
        return {k: (v if isinstance(v, float) else str(v)) for k, v in asdict(self).items() if v is not None}


class Device(ABC):
    """Something with a plug."""

    name: str
    needs_wall_time: bool = True
    """Whether the device has a time of its own; it then runs at life speed only."""

    def __enter__(self) -> Self:
        """Open."""
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close, whatever happened."""
        self._close()

    def _open(self) -> None:  # noqa: B027  most drivers have something to do, some have not
        """Connect."""

    def _close(self) -> None:  # noqa: B027
        """Disconnect. Must not raise after a failure of the device."""


class Daq(Device):
    """The converter card: plays a command and records the inputs on one clock."""

    output_range: float = 10.0
    """Volts, each way."""
    ttl: tuple[str, ...] = ()
    """Names of the digital lines that a sweep can pulse; low outside of their pulses."""

    def __init__(self, limits: Limits) -> None:
        """Keep the rig's limits; they are checked here and not in the drivers."""
        self.limits = limits

    def play(self, sweep: Sweep, gains: Gains) -> Generator[Frame, None, None]:
        """Play `sweep` and yield what was recorded, in order and without gaps.

        The output stays at the sweep's last level until the next `play` or `park`. Closing the generator
        before its end stops the sweep and leaves the output at its holding level. The sweep's TTL pulses are played
        on the same sample clock; on every way out their lines are low.

        Raises
        ------
        LimitExceeded
            Before anything is written to the device.
        ModeMismatch
            `gains` were read in another mode than the sweep is meant for.
        HardwareError
            The sweep pulses a TTL line that the rig has not.
        Overrun
            `samples_kept` says how much had already been yielded.
        """
        self._check(sweep.mode, *sweep.command.extremes, gains)
        if sweep.rate > self.limits.sampling:
            msg = f"{sweep.rate / 1e3:g} kHz is more than this card's {self.limits.sampling / 1e3:g} kHz"
            raise LimitExceeded(msg)
        if unknown := sorted({p.line for p in sweep.ttl} - set(self.ttl)):
            has = ", ".join(self.ttl) or "none"
            raise HardwareError(self.name, f"no TTL line is named {', '.join(unknown)}; this rig has {has}")
        return self._play(sweep, gains)

    def rate(self, wanted: float) -> float:
        """Return the rate at which the card samples when asked for `wanted`, Hz; sweeps are made for this one.

        A card divides its timebase by whole numbers and takes what is nearest; a driver of such a card asks it.
        """
        return wanted

    def park(self, level: float, gains: Gains) -> None:
        """Leave the command output at `level` (SI of the mode of `gains`) until told otherwise, and TTL lines low."""
        self._check(gains.mode, level, level, gains)
        self._park(level, gains)

    @abstractmethod
    def channels(self, gains: Gains) -> tuple[Channel, ...]:
        """Return the recorded inputs in the order of a frame's rows, scaled by `gains`."""

    @abstractmethod
    def output_volts(self) -> float:
        """Return the volts that stand at the command output now (read back where the card can)."""

    def _check(self, mode: ClampMode, lowest: float, highest: float, gains: Gains) -> None:
        if gains.mode is not mode:
            raise ModeMismatch(self.name, f"the sweep is for {mode}, but the amplifier is in {gains.mode}")
        if mode is ClampMode.ZERO:
            return
        self.limits.check(mode, lowest, highest)
        if not gains.command:
            raise HardwareError(
                self.name, f"no command reaches the cell: the amplifier's command input is off in {mode}"
            )
        reach = self.output_range * abs(gains.command)
        if max(abs(lowest), abs(highest)) > reach:
            raise LimitExceeded(
                f"{self.name}: the command needs {max(abs(lowest), abs(highest)) / abs(gains.command):.3g} V, "
                f"the output reaches {self.output_range:g} V"
            )

    @abstractmethod
    def _play(self, sweep: Sweep, gains: Gains) -> Generator[Frame, None, None]:
        """Play; nothing needs checking any more."""

    @abstractmethod
    def _park(self, level: float, gains: Gains) -> None:
        """Write `level` on demand."""


class Amplifier(Device):
    """The patch-clamp amplifier: its mode, its gains, its compensations."""

    settle: float = 0.5
    """Seconds an amplifier needs after a mode switch (MultiClamp: 200-400 ms)."""

    def set_mode(self, mode: ClampMode) -> None:
        """Switch to `mode` and verify by telegraph.

        Raises
        ------
        ModeMismatch
            The amplifier reports another mode afterwards.
        """
        self._set_mode(mode)
        if (found := self.mode()) is not mode:
            raise ModeMismatch(self.name, f"asked for {mode}, but it reports {found}")

    def set_bridge(self, ohms: float) -> None:
        """Set bridge balance (current clamp only); 0 is off."""
        if self.mode() is ClampMode.VOLTAGE:
            raise HardwareError(self.name, "bridge balance belongs to current clamp")
        self._set_bridge(ohms)

    @abstractmethod
    def mode(self) -> ClampMode:
        """Return the mode as telegraphed now."""

    @abstractmethod
    def gains(self) -> Gains:
        """Return the scale factors of the present mode, as telegraphed now."""

    @abstractmethod
    def gains_in(self, mode: ClampMode) -> Gains:
        """Return the scale factors the rig file declares for `mode`.

        They are needed before the mode is entered: the new command is written while the amplifier is in I=0.
        """

    @abstractmethod
    def state(self) -> AmplifierState:
        """Return all settings of the present mode, as telegraphed now."""

    def doubts(self) -> list[str]:
        """Return in words what the amplifier seems to say and a pulled cable would say as well."""
        return []

    @abstractmethod
    def auto_bridge(self) -> float:
        """Balance the bridge by the amplifier's own procedure, or let the person do so; return it in ohms.

        NaN if nothing tells what the person has dialled.
        """

    @abstractmethod
    def set_low_pass(self, hertz: float) -> None:
        """Set the corner of the output filter."""

    @abstractmethod
    def _set_mode(self, mode: ClampMode) -> None:
        """Switch; the caller verifies."""

    @abstractmethod
    def _set_bridge(self, ohms: float) -> None:
        """Set; the caller has checked the mode."""


@dataclass(frozen=True)
class Filling:
    """What stands on a perfusion line, as the protocol declares it."""

    label: str
    compound: str | None = None
    concentration: float = 0.0
    """mol/L (M), the field's unit."""


class Perfusion(Device):
    """Which solution flows to the bath. One line is open at a time."""

    def __init__(self, lines: tuple[str, ...], dead_time: float) -> None:
        """Keep the lines' names, and the seconds from a valve to the bath."""
        self.lines, self.dead_time = lines, dead_time
        self.fillings: dict[str, Filling] = {}

    def fill(self, fillings: Mapping[str, Filling]) -> None:
        """Say what stands on which line; a line the rig has not is refused."""
        for line in fillings:
            self._known(line)
        self.fillings.update(fillings)

    def select(self, line: str) -> None:
        """Open `line` and close the others."""
        self._known(line)
        self._select(line)

    def _known(self, line: str) -> None:
        if line not in self.lines:
            raise HardwareError(self.name, f"no line named '{line}'; this rig has {', '.join(self.lines)}")

    @abstractmethod
    def selected(self) -> str:
        """Return the open line."""

    @abstractmethod
    def _select(self, line: str) -> None:
        """Switch; the caller has checked the name."""


class Thermometer(Device):
    """The bath's temperature."""

    @abstractmethod
    def read(self) -> float:
        """Return degC now."""


class Pump(Device):
    """What moves solution to the bath. Rates are in m³/s, volumes in m³."""

    def __init__(self, limit: float) -> None:
        """Keep the rig's limit of the rate; it is checked here and not in the drivers."""
        self.limit = limit

    def set_rate(self, rate: float) -> None:
        """Deliver `rate` from now on, or from the next `run` on.

        Raises
        ------
        LimitExceeded
            Before anything is written to the device.
        """
        if not 0 < rate <= self.limit:
            per_minute = 60e6
            raise LimitExceeded(
                f"{self.name}: {rate * per_minute:.4g} mL/min was asked for; "
                f"this rig allows more than 0 and up to {self.limit * per_minute:.4g} mL/min"
            )
        self._set_rate(rate)

    def run(self) -> None:
        """Start, and verify.

        Raises
        ------
        HardwareError
            The pump does not say that it runs.
        """
        self._run()
        if not self.running():
            raise HardwareError(self.name, f"does not run{self._because()}")

    def stop(self) -> None:
        """Stop, and verify.

        Raises
        ------
        HardwareError
            The pump does not say that it stands; pull its plug.
        """
        self._stop()
        if self.running():
            raise HardwareError(self.name, "was told to stop and runs on: switch it off by hand")

    def _because(self) -> str:
        alarms = self.alarms()
        return f": {', '.join(alarms)}" if alarms else ""

    @abstractmethod
    def rate(self) -> float:
        """Return the rate as the pump reports it, m³/s."""

    @abstractmethod
    def running(self) -> bool:
        """Return whether it pumps now."""

    @abstractmethod
    def dispensed(self) -> float:
        """Return the volume delivered since the device was opened, m³; withdrawn volume is negative."""

    @abstractmethod
    def alarms(self) -> tuple[str, ...]:
        """Return in words what the pump has complained about since this was last asked; asking clears it."""

    @abstractmethod
    def _set_rate(self, rate: float) -> None:
        """Set; the caller has checked the limit."""

    @abstractmethod
    def _run(self) -> None:
        """Start; the caller verifies."""

    @abstractmethod
    def _stop(self) -> None:
        """Stop; the caller verifies."""
