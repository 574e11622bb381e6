"""An amplifier whose knobs a person turns, seen through its telegraph voltages on the card's inputs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from config.amplifiers import NOT_WIRED, TelegraphedOptions
from config.ni import options_of
from config.rig import Input
from drivers.base import Amplifier, AmplifierState, Gains
from drivers.scales import SAME_SCALE, scales_of
from drivers.telegraphs import CLAMPS, GainTelegraph, Telegraphs, tables, telegraphs_of
from protocols.errors import HardwareError, ModeMismatch
from protocols.explaining import did_you_mean
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from config.rig import Rig
    from drivers.build import Context
    from drivers.clock import Clock
    from drivers.hands import Hands

READINGS = 3
SPACING = 5e-3
"""A voltage is the mean of three readings over 10 ms: telegraphs carry line hum and a converter's noise."""
NOTHING = 0.1
"""Volts below which an input may as well be unplugged: half of the smallest first step of a table."""
LOOK = 0.1
"""Seconds between looks while a knob is being turned."""


class TelegraphedAmplifier(Amplifier):
    """Any amplifier of telegraphs.toml.

    What is telegraphed is read; what is not is what the rig file declares or what the person confirmed.
    """

    def __init__(
        self,
        table: Telegraphs,
        read_volts: Callable[[str], float],
        hands: Hands,
        scales: Mapping[ClampMode, Gains],
        *,
        clock: Clock,
        options: TelegraphedOptions,
        settle: float,
        check_gain: Callable[[float, ClampMode], None] | None = None,
        capacitance_factor: float = 1.0,
    ) -> None:
        """Take everything from outside; nothing is read yet.

        Parameters
        ----------
        table
            What the amplifier's telegraph voltages mean.
        read_volts
            From an input's name to the volts that stand there now.
        hands
            Turn the knobs.
        scales
            What the rig file declares for each mode; of the command and the secondary output nothing else is known.
        clock
            For waiting until a knob is turned.
        options
            Of the rig file.
        settle
            Seconds after a mode switch.
        check_gain
            Raises if the amplifier cannot have a gain in a mode.
        capacitance_factor
            For the table's capacitances.
        """
        self._check_gain, self._capacitance_factor = check_gain, capacitance_factor
        self.name, self.settle = table.name, settle
        self._table, self._read, self._hands, self._scales = table, read_volts, hands, scales
        self._clock, self._options = clock, options
        self._stated_mode: ClampMode | None = None
        self._stated_bridge: float | None = None
        self._stated_low_pass = None if options.low_pass is None else float(options.low_pass)

    # --- what it says ---------------------------------------------------------------------------------------

    def mode(self) -> ClampMode:
        """Return the mode as telegraphed now; as the person confirmed it, where there is no telegraph.

        Raises
        ------
        HardwareError
            The knob is where nothing is recorded, or nobody has said where it is.
        """
        if self._table.mode is None or self._options.mode is None:
            if self._stated_mode is None:
                raise HardwareError(self.name, "its mode is not telegraphed, and nobody has said it yet")
            return self._stated_mode
        position = self._table.mode.decode(self._volts(self._options.mode))
        if position.clamp is None:
            raise HardwareError(self.name, f"the mode knob is at {position.knob}; nothing can be recorded there")
        return CLAMPS[position.clamp]

    def gains(self) -> Gains:
        """Return the scale factors of the present mode: the primary output's from the gain telegraph."""
        mode = self.mode()
        declared = self._scales[mode]
        if self._table.gain is None or self._options.gain is None:
            return declared
        gain = self._gain()
        if self._check_gain is not None:
            self._check_gain(gain, mode)
        per_volt = 1 / (gain * self._output_at_one(self._table.gain, mode))
        return Gains(mode, declared.command, {**declared.inputs, "primary": (mode.response_unit, per_volt)})

    def gains_in(self, mode: ClampMode) -> Gains:
        """Return the scale factors that the rig file declares."""
        return self._scales[mode]

    def state(self) -> AmplifierState:
        """Return the settings of the present mode, as far as they are telegraphed or confirmed."""
        gains = self.gains()
        clamped = gains.mode is ClampMode.VOLTAGE
        return AmplifierState(
            mode=gains.mode,
            primary_gain=1 / gains.inputs["primary"][1],
            low_pass=self._low_pass(),
            bridge_balance=None if clamped else self._stated_bridge,
            whole_cell_capacitance=self._capacitance() if clamped else None,
        )

    def doubts(self) -> list[str]:
        """Return which telegraphs stand at 0 V, where that has a meaning: nothing else would tell a pulled cable."""
        wired = {"gain": (self._table.gain, self._options.gain), "mode": (self._table.mode, self._options.mode)}
        return [
            f"the {what} telegraph ('{channel}') reads {volts:.2f} V, as it would unplugged: is the cable plugged in?"
            for what, (telegraph, channel) in wired.items()
            if telegraph is not None and channel is not None and telegraph.reads_without_cable
            if abs(volts := self._volts(channel)) < NOTHING
        ]

    def _output_at_one(self, telegraph: GainTelegraph, mode: ClampMode) -> float:
        """Return V at the output per SI unit of the mode's response at gain 1."""
        if mode.response_unit == "A":
            scale, key = self._options.current_at_one or telegraph.current, "current_at_one"
        else:
            scale, key = self._options.potential_at_one or telegraph.potential, "potential_at_one"
        if scale is None:
            words = f"what its output is at gain 1 in {mode} depends on the headstage; write it as option '{key}'"
            raise HardwareError(self.name, words)
        return float(scale)

    def _gain(self) -> float:
        if self._table.gain is None or self._options.gain is None:
            raise HardwareError(self.name, "its gain is not telegraphed")
        return self._table.gain.decode(self._volts(self._options.gain))

    def _low_pass(self) -> float:
        if self._table.frequency is not None and self._options.frequency is not None:
            return self._table.frequency.decode(self._volts(self._options.frequency))
        if self._stated_low_pass is None:
            words = "its filter is not telegraphed; write it as option 'low_pass', or wire and name 'frequency'"
            raise HardwareError(self.name, words)
        return self._stated_low_pass

    def _capacitance(self) -> float | None:
        if self._table.capacitance is None or self._options.capacitance is None:
            return None
        found = self._table.capacitance.decode(self._volts(self._options.capacitance))
        return None if found is None else found * self._capacitance_factor

    def _volts(self, channel: str) -> float:
        readings = [self._read(channel)]
        while len(readings) < READINGS:
            self._clock.wait_until(self._clock.now() + SPACING)
            readings.append(self._read(channel))
        return sum(readings) / READINGS

    # --- what the person does -------------------------------------------------------------------------------

    def _open(self) -> None:
        if self._table.mode is None or self._options.mode is None:
            self._confirm_mode(ClampMode.VOLTAGE)

    def _set_mode(self, mode: ClampMode) -> None:
        """Tell the person and wait for the telegraph; if there is none, for the person's word.

        The gain comes first: one knob serves all modes, and in I=0 it can be turned in peace.
        """
        if mode is not ClampMode.ZERO:
            self._set_gain(mode)
        if self._table.mode is None or self._options.mode is None:
            self._confirm_mode(mode)
            return
        text = f"turn the mode knob to {self._knob(mode)}"
        if not self._turned(text, self.mode, mode):
            raise ModeMismatch(
                self.name, f"asked to {text}; after {self._options.turn_within} the telegraph says: {_now(self.mode)}"
            )

    def _set_gain(self, mode: ClampMode) -> None:
        """Let the person set the output gain to what the rig file declares for `mode`."""
        if self._table.gain is None or self._options.gain is None:
            return
        scale = 1 / self._scales[mode].inputs["primary"][1]
        declared = scale / self._output_at_one(self._table.gain, mode)
        shown = f"{scale * 1e-9:g} mV/pA" if mode.response_unit == "A" else f"{scale:g} mV/mV"
        wanted = next((g for g in self._table.gain.all if abs(g - declared) <= SAME_SCALE * g), None)
        if wanted is None:
            raise HardwareError(self.name, f"the rig file declares {shown} in {mode}, which no position of its knob is")
        text = f"set the output gain to {shown}"
        if not self._turned(text, self._gain, wanted):
            words = f"asked to {text}; after {self._options.turn_within} the telegraph says: {_now(self._gain)}"
            raise HardwareError(self.name, words)

    def _knob(self, mode: ClampMode) -> str:
        """Return what the person is to choose for `mode`."""
        positions = self._table.mode.leading_to(mode) if self._table.mode else ()
        if not positions:
            raise HardwareError(self.name, f"no position of its mode knob is known for {mode}")
        wanted = self._options.current_clamp.upper()
        return next((p.knob for p in positions if wanted in p.knob), positions[0].knob)

    def _confirm_mode(self, mode: ClampMode) -> None:
        self._stated_mode = None
        if not self._hands.confirm(f"{self.name}: set it to {mode}"):
            raise ModeMismatch(self.name, f"nobody confirmed that it is in {mode}")
        self._stated_mode = mode

    def set_low_pass(self, hertz: float) -> None:
        """Let the person set the corner of the output filter."""
        if hertz == self._stated_low_pass:
            return
        text = f"set the output filter to {hertz / 1e3:g} kHz"
        if self._table.frequency is None or self._options.frequency is None:
            if not self._hands.confirm(f"{self.name}: {text}"):
                raise HardwareError(self.name, f"nobody confirmed an output filter of {hertz / 1e3:g} kHz")
            self._stated_low_pass = hertz
            return
        if hertz not in self._table.frequency.hertz:
            has = ", ".join(f"{h / 1e3:g}" for h in self._table.frequency.hertz)
            words = (
                f"its output filter has {has} kHz, not {hertz / 1e3:g}; write one of them as the protocol's 'low_pass'"
            )
            raise HardwareError(self.name, words)
        if not self._turned(text, self._low_pass, hertz):
            said = _now(self._low_pass)
            found = f"{said / 1e3:g} kHz" if isinstance(said, float) else said
            words = f"asked to {text}; after {self._options.turn_within} the telegraph says: {found}"
            raise HardwareError(self.name, words)

    def auto_bridge(self) -> float:
        """Let the person balance the bridge; return NaN, for no telegraph tells what was dialled."""
        if self.mode() is not ClampMode.CURRENT:
            raise HardwareError(self.name, "bridge balance belongs to current clamp")
        self._stated_bridge = None
        if not self._hands.confirm(f"{self.name}: balance the bridge by hand"):
            words = "nobody confirmed that the bridge is balanced; without a person write 'bridge: keep'"
            raise HardwareError(self.name, words)
        return math.nan

    def _set_bridge(self, ohms: float) -> None:
        if not self._hands.confirm(f"{self.name}: set the bridge balance to {ohms / 1e6:.1f} MOhm by hand"):
            self._stated_bridge = None
            raise HardwareError(self.name, f"nobody confirmed a bridge balance of {ohms / 1e6:.1f} MOhm")
        self._stated_bridge = ohms

    def _turned(self, text: str, read: Callable[[], object], wanted: object) -> bool:
        """Tell the person, and return whether `read` came to give `wanted` in time.

        What cannot be decoded meanwhile is a knob on its way: it passes many places.
        """
        if _now(read) == wanted:
            return True
        self._hands.tell(f"{self.name}: {text}")
        deadline = self._clock.now() + self._options.turn_within
        while _now(read) != wanted and self._clock.now() < deadline:
            self._clock.wait_until(self._clock.now() + LOOK)
        return _now(read) == wanted


