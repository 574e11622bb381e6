"""From a rig file to devices: looked up by name, opened in order, closed on every way out."""

import pytest

from config.linter import DRIVER_NAMES
from config.loading import load_rig
from drivers.build import DRIVERS, Devices, devices_as_far_as_possible, known_drivers, open_devices
from drivers.clock import DemandClock, WallClock
from protocols.errors import HardwareError, Refused
from protocols.sweeps import ClampMode
from tests.drivers.rehearsal import Recorder, rig_with
from tests.kit import RIG

METAL = [("driver: simulated\n  device: Sim1", "driver: nidaqmx\n  device: Dev7"), ("2 mL/min", "3 mL/min")]


def four(diary, **fails):
    return Devices(*(Recorder(n, diary, fails=fails.get(n, ())) for n in "abcd"))


def test_devices_open_in_order_and_close_in_reverse():
    diary = []
    with four(diary):
        assert diary == ["open a", "open b", "open c", "open d"]
    assert diary[4:] == ["close d", "close c", "close b", "close a"]


def test_an_error_inside_closes_all_and_rises():
    diary = []
    with pytest.raises(ZeroDivisionError), four(diary):
        _ = 1 / 0
    assert diary[4:] == ["close d", "close c", "close b", "close a"]


def test_a_device_that_does_not_open_closes_those_before_it():
    diary = []
    with pytest.raises(HardwareError, match="c: cannot open"), four(diary, c=("open",)):
        pytest.fail("it was opened")
    assert diary == ["open a", "open b", "open c", "close b", "close a"]


def test_a_device_that_does_not_close_keeps_no_other_from_closing():
    diary = []
    with pytest.raises(HardwareError, match="c: cannot close"), four(diary, c=("close",)):
        pass
    assert diary[4:] == ["close d", "close c", "close b", "close a"]


def test_an_unknown_driver_is_refused_with_the_known_ones():
    rig = rig_with()
    with pytest.raises(HardwareError, match=r"daq: there is no driver 'digidata'.*simulated"):
        open_devices(rig.model_copy(update={"daq": rig.daq.model_copy(update={"driver": "digidata"})}), DemandClock())


def test_the_linter_knows_the_same_drivers():
    assert {part: set(names) for part, names in DRIVER_NAMES.items()} == {k: set(d) for k, d in DRIVERS.items()}


def test_simulate_takes_the_rigs_own_channels_scales_limits_and_lines():
    changes = [
        *METAL,
        ("dead_time: 45 s", "dead_time: 12 s"),
        ("20 mV/V", "100 mV/V"),
        ("drug: {", "mem: {"),
        ("-120 mV .. 60 mV", "-100 mV .. 50 mV"),
        ("secondary: {pin: ai1, range: 10 V}", "secondary: {pin: ai1, range: 5 V}"),
    ]
    with open_devices(rig_with(changes=changes), DemandClock(), simulate=True) as devices:
        gains = devices.amplifier.gains_in(ClampMode.VOLTAGE)
        assert devices.daq.name == "Dev7"
        assert gains.command == pytest.approx(0.1)
        assert devices.daq.limits.voltage == (-0.1, 0.05)
        assert devices.perfusion.lines == ("control", "mem")
        assert devices.perfusion.dead_time == 12
        primary, secondary = devices.daq.channels(gains)
        assert primary.coefficients[1] == pytest.approx(10 / 32768 * 1e-9)
        assert secondary.coefficients[1] == pytest.approx(5 / 32768 / 10)


def test_a_rig_starts_in_voltage_clamp_at_its_safe_potential_with_its_safe_line():
    with open_devices(rig_with(), DemandClock()) as devices:
        assert devices.amplifier.mode() is ClampMode.VOLTAGE
        assert devices.daq.output_volts() == pytest.approx(-3.5)
        assert devices.perfusion.selected() == "control"


def test_a_rig_without_thermometer_has_none():
    rig = rig_with(changes=[("thermometer:\n  driver: simulated\n", "")])
    with open_devices(rig, DemandClock()) as devices:
        assert devices.thermometer is None


def test_devices_with_a_time_of_their_own_are_not_hurried(monkeypatch):
    monkeypatch.setitem(DRIVERS, "thermometer", {"simulated": "tests.drivers.rehearsal:old_glass"})
    with pytest.raises(Refused, match="old glass: real devices run at life speed only"):
        open_devices(rig_with(), DemandClock())
    assert open_devices(rig_with(), WallClock()).thermometer.name == "old glass"


def test_known_drivers_are_listed_with_what_they_drive():
    assert known_drivers()["simulated"] == "daq, amplifier, perfusion, thermometer, pump"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"seris_resistance": "12 MOhm"}, "simulation.seris_resistance.*did you mean 'series_resistance'"),
        ({"series_resistance": "12"}, "simulation.series_resistance: .*no unit"),
        ({"series_resistance": "0 MOhm"}, "simulation.series_resistance"),
        ({"cell": "ca3"}, "there is no cell 'ca3'.*ca1_pyramidal"),
        ({"parameters": {"g_unknown": 1.0}}, "'g_unknown' is not a parameter"),
    ],
)
def test_wrong_settings_of_the_simulation_are_named_with_a_cure(written, message):
    with pytest.raises(HardwareError, match=message):
        open_devices(rig_with(written), DemandClock())


def test_all_packages_that_are_missing_are_named_at_once(monkeypatch):
    for kind, package in (("daq", "one"), ("perfusion", "one"), ("amplifier", "two")):
        monkeypatch.setitem(DRIVERS[kind], "simulated", f"no_package_{package}.x:device")
    with pytest.raises(HardwareError) as caught:
        open_devices(load_rig(RIG), DemandClock())
    assert "daq, perfusion: the package 'no_package_one' is not installed: pip install no_package_one" in str(
        caught.value
    )
    assert "amplifier: the package 'no_package_two'" in str(caught.value)


def test_a_device_that_cannot_be_made_does_not_keep_the_others_from_being_made(monkeypatch):
    monkeypatch.setitem(DRIVERS["amplifier"], "simulated", "no_package_at_all.x:device")
    devices = devices_as_far_as_possible(load_rig(RIG), DemandClock())
    with devices.daq, devices.perfusion:
        assert devices.perfusion.selected() == "control"
    with pytest.raises(HardwareError, match="pip install no_package_at_all"):
        devices.amplifier.mode()
