"""`patchrig rehearse`: from a protocol to sentences, report, figure and data."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.text import Text
from typer.testing import CliRunner

from acquisition.cli import app
from acquisition.rehearsal.counts import losses
from acquisition.rehearsal.figure_plan import plan_figure
from acquisition.rehearsal.population import ended_by_person
from acquisition.rehearsal.power import curves
from acquisition.rehearsal.rehearsing import Asked, concluded, late_faults, rehearse, write
from acquisition.rehearsal.report import answer, report_of
from acquisition.rehearsal.virtual_cell import Arm, Ending
from acquisition.study.sheaf import write_pdf
from protocols.errors import Refused
from tests.kit import RIG, ROOT

VEHICLE = ROOT / "protocols" / "library" / "sahp_vehicle_control.yaml"


def invoke(*words):
    return CliRunner().invoke(app, ["rehearse", *map(str, words)])


def with_cells(rehearsed, n):
    """Return the rehearsal as if each group had `n` usable cells, whose changes overlap."""
    random = np.random.default_rng(1)
    drug, vehicle = random.normal(1.3e-3, 1e-3, n), random.normal(0.0, 1e-3, n)
    made = [replace(p, drug=drug, vehicle=vehicle, curves=curves(drug, vehicle)) for p in rehearsed.planned]
    return replace(rehearsed, planned=tuple(made))


def test_the_answer_says_success_time_effect_and_cells(rehearsed):
    said = "\n".join(answer(rehearsed))
    assert f"usable result in {rehearsed.success.count} of 8 virtual cells" in said
    assert re.search(r"It takes 2\.[34] min \(median; 5 to 95 %: 2\.[34] min to 2\.[34] min\)", said)
    assert "reduced the sAHP at 1 s by" in said
    assert "for a power of 80 % on the sAHP at 1 s in mV, 4 usable virtual cells are too few to say" in said


def test_of_few_cells_no_number_is_told_and_of_less_than_20_one_with_its_interval_and_a_warning(rehearsed):
    few = "\n".join(answer(rehearsed))
    more = "\n".join(answer(with_cells(rehearsed, 12)))
    many = "\n".join(answer(with_cells(rehearsed, 20)))
    assert not re.search(r"a study needs", few)
    assert all("Fewer than 20 usable virtual cells in a group" in said for said in (few, more))
    assert "Fewer than 20" not in many
    for said in (more, many):
        assert re.search(r"a study needs (≤ )?\d+ \(.+ to .+\) accepted cells in each group \(95 % interval", said)


def test_the_drug_cells_change_and_the_vehicle_cells_hardly(rehearsed):
    plan = rehearsed.planned[0]
    assert (plan.measure, len(plan.drug), len(plan.vehicle)) == ("A_1000", 4, 4)
    assert plan.drug.mean() > 5 * abs(plan.vehicle.mean())
    assert plan.effect == pytest.approx(plan.drug.mean() - plan.vehicle.mean())


def test_the_report_is_one_page_that_fetches_nothing(rehearsed, tmp_path):
    files = write(replace(rehearsed, asked=replace(rehearsed.asked, out=tmp_path)))
    assert [f.name for f in files] == ["report.html", "rehearsal.png", "rehearsal.json"]
    text = files[0].read_text(encoding="utf-8")
    assert "http" not in text.replace("http://www.w3.org", "")
    for heading in ("How it ended", "What gates did", "How long it takes", "Power against the number of cells"):
        assert heading in text
    assert "patchrig compare</em>" not in text
    assert "no living cell was recorded" in text


def test_the_data_hold_every_cell_and_curve_as_json(rehearsed):
    data = json.loads(json.dumps(rehearsed.as_mapping(), allow_nan=False))
    assert [c["seed"] for c in data["cells"]] == list(range(1, 9))
    assert data["success"]["of"] == 8
    curve = data["planned"][0]["power"]["drug against vehicle"]
    assert len(curve["cells"]) == len(curve["formula"]) == len(curve["drawn"]) == 38


def test_the_report_can_be_a_pdf(rehearsed, tmp_path):
    write_pdf(report_of(rehearsed), tmp_path / "r.pdf")
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")


def test_a_rehearsal_that_was_ended_early_says_so_and_has_both_arms(rehearsed):
    cut = replace(rehearsed, cells=rehearsed.cells[:4])
    assert cut.is_cut_short
    assert len(cut.of(Arm.VEHICLE)) == len(cut.of(Arm.WRITTEN)) == 2
    assert any("ended early: 4 of 8" in c for c in report_of(cut).caveats)


def test_nothing_at_all_is_a_sentence_too(rehearsed):
    none = concluded(rehearsed.asked, rehearsed.title, rehearsed.rig, [])
    assert list(answer(none)) == ["No virtual cell was finished."]
    assert report_of(none).sheets == ()


def test_ctrl_c_asks_for_an_end_and_a_second_one_is_the_usual_one():
    before = signal.getsignal(signal.SIGINT)
    with ended_by_person() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(1)
        assert signal.getsignal(signal.SIGINT) is before
    assert signal.getsignal(signal.SIGINT) is before


def test_only_the_main_thread_listens_to_ctrl_c():
    heard = []

    def listen():
        with ended_by_person() as stop:
            heard.append(stop.is_set())

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert heard == [False]


def test_a_protocol_that_stops_at_a_gate_says_which_and_plans_nothing(protocol, bad_rig):
    done = rehearse(Asked(protocol, bad_rig, cells=2, workers=1))
    said = "\n".join(answer(done))
    assert "usable result in 0 of 2" in said
    assert "What costs most cells: the gate access resistance; wanted below 25 MOhm (2 cells)" in said
    assert done.planned == ()
    assert done.findings is None


def test_what_costs_most_cells_is_told_whoever_ends_the_runs(rehearsed):
    words = "hardware failed: amplifier: does not answer"
    failed = [replace(c, ending=Ending.FAILED, why=(words,), cell=None) for c in rehearsed.cells[:2]]
    left = replace(rehearsed.cells[2], ending=Ending.LEFT_OUT, why=("4 accepted baseline sweeps, 6 needed",))
    cells = [*failed, left, *rehearsed.cells[3:]]
    done = concluded(rehearsed.asked, rehearsed.title, rehearsed.rig, cells)
    assert f"What costs most cells: {words} (2 cells)." in next(answer(done))
    assert [(one.text, one.share.count, one.share.of) for one in losses(cells)] == [
        (words, 2, 8),
        ("too few accepted baseline sweeps, 6 needed", 1, 8),
    ]


def words_in(figure):
    """Return every text that a figure shows, each once."""
    figure.canvas.draw()
    return "\n\n".join(dict.fromkeys(t.get_text() for t in figure.findobj(Text)))


def test_the_figure_says_success_time_effect_and_cells(rehearsed):
    more = with_cells(rehearsed, 12)
    said = words_in(plan_figure(more, more.planned))
    usable = rehearsed.success
    assert f"How it ends: {100 * usable.fraction:.0f} % usable" in said
    assert "How long it takes: 2." in said
    assert re.search(r"What to expect: \+\d\.\d+ mV\n95 % CI", said)
    assert said.count("n = 12") == 2
    assert "Fewer than 20 usable virtual cells in a group (here 12)" in said
    many = with_cells(rehearsed, 20)
    assert "Fewer than" not in words_in(plan_figure(many, many.planned))
    assert "80 %" in said
    assert re.search(r"\d+ cells", said)


def test_the_figure_of_a_rehearsal_without_a_result_says_why(protocol, bad_rig):
    done = rehearse(Asked(protocol, bad_rig, cells=1, workers=1))
    said = words_in(plan_figure(done, ()))
    assert "How it ends: 0 % usable" in said
    assert "gate: access resistance;" in said
    assert "no run came\nto its end" in said
    assert "no usable cell\nwith a drug" in said


def test_the_command_prints_the_answer_and_one_json_object(protocol, rig, tmp_path):
    result = invoke(
        protocol, "--rig", rig, "--cells", 1, "--vehicle", 0, "--workers", 1, "--json", "--figure", tmp_path / "p.png"
    )
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert data["ok"] is True
    assert data["success"]["of"] == 1
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--keep"], "--keep needs a folder for the sessions: --out DIR"),
        (["--report", "x.docx"], "write a name that ends in .html, .pdf"),
        (["--figure", "nowhere/x.png"], "there is no folder"),
        (["--cells", "4", "--vehicle", "5"], "5 vehicle cells are more than the 4 cells"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(protocol, words, message):
    result = invoke(protocol, *words)
    assert result.exit_code != 0
    assert message in str(result.exception)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "there"], "there is a file: name a folder"),
        (["--out", "there/below"], "there is a file: name a folder"),
        (["--report", "folder.html"], "folder.html is a folder: name a file"),
    ],
)
def test_a_file_where_a_folder_should_be_is_refused_in_words(protocol, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").touch()
    (tmp_path / "folder.html").mkdir()
    result = invoke(protocol, *words)
    assert result.exit_code != 0
    assert message in str(result.exception)


FAULTS = "trouble: Late\nformat: 1\nfaults:\n  - hum: {after: drug, for: 1 s}\n  - cell_death: {at: 2 h}\n"


def test_a_fault_that_never_came_is_told_with_the_number_of_cells(protocol, rig, tmp_path):
    (tmp_path / "late.yaml").write_text(FAULTS, encoding="utf-8")
    asked = Asked(protocol, rig, cells=1, vehicle=0, workers=1, faults=tmp_path / "late.yaml")
    (warned,) = late_faults(asked)
    assert warned.startswith("fault 2 (cell_death, at 2 h) will not come, unless a person keeps the run waiting")
    done = rehearse(asked)
    assert (
        list(answer(done))[-1] == "Fault 2 (cell_death, at 2 h) never came in 1 of 1 virtual cell: runs ended before."
    )
    assert done.as_mapping()["cells"][0]["missed_faults"] == ["fault 2 (cell_death, at 2 h)"]


def test_virtual_cells_have_no_animals(rehearsed):
    assert "4 virtual cells" in "\n".join(answer(rehearsed))
    words = "\n".join([*answer(rehearsed), *(str(sheet.head) for sheet in report_of(rehearsed).sheets)])
    assert "animals" not in words


def test_a_protocol_without_compound_has_no_vehicle_arm():
    with pytest.raises(Refused, match="--vehicle 0"):
        rehearse(Asked(VEHICLE, RIG, cells=2, vehicle=1))
