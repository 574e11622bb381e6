"""Whether a cell counts: each criterion, its limit from the protocol, its words."""

import json
from dataclasses import replace

import numpy as np
import pytest

from acquisition.analysis.cell_acceptance import judge_cell
from acquisition.analysis.log_facts import LogFacts, facts_of
from acquisition.analysis.summary import SweepNumbers, summarise
from protocols.acceptance import Accept
from protocols.sweeps import LogEntry, Measurement

GOOD = {
    "A_1000": -3e-3, "S_fix": -6e-3, "D50": 1.2, "A_pk": -6e-3, "n_ap": 3.0, "Rin": 80e6, "V_b": -60e-3, "Rs": 12e6,
    "I_step": 300e-12, "I_hold": 90e-12, "ap_peak": 38e-3,
}  # fmt: skip
RESTING = LogFacts(resting_potential=-64e-3)


def sweep(index, label="baseline", condition="ACSF", run=5, flags=None, **changes):
    flags = flags or {}
    made = tuple(Measurement(n, v, "", index, 0.0, None, flags.get(n, ())) for n, v in (GOOD | changes).items())
    return SweepNumbers(index, label, "series", run, condition, 30.0 * index, made)


def cell(n=10, baseline=None, drug=None):
    """Ten sweeps before and ten after, with values of their own."""
    before = [sweep(i, **(baseline or {})) for i in range(n)]
    after = [sweep(100 + i, "drug", "MEM 1 µM", 6, **({"A_1000": -2e-3} | (drug or {}))) for i in range(10)]
    return [*before, *after]


def rules(**limits):
    return Accept.model_validate({"cell": limits})


def test_a_good_cell_is_accepted_and_every_criterion_has_its_number():
    found = judge_cell(cell(), RESTING)
    assert found.accepted
    assert found.text == "cell accepted"
    assert {c.name: c.ok for c in found.checks} == dict.fromkeys(
        (
            "resting_potential", "baseline_sweeps", "overshoot", "spike_height", "input_resistance",
            "access_resistance", "access_change_within", "input_change_within", "holding_drift_within",
        ),
        True,
    )  # fmt: skip
    values = {c.name: c.value for c in found.checks}
    assert values["spike_height"] == pytest.approx(98e-3)
    assert values["resting_potential"] == -64e-3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"drug": {"Rs": 15.72e6}}, "access resistance rose 31 %, limit 20 %"),
        ({"drug": {"Rs": 9e6}}, "access resistance fell 25 %, limit 20 %"),
        ({"drug": {"Rin": 100.8e6}}, "input resistance rose 26 %, limit 20 %"),
        ({"drug": {"I_hold": 30e-12}}, "holding current changed by -60 pA, limit 50 pA"),
        ({"baseline": {"Rs": 31e6}, "drug": {"Rs": 31e6}}, "access resistance 31.0 MOhm, wanted below 30 MOhm"),
        ({"baseline": {"Rin": 25e6}, "drug": {"Rin": 25e6}}, "input resistance 25 MOhm, wanted 30 MOhm .. 200 MOhm"),
        ({"baseline": {"Rin": 250e6}, "drug": {"Rin": 250e6}}, "input resistance 250 MOhm, wanted 30 MOhm .. 200 MOhm"),
        ({"baseline": {"ap_peak": 5e-3}}, "action potential height 65.0 mV, wanted above 70 mV"),
        ({"n": 7}, "7 accepted baseline sweeps, 8 needed"),
    ],
)
def test_a_cell_is_left_out_with_the_reason_in_numbers(changes, reason):
    found = judge_cell(cell(**changes), RESTING)
    assert not found.accepted
    assert found.reasons == (reason,)
    assert found.text == f"cell left out: {reason}"


def test_an_action_potential_without_overshoot_is_said_beside_its_height():
    found = judge_cell(cell(baseline={"ap_peak": -5e-3}), RESTING)
    assert found.reasons[0] == "action potential peak -5.0 mV, wanted above 0 mV"


def test_a_depolarised_cell_is_left_out():
    found = judge_cell(cell(), LogFacts(resting_potential=-52e-3))
    assert found.text == "cell left out: resting potential -52.0 mV, wanted below -55 mV"


def test_what_was_not_measured_does_not_speak_against_a_cell_but_is_said():
    found = judge_cell(cell(drug={"Rs": np.nan}))
    assert found.accepted
    assert found.text == "cell accepted (resting potential not measured, change of access resistance not measured)"


