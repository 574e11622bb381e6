"""The run screen, from a real run to the text on a real page."""

from __future__ import annotations

import re

import pytest

from acquisition.session.recovery import open_recovered
from tests.page.conftest import HOLD, SERIES, TO_CURRENT
from tests.page.layout import laid_out_wrongly

PROMPT = "- prompt: {question: Is the bottle full?, options: [yes it is, stop]}"


LABEL = "document.querySelector('[data-name=\"state-label\"]').innerText"
STOP = "document.querySelector('[data-act=\"stop\"]')"
ASK_TO_STOP = """async () => {
    const { connect } = await import("/static/js/wire.js");
    const wire = connect();
    await new Promise((live) => wire.on("link", live));
    return (await wire.ask("stop", { when: "now" })).text;
}"""


def reject(screen, reason):
    """Leave the last sweep out by keys, and return its number."""
    screen.press("r")
    sweep = int(re.search(r"\d+", screen.waits_for("asked", "Leave sweep"))[0])
    screen.page.keyboard.type(reason)
    screen.press("Enter")
    screen.logged(f"sweep {sweep}: {reason}")
    return sweep


def sweep_number(text):
    return int(re.search(r"sweep (\d+)", text)[1])


def test_a_run_at_life_speed_is_followed_and_outlives_its_server_and_its_viewers(rehearse):
    run = rehearse(HOLD, TO_CURRENT, SERIES, speed=1)
    first = run.open()
    first.waits_for("state-word", "RECORDING")
    assert re.match(r"\d+\.\d MΩ", first.waits_for("Rs", r"\d MΩ"))
    first.waits_for_script("() => globalThis.patchrigFrames.length > 30")
    assert first.text("steps").startswith("hold −70 mV for 4 s")
    first.waits_for("state-label", "baseline")

    dead = run.server()
    dead.kill()  # in mid-sweep
    first.waits_for("link", "server gone")
    first.waits_for("link", "connected")
    assert run.server().pid != dead.pid
    number = sweep_number(first.waits_for("state-label", r"sweep \d+"))
    first.close()  # the viewer goes, in mid-sweep as well

    second = run.open()
    second.waits_for_script(f"() => Number({LABEL}.match(/sweep (\\d+)/)?.[1]) > {number}")
    assert re.match(r"−\d\.\d\d mV", second.waits_for("sAHP", r"mV"))  # of the sweep that nobody looked at
    assert second.page.locator('#steps li[data-state="done"]').count() == 2
    second.press("Escape", "Escape")
    assert run.ended() == 130
    assert [m for m in second.trouble + first.trouble if "ERR_CONNECTION" not in m] == []
    with open_recovered(run.session()) as session:
        series = [s for s in session.sweeps if s.kind == "series"]
        assert [s.complete for s in series[:-1]] == [True] * (len(series) - 1)
        assert not [e for e in session.log if e.kind == "fault"]


@pytest.fixture(scope="module")
def running(rehearse):
    """A run that goes on for long, 50 times faster than life, shared with watchers."""
    return rehearse(HOLD, TO_CURRENT, SERIES.replace("every: 4 s", "every: 20 s"), speed=50, options=["--share"])


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_needs_a_scroll_bar_at_1366_by_768(running, theme):
    screen = running.open(f"{running.link}&theme={theme}")
    screen.waits_for("sAHP", r"mV")
    sizes = screen.page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert sizes == [1366, 768]
    assert screen.page.evaluate("() => document.documentElement.dataset.theme") == theme
    screen.close()


def test_all_is_in_its_place_on_a_phone_a_laptop_and_a_large_screen(running):
    screen = running.open()
    screen.waits_for("sAHP", r"mV")
    assert list(laid_out_wrongly(screen.page)) == []
    screen.close()


def test_a_watching_link_shows_everything_and_asks_for_nothing(running):
    link = next(line.split()[1] for line in running.process.stderr if line.startswith("watch "))
    screen = running.open(re.sub(r"//[^:]+:", "//127.0.0.1:", link))
    screen.waits_for("sAHP", r"mV")
    assert not screen.page.locator('[data-act="stop"]').is_visible()
    screen.press("Escape", "Escape", " ")
    assert screen.page.locator("#asks").count() == 0
    assert screen.text("state-word") in ("RECORDING", "WAITING")
    assert screen.page.evaluate(ASK_TO_STOP) == "this link is for watching only"
    screen.close()


def test_one_viewer_has_control_and_another_can_take_it(running):
    first, second = running.open(), running.open()
    first.waits_for_script(f"() => !{STOP}.disabled")
    second.page.locator('[data-act="take_control"]').wait_for()
    assert second.page.locator('[data-act="stop"]').is_disabled()
    second.press("c")
    second.waits_for_script(f"() => !{STOP}.disabled")
    first.waits_for_script(f"() => {STOP}.disabled")
    first.close()
    second.close()


FOCUSED = "act => document.activeElement?.dataset.act === act"


def focus(screen, act):
    """Walk to a button of the question, as one does without a mouse."""
    for _ in range(5):
        screen.press("Tab")
        if screen.page.evaluate(FOCUSED, act):
            return
    raise AssertionError(f"Tab does not come to {act}")


