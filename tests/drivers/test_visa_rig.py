"""VISA instruments as parts of a rig file: found, opened, put to rest, refused when the file is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

from acquisition.rest import opened_as_far_as_possible, put_to_rest
from config.loading import rig_from_text
from config.visa import InstrumentOptions, PumpOptions, TC200Options, ValveLinkOptions
from drivers.build import open_devices
from drivers.clock import DemandClock, WallClock
from drivers.simulated import instruments
from drivers.simulated.instruments import linked
from drivers.simulated.instruments.ne1000 import NE1000Emulator
from drivers.simulated.instruments.serving import OnSocket
from drivers.simulated.instruments.tc200 import TC200Emulator
from drivers.simulated.instruments.valvelink import ValveLinkEmulator
from drivers.simulated.link import Link, LinkServer
from drivers.visa import discovery
from drivers.visa.connection import Connection, InstrumentError, Line, resource_name
from drivers.visa.ne1000 import NE1000
from drivers.visa.scpi import Generator
from drivers.visa.tc200 import TC200
from protocols.errors import HardwareError, InvalidFile
from tests.drivers.rehearsal import RIG_FILE
from tests.drivers.visa_kit import Arrived

PUMP = "pump:\n  driver: {driver}\n  rate: 2 mL/min\n  limit: 5 mL/min\n"
SIM = Path(instruments.__file__).parent


def rig(*changes, pump=""):
    text = RIG_FILE.read_text(encoding="utf-8") + "\n" + pump
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return rig_from_text(text, "rig.yaml")


def visa_rig(valves, pump, thermometer):
    """Return the simulated rig with three instruments on wires."""
    return rig(
        ("perfusion:\n  driver: simulated", "perfusion:\n  driver: valvelink\n  options: {resource: '" + valves + "'}"),
        ("{pin: port0/line0}", "{pin: '1'}"),
        ("{pin: port0/line1}", "{pin: '3'}"),
        (
            "thermometer:\n  driver: simulated",
            "thermometer:\n  driver: tc200\n  options: {resource: '" + thermometer + "'}",
        ),
        pump=PUMP.format(driver="ne1000") + "  options: {resource: '" + pump + "', diameter: 26.59 mm}\n",
    )


@pytest.fixture
def wires():
    now = DemandClock().now
    with (
        OnSocket(ValveLinkEmulator(now)) as valves,
        OnSocket(NE1000Emulator(now)) as pump,
        OnSocket(TC200Emulator(now, bath=lambda: 31.5)) as thermometer,
    ):
        valves.arrived = Arrived(valves.instrument)
        yield valves, pump, thermometer


def test_a_rig_file_opens_its_instruments(wires):
    with open_devices(visa_rig(*(w.resource for w in wires)), WallClock()) as devices:
        assert devices.perfusion.selected() == "control"
        assert devices.thermometer.read() == 31.5
        assert devices.pump.rate() == pytest.approx(2e-6 / 60)
        assert devices.drivers["pump"] == "ne1000"


def test_a_rig_is_put_to_rest_with_its_pump(wires):
    loaded = visa_rig(*(w.resource for w in wires))
    with open_devices(loaded, WallClock()) as devices:
        devices.pump.run()
        devices.perfusion.select("drug")
        assert put_to_rest(devices, loaded.safe) == []
        assert not devices.pump.running()
        assert devices.perfusion.selected() == "control"


def test_the_pump_is_stopped_whatever_became_of_the_valves(wires):
    loaded, (valves, _, _) = visa_rig(*(w.resource for w in wires)), wires
    with open_devices(loaded, WallClock()) as devices:
        devices.pump.run()
        valves.unplug()
        put_to_rest(devices, loaded.safe)  # a network may take the first bytes after its end for sent
        left = put_to_rest(devices, loaded.safe)
        assert len(left) == 1
        assert left[0].startswith("ValveLink: ")
        assert not devices.pump.running()


def test_valves_and_command_are_at_rest_whatever_became_of_the_pump(wires):
    loaded, (_, pump, _) = visa_rig(*(w.resource for w in wires)), wires
    with open_devices(loaded, WallClock()) as devices:
        devices.perfusion.select("drug")
        pump.unplug()
        left = put_to_rest(devices, loaded.safe)
        assert len(left) == 1
        assert left[0].startswith("pump: ")
        assert devices.perfusion.selected() == "control"
        assert devices.daq.output_volts() == pytest.approx(-3.5, abs=1e-3)


@pytest.mark.parametrize("gone", [0, 1], ids=["valves", "pump"])
def test_a_rig_that_nobody_holds_is_put_to_rest_as_far_as_it_opens(wires, gone):
    loaded = visa_rig(*(w.resource for w in wires))
    with open_devices(loaded, WallClock()) as devices:
        devices.pump.run()
        devices.perfusion.select("drug")
    wires[gone].unplug()
    with opened_as_far_as_possible(open_devices(loaded, WallClock())) as (devices, closed):
        left = [*closed.values(), *put_to_rest(devices, loaded.safe)]
        assert devices.daq.output_volts() == pytest.approx(-3.5, abs=1e-3)
    assert left
    assert all(words.startswith(("ValveLink: ", "pump: ")[gone]) for words in left)
    valves, pump, _ = wires
    assert gone == 0 or valves.arrived.open_valves({1}) == {1}
    assert gone == 1 or pump.instrument.status == "P"


@pytest.mark.parametrize(("wish", "runs"), [("stop", False), ("keep", True)])
def test_the_rig_file_says_whether_the_pump_is_stopped(wish, runs):
    loaded = rig(("  line: control", f"  line: control\n  pump: {wish}"), pump=PUMP.format(driver="simulated"))
    with open_devices(loaded, DemandClock()) as devices:
        devices.pump.run()
        assert put_to_rest(devices, loaded.safe) == []
        assert devices.pump.running() is runs


def test_simulate_takes_a_simulated_pump(wires):
    loaded = visa_rig("COM1", "COM2", "COM3")
    with open_devices(loaded, DemandClock(), simulate=True) as devices:
        assert devices.drivers["pump"] == "simulated"
        assert devices.pump.limit == pytest.approx(5e-6 / 60)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("resource: 'COM2'", "resource: 'the pump'"), r"a serial port or a VISA resource belongs here.*COM3"),
        (
            ("resource: 'COM2', diameter", "resource: 'COM2', diametre"),
            r"'diametre' is not known here; did you mean",
        ),
        (("rate: 2 mL/min", "rate: 6 mL/min"), r"6 mL/min is more than the pump's own limit, 5 mL/min"),
        (("{pin: '3'}", "{pin: port0/line1}"), r"'pin' must be the valve's number, such as \{pin: '3'\}"),
        (
            ("resource: 'COM1'", "resource: 'COM1', marker: primry"),
            r"no input is named 'primry'; did you",
        ),
        (("resource: 'COM3'", "resource: 'COM3', timeout: 5 s"), r"'5 s' is too long"),
    ],
)
def test_a_wrong_rig_file_is_refused_with_a_cure(change, message):
    text = RIG_FILE.read_text(encoding="utf-8")
    for old, new in (
        ("perfusion:\n  driver: simulated", "perfusion:\n  driver: valvelink\n  options: {resource: 'COM1'}"),
        ("{pin: port0/line0}", "{pin: '1'}"),
        ("{pin: port0/line1}", "{pin: '3'}"),
        ("thermometer:\n  driver: simulated", "thermometer:\n  driver: tc200\n  options: {resource: 'COM3'}"),
    ):
        text = text.replace(old, new)
    text += "\n" + PUMP.format(driver="ne1000") + "  options: {resource: 'COM2', diameter: 26.59 mm}\n"
    assert change[0] in text
    with pytest.raises(InvalidFile, match=message):
        rig_from_text(text.replace(*change), "rig.yaml")


@pytest.mark.parametrize(
    ("written", "resource"),
    [
        ("COM3", "ASRL3::INSTR"),
        ("/dev/ttyUSB0", "ASRL/dev/ttyUSB0::INSTR"),
        ("TCPIP::10.0.0.7::5025::SOCKET", "TCPIP::10.0.0.7::5025::SOCKET"),
    ],
)
def test_a_serial_port_may_be_called_as_the_system_calls_it(written, resource):
    assert resource_name(written) == resource


@pytest.mark.parametrize(
    "resource", ["/dev/no-such-port", "TCPIP::127.0.0.1::1::SOCKET", "USB0::0x1234::0x5678::X::INSTR"]
)
def test_nothing_at_an_address_is_told_with_the_address_and_a_cure(resource):
    connection = Connection("pump", InstrumentOptions(resource=resource), Line())
    with pytest.raises(InstrumentError, match=r"pump: .*patchrig devices") as caught:
        connection.ask(b"*IDN?\n", bytes)
    assert caught.value.resource == resource_name(resource)
    assert caught.value.device == "pump"
    assert caught.value.__cause__ is not None


def test_closing_what_was_never_opened_is_quiet():
    Connection("pump", InstrumentOptions(resource="COM99"), Line()).close()


def test_instruments_are_listed_without_a_search_of_the_network(recwarn):
    assert all(len(line) == 2 for line in discovery.instruments())
    assert not recwarn.list


# --- pyvisa-sim: what a user can try without any instrument -------------------------------------------------------


def sim(name):
    return {"resource": "ASRL1::INSTR", "visa_library": f"{SIM / name}@sim"}


def test_the_pump_of_pyvisa_sim_takes_rates():
    with NE1000(PumpOptions(diameter="26.59 mm", **sim("ne1000.yaml")), limit=1e-6 / 6, rate=1e-6 / 30) as pump:
        pump.set_rate(3e-6 / 60)
        assert pump.rate() == pytest.approx(3e-6 / 60)
        with pytest.raises(InstrumentError, match="it cannot do this now"):
            pump.run()


def test_the_thermometer_of_pyvisa_sim_reads():
    with TC200(TC200Options(**sim("tc200.yaml"))) as thermometer:
        assert thermometer.read() == 32.0


def test_the_valves_of_pyvisa_sim_listen():
    loaded = rig(
        (
            "perfusion:\n  driver: simulated",
            "perfusion:\n  driver: valvelink\n  options: " + str(sim("valvelink.yaml")),
        ),
        ("{pin: port0/line0}", "{pin: '1'}"),
        ("{pin: port0/line1}", "{pin: '3'}"),
    )
    with open_devices(loaded, WallClock()) as devices:
        devices.perfusion.select("drug")
        assert devices.perfusion.selected() == "drug"


def test_the_generator_of_pyvisa_sim_plays():
    with Generator("generator", InstrumentOptions(**sim("scpi.yaml")), highest=5.0) as generator:
        generator.play("sine", frequency=10.0, amplitude=1.0)
        generator.on()
        assert generator.is_on()


def test_an_emulated_instrument_can_be_served_by_a_command():
    command = [sys.executable, "-m", "drivers.simulated.instruments", "tc200"]
    with subprocess.Popen(command, cwd=SIM.parents[2], stdout=subprocess.PIPE, text=True) as process:
        try:
            resource = process.stdout.readline().strip()
            with TC200(TC200Options(resource=resource)) as thermometer:
                assert thermometer.read() == 22.0
        finally:
            process.terminate()


# --- in the world of a served board -------------------------------------------------------------------------------


def test_linked_valves_and_thermometer_belong_to_the_boards_bath():
    asked = []
    answers = {
        "perfusion.select": lambda question: asked.append(question["line"]) or {},
        "thermometer.read": lambda _: {"temperature": 30.25},
    }
    now = DemandClock().now
    with LinkServer(answers) as server, Link(f"127.0.0.1:{server.port}") as link:
        linked.valvelink(link, {1: "control", 3: "drug"}, now).receive(b"AT0V+1\rAT0V-1\rAT0V+3\r")
        assert asked == ["control", None, "drug"]
        assert b"30.2 C" in linked.tc200(link, now).receive(b"tact?\r")


def test_a_wrong_option_is_refused_by_the_driver_too():
    unknown = rig(pump=PUMP.format(driver="simulated"))
    unknown = unknown.model_copy(update={"pump": unknown.pump.model_copy(update={"driver": "syringe"})})
    with pytest.raises(HardwareError, match="there is no driver 'syringe'"):
        open_devices(unknown, WallClock())
    assert ValveLinkOptions(resource="COM1").address == 0
