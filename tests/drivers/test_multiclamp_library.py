"""The binding of the control library, against a library on disk with the same exports."""

import re
import shutil
import threading

import pytest

from drivers.multiclamp.library import PATIENCE, Commander, CommanderError, Headstage, load
from drivers.multiclamp.table import CALLS, CHOICES, DOUBLES, MODES, SWITCHES, Code, Hardware
from drivers.simulated.multiclamp.commander import FakeCommander
from drivers.simulated.multiclamp.exports import source
from drivers.simulated.multiclamp.settings import OwnStore
from protocols.errors import HardwareError
from protocols.sweeps import ClampMode

FIRST, SECOND = (Headstage(Hardware.MC700B, "Demo", 0, 0, channel) for channel in (1, 2))
OLD = Headstage(Hardware.MC700A, "", 3, 1, 2)


@pytest.fixture
def fake():
    return FakeCommander()


@pytest.fixture
def exports(fake):
    made = fake.library()
    yield made
    made.close()


@pytest.fixture
def commander(exports):
    made = Commander(load(str(exports.path)))
    yield made
    made.close()


def test_the_table_has_all_117_calls():
    assert len(CALLS) == 117
    assert len(DOUBLES) == 29
    assert len(SWITCHES) == 14
    assert len(re.findall(r"MCCMSG_\w+", source())) == 117


def test_headstages_are_found_to_the_end_of_the_list(commander):
    assert commander.find() == (FIRST, SECOND)
    assert commander.find() == (FIRST, SECOND)


def test_a_commander_without_headstages_shows_none(fake, commander):
    fake.headstages.clear()
    assert commander.find() == ()


def test_an_amplifier_that_is_gone_is_a_code_and_no_exception_on_the_screen(fake, commander, monkeypatch, capfd):
    def gone():
        raise HardwareError("link", "the served board has gone")

    monkeypatch.setattr(fake.headstages[FIRST], "mode", gone)
    with pytest.raises(CommanderError) as caught:
        commander.get(FIRST, "Mode")
    assert caught.value.code == Code.NOT_OPEN
    assert "Exception ignored" not in capfd.readouterr().err


@pytest.mark.parametrize("name", [*DOUBLES, *SWITCHES])
def test_every_setting_comes_back_as_set(fake, commander, name):
    value = 1.25e-12 if name in DOUBLES else 1
    for mode in (ClampMode.VOLTAGE, ClampMode.CURRENT):
        commander.set(FIRST, "Mode", MODES[mode])
        try:
            commander.set(FIRST, name, value)
        except CommanderError as error:
            assert error.code == Code.COMMAND_FAILED  # noqa: PT017  it exists in the other mode only
            continue
        assert commander.get(FIRST, name) == value
        return
    pytest.fail(f"{name} exists in no mode")


def test_settings_belong_to_a_headstage_and_a_mode(commander):
    commander.set(FIRST, "Holding", -0.07)
    commander.set(SECOND, "Holding", -0.06)
    commander.set(FIRST, "Mode", MODES[ClampMode.CURRENT])
    assert commander.get(FIRST, "Holding") == 0
    commander.set(FIRST, "Mode", MODES[ClampMode.VOLTAGE])
    assert commander.get(FIRST, "Holding") == -0.07
    assert commander.get(SECOND, "Holding") == -0.06


def test_each_call_selects_its_headstage_again(fake, commander):
    fake.calls.clear()
    for headstage in (FIRST, SECOND, FIRST):
        commander.get(headstage, "Mode")
    assert fake.calls == ["SelectMultiClamp", "GetMode"] * 3


