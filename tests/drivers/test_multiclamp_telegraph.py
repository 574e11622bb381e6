"""Telegraph records: their layout, their meaning, and the dialogue in which they are asked for."""

import ctypes
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.clock import DemandClock
from drivers.multiclamp.library import Headstage
from drivers.multiclamp.table import MODES, Hardware
from drivers.multiclamp.telegraph import UNITS, TelegraphData, TelegraphError, decode, gains_of
from drivers.multiclamp.window import CommanderTelegraph, CopyData, MessageWindow, identify, record_in
from drivers.simulated.multiclamp.commander import FakeCommander
from drivers.simulated.multiclamp.settings import OwnStore
from protocols.sweeps import ClampMode

NEW = Headstage(Hardware.MC700B, "00834001", 0, 0, 2)
OLD = Headstage(Hardware.MC700A, "", 3, 1, 2)


def record(**fields):
    values = {
        "uVersion": 13, "uStructSize": 256, "uChannelID": 2, "uOperatingMode": 0, "dAlpha": 5.0, "dScaleFactor": 0.5,
        "uScaleFactorUnits": 6, "dLPFCutoff": 1e4, "dExtCmdSens": 0.02, "dRawScaleFactor": 10.0, "uHardwareType": 1,
        "dSecondaryAlpha": 1.0, "szSerialNumber": b"00834001",
    }  # fmt: skip
    return bytes(TelegraphData(**(values | fields)))


def test_the_record_has_the_makers_layout():
    assert ctypes.sizeof(TelegraphData) == 256
    offsets = {name: getattr(TelegraphData, name).offset for name, _ in TelegraphData._fields_}
    # four-byte packing: doubles stand on odd multiples of four
    assert (offsets["dAlpha"], offsets["dExtCmdSens"], offsets["uHardwareType"]) == (28, 64, 88)
    assert (offsets["dSecondaryAlpha"], offsets["szSerialNumber"], offsets["pcPadding"]) == (92, 156, 180)


def test_a_700b_in_voltage_clamp():
    said = decode(record(dMembraneCap=33e-12, dSeriesResistance=12e6))
    assert (said.mode, said.serial, said.channel) == (ClampMode.VOLTAGE, "00834001", 2)
    assert said.primary.unit == "A"
    assert said.primary.volts_per_unit == pytest.approx(2.5e9)
    assert (said.command, said.low_pass) == (0.02, 1e4)
    assert (said.membrane_capacitance, said.series_resistance) == (33e-12, 12e6)
    gains = gains_of(said)
    assert gains.inputs["primary"] == ("A", pytest.approx(0.4e-9))
    assert gains.inputs["secondary"] == ("V", pytest.approx(0.1))


def test_a_700a_sends_a_shorter_record_without_the_secondary_gain():
    raw = record(uVersion=5, uStructSize=128, uHardwareType=0, uComPortID=3, uAxoBusID=1)[:128]
    assert len(raw) == 128
    said = decode(raw[:92] + b"\xaa" * 36)  # what pads it has no meaning
    assert (said.hardware, said.com, said.device, said.serial) == (Hardware.MC700A, 3, 1, "")
    assert said.secondary.volts_per_unit == 10.0
    assert said.series_resistance is None


@given(
    mode=st.sampled_from(list(ClampMode)),
    unit=st.sampled_from(list(UNITS)),
    factor=st.floats(1e-3, 1e3),
    gain=st.sampled_from([1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]),
    command=st.floats(0, 1),
)
def test_whatever_is_telegraphed_is_decoded(mode, unit, factor, gain, command):
    said = decode(
        record(
            uOperatingMode=MODES[mode], uScaleFactorUnits=unit, dScaleFactor=factor, dAlpha=gain, dExtCmdSens=command
        )
    )
    name, units = UNITS[unit]
    assert said.mode is mode
    assert said.primary.unit == name
    assert said.primary.volts_per_unit == pytest.approx(factor * gain * units)
    assert said.command == command


@given(st.binary(max_size=300))
def test_noise_is_refused_or_decoded_but_never_breaks(raw):
    with suppress(TelegraphError):
        decode(raw)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"uOperatingMode": 3}, "mode 3 is unknown"),
        ({"uHardwareType": 7}, "amplifier 7 is unknown"),
    ],
)
def test_what_has_no_meaning_is_refused(fields, words):
    with pytest.raises(TelegraphError, match=words):
        decode(record(**fields))


