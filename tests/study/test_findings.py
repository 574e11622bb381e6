"""What a study shows: known truths come back, and the design decides what is compared with what."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from acquisition.study.answer import answer, caveats
from acquisition.study.cell import Mean
from acquisition.study.design import By
from acquisition.study.effect_sheet import effect_sheet
from acquisition.study.findings import compare_cells
from acquisition.study.models import months
from tests.study.records import cell, drug

FAST = 500
NAME = "MEM 1003 1 µM"


def study(n=6, *, effect=1.5e-3, run_down=0.4e-3, seed=1, vehicle=True, animals=None):
    """Cells of 4 +- 1 mV; all lose `run_down`, drug cells `effect` besides."""
    random = np.random.default_rng(seed)
    out = []
    for kind in ("drug", "vehicle")[: 1 + vehicle]:
        for i in range(n):
            before = -4e-3 + 1e-3 * random.normal()
            lost = run_down + (effect if kind == "drug" else 0.0) + 0.2e-3 * random.normal()
            animal = f"{kind}{i % animals}" if animals else None
            out.append(
                cell(f"{kind}{i}", before, before + lost, animal=animal, solution=drug() if kind == "drug" else None)
            )
    return out


def changes(cells, kind):
    return np.array(
        [c.tests[0].mean("A_1000").value - c.baseline.mean("A_1000").value for c in cells if kind in c.cell]
    )


def test_the_effect_is_the_difference_in_differences():
    cells = study()
    c = compare_cells(cells, resamples=FAST).result(NAME, "A_1000").contrast
    one, other = changes(cells, "drug"), changes(cells, "vehicle")
    test = stats.ttest_ind(one, other, equal_var=False)
    assert c.estimate == pytest.approx(one.mean() - other.mean())
    assert c.interval == pytest.approx(test.confidence_interval())
    assert c.p == pytest.approx(test.pvalue)
    assert c.test == "Welch t"


def test_without_vehicle_cells_the_effect_is_paired_and_run_down_is_named():
    cells = study(vehicle=False)
    findings = compare_cells(cells, resamples=FAST)
    c = findings.result(NAME, "A_1000").contrast
    test = stats.ttest_1samp(changes(cells, "drug"), 0)
    assert c.test == "paired t"
    assert c.interval == pytest.approx(test.confidence_interval())
    assert any("run-down" in line for line in answer(findings, blind=False))


def test_secondary_measures_are_corrected_and_primary_are_not():
    findings = compare_cells(study(), resamples=FAST)
    assert findings.result(NAME, "A_1000").corrected is None
    assert findings.result(NAME, "S_fix").corrected is None
    assert findings.result(NAME, "D50").corrected.family == 1


def test_a_left_out_cell_changes_only_the_table_with_every_cell():
    cells = study()
    odd = cell("odd", -4e-3, -0.1e-3, solution=drug(), accepted=False)
    without, with_odd = (compare_cells(c, resamples=FAST) for c in (cells, [*cells, odd]))
    assert with_odd.result(NAME, "A_1000").contrast == without.result(NAME, "A_1000").contrast
    assert without.with_all == {}
    assert with_odd.with_all[NAME, "A_1000"].paired.n_cells == 7


def test_censored_durations_give_medians_and_a_tobit_change():
    lost = Mean(math.nan, math.nan, 0, 10, 5.5, unit="s")
    seen = [Mean(x, 0.1, 10, unit="s") for x in (1.0, 1.4, 0.8, 1.2, 1.1)]
    after = [Mean(x, 0.1, 10, unit="s") for x in (0.6, 0.7, 0.5, 0.65, 0.55)]
    pairs = zip([lost, *seen[1:]], after, strict=True)
    cells = [cell(f"c{i}", -4e-3, -2e-3, solution=drug(), d50=pair) for i, pair in enumerate(pairs)]
    r = compare_cells(cells, resamples=FAST).result(NAME, "D50")
    assert r.lasting.before.n_censored == 1
    assert r.lasting.before.median == pytest.approx(1.2)
    assert r.contrast.test == "Tobit"
    assert r.contrast.estimate < 0


def test_cells_of_one_animal_bring_the_mixed_model_and_are_counted():
    findings = compare_cells(study(n=12, animals=6), resamples=FAST)
    r = findings.result(NAME, "A_1000")
    assert (r.paired.n_cells, r.paired.n_animals) == (12, 6)
    assert findings.mixed.effect(NAME).estimate == pytest.approx(1.5, abs=0.4)  # mV
    assert compare_cells(study(), resamples=FAST).mixed is None


def test_two_concentrations_make_a_concentration_response_corrected_for_vehicle():
    cells = [cell(f"v{i}", -4e-3, -3.2e-3) for i in range(3)]
    for molar, left in ((1e-8, 0.95), (1e-7, 0.75), (1e-6, 0.55), (1e-5, 0.5), (1e-4, 0.5)):
        cells += [cell(f"{molar}{i}", -4e-3, -4e-3 * 0.8 * left + 2e-5 * i, solution=drug(molar)) for i in (-1, 0, 1)]
    (response,) = compare_cells(cells, By.COMPOUND, resamples=FAST).responses
    assert response.is_corrected
    assert response.inhibition[1] == pytest.approx(5.0)
    assert response.fit.top == pytest.approx(50, abs=5)


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_cells_are_said_and_not_tested(n):
    findings = compare_cells(study(n=n, vehicle=False), resamples=FAST)
    (line, *_) = answer(findings, blind=False)
    assert f"n = {n}" in line
    assert "not determined" in line or "95 % CI" in line


def test_vehicle_cells_alone_are_no_drug_study():
    findings = compare_cells([c for c in study() if "vehicle" in c.cell], resamples=FAST)
    assert answer(findings, blind=False)[0].startswith("There are vehicle cells only.")


def test_no_cell_at_all_is_a_sentence():
    findings = compare_cells([cell("x", -4e-3, -2e-3, solution=drug(), accepted=False)], resamples=FAST)
    assert "No accepted cell" in answer(findings, blind=False)[0]
    assert any("left out" in line for line in caveats(findings))


def test_a_clear_effect_and_none_are_worded_apart():
    clear = answer(compare_cells(study(n=8), resamples=FAST), blind=False)[0]
    none = answer(compare_cells(study(n=8, effect=0.0), resamples=FAST), blind=False)[0]
    assert "reduced the sAHP at 1 s by" in clear
    assert "beyond its change in vehicle cells" in clear
    assert none.startswith("No change of the sAHP at 1 s by")


def test_the_same_cells_give_the_same_numbers():
    first, again = (compare_cells(study(), resamples=FAST) for _ in range(2))
    assert first.result(NAME, "A_1000") == again.result(NAME, "A_1000")


def test_sessions_that_name_the_same_cell_are_pointed_out():
    cells = [replace(c, animal="unknown", cell="cell1") for c in study(n=3, vehicle=False)]
    said = " ".join(caveats(compare_cells(cells, resamples=FAST)))
    assert "do not name their animal" in said
    assert "3 sessions are of cell cell1" in said


def lasting(name, before, after, *, solution=None, is_censored=False):
    open_ended = Mean(math.nan, math.nan, 10, unit="s", censored=3, bound=2.4)
    d50 = (Mean(before, 0.1, 10, unit="s"), open_ended if is_censored else Mean(after, 0.1, 10, unit="s"))
    return cell(name, -4e-3, -3e-3, solution=solution, d50=d50)


def test_a_censored_vehicle_duration_does_not_turn_the_effect_into_a_paired_one():
    random = np.random.default_rng(3)
    drugs = [
        lasting(f"drug{i}", 2 + random.normal(0, 0.2), 1 + random.normal(0, 0.2), solution=drug()) for i in range(8)
    ]
    controls = [
        lasting(f"v{i}", 2 + random.normal(0, 0.2), 2.3 + random.normal(0, 0.2), is_censored=i == 0) for i in range(8)
    ]
    c = compare_cells([*drugs, *controls], resamples=FAST).result(NAME, "D50").contrast
    assert c.test == "Tobit against vehicle"
    assert c.estimate == pytest.approx(-1.3, abs=0.4)
    assert c.interval[0] < c.estimate < c.interval[1] < 0


def test_a_bottle_that_is_labelled_vehicle_but_has_a_compound_is_no_vehicle():
    odd = replace(drug(), label="vehicle")
    cells = [*study(n=4)[4:], *(cell(f"d{i}", -4e-3, -2e-3 - 1e-4 * i, solution=odd) for i in range(4))]
    groups = {g.name: g.is_vehicle for g in compare_cells(cells, resamples=FAST).design.groups}
    assert groups == {"vehicle": True, "vehicle (MEM 1003)": False}


def test_effect_sizes_and_every_test_are_in_the_report():
    sheet = effect_sheet(compare_cells(study(animals=3), resamples=FAST))
    row = dict(zip(sheet.head, next(r for r in sheet.rows if r[1] == NAME), strict=True))
    assert all(row[name] not in ("", "\u2013") for name in sheet.head[1:])


@pytest.mark.parametrize(
    ("text", "age"), [("24 months", 24), ("22 .. 26 months", 24), ("2 years", 24), ("old", math.nan)]
)
def test_ages_are_read_in_months(text, age):
    assert months(text) == pytest.approx(age, nan_ok=True)
