"""Which cells are compared with which."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acquisition.study.cell import Role, Solution
from acquisition.study.design import By, design_of
from acquisition.study.measures import concentration_text
from tests.study.records import cell, drug, phase

LOW, HIGH = drug(1e-7), drug(1e-6)


def cells():
    return [
        cell("high", -4e-3, -2e-3, solution=HIGH),
        cell("low", -4e-3, -3e-3, solution=LOW),
        cell("control", -4e-3, -3.9e-3),
        cell("other", -4e-3, -1e-3, solution=drug(1e-6, "nimodipine")),
    ]


@pytest.mark.parametrize(
    ("by", "names"),
    [
        (By.CONDITION, ["vehicle", "MEM 1003 0.1 µM", "MEM 1003 1 µM", "nimodipine 1 µM"]),
        (By.COMPOUND, ["vehicle", "MEM 1003", "nimodipine"]),
        (By.CONCENTRATION, ["vehicle", "MEM 1003 0.1 µM", "MEM 1003 1 µM", "nimodipine 1 µM"]),
    ],
)
def test_vehicle_comes_first_then_compounds_by_rising_concentration(by, names):
    assert [g.name for g in design_of(cells(), by).groups] == names


def test_the_same_concentration_written_in_two_ways_is_one_group():
    one, other = Solution("MEM 0.5 µM", "MEM", 5e-7), Solution("MEM 500 nM", "MEM", 5e-7)
    pair = [cell("a", -4e-3, -2e-3, solution=one), cell("b", -4e-3, -2e-3, solution=other)]
    assert len(design_of(pair, By.CONCENTRATION).groups) == 1


def test_a_cell_that_is_left_out_does_not_speak():
    group = design_of([*cells()[:1], cell("bad", -4e-3, -2e-3, solution=HIGH, accepted=False)]).groups[0]
    assert len(group.members) == 2
    assert [m.cell.cell for m in group.accepted] == ["high"]


def test_a_cell_without_two_phases_is_in_no_group():
    c = cell("x", -4e-3, -2e-3)
    design = design_of([replace(c, phases=c.phases[:1])])
    assert design.groups == ()
    assert [u.cell for u in design.unplaced] == ["x"]


def test_a_cell_with_two_concentrations_is_in_two_groups_and_of_one_compound_once():
    c = cell("x", -4e-3, -3e-3, solution=LOW)
    c = replace(c, phases=(*c.phases, phase(Role.TEST, HIGH, A_1000=-2e-3, S_fix=-3e-3)))
    assert [g.name for g in design_of([c]).groups] == ["MEM 1003 0.1 µM", "MEM 1003 1 µM"]
    (group,) = design_of([c], By.COMPOUND).groups
    assert group.members[0].after.mean("A_1000").value == -2e-3
    assert c.is_cumulative


@pytest.mark.parametrize(
    ("molar", "text"),
    [(1e-6, "1 µM"), (1e-7, "0.1 µM"), (3e-8, "30 nM"), (2.5e-5, "25 µM"), (1e-3, "1 mM"), (0, "0 M")],
)
def test_concentrations_are_written_as_people_write_them(molar, text):
    assert concentration_text(molar) == text


def test_a_phase_whose_resistances_changed_is_not_compared_though_the_cell_counts():
    c = cell("x", -4e-3, -3e-3, solution=LOW)
    late = replace(phase(Role.TEST, HIGH, A_1000=-2e-3, S_fix=-3e-3), is_comparable=False)
    groups = design_of([replace(c, phases=(*c.phases, late))]).groups
    assert [len(g.accepted) for g in groups] == [1, 0]
