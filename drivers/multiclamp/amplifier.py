"""MultiClamp 700A/B as an amplifier: set through the control library, believed only by telegraph."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.amplifiers import MultiClampOptions
from config.ni import options_of
from drivers.base import Amplifier, AmplifierState, Gains
from drivers.multiclamp.library import NAME, Commander, Headstage, load
from drivers.multiclamp.table import MEMBRANE_SIGNALS, MODES
from drivers.multiclamp.telegraph import Telegraph, TelegraphSource, gains_of
from drivers.multiclamp.window import CommanderTelegraph, MessageWindow
from drivers.scales import scales_of
from protocols.errors import HardwareError, ModeMismatch
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drivers.build import Context
    from drivers.clock import Clock

log = logging.getLogger(__name__)

LOOK = 0.02
"""Seconds between looks at the telegraph while a switch is awaited; a switch takes 200 to 400 ms."""

OWN_COMMANDS: Mapping[ClampMode, tuple[str, ...]] = {
    ClampMode.VOLTAGE: ("HoldingEnable", "TestSignalEnable"),
    ClampMode.CURRENT: ("HoldingEnable", "TestSignalEnable", "SlowCurrentInjEnable"),
    ClampMode.ZERO: (),
}
"""What the Commander adds to the command by itself. The card alone commands, so these are switched off."""

OFF = (
    "the external command is OFF in MultiClamp Commander, so the card commands nothing; "
    "choose a sensitivity in Options > Gains. The amplifier is at I=0 now"
)


class MultiClamp(Amplifier):
    """One headstage of a MultiClamp."""

    def __init__(
        self,
        connect: Callable[[], Commander],
        telegraph: TelegraphSource,
        scales: Mapping[ClampMode, Gains],
        *,
        clock: Clock,
        channel: int,
        options: MultiClampOptions,
        settle: float,
    ) -> None:
        """Take everything from outside; nothing is opened yet.

        Parameters
        ----------
        connect
            Makes a connection to the Commander.
        telegraph
            Where mode, scale factors and the command's sensitivity are read.
        scales
            What the rig file declares for each mode.
        clock
            For waiting until a switch is telegraphed.
        channel
            Of the headstage, from 1.
        options
            Of the rig file.
        settle
            Seconds after a mode switch.
        """
        self.name, self.settle = NAME, settle
        self._connect, self._telegraph, self._scales = connect, telegraph, scales
        self._clock, self._channel, self._options = clock, channel, options
        self._commander: Commander | None = None
        self._headstage: Headstage | None = None

    # --- open and close -------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._commander = self._connect()
        try:
            self._headstage = self._chosen(self._commander.find())
            self._telegraph.open()
        except BaseException:
            self._close()
            raise

    def _close(self) -> None:
        self._telegraph.close()
        commander, self._commander, self._headstage = self._commander, None, None
        if commander is not None:
            commander.close()

    def _chosen(self, found: tuple[Headstage, ...]) -> Headstage:
        """Return the one headstage that the rig file means."""
        fitting = [h for h in found if self._means(h)]
        if len(fitting) == 1:
            return fitting[0]
        shown = "; ".join(map(str, found)) or "none"
        what = "more than one headstage fits" if fitting else "no headstage fits"
        words = f"{what} the rig file's channel {self._channel} and options serial, com, device"
        raise HardwareError(self.name, f"{words}; MultiClamp Commander shows: {shown}")

    def _means(self, headstage: Headstage) -> bool:
        wanted = self._options
        return (
            headstage.channel == self._channel
            and (wanted.serial is None or headstage.serial.lstrip("0") == wanted.serial.lstrip("0"))
            and wanted.com in (None, headstage.com)
            and wanted.device in (None, headstage.device)
        )

    # --- what it says ---------------------------------------------------------------------------------------

    def telegraph(self) -> Telegraph:
        """Return everything that is telegraphed now."""
        return self._telegraph.read(self._where)

    def mode(self) -> ClampMode:
        """Return the mode as telegraphed now."""
        return self.telegraph().mode

    def gains(self) -> Gains:
        """Return the scale factors as telegraphed now."""
        return gains_of(self.telegraph())

    def gains_in(self, mode: ClampMode) -> Gains:
        """Return the scale factors that the rig file declares."""
        return self._scales[mode]

    def state(self) -> AmplifierState:
        """Return the settings of the present mode."""
        said = self.telegraph()
        clamped = said.mode is ClampMode.VOLTAGE
        specific = self._voltage_clamp_state() if clamped else self._current_clamp_state()
        return AmplifierState(
            mode=said.mode, primary_gain=said.primary.volts_per_unit, low_pass=said.low_pass, **specific
        )

    def _voltage_clamp_state(self) -> dict[str, float | None]:
        whole, corrected = self._get("WholeCellCompEnable") > 0, self._get("RsCompEnable") > 0
        return {
            "capacitance_compensation": self._get("FastCompCap"),
            "whole_cell_capacitance": self._get("WholeCellCompCap") if whole else None,
            "whole_cell_series_resistance": self._get("WholeCellCompResist") if whole else None,
            "resistance_correction": self._get("RsCompCorrection") / 100 if corrected else 0.0,
            "resistance_prediction": self._get("RsCompPrediction") / 100 if corrected else 0.0,
        }

    def _current_clamp_state(self) -> dict[str, float | None]:
        return {
            "bridge_balance": self._get("BridgeBalResist") if self._get("BridgeBalEnable") else 0.0,
            "capacitance_compensation": self._get("NeutralizationCap") if self._get("NeutralizationEnable") else 0.0,
        }

    # --- mode -----------------------------------------------------------------------------------------------

    def _set_mode(self, mode: ClampMode) -> None:
        """Switch, wait for the telegraph, and make the card the only one that commands; on failure back to I=0."""
        self._switch(mode)
        try:
            self._take_over(mode)
        except HardwareError as error:
            self._back_to_zero(error)
            raise

    def _switch(self, mode: ClampMode) -> None:
        self._set("Mode", MODES[mode])
        deadline = self._clock.now() + self._options.verify_within
        while (found := self.mode()) is not mode:
            if self._clock.now() >= deadline:
                words = f"asked for {mode}, but the telegraph still says {found} after {self._options.verify_within}"
                raise ModeMismatch(self.name, words)
            self._clock.wait_until(self._clock.now() + LOOK)

    def _take_over(self, mode: ClampMode) -> None:
        for name in OWN_COMMANDS[mode]:
            if self._get(name):
                self._set(name, 0)
                log.warning("%s: %s was on in MultiClamp Commander in %s and is off now", self.name, name, mode)
        if self._options.choose_signals:
            self._choose_signals(mode)
        if mode is not ClampMode.ZERO and self.telegraph().command == 0:
            raise HardwareError(self.name, OFF)

    def _choose_signals(self, mode: ClampMode) -> None:
        primary, secondary = MEMBRANE_SIGNALS[self._where.model, mode is ClampMode.VOLTAGE]
        for name, number in (("PrimarySignal", primary), ("SecondarySignal", secondary)):
            if self._get(name) != number:
                self._set(name, number)

    def _back_to_zero(self, why: HardwareError) -> None:
        try:
            self._switch(ClampMode.ZERO)
        except HardwareError as error:
            raise HardwareError(self.name, f"{why}; and it did not go to I=0: {error}") from why

    # --- compensations --------------------------------------------------------------------------------------

    def auto_bridge(self) -> float:
        """Balance the bridge by the amplifier's own procedure and return it in ohms."""
        if self.mode() is ClampMode.VOLTAGE:
            raise HardwareError(self.name, "bridge balance belongs to current clamp")
        self._set("BridgeBalEnable", 1)
        self._act("AutoBridgeBal")
        return self._get("BridgeBalResist")

    def _set_bridge(self, ohms: float) -> None:
        if ohms:
            self._set("BridgeBalResist", ohms)
        self._set("BridgeBalEnable", float(ohms > 0))

    def set_low_pass(self, hertz: float) -> None:
        """Set the corner of the primary output's filter."""
        self._set("PrimarySignalLPF", hertz)

    def set_gain(self, gain: float) -> None:
        """Set the primary output's gain (1, 2, 5, 10, ...) in the present mode."""
        self._set("PrimarySignalGain", gain)

    def set_neutralization(self, farads: float) -> None:
        """Neutralise the pipette's capacitance in current clamp; 0 is off."""
        if self.mode() is ClampMode.VOLTAGE:
            raise HardwareError(self.name, "capacitance neutralisation belongs to current clamp")
        if farads:
            self._set("NeutralizationCap", farads)
        self._set("NeutralizationEnable", float(farads > 0))

    def auto_fast_capacitance(self) -> float:
        """Cancel the pipette's capacitance in voltage clamp by the amplifier's procedure; return it in farads."""
        self._require_voltage_clamp("fast capacitance compensation")
        self._act("AutoFastComp")
        return self._get("FastCompCap")

    def set_whole_cell(self, farads: float, ohms: float) -> None:
        """Cancel the membrane's charging transient in voltage clamp; 0 F is off."""
        self._require_voltage_clamp("whole-cell compensation")
        if farads:
            self._set("WholeCellCompCap", farads)
            self._set("WholeCellCompResist", ohms)
        self._set("WholeCellCompEnable", float(farads > 0))

    def auto_whole_cell(self) -> tuple[float, float]:
        """Do so by the amplifier's own procedure; return (farads, ohms)."""
        self._require_voltage_clamp("whole-cell compensation")
        self._set("WholeCellCompEnable", 1)
        self._act("AutoWholeCellComp")
        return self._get("WholeCellCompCap"), self._get("WholeCellCompResist")

    def auto_offset(self) -> float:
        """Zero the pipette's offset by the amplifier's own procedure, in the bath; return it in volts."""
        self._act("AutoPipetteOffset")
        return self._get("PipetteOffset")

    def _require_voltage_clamp(self, what: str) -> None:
        if self.mode() is not ClampMode.VOLTAGE:
            raise HardwareError(self.name, f"{what} belongs to voltage clamp")

    # --- calls ----------------------------------------------------------------------------------------------

    @property
    def _connected(self) -> Commander:
        if self._commander is None:
            raise HardwareError(self.name, "is not open")
        return self._commander

    @property
    def _where(self) -> Headstage:
        if self._headstage is None:
            raise HardwareError(self.name, "is not open")
        return self._headstage

    def _get(self, name: str) -> float:
        return self._connected.get(self._where, name)

    def _set(self, name: str, value: float) -> None:
        self._connected.set(self._where, name, value)

    def _act(self, name: str) -> None:
        self._connected.act(self._where, name)


@dataclass(frozen=True)
class Doors:
    """The two ways to a Commander."""

    connect: Callable[[], Commander]
    telegraph: TelegraphSource


def amplifier(context: Context) -> MultiClamp:
    """Return the headstage that the rig file names.

    The library's path may be an address that stands for a Commander elsewhere, such as 'served://127.0.0.1:31764'.
    """
    entry = context.rig.amplifier
    options = options_of("amplifier", MultiClampOptions, entry.options)
    doors: Doors = context.behind(options.library) or _local(options.library, context.clock)
    return MultiClamp(
        doors.connect,
        doors.telegraph,
        scales_of(entry),
        clock=context.clock,
        channel=entry.channel,
        options=options,
        settle=float(entry.settle),
    )


def _local(path: str, clock: Clock) -> Doors:
    """Return the ways to the Commander of this computer."""
    return Doors(lambda: Commander(load(path)), CommanderTelegraph(MessageWindow(), clock))