def test_two_threads_with_two_headstages_do_not_disturb_each_other(commander):
    wrong = []

    def turn(headstage, value):
        for _ in range(200):
            commander.set(headstage, "Holding", value)
            if commander.get(headstage, "Holding") != value:
                wrong.append(headstage)

    threads = [threading.Thread(target=turn, args=pair) for pair in ((FIRST, -0.07), (SECOND, -0.06))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not wrong


def test_handles_are_wider_than_32_bits(fake, commander):
    assert commander.find()
    assert min(fake._connections) > 1 << 32


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        (Code.OUT_OF_MEMORY, "restart MultiClamp Commander"),
        (Code.NOT_OPEN, "start it, as the same user and with the same rights.*demo mode"),
        (Code.BAD_HANDLE, "connection .* is closed"),
        (Code.BAD_PARAMETER, "no such value in its present mode"),
        (Code.TIMEOUT, "did not answer in time; close any window"),
        (Code.COMMAND_FAILED, "switched on and connected"),
    ],
)
def test_every_code_says_what_to_do_and_is_kept(fake, commander, code, cure):
    fake.fail(code, call="SetHolding")
    with pytest.raises(CommanderError, match=cure) as caught:
        commander.set(FIRST, "Holding", 0.0)
    assert (caught.value.code, caught.value.call) == (code, "SetHolding")
    assert str(int(code)) in str(caught.value)
    commander.set(FIRST, "Holding", 0.0)


def test_the_nth_call_fails_and_no_other(fake, commander):
    fake.fail(Code.TIMEOUT, call="GetMode", nth=3)
    outcomes = []
    for _ in range(4):
        try:
            commander.get(FIRST, "Mode")
            outcomes.append("ok")
        except CommanderError as error:
            outcomes.append(error.code)
    assert outcomes == ["ok", "ok", Code.TIMEOUT, "ok"]


def test_a_signal_of_another_mode_is_refused(commander):
    with pytest.raises(CommanderError, match="no such value in its present mode"):
        commander.set(FIRST, "PrimarySignal", 7)


def test_an_automatic_procedure_of_four_seconds_ends_well(fake, commander):
    commander.act(FIRST, "AutoFastComp")
    assert commander.get(FIRST, "FastCompCap") == 5e-12
    assert [c.patience for c in fake._connections.values()] == [PATIENCE]


def test_after_a_procedure_that_failed_calls_wait_no_longer_than_before(fake, commander):
    fake.fail(Code.COMMAND_FAILED, call="AutoFastComp")
    with pytest.raises(CommanderError, match="switched on"):
        commander.act(FIRST, "AutoFastComp")
    assert [c.patience for c in fake._connections.values()] == [PATIENCE]


def test_a_commander_that_is_not_running_is_named(fake, commander):
    fake.is_running = False
    for call in (commander.find, lambda: commander.get(FIRST, "Mode")):
        with pytest.raises(CommanderError, match="start it") as caught:
            call()
        assert caught.value.code == Code.NOT_OPEN


def test_a_closed_connection_is_named_and_closing_twice_does_no_harm(commander):
    commander.close()
    commander.close()
    with pytest.raises(CommanderError, match="is closed"):
        commander.get(FIRST, "Mode")


def test_a_library_that_is_not_there_is_named_with_where_it_comes_from():
    with pytest.raises(HardwareError, match=r"nowhere\.dll.*3rd Party Support.*'library'"):
        load("nowhere.dll")


def test_a_library_without_the_calls_is_refused(tmp_path):
    import _ctypes  # any library on disk that is not the right one

    other = tmp_path / "other.so"
    shutil.copy(_ctypes.__file__, other)
    with pytest.raises(HardwareError, match="does not load"):
        load(str(other))


def test_a_700a_is_identified_by_port_and_device(fake, commander):
    fake.headstages = {OLD: OwnStore(Hardware.MC700A)}
    assert commander.find() == (OLD,)
    commander.set(OLD, "Mode", MODES[ClampMode.ZERO])
    assert commander.get(OLD, "Mode") == MODES[ClampMode.ZERO]
    assert str(OLD) == "700A on COM3, device 1, channel 2"


def test_choices_are_numbers(commander):
    assert {name: commander.get(FIRST, name) for name in CHOICES} == {
        "Mode": 0,
        "PrimarySignal": 0,
        "SecondarySignal": 1,
    }
