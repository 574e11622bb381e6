"""Axopatch and other amplifiers with knobs: read by telegraph, turned by a person."""

import math
from random import Random

import pytest

from config.amplifiers import TelegraphedOptions
from drivers.axopatch200b import amplifier as axopatch
from drivers.build import Context
from drivers.clock import DemandClock
from drivers.contract import AmplifierContract
from drivers.hands import Nobody
from drivers.scales import differences, scales_of
from drivers.telegraphed import TelegraphedAmplifier
from drivers.telegraphed import amplifier as telegraphed
from drivers.telegraphs import telegraphs_of
from protocols.errors import HardwareError, ModeMismatch
from protocols.sweeps import ClampMode
from tests.drivers.knobs import Idle, Panel, Turner
from tests.drivers.rehearsal import rig_with

START = {"gain": 2.5, "mode": 6.0, "frequency": 4.0, "capacitance": 3.3}
"""Gain 1, voltage clamp, 2 kHz, 33 pF cancelled."""
SCALES = [
    ("voltage_clamp: {command: 20 mV/V, primary: 1 V/nA, secondary: 10 mV/mV}",
     "voltage_clamp: {command: 20 mV/V, primary: 1 mV/pA, secondary: 10 mV/mV}"),
    ("current_clamp: {command: 400 pA/V, primary: 50 mV/mV, secondary: 1 V/nA}",
     "current_clamp: {command: 2 nA/V, primary: 1 mV/mV, secondary: 10 mV/mV}"),
]  # fmt: skip
ALL = {"frequency": "frequency", "capacitance": "capacitance"}


def rig(options=None, *, scales=SCALES, telegraphs=None):
    made = rig_with(changes=scales)
    inputs = {n: {"pin": f"ai{i}"} for i, n in enumerate(START, 2)} if telegraphs is None else telegraphs
    daq = made.daq.model_copy(update={"driver": "nidaqmx", "options": {"telegraphs": inputs}})
    amplifier = made.amplifier.model_copy(update={"options": ALL if options is None else options})
    return made.model_copy(update={"daq": daq, "amplifier": amplifier})


class Bench(Context):
    """A context whose card reads a panel."""

    def __init__(self, made, panel, hands):
        super().__init__(made, DemandClock(), 1, hands)
        self._panel = panel

    def read_volts(self):
        return self._panel.read


@pytest.fixture
def panel():
    return Panel(telegraphs_of("axopatch_200b"), **START)


@pytest.fixture
def hands(panel):
    return Turner(panel)


@pytest.fixture
def make(panel, hands):
    def amplifier(options=None, *, made=axopatch, turned_by=hands, scales=SCALES, **more):
        return made(Bench(rig(options, scales=scales, **more), panel, turned_by))

    return amplifier


class TestContract(AmplifierContract):
    automatic_bridge = False

    @pytest.fixture
    def amplifier(self, make):
        with make() as opened:
            yield opened


class TestContractWithHandsThatTakeTheirTime(AmplifierContract):
    automatic_bridge = False

    @pytest.fixture
    def amplifier(self, make, panel):
        with make(turned_by=Turner(panel, after=23)) as opened:
            yield opened


class TestContractWithoutAnyTelegraph(AmplifierContract):
    """A Dagan BVC-700A: the person's word is all there is."""

    automatic_bridge = False

    @pytest.fixture
    def amplifier(self, make):
        options = {"model": "dagan_bvc_700a", "low_pass": "3 kHz"}
        with make(options, made=telegraphed) as opened:
            yield opened


# --- what it says -----------------------------------------------------------------------------------------------


def test_settings_are_those_telegraphed(make):
    with make() as amplifier:
        state = amplifier.state()
    assert (state.mode, state.low_pass) == (ClampMode.VOLTAGE, 2e3)
    assert state.primary_gain == pytest.approx(1e9)
    assert state.whole_cell_capacitance == pytest.approx(33e-12)


