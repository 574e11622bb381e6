"""No accepted text changes sign, scale or dimension."""

import copy
import json
import pickle
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from protocols.quantities import (
    Capacitance,
    CommandScale,
    Concentration,
    Current,
    CurrentSteps,
    Duration,
    FlowRate,
    Frequency,
    InstrumentVoltage,
    Length,
    Offset,
    OutputScale,
    Percent,
    Resistance,
    Temperature,
    Voltage,
    VoltageRange,
)

# Written out by hand, apart from the code: what a person means by each unit.
MEANING = {
    Voltage: {"mV": "1e-3", "V": "1", "µV": "1e-6", "\u03bcV": "1e-6", "uV": "1e-6"},
    InstrumentVoltage: {"V": "1", "mV": "1e-3"},
    Current: {"pA": "1e-12", "nA": "1e-9", "µA": "1e-6", "\u03bcA": "1e-6", "uA": "1e-6", "fA": "1e-15", "A": "1"},
    Duration: {"ms": "1e-3", "s": "1", "min": "60", "h": "3600", "µs": "1e-6", "us": "1e-6"},
    Frequency: {"kHz": "1e3", "Hz": "1", "MHz": "1e6"},
    Resistance: {"MOhm": "1e6", "MΩ": "1e6", "M\u2126": "1e6", "GOhm": "1e9", "GΩ": "1e9", "kOhm": "1e3", "Ohm": "1"},
    Capacitance: {"pF": "1e-12", "nF": "1e-9", "fF": "1e-15"},
    Temperature: {"°C": "1", "degC": "1", "\u2103": "1", "\u00baC": "1"},
    Length: {"µm": "1e-6", "um": "1e-6", "mm": "1e-3", "cm": "1e-2"},
    Percent: {"%": "1e-2"},
    Concentration: {"µM": "1e-6", "uM": "1e-6", "nM": "1e-9", "mM": "1e-3", "pM": "1e-12", "M": "1"},
    CommandScale: {"mV/V": "1e-3", "pA/V": "1e-12", "nA/V": "1e-9", "V/V": "1"},
    OutputScale: {
        "V/nA": "1e9", "mV/pA": "1e9", "V/pA": "1e12", "mV/nA": "1e6", "mV/mV": "1", "V/V": "1", "V/mV": "1e3",
    },
}  # fmt: skip

ALL_UNITS = sorted(
    {u for units in MEANING.values() for u in units} | {"", "Mv", "mv", "KHZ", "hz", "C", "K", "sec", "m"}
)
numbers = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-", "+", "\u2212"]),
    st.integers(0, 10**6),
    st.one_of(st.just(""), st.integers(0, 10**5).map(lambda n: f".{n}")),
    st.one_of(st.just(""), st.sampled_from(["e-3", "E3", "e+2", "e-12"])),
)
gaps = st.sampled_from(["", " ", "  ", "\u00a0", "\u202f", "\u2009"])


@given(st.sampled_from(list(MEANING)), numbers, gaps, st.sampled_from(ALL_UNITS))
def test_accepted_text_means_what_a_person_means(kind, number, gap, unit) -> None:
    text = number + gap + unit
    try:
        value = kind.parse(text)
    except PydanticCustomError:
        return
    meant = Fraction(Decimal(number.replace("\u2212", "-"))) * Fraction(Decimal(MEANING[kind][unit]))
    assert float(value) == float(meant)
    assert (value < 0) == (meant < 0)
    assert kind.parse(value.text) == value, "the remembered text must mean the same"


@given(st.sampled_from(list(MEANING)), st.text(max_size=12))
def test_arbitrary_text_is_refused_or_has_a_unit(kind, text) -> None:
    try:
        value = kind.parse(text)
    except PydanticCustomError:
        return
    assert re.search(r"[^\d\s.+\-\u2212eE]", text), f"{value!r} was read from a bare number"


