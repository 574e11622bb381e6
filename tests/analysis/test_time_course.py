import numpy as np
import pytest

from acquisition.analysis.log_facts import LogFacts, Switch
from acquisition.analysis.summary import SweepNumbers
from acquisition.analysis.time_course import time_course
from protocols.sweeps import Measurement


def sweep(index, condition, a_1000, *, run, rejected=False):
    values = {
        "A_1000": a_1000, "n_ap": 4.0, "Rin": 80e6, "V_b": -0.06, "Rs": 12e6, "I_step": 300e-12,
    }  # fmt: skip
    made = tuple(Measurement(n, v, "", index, 0.0) for n, v in values.items())
    return SweepNumbers(index, "x", "series", run, condition, 30.0 * index, made, rejected)


SWEEPS = [
    *(sweep(i, "ACSF", -4e-3, run=1, rejected=i == 3) for i in range(10)),
    *(sweep(i, "MEM (arriving)", -4e-3, run=2) for i in range(10, 12)),
    *(sweep(i, "MEM", -1e-3, run=2) for i in range(12, 20)),
]


def test_the_baselines_mean_is_100_per_cent():
    course = time_course(SWEEPS)
    assert course[0].percent == pytest.approx(100)
    assert course[-1].percent == pytest.approx(25)
    assert len(course) == 20


def test_minutes_count_from_the_arrival_in_the_bath_valve_and_dead_time():
    facts = LogFacts((Switch("ACSF", 0.0, 0.0), Switch("MEM", 300.0, 345.0)))
    course = time_course(SWEEPS, facts)
    assert course[0].minutes == pytest.approx(-345 / 60)
    assert course[12].minutes == pytest.approx(0.25)
    assert time_course(SWEEPS)[12].minutes == 0.0, "without a log the first sweep in the drug stands for its arrival"


def test_without_a_drug_minutes_count_from_the_sessions_start():
    course = time_course(SWEEPS[:10], LogFacts((Switch("ACSF", 0.0, 0.0),)))
    assert course[4].minutes == pytest.approx(2.0)


def test_sweeps_left_out_of_means_are_in_the_course_and_marked():
    course = time_course(SWEEPS)
    assert [p.sweep for p in course if not p.accepted] == [3]
    assert (course[3].spikes, course[3].access_resistance, course[3].step_current) == (4.0, 12e6, 300e-12)


def test_without_a_baseline_there_are_no_per_cent():
    rejected = [sweep(i, "ACSF", -4e-3, run=1, rejected=True) for i in range(4)]
    assert np.isnan([p.percent for p in time_course(rejected)]).all()
    assert time_course([]) == ()