def test_a_voltage_is_the_mean_of_three_readings_over_ten_milliseconds(make, panel):
    amplifier = make()
    before = amplifier._clock.now()
    amplifier.mode()
    assert panel.readings == 3
    assert amplifier._clock.now() - before == pytest.approx(10e-3)


def test_noise_of_a_sixth_of_a_step_never_shows(make, panel):
    random = Random(5)
    panel.noise = lambda: random.gauss(0, 0.08)
    amplifier = make()
    for _ in range(300):
        assert amplifier.gains().inputs["primary"][1] == pytest.approx(1e-9)


def test_the_scale_follows_the_gain_knob(make, panel):
    panel.turn("gain", 4.0)
    assert make().gains().inputs["primary"] == ("A", pytest.approx(1e-10))
    panel.turn("mode", 2.0)
    assert make().gains().inputs["primary"] == ("V", pytest.approx(0.1))


def test_track_is_no_mode_to_record_in(make, panel):
    panel.turn("mode", 4.0)
    with pytest.raises(HardwareError, match="Axopatch 200B: the mode knob is at TRACK"):
        make().mode()


def test_both_current_clamps_are_current_clamp(make, panel):
    for volts in (2.0, 1.0):
        panel.turn("mode", volts)
        assert make().mode() is ClampMode.CURRENT


def test_a_pulled_cable_is_named(make, panel):
    panel.turn("gain", 0.01)
    with pytest.raises(HardwareError, match=r"gain telegraph: 0\.01 V is none of its steps.*is the cable in"):
        make().gains()


def test_whole_cell_capacitance_switched_off_is_none(make, panel):
    panel.turn("capacitance", -3.3)
    assert make().state().whole_cell_capacitance is None


# --- beta -------------------------------------------------------------------------------------------------------

BETA_SCALES = [SCALES[0], (SCALES[1][0], SCALES[1][1].replace("2 nA/V", "20 nA/V"))]


def test_beta_of_a_tenth_scales_capacitance_and_command(make, panel):
    panel.turn("gain", 1.0)
    amplifier = make({**ALL, "beta": 0.1}, scales=BETA_SCALES)
    assert amplifier.state().whole_cell_capacitance == pytest.approx(330e-12)
    assert amplifier.gains().inputs["primary"] == ("A", pytest.approx(1e-8))
    assert amplifier.gains_in(ClampMode.CURRENT).command == pytest.approx(20e-9)


def test_a_gain_that_only_the_other_beta_has_is_refused(make, panel):
    panel.turn("gain", 1.0)
    with pytest.raises(HardwareError, match=r"gain of 0\.1 in voltage clamp; with beta = 1 it has 0\.5 to 500.*CONFIG"):
        make().gains()
    panel.turn("gain", 5.5)
    with pytest.raises(HardwareError, match=r"gain of 100 in voltage clamp; with beta = 0\.1"):
        make({**ALL, "beta": 0.1}, scales=BETA_SCALES).gains()


def test_current_clamp_has_no_gain_below_a_half(make, panel):
    panel.turn("mode", 2.0)
    panel.turn("gain", 1.5)
    with pytest.raises(HardwareError, match="in current clamp"):
        make().gains()


def test_a_beta_that_does_not_exist_is_refused(make):
    with pytest.raises(HardwareError, match=r"beta.*write 1 or 0\.1"):
        make({"beta": 100})


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("20 mV/V", "50 mV/V", "voltage_clamp: command is declared as 50 mV/V; .* 20 mV/V or 100 mV/V"),
        ("2 nA/V", "400 pA/V", "current_clamp: command is declared as 400 pA/V; with beta = 1 it is 2 nA/V"),
    ],
)
def test_a_command_that_the_amplifier_has_not_is_refused_before_anything_is_opened(make, old, new, words):
    scales = [(a, b.replace(old, new)) for a, b in SCALES]
    with pytest.raises(HardwareError, match=words):
        make(scales=scales)


