"""What a guardian knows and decides, without any process; and the rest state it leads to."""

import os
import queue

import pytest

from acquisition.guardian import claim
from acquisition.guardian import watch as watching
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
    stuck = Record("hung", False, ("valves: stuck",), 600.0)
    assert "NOT AT REST: valves: stuck" in stuck.words()
    assert stuck.words().startswith("the run hung and was ended; ")
    assert "while it waited" not in Record("left", True, (), 0.1, "its session to be sealed").words()


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


def with_card(device, **options):
    wired = rig_from_text(RIG.read_text(encoding="utf-8"), "rig.yaml")
    return wired.model_copy(update={"daq": wired.daq.model_copy(update={"device": device, "options": options})})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (with_card("Dev1"), with_card("dev1"), True),
        (with_card("Dev1"), with_card("Dev2"), False),
        (with_card("Dev1", grpc="localhost:31763"), with_card("DEV1", grpc="127.0.0.1:31763"), True),
        (with_card("Dev1", grpc="[::1]:31763"), with_card("Dev1", grpc="LOCALHOST:31763"), True),
        (with_card("Dev1", grpc="localhost:31763"), with_card("Dev1", grpc="localhost:31764"), False),
        (with_card("Dev1", grpc="192.0.2.1:31763"), with_card("Dev1", grpc="192.0.2.2:31763"), False),
        (with_card("Dev1", library="a.so"), with_card("Dev1", library="b.so"), False),
    ],
)
def test_a_card_is_one_however_it_is_written(one, other, same):
    assert (claim.card_of(one) == claim.card_of(other)) is same


def test_a_claim_says_whether_its_run_lives(tmp_path, monkeypatch):
    monkeypatch.setattr(claim, "PATIENCE", 0.0)
    wired = rig_from_text(RIG.read_text(encoding="utf-8"), "rig.yaml")
    assert claim.owner_of(wired, tmp_path) is None
    with claim.claimed(wired, 4711, tmp_path) as ours:
        assert claim.owner_of(wired, tmp_path).over == ""
        ours.run_is_over()
        assert claim.owner_of(wired, tmp_path).guardian == os.getpid()
        with pytest.raises(Refused, match=rf"guardian \(process {os.getpid()}\) has been trying .* patchrig safe"):
            claim.claimed(wired, 1, tmp_path).__enter__()
    assert claim.owner_of(wired, tmp_path) is None


@pytest.mark.parametrize(
    ("heard", "ended", "why"),
    [
        ([None], [], "killed"),
        ([RELEASE, None], [], "released"),
        ([], [4711], "hangs"),
    ],
)
def test_a_run_that_hangs_is_ended_as_long_as_its_lease_stands(monkeypatch, heard, ended, why):
    monkeypatch.setattr(watching, "DEATH", 0.0)
    killed, said = [], queue.Queue()
    monkeypatch.setattr(watching, "end_process", killed.append)
    for message in heard:
        said.put(message)
    assert watching._end(4711, said, Known()) == why
    assert killed == ended


def test_a_run_that_dies_of_being_ended_was_hung(monkeypatch):
    said = queue.Queue()
    monkeypatch.setattr(watching, "end_process", lambda pid: said.put(None))  # the system closes the lease
    assert watching._end(4711, said, Known()) == "hung"


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
        assert failures == {"amplifier": "amplifier: off"}
        assert opened == ["perfusion"]


def test_a_driver_that_breaks_in_an_unforeseen_way_does_not_end_the_guardian(wired, monkeypatch):
    from acquisition.guardian import watch as module

    def broken(rig, clock, **_):
        return {}["nothing"]

    monkeypatch.setattr(module, "devices_as_far_as_possible", broken)
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