def test_enter_does_what_the_focused_button_says_not_what_enter_is_bound_to(running):
    screen = running.open()
    screen.waits_for_script(f"() => !{STOP}.disabled")
    screen.press("v", "2")
    screen.waits_for("asked", "Really open the valve of MEM 1003")
    focus(screen, "leave")
    screen.press("Enter")
    screen.press("Escape")
    screen.waits_for("asked", "Stop the run")
    focus(screen, "leave")  # 'Go on recording'
    screen.press("Enter")
    assert screen.page.locator("#asks").count() == 0
    screen.press("m")  # what was asked for before would be known by the time the mark is
    screen.logged("mark")
    assert screen.text("wishes") == ""
    assert screen.page.locator('[data-act="stop"]').get_attribute("aria-pressed") == "false"
    screen.close()


def test_space_on_a_focused_button_presses_it_and_does_not_pause_the_run(running):
    screen = running.open()
    screen.waits_for_script(f"() => !{STOP}.disabled")
    screen.page.locator('[data-act="note"]').focus()
    screen.press(" ")
    assert screen.text("asked") == "Note"
    screen.page.keyboard.type("by Space")
    screen.press("Enter")
    screen.logged("by Space")
    assert screen.text("wishes") == ""
    assert screen.text("state-word") in ("RECORDING", "WAITING")
    screen.close()


TYPED = "init => document.body.dispatchEvent(new KeyboardEvent('keydown', {...init, bubbles: true}))"


def test_caps_lock_changes_no_key(running):
    screen = running.open()
    screen.waits_for_script(f"() => !{STOP}.disabled")
    theme = "() => document.documentElement.dataset.theme"
    before = screen.page.evaluate(theme)
    screen.page.evaluate(TYPED, {"key": "N"})
    assert screen.text("asked") == "Note"
    screen.press("Escape")
    screen.page.evaluate(TYPED, {"key": "T"})
    assert screen.page.evaluate(theme) == before  # Test pulses, where they can be had, and not the theme
    screen.page.evaluate(TYPED, {"key": "t", "shiftKey": True})
    assert screen.page.evaluate(theme) != before
    screen.close()


CARD = """() => {
    const card = document.getElementById("criterion");
    card.style.height = `${document.getElementById("steps").clientHeight - 150}px`;
    card.hidden = false;
}"""
IN_SIGHT = """() => {
    const [list, count] = [document.getElementById("steps"), document.querySelector('[data-name="step-countdown"]')];
    const fade = parseFloat(getComputedStyle(list).paddingBottom);
    return count.getBoundingClientRect().bottom <= list.getBoundingClientRect().bottom - fade + 1;
}"""


def test_the_countdown_stays_in_sight_when_the_card_of_steadiness_shortens_the_list(running):
    screen = running.open()
    screen.waits_for("step-countdown", "left")
    screen.waits_for("sAHP", r"mV")
    screen.page.evaluate(CARD)
    screen.waits_for_script(IN_SIGHT)
    screen.close()


SOCKETS = """
    globalThis.sockets = [];
    const Real = WebSocket;
    globalThis.WebSocket = class extends Real { constructor(...a) { super(...a); sockets.push(this); } };
"""


def test_a_page_whose_key_is_not_valid_any_more_says_where_the_link_is(running):
    screen = running.open()
    screen.page.add_init_script(SOCKETS)
    screen.page.reload()
    screen.waits_for("link", "connected")
    screen.page.context.clear_cookies()
    screen.page.evaluate("sockets.at(-1).close()")
    screen.waits_for("link", "key not valid")
    assert "open the link that the terminal shows" in screen.waits_for("warnings", "key is not valid any more")
    assert screen.page.locator('[data-act="stop"]').is_disabled()
    screen.close()


def test_nothing_is_claimed_of_a_run_that_died_or_is_not_heard(rehearse):
    run = rehearse(HOLD.replace("for: 4 s", "for: 60 s"), speed=1)
    screen = run.open()
    screen.waits_for_script(f"() => !{STOP}.disabled")
    screen.waits_for("step-countdown", "left")
    server = run.server()
    run.process.kill()
    screen.waits_for("state-word", "LOST")
    said = screen.waits_for("warnings", "has died")
    assert "patchrig safe --rig" in said
    assert "nothing needs you" not in said
    server.kill()
    screen.waits_for("state-word", "NOT KNOWN")
    said = screen.waits_for("warnings", "what the run does is not known here")
    assert "look at the terminal" in said
    assert "nothing needs you" not in said
    assert screen.text("countdown") == screen.text("step-countdown") == ""
    assert screen.page.locator("#buttons button:enabled").count() == 0
    screen.close()


HELD = "key => document.body.dispatchEvent(new KeyboardEvent('keydown', {key, repeat: true, bubbles: true}))"


