"""The ValveLink, over a real serial line and a real socket: it never answers, so its event marker does."""

import pytest

from config.rig import PerfusionEntry
from config.visa import ValveLinkOptions
from drivers.contract import PerfusionContract
from drivers.simulated.instruments.valvelink import ValveLinkEmulator
from drivers.visa.connection import Connection, InstrumentError
from drivers.visa.valvelink import ValveLink, marker_volts
from protocols.errors import HardwareError
from tests.drivers.visa_kit import QUICK, WIRES, Arrived, Hand

LINES = {"control": {"pin": "1"}, "drug": {"pin": "3"}, "wash": {"pin": "8"}}


@pytest.fixture
def hand():
    return Hand()


@pytest.fixture(params=WIRES)
def wire(request, hand):
    with WIRES[request.param](ValveLinkEmulator(hand.now, address=2)) as wire:
        wire.arrived = Arrived(wire.instrument)
        yield wire


def made(wire, clock, *, lines=LINES, **more):
    entry = PerfusionEntry(driver="valvelink", lines=lines, dead_time="45 s")
    options = ValveLinkOptions(resource=wire.resource, timeout=QUICK, address=2)
    return ValveLink(entry, options, line="control", clock=clock, **more)


@pytest.fixture
def valves(wire, hand):
    with made(wire, hand) as valves:
        yield valves


class TestPerfusion(PerfusionContract):
    @pytest.fixture
    def perfusion(self, valves):
        return valves


def test_the_safe_line_is_opened_first(wire, valves):
    assert wire.arrived.open_valves({1}) == {1}
    assert valves.selected() == "control"


def test_the_line_that_is_selected_is_the_only_one_open(wire, valves):
    for line, valve in (("drug", 3), ("wash", 8), ("control", 1)):
        valves.select(line)
        assert wire.arrived.open_valves({valve}) == {valve}


def test_the_old_line_is_closed_before_the_new_one_opens(wire, valves):
    together = []
    wire.instrument._changed = together.append
    valves.select("drug")
    wire.arrived.open_valves({3})
    assert together[-2:] == [frozenset(), frozenset({3})]


def test_a_valve_opened_by_hand_on_another_line_is_closed_again(wire, valves):
    wire.arrived.open_valves({1})
    wire.instrument.open = frozenset({1, 8})
    valves.select("control")
    assert wire.arrived.open_valves({1}) == {1}


def test_valves_that_are_not_in_the_rig_file_are_left_alone(wire, valves):
    wire.arrived.open_valves({1})
    wire.instrument.open = frozenset({1, 5})
    valves.select("drug")
    assert wire.arrived.open_valves({3, 5}) == {3, 5}


def test_commands_are_those_of_the_manual(wire, valves):
    valves.select("drug")
    wire.arrived.heard(12)  # six of them when it was opened
    assert wire.instrument.heard[-6:] == ["AT2V-1", "AT2V-1", "AT2V-8", "AT2V-8", "AT2V+3", "AT2V+3"]


def test_closing_leaves_the_valves_as_they_are(wire, hand):
    with made(wire, hand) as valves:
        valves.select("drug")
        wire.arrived.open_valves({3})
    assert wire.instrument.open == {3}


@pytest.fixture
def marker(wire, monkeypatch):
    """Return the reading of the event marker once the controller has heard all that was sent."""
    sent, tell = [], Connection.tell

    def counted(connection, command):
        sent.append(command)
        tell(connection, command)

    monkeypatch.setattr(Connection, "tell", counted)

    def read():
        wire.arrived.heard(len(sent))
        return wire.instrument.marker()

    return read


def test_the_event_marker_confirms_an_opening(wire, hand, marker):
    with made(wire, hand, lines={"control": {"pin": "1"}}, read_volts=marker) as valves:
        assert valves.selected() == "control"
    assert wire.instrument.heard == ["AT2V+1"]


def test_a_line_that_is_open_already_is_closed_and_opened_to_be_confirmed(wire, hand, marker):
    with made(wire, hand, lines={"control": {"pin": "1"}}, read_volts=marker) as valves:
        hand.pass_(1)
        valves.select("control")
    assert wire.instrument.heard == ["AT2V+1", "AT2V+1", "AT2V-1", "AT2V+1"]


def test_a_valve_that_is_not_plugged_in_is_found_by_its_missing_marker(wire, hand, marker):
    wire.instrument.plugged_in.discard(1)
    words = r"valve 1 \('control'\) did not open: no event marker of 2.81 V came. Is the valve plugged in"
    with pytest.raises(InstrumentError, match=words) as caught:
        made(wire, hand, read_volts=marker).__enter__()
    assert caught.value.command == "AT2V+1"


@pytest.mark.parametrize("valve", range(1, 9))
def test_the_marker_of_each_valve_is_told_from_its_neighbours(valve):
    emulator = ValveLinkEmulator(lambda: 0.0)
    emulator.receive(b"AT0V+%d\r" % valve)
    assert emulator.marker() == pytest.approx(marker_volts(valve))
    emulator.receive(b"AT0V-%d\r" % valve)
    assert emulator.marker() < 2.2


def test_the_manuals_own_examples_of_the_marker():
    assert marker_volts(7) == pytest.approx(4.67)  # ValveLink 8.2 manual, p. 12
    assert marker_volts(3) == pytest.approx(3.43)
    assert marker_volts(4) == pytest.approx(3.74)


@pytest.mark.parametrize("pin", [None, "port0/line0", "0", "17"])
def test_a_line_without_the_number_of_its_valve_is_refused(wire, hand, pin):
    with pytest.raises(HardwareError, match="'pin' of line 'control' must be the number of its valve"):
        made(wire, hand, lines={"control": {"pin": pin}})


