"""`patchrig compare`: from files to report, tables and sentences."""

from __future__ import annotations

import json
import re

import polars
import pytest
from typer.testing import CliRunner

from acquisition.cli import app
from acquisition.study.comparing import Asked, compare_sessions
from acquisition.study.sheaf import write_pdf
from protocols.errors import PatchrigError, Refused
from tests.study.studies import write_cell


@pytest.fixture(scope="module")
def made(study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    asked = Asked((study,), report=folder / "r.html", table=folder / "t.parquet", workers=1)
    return compare_sessions(asked), folder


def invoke(*words):
    return CliRunner().invoke(app, ["compare", *map(str, words)])


def test_the_answer_has_the_numbers(made):
    study, _ = made
    (sentence,) = [s for s in study.report.answer if "MEM" in s]
    # the three drug cells lose 2.0, 2.49 and 1.48 mV, the vehicle cells 0.42, 0.37 and 0.46 mV
    assert "reduced the sAHP at 1 s by 1.57 mV beyond its change in vehicle cells" in sentence
    assert re.search(r"95 % CI \d\.\d\d to \d\.\d\d", sentence)


def test_the_page_needs_nothing_else(made):
    text = (made[1] / "r.html").read_text()
    assert text.startswith("<!doctype html>")
    assert text.count("<svg") == len(made[0].report.pictures)
    asks = re.findall(r'(?:src|href)="(?!#)[^"]*"|url\((?!#)[^)]*\)|@import|<script|<link', text)
    assert asks == []


def test_the_page_follows_light_and_dark(made):
    text = (made[1] / "r.html").read_text()
    assert "prefers-color-scheme: dark" in text
    assert "var(--ink)" in text
    assert "#222222" not in text.split("</style>")[1]


def test_the_methods_are_written_from_the_protocol(made):
    text = " ".join(p.text for p in made[0].report.methods)
    said = ("CA1", "Fischer 344", "22 to 26 months", "20 kHz", "−60 mV", "every 30 s", "MEM 1003 1 µM in 0.01 % DMSO")
    measured = ("950 to 1050 ms after the step", "510 to 10 ms before the step", "Welch's t", "sahp 2.3")
    assert [words for words in (*said, *measured) if words not in text] == []


def test_every_left_out_sweep_is_listed_with_its_reason(made):
    (sheet,) = [s for s in made[0].report.sheets if "sweeps" in s.heading]
    assert [(row[0], row[3], row[-1]) for row in sheet.rows] == [
        (f"drug{i}", "1", "spikes 2, not as wanted") for i in range(3)
    ]


def test_the_table_has_one_row_per_cell_phase_and_measure_with_its_unit(made):
    table = polars.read_parquet(made[1] / "t.parquet")
    assert table.select("cell", "phase", "measure").is_unique().all()
    (row,) = table.filter(cell="drug0", phase="test", measure="A_1000").to_dicts()
    assert row["mean"] == pytest.approx(-2.0)
    assert (row["unit"], row["n_sweeps"], row["group"]) == ("mV", 9, "MEM 1003 1 µM")
    assert row["concentration_mol_per_l"] == 1e-6


def test_the_second_table_has_every_sweep(made):
    table = polars.read_parquet(made[1] / "t_sweeps.parquet")
    (row,) = table.filter(cell="drug0", sweep=1).to_dicts()
    assert (row["kept"], row["reason"]) == (False, "spikes 2, not as wanted")
    assert row["A_1000_mV"] == pytest.approx(-4.0)
    assert row["Rin_MOhm"] == pytest.approx(80.0)


def test_a_pdf_is_written_page_by_page(made, tmp_path):
    write_pdf(made[0].report, tmp_path / "r.pdf")
    data = (tmp_path / "r.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    assert data.count(b"/Type /Page ") >= 5


def test_json_has_results_and_cells(study):
    run = invoke(study, "--json", "--workers", 1)
    data = json.loads(run.stdout)
    assert run.exit_code == 0
    assert data["ok"]
    (result,) = [r for r in data["results"] if (r["group"], r["measure"]) == ("MEM 1003 1 µM", "A_1000")]
    assert result["estimate"] == pytest.approx(1.57e-3, abs=1e-5)
    assert result["against_vehicle"]
    assert len(data["cells"]) == 6


def test_protocols_that_differ_are_said(tmp_path):
    one = write_cell(tmp_path, cell="a", protocol=("every: 30 s", "every: 40 s"))
    other = write_cell(tmp_path, cell="b")
    text = " ".join(p.text for p in compare_sessions(Asked((one, other), workers=1)).report.methods)
    assert "every (30 s in 1, 40 s in 1)" in text


def test_one_cell_alone_ends_in_a_sentence(study):
    made = compare_sessions(Asked((next(study.glob("*drug0*.nwb")),), workers=1))
    assert "not determined (n = 1 cell / 1 animal)" in made.report.answer[0]


def test_a_session_without_bursts_is_named(tmp_path, study):
    empty = write_cell(tmp_path, sweeps=0)
    made = compare_sessions(Asked((empty, next(study.glob("*drug0*.nwb"))), workers=1))
    (sheet,) = [s for s in made.report.sheets if "cells" in s.heading and "Quality" in s.heading]
    assert any(empty.name in " ".join(row) for row in sheet.rows)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"report": "r.docx"}, "ends in .html or .pdf"),
        ({"table": "t.xlsx"}, "ends in .csv or .parquet"),
        ({"report": "nowhere/r.html"}, "there is no folder"),
        ({"blind": True}, "needs a place for its key"),
        ({"key": "k.json"}, "--key belongs to --blind"),
        ({"vehicle": "nimodipine"}, "no solution is called 'nimodipine'"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_cure(study, tmp_path, change, words):
    paths = {k: tmp_path / v for k, v in change.items() if k in ("report", "table", "key")}
    with pytest.raises(Refused, match=re.escape(words)):
        compare_sessions(Asked((study,), workers=1, **(change | paths)))


def test_nothing_to_read_is_refused_with_every_reason(tmp_path):
    (tmp_path / "x.nwb").write_bytes(b"no session")
    with pytest.raises(PatchrigError, match=r"none of the 1 files.*\n.*x\.nwb is not an NWB file"):
        compare_sessions(Asked((tmp_path,), workers=1))
