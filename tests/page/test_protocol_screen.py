"""The protocol screen: what `check` and `plan` say, at the place where it is meant."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient

from acquisition.page.desk import Desk as Opened
from acquisition.page.documents import documents
from acquisition.page.protocol.examining import examined
from acquisition.page.protocol.saving import save, version
from acquisition.page.security import Keys
from acquisition.page.server import app
from config.fit import plan_for
from config.loading import load_rig
from protocols.errors import InvalidFile, Refused
from protocols.loading import load_protocol, protocol_from_text
from tests.kit import HEAD, RIG, ROOT
from tests.page.desk import shown
from tests.page.layout import laid_out_wrongly

STUDY = ROOT / "protocols" / "library" / "sahp_l_type_block.yaml"
TEXT = HEAD + "steps:\n  - hold: {voltage: -70 mV, for: 2 min}\n  - apply: {solution: blocker}\n  - wait: 90 s\n"


@pytest.fixture(scope="module")
def rig():
    return load_rig(RIG)


@pytest.fixture
def alone(monkeypatch, tmp_path_factory):
    """Nobody else's runs."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


# --- without a browser ----------------------------------------------------------------------------------------------


def test_the_screen_says_of_a_broken_text_what_check_says(rig):
    text = STUDY.read_text().replace("bias_to: -60 mV", "bias_to: -60 ms").replace("- find", "- fnd")
    with pytest.raises(InvalidFile) as said:
        protocol_from_text(text, "mine.yaml")
    found = examined(text, "mine.yaml", rig)
    assert [(p["line"], p["column"], p["message"]) for p in found["problems"]] == [
        (p.line, p.column, p.message) for p in said.value.problems
    ]
    assert not found["ok"]
    assert found["plan"] is None


def test_a_protocol_beyond_the_rig_is_shown_with_the_place_that_goes_too_far(rig):
    found = examined(STUDY.read_text().replace("200 pA .. 400 pA", "200 pA .. 900 pA"), "mine.yaml", rig)
    line = STUDY.read_text().splitlines().index("  - find:") + 1
    assert {p["line"] for p in found["problems"]} >= {line}
    assert "could command" in found["problems"][0]["message"]
    assert len(found["plan"]["steps"]) == 12  # what it would do is shown all the same


def test_the_course_shows_the_drug_in_the_bath_one_dead_time_after_its_valve(rig):
    plan = examined(TEXT, "mine.yaml", rig)["plan"]
    acsf, blocker = plan["courses"][0]["bars"]
    assert (acsf["label"], acsf["switched"], acsf["until"]) == ("ACSF", 0, 165)
    assert (blocker["switched"], blocker["arrives"], blocker["until"]) == (120, 165, 210)


