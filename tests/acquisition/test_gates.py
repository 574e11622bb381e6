"""Gates that see nothing: when they act, on what they count from, and what they only note."""

import pytest

from acquisition.gates import Gatekeeper, Vitals
from protocols.parts import Require, StopWhen
from protocols.sweeps import ClampMode, Measurement

NAN = float("nan")
FAR_FROM_START = StopWhen(access_resistance="outside 30 % of start", then="ask")


def rs(ohms=NAN, *flags):
    return [Measurement("Rs", ohms, "Ohm", 0, 0.0, None, flags)]


def in_current_clamp(*, tested=None):
    vitals = Vitals()
    if tested is not None:
        vitals.take(rs(tested), averaged=True)
    vitals.mode = ClampMode.CURRENT
    return vitals


def said(gate, vitals, sweeps, **how):
    """Return what the gate says after each of `sweeps`."""
    keeper, found = Gatekeeper(), []
    for sweep in sweeps:
        vitals.take(sweep, **how)
        found.append([t.text for t in keeper.look([gate], vitals)])
    return found


@pytest.mark.parametrize("flag", ["spike_at_edge", "clipped", "gap", "no_fit"])
def test_three_sweeps_without_a_value_trip_a_gate_once_whatever_their_flag(flag):
    first, second, third, fourth = said(FAR_FROM_START, in_current_clamp(), [rs(NAN, flag)] * 4)
    assert first == second == fourth == []
    (text,) = third
    assert text.startswith("access resistance could not be measured in 3 sweeps (")


def test_sweeps_that_could_not_be_analysed_count_as_sweeps_without_a_value():
    assert [len(x) for x in said(FAR_FROM_START, in_current_clamp(), [[]] * 3, failed=True)] == [0, 0, 1]


def test_values_that_begin_late_are_compared_with_the_membrane_test():
    spoilt, doubled = [rs(NAN, "spike_at_edge")] * 3, [rs(25e6)]
    *_, last = said(FAR_FROM_START, in_current_clamp(tested=12e6), spoilt + doubled)
    assert last == ["access resistance is 25 MOhm: outside 30 % of start"]


def test_values_from_the_beginning_are_compared_with_each_other():
    assert not any(said(FAR_FROM_START, in_current_clamp(tested=12e6), [rs(18e6)] * 6))


def test_what_the_rig_never_tells_is_noted_once_and_stops_nothing():
    vitals, keeper, gate = in_current_clamp(), Gatekeeper(), StopWhen(access_resistance="above 30 MOhm", then="stop")
    found = []
    for _ in range(5):
        vitals.take(rs(NAN, "bridge_unknown"))
        found += keeper.look([gate], vitals)
    assert [t.action for t in found] == ["note"]
    assert "bridge unknown" in found[0].text


def test_a_gate_made_where_another_was_in_memory_is_not_taken_for_it():
    vitals, keeper, found = in_current_clamp(), Gatekeeper(), []
    for limit in range(20, 40):
        vitals.take(rs(50e6))
        found += keeper.look([StopWhen(access_resistance=f"above {limit} MOhm", then="stop")], vitals)
    assert len(found) == 20


def test_a_membrane_test_without_a_value_fails_what_it_requires_although_the_hold_before_it_had_one():
    vitals = Vitals()
    vitals.take(rs(12e6))
    (found,) = said(Require(access_resistance="below 25 MOhm"), vitals, [rs(NAN, "no_fit")], averaged=True)
    assert found == ["access resistance could not be measured (no fit); the gate is 'below 25 MOhm'"]


def test_a_sweep_whose_spikes_could_not_be_counted_is_skipped():
    vitals = in_current_clamp()
    count = Require(spikes="3..4", on_fail="skip")
    sweeps = [[Measurement("n_ap", n, "1", 0, 0.0)] for n in (3.0, NAN, 4.0)]
    assert [len(x) for x in said(count, vitals, sweeps)] == [0, 1, 0]
