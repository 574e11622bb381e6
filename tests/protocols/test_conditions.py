"""Conditions say yes, no, or that it cannot be told."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from protocols.conditions import (
    CurrentCondition,
    Drift,
    ResistanceCondition,
    SpikeCount,
    TemperatureCondition,
    VoltageCondition,
)


@pytest.mark.parametrize(
    ("condition", "value", "start", "answer"),
    [
        (ResistanceCondition.parse("below 25 MOhm"), 24e6, None, True),
        (ResistanceCondition.parse("below 25 MOhm"), 25e6, None, False),
        (ResistanceCondition.parse("above 40 MOhm"), 41e6, None, True),
        (ResistanceCondition.parse("above 40 MΩ"), 39e6, None, False),
        (CurrentCondition.parse("-300 pA .. 100 pA"), 100e-12, None, True),
        (CurrentCondition.parse("-300 .. 100 pA"), 101e-12, None, False),
        (VoltageCondition.parse("outside -66 mV .. -54 mV"), -0.067, None, True),
        (VoltageCondition.parse("outside \u221266 mV .. -54 mV"), -0.060, None, False),
        (ResistanceCondition.parse("within 20 % of start"), 11.9e6, 10e6, True),
        (ResistanceCondition.parse("within 20 % of start"), 12.1e6, 10e6, False),
        (ResistanceCondition.parse("outside 30 % of start"), 6.9e6, 10e6, True),
        (ResistanceCondition.parse("outside 30 % of start"), 10e6, 10e6, False),
        (VoltageCondition.parse("within 10 % of start"), -0.065, -0.060, True),
        (VoltageCondition.parse("within 10 % of start"), -0.053, -0.060, False),
        (SpikeCount.parse("3..4"), 4, None, True),
        (SpikeCount.parse("3..4"), 5, None, False),
    ],
    ids=str,
)
def test_a_condition_answers(condition, value, start, answer) -> None:
    assert condition.holds(value, start) is answer


@pytest.mark.parametrize(
    "text", ["below 25 MOhm", "1 MOhm .. 2 MOhm", "outside 1 MOhm .. 2 MOhm", "outside 30 % of start"]
)
def test_a_value_that_was_not_measured_has_neither_held_nor_failed(text) -> None:
    assert ResistanceCondition.parse(text).holds(math.nan, 10e6) is None
    assert SpikeCount.parse("4").holds(math.nan) is None


@pytest.mark.parametrize("start", [None, math.nan, 0.0])
def test_without_a_start_nothing_can_be_said_of_it(start) -> None:
    assert ResistanceCondition.parse("within 20 % of start").holds(10e6, start) is None


@given(st.floats(-1, 1), st.floats(0.01, 5), st.floats(-1, 1).filter(lambda x: x != 0))
def test_within_and_outside_are_opposites(value, percent, start) -> None:
    within = VoltageCondition.parse(f"within {percent:.3f} % of start").holds(value, start)
    outside = VoltageCondition.parse(f"outside {percent:.3f} % of start").holds(value, start)
    assert {within, outside} == {True, False}


@pytest.mark.parametrize(
    "text",
    ["below 25 MOhm", "above 40 MOhm", "5 MOhm .. 25 MOhm", "outside 5 MOhm .. 25 MOhm", "within 20 % of start"],
)
def test_the_text_of_a_condition_reads_back_and_hashes_alike(text) -> None:
    condition = ResistanceCondition.parse(f"  {text} ")
    assert condition.text == str(condition) == text
    assert {condition} == {ResistanceCondition.parse(condition.text)}


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        (ResistanceCondition, "> 60 MOhm", "use the word 'above'"),
        (ResistanceCondition, "<= 25 MOhm", "use the word 'below'"),
        (ResistanceCondition, "below 25", "has no unit"),
        (ResistanceCondition, "below 5 mV", "is a voltage"),
        (ResistanceCondition, "25 MOhm", "is not a condition"),
        (ResistanceCondition, "within 20 % of baseline", "is not a condition"),
        (ResistanceCondition, "within 0 % of start", "no measured value"),
        (TemperatureCondition, "within 5 % of start", "says nothing"),
        (ResistanceCondition, 25, "write a condition"),
        (SpikeCount, "4..3", "lower number first"),
        (SpikeCount, "-1", "write a number of spikes"),
        (SpikeCount, True, "write a number of spikes"),
        (Drift, "15 %", "write a drift such as"),
        (Drift, "15 % per 10 mV", "is a voltage"),
        (Drift, "0 % per 10 min", "more than 0"),
    ],
)
def test_what_is_no_condition_is_answered_in_words(kind, text, words) -> None:
    with pytest.raises(PydanticCustomError, match=words):
        kind.parse(text)


def test_counts_and_drifts_read_as_written() -> None:
    assert SpikeCount.parse(4) == SpikeCount.parse("4") == SpikeCount(4, 4)
    assert str(SpikeCount.parse("3 .. 4")) == "3..4"
    assert (Drift.parse("15 % per 10 min").fraction, Drift.parse("15 % per 10 min").per) == (0.15, 600.0)
    assert Drift.parse("1 % per min").per == 60.0
    assert Drift.parse(Drift.parse("1 % per min").text) == Drift.parse("1 % per min")
