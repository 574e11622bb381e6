"""The review screen: what its server answers, and the whole of it in a real browser."""

from __future__ import annotations

import io
import json
import math
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import polars
import pytest
from starlette.testclient import TestClient

from acquisition.analysis.analyser import analyse
from acquisition.analysis.in_progress import ANALYSER
from acquisition.outcome import outcome_of
from acquisition.page.desk import Desk
from acquisition.page.review.again import recomputed
from acquisition.page.review.kept import Kept
from acquisition.page.review.windows import MOVED, Windows
from acquisition.page.security import Keys
from acquisition.page.server import app
from acquisition.recomputing import recompute, stored_settings
from acquisition.session.audit import audit_path
from acquisition.session.reader import open_session
from acquisition.session.recovery import prove
from acquisition.session.writer import SessionWriter
from tests.page.conftest import Screen
from tests.page.layout import laid_out_wrongly
from tests.session.synthetic import make_head
from tests.test_figure import DRUG, Rig, drug_study, f_i_curve, membrane_test_only, nothing, nothing_accepted

KEYS = Keys("control-key", "watch-key")
HERE = "http://127.0.0.1:8000"
LAST, GOOD = 12, 5
"""Last sweep of the study, and an accepted one of its baseline; sweep 2 has two spikes."""
OLDER = "20260102T080000-cell9"
"""A session whose numbers an older analyser made."""
MOVE = {"A_1000": [0.7, 0.9]}


def record(folder, experiment, session_id):
    head = make_head(session_id=session_id)
    with SessionWriter(folder / head.file_name, head) as writer:
        experiment(Rig(writer))
    return folder / head.file_name