def test_the_rear_input_is_allowed(make):
    scales = [(a, b.replace("20 mV/V", "100 mV/V")) for a, b in SCALES]
    assert make(scales=scales).gains().command == pytest.approx(0.1)


# --- hands ------------------------------------------------------------------------------------------------------


def test_the_person_is_told_where_to_turn_the_knob_and_the_telegraph_is_awaited(make, panel):
    hands = Turner(panel, after=40)
    amplifier = make(turned_by=hands)
    amplifier.set_mode(ClampMode.ZERO)
    amplifier.set_mode(ClampMode.CURRENT)
    assert hands.heard == [
        "Axopatch 200B: turn the mode knob to I = 0",
        "Axopatch 200B: turn the mode knob to I-CLAMP NORMAL",
    ]
    assert 0.5 < amplifier._clock.now() < 10


def test_the_fast_current_clamp_is_asked_for_if_the_rig_file_says_so(make, hands):
    amplifier = make({**ALL, "current_clamp": "fast"})
    amplifier.set_mode(ClampMode.CURRENT)
    assert hands.heard == ["Axopatch 200B: turn the mode knob to I-CLAMP FAST"]


def test_one_gain_knob_serves_two_scales_and_is_asked_for_in_i0(make, hands):
    scales = [SCALES[0], (SCALES[1][0], SCALES[1][1].replace("1 mV/mV", "10 mV/mV", 1))]
    amplifier = make(scales=scales)
    for mode in (ClampMode.ZERO, ClampMode.CURRENT, ClampMode.ZERO, ClampMode.VOLTAGE):
        amplifier.set_mode(mode)
    assert [text.removeprefix("Axopatch 200B: ") for text in hands.heard] == [
        "turn the mode knob to I = 0",
        "set the output gain to 10 mV/mV",
        "turn the mode knob to I-CLAMP NORMAL",
        "turn the mode knob to I = 0",
        "set the output gain to 1 mV/pA",
        "turn the mode knob to V-CLAMP",
    ]


def test_i0_is_not_left_until_the_gain_is_the_declared_one(make, panel):
    class OnlyTheMode(Turner):
        def tell(self, text):
            if "mode knob" in text:
                super().tell(text)

    amplifier = make(turned_by=OnlyTheMode(panel))
    amplifier.set_mode(ClampMode.ZERO)
    panel.turn("gain", 4.0)
    with pytest.raises(HardwareError, match="set the output gain to 1 mV/mV; after 30 s the telegraph says: 10"):
        amplifier.set_mode(ClampMode.CURRENT)
    assert amplifier.mode() is ClampMode.ZERO


def test_a_declared_scale_that_no_position_has_is_refused(make):
    scales = [SCALES[0], (SCALES[1][0], SCALES[1][1].replace("1 mV/mV", "50.5 mV/mV", 1))]
    with pytest.raises(HardwareError, match=r"declares 50\.5 mV/mV in current clamp, which no position of its knob is"):
        make(scales=scales).set_mode(ClampMode.CURRENT)


def test_a_knob_that_is_there_already_needs_no_hands(make, hands):
    make().set_mode(ClampMode.VOLTAGE)
    assert hands.heard == []


def test_a_knob_that_is_not_turned_in_time_is_a_mismatch(make):
    amplifier = make({**ALL, "turn_within": "45 s"}, turned_by=Idle())
    with pytest.raises(ModeMismatch, match="turn the mode knob to I = 0; after 45 s the telegraph says: voltage clamp"):
        amplifier.set_mode(ClampMode.ZERO)
    assert 45 <= amplifier._clock.now() < 45.2


def test_a_knob_on_its_way_is_waited_for(make, panel):
    class Slow(Turner):
        def tell(self, text):
            self.heard.append(text)
            for after, volts in ((10, 5.2), (20, 4.0), (30, 3.5), (60, 3.0)):
                panel.turn("mode", volts, after=after)

    amplifier = make(turned_by=Slow(panel))
    amplifier.set_mode(ClampMode.ZERO)
    assert amplifier.mode() is ClampMode.ZERO