class Loses:
    """A line on which some commands are lost, by their number among those of their kind."""

    def __init__(self, instrument, command, *numbers):
        self._act, self._command, self._numbers, self._count = instrument._act, command, numbers, 0
        instrument._act = self

    def __call__(self, command):
        if command == self._command:
            self._count += 1
            if self._count in self._numbers:
                command = f"lost: {command}"
        self._act(command)


@pytest.mark.parametrize(("command", "number"), [("AT2V-1", 1), ("AT2V-1", 2), ("AT2V+3", 1), ("AT2V+3", 2)])
def test_without_a_marker_a_command_that_is_lost_is_made_good_by_its_twin(wire, valves, command, number):
    wire.arrived.open_valves({1})
    Loses(wire.instrument, command, number)
    valves.select("drug")
    assert wire.arrived.open_valves({3}) == {3}


TWO = {"control": {"pin": "1"}, "drug": {"pin": "3"}}


def test_the_event_marker_confirms_that_the_old_line_closed(wire, hand, marker):
    with made(wire, hand, lines=TWO, read_volts=marker) as valves:
        hand.pass_(1)
        valves.select("drug")
    assert wire.instrument.heard == ["AT2V-3", "AT2V-3", "AT2V+1", "AT2V-1", "AT2V+3"]


def test_a_closing_that_was_lost_is_sent_again(wire, hand, marker):
    with made(wire, hand, lines=TWO, read_volts=marker) as valves:
        hand.pass_(1)
        Loses(wire.instrument, "AT2V-1", 1)
        valves.select("drug")
        assert wire.instrument.open == {3}
    assert wire.instrument.heard[3:] == ["lost: AT2V-1", "AT2V-1", "AT2V+3"]


def test_a_closing_whose_pulse_was_missed_is_repeated_where_it_shows(wire, hand, marker):
    def blind_for_a_while():
        volts = marker()
        return 2.5 if wire.instrument.heard.count("AT2V-1") in (1, 2) else volts

    with made(wire, hand, lines=TWO, read_volts=blind_for_a_while) as valves:
        hand.pass_(1)
        valves.select("drug")
        assert wire.instrument.open == {3}
    assert wire.instrument.heard[3:] == ["AT2V-1", "AT2V-1", "AT2V+1", "AT2V-1", "AT2V+3"]


def test_a_line_that_does_not_close_is_named_and_the_wanted_one_opens_all_the_same(wire, hand, marker):
    with made(wire, hand, lines=TWO, read_volts=marker) as valves:
        hand.pass_(1)
        Loses(wire.instrument, "AT2V-1", *range(1, 9))
        words = r"valve 1 \('control'\) did not close: no event marker of 2.19 V came"
        with pytest.raises(InstrumentError, match=words):
            valves.select("drug")
        assert wire.instrument.open == {1, 3}


def test_a_cable_that_was_out_for_a_moment_is_not_missed(wire, valves):
    wire.arrived.open_valves({1})
    wire.unplug()
    wire.plug()
    for _ in range(20):  # the first writes to a dead socket may go unnoticed
        valves.select("control")
        valves.select("drug")
        if wire.arrived.open_valves({3}, patience=0.2) == {3}:
            return
    pytest.fail("no command arrived any more")


def test_a_cable_that_is_out_is_named(wire, valves):
    wire.unplug()
    with pytest.raises(InstrumentError, match=r"ValveLink: .*cable"):
        _select_again_and_again(valves)


def _select_again_and_again(valves):
    """Select three times: a network takes the first bytes after its end for sent."""
    for _ in range(3):
        valves.select("drug")


class Sticks:
    """A valve that stays open, whatever it is told, until it is let go."""

    def __init__(self, instrument, valve):
        self._instrument, self._command, self._act = instrument, f"AT2V-{valve}", instrument._act
        instrument._act = self

    def __call__(self, command):
        self._act(f"stuck: {command}" if command == self._command else command)

    def let_go(self):
        self._instrument._act = self._act


DID_NOT_CLOSE = r"valve 3 \('drug'\) did not close"


def test_a_valve_that_is_stuck_open_is_told_at_every_try_until_it_is_seen_to_close(wire, hand, marker):
    with made(wire, hand, lines=TWO, read_volts=marker) as valves:
        valves.select("drug")
        stuck = Sticks(wire.instrument, 3)
        for _ in range(3):
            with pytest.raises(InstrumentError, match=DID_NOT_CLOSE):
                valves.select("control")
            assert wire.instrument.open == {1, 3}
        stuck.let_go()
        valves.select("control")
        assert wire.instrument.open == {1}
        assert valves.doubts() == []


def test_another_program_is_told_which_valve_did_not_close_and_makes_it_show(wire, hand, marker):
    with made(wire, hand, lines=LINES, read_volts=marker) as valves:
        valves.select("drug")
        stuck = Sticks(wire.instrument, 3)
        with pytest.raises(InstrumentError, match=DID_NOT_CLOSE) as told:
            valves.select("control")
    others = made(wire, hand, lines=LINES, read_volts=marker)
    others.remind([f"NOT AT REST: {told.value}", "pump: no answer"])
    with pytest.raises(InstrumentError, match=DID_NOT_CLOSE), others:
        pass
    stuck.let_go()
    before = len(wire.instrument.heard)
    with others:
        assert wire.instrument.open == {1}
        assert "AT2V+8" not in wire.instrument.heard[before:], "nobody said anything of this one"
        assert others.doubts() == ["that 'wash' closed was told, not seen: LOOK AT ITS LIGHT"]


def test_without_a_marker_nothing_is_said_to_be_confirmed(valves):
    assert valves.doubts() == ["told twice, and never confirmed: no event marker is wired"]