def _now(read: Callable[[], object]) -> object:
    """Return what is telegraphed, or, in words, why it means nothing."""
    try:
        return read()
    except HardwareError as error:
        return str(error)


def amplifier(context: Context) -> TelegraphedAmplifier:
    """Return the amplifier that the rig file names as 'model'."""
    options = options_of("amplifier", TelegraphedOptions, context.rig.amplifier.options)
    if options.model is None:
        raise HardwareError("amplifier", f"write option 'model', one of {', '.join(tables())}")
    return telegraphed(context, telegraphs_of(options.model), options)


def telegraphed(
    context: Context, table: Telegraphs, options: TelegraphedOptions, **of_model: Any
) -> TelegraphedAmplifier:
    """Return the amplifier `table`, as the rig file wires it; `of_model` are further arguments of the class."""
    _require_range(table, options, context.rig)
    entry = context.rig.amplifier
    return TelegraphedAmplifier(
        table,
        context.read_volts(),
        context.hands,
        scales_of(entry),
        clock=context.clock,
        options=options,
        settle=float(entry.settle),
        **of_model,
    )


def _require_range(table: Telegraphs, options: TelegraphedOptions, rig: Rig) -> None:
    """Check that every telegraph has an input that is there and reads as far as it goes."""
    telegraphs = {name: Input.model_validate(entry) for name, entry in rig.daq.options.get("telegraphs", {}).items()}
    inputs = {**rig.inputs, **telegraphs}
    for what, volts in table.reach.items():
        if (channel := getattr(options, what)) is None:
            continue
        if channel not in inputs:
            words = f"its {what} telegraph is to be read by '{channel}', which is none of the inputs"
            cure = f"add it to 'telegraphs' of the card's options, or write '{what}: {NOT_WIRED}' if it is not wired"
            raise HardwareError(table.name, f"{words}{did_you_mean(channel, inputs)}; {cure}")
        if inputs[channel].range < volts:
            words = f"its {what} telegraph goes to {volts:g} V, and '{channel}' reads {inputs[channel].range}"
            raise HardwareError(table.name, f"{words}; give it 'range: 10 V'")