def test_the_filter_is_set_by_hand_and_telegraphed(make, hands):
    amplifier = make()
    amplifier.set_low_pass(5e3)
    assert amplifier.state().low_pass == 5e3
    assert hands.heard == ["Axopatch 200B: set the output filter to 5 kHz"]
    with pytest.raises(HardwareError, match="has 1, 2, 5, 10, 100 kHz, not 4; write one of them"):
        amplifier.set_low_pass(4e3)


def test_a_filter_written_in_the_rig_file_is_asked_for_only_if_it_is_to_be_another(make, hands):
    amplifier = make({"low_pass": "5 kHz"})
    amplifier.set_low_pass(5e3)
    assert hands.heard == []
    amplifier.set_low_pass(2e3)
    assert hands.heard == ["Axopatch 200B: set the output filter to 2 kHz"]
    assert amplifier.state().low_pass == 2e3


def test_a_filter_that_is_not_set_in_time_is_named(make):
    with pytest.raises(HardwareError, match=r"set the output filter to 5 kHz; after 30 s the telegraph says: 2 kHz"):
        make(turned_by=Idle()).set_low_pass(5e3)


def test_the_bridge_is_dialled_by_hand_and_confirmed(make, hands):
    with make() as amplifier:
        amplifier.set_mode(ClampMode.CURRENT)
        assert amplifier.state().bridge_balance is None
        amplifier.set_bridge(12e6)
        assert amplifier.state().bridge_balance == 12e6
    assert hands.heard[-1] == "Axopatch 200B: set the bridge balance to 12.0 MOhm by hand"


def test_a_bridge_that_nobody_confirms_is_not_reported(make, panel):
    panel.turn("mode", 2.0)
    amplifier = make(turned_by=Nobody())
    with pytest.raises(HardwareError, match=r"nobody confirmed a bridge balance of 12\.0 MOhm"):
        amplifier.set_bridge(12e6)
    assert amplifier.state().bridge_balance is None


def test_an_automatic_bridge_is_balanced_by_hand_and_no_value_is_invented(make, hands, panel):
    panel.turn("mode", 2.0)
    amplifier = make()
    amplifier.set_bridge(12e6)
    assert math.isnan(amplifier.auto_bridge())
    assert hands.heard[-1] == "Axopatch 200B: balance the bridge by hand"
    assert amplifier.state().bridge_balance is None


def test_a_bridge_that_nobody_balances_ends_the_run_with_what_to_write(make, panel):
    panel.turn("mode", 2.0)
    with pytest.raises(HardwareError, match="without a person write 'bridge: keep'"):
        make(turned_by=Nobody()).auto_bridge()


def test_a_model_without_i0_says_so(panel):
    older = Panel(telegraphs_of("axopatch_200"), **START)
    amplifier = axopatch(Bench(rig({"model": "axopatch_200", "low_pass": "5 kHz"}), older, Turner(older)))
    with pytest.raises(HardwareError, match="no position of its mode knob is known for zero current"):
        amplifier.set_mode(ClampMode.ZERO)


# --- wiring -----------------------------------------------------------------------------------------------------


def test_a_telegraph_without_an_input_is_refused(make):
    with pytest.raises(
        HardwareError, match=r"gain telegraph is to be read by 'gian'.*did you mean 'gain'.*'gain: none'"
    ):
        make({"gain": "gian"})


def test_an_input_that_does_not_reach_as_far_as_the_telegraph_is_refused(make):
    inputs = {"gain": {"pin": "ai2", "range": "5 V"}, "mode": {"pin": "ai3"}}
    with pytest.raises(
        HardwareError, match=r"gain telegraph goes to 6\.5 V, and 'gain' reads 5 V; give it 'range: 10 V'"
    ):
        make({}, telegraphs=inputs)