def while_it_arrives(rig):
    """One series, begun while the drug was on its way."""
    rig.switch(0.0, "ACSF", 0.0)
    rig.hold(5.0)
    for i in range(3):
        rig.burst(60.0 + 30 * i)
    rig.switch(140.0, DRUG, 45.0)
    for i in range(4):
        rig.burst(150.0 + 30 * i, label="drug", run=3, condition=DRUG if i > 1 else f"{DRUG} (arriving)")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("review")
    record(folder, f_i_curve, "20260102T090000-cell0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("acquisition.analysis.in_progress.ANALYSER", "sahp 2.1")
        record(folder, while_it_arrives, OLDER)
    return record(folder, drug_study, "20260102T101112-cell1")


@pytest.fixture
def undecided(study):
    audit_path(study).unlink(missing_ok=True)
    yield study
    audit_path(study).unlink(missing_ok=True)


def client_of(path, key=KEYS.control):
    client = TestClient(app(Desk(session=path, first="review"), KEYS, port=8000)[0], base_url=HERE)
    client.get("/review", params={"key": key})
    return client


@pytest.fixture
def client(undecided):
    return client_of(undecided)


def ask(client, path, **fields):
    answer = client.get(f"/api/review/{path}", params=fields)
    assert answer.status_code == 200, answer.text
    return answer


def decide(client, **told):
    return client.post("/api/review/decide", json=told, headers={"origin": HERE})


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_the_screen_says_what_the_suite_says(client, study):
    told, results = ask(client, "session").json(), ask(client, "results").json()
    with open_session(study) as session:
        effect = outcome_of(session).summary.change("A_1000").effect
        assert [r["sweep"] for r in told["rows"]] == [s.index for s in session.sweeps]
    [row] = [m for m in results["measures"] if m["name"] == "A_1000"]
    assert row["means"] == [effect.mean_before, effect.mean_after]
    assert (row["changes"][0]["percent"], row["changes"][0]["low"]) == (effect.percent, effect.percent_interval[0])
    assert told["rows"][2]["reason"] == "spikes 2, not as wanted"
    assert [b["arrives"] - b["switched"] for b in told["solutions"]] == [0.0, 45.0]


def test_a_window_that_is_not_where_it_was_gives_what_the_analyser_gives_with_it(study):
    kept, windows = Kept.read(study), Windows.parsed(json.dumps({**MOVE, "V_b": [-0.4, -0.01]}))
    *_, last = recomputed(kept, windows)
    with open_session(study) as session:
        made = {m.name: m.value for m in analyse(session.sweep(GOOD), windows.on(stored_settings(session)))}
    [row] = [r for r in last["rows"] if r["sweep"] == GOOD]
    assert row["values"][MOVED] == made[MOVED]
    assert row["values"]["V_b"] == made["V_b"]
    assert last["results"]["headline"] == MOVED


def test_a_window_moved_onto_the_recorded_one_gives_the_recorded_numbers_to_the_last_bit(study):
    kept = Kept.read(study)
    *_, last = recomputed(kept, Windows.parsed(json.dumps({"A_1000": [0.95, 1.05]})))
    stored = {m.sweep: m.value for m in kept.stored if m.name == "A_1000" and math.isfinite(m.value)}
    assert {r["sweep"]: r["values"][MOVED] for r in last["rows"] if r["sweep"] in stored} == stored


def test_untouched_numbers_are_the_recorded_ones_after_all_that_review_can_do(client, study):
    ask(client, "recomputed", windows=json.dumps(MOVE))
    assert decide(client, sweep=GOOD, act="reject", reason="noise").status_code == 200
    with open_session(study) as session:
        found = recompute(session)
    assert found.same > 0
    assert not found.damaged
    assert prove(study).ok


def test_progress_comes_sweep_by_sweep_and_the_rest_stays_as_stored(client):
    *rows, last = [json.loads(line) for line in ask(client, "recomputed", windows=json.dumps(MOVE)).text.splitlines()]
    assert [r["done"] for r in rows] == list(range(1, len(rows) + 1))
    assert rows[-1]["of"] == len(rows) == LAST
    assert [r["sweep"] for r in last["rows"]] == list(range(LAST + 1))


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        ('{"A_1000": [1.1, 0.9]}', "the sAHP window must end after it begins"),
        ('{"A_1000": [30, 31]}', "the sAHP window is too late: the sweep ends at 2300 ms"),
        ('{"V_b": [-3, -1]}', "the baseline window is too early: the sweep begins at -"),
        ('{"V_b": [-0.03, -0.01]}', "the baseline window must be at least 40 ms long"),
        ('{"A_1000": [0.9, 1e9]}', "within 60 s of the step"),
        ('{"A_1000": 3}', "windows look like"),
        ("nonsense", "windows look like"),
    ],
)
def test_a_window_that_cannot_be_is_refused_with_a_cure(client, windows, words):
    answer = client.get("/api/review/measured", params={"sweep": GOOD, "windows": windows})
    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize("experiment", [membrane_test_only, nothing, nothing_accepted])
def test_every_kind_of_session_can_be_looked_at(tmp_path, experiment):
    client = client_of(record(tmp_path, experiment, "20260102T101112-cell2"))
    told = ask(client, "session").json()
    ask(client, "results")
    ask(client, "courses")
    for row in told["rows"]:
        ask(client, "sweep", sweep=row["sweep"])
        ask(client, "trace", sweep=row["sweep"])


def test_a_count_of_spikes_says_nothing_against_a_sweep_of_a_range(client):
    name = "sub-R17_ses-20260102T090000-cell0_icephys.nwb"
    rows = [r for r in ask(client, "session", session=name).json()["rows"] if r["kind"] == "series"]
    assert [r["values"]["n_ap"] for r in rows] == [0, 1, 2, 3, 4, 5]
    assert all(r["accepted"] and not r["reason"] for r in rows)


# --- decisions --------------------------------------------------------------------------------------------------------


