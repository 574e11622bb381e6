"""A MultiClamp as an amplifier, through the control library's binding and telegraph records."""

from dataclasses import replace

import pytest

from config.amplifiers import MultiClampOptions
from config.loading import load_rig, rig_from_text
from drivers.build import Context
from drivers.clock import DemandClock
from drivers.contract import AmplifierContract
from drivers.multiclamp.amplifier import MultiClamp
from drivers.multiclamp.amplifier import amplifier as factory
from drivers.multiclamp.discovery import NOT_HERE, headstages, look
from drivers.multiclamp.library import Commander, CommanderError, Headstage, load
from drivers.multiclamp.table import MODES, Code, Hardware
from drivers.scales import differences, scales_of
from drivers.simulated.multiclamp.commander import FakeCommander, FakeTelegraph
from drivers.simulated.multiclamp.settings import AUTO_BRIDGE, BASE, OwnStore
from protocols.errors import HardwareError, InvalidFile, ModeMismatch
from protocols.sweeps import ClampMode
from tests.drivers.rehearsal import RIG_FILE, rig_with

WIRING = [
    ("primary: 1 V/nA, secondary: 10 mV/mV", "primary: 0.5 V/nA, secondary: 10 mV/mV"),
    ("primary: 50 mV/mV, secondary: 1 V/nA", "primary: 10 mV/mV, secondary: 0.5 V/nA"),
]
"""A MultiClamp at gain 1."""
RIGS = RIG_FILE.parent
OWN = Headstage(Hardware.MC700B, "Demo", 0, 0, 1)
SERIAL = Headstage(Hardware.MC700B, "00834001", 0, 0, 1)
OLD = Headstage(Hardware.MC700A, "", 3, 1, 1)


@pytest.fixture
def fake():
    return FakeCommander()


@pytest.fixture
def clock():
    return DemandClock()


@pytest.fixture
def make(fake, clock):
    exports = fake.library()

    def amplifier(**options):
        entry = rig_with(changes=WIRING).amplifier
        return MultiClamp(
            lambda: Commander(load(str(exports.path))),
            FakeTelegraph(fake),
            scales_of(entry),
            clock=clock,
            channel=entry.channel,
            options=MultiClampOptions(**options),
            settle=float(entry.settle),
        )

    yield amplifier
    exports.close()


@pytest.fixture
def amplifier(make):
    with make() as opened:
        yield opened


class TestContract(AmplifierContract):
    @pytest.fixture
    def amplifier(self, amplifier):
        return amplifier


class TestContractOfA700A(AmplifierContract):
    @pytest.fixture
    def amplifier(self, fake, make):
        fake.headstages = {OLD: OwnStore(Hardware.MC700A)}
        with make(com=3, device=1) as opened:
            yield opened


# --- modes ------------------------------------------------------------------------------------------------------


def test_a_switch_waits_until_the_telegraph_confirms_it(fake, clock, amplifier):
    fake.late = 15
    amplifier.set_mode(ClampMode.ZERO)
    assert amplifier.mode() is ClampMode.ZERO
    assert clock.now() == pytest.approx(15 * 0.02)


def test_a_switch_that_is_not_confirmed_in_time_is_a_mismatch(fake, clock, amplifier):
    fake.late = 10_000
    with pytest.raises(ModeMismatch, match="asked for zero current, but the telegraph still says voltage clamp"):
        amplifier.set_mode(ClampMode.ZERO)
    assert clock.now() == pytest.approx(2.0, abs=0.03)


@pytest.mark.parametrize("mode", [ClampMode.VOLTAGE, ClampMode.CURRENT])
def test_i0_is_not_left_while_the_external_command_is_off(fake, amplifier, mode):
    amplifier.set_mode(ClampMode.ZERO)
    fake.headstages[OWN].base[mode] = replace(BASE[mode], command=0.0)
    with pytest.raises(HardwareError, match=r"external command is OFF in MultiClamp Commander.*Options > Gains"):
        amplifier.set_mode(mode)
    assert fake.headstages[OWN].mode() is ClampMode.ZERO


def test_when_it_does_not_go_back_to_i0_either_both_are_said(fake, amplifier):
    amplifier.set_mode(ClampMode.ZERO)
    fake.headstages[OWN].base[ClampMode.CURRENT] = replace(BASE[ClampMode.CURRENT], command=0.0)
    fake.fail(Code.TIMEOUT, call="SetMode", nth=2)
    with pytest.raises(HardwareError, match=r"command is OFF.*and it did not go to I=0.*did not answer in time"):
        amplifier.set_mode(ClampMode.CURRENT)


