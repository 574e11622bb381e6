"""A pump that stops is told once, beside the sweeps it concerns, and ends no run."""

import pytest

from acquisition.person import Unattended
from protocols.errors import HardwareError
from tests.kit import RIG, Answers

PUMPED = RIG.read_text(encoding="utf-8").replace(
    "thermometer:", "pump:\n  driver: simulated\n  rate: 2 mL/min\n  limit: 5 mL/min\n\nthermometer:", 1
)
THREE = "steps:\n" + 3 * "  - hold: {voltage: -60 mV, for: 1 s}\n"
WASH = "steps:\n  - hold: {voltage: -60 mV, for: 1 s}\n  - wait: {for: 60 s}\n  - hold: {voltage: -60 mV, for: 1 s}\n"


@pytest.fixture
def pumped(rehearse):
    """Return a function that runs steps on a rig whose pump runs; `acts`: sweep number -> what happens in it."""

    def run(steps=THREE, *, acts=None, before=None, runs=True, **more):
        def prepare(bench):
            pump, play = bench.devices.pump, bench.play

            def acted(*args, **how):
                (acts or {}).get(bench.state.sweeps, lambda _: None)(pump)
                return play(*args, **how)

            bench.play = acted
            if runs:
                pump.run()
            if before is not None:
                before(pump)

        return rehearse(steps, rig=PUMPED, before=prepare, **more)

    return run


def stall(pump):
    pump.stall()


def silence(pump):
    def silent():
        raise HardwareError("pump", "no answer")

    pump.running = silent


def test_a_pump_that_runs_on_says_nothing(pumped):
    r = pumped()
    assert r.finished.reason == "finished"
    assert not r.tape.said("fault")
    assert not r.tape.said("pump")
    assert {h.condition for h in r.tape.headers} == {"ACSF"}


def test_a_stall_is_told_once_with_its_reason_and_the_run_goes_on(pumped):
    r = pumped(acts={0: stall})
    (told,) = r.tape.said("fault")
    assert (
        "the bath gets no solution since 0 s or soon after: the pump stands (the pump motor has stalled)" in told.text
    )
    assert r.finished.reason == "finished"


def test_sweeps_without_flow_say_so_in_their_condition(pumped):
    r = pumped(acts={0: stall})
    assert [h.condition for h in r.tape.headers] == ["ACSF", "ACSF (no flow)", "ACSF (no flow)"]


def test_a_pump_that_comes_back_is_told_with_how_long_it_stood(pumped):
    r = pumped(acts={0: stall, 1: lambda pump: pump.run()})
    assert len(r.tape.said("fault")) == 1
    (told,) = r.tape.said("pump")
    assert told.text == "the pump runs again: the bath was without solution for up to 2 s"
    assert [h.condition for h in r.tape.headers] == ["ACSF", "ACSF (no flow)", "ACSF"]


def test_a_pump_that_stops_in_a_wait_is_seen_within_seconds(pumped):
    def stop_later(pump):
        running, clock = pump.running, pump._clock
        pump.running = lambda: running() and clock.now() < 20.0

    r = pumped(WASH, acts={0: stop_later})
    (told,) = r.tape.said("fault")
    assert 20.0 <= told.time <= 26.0


def test_a_pump_that_does_not_answer_is_told_once_and_asked_seldom(pumped):
    asked = []

    def deaf(pump):
        def silent():
            asked.append(pump._clock.now())
            raise HardwareError("pump", "no answer")

        pump.running = silent

    r = pumped(WASH, acts={0: deaf})
    assert r.finished.text.count("NOT AT REST: pump: no answer") == 1
    (told,) = r.tape.said("fault")
    assert "nobody knows whether the bath gets solution: pump: no answer" in told.text
    assert r.tape.headers[-1].condition == "ACSF (flow unknown)"
    assert len(asked) <= 4


def test_a_complaint_of_a_pump_that_runs_is_told(pumped):
    r = pumped(acts={0: lambda pump: setattr(pump, "_alarms", ("power was interrupted",))})
    assert [e.text for e in r.tape.said("fault")] == ["the pump runs, and complains (power was interrupted)"]


def test_what_the_pump_complained_of_before_the_run_is_history(pumped):
    r = pumped(before=lambda pump: setattr(pump, "_alarms", ("power was interrupted",)))
    assert not r.tape.said("fault")


def test_a_pump_that_stands_at_the_start_is_started_with_the_persons_word(pumped):
    r = pumped(runs=False, person=Answers("start it"), acts={0: stall})
    assert r.person.asked == ["The pump stands, and the bath gets no solution. Start it at 2 mL/min?"]
    assert r.tape.said("pump")[0].text == "the pump was started at 2 mL/min"
    assert len(r.tape.said("fault")) == 1


def test_with_nobody_there_a_pump_that_stands_is_not_started(pumped):
    r = pumped(runs=False, person=Unattended())
    assert [e.text for e in r.tape.said("fault")] == [
        "the pump stands: the bath gets solution only if something else moves it"
    ]
    assert r.bench.devices.pump.dispensed() == 0
    assert r.finished.reason == "finished"


def test_the_person_may_stop_instead(pumped):
    r = pumped(runs=False, person=Answers("stop"))
    assert r.finished.reason == "stopped by the person"
    assert not r.tape.headers


def test_a_run_that_cannot_stop_its_pump_does_not_end_as_finished(pumped):
    r = pumped(acts={0: silence})
    assert r.finished.reason == "hardware failed"
    assert r.tape.closed == "hardware failed"
    assert r.tape.said("end")[0].text.startswith("hardware failed: all steps done; NOT AT REST: pump: no answer")