def test_a_decision_needs_a_reason_and_a_sweep_it_can_be_about(client):
    assert "say why" in decide(client, sweep=GOOD, act="reject", reason=" ").json()["error"]
    assert "no sweep 99" in decide(client, sweep=99, act="reject", reason="noise").json()["error"]
    assert "not left out already" in decide(client, sweep=GOOD, act="restore", reason="good").json()["error"]
    assert "say which sweep" in decide(client, act="reject").json()["error"]


def test_a_watcher_decides_nothing_and_sees_this_session_alone(undecided):
    client = client_of(undecided, KEYS.watch)
    assert decide(client, sweep=GOOD, act="reject", reason="noise").status_code == 403
    assert ask(client, "sessions").json()["names"] == [undecided.name]
    other = next(p.name for p in undecided.parent.glob("*cell0*.nwb"))
    assert client.get("/api/review/session", params={"session": other}).status_code == 400
    assert client_of(undecided).get("/api/review/session", params={"session": other}).status_code == 200


@pytest.mark.parametrize("name", ["../secret.nwb", "/etc/passwd", "none.nwb"])
def test_no_other_file_can_be_asked_for(client, name):
    answer = client.get("/api/review/session", params={"session": name})
    assert "is not a session of this page" in answer.json()["error"]


# --- taking along -----------------------------------------------------------------------------------------------------


def test_the_table_has_the_recorded_numbers_and_the_moved_ones_in_columns_of_their_own(client):
    ask(client, "recomputed", windows=json.dumps(MOVE))
    table = polars.read_csv(io.StringIO(ask(client, "measures.csv", windows=json.dumps(MOVE)).text))
    plain = polars.read_csv(io.StringIO(ask(client, "measures.csv").text))
    assert set(table.columns) - set(plain.columns) >= {"A_1000_moved_mV", "moved_windows"}
    assert table.select(plain.columns).equals(plain)
    assert table["moved_windows"][0] == "sAHP 700 to 900 ms"
    assert table["A_1000_moved_mV"][GOOD] < table["A_1000_mV"][GOOD] < 0


def test_the_samples_of_a_sweep_are_those_of_the_file(client, study):
    table = polars.read_csv(io.StringIO(ask(client, "trace.csv", sweep=GOOD).text))
    with open_session(study) as session:
        sweep = session.sweep(GOOD)
    assert len(table) == sweep.header.sweep.n_samples
    assert table["primary_mV"].to_numpy() == pytest.approx(sweep.stored["primary"], abs=1e-4)


@pytest.mark.parametrize(("form", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_the_figure_is_the_suites_own(client, monkeypatch, form, begins):
    from matplotlib.figure import Figure

    monkeypatch.setattr("acquisition.figure.review_figure", lambda _: Figure((1, 1)))  # its look has tests of its own
    answer = ask(client, f"figure.{form}")
    assert answer.content.startswith(begins)
    assert f'.{form}"' in answer.headers["content-disposition"]


# --- the screen -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def link(study, tmp_path_factory):
    """The page of `patchrig review --view`, in a process of its own."""
    with page_of(study, tmp_path_factory.mktemp("state")) as (link, _):
        yield link


@contextmanager
def page_of(study, state):
    """Give the link of a page, and its server."""
    command = [sys.executable, "-c", "from acquisition.cli import main; main()", "review", str(study), "--view"]
    environment = {**os.environ, "PATCHRIG_NO_BROWSER": "1", "XDG_STATE_HOME": str(state)}
    server = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment)
    try:
        yield next(line.split()[1] for line in server.stderr if line.startswith("page ")), server
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)
        server.stderr.close()


