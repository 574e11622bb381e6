"""A plan bounds what a protocol will do."""

from pathlib import Path

import pytest

from protocols.commands import hold_command, membrane_test_command, series_command
from protocols.errors import LimitExceeded, Refused
from protocols.loading import load_protocol, protocol_from_text
from protocols.plan import Plan, PlanLimits, make_plan
from protocols.steps import Hold, MembraneTest, Series

GOOD = (Path(__file__).parents[1] / "broken" / "good_protocol.yaml").read_text(encoding="utf-8")
RIG = PlanLimits(
    voltage=(-0.12, 0.06), current=(-500e-12, 1000e-12), sampling=200e3, safe_voltage=-0.07, dead_time=45.0, settle=0.5
)
SWEEP = 1.5 + 0.15 + 6.0


def plan(text: str = GOOD, limits: PlanLimits = RIG) -> Plan:
    return make_plan(protocol_from_text(text, "x"), limits)


def step(made: Plan, name: str):
    return next(s for s in made.steps if s.name == name)


def test_a_hold_takes_its_time_and_reaches_its_pulses() -> None:
    hold = step(plan(), "hold")
    assert (hold.shortest, hold.longest) == (300.0, 300.0)
    assert (hold.unit, hold.lowest, hold.highest) == ("V", pytest.approx(-0.075), -0.07)
    assert hold.bytes_max == 300 * 20_000 * 3 * 4


def test_a_membrane_test_starts_from_the_potential_left_behind() -> None:
    test = step(plan(GOOD.replace("voltage: -70 mV", "voltage: -80 mV")), "membrane_test")
    assert test.shortest == pytest.approx(20 * 4 * 0.05)
    assert (test.lowest, test.highest) == (pytest.approx(-0.085), -0.08)


def test_a_search_lasts_from_its_confirmation_to_its_last_trial() -> None:
    find = step(plan(), "burst")
    assert (find.sweeps_min, find.sweeps_max) == (2, 12)
    assert find.shortest == pytest.approx(1 * 15 + 2.15)
    assert find.longest == pytest.approx(11 * 15 + 2.15)


def test_a_series_until_stable_lasts_from_enough_sweeps_to_at_most() -> None:
    baseline = step(plan(), "baseline")
    assert (baseline.sweeps_min, baseline.sweeps_max) == (10, 40)
    assert baseline.shortest == pytest.approx(9 * 30 + SWEEP)
    assert baseline.longest == pytest.approx(30 + 39 * 30 + SWEEP), "one interval from the last search sweep"


def test_counting_from_arrival_adds_the_dead_time() -> None:
    drug = step(plan(), "drug")
    assert drug.sweeps_min == drug.sweeps_max == 22  # ceil((45 + 600) / 30)
    assert drug.shortest == pytest.approx(21 * 30 + SWEEP)


def test_waiting_for_arrival_leaves_nothing_to_add() -> None:
    made = plan(GOOD.replace("{solution: blocker}", "{solution: blocker, wait_for_arrival: yes}"))
    assert step(made, "apply").shortest == 45.0
    assert step(made, "drug").sweeps_max == 20


def test_the_whole_is_the_sum_of_its_steps() -> None:
    made = plan()
    assert made.shortest == pytest.approx(sum(s.shortest for s in made.steps))
    assert made.longest > made.shortest
    assert [s.number for s in made.steps][-2:] == ["finish 1", "finish 2"]
    assert made.as_mapping()["steps"][0]["verb"] == "hold"


def test_bias_step_and_test_pulse_add_up() -> None:
    made = plan()
    assert made.extremes("A") == (pytest.approx(-300e-12), pytest.approx(650e-12))
    assert made.extremes("V") == (pytest.approx(-75e-3), -70e-3)


def test_a_sum_beyond_the_limits_is_refused_though_each_part_is_within() -> None:
    with pytest.raises(LimitExceeded, match=r"series 'baseline'.*-50 pA? .. 1.1 nA|-700 pA .. 1.05 nA"):
        plan(GOOD.replace("max_bias: 250 pA", "max_bias: 650 pA"))


def test_without_a_bias_the_step_stands_alone() -> None:
    text = GOOD.replace("bias_to: -60 mV, max_bias: 250 pA", "max_bias: 250 pA")
    assert step(plan(text), "switch_to").highest == 0.0


def test_sampling_beyond_the_card_is_refused() -> None:
    with pytest.raises(Refused, match="20 kHz is more than"):
        plan(limits=PlanLimits(RIG.voltage, RIG.current, sampling=10e3, safe_voltage=-0.07))


def test_every_step_has_a_line_for_people() -> None:
    made = plan()
    assert step(made, "hold").what == "hold -70 mV for 5 min, -5 mV pulses every 10 s"
    assert "Blocker 1 µM" in step(made, "apply").what
    assert all(s.what for s in made.steps)


@pytest.mark.parametrize(
    ("name", "shortest", "longest"),
    [("sahp_l_type_block", 36, 65), ("sahp_short", 10, 15), ("membrane_test", 1, 1.2), ("f_i_curve", 3, 4.2)],
)
def test_shipped_protocols_last_as_long_as_said(name, shortest, longest) -> None:
    made = make_plan(load_protocol(Path(f"protocols/library/{name}.yaml")), RIG)
    assert made.shortest / 60 == pytest.approx(shortest, rel=0.15)
    assert made.longest / 60 == pytest.approx(longest, rel=0.15)


def test_commands_play_what_the_steps_say() -> None:
    protocol = protocol_from_text(GOOD, "x")
    hold = next(s for s in protocol.steps if isinstance(s, Hold))
    assert len(hold_command(hold, 20e3).of("test_pulse")) == 30
    test = next(s for s in protocol.steps if isinstance(s, MembraneTest))
    assert len(membrane_test_command(test, 20e3, holding=-0.07).of("test_pulse")) == 20
    series = next(s for s in protocol.steps if isinstance(s, Series))
    command = series_command(series, 20e3, holding=-20e-12, amplitude=300e-12)
    assert command.extremes == (pytest.approx(-70e-12), pytest.approx(280e-12))
    assert command.duration == pytest.approx(SWEEP)
