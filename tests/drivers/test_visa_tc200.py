"""The TC200, over a real serial line and a real socket, against an emulator with a heater and a sensor."""

import pytest

from config.visa import TC200Options
from drivers.contract import ThermometerContract
from drivers.simulated.instruments.tc200 import TC200Emulator
from drivers.visa.connection import InstrumentError
from drivers.visa.tc200 import TC200
from tests.drivers.visa_kit import QUICK, WIRES, Hand


@pytest.fixture
def hand():
    return Hand()


@pytest.fixture(params=WIRES)
def wire(request, hand):
    with WIRES[request.param](TC200Emulator(hand.now)) as wire:
        yield wire


def made(wire, **more):
    return TC200(TC200Options(**{"resource": wire.resource, "timeout": QUICK, **more}))


@pytest.fixture
def controller(wire):
    with made(wire) as controller:
        yield controller


class TestThermometer(ThermometerContract):
    @pytest.fixture
    def thermometer(self, controller):
        return controller


def test_a_bath_that_is_heated_comes_to_its_temperature(controller, hand):
    assert controller.read() == 22.0
    controller.regulate(34.0)
    controller.heat(on=True)
    hand.pass_(600)
    assert controller.read() == 34.0
    controller.heat(on=False)
    hand.pass_(600)
    assert controller.read() == 22.0


def test_the_rig_files_temperature_is_set_when_it_is_opened(wire):
    with made(wire, set_temperature="33 °C") as controller:
        assert controller.set_temperature() == 33.0


def test_a_temperature_that_is_set_already_is_not_set_again(wire):
    with made(wire, set_temperature="32 °C"):
        pass
    assert not [c for c in wire.instrument.heard if c.startswith("tset=")]


def test_a_heater_that_is_on_is_not_toggled(controller, wire):
    controller.heat(on=True)
    controller.heat(on=True)
    assert controller.is_heating()
    assert wire.instrument.heard.count("ens") == 1


def test_a_heater_that_does_not_switch_is_told(controller, wire):
    wire.faults.mute = 1
    with pytest.raises(InstrumentError, match=r"TC200: .*no answer"):
        controller._connection.ask(b"ens\r", bytes, again=False)
    assert wire.instrument.heard.count("ens") == 1


def test_a_temperature_that_no_slice_survives_is_refused_before_it_is_sent(controller, wire):
    with pytest.raises(InstrumentError, match="60 °C was asked for; 20 to 50 °C can be set"):
        controller.regulate(60.0)
    assert not [c for c in wire.instrument.heard if c.startswith("tset=")]


def test_a_refusal_of_the_controller_is_told_in_its_own_words(controller, wire):
    with pytest.raises(InstrumentError, match=r"refuses 'tset=48.0': CMD_ARG_RANGE_ERR") as caught:
        controller.regulate(48.0)
    assert caught.value.code == "CMD_ARG_RANGE_ERR"


def test_a_sensor_that_is_out_is_no_hot_bath(controller, wire):
    wire.instrument.sensor_in = False
    with pytest.raises(InstrumentError, match=r"reads 205.0 °C: is the sensor plugged in"):
        controller.read()
    with pytest.raises(InstrumentError, match="its sensor alarm is on"):
        controller.is_heating()


@pytest.mark.parametrize(
    ("said", "degrees"), [("32.0 C", 32.0), ("305.15 K", 32.0), ("89.6 F", 32.0), ("32.0 Celsius", 32)]
)
def test_the_unit_of_the_display_does_not_matter(wire, controller, said, degrees):
    wire.instrument._said = lambda command: said
    assert controller.read() == pytest.approx(degrees)


def test_nonsense_is_told_and_not_taken_for_a_temperature(wire, controller):
    wire.instrument._said = lambda command: "hot"
    with pytest.raises(InstrumentError, match=r"answered 'hot' to 'tact\?'"):
        controller.read()


@pytest.mark.parametrize("fault", ["mute", "shorten", "garble", "deafen"])
def test_one_bad_exchange_is_repeated(wire, controller, fault):
    setattr(wire.faults, fault, 1)
    assert controller.read() == 22.0


@pytest.mark.parametrize("fault", ["mute", "garble"])
def test_a_controller_that_makes_no_sense_any_more_is_named(wire, controller, fault):
    setattr(wire.faults, fault, 100)
    with pytest.raises(InstrumentError, match=r"TC200: .* to 'tact\?'"):
        controller.read()


def test_a_cable_that_was_out_for_a_moment_is_not_missed(wire, controller):
    wire.unplug()
    wire.plug()
    assert controller.read() == 22.0