def test_the_card_alone_commands_after_a_switch(fake, amplifier, caplog):
    kept = fake.headstages[OWN].kept
    for name in ("HoldingEnable", "TestSignalEnable", "SlowCurrentInjEnable"):
        kept[ClampMode.CURRENT][name] = 1.0
    kept[ClampMode.VOLTAGE]["HoldingEnable"] = 1.0
    for mode in (ClampMode.ZERO, ClampMode.CURRENT, ClampMode.ZERO, ClampMode.VOLTAGE):
        amplifier.set_mode(mode)
    assert not any(kept[ClampMode.CURRENT][n] for n in ("HoldingEnable", "TestSignalEnable", "SlowCurrentInjEnable"))
    assert not kept[ClampMode.VOLTAGE]["HoldingEnable"]
    assert "HoldingEnable was on in MultiClamp Commander in voltage clamp" in caplog.text


def test_a_switch_puts_the_membranes_signals_on_both_outputs(fake, amplifier):
    fake.headstages[OWN].kept[ClampMode.CURRENT] |= {"PrimarySignal": 9.0, "SecondarySignal": 12.0}
    amplifier.set_mode(ClampMode.ZERO)
    amplifier.set_mode(ClampMode.CURRENT)
    chosen = fake.headstages[OWN].kept[ClampMode.CURRENT]
    assert (chosen["PrimarySignal"], chosen["SecondarySignal"]) == (7, 8)


def test_signals_stay_as_they_are_when_the_rig_file_says_so(fake, make):
    fake.headstages[OWN].kept[ClampMode.ZERO] |= {"SecondarySignal": 12.0}
    with make(choose_signals=False) as amplifier:
        amplifier.set_mode(ClampMode.ZERO)
    assert fake.headstages[OWN].kept[ClampMode.ZERO]["SecondarySignal"] == 12


def test_a_mode_turned_in_the_commander_is_seen(fake, amplifier):
    fake.headstages[OWN].switch(ClampMode.CURRENT)
    assert amplifier.mode() is ClampMode.CURRENT


@pytest.mark.parametrize("code", [c for c in Code if c != Code.OK])
def test_a_switch_that_the_library_refuses_rises_and_leaves_the_mode(fake, amplifier, code):
    fake.fail(code, call="SetMode")
    with pytest.raises(CommanderError) as caught:
        amplifier.set_mode(ClampMode.ZERO)
    assert caught.value.code == code
    assert amplifier.mode() is ClampMode.VOLTAGE


# --- gains and settings -----------------------------------------------------------------------------------------


def test_scale_factors_come_from_the_telegraph_and_follow_the_gain(amplifier):
    amplifier.set_gain(5)
    gains = amplifier.gains()
    assert gains.command == 0.02
    assert gains.inputs["primary"] == ("A", pytest.approx(1 / 2.5e9))
    words = "the scale of 'primary' in voltage clamp is 2.5 V/nA, rig file says 0.5 V/nA"
    assert words in differences(gains, amplifier.gains_in(ClampMode.VOLTAGE))


def test_gains_belong_to_the_mode(amplifier):
    amplifier.set_gain(20)
    amplifier.set_mode(ClampMode.ZERO)
    assert not differences(amplifier.gains(), amplifier.gains_in(ClampMode.ZERO))


def test_a_silent_telegraph_rises(fake, amplifier):
    fake.silent = True
    for read in (amplifier.mode, amplifier.gains, amplifier.state):
        with pytest.raises(HardwareError, match="no telegraph"):
            read()


def test_the_bridge_is_balanced_by_the_amplifier_within_its_longer_patience(amplifier):
    amplifier.set_mode(ClampMode.ZERO)
    amplifier.set_mode(ClampMode.CURRENT)
    assert amplifier.auto_bridge() == AUTO_BRIDGE
    amplifier.set_bridge(0.0)
    assert amplifier.state().bridge_balance == 0.0


def test_capacitance_is_neutralised_in_current_clamp(amplifier):
    with pytest.raises(HardwareError, match="belongs to current clamp"):
        amplifier.set_neutralization(3e-12)
    amplifier.set_mode(ClampMode.ZERO)
    amplifier.set_mode(ClampMode.CURRENT)
    amplifier.set_neutralization(3e-12)
    assert amplifier.state().capacitance_compensation == 3e-12
    amplifier.set_neutralization(0.0)
    assert amplifier.state().capacitance_compensation == 0.0


def test_compensations_of_voltage_clamp(fake, amplifier):
    assert amplifier.auto_fast_capacitance() == 5e-12
    amplifier.set_whole_cell(33e-12, 12e6)
    fake.headstages[OWN].kept[ClampMode.VOLTAGE] |= {"RsCompEnable": 1.0, "RsCompCorrection": 70.0}
    state = amplifier.state()
    assert (state.whole_cell_capacitance, state.whole_cell_series_resistance) == (33e-12, 12e6)
    assert (state.resistance_correction, state.resistance_prediction) == (0.7, 0.0)
    assert state.capacitance_compensation == 5e-12
    assert amplifier.auto_whole_cell() == (33e-12, 12e6)
    amplifier.set_whole_cell(0.0, 0.0)
    assert amplifier.state().whole_cell_capacitance is None
    assert amplifier.auto_offset() == 0.0


