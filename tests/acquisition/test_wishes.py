"""What a person can ask of a run while it goes on, asked of the real engine on the simulated rig."""

from __future__ import annotations

import pytest

from acquisition.controls import MOST_WISHES, Asked, Controls
from acquisition.events import StepStarted, SweepStarted
from tests.kit import Answers

SERIES = """
steps:
  - hold: {voltage: -70 mV, for: 20 s}
  - switch_to: {clamp: current, bias_to: -60 mV, bridge: 12 MOhm}
  - series: {name: bursts, step: 300 pA, width: 150 ms, every: 10 s, after: 5 s, sweeps: 4}
  - note: the last step
"""


def at_sweep(label, act, *, nth=1):
    """Return an observer that calls `act` when the nth sweep called `label` begins."""
    seen = []

    def observe(event):
        if isinstance(event, SweepStarted) and event.header.label == label:
            seen.append(event)
            if len(seen) == nth:
                act()

    return observe


def labels(r):
    return [h.label for h in r.tape.headers]


def test_the_next_step_begins_after_the_sweep(rehearse):
    controls = Controls()
    r = rehearse(SERIES, controls=controls, observers=[at_sweep("bursts", controls.next_step, nth=2)])
    assert labels(r).count("bursts") == 2
    assert r.tape.ends[-1] == (True, None)
    assert [e.text for e in r.tape.said("note")] == ["the last step"]
    assert r.finished.reason == "finished"
    assert r.tape.said("skipped")


def test_a_hold_is_left_at_once_and_keeps_its_samples(rehearse):
    controls = Controls()
    r = rehearse(SERIES, controls=controls, observers=[at_sweep("hold -70 mV", controls.next_step)])
    assert r.tape.ends[0] == (False, "left for the next step")
    assert sum(f.n_samples for f in r.tape.frames[0]) > 0
    assert labels(r).count("bursts") == 4


def test_a_search_cannot_be_left_because_later_steps_need_it(rehearse):
    controls, answers = Controls(), []
    find = """
steps:
  - switch_to: {clamp: current, bias_to: -60 mV}
  - find: {name: burst, step: 250 pA .. 350 pA by 25 pA, width: 150 ms, until_spikes: 2..5, every: 12 s}
"""
    r = rehearse(find, controls=controls, observers=[at_sweep("burst", lambda: answers.append(controls.next_step()))])
    assert answers == [False]
    assert r.finished.reason == "finished"


def test_a_wish_for_the_next_step_does_not_outlive_its_step(rehearse):
    controls = Controls()
    r = rehearse(SERIES, controls=controls, observers=[at_sweep("bursts", controls.next_step, nth=4)])
    assert [e.text for e in r.tape.said("note")] == ["the last step"]


def test_marks_and_notes_are_written_in_mid_sweep_with_the_time_they_were_asked_at(rehearse):
    controls = Controls()
    wish = lambda: controls.ask(Asked("note", "a bubble", asked=1.5))  # noqa: E731
    r = rehearse(SERIES, controls=controls, observers=[at_sweep("hold -70 mV", wish)])
    (note,) = [e for e in r.tape.said("note") if e.data.get("by") == "person"]
    assert (note.text, note.data["asked"]) == ("a bubble", 1.5)
    assert note.time < 20


def test_a_sweep_rejected_by_the_person_leaves_the_verdict_on_the_baseline(rehearse):
    steady = SERIES.replace(
        "sweeps: 4}", "until_stable: {measure: A_1000, last: 4}, at_most: 100 s, if_not_stable: note}"
    )
    controls = Controls()

    def reject():
        controls.ask(Asked("reject", "touched the table", sweep=first_burst[0]))

    first_burst = []

    def note_first(event):
        if isinstance(event, SweepStarted) and event.header.label == "bursts" and not first_burst:
            first_burst.append(event.header.sweep.index)

    observers = [note_first, at_sweep("bursts", reject, nth=2)]
    r = rehearse(steady, controls=controls, observers=observers)
    counts = [e.data["n"] for e in r.tape.said("steady")]
    assert counts[:3] == [1, 1, 2], "the second verdict is without the first sweep"
    (line,) = r.tape.said("rejected")
    assert line.data == {"sweep": first_burst[0], "reason": "touched the table", "by": "person"}


def test_a_rejection_of_a_sweep_that_does_not_exist_is_said_and_nothing_else(rehearse):
    controls = Controls()
    controls.ask(Asked("reject", "why not", sweep=99))
    r = rehearse(SERIES, controls=controls)
    assert not r.tape.said("rejected")
    assert r.finished.reason == "finished"


