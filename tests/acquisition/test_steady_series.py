"""The drug waits for a steady baseline, and everybody can read why."""

import json
import re

import pytest

from acquisition.person import Unattended
from tests.kit import Answers

BASELINE = """
steps:
  - switch_to: {{clamp: current, bias_to: -60 mV}}
  - series:
      name: baseline
      step: 300 pA
      width: 150 ms
      every: 10 s
      before: 1 s
      after: 3.5 s
      rebias: {{to: -60 mV}}
      test_pulse: {{current: -50 pA, width: 300 ms, before_end: 800 ms}}
      until_stable: {{measure: A_1000, last: {last}, drift_below: {drift} per 1 min}}
      at_most: {at_most}
      if_not_stable: {otherwise}
  - apply: {{solution: blocker}}
"""
LAX = """
accept:
  baseline: {{input_resistance: 900 % per 1 min, potential_within: 100 mV}}
"""


def run(rehearse, *, last=6, drift="900 %", at_most="3 min", otherwise="ask", accept=LAX, **how):
    text = (accept + BASELINE).format(last=last, drift=drift, at_most=at_most, otherwise=otherwise)
    return rehearse(text, **how)


def applied(r):
    return [e for e in r.tape.said("solution") if e.data["solution"] == "blocker"]


def test_the_drug_waits_for_the_baseline_to_be_steady_and_not_a_sweep_longer(rehearse):
    r = run(rehearse)
    verdicts = r.tape.said("steady")
    (drug,) = applied(r)
    assert [v.data["steady"] for v in verdicts][-1]
    assert not any(v.data["steady"] for v in verdicts[:-1])
    assert all(v.time <= drug.time for v in verdicts)
    assert len(verdicts) >= 6


def test_every_sweep_is_followed_by_the_verdict_in_words_and_in_numbers(rehearse):
    r = run(rehearse)
    bursts = [h.sweep.index for h in r.tape.headers if h.label == "baseline"]
    verdicts = r.tape.said("steady")
    assert [v.data["sweep"] for v in verdicts] == bursts
    assert [v.data["n"] for v in verdicts[:6]] == [1, 2, 3, 4, 5, 6]
    assert verdicts[0].text == "baseline: 1 of 6 sweeps"
    form = r"baseline: 6 of 6 sweeps steady, slope [+-]\d+ %/1 min, CI contains 0; "
    assert re.match(form + r"Rin [+-]\d+ %/1 min( \(CI excludes 0\))?, V_b [+-]\d+\.\d mV/1 min$", verdicts[5].text)
    last = verdicts[-1].data
    assert (last["name"], last["measure"], last["needed"]) == ("baseline", "A_1000", 6)
    assert last["interval"][0] <= 0 <= last["interval"][1]
    assert [b["name"] for b in last["besides"]] == ["Rin", "V_b"]
    for v in verdicts:
        json.dumps(v.data, allow_nan=False)


def test_a_baseline_that_never_becomes_steady_asks_the_person_before_the_drug(rehearse):
    r = run(rehearse, drift="0.001 %", at_most="90 s", person=Answers("stop"))
    (question,) = r.person.asked
    assert question.startswith("'baseline' is not steady: 6 of 6 sweeps, slope ")
    assert applied(r) == []
    assert r.finished.reason == "stopped by a gate"


def test_a_person_may_let_the_drug_in_all_the_same_and_the_answer_is_kept(rehearse):
    r = run(rehearse, drift="0.001 %", at_most="90 s", person=Answers("continue"))
    (drug,) = applied(r)
    (answer,) = r.tape.said("question")
    assert answer.data["answer"] == "continue"
    assert answer.time <= drug.time


def test_with_nobody_there_the_drug_is_not_applied_to_a_drifting_cell(rehearse):
    r = run(rehearse, drift="0.001 %", at_most="90 s", person=Unattended())
    assert applied(r) == []


@pytest.mark.parametrize(
    "limits", ["{{input_resistance: 0.001 % per 1 min}}", "{{potential_within: 0.001 mV}}"], ids=["Rin", "V_b"]
)
def test_input_resistance_and_baseline_potential_must_be_steady_too(rehearse, limits):
    accept = f"accept:\n  baseline: {limits}\n"
    r = run(rehearse, accept=accept, at_most="90 s", person=Answers("stop"))
    name = "Rin" if "input" in limits else "V_b"
    besides = {b["name"]: b["steady"] for b in r.tape.said("steady")[-1].data["besides"]}
    assert besides[name] is False
    assert applied(r) == []


DRUG = """
accept:
  drug: {not_before: 90 s, window: 40 s, change_within: 900 %}
steps:
  - switch_to: {clamp: current, bias_to: -60 mV}
  - apply: {solution: blocker}
  - series:
      name: drug
      step: 300 pA
      width: 150 ms
      every: 10 s
      before: 1 s
      after: 2 s
      counted_from: arrival
      until_stable: {measure: A_1000, last: 4, drift_below: 900 % per 1 min}
      at_most: 4 min
      if_not_stable: note
"""


def test_a_drug_series_ends_not_before_its_time_after_the_arrival(rehearse):
    r = rehearse(DRUG)
    (arrives,) = [e.data["arrives"] for e in applied(r)]
    starts = {h.sweep.index: h.start for h in r.tape.headers if h.label == "drug"}
    verdicts = r.tape.said("steady")
    steady = [starts[v.data["sweep"]] - arrives for v in verdicts if v.data["steady"]]
    assert steady[0] >= 90
    assert steady == [max(starts.values()) - arrives]
    assert verdicts[0].data["n"] == 0, "a sweep before the arrival says nothing of the drug"
    assert "1 min after arrival, mean of the last 40 s " in verdicts[-1].text


def test_what_the_cell_is_at_without_current_is_noted_before_it_is_biased(rehearse):
    r = rehearse("steps:\n  - switch_to: {clamp: current, bias_to: -60 mV}\n")
    (rest,) = r.tape.said("rest")
    assert rest.text == f"resting potential {1e3 * rest.data['potential']:.1f} mV (no current)"
    assert rest.data["potential"] < -60e-3
    assert rest.time < r.tape.said("bias")[0].time


def test_the_terminal_says_the_verdict_after_every_sweep(rehearse):
    from io import StringIO

    from rich.console import Console

    from acquisition.terminal import Terminal

    page = StringIO()
    r = run(rehearse, observers=[Terminal(Console(file=page, width=200))])
    said = page.getvalue()
    assert all(v.text in said for v in r.tape.said("steady"))
    assert "resting potential" in said
