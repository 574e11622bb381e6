import re
from dataclasses import replace

import numpy as np
import pytest

from acquisition.acceptance import by_sweep
from acquisition.analysis.cell_acceptance import judge_cell
from acquisition.analysis.comparison import compare
from acquisition.analysis.log_facts import LogFacts, Switch
from acquisition.analysis.rejections import reason_against
from acquisition.analysis.summary import SHOWN, SweepNumbers, is_accepted, summarise
from protocols.sweeps import Measurement


def autocorrelated(n, mean, sd, random, keep=0.5):
    out = np.empty(n)
    state = random.normal()
    for i in range(n):
        state = keep * state + np.sqrt(1 - keep**2) * random.normal()
        out[i] = mean + sd * state
    return out


def test_an_ahp_that_shrinks_has_a_negative_percentage():
    effect = compare([-4.0, -4.2, -3.8], [-2.0, -2.1, -1.9])
    assert effect.difference == pytest.approx(2.0)
    assert effect.percent == pytest.approx(-50.0)
    assert effect.interval[0] < 2.0 < effect.interval[1]
    assert effect.percent_interval[0] < -50.0 < effect.percent_interval[1]


def test_the_same_values_give_the_same_interval():
    x, y = np.arange(10.0), np.arange(10.0) + 3
    assert compare(x, y) == compare(x, y)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(8)
    hits = 0
    for _ in range(200):
        before = autocorrelated(10, -3.0, 0.4, random, keep=0.3)
        after = autocorrelated(10, -2.0, 0.4, random, keep=0.3)
        low, high = compare(before, after).interval
        hits += low <= 1.0 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_intervals_hold_the_truth_more_often_than_plain_moving_blocks_and_than_welchs_t():
    from scipy import stats

    random = np.random.default_rng(11)
    held = dict.fromkeys(("ours", "percent", "plain", "welch"), 0)
    for _ in range(150):
        before, after = (autocorrelated(10, mean, 0.3, random, keep=0.5) for mean in (-3.0, -2.0))
        found, welch = compare(before, after), stats.ttest_ind(after, before, equal_var=False).confidence_interval()
        plain = np.percentile(moving_blocks(after, random) - moving_blocks(before, random), (2.5, 97.5))
        held["ours"] += found.interval[0] <= 1.0 <= found.interval[1]
        held["percent"] += found.percent_interval[0] <= -100 / 3 <= found.percent_interval[1]
        held["plain"] += plain[0] <= 1.0 <= plain[1]
        held["welch"] += welch.low <= 1.0 <= welch.high
    assert held["ours"] >= 0.82 * 150
    assert held["percent"] >= 0.82 * 150
    assert max(held["plain"], held["welch"]) < held["ours"] - 10