def test_a_filter_that_is_neither_wired_nor_written_is_asked_for(make):
    with pytest.raises(HardwareError, match="write it as option 'low_pass', or wire and name 'frequency'"):
        make({}).state()


def test_a_card_that_reads_no_single_voltages_is_named():
    context = Context(rig_with(changes=SCALES), DemandClock(), 1)
    with pytest.raises(HardwareError, match="'simulated' reads no single voltages"):
        context.read_volts()


# --- other amplifiers -------------------------------------------------------------------------------------------


def test_other_amplifiers_need_their_model(make):
    with pytest.raises(HardwareError, match=r"write option 'model', one of axopatch_200b.*warner_oc_725c"):
        make({}, made=telegraphed)


def test_a_mode_nobody_confirms_is_a_mismatch_on_opening(make):
    amplifier = make({"model": "axopatch_1d", "low_pass": "5 kHz"}, made=telegraphed, turned_by=Nobody())
    with pytest.raises(ModeMismatch, match="nobody confirmed that it is in voltage clamp"), amplifier:
        pytest.fail("it was opened")
    with pytest.raises(HardwareError, match="nobody has said it yet"):
        amplifier.mode()


def test_an_epc_800_has_its_gain_telegraphed_and_its_mode_confirmed(make, panel, hands):
    panel.turn("gain", 3.0)
    with make({"model": "epc_800", "low_pass": "3 kHz"}, made=telegraphed) as amplifier:
        assert amplifier.gains().inputs["primary"] == ("A", pytest.approx(1 / (100 * 0.005e9)))
    assert hands.heard == ["HEKA EPC-800: set it to voltage clamp"]


def test_a_pulled_cable_that_looks_like_a_gain_is_seen_by_the_declared_one_and_doubted(make, panel):
    panel.turn("gain", 3.0)
    with make({"model": "epc_800", "low_pass": "3 kHz"}, made=telegraphed) as amplifier:
        declared = amplifier.gains()
        assert amplifier.doubts() == []
        panel.turn("gain", 0.004)
        assert "the scale of 'primary' in voltage clamp is" in differences(amplifier.gains(), declared)
        assert amplifier.doubts() == [
            "the gain telegraph ('gain') reads 0.00 V, as it would unplugged: is the cable plugged in?"
        ]


def test_a_pulled_cable_that_looks_like_a_mode_is_doubted(make, panel):
    panel.turn("mode", 0.0)
    amplifier = make({"model": "am_2400", "low_pass": "3 kHz"}, made=telegraphed)
    assert amplifier.mode() is ClampMode.VOLTAGE
    assert "mode telegraph ('mode') reads 0.00 V" in amplifier.doubts()[0]


def test_a_pulled_cable_that_means_nothing_needs_no_doubt(make, panel):
    panel.turn("gain", 0.0)
    assert make().doubts() == []


def test_a_scale_that_depends_on_the_headstage_comes_from_the_rig_file(make, panel):
    options = {"model": "dagan_3900a", "low_pass": "3 kHz"}
    panel.turn("gain", 1.62)
    with make(options, made=telegraphed) as amplifier, pytest.raises(HardwareError, match="option 'current_at_one'"):
        amplifier.gains()
    with make({**options, "current_at_one": "1 mV/pA"}, made=telegraphed) as amplifier:
        assert amplifier.gains().inputs["primary"] == ("A", pytest.approx(1e-10))


def test_a_mode_threshold_serves_as_telegraph(make, panel):
    panel.turn("mode", 3.0)
    amplifier = make({"model": "am_2400", "low_pass": "3 kHz"}, made=telegraphed)
    assert amplifier.mode() is ClampMode.CURRENT
    assert isinstance(amplifier, TelegraphedAmplifier)


def test_options_have_the_channels_names_as_defaults():
    options = TelegraphedOptions()
    assert (options.gain, options.mode, options.frequency, options.beta) == ("gain", "mode", None, 1)
    assert set(scales_of(rig().amplifier)) == set(ClampMode)