@given(st.sampled_from([Voltage, Current, Duration, Resistance, Temperature]), st.floats(1e-12, 0.4))
def test_generated_text_reads_back_as_the_value(kind, size) -> None:
    value = kind(size)
    if kind is Current:
        value = kind(size * 1e-7)
    assert float(kind.parse(str(value))) == pytest.approx(float(value), rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        (Voltage, "-70", "has no unit"),
        (Voltage, "0", "has no unit"),
        (Voltage, "5 ms", "is a duration, but a voltage belongs here"),
        (Voltage, "1 MOhm", "is a resistance"),
        (Current, "-60 mV", "is a voltage, but a current belongs here"),
        (Voltage, "-60 V", "is the unit right?"),
        (Voltage, "\u201370 mV", r"dash \(U\+2013\)"),
        (Voltage, "0,5 mV", "comma"),
        (Current, "1,000 pA", "comma"),
        (Voltage, "nan mV", "not a number"),
        (Voltage, "inf mV", "not a number"),
        (Voltage, "1e400 mV", "is the unit right?"),
        (Voltage, "1e-400 mV", "too near to zero"),
        (Voltage, "1_0 mV", "not a unit"),
        (Voltage, "\u0661 mV", "not a number"),
        (Frequency, "20 KHz", "did you mean 'kHz'"),
        (Duration, "5 sec", "did you mean 's'"),
        (Duration, "-1 s", "cannot be negative"),
        (Temperature, "32 C", "did you mean '°C'"),
        (Resistance, "20 mOhm", "did you mean 'MOhm'"),
        (CommandScale, "1 V/nA", "is an output scale, but a command scale belongs here"),
    ],
)
def test_a_slip_is_answered_with_its_cure(kind, text, words) -> None:
    with pytest.raises(PydanticCustomError, match=words):
        kind.parse(text)


def test_another_kind_of_quantity_is_refused_though_it_is_a_float() -> None:
    with pytest.raises(PydanticCustomError, match="is a current, but a voltage belongs here"):
        Voltage.parse(Current(1e-12))


def test_a_quantity_is_a_float_that_remembers_its_text() -> None:
    level = Voltage.parse("\u221270mV")
    assert level == -0.07
    assert str(level) == f"{level}" == level.text == "-70 mV"
    assert json.dumps(level) == "-0.07"
    assert np.asarray([level]).dtype == np.float64
    for twin in (pickle.loads(pickle.dumps(level)), copy.deepcopy(level)):
        assert (twin, twin.text, type(twin)) == (level, "-70 mV", Voltage)


def test_a_quantity_made_from_si_gets_a_text() -> None:
    made = [Voltage(-5e-3), Duration(0.05), Duration(300.0), Current(-50e-12), Frequency(20e3), Percent(0.2)]
    assert [str(q) for q in made] == ["-5 mV", "50 ms", "5 min", "-50 pA", "20 kHz", "20 %"]


def test_an_offset_may_be_negative_and_is_a_duration() -> None:
    assert isinstance(Offset.parse("-500 ms"), Duration)
    assert Offset.parse("-500 ms") == -0.5


def test_flow_is_si() -> None:
    assert FlowRate.parse("2 mL/min") == pytest.approx(2e-6 / 60, rel=1e-15)


def test_scales_know_their_unit() -> None:
    assert (CommandScale.parse("20 mV/V").unit, CommandScale.parse("400 pA/V").unit) == ("V", "A")
    assert (OutputScale.parse("1 V/nA").unit, OutputScale.parse("10 mV/mV").unit) == ("A", "V")
    with pytest.raises(TypeError, match="needs its text"):
        CommandScale(0.02)


@pytest.mark.parametrize("text", ["-120 mV .. 60 mV", "-120..60 mV", "\u2212120 mV..0.06 V"])
def test_a_range_reads_as_people_write_it(text) -> None:
    wide = VoltageRange.parse(text)
    assert (wide.low, wide.high) == (-0.12, 0.06)


@pytest.mark.parametrize(
    "text", ["60 mV .. -120 mV", "-120 mV to 60 mV", "-120 mV ... 60 mV", "-120 .. 60", "1 pA .. 2 pA"]
)
def test_a_range_that_is_none_is_refused(text) -> None:
    with pytest.raises(PydanticCustomError):
        VoltageRange.parse(text)


@given(st.integers(-400, 400), st.integers(1, 60), st.integers(0, 200))
def test_a_grid_hits_every_level_exactly(low, by, count) -> None:
    steps = CurrentSteps.parse(f"{low} pA .. {low + by * count} pA by {by} pA")
    assert steps.levels() == tuple(float(Fraction(low + i * by, 10**12)) for i in range(count + 1))


def test_a_grid_that_misses_its_end_is_refused() -> None:
    with pytest.raises(PydanticCustomError, match="last one below it is 375 pA"):
        CurrentSteps.parse("0 pA .. 400 pA by 75 pA")
