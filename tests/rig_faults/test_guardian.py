"""What a guardian knows and decides, without any process; and the rest state it leads to."""

import queue

import pytest

from acquisition.guardian import claim
from acquisition.guardian.lease import Lease
from acquisition.guardian.watch import Known, rest, watch
from acquisition.hands import HandsOf
from acquisition.person import AlwaysYes, Unattended
from acquisition.rest import hold_at_once, opened_as_far_as_possible, put_to_rest
from acquisition.session.guardian_record import Record
from config.loading import rig_from_text
from drivers.build import open_devices
from drivers.clock import DemandClock
from protocols.errors import HardwareError, Refused
from protocols.sweeps import ClampMode
from tests.kit import RIG, Answers

GAINS = {"mode": "current clamp", "command": 4e-10, "inputs": {"primary": ["V", 0.02]}}
RELEASE = {"release": True}


def ending(*messages):
    """Return what a guardian makes of these messages and the end of the lease."""
    said = queue.Queue()
    for message in (*messages, None):
        said.put(message)
    return watch(said, Known())


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ([RELEASE], "released"),
        ([], "killed"),
        ([{"lease": None, "why": "an answer"}], "killed"),
        ([{"gains": GAINS}, {"rested": [], "lease": None}, RELEASE], "released"),
        ([{"gains": GAINS}, {"rested": [], "lease": None}], "killed"),
        ([{"gains": GAINS}, RELEASE], "left"),
        ([{"gains": GAINS}, {"rested": ["valves: stuck"], "lease": None}, RELEASE], "left"),
        ([{"lease": 0.0}], "hung"),
        ([{"ask": True}], "asked"),
    ],
)
def test_what_the_end_of_a_lease_means(messages, why):
    if why in ("hung", "asked"):
        said = queue.Queue()
        said.put(messages[0])
        assert watch(said, Known()) == why
    else:
        assert ending(*messages) == why


def test_a_wait_within_a_wait_ends_in_the_outer_one(monkeypatch, tmp_path):
    lease, said = Lease(RIG, tmp_path / "record.json"), []
    monkeypatch.setattr(lease._voice, "say", said.append)
    with lease.waiting("an answer"):
        with lease.waiting("a device", 30.0):
            lease.beat()
        assert said[-1] == {"lease": None, "why": "an answer"}
        lease.patient("a knob", 60.0)
        assert said[-1]["lease"] is None
        lease.beat()
    assert said[-1] == {"lease": lease._seconds, "why": ""}
    assert len(said) == 5


def test_after_rest_the_run_may_take_its_time(monkeypatch, tmp_path):
    lease, said = Lease(RIG, tmp_path / "record.json"), []
    monkeypatch.setattr(lease._voice, "say", said.append)
    lease.rested([])
    lease.beat()
    assert [m["lease"] for m in said] == [None]


def test_a_record_says_what_happened_and_what_is_left():
    well = Record("killed", True, (), 1.13, "a mode switch", "2026-11-21T10:00:00+00:00")
    assert well.words().endswith("the run was killed while it waited for a mode switch; the guardian had the rig at "
                                 "rest 1.1 s later")  # fmt: skip
    assert "NOT AT REST: valves: stuck" in Record("hung", False, ("valves: stuck",), 600.0).words()


def test_a_rig_is_claimed_once(tmp_path, monkeypatch):
    monkeypatch.setattr(claim, "PATIENCE", 0.0)
    wired = rig_from_text(RIG.read_text(encoding="utf-8"), "rig.yaml")
    with (
        claim.claimed(wired, 4711, tmp_path),
        pytest.raises(Refused, match="run 4711 is on it"),
        claim.claimed(wired, 1, tmp_path),
    ):
        pass
    with claim.claimed(wired, 2, tmp_path):
        pass


# --- the rest state -----------------------------------------------------------------------------------------------


@pytest.fixture
def wired():
    return rig_from_text(RIG.read_text(encoding="utf-8"), "rig.yaml")


@pytest.fixture
def devices(wired):
    with open_devices(wired, DemandClock()) as opened:
        opened.daq.park(-70e-3, opened.amplifier.gains())
        yield opened


def test_at_rest_in_i0_the_command_is_that_of_current_clamp(devices, wired):
    devices.amplifier.set_mode(ClampMode.ZERO)
    assert devices.daq.output_volts() == pytest.approx(-3.5, abs=1e-3)
    assert put_to_rest(devices, wired.safe) == []
    assert devices.daq.output_volts() == pytest.approx(0.0, abs=1e-3)
    assert devices.amplifier.mode() is ClampMode.ZERO


@pytest.mark.parametrize(
    ("wish", "mode", "volts"), [("keep", ClampMode.VOLTAGE, -3.5), ("zero_current", ClampMode.ZERO, 0)]
)
def test_the_rig_file_says_where_the_amplifier_is_left(devices, wired, wish, mode, volts):
    safe = wired.safe.model_copy(update={"amplifier": wish})
    assert put_to_rest(devices, safe) == []
    assert devices.amplifier.mode() is mode
    assert devices.daq.output_volts() == pytest.approx(volts, abs=1e-3)


def test_without_the_last_resort_a_command_that_cannot_be_written_leaves_the_mode(devices, wired):
    def broken(level, gains):
        raise HardwareError("Dev1", "reserved")

    devices.daq._park = broken
    assert put_to_rest(devices, wired.safe, last_resort=False) == ["Dev1: reserved"]
    assert devices.amplifier.mode() is ClampMode.VOLTAGE
    put_to_rest(devices, wired.safe)
    assert devices.amplifier.mode() is ClampMode.ZERO


def test_an_amplifier_that_is_silent_gets_the_level_of_the_mode_it_was_last_in(devices, wired):
    last = devices.amplifier.gains()

    def silent():
        raise HardwareError("amplifier", "off")

    devices.amplifier.gains = devices.amplifier.mode = silent
    devices.daq.park(0.0, last)
    hold_at_once(devices, wired.safe, last)
    assert devices.daq.output_volts() == pytest.approx(-3.5, abs=1e-3)


def test_a_device_that_does_not_open_does_not_keep_the_others_closed(wired):
    devices = open_devices(wired, DemandClock())
    opened = []

    def closed():
        raise HardwareError("amplifier", "off")

    devices.amplifier._open = closed
    devices.perfusion._open = lambda: opened.append("perfusion")
    with opened_as_far_as_possible(devices) as (_, failures):
        assert failures == ["amplifier: off"]
        assert opened == ["perfusion"]


def test_a_driver_that_breaks_in_an_unforeseen_way_does_not_end_the_guardian(wired, monkeypatch):
    from acquisition.guardian import watch as module

    def broken(rig, clock):
        return {}["nothing"]

    monkeypatch.setattr(module, "open_devices", broken)
    told = []
    assert rest(wired, Known(), -1.0, told.append) == ["KeyError: 'nothing'"]


# --- hands --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "is_done"), [(Unattended(), False), (AlwaysYes(), False), (Answers(), False), (Answers("done"), True)]
)
def test_nothing_is_confirmed_but_by_a_person_who_says_so(person, is_done):
    assert HandsOf(person, (), DemandClock()).confirm("set it to I=0") is is_done


def test_what_is_to_be_turned_is_shown_at_once():
    shown = []
    HandsOf(Unattended(), [shown.append], DemandClock()).tell("turn the mode knob to I=0")
    assert shown[0].entry.text == "please turn the mode knob to I=0"