def test_half_a_record_is_refused():
    with pytest.raises(TelegraphError, match="100 bytes"):
        decode(record()[:100])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"dScaleFactor": 0.0}, "primary output has no scale factor.*auxiliary"),
        ({"dRawScaleFactor": 0.0}, "secondary output has no scale factor"),
        ({"uRawScaleFactorUnits": 8}, "secondary output has no scale factor"),
        ({"uScaleFactorUnits": 0}, "must show 'Membrane Current'"),
        ({"uOperatingMode": 1}, "must show 'Membrane Potential'"),
    ],
)
def test_an_output_that_shows_another_signal_has_no_gains(fields, words):
    with pytest.raises(TelegraphError, match=words):
        gains_of(decode(record(**fields)))


class Pump:
    """A window whose messages go to a fake Commander."""

    def __init__(self, commander, *, stale=()):
        self._commander, self._waiting = commander, list(stale)
        self.posted, self.is_open = [], False

    def open(self):
        self.is_open = True

    def post(self, message, identity):
        self.posted.append((message, identity))
        if message == "Request" and not self._commander.silent:
            self._waiting += [self._commander.record(h) for h in self._commander.headstages if identify(h) == identity]

    def collect(self):
        found, self._waiting = self._waiting, []
        return found

    def close(self):
        self.is_open = False


@pytest.mark.parametrize("headstage", [NEW, OLD, Headstage(Hardware.MC700B, "Demo", 0, 0, 1)])
def test_a_telegraph_is_asked_for_and_answered(headstage):
    fake = FakeCommander({headstage: OwnStore(headstage.model)})
    pump = Pump(fake, stale=[record(uOperatingMode=1)])
    source = CommanderTelegraph(pump, DemandClock())
    source.open()
    assert source.read(headstage).mode is ClampMode.VOLTAGE
    fake.headstages[headstage].switch(ClampMode.ZERO)
    assert source.read(headstage).mode is ClampMode.ZERO
    source.close()
    assert [m for m, _ in pump.posted] == ["Open", "Request", "Request", "Close"]
    assert not pump.is_open


def test_a_silent_commander_is_named_after_a_second():
    fake, clock = FakeCommander({NEW: OwnStore()}, silent=True), DemandClock()
    source = CommanderTelegraph(Pump(fake), clock)
    with pytest.raises(TelegraphError, match=r"700B serial 00834001, channel 2.*same rights"):
        source.read(NEW)
    assert clock.now() == pytest.approx(1.0, abs=0.01)


def test_a_telegraph_of_another_headstage_is_not_taken_for_ours():
    other = Headstage(Hardware.MC700B, "00834001", 0, 0, 1)
    fake = FakeCommander({NEW: OwnStore(), other: OwnStore(present=ClampMode.CURRENT)})

    class Chatty(Pump):
        def post(self, message, identity):
            super().post(message, identity)
            if message == "Request":
                self._waiting += [fake.record(other)]

    assert CommanderTelegraph(Chatty(fake), DemandClock()).read(NEW).mode is ClampMode.VOLTAGE


@pytest.mark.parametrize(
    ("headstage", "identity"),
    [(NEW, 834001 | 2 << 28), (OLD, 3 | 1 << 8 | 2 << 16), (Headstage(Hardware.MC700B, "Demo", 0, 0, 1), 1 << 28)],
)
def test_messages_name_a_headstage_by_number(headstage, identity):
    assert identify(headstage) == identity


def test_a_record_is_taken_from_copied_data():
    raw = record()
    buffer = ctypes.create_string_buffer(raw, len(raw))
    copied = CopyData(dwData=49200, cbData=len(raw), lpData=ctypes.addressof(buffer))
    assert record_in(copied, 49200) == raw
    assert record_in(copied, 49201) is None
    copied.cbData = 8
    assert record_in(copied, 49200) is None


@pytest.mark.skipif("sys.platform == 'win32'", reason="says why there is no telegraph elsewhere")
def test_without_windows_there_is_no_window():
    with pytest.raises(TelegraphError, match="Windows only"):
        MessageWindow().open()