def test_compensations_of_voltage_clamp_are_refused_elsewhere(amplifier):
    amplifier.set_mode(ClampMode.ZERO)
    for act in (amplifier.auto_fast_capacitance, amplifier.auto_whole_cell, lambda: amplifier.set_whole_cell(1e-12, 1)):
        with pytest.raises(HardwareError, match="belongs to voltage clamp"):
            act()


# --- which headstage --------------------------------------------------------------------------------------------


def test_the_rig_files_serial_and_channel_choose_the_headstage(fake, make):
    fake.headstages |= {SERIAL: OwnStore(present=ClampMode.CURRENT)}
    with make(serial="834001") as amplifier:
        assert amplifier.mode() is ClampMode.CURRENT


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"serial": "111"}, "no headstage fits.*shows: 700B serial Demo, channel 1; 700B serial Demo, channel 2"),
        ({"com": 3}, "no headstage fits"),
    ],
)
def test_a_headstage_that_is_not_there_is_named_with_those_that_are(make, options, words):
    with pytest.raises(HardwareError, match=words), make(**options):
        pytest.fail("it was opened")


def test_two_headstages_that_fit_are_refused(fake, make):
    fake.headstages |= {SERIAL: OwnStore()}
    with pytest.raises(HardwareError, match="more than one headstage fits"), make():
        pytest.fail("it was opened")


def test_without_a_running_commander_nothing_is_opened_or_left_open(fake, make):
    fake.is_running = False
    with pytest.raises(CommanderError, match="start it"), make():
        pytest.fail("it was opened")
    assert fake.calls[-1] == "DestroyObject"


def test_a_closed_amplifier_says_so(make):
    amplifier = make()
    with amplifier:
        amplifier.mode()
    with pytest.raises(HardwareError, match="is not open"):
        amplifier.mode()


def test_modes_are_numbered_as_the_library_numbers_them():
    assert [MODES[m] for m in (ClampMode.VOLTAGE, ClampMode.CURRENT, ClampMode.ZERO)] == [0, 1, 2]


# --- looking around ---------------------------------------------------------------------------------------------


@pytest.fixture
def connect(fake):
    exports = fake.library()
    yield lambda: Commander(load(str(exports.path)))
    exports.close()


def test_headstages_are_listed_with_scales_as_a_rig_file_has_them(fake, connect):
    fake.headstages[OWN].set("PrimarySignalGain", 2.0)
    second = list(fake.headstages)[1]
    fake.headstages[second].switch(ClampMode.CURRENT)
    assert look(connect, FakeTelegraph(fake)) == [
        (str(OWN), "voltage clamp: {command: 20 mV/V, primary: 1 V/nA, secondary: 10 mV/mV}"),
        (str(second), "current clamp: {command: 400 pA/V, primary: 10 mV/mV, secondary: 0.5 V/nA}"),
    ]


def test_what_cannot_be_looked_at_is_said_in_its_line(fake, connect):
    fake.silent = True
    assert all("no telegraph" in text for _, text in look(connect, FakeTelegraph(fake)))
    fake.is_running = False
    assert look(connect, FakeTelegraph(fake))[0][1].startswith("MultiClamp: MultiClamp Commander does not answer")
    fake.is_running = True
    fake.headstages.clear()
    assert "shows no headstage" in look(connect, FakeTelegraph(fake))[0][1]


@pytest.mark.skipif("sys.platform == 'win32'", reason="there a Commander may be running")
def test_elsewhere_than_on_windows_the_reason_is_one_line():
    assert headstages() == [("-", NOT_HERE)]


# --- from a rig file --------------------------------------------------------------------------------------------


def test_the_shipped_rig_file_without_a_commander_says_where_the_library_comes_from(clock):
    rig = load_rig(RIGS / "ni_multiclamp.yaml")
    with pytest.raises(HardwareError, match=r"'AxMultiClampMsg\.dll' does not load.*comes with MultiClamp Commander"):
        factory(Context(rig, clock, 1)).__enter__()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("{libary: x.dll}", "did you mean 'library'"),
        ("{device: 12}", "at most 9"),
        ("{verify_within: 0 s}", "must be more than 0"),
        ("{serial: 834001}", "serial"),
    ],
)
def test_mistakes_in_the_options_are_found_with_their_place(options, words):
    text = (RIGS / "ni_multiclamp.yaml").read_text(encoding="utf-8")
    written = "options: {library: AxMultiClampMsg.dll}"
    assert written in text
    with pytest.raises(InvalidFile, match=words):
        rig_from_text(text.replace(written, f"options: {options}"), "rig.yaml")