def moving_blocks(values, random, block=3):
    """Means of plain moving blocks, Kuensch 1989."""
    n = len(values)
    starts = random.integers(0, n - block + 1, size=(1000, -(-n // block)))
    return values[(starts[..., None] + np.arange(block)).reshape(1000, -1)[:, :n]].mean(axis=1)


def test_one_value_has_no_interval_and_none_has_no_effect():
    assert np.isnan(compare([1.0], [2.0, 3.0]).interval).all()
    assert np.isnan(compare([], [2.0]).difference)
    assert compare([0.0, 0.0], [1.0, 1.0]).interval == (1.0, 1.0)


# --- which sweeps count ----------------------------------------------------------------------------------------------


def m(name, value, *flags):
    return Measurement(name, value, "V", 0, 0.0, None, flags)


def test_a_clean_sweep_is_accepted():
    assert is_accepted([m("A_1000", -3e-3), m("n_ap", 3.0), m("n_late", 0.0), m("V_b", -0.06)], "A_1000")


@pytest.mark.parametrize(
    "against",
    [
        m("n_ap", 2.0, "ap_count"),
        m("n_ap", 0.0, "no_spikes", "ap_count"),
        m("n_late", 1.0, "late_spikes"),
        m("n_late", np.nan, "window_incomplete"),
        m("V_b", -0.064, "vhold", "vhold_far"),
        m("A_1000", -3e-3, "late_spikes"),
        m("A_1000", np.nan, "window_incomplete"),
        m("ap_peak", np.nan, "clipped"),
    ],
)
def test_a_sweep_is_left_out_when_a_flag_speaks_against_it(against):
    assert not is_accepted([m("A_1000", -3e-3), against], "A_1000")


def test_warnings_do_not_leave_a_sweep_out():
    assert is_accepted([m("A_1000", -3e-3, "drift"), m("V_b", -0.062, "vhold", "baseline_spikes")], "A_1000")


def test_a_long_ahp_does_not_leave_its_own_sweep_out():
    assert is_accepted([m("A_1000", -5e-3), m("V_b", -0.06), m("V_end", -0.063, "drift", "not_recovered")], "A_1000")


def test_a_measure_that_was_not_made_is_not_accepted():
    assert not is_accepted([m("n_ap", 3.0)], "A_1000")


# --- the summary -----------------------------------------------------------------------------------------------------


def sweep(index, label, condition, a_1000, *, run, flags=(), step=300e-12, rejected=False):
    values = {
        "A_1000": a_1000, "S_fix": 2 * a_1000, "D50": 1.2, "A_pk": 2 * a_1000, "n_ap": 3.0, "Rin": 80e6,
        "V_b": -0.06, "Rs": 12e6, "I_step": step,
    }  # fmt: skip
    made = tuple(Measurement(n, v, "", index, 0.0, None, flags if n == "n_ap" else ()) for n, v in values.items())
    return SweepNumbers(index, label, "series", run, condition, 30.0 * index, made, rejected)


def experiment():
    random = np.random.default_rng(4)
    noise = random.normal(0, 0.1e-3, 40)
    before = [sweep(i, "baseline", "ACSF", -4e-3 + noise[i], run=5) for i in range(12)]
    coming = [sweep(i, "drug", "MEM 1 µM (arriving)", -4e-3 + noise[i], run=6) for i in range(12, 14)]
    after = [sweep(i, "drug", "MEM 1 µM", -2e-3 + noise[i], run=6) for i in range(14, 30)]
    return [*before, *coming, *after]


def test_phases_are_the_last_accepted_sweeps_in_one_solution():
    found = summarise(experiment())
    assert [(p.label, p.condition) for p in found.phases] == [("baseline", "ACSF"), ("drug", "MEM 1 µM")]
    assert [p.sweeps for p in found.phases] == [tuple(range(2, 12)), tuple(range(20, 30))]
    assert found.change("A_1000").effect.percent == pytest.approx(-50, abs=3)
    assert {c.measure for c in found.changes} == set(SHOWN)


def test_sweeps_with_a_wrong_count_or_left_out_by_the_run_do_not_enter():
    sweeps = experiment()
    sweeps[11] = sweep(11, "baseline", "ACSF", -9e-3, run=5, flags=("ap_count",))
    sweeps[10] = sweep(10, "baseline", "ACSF", -9e-3, run=5, rejected=True)
    assert summarise(sweeps).phases[0].sweeps == tuple(range(10))


def test_what_else_changed_is_always_said():
    (line,) = summarise(experiment()).confounds
    assert "input resistance +0 %" in line
    assert "baseline potential +0.0 mV" in line
    assert "step current +0 %" in line
    assert re.search(r"sAHP per input resistance -(49|50|51) %", line)


def test_ten_per_cent_less_input_resistance_leaves_the_ahp_per_input_resistance_as_it_was():
    before = [sweep(i, "baseline", "ACSF", -4e-3, run=5) for i in range(10)]
    after = [with_value(sweep(10 + i, "drug", "MEM", -3.6e-3, run=6), "Rin", 72e6) for i in range(10)]
    (found,) = summarise([*before, *after]).besides
    assert found.input_resistance == pytest.approx(-10)
    assert found.ahp_per_input_resistance == pytest.approx(0, abs=1e-9)


def test_a_confound_that_was_not_measured_is_said_not_to_be():
    sweeps = [with_value(s, "Rin", np.nan) for s in experiment()]
    (line,) = summarise(sweeps).confounds
    assert "input resistance not measured" in line
    assert "sAHP per input resistance not measured" in line


def test_step_current_changed_warns_and_names_both_currents():
    sweeps = experiment()
    sweeps[14:] = [with_value(s, "I_step", 325e-12) for s in sweeps[14:]]
    (baseline, drug) = summarise(sweeps).phases
    assert "step_changed" not in baseline.flags
    assert "step_changed" in drug.flags
    assert drug.is_comparable
    assert "step current 300 pA at first, 325 pA at the end" in drug.reasons


def test_a_step_current_adjusted_within_a_series_is_no_range_of_currents():
    sweeps = experiment()
    sweeps[24:] = [with_value(s, "I_step", 325e-12) for s in sweeps[24:]]
    found = summarise(sweeps)
    assert [p.label for p in found.phases] == ["baseline", "drug"]
    assert found.phases[1].warned["step_changed"] == 1
    assert any("drug: step current changed in 1 of 10 sweeps" in line for line in found.lines())
    assert found.spike_counts == ()


def test_not_steady_is_flagged_and_the_effect_is_shown_all_the_same():
    random = np.random.default_rng(1)
    before = [sweep(i, "baseline", "ACSF", -4e-3 * (1 + random.normal(0, 0.01)), run=5) for i in range(12)]
    after = [sweep(12 + i, "drug", "MEM", (-4e-3 + 0.1e-3 * i), run=6) for i in range(26)]
    found = summarise([*before, *after])
    assert found.phases[0].steadiness.steady
    assert found.phases[1].flags == ("not_steady",)
    assert found.change("A_1000").effect.percent < -40
    assert any(line.startswith("drug: not steady: 10 sweeps, slope -") for line in found.lines())


def test_a_drug_is_not_steady_when_it_was_given_less_than_ten_minutes_counted_from_the_arrival_in_the_log():
    sweeps = level_experiment(26)
    arrived_early, arrived_late = (LogFacts((Switch("MEM", t - 45, t),)) for t in (355.0, 600.0))
    assert summarise(sweeps, facts=arrived_early).phases[1].steadiness.steady
    late = summarise(sweeps, facts=arrived_late).phases[1].steadiness
    assert not late.steady
    assert "8 of 10 min after arrival" in late.text


def level_experiment(n):
    random = np.random.default_rng(3)
    before = [sweep(i, "baseline", "ACSF", -4e-3 * (1 + random.normal(0, 0.01)), run=5) for i in range(12)]
    after = [sweep(12 + i, "drug", "MEM", -2e-3 * (1 + random.normal(0, 0.01)), run=6) for i in range(n)]
    return [*before, *after]


def test_sweeps_with_warnings_are_counted():
    sweeps = experiment()
    sweeps[5:8] = [with_flags(s, "V_b", "vhold") for s in sweeps[5:8]]
    sweeps[8] = with_flags(sweeps[8], "A_1000", "event_in_window")
    found = summarise(sweeps)
    assert found.phases[0].warned == {"event_in_window": 1, "vhold": 3}
    assert "baseline: synaptic event in a window in 1, baseline off target in 3 of 10 sweeps" in found.lines()


def with_value(numbers, name, value):
    made = tuple(replace(m, value=value) if m.name == name else m for m in numbers.measurements)
    return replace(numbers, measurements=made)


def with_flags(numbers, name, *flags):
    made = tuple(replace(m, flags=flags) if m.name == name else m for m in numbers.measurements)
    return replace(numbers, measurements=made)


def test_a_range_of_currents_is_no_phase():
    sweeps = [sweep(i, "f_i", "ACSF", -1e-3, run=2, step=i * 50e-12) for i in range(8)]
    assert summarise(sweeps).phases == ()


def test_the_summary_in_words_and_as_json():
    import json

    found = summarise(experiment())
    lines = found.lines()
    assert lines[0] == "baseline (ACSF) -> drug (MEM 1 µM)"
    assert any(re.match(r"  sAHP at 1 s: -(3.9|4.0)\d -> -(1.9|2.0)\d mV, -\d\d % \(95 % interval ", x) for x in lines)
    assert any(re.search(r" %\), \+[12]\.\d\d mV \(\+1\.\d\d to \+2\.\d\d\), n = 10 and 10 sweeps$", x) for x in lines)
    assert json.loads(json.dumps(found.as_mapping()))["phases"][0]["accepted"] == 10
    assert summarise(experiment()[:12]).lines()[0].startswith("baseline (ACSF): sAHP at 1 s -")
    assert summarise([]).lines() == ()


# --- other results ---------------------------------------------------------------------------------------------------


def test_a_study_without_an_accepted_sweep_says_why():
    sweeps = [
        replace(sweep(i, "baseline", "ACSF", -2e-3, run=5, rejected=True), reason="spikes is 2; wanted 3..4")
        for i in range(20)
    ]
    found = summarise(sweeps)
    assert found.phases == ()
    assert found.lines() == ("no sweep was accepted: spikes 2, wanted 3..4 (20 of 20 sweeps)",)
    assert found.as_mapping()["rejections"] == list(found.rejections)


def test_flags_name_the_reason_where_the_run_gave_none():
    sweeps = [sweep(i, "baseline", "ACSF", -2e-3, run=5, flags=("no_spikes",)) for i in range(3)]
    sweeps.append(sweep(3, "baseline", "ACSF", -2e-3, run=5, flags=("ap_count",)))
    assert summarise(sweeps).rejections == (
        "no sweep was accepted: no spikes (3 of 4 sweeps); spikes 3, not as wanted (1 of 4 sweeps)",
    )


def test_a_drug_without_an_accepted_sweep_is_not_passed_over_in_silence():
    sweeps = [replace(s, is_rejected=s.run == 6, reason="seen" if s.run == 6 else "") for s in experiment()]
    found = summarise(sweeps)
    assert [p.label for p in found.phases] == ["baseline"]
    assert found.lines()[-1] == "drug (MEM 1 µM): no sweep was accepted: seen (16 of 16 sweeps)"


def test_a_drug_does_not_pass_for_the_baseline_when_no_sweep_of_the_control_was_accepted():
    washed = [sweep(30 + i, "wash", "ACSF", -3e-3, run=7) for i in range(12)]
    sweeps = [replace(s, is_rejected=s.run == 5, reason="seen" if s.run == 5 else "") for s in experiment()]
    found = summarise([*sweeps, *washed])
    assert [p.label for p in found.phases] == ["drug", "wash"]
    assert found.baseline is None
    assert found.changes == ()
    assert found.lines()[:2] == (
        "drug (MEM 1 µM): sAHP at 1 s -2.04 mV, n = 10 sweeps",
        "wash (ACSF): sAHP at 1 s -3.00 mV, n = 10 sweeps",
    )
    assert judge_cell([*sweeps, *washed]).reasons == ("0 accepted baseline sweeps, 8 needed",)
    only_wash = summarise([*(replace(s, is_rejected=True) for s in sweeps), *washed])
    assert (len(only_wash.phases), only_wash.baseline) == (1, None)


def test_a_range_of_currents_gives_the_mean_count_at_each():
    sweeps = [sweep(i, "f_i", "ACSF", -1e-3, run=2, step=(i % 3) * 50e-12) for i in range(6)]
    (found,) = summarise(
        [with_spikes(s, max(0, n)) for s, n in zip(sweeps, (0, 0, 3, 0, 0, 4), strict=True)]
    ).spike_counts
    assert found.currents == pytest.approx((0, 50e-12, 100e-12))
    assert found.spikes == (0, 0, 3.5)
    assert found.text == "f_i (ACSF): spikes 0 up to 50 pA, 3.5 at 100 pA"


def test_why_a_risen_sweep_is_left_out_is_said_in_words():
    end = Measurement("V_end", -0.04, "V", 3, 0.0, None, ("drift", "risen"))
    numbers = sweep(3, "baseline", "ACSF", -2e-3, run=2)
    assert reason_against(replace(numbers, measurements=(*numbers.measurements, end))) == "end above the baseline"


def test_a_sweep_that_begins_far_from_its_holding_potential_says_nothing_of_the_spikes_at_its_current():
    steps = (100e-12, 200e-12, 300e-12, 300e-12)
    sweeps = [sweep(i, "f_i", "ACSF", -2e-3, run=2, step=step) for i, step in enumerate(steps)]
    away = tuple(replace(m, flags=("vhold_far",)) if m.name == "V_b" else m for m in sweeps[3].measurements)
    (found,) = summarise([*sweeps[:3], with_spikes(replace(sweeps[3], measurements=away), 0)]).spike_counts
    assert found.spikes == (3.0, 3.0, 3.0)


def with_spikes(numbers, count):
    flags = () if count else ("no_spikes",)
    made = tuple(replace(m, value=float(count), flags=flags) if m.name == "n_ap" else m for m in numbers.measurements)
    return replace(numbers, measurements=made)


def test_the_last_membrane_test_is_the_result_of_a_session_without_bursts():
    def tested(index, access, kind="membrane_test"):
        values = {"Rs": access, "Rm": 104e6, "Cm": 350e-12, "I_hold": -42e-12}
        made = tuple(Measurement(n, v, "", index, 0.0, None, ()) for n, v in values.items())
        return SweepNumbers(index, "membrane test", kind, index, "ACSF", 60.0 * index, made)

    found = summarise([tested(1, 10e6), tested(2, 12.8e6), tested(3, 20e6, "hold"), tested(4, np.nan)])
    assert found.lines() == ("membrane test at 2 min: Ra 12.8 MOhm, Rm 104 MOhm, Cm 350 pF, holding -42 pA",)
    assert found.as_mapping()["membrane_test"]["access"] == 12.8e6


def test_one_number_of_a_hold_is_the_median_of_what_was_measured_before_it_was_cut_short():
    pulses = [
        Measurement("Rs", v, "Ohm", 0, 0.0, None, f)
        for v, f in ((1.0, ()), (9.0, ()), (2.0, ()), (np.nan, ("window_incomplete",)))
    ]
    (one,) = by_sweep(pulses)[0].values()
    assert (one.value, one.flags) == (2.0, ("window_incomplete",))


def test_a_half_decay_whose_end_was_not_seen_has_no_mean_in_review():
    from acquisition.analysis.effects import changes
    from acquisition.analysis.phases import Phase

    def phase(label, seen, bounds):
        values = dict.fromkeys(("A_1000", "S_fix", "A_pk", "n_ap", "Rin", "V_b", "Rs"), ()) | {"D50": tuple(seen)}
        return Phase(label, "ACSF", (), 10, 0.0, 1.0, values, bounds={"D50": tuple(bounds)} if bounds else {})

    (change,) = changes(phase("baseline", [1.0] * 10, []), phase("drug", [1.2, 1.3], [5.5] * 8))
    assert change.text.startswith(
        "AHP half-decay: median 1.00 s (0 of 10 sweeps censored) -> longer than 5.5 s (8 of 10"
    )
    assert np.isnan(change.effect.difference)
    (other,) = changes(phase("baseline", [1.0] * 10, []), phase("drug", [1.2] * 9, [5.5]))
    assert "median 1.20 s (1 of 10 sweeps censored)" in other.text