@pytest.fixture
def screen(browser, link, undecided):
    """The screen with its first sweep; afterwards, nothing was on the console and nothing left this computer."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    made = Screen(context.new_page())
    made.page.goto(link)
    made.waits_for("effect", "%")
    yield made
    assert made.trouble == []
    context.close()


def in_state(screen, state):
    screen.page.wait_for_selector(f'body[data-state="{state}"]')


def test_sweeps_are_walked_through_and_filtered_by_keys(screen):
    assert screen.text("count") == f"{LAST + 1} sweeps"
    screen.waits_for("foot-sweep", "^sweep 1 at")
    screen.press("ArrowDown", "ArrowDown")
    screen.waits_for("foot-sweep", "^sweep 3 at")
    screen.page.wait_for_selector('#scope[data-drawn="3 1525"]')  # 3.05 s at 10 kHz in columns of 20 samples
    screen.press("/")
    screen.page.keyboard.type("drug 1")
    assert screen.text("count") == f"3 of {LAST + 1}"  # sweeps 10, 11 and 12
    screen.press("Enter")
    screen.waits_for("foot-sweep", "^sweep 10 at .* drug")
    screen.press("End")
    screen.waits_for("foot-sweep", f"^sweep {LAST} at")
    assert screen.page.locator('#list [aria-selected="true"]').get_attribute("data-sweep") == str(LAST)
    row = screen.page.locator('#list [data-sweep="2"]')
    assert row.get_attribute("data-state") == "left out"
    screen.press("2")
    assert "drug: MEM 1003 1 µM, mean of 6" in screen.waits_for("legend", "drug")


def test_a_window_is_moved_by_field_key_and_hand_and_the_recorded_numbers_stand_beside(screen):
    recorded = screen.text("effect")
    field = screen.page.locator('[data-name="window-A_1000-start"]')
    field.fill("100")
    screen.press("Enter")
    in_state(screen, "moved")
    assert screen.text("effect-recorded").startswith(f"as recorded {recorded}")
    moved = screen.text("mean-sAHP_moved-0")
    assert screen.text("recorded-sAHP_moved-0") == f"was {screen.text('recorded-sAHP_moved-0').split()[1]}"
    assert moved != screen.text("recorded-sAHP_moved-0").split()[1]
    screen.waits_for("sAHP-quality", "recorded −")

    screen.press("w", "ArrowRight")
    assert field.input_value() == "110"
    edge = screen.page.locator('[data-edge="V_b-start"]').bounding_box()
    x, y = edge["x"] + edge["width"] / 2, edge["y"] + edge["height"] / 2
    screen.page.mouse.move(x, y)
    screen.page.mouse.down()
    screen.page.mouse.move(x + 40, y)
    screen.page.mouse.up()
    start = float(screen.page.locator('[data-name="window-V_b-start"]').input_value())
    assert -510 < start < -50
    assert re.search(r"V_b=-0\.\d+%2C-0\.01", screen.page.evaluate("location.hash"))

    screen.press("Escape", "0")
    in_state(screen, "shown")
    assert (screen.text("effect"), field.input_value()) == (recorded, "950")
    assert screen.page.locator('[data-name="effect-recorded"]').count() == 0


def test_a_stretch_is_looked_at_closely_and_stays_from_sweep_to_sweep(screen):
    plot = screen.page.locator("#plot-v .u-over").bounding_box()
    x, y = plot["x"] + plot["width"] / 3, plot["y"] + plot["height"] / 2
    screen.page.mouse.move(x, y)
    screen.page.mouse.down()
    screen.page.mouse.move(x + 60, y)
    screen.page.mouse.up()
    screen.page.wait_for_selector('#scope[data-drawn="1 close up"]')
    screen.press("ArrowDown")
    screen.page.wait_for_selector('#scope[data-drawn="2 close up"]')
    screen.press("f")
    screen.page.wait_for_selector('#scope[data-drawn="2 1525"]')


def test_a_link_brings_sweep_and_windows_back(screen, link):
    screen.page.goto(f"{link}#sweep=4&A_1000=0.3,0.5")
    screen.page.reload()
    in_state(screen, "moved")
    screen.waits_for("foot-sweep", "^sweep 4 at")
    assert screen.page.locator('[data-name="window-A_1000-stop"]').input_value() == "500"


def test_a_bookmark_put_into_an_open_window_is_followed(screen):
    recorded = screen.text("effect")
    screen.page.evaluate("() => { location.hash = 'sweep=4&A_1000=0.3,0.5'; }")
    in_state(screen, "moved")
    screen.waits_for("foot-sweep", "^sweep 4 at")
    assert screen.page.locator('[data-name="window-A_1000-start"]').input_value() == "300"
    assert screen.text("effect-recorded").startswith(f"as recorded {recorded}")
    screen.page.evaluate("() => { location.hash = 'sweep=5'; }")
    in_state(screen, "shown")
    screen.waits_for("foot-sweep", "^sweep 5 at")
    assert (screen.text("effect"), screen.page.locator("[data-moved]").count()) == (recorded, 0)
    screen.page.evaluate("() => { location.hash = 'sweep=99'; }")
    screen.waits_for("news", "this session has no sweep 99")
    screen.waits_for("foot-sweep", "^sweep 5 at")


def test_all_is_in_its_place_on_a_phone_a_laptop_and_a_large_screen(screen):
    assert list(laid_out_wrongly(screen.page)) == []
    screen.page.set_viewport_size({"width": 1366, "height": 768})
    field = screen.page.locator('[data-name="window-A_1000-start"]')
    field.fill("100")
    screen.press("Enter")
    in_state(screen, "moved")
    screen.press("2")
    screen.waits_for("legend", "drug")
    assert list(laid_out_wrongly(screen.page)) == []


def test_a_sweep_is_rejected_with_a_reason_and_taken_back(screen, undecided):
    n = screen.page.locator("#results thead th").nth(1)
    assert "n = 5" in n.inner_text()
    screen.press("ArrowDown", "ArrowDown", "r")
    screen.waits_for("asked", "sweep 3 out of means")
    screen.page.keyboard.type("an artefact at 1 s")
    screen.press("Enter")
    screen.page.wait_for_selector('#list [data-sweep="3"][data-state="rejected"]')
    screen.page.locator("#results thead th").filter(has_text="n = 4").first.wait_for()
    assert "an artefact at 1 s" in screen.page.locator('#list [data-sweep="3"]').inner_text()
    screen.waits_for("foot-decided", "^rejected by ")
    with open_session(undecided) as session:
        assert session.rejected == {3: "an artefact at 1 s"}
    screen.press("r")
    screen.waits_for("asked", "It was left out: an artefact at 1 s")
    screen.page.keyboard.type("outside of the window")
    screen.press("Enter")
    screen.page.wait_for_selector('#list [data-sweep="3"][data-state="counts"]')
    assert len(audit_path(undecided).read_text(encoding="utf-8").splitlines()) == 2


def test_tables_are_saved_by_keys(screen):
    with screen.page.expect_download() as saved:
        screen.press("c", "m")
    assert saved.value.suggested_filename.endswith("_measures.csv")
    with screen.page.expect_download() as saved:
        screen.press("c", "s")
    assert saved.value.suggested_filename.endswith("_sweep_00001.csv")


def reject(screen, sweep):
    screen.page.locator(f'#list [data-sweep="{sweep}"]').click()
    screen.waits_for("foot-sweep", f"^sweep {sweep} at")
    screen.press("r")
    screen.waits_for("asked", f"sweep {sweep} out of means")
    screen.page.keyboard.type("noise")
    screen.press("Enter")
    screen.page.wait_for_selector(f'#list [data-sweep="{sweep}"][data-state="rejected"]')


def test_the_means_are_those_of_the_sweeps_that_count_and_one_plot_after_every_rejection(screen):
    for sweep in (1, 3, 4):
        reject(screen, sweep)
    screen.press("2")
    screen.waits_for("legend", "mean of 2")
    overlay = '#plot-overlay[data-drawn="5 6 | 7 8 9 10 11 12; sAHP 950 to 1050"]'
    screen.page.wait_for_selector(overlay)
    assert screen.page.locator("#plot-overlay .uplot").count() == 1
    assert screen.page.locator("#plot-difference .uplot").count() == 1
    screen.page.locator('[data-name="window-A_1000-start"]').fill("700")
    screen.press("Enter")
    in_state(screen, "moved")
    screen.page.wait_for_selector(overlay.replace("950", "700"))
    screen.press("1", "0", "2")
    screen.page.wait_for_selector(overlay)
    assert screen.page.locator("#plot-overlay .uplot").count() == 1


@pytest.mark.parametrize(
    ("side", "value", "words"),
    [("start", "5000", "the sAHP window must end after it begins"), ("stop", "31000", "the sweep ends at 2300 ms")],
)
def test_a_window_that_cannot_be_is_refused_at_its_field_and_the_last_good_one_stays(screen, side, value, words):
    field = screen.page.locator('[data-name="window-A_1000-start"]')
    field.fill("700")
    screen.press("Enter")
    in_state(screen, "moved")
    told, address = screen.text("results"), screen.page.evaluate("location.hash")
    screen.page.locator(f'[data-name="window-A_1000-{side}"]').fill(value)
    screen.press("Enter")
    assert words in screen.waits_for("refused-A_1000", "the sAHP window")
    shown = [screen.page.locator(f'[data-name="window-A_1000-{s}"]').input_value() for s in ("start", "stop")]
    assert shown == ["700", "1050"]
    assert screen.page.locator('[data-edge="A_1000-start"]').get_attribute("aria-valuenow") == "700"
    assert (screen.text("results"), screen.page.evaluate("location.hash")) == (told, address)
    field.fill("800")
    screen.press("Enter")
    assert screen.page.locator('[data-name="refused-A_1000"]').inner_text() == ""


def test_a_bookmark_with_a_window_that_cannot_be_is_refused_in_words(screen):
    recorded = screen.text("effect")
    screen.page.evaluate("() => { location.hash = 'sweep=4&A_1000=2,1'; }")
    screen.waits_for("news", "the sAHP window must end after it begins")
    screen.waits_for("foot-sweep", "^sweep 4 at")
    assert screen.page.locator('[data-name="window-A_1000-start"]').input_value() == "950"
    screen.page.wait_for_function("() => location.hash === '#sweep=4'")
    assert screen.text("effect") == recorded


def of_older(screen, link):
    screen.page.goto(f"{link}&session=sub-R17_ses-{OLDER}_icephys.nwb")
    screen.waits_for("effect", "%")


def test_numbers_that_another_analyser_makes_again_are_said_to_be_so(screen, link):
    of_older(screen, link)
    screen.page.locator('[data-name="window-A_1000-start"]').fill("700")
    screen.press("Enter")
    in_state(screen, "moved")
    words = f"measured again by {ANALYSER}; recorded by sahp 2.1: other numbers may differ too"
    assert screen.text("windows-state") == words


def test_arriving_stands_over_the_sweeps_that_were_recorded_while_the_drug_arrived(screen, link):
    of_older(screen, link)
    heads = "#list [data-sweep='{}']"
    assert (
        screen.page.locator(heads.format(4)).evaluate("e => e.previousElementSibling.innerText").endswith("(arriving)")
    )
    assert screen.page.locator(heads.format(6)).evaluate("e => e.previousElementSibling.innerText") == DRUG
    screen.press("/")
    screen.page.keyboard.type("arriving")
    shown = screen.page.locator("#list li.condition:visible").all_inner_texts()
    assert shown == [f"{DRUG} (arriving)"]


def test_a_review_whose_server_died_says_so_in_its_header(browser, study, tmp_path):
    with page_of(study, tmp_path) as (link, server):
        context = browser.new_context()
        screen = Screen(context.new_page())
        screen.page.goto(link)
        screen.waits_for("effect", "%")
        server.kill()
        server.wait()
        screen.waits_for("link", "the page's server is gone")
        screen.press("End")
        assert "Failed to fetch" not in screen.page.locator("body").inner_text()
        context.close()
