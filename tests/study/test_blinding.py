"""Under codes nothing tells which cells got the drug."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from acquisition.study.blinding import Hider, code
from acquisition.study.cell import LeftOut, Role, Unreadable
from acquisition.study.comparing import Asked, compare_sessions
from acquisition.study.design import By, design_of
from acquisition.study.findings import compare_cells
from acquisition.study.gathering import Gathered
from tests.study.records import cell, drug

TELLING = ("MEM", "1003", "vehicle0", "DMSO", "ACSF", "1 µM", "drug")


def cells():
    drugs = [cell(f"drug{i}", -4e-3, -2e-3, solution=drug()) for i in range(4)]
    return [*drugs, *(cell(f"vehicle{i}", -4e-3, -3.8e-3) for i in range(4))]


def coded(by=By.CONDITION, which=None):
    return code(Gathered(tuple(which or cells())), by)


def test_no_name_of_cell_file_animal_or_solution_is_left():
    text = repr(coded().gathered)
    assert not [word for word in TELLING if word.casefold() in text.casefold()]


def test_the_key_says_which_is_which():
    made = coded()
    assert set(made.key.conditions) == {"A", "B"}
    assert set(made.key.conditions.values()) == {"vehicle", "MEM 1003 1 µM"}
    for c in made.gathered.cells:
        letter = c.tests[0].solution.label
        assert (made.key.conditions[letter] == "vehicle") == made.key.cells[c.cell]["cell"].startswith("vehicle")
        assert made.key.animals[c.animal] == made.key.cells[c.cell]["animal"]


def test_codes_do_not_depend_on_the_order_of_the_files_and_change_with_the_set():
    assert coded().key == coded(which=cells()[::-1]).key
    keys = {tuple(coded(which=[*cells(), cell(f"more{i}", -4e-3, -2e-3)]).key.conditions.values()) for i in range(20)}
    assert len(keys) == 2  # either name can be A


def test_numbers_of_cells_do_not_follow_the_names():
    names = [coded(which=[*cells(), cell(f"x{i}", -4e-3, -2e-3)]).key.cells for i in range(3)]
    assert any([c["cell"] for c in n.values()] != sorted(c["cell"] for c in n.values()) for n in names)


def test_groups_keep_their_cells_and_no_group_is_the_vehicle():
    design = design_of(coded().gathered.cells)
    assert sorted(len(g.members) for g in design.groups) == [4, 4]
    assert design.vehicle is None


def test_effects_are_those_of_the_open_study():
    opened, blind = compare_cells(cells(), resamples=200), compare_cells(coded().gathered.cells, resamples=200)
    letter = {name: code for code, name in coded().key.conditions.items()}
    for name in ("vehicle", "MEM 1003 1 µM"):
        one, other = opened.result(name, "A_1000").paired, blind.result(letter[name], "A_1000").paired
        assert other.difference == pytest.approx(one.difference)
        assert other.n_cells == one.n_cells
    assert {(b.first, b.second) for b in blind.between} == {("A", "B")}


def test_concentrations_become_codes_too_and_no_curve_is_fitted():
    study = [cell(f"x{m}{i}", -4e-3, -2e-3, solution=drug(m)) for m in (1e-7, 1e-6) for i in range(3)]
    made = coded(By.CONCENTRATION, study)
    assert all(p.solution.concentration is None for c in made.gathered.cells for p in c.phases)
    assert compare_cells(made.gathered.cells, resamples=200).responses == ()


def test_remarks_that_name_the_drug_are_blackened():
    said = LeftOut(3, 1.0, "drug", Role.TEST, "MEM made a bubble in the drug tube; spikes is 2")
    made = coded(which=[replace(cells()[0], left_out=(said,), reasons=("mem 1003 leaked",)), *cells()[1:]])
    (found,) = [s for c in made.gathered.cells for s in c.left_out]
    assert found.reason == "[blinded] made a bubble in the [blinded] tube; spikes is 2"
    assert found.phase == "test"


def test_files_that_cannot_be_read_have_no_name():
    made = code(Gathered(tuple(cells()), (Unreadable("/data/MEM_7.nwb", "MEM_7.nwb is damaged"),)), By.CONDITION)
    assert "MEM" not in repr(made.gathered.unreadable)
    assert "/data/MEM_7.nwb" in str(made.key.files)


def test_words_inside_other_words_stay():
    assert Hider.hiding({"MEM"})("member of MEM") == "member of [blinded]"


def test_a_blind_report_and_its_tables_leak_nothing(study, tmp_path):
    asked = Asked((study,), blind=True, report=tmp_path / "r.html", table=tmp_path / "t.csv", workers=1)
    made = compare_sessions(asked)
    texts = [p.read_text() for p in tmp_path.iterdir() if not p.name.endswith(".key.json")]
    texts += [repr(made.report), json.dumps(made.as_mapping() | {"written": []})]
    for text in texts:
        assert not [w for w in ("MEM 1003", "vehicle0", "drug0", "vehicle cells", "R0", "V0", "1 µM") if w in text]
    key = json.loads((tmp_path / "r.key.json").read_text())
    assert set(key["conditions"].values()) == {"vehicle", "MEM 1003 1 µM"}
    assert tmp_path / "r.key.json" in made.written


def test_the_words_of_the_design_stay():
    cells_ = [replace(cells()[0], warnings=("baseline: not steady", "MEM: not steady")), *cells()[1:]]
    (found,) = [c for c in coded(which=cells_).gathered.cells if c.warnings]
    assert found.warnings == ("baseline: not steady", "[blinded]: not steady")
