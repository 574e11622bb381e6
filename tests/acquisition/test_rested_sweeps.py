"""A long AHP costs no sweep of its own; a sweep that begins on the AHP of another is left out."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from acquisition.acceptance import by_sweep, is_accepted
from acquisition.steps.rested import Rested
from protocols.acceptance import SweepLimits
from tests.kit import RIG

REST = -0.060
DEEP = -0.0635
BURSTS = """
steps:
  - switch_to: {{clamp: current, bias_to: -60 mV}}
  - series:
      {{name: bursts, step: 350 pA, width: 150 ms, every: {every}, before: 600 ms, after: 4 s, sweeps: 4, {rebias}}}
"""


def trial(begin, end, start=0.0):
    """Return a sweep of 8 s with these potentials before its step and at its end, V."""
    header = SimpleNamespace(start=start, sweep=SimpleNamespace(n_samples=160_000, rate=20e3))
    return SimpleNamespace(value={"V_b": begin, "V_end": end}.__getitem__, header=header)


def reasons(aim, *potentials, every=8.5):
    rested = Rested(aim, SweepLimits())
    return [rested.why_not(trial(*pair, start=i * every)) for i, pair in enumerate(potentials)]


@pytest.mark.parametrize("aim", [REST, None])
def test_a_sweep_that_begins_on_the_ahp_of_the_one_before_is_left_out_and_the_one_before_is_not(aim):
    first, second, third = reasons(aim, (REST, DEEP), (DEEP, REST), (REST, REST))
    assert first is None
    assert second == ("began before the AHP of the sweep before was over: baseline is -63.5 mV; wanted above -62.0 mV")
    assert third is None


@pytest.mark.parametrize(
    ("second", "why"),
    [
        ((REST, DEEP), "it was over in time"),
        ((-0.0615, DEEP), "what is left is within the limit"),
        ((-0.0565, REST), "the cell went up, which no AHP does"),
        ((math.nan, DEEP), "nobody knows where it began"),
    ],
)
def test_a_sweep_after_a_long_ahp_counts_when_it_begins_near_the_usual_baseline(second, why):
    assert reasons(REST, (REST, DEEP), second) == [None, None], why


def test_a_cell_that_drifts_without_an_ahp_is_left_to_the_gates():
    assert reasons(REST, (-0.0625, -0.0625), (-0.0630, -0.0630)) == [None, None]


@pytest.mark.parametrize("aim", [REST, None])
def test_a_baseline_that_stays_low_for_longer_than_an_ahp_lasts_has_shifted(aim):
    low = (-0.0623, -0.0623)
    assert reasons(aim, (REST, -0.0625), low, low, low, every=30.0) == [None] * 4


def test_without_an_aim_sweeps_are_compared_with_those_that_began_rested():
    found = reasons(None, (REST, DEEP), (DEEP, -0.066), (-0.0635, -0.066), (REST, REST))
    assert [why is None for why in found] == [True, False, False, True]


def test_sweeps_so_near_that_the_ahp_grows_no_more_stay_left_out_until_the_cell_is_back():
    found = reasons(None, (REST, DEEP), (DEEP, -0.066), (-0.066, -0.066), (-0.066, -0.066), (REST, -0.066))
    assert [why is None for why in found] == [True, False, False, False, True]


def test_who_allows_more_loses_no_sweep():
    rested = Rested(REST, SweepLimits(end_within="5 mV"))
    assert [rested.why_not(trial(*pair, start=8.5 * i)) for i, pair in enumerate(((REST, DEEP), (DEEP, REST)))] == [
        None
    ] * 2


def slow():
    """Return a rig whose cell has a slow AHP of several seconds."""
    before, _ = RIG.read_text("utf-8").split("simulation:")
    quiet = "noise: no, variability: 0 %, parameters: {sensor_tau: 6000}"
    return f"{before}simulation: {{population: ca1_aged, {quiet}}}\n"


def runs(rehearse, every, rebias):
    """Return the run of four bursts, and which of them enter means."""
    r = rehearse(BURSTS.format(every=every, rebias=rebias), rig=slow())
    made, rejected = by_sweep(r.tape.measurements), {e.data["sweep"] for e in r.tape.said("rejected")}
    bursts = [h.sweep.index for h in r.tape.headers if h.label == "bursts"]
    assert "not_recovered" in made[bursts[0]]["V_end"].flags
    return r, [i not in rejected and is_accepted(made[i].values(), "A_1000") for i in bursts]


def test_sweeps_with_long_ahps_all_count_when_the_cell_has_time_to_recover(rehearse):
    _, counts = runs(rehearse, "60 s", "rebias: {to: -60 mV}")
    assert counts == [True] * 4


def test_without_that_time_only_the_first_counts_and_the_log_says_why(rehearse):
    r, counts = runs(rehearse, "5 s", "")
    assert counts == [True, False, False, False]
    assert ": began before the AHP of the sweep before was over: " in r.tape.said("rejected")[0].text