def test_a_gate_on_what_was_never_measured_speaks_against_a_cell():
    found = judge_cell(cell(drug={"Rs": np.nan}), RESTING, gated={"access_resistance"})
    assert found.reasons == ("change of access resistance not measured, and the protocol has a gate on it",)
    blind = judge_cell(cell(baseline={"Rs": np.nan}, drug={"Rs": np.nan}), RESTING, gated={"access_resistance"})
    assert "access resistance not measured, and the protocol has a gate on it" in blind.reasons


@pytest.mark.parametrize(("after", "ok"), [(13e6, True), (26e6, False)])
def test_where_bursts_do_not_tell_the_access_resistance_the_membrane_tests_do(after, ok):
    tests = [
        SweepNumbers(i, "test", "membrane_test", i, "ACSF", t, (Measurement("Rs", ohms, "Ohm", i, t),))
        for i, t, ohms in ((900, -10.0, 12e6), (901, 1e5, after))
    ]
    bursts = cell(baseline={"Rs": np.nan}, drug={"Rs": np.nan})
    found = judge_cell([*tests, *bursts], RESTING, gated={"access_resistance"})
    assert found.accepted is ok
    assert {c.name: c.value for c in found.checks}["access_resistance"] == 12e6


def test_the_limits_are_the_protocols():
    found = judge_cell(cell(), RESTING, rules(access_resistance="below 10 MOhm", baseline_sweeps=12))
    assert found.reasons == (
        "10 accepted baseline sweeps, 12 needed",
        "access resistance 12.0 MOhm, wanted below 10 MOhm",
    )
    assert judge_cell(cell(drug={"Rs": 15.72e6}), RESTING, rules(access_change_within="40 %")).accepted


def test_sweeps_left_out_of_means_do_not_count_for_the_baseline():
    sweeps = cell()
    sweeps[0] = replace(sweeps[0], is_rejected=True)
    sweeps[1:3] = [sweep(i, flags={"n_ap": ("ap_count",)}) for i in (1, 2)]
    assert judge_cell(sweeps, RESTING).reasons == ("7 accepted baseline sweeps, 8 needed",)


def test_all_accepted_baseline_sweeps_count_and_not_only_the_last_ten():
    assert judge_cell(cell(n=14), RESTING, rules(baseline_sweeps=14)).accepted


def test_one_bad_sweep_does_not_decide_over_a_cell():
    sweeps = cell()
    sweeps[4] = sweep(4, Rs=200e6, ap_peak=-30e-3)
    assert judge_cell(sweeps, RESTING).accepted


def test_a_session_without_a_drug_is_judged_by_its_baseline():
    found = judge_cell(cell()[:10], RESTING)
    assert found.accepted
    assert "access_change_within" not in {c.name for c in found.checks}


def test_a_session_without_bursts_has_no_baseline():
    assert judge_cell([]).text == "cell left out: 0 accepted baseline sweeps, 8 needed"


def test_the_verdict_is_plain_numbers_in_json():
    stored = judge_cell(cell()).as_mapping()
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored
    assert stored["checks"][0]["value"] is None


def test_rs_or_rin_change_above_20_per_cent_flags_a_phase_and_keeps_it_out_of_paired_comparison():
    (_, drug) = summarise(cell(drug={"Rs": 15.72e6})).phases
    assert "rs_changed" in drug.flags
    assert not drug.is_comparable
    assert "access resistance rose 31 %, limit 20 %: not for paired comparison" in drug.reasons
    (_, drug) = summarise(cell(drug={"Rin": 60e6})).phases
    assert "rin_changed" in drug.flags
    (_, drug) = summarise(cell(drug={"Rin": 70e6})).phases
    assert drug.is_comparable


# --- what the log says ----------------------------------------------------------------------------------------------


def test_the_resting_potential_is_the_first_that_was_noted():
    log = [LogEntry(60.0 + i, "rest", "", {"potential": v}) for i, v in enumerate((-63e-3, -50e-3))]
    assert facts_of(log).resting_potential == -63e-3
    assert facts_of([]).resting_potential is None


def test_a_solution_arrives_after_the_dead_time_and_one_already_flowing_is_no_switch():
    def solution(time, label, arrives):
        return LogEntry(time, "solution", label, {"label": label, "switched": time, "arrives": arrives})

    log = [
        solution(0.0, "ACSF", 0.0), solution(600.0, "MEM", 645.0), solution(700.0, "MEM", 745.0),
        solution(2000.0, "ACSF", 2045.0),
    ]  # fmt: skip
    facts = facts_of(log)
    assert [s.label for s in facts.switches] == ["ACSF", "MEM", "ACSF"]
    assert facts.arrival("MEM", before=1900.0) == 645.0
    assert facts.arrival("ACSF", before=1900.0) == 0.0
    assert facts.arrival("ACSF", before=3000.0) == 2045.0
    assert facts.arrival("nimodipine", before=3000.0) is None