@pytest.mark.parametrize("path", sorted(STUDY.parent.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_protocol_can_be_shown(path, rig):
    found = examined(path.read_text(encoding="utf-8"), path.name, rig)
    assert found["ok"]
    assert [len(c["steps"]) for c in found["plan"]["courses"]] == [len(found["plan"]["steps"])] * 2


def test_a_page_opened_for_a_file_begins_with_it(alone, tmp_path):
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(TEXT)
    offered = documents(Opened(protocol=tmp_path / "b.yaml", folder=tmp_path), "protocol")
    assert [d.title for d in offered][:2] == ["b.yaml", "a.yaml"]
    assert {d.group for d in offered[2:]} == {"shipped"}


def test_the_course_is_as_long_as_the_plan(rig):
    plan, shown_plan = plan_for(load_protocol(STUDY), rig), examined(STUDY.read_text(), "study.yaml", rig)["plan"]
    assert [c["length"] for c in shown_plan["courses"]] == pytest.approx([plan.shortest, plan.longest])
    lines = STUDY.read_text().splitlines()
    assert all(s["verb"] in lines[s["line"] - 1] for s in shown_plan["steps"])


def test_the_sweep_of_a_series_is_drawn_with_step_test_pulse_and_windows(rig):
    drawn = {(p["part"], p["index"]): p for p in examined(STUDY.read_text(), "study.yaml", rig)["plan"]["previews"]}
    series = drawn["steps", 4]
    assert series["unit"] == "A"
    assert [max(level) for level in series["levels"]] == [200e-12, 400e-12]  # what 'find' may find
    assert series["times"][:5] == pytest.approx([0, 1.5, 1.5, 1.65, 1.65])
    assert min(series["levels"][0]) == -50e-12
    assert {w["name"]: pytest.approx(w["start"]) for w in series["windows"]} == {"V_b": 0.99, "A_1000": 2.6}
    test = drawn["finish", 1]
    assert (min(test["levels"][0]), max(test["levels"][0])) == pytest.approx((-75e-3, -70e-3))


def test_a_saved_file_keeps_its_line_ends_and_is_never_written_over_anothers_change(alone, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(TEXT.replace("\n", "\r\n").encode())
    document = documents(Opened(protocol=path, folder=tmp_path), "protocol")[0]
    new = save(document, TEXT.replace("2 min", "3 min"), version(document.text))
    assert path.read_bytes() == TEXT.replace("2 min", "3 min").replace("\n", "\r\n").encode()
    with pytest.raises(Refused, match="another program has changed"):
        save(document, TEXT, version(TEXT))
    assert version(document.text) == new
    assert [p.name for p in tmp_path.iterdir()] == ["mine.yaml"]


def test_a_shipped_protocol_stays_as_it_is(alone):
    document = next(d for d in documents(Opened(protocol=STUDY), "protocol") if d.title == STUDY.name)
    with pytest.raises(Refused, match="patchrig init"):
        save(document, "", version(document.text))


def test_a_watcher_sees_the_files_of_the_page_without_their_places_and_no_others(alone, tmp_path):
    (tmp_path / "a.yaml").write_text(TEXT)
    (tmp_path / "b.yaml").write_text(TEXT)
    inner, _ = app(Opened(protocol=tmp_path / "b.yaml", folder=tmp_path), Keys("control", "watch"), port=8000)
    watcher = TestClient(inner, base_url="http://127.0.0.1:8000", cookies={"patchrig_8000": "watch"})
    seen = [watcher.get(f"/api/{what}").text for what in ("protocol/files", "protocol/file", "rig/facts")]
    assert json.loads(seen[0])["protocols"][0]["title"] == "b.yaml"
    assert len(json.loads(seen[0])["protocols"]) == 1
    assert not [text for text in seen if str(tmp_path) in text or str(ROOT) in text]
    assert watcher.get("/api/protocol/file?file=shipped/f_i_curve.yaml").status_code == 400
    own = {"origin": "http://127.0.0.1:8000"}
    assert watcher.post("/api/protocol/save", json={"text": ""}, headers=own).status_code == 403
    assert watcher.post("/api/rig/doctor", json={}, headers=own).status_code == 403


# --- in a browser ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "protocols").mkdir()
    (folder / "protocols" / "mine.yaml").write_text(STUDY.read_text(), encoding="utf-8")
    with shown(browser, folder, "--protocol", "protocols/mine.yaml") as desk:
        yield desk


def typed(screen, old, new):
    """Replace text as if it had been typed."""
    screen.page.evaluate(
        """([old, other]) => {
            const field = document.querySelector('[data-name="text"]');
            if (!field.value.includes(old)) throw new Error(`no ${old}`);
            field.value = field.value.replace(old, other);
            field.dispatchEvent(new Event("input"));
        }""",
        [old, new],
    )


def test_a_mistake_is_shown_at_its_line_and_saving_is_a_key(desk):
    path, screen = desk.folder / "protocols" / "mine.yaml", desk.open("protocol")
    screen.waits_for("verdict", "no mistakes")
    assert screen.text("length") == "36 min to 1 h 6 min"
    typed(screen, "bias_to: -60 mV", "bias_to: -60 ms")
    assert screen.waits_for("verdict", "▲") == "▲ 1 mistake"
    line = 1 + next(i for i, text in enumerate(STUDY.read_text().splitlines()) if "bias_to" in text)
    caret = screen.page.locator('[data-name="caret"]')
    assert caret.evaluate("c => c.parentElement.dataset.line") == str(line)
    assert "a voltage belongs here, such as" in screen.text("problems")
    screen.press(".")
    before = screen.page.evaluate(
        "() => { const t = document.querySelector('textarea'); return t.value.slice(0, t.selectionStart); }"
    )
    column = caret.get_attribute("data-column")
    assert (before.count("\n") + 1, before.rfind("\n") + int(column)) == (line, len(before))
    typed(screen, "drift_below", "drift_bellow")
    screen.waits_for("verdict", "2 mistakes")
    text = screen.page.locator('[data-name="text"]')
    told = screen.page.locator('[data-name="problems"] li[aria-current]')
    before = text.input_value()
    for said in ("a duration", "drift_bellow", "a duration"):  # round the two of them
        screen.press(".")
        assert said in told.inner_text()
    screen.press(".")
    assert "drift_bellow" in told.inner_text()
    assert text.input_value() == before  # and nothing of it is written into the file
    screen.press("e")
    screen.page.keyboard.type("!")
    assert "!drift_bellow" in text.input_value()  # E writes where the mistake is
    screen.press("Backspace", "Escape")
    typed(screen, "drift_bellow", "drift_below")
    assert screen.waits_for("verdict", "1 mistake") == "▲ 1 mistake"
    screen.press("s")
    screen.waits_for("asked", "Save all the same")
    screen.press("Escape")
    typed(screen, "bias_to: -60 ms", "bias_to: -62 mV")
    screen.waits_for("verdict", "no mistakes")
    assert screen.text("saved") == "● not saved"
    assert path.read_text() == STUDY.read_text()  # nobody has pressed Save
    screen.press("e", "Control+s")  # as every editor has it, while one writes
    screen.waits_for("saved", "^saved")
    assert path.read_text() == STUDY.read_text().replace("bias_to: -60 mV", "bias_to: -62 mV")
    assert screen.trouble == []
    screen.close()


def test_whether_to_drop_the_changes_holds_the_keys_while_it_asks(desk):
    screen = desk.open("protocol")
    screen.waits_for("verdict", "no mistakes")
    typed(screen, "name: ", "name:  ")
    changed = screen.page.locator('[data-name="text"]').input_value()
    screen.press("l")
    screen.waits_for("asked", "Load the file again")
    screen.press("e")  # would write in the file
    screen.press("x", "Escape")
    assert screen.page.locator("#asks").count() == 0
    assert screen.page.locator('[data-name="text"]').input_value() == changed
    screen.press("l", "e", "d")
    screen.waits_for("saved", "^saved")
    screen.close()


def test_all_is_in_its_place_on_a_phone_a_laptop_and_a_large_screen(desk):
    screen = desk.open("protocol")
    screen.waits_for("verdict", "no mistakes")
    assert list(laid_out_wrongly(screen.page)) == []
    screen.close()


def test_steps_are_walked_by_arrow_keys_and_each_shows_its_sweep(desk):
    screen = desk.open("protocol?file=shipped%2Fsahp_l_type_block.yaml")
    screen.waits_for("saved", "read-only")
    assert "shipped with patchrig" in screen.text("read-only")
    chosen = screen.page.locator('[data-name="steps"] tr[aria-selected="true"]')
    assert "baseline" in chosen.inner_text()
    screen.press("ArrowUp")
    assert "find" in chosen.inner_text()
    assert screen.page.locator("#preview").get_attribute("data-sweeps") == "9"
    screen.press("ArrowDown", "ArrowDown")
    assert "apply (Rac)-MEM 1003" in chosen.inner_text()
    assert screen.page.locator('[data-course="longest"] [data-name="on-its-way"]').count() == 2
    assert screen.trouble == []
    screen.close()
