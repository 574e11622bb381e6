"""What every driver of a kind must pass; shipped, so that a lab's own driver can be held to it.

Derive a test class, give it the fixtures its contract names, and let pytest collect it:

    class TestOurCard(DaqContract):
        @pytest.fixture
        def daq(self): ...

A device of metal is wanted with a model cell on the headstage: commands are small, but they are played.
"""

from __future__ import annotations

import math
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from drivers.base import Amplifier, Daq, Filling, Gains, Perfusion, Pump, Thermometer
from drivers.scales import differences
from protocols.errors import HardwareError, LimitExceeded, ModeMismatch, PatchrigError
from protocols.sweeps import ClampMode, Sweep
from protocols.waveforms import Pulse, TtlPulse, Waveform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RATE = 20_000.0
SAMPLES = 4_321
"""A length that no block size divides."""


@contextmanager
def refused(kind: type[PatchrigError]) -> Iterator[None]:
    """Fail unless the body raises `kind`."""
    try:
        yield
    except kind:
        return
    raise AssertionError(f"{kind.__name__} was expected, and nothing was raised")


def _sweep(gains: Gains, holding: float, step: float = 0.0, *, until_end: bool = False) -> Sweep:
    """Return a sweep with a step over its middle third, or from there to its end."""
    stop = SAMPLES if until_end else 2 * SAMPLES // 3
    pulses = (Pulse("step", SAMPLES // 3, stop, step),) if step else ()
    return Sweep(0, gains.mode, Waveform(RATE, SAMPLES, holding, pulses))


class DaqContract:
    """Of a converter card.

    Fixtures: `daq`, open; `gains`, of the amplifier's present mode, voltage or current clamp; `level`, SI, harmless
    to hold; `step`, SI, harmless to add to it.
    """

    def test_frames_come_in_order_without_gaps_and_add_up(self, daq: Daq, gains: Gains, level: float) -> None:
        """Every sample is delivered once."""
        frames = list(daq.play(_sweep(gains, level), gains))
        ends = np.cumsum([f.n_samples for f in frames])
        assert [f.first for f in frames] == [0, *ends[:-1]]
        assert ends[-1] == SAMPLES

    def test_frames_hold_counts_with_a_row_for_each_channel(self, daq: Daq, gains: Gains, level: float) -> None:
        """Counts are as converted; scales are apart."""
        rows = len(daq.channels(gains))
        for frame in daq.play(_sweep(gains, level), gains):
            assert frame.counts.dtype == np.int16
            assert frame.counts.shape == (rows, frame.n_samples)

    def test_the_primary_channel_has_the_unit_of_the_modes_response(self, daq: Daq, gains: Gains) -> None:
        """Amperes in voltage clamp, volts in current clamp."""
        channels = {c.name: c for c in daq.channels(gains)}
        assert len(channels) == len(daq.channels(gains))
        assert channels["primary"].unit == gains.mode.response_unit

    def test_a_command_beyond_the_limits_is_refused_before_anything_is_written(
        self, daq: Daq, gains: Gains, level: float
    ) -> None:
        """The refusal comes from the call itself, not from the first frame."""
        daq.park(level, gains)
        before = daq.output_volts()
        low, high = daq.limits.voltage if gains.mode.command_unit == "V" else daq.limits.current
        for beyond in (low - level, high - level):
            with refused(LimitExceeded):
                daq.play(_sweep(gains, level, 1.01 * beyond), gains)
        with refused(LimitExceeded):
            daq.park(1.01 * high, gains)
        assert daq.output_volts() == before

    def test_a_rate_beyond_the_cards_is_refused(self, daq: Daq, gains: Gains, level: float) -> None:
        """It would be lowered silently by some cards."""
        with refused(LimitExceeded):
            daq.play(Sweep(0, gains.mode, Waveform(1.01 * daq.limits.sampling, 10, level)), gains)

    def test_gains_of_another_mode_are_refused(self, daq: Daq, gains: Gains, level: float) -> None:
        """The same volt means another thing there."""
        daq.park(level, gains)
        before = daq.output_volts()
        other = ClampMode.CURRENT if gains.mode is ClampMode.VOLTAGE else ClampMode.VOLTAGE
        with refused(ModeMismatch):
            daq.play(_sweep(gains, level), replace(gains, mode=other))
        assert daq.output_volts() == before

    def test_a_parked_level_reads_back(self, daq: Daq, gains: Gains, level: float) -> None:
        """To a thousandth of the output's range."""
        daq.park(level, gains)
        self._stands_at(level, daq, gains)

    def test_the_output_stays_at_a_sweeps_last_level(self, daq: Daq, gains: Gains, level: float, step: float) -> None:
        """Until the next play or park."""
        list(daq.play(_sweep(gains, level, step, until_end=True), gains))
        self._stands_at(level + step, daq, gains)

    def test_an_abandoned_sweep_leaves_the_output_at_holding(
        self, daq: Daq, gains: Gains, level: float, step: float
    ) -> None:
        """Whoever stops reading stops the command."""
        sweep = Sweep(0, gains.mode, Waveform(RATE, 40 * SAMPLES, level, (Pulse("step", 1, 40 * SAMPLES, step),)))
        with closing(daq.play(sweep, gains)) as frames:
            next(frames)
        self._stands_at(level, daq, gains)

    def test_an_error_while_reading_leaves_the_output_at_holding(
        self, daq: Daq, gains: Gains, level: float, step: float
    ) -> None:
        """The disk may be full in mid-sweep."""
        sweep = Sweep(0, gains.mode, Waveform(RATE, 40 * SAMPLES, level, (Pulse("step", 1, 40 * SAMPLES, step),)))
        with refused(HardwareError), closing(daq.play(sweep, gains)) as frames:
            for _ in frames:
                raise HardwareError("disk", "no space left")
        self._stands_at(level, daq, gains)

    def test_a_sweep_after_an_abandoned_one_is_whole(self, daq: Daq, gains: Gains, level: float) -> None:
        """Nothing is left over in a buffer."""
        with closing(daq.play(_sweep(gains, level), gains)) as frames:
            next(frames)
        self.test_frames_come_in_order_without_gaps_and_add_up(daq, gains, level)

    def test_closing_twice_does_no_harm(self, daq: Daq) -> None:
        """Two ways out may both close."""
        daq.__exit__(None, None, None)
        daq.__exit__(None, None, None)

    @staticmethod
    def _stands_at(level: float, daq: Daq, gains: Gains) -> None:
        assert abs(daq.output_volts() - level / gains.command) <= 1e-3 * daq.output_range


class TtlContract:
    """Of the TTL lines of a converter card.

    Fixtures: those of `DaqContract` but `step`; `line`, the name of a TTL line; `edges`, a function that returns the
    edges of that line in the latest sweep, (sample, whether it rose), those at its end included.
    """

    def test_a_ttl_pulse_rises_and_falls_at_its_samples(
        self, daq: Daq, gains: Gains, level: float, line: str, edges: Callable[[], list[tuple[int, bool]]]
    ) -> None:
        """In the count of the command and of the recorded samples, whatever the blocks are."""
        pulses = tuple(TtlPulse(line, start, stop) for start, stop in ((0, 1), (777, 1555), (4000, SAMPLES - 1)))
        list(daq.play(replace(_sweep(gains, level), ttl=pulses), gains))
        assert edges() == [(at, rises) for p in pulses for at, rises in ((p.start, True), (p.stop, False))]

    def test_a_sweep_without_ttl_pulses_has_no_edge(
        self, daq: Daq, gains: Gains, level: float, edges: Callable[[], list[tuple[int, bool]]]
    ) -> None:
        """Whatever the sweep before it did."""
        list(daq.play(_sweep(gains, level), gains))
        assert edges() == []

    def test_a_line_is_low_when_a_sweep_was_abandoned_in_mid_pulse(
        self, daq: Daq, gains: Gains, level: float, line: str, edges: Callable[[], list[tuple[int, bool]]]
    ) -> None:
        """A stimulator or a shutter must not stay open."""
        n = 40 * SAMPLES
        sweep = Sweep(0, gains.mode, Waveform(RATE, n, level), (TtlPulse(line, 10, n),))
        with closing(daq.play(sweep, gains)) as frames:
            next(frames)
        assert [rises for _, rises in edges()] == [True, False]

    def test_a_ttl_line_that_the_rig_has_not_is_refused(self, daq: Daq, gains: Gains, level: float) -> None:
        """Before anything is played."""
        with refused(HardwareError):
            daq.play(replace(_sweep(gains, level), ttl=(TtlPulse("no_such_line", 0, 1),)), gains)


class RepeatableDaqContract(DaqContract):
    """Of a card whose samples can be repeated.

    One fixture more: `record`, a function from a block length in seconds to the bytes of a session, from its start.
    """

    def test_the_same_counts_come_with_any_block_size(self, record: Callable[[float], bytes]) -> None:
        """One sample, seven, four hundred, all at once."""
        whole = record(1e3)
        assert len(whole) > 0
        for block in (1 / RATE, 7 / RATE, 400 / RATE):
            assert record(block) == whole


class AmplifierContract:
    """Of an amplifier, its gains set to what its rig file declares. Fixture: `amplifier`, open.

    Where a person turns the knobs, the fixture's hands turn them.
    """

    automatic_bridge = True
    """Whether the amplifier can balance the bridge by itself; otherwise the person does, and the value is unknown."""

    def test_each_mode_can_be_entered_and_is_telegraphed(self, amplifier: Amplifier) -> None:
        """A switch is believed only when the telegraph says so."""
        for mode in (ClampMode.ZERO, ClampMode.CURRENT, ClampMode.ZERO, ClampMode.VOLTAGE):
            amplifier.set_mode(mode)
            assert amplifier.mode() is mode
            assert amplifier.state().mode is mode

    def test_gains_are_those_declared_for_the_mode(self, amplifier: Amplifier) -> None:
        """They are needed before the mode is entered, and must hold in it."""
        for mode in ClampMode:
            amplifier.set_mode(ClampMode.ZERO)
            declared = amplifier.gains_in(mode)
            amplifier.set_mode(mode)
            found = amplifier.gains()
            assert found.mode is declared.mode is mode
            assert {n: unit for n, (unit, _) in found.inputs.items()} == {
                n: unit for n, (unit, _) in declared.inputs.items()
            }
            assert not differences(found, declared)

    def test_the_primary_output_has_the_unit_of_the_modes_response(self, amplifier: Amplifier) -> None:
        """Amperes in voltage clamp, volts otherwise."""
        for mode in ClampMode:
            assert amplifier.gains_in(mode).inputs["primary"][0] == mode.response_unit

    def test_primary_gain_and_scale_factor_agree(self, amplifier: Amplifier) -> None:
        """Both say what a volt is."""
        for mode in (ClampMode.ZERO, ClampMode.CURRENT, ClampMode.VOLTAGE):
            amplifier.set_mode(mode)
            product = amplifier.state().primary_gain * amplifier.gains().inputs["primary"][1]
            assert abs(product - 1) < 1e-6

    def test_zero_current_ignores_the_command(self, amplifier: Amplifier) -> None:
        """Nothing that stands at the card's output reaches the cell."""
        assert amplifier.gains_in(ClampMode.ZERO).command == 0

    def test_the_low_pass_is_reported_as_set(self, amplifier: Amplifier) -> None:
        """Both corners are on the dials of every amplifier."""
        for corner in (1e3, 2e3):
            amplifier.set_low_pass(corner)
            assert amplifier.state().low_pass == corner

    def test_the_bridge_belongs_to_current_clamp(self, amplifier: Amplifier) -> None:
        """In voltage clamp it is refused, by hand and by procedure, and not reported."""
        amplifier.set_mode(ClampMode.VOLTAGE)
        with refused(HardwareError):
            amplifier.set_bridge(10e6)
        with refused(HardwareError):
            amplifier.auto_bridge()
        assert amplifier.state().bridge_balance is None

    def test_the_bridge_is_reported_as_set(self, amplifier: Amplifier) -> None:
        """To the resolution of a dial."""
        amplifier.set_mode(ClampMode.ZERO)
        amplifier.set_mode(ClampMode.CURRENT)
        amplifier.set_bridge(10e6)
        assert abs((amplifier.state().bridge_balance or 0) - 10e6) < 0.1e6
        amplifier.set_bridge(0.0)
        assert amplifier.state().bridge_balance == 0

    def test_the_bridge_is_balanced_by_procedure_or_by_hand(self, amplifier: Amplifier) -> None:
        """What a person has balanced is not known, and nothing is invented."""
        amplifier.set_mode(ClampMode.ZERO)
        amplifier.set_mode(ClampMode.CURRENT)
        found = amplifier.auto_bridge()
        if not self.automatic_bridge:
            assert math.isnan(found)
            assert amplifier.state().bridge_balance is None
            return
        assert found > 0
        assert amplifier.state().bridge_balance == found

    def test_closing_twice_does_no_harm(self, amplifier: Amplifier) -> None:
        """Two ways out may both close."""
        amplifier.__exit__(None, None, None)
        amplifier.__exit__(None, None, None)


class PerfusionContract:
    """Of a perfusion. Fixture: `perfusion`, open, with two lines or more."""

    def test_one_line_is_open_at_a_time(self, perfusion: Perfusion) -> None:
        """The one that was selected last."""
        for line in (*perfusion.lines, *perfusion.lines):
            perfusion.select(line)
            assert perfusion.selected() == line

    def test_an_unknown_line_is_refused_and_changes_nothing(self, perfusion: Perfusion) -> None:
        """Neither to open nor to fill."""
        before = perfusion.selected()
        with refused(HardwareError):
            perfusion.select("no such line")
        with refused(HardwareError):
            perfusion.fill({"no such line": Filling("nothing")})
        assert perfusion.selected() == before

    def test_the_lines_fillings_are_remembered(self, perfusion: Perfusion) -> None:
        """By line; a later filling replaces an earlier one."""
        line = perfusion.lines[-1]
        for filling in (Filling("ACSF"), Filling("drug", "a compound", 1e-6)):
            perfusion.fill({line: filling})
            assert perfusion.fillings[line] == filling

    def test_closing_twice_does_no_harm(self, perfusion: Perfusion) -> None:
        """Two ways out may both close."""
        perfusion.__exit__(None, None, None)
        perfusion.__exit__(None, None, None)


class ThermometerContract:
    """Of a thermometer. Fixture: `thermometer`, open."""

    def test_a_reading_is_a_temperature_that_a_bath_can_have(self, thermometer: Thermometer) -> None:
        """In degrees Celsius, not in kelvin or volts."""
        assert 0 < thermometer.read() < 50

    def test_closing_twice_does_no_harm(self, thermometer: Thermometer) -> None:
        """Two ways out may both close."""
        thermometer.__exit__(None, None, None)
        thermometer.__exit__(None, None, None)


class PumpContract:
    """Of a pump. Fixtures: `pump`, open and standing; `rate`, m³/s, that it can deliver; `wait`, seconds to let pass.

    A pump of metal is wanted with its tubing in a beaker.
    """

    def test_opening_starts_nothing(self, pump: Pump) -> None:
        """Whoever only wants to stop a pump must be able to open it."""
        assert not pump.running()

    def test_it_runs_and_stops_when_told(self, pump: Pump) -> None:
        """Each is believed only when the pump says so."""
        pump.run()
        assert pump.running()
        pump.stop()
        assert not pump.running()

    def test_stopping_twice_does_no_harm(self, pump: Pump) -> None:
        """A pump may have stopped by itself."""
        pump.stop()
        pump.stop()
        assert not pump.running()

    def test_the_rate_is_reported_as_set(self, pump: Pump, rate: float) -> None:
        """Standing and running, to the digits of a display."""
        for runs in (False, True):
            for wanted in (rate, rate / 3, rate / 300, rate):
                pump.set_rate(wanted)
                assert abs(pump.rate() - wanted) <= 2e-3 * wanted
                assert pump.running() == runs
            pump.run()

    def test_a_rate_beyond_the_limit_is_refused_and_changes_nothing(self, pump: Pump, rate: float) -> None:
        """Neither faster than the rig allows, nor backwards, nor none."""
        pump.set_rate(rate)
        for beyond in (1.01 * pump.limit, -rate, 0.0):
            with refused(LimitExceeded):
                pump.set_rate(beyond)
        assert abs(pump.rate() - rate) <= 2e-3 * rate

    def test_what_it_delivers_is_rate_times_time(self, pump: Pump, rate: float, wait: Callable[[float], None]) -> None:
        """To a part in twenty: the clock of the computer is not the pump's."""
        pump.set_rate(rate)
        before = pump.dispensed()
        pump.run()
        wait(10.0)
        pump.stop()
        assert abs(abs(pump.dispensed() - before) - 10.0 * rate) < 0.5 * rate
        wait(10.0)
        assert abs(abs(pump.dispensed() - before) - 10.0 * rate) < 0.5 * rate

    def test_a_pump_that_is_well_complains_of_nothing(self, pump: Pump) -> None:
        """What it had to say of its power-up is forgotten once it was told."""
        pump.alarms()
        assert pump.alarms() == ()

    def test_closing_twice_does_no_harm(self, pump: Pump) -> None:
        """Two ways out may both close."""
        pump.__exit__(None, None, None)
        pump.__exit__(None, None, None)