def test_a_solution_is_changed_between_sweeps(rehearse):
    controls = Controls()
    wish = lambda: controls.ask(Asked("solution", "blocker"))  # noqa: E731
    r = rehearse(SERIES, controls=controls, observers=[at_sweep("bursts", wish, nth=2)])
    conditions = [h.condition for h in r.tape.headers if h.label == "bursts"]
    assert conditions[1] == "ACSF"
    assert conditions[2].startswith("MEM 1003 1 µM")
    second = [h for h in r.tape.headers if h.label == "bursts"][1]
    switched = r.tape.said("solution")[-1].data["switched"]
    assert switched >= second.start + second.sweep.command.duration


def test_an_unknown_solution_changes_nothing(rehearse):
    controls = Controls()
    controls.ask(Asked("solution", "coffee"))
    r = rehearse(SERIES, controls=controls)
    assert len(r.tape.said("solution")) == 1
    assert any("no solution 'coffee'" in e.text for e in r.tape.said("note"))


def test_wishes_that_nobody_takes_do_not_pile_up():
    controls = Controls()
    taken = [controls.ask(Asked("mark")) for _ in range(MOST_WISHES + 5)]
    assert taken == [True] * MOST_WISHES + [False] * 5
    assert len(controls.take_wishes(between_sweeps=False)) == MOST_WISHES


class Clicks:
    """Somebody who watches the pipette through the stages, then begins the protocol."""

    def __init__(self, controls, *stages):
        self.controls, self.stages = controls, list(stages)

    def __call__(self, event):
        if isinstance(event, SweepStarted) and event.header.kind == "approach":
            if self.stages:
                self.controls.watch_pipette(self.stages.pop(0))
            else:
                self.controls.resume()


def test_the_pipette_is_watched_stage_by_stage_and_then_the_protocol_begins(rehearse):
    controls = Controls()
    controls.watch_pipette("bath")
    r = rehearse(SERIES, controls=controls, observers=[Clicks(controls, "patch", "cell", "monitor")])
    assert labels(r)[:5] == ["bath", "patch", "cell", "monitor", "hold -70 mV"]
    assert [h.holding for h in r.tape.headers[:4]] == [0.0, -0.07, -0.07, -0.07]
    assert r.finished.reason == "finished"


def test_a_pipette_without_a_cell_has_no_access_resistance(rehearse):
    controls = Controls()
    controls.watch_pipette("bath")
    r = rehearse(SERIES, controls=controls, observers=[Clicks(controls, "cell")])
    names = [{m.name for m in r.tape.measurements if m.sweep == i} for i in (0, 1)]
    assert names[0] == {"R_total", "I_hold"}
    assert {"Rs", "Rm", "Cm"} <= names[1]


def test_test_pulses_in_current_clamp_are_refused_with_a_sentence(rehearse):
    controls, refused = Controls(), []

    def watch_then_go_on(event):
        if isinstance(event, StepStarted) and event.verb == "series":
            controls.watch_pipette("cell")

    def go_on(bench):
        wait = bench.clock.wait_until

        def glance(moment):
            if controls.paused and controls.stage is None:
                refused.append(moment)
                controls.resume()
            wait(moment)

        bench.clock.wait_until = glance

    r = rehearse(SERIES, controls=controls, observers=[watch_then_go_on], before=go_on)
    assert any("voltage clamp only" in e.text for e in r.tape.said("note"))
    assert "approach" not in {h.kind for h in r.tape.headers}
    assert refused
    assert r.finished.reason == "finished"


@pytest.mark.parametrize("stage", ["bath", "cell"])
def test_a_stop_in_a_stage_leaves_the_output_at_rest(rehearse, stage):
    controls = Controls()
    controls.watch_pipette(stage)
    r = rehearse(SERIES, controls=controls, observers=[at_sweep(stage, controls.stop)], person=Answers())
    assert r.finished.reason == "stopped by the person"
    assert r.output_volts == pytest.approx(-0.07 / 20e-3, abs=1e-2)


def test_zero_millivolts_are_for_a_pipette_without_a_cell(rehearse):
    controls, lines = Controls(), []

    def press_bath(event):
        if isinstance(event, SweepStarted) and event.header.label == "hold -70 mV":
            controls.watch_pipette("bath")

    def go_on(bench):
        wait = bench.clock.wait_until

        def glance(moment):
            if controls.paused and controls.stage is None:
                lines.append(bench.state.level)
                controls.resume()
            wait(moment)

        bench.clock.wait_until = glance

    r = rehearse(SERIES, controls=controls, observers=[press_bath], before=go_on)
    assert "bath" not in labels(r)
    assert lines[0] == pytest.approx(-0.07)
    assert any("holds at 0 mV" in e.text for e in r.tape.said("note"))
