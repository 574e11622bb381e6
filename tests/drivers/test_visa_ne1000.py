"""The New Era pump, over a real serial line and a real socket, against an emulator with time and alarms."""

import logging
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.visa import PumpOptions
from drivers.contract import PumpContract
from drivers.simulated.instruments.ne1000 import NE1000Emulator, crc16
from drivers.simulated.pump import SimulatedPump
from drivers.visa import newera
from drivers.visa.connection import Garbled, InstrumentError
from drivers.visa.ne1000 import NE1000, UNITS, in_units, number
from protocols.errors import HardwareError
from tests.drivers.visa_kit import QUICK, WIRES, Hand

ML_PER_MIN = 1e-6 / 60


@pytest.fixture
def hand():
    return Hand()


@pytest.fixture(params=WIRES)
def wire(request, hand):
    with WIRES[request.param](NE1000Emulator(hand.now, address=7)) as wire:
        yield wire


def options(wire, **more):
    return PumpOptions(**{"resource": wire.resource, "timeout": QUICK, "address": 7, "diameter": "26.59 mm", **more})


def made(wire, **more):
    return NE1000(options(wire, **more), limit=5 * ML_PER_MIN, rate=2 * ML_PER_MIN)


class TestPump(PumpContract):
    @pytest.fixture(params=[0, 200], ids=["basic", "safe"])
    def pump(self, wire, request):
        with made(wire, watchdog=request.param) as pump:
            yield pump

    @pytest.fixture
    def rate(self):
        return 3 * ML_PER_MIN

    @pytest.fixture
    def wait(self, hand):
        return hand.pass_


class TestSimulatedPump(PumpContract):
    @pytest.fixture
    def pump(self, hand):
        with SimulatedPump(limit=5 * ML_PER_MIN, rate=2 * ML_PER_MIN, clock=hand) as pump:
            yield pump

    @pytest.fixture
    def rate(self):
        return 3 * ML_PER_MIN

    @pytest.fixture
    def wait(self, hand):
        return hand.pass_


def test_the_packet_is_the_one_that_the_manual_prints():
    assert newera.safe("SAF0") == b"\x02\x08SAF0\x55\x43\x03"  # NE-1000 manual, p. 33
    assert crc16(b"SAF0") == 0x5543


@pytest.mark.parametrize(
    "packet", [b"", b"\x02", b"\x0207", b"\x0207Q", b"07S", b"\x0208S", b"\x0207S?COM", b"\x0207S?"]
)
def test_what_is_no_answer_of_this_pump_is_not_taken_for_one(packet):
    with pytest.raises(Garbled):
        newera.reply(packet, 7)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.000"), (1.2345, "1.234"), (12.345, "12.35"), (123.45, "123.5"), (1234.5, "1234")]
)
def test_numbers_have_four_digits(value, text):
    assert number(value) == text


@given(st.floats(1e-3, 60))
def test_a_rate_is_written_to_a_part_in_a_thousand(rate):
    value, unit = in_units(rate * ML_PER_MIN)
    assert len(value.replace(".", "")) <= 4
    assert float(value) * UNITS[unit] == pytest.approx(rate * ML_PER_MIN, rel=1e-3)


@given(st.text("0123456789ADEFINOPRSTUVW.", max_size=20))
def test_a_packet_of_safe_mode_has_the_checksum_of_its_text(text):
    packet = newera.safe(text)
    assert packet[1] == len(packet) - 1
    assert crc16(packet[2:-3]).to_bytes(2, "big") == packet[-3:-1]


def test_opening_acknowledges_the_alarm_of_power_up_and_prepares_the_pump(wire):
    with made(wire) as pump:
        emulator = wire.instrument
        assert emulator.diameter == 26.59
        assert pump.rate() == pytest.approx(2 * ML_PER_MIN)
        assert pump.alarms() == ("its power was interrupted",)
        assert pump.alarms() == ()


def test_a_pump_that_runs_is_left_alone_when_it_is_opened_and_closed(wire, hand):
    with made(wire) as pump:
        pump.set_rate(ML_PER_MIN)
        pump.run()
    with made(wire) as pump:
        assert pump.running()
        assert pump.rate() == pytest.approx(ML_PER_MIN)
    hand.pass_(60)
    with made(wire) as pump:
        pump.stop()
    assert wire.instrument.status == "P"
    assert wire.instrument.dispensed["INF"] == pytest.approx(1000)


def test_a_pump_that_runs_with_another_syringe_can_be_stopped_and_nothing_else(wire):
    with made(wire) as pump:
        pump.run()
    with made(wire, diameter="14.43 mm") as pump:
        with pytest.raises(InstrumentError, match=r"syringe of 26.59 mm, the rig file says 14.43 mm"):
            pump.set_rate(ML_PER_MIN)
        pump.stop()
        assert not pump.running()