def test_a_held_escape_does_not_answer_the_question_that_it_asked(running):
    screen = running.open()
    screen.waits_for_script(f"() => !{STOP}.disabled")
    screen.press("Escape")
    screen.page.evaluate(HELD, "Escape")
    assert screen.text("asked") == "Stop the run?"
    screen.press("g", "?", "Escape")
    assert screen.page.locator("#keys, #asks").count() == 0
    assert screen.text("state-word") in ("RECORDING", "WAITING")
    screen.close()


def test_the_question_whether_to_stop_goes_away_and_the_run_goes_on(running):
    screen = running.open()
    screen.waits_for_script(f"() => !{STOP}.disabled")
    screen.page.clock.install()
    screen.press("Escape")
    screen.waits_for("lapse", "goes away in 10 s")
    screen.page.clock.run_for(9000)
    assert screen.text("lapse") == "goes away in 1 s"
    screen.page.clock.run_for(1000)
    assert screen.page.locator("#asks").count() == 0
    screen.page.clock.resume()
    assert screen.text("state-word") in ("RECORDING", "WAITING")
    screen.press("Escape", "g", "Escape")  # one that was answered does not close the next
    screen.waits_for("lapse", "goes away in 10 s")
    screen.press("g")
    screen.close()


def test_a_stop_that_waits_is_shown_and_can_be_taken_back(rehearse):
    screen = rehearse(HOLD.replace("for: 4 s", "for: 60 s"), speed=1).open()
    screen.waits_for_script(f"() => !{STOP}.disabled")
    screen.press("Escape", "Enter")
    screen.waits_for_script(f"() => {STOP}.innerText.startsWith('Stops after sweep')")
    screen.press("Escape")
    assert "stops after this sweep" in screen.text("asked")
    screen.press("g")
    screen.waits_for_script(f"() => {STOP}.innerText.startsWith('Stop') && {STOP}.ariaPressed === 'false'")
    assert screen.text("state-word") in ("RECORDING", "WAITING")
    screen.press("Escape", "Escape")
    screen.close()


def test_every_control_is_a_key(running):
    screen = running.open()
    screen.waits_for("sAHP", r"mV")
    screen.waits_for_script(f"() => !{STOP}.disabled")
    screen.press("m")
    screen.logged("mark")
    screen.press("n")
    screen.page.keyboard.type("m n t 1: a bubble")
    screen.press("Enter")
    screen.logged("m n t 1: a bubble")
    screen.press(" ")
    screen.waits_for("state-word", "PAUSED")
    rejected = reject(screen, "by mistake")
    screen.waits_for("reject-word", "Take back")
    screen.press("r")
    screen.waits_for("asked", "Take it back")
    screen.press("Enter")
    screen.logged(f"sweep {rejected} is taken back")
    screen.waits_for("reject-word", "Reject")
    assert reject(screen, "bubble") == rejected
    screen.press("v", "2")
    screen.waits_for("asked", "Really open the valve of MEM 1003")
    screen.press("Enter")
    screen.logged("MEM 1003 1 µM on line drug")
    screen.waits_for("solution-quality", "in the bath in")
    assert "△ MEM 1003 1 µM is on its way" in screen.waits_for("warnings", "on its way")
    screen.press(" ")
    screen.waits_for("state-word", "RECORDING|WAITING")
    screen.press("?")
    assert "Leave a sweep out of means" in screen.page.locator("#keys").inner_text()
    screen.press("Escape", ".")
    screen.logged("left by the person")
    assert running.ended() == 0  # the series was the last step: the protocol ran to its end
    screen.waits_for("state-word", "OVER")
    assert screen.trouble == []
    with open_recovered(running.session()) as session:
        assert session.rejected == {rejected: "bubble"}


def test_the_pipette_is_watched_first_and_a_question_is_answered_by_its_number(rehearse):
    run = rehearse(PROMPT, speed=1, options=["--approach"])
    screen = run.open()
    screen.waits_for("state-word", "TEST PULSES")
    screen.waits_for(
        "test-R-label", "pipette"
    )  # of a whole cell, which at 0 mV drives the input to its rail: no number
    screen.press("3")
    screen.waits_for("test-R-label", "access")
    assert 5 < float(screen.waits_for("test-R", r"\d\d?\.\d")) < 20
    screen.press("1")
    assert "The pipette is in a cell. Bath puts it to 0 mV." in screen.waits_for("asked", "0 mV")
    screen.press("Escape")
    assert screen.page.locator('[data-act="stage-cell"][aria-pressed="true"]').count() == 1
    screen.press("1", "y")
    screen.waits_for("test-R-label", "pipette")
    screen.press("2")
    screen.waits_for("test-R-label", "seal")
    screen.waits_for("test-R", r"\d")
    screen.press("1")
    assert "there seems to be a cell on the pipette" in screen.waits_for("asked", "0 mV")
    screen.press("Escape")
    screen.press(" ")
    assert "Is the bottle full?" in screen.waits_for("question", "bottle")
    screen.waits_for("state-word", "A QUESTION")
    assert screen.page.locator('[data-act="stage-bath"]').is_disabled()
    screen.press("1")
    screen.logged("Is the bottle full. - yes it is")
    screen.press("Escape", "Escape")
    assert screen.trouble == []