def test_another_unit_while_it_runs_takes_a_moments_stop(wire):
    with made(wire) as pump:
        pump.run()
        pump.set_rate(0.001 * ML_PER_MIN)
        assert pump.running()
        assert wire.instrument.unit == "UH"


def test_a_rate_that_the_syringe_cannot_deliver_is_refused_with_the_reason(wire):
    with NE1000(options(wire, diameter="1 mm"), limit=60 * ML_PER_MIN, rate=0.001 * ML_PER_MIN) as pump:
        with pytest.raises(InstrumentError, match="out of its range; highest and lowest rate depend on") as caught:
            pump.set_rate(50 * ML_PER_MIN)
        assert caught.value.code == "?OOR"
        assert caught.value.command == "RAT3000MH"
        assert pump.rate() == pytest.approx(0.001 * ML_PER_MIN)


def test_a_stalled_pump_is_not_started_over_its_alarm(wire):
    with made(wire) as pump:
        pump.run()
        wire.instrument.stall()
        with pytest.raises(InstrumentError, match="its motor stalled: is the syringe empty") as caught:
            pump.run()
        assert caught.value.code == "A?S"
        assert "its motor stalled" in pump.alarms()[-1]
        pump.run()
        assert pump.running()


def test_a_stall_while_it_runs_is_seen_and_told(wire):
    with made(wire) as pump:
        pump.run()
        pump.alarms()
        wire.instrument.stall()
        assert not pump.running()
        assert "its motor stalled" in pump.alarms()[0]


def test_an_interrupted_power_supply_is_told_and_the_pump_can_be_started_again(wire):
    with made(wire) as pump:
        pump.run()
        pump.alarms()
        wire.instrument.power_cycle()
        assert pump.alarms() == ("its power was interrupted",)
        assert not pump.running()
        pump.run()


def test_the_watchdog_stops_the_pump_when_the_computer_falls_silent(wire, hand):
    with made(wire, watchdog=30) as pump:
        pump.run()
        hand.pass_(100)
        assert not pump.running()
        assert "heard nothing from the computer" in pump.alarms()[-1]
    delivered = wire.instrument.dispensed["INF"]
    assert delivered == pytest.approx(2000 / 60 * 30)


def test_the_driver_keeps_the_watchdog_quiet(wire):
    asked = threading.Event()
    with made(wire, watchdog=1):
        before = len(wire.instrument.heard)
        receive = wire.instrument.receive

        def heard(data):
            if len(wire.instrument.heard) >= before + 2:
                asked.set()
            return receive(data)

        wire.instrument.receive = heard
        assert asked.wait(10)
    assert set(wire.instrument.heard[before:]) == {""}


def test_basic_mode_finds_a_pump_that_was_left_in_safe_mode(wire):
    with made(wire, watchdog=100):
        pass
    wire.instrument.power_cycle()
    with made(wire) as pump:
        assert wire.instrument.timeout == 0
        pump.run()


@pytest.mark.parametrize("fault", ["mute", "shorten", "garble", "deafen"])
@pytest.mark.parametrize("watchdog", [0, 200], ids=["basic", "safe"])
def test_one_bad_exchange_is_repeated_and_noted(wire, hand, fault, watchdog, caplog):
    with made(wire, watchdog=watchdog) as pump, caplog.at_level(logging.WARNING):
        pump.run()
        hand.pass_(1)  # half a packet is given up by then
        setattr(wire.faults, fault, 1)
        if fault == "deafen" and watchdog:
            wire.instrument.receive = _later(wire.instrument.receive, hand)
        assert pump.running()
        assert "once more" in caplog.text


def _later(receive, hand):
    """Let half a second pass before each message: a driver's timeout lasts that long at a rig."""

    def received(data):
        hand.pass_(0.6)
        return receive(data)

    return received


def test_a_pump_that_stays_silent_is_named_with_a_cure(wire):
    with made(wire) as pump:
        wire.faults.mute = 100
        with pytest.raises(InstrumentError, match=r"pump 7: .* to 'status\?': no answer.*baud rate and address"):
            pump.stop()


def test_the_wrong_address_is_silence(wire):
    with pytest.raises(InstrumentError, match=r"pump 8: .*no answer: is it on") as caught:
        made(wire, address=8).__enter__()
    assert caught.value.code == "error_timeout"


def test_a_cable_that_was_out_for_a_moment_is_not_missed(wire):
    with made(wire) as pump:
        pump.run()
        wire.unplug()
        wire.plug()
        assert pump.running()


def test_a_cable_that_is_out_is_named_and_closing_is_quiet(wire):
    with made(wire) as pump:
        wire.unplug()
        with pytest.raises(HardwareError, match="cable"):
            pump.stop()
