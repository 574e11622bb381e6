"""Each step does what the protocol says, on the simulated cell."""

import numpy as np
import pytest

from acquisition.controls import Controls
from acquisition.events import SeriesProgress, SweepStarted
from acquisition.gates import Vitals
from acquisition.person import Unattended
from drivers.simulated.population import recording_of
from drivers.simulated.settings import Simulation
from protocols.sweeps import ClampMode, Measurement
from tests.kit import RIG, Answers


def test_hold_is_one_gap_free_sweep_of_the_asked_length(rehearse):
    r = rehearse("steps:\n  - hold: {voltage: -70 mV, for: 30 s, test_pulses: {every: 5 s}}\n")
    (header,) = r.tape.headers
    firsts = [f.first for f in r.tape.frames[0]]
    lengths = [f.n_samples for f in r.tape.frames[0]]
    assert header.sweep.n_samples == 30 * 20_000
    assert firsts == list(np.cumsum([0, *lengths[:-1]]))
    assert sum(lengths) == 30 * 20_000


def test_a_hold_follows_access_resistance_with_its_test_pulses(rehearse):
    r = rehearse("steps:\n  - hold: {voltage: -70 mV, for: 30 s, test_pulses: {every: 5 s}}\n")
    access = [m.value for m in r.tape.measurements if m.name == "Rs"]
    assert len(access) == 6
    true = float(recording_of(Simulation(), 1).series_resistance)
    assert np.median(access) == pytest.approx(true, rel=0.15)


def test_the_switch_passes_through_zero_current(rehearse):
    modes = []

    def watch(bench):
        original = bench.devices.amplifier._set_mode

        def note(mode):
            modes.append((mode, bench.devices.daq.output_volts()))
            original(mode)

        bench.devices.amplifier._set_mode = note

    rehearse("steps:\n  - switch_to: {clamp: current}\n", before=watch)
    assert [m for m, _ in modes] == [ClampMode.ZERO, ClampMode.CURRENT]
    assert modes[1][1] == pytest.approx(0.0, abs=1e-3), "the new command stands before I=0 is left"


def test_bias_brings_the_cell_to_its_potential_within_15_s_and_without_overshoot(rehearse):
    r = rehearse("steps:\n  - switch_to: {clamp: current, bias_to: -60 mV, tolerance: 1 mV}\n")
    looks = [h for h in r.tape.headers if h.label == "bias"]
    potentials = [
        np.median(np.concatenate([h.channels[0].si(h.channels[0].stored(f.counts[0])) for f in frames])[-10_000:])
        for h, frames in zip(r.tape.headers, r.tape.frames, strict=True)
        if h.label == "bias"
    ]
    assert potentials[-1] == pytest.approx(-60e-3, abs=1e-3)
    assert max(potentials) < -58e-3
    assert looks[-1].start - looks[0].start < 15


def test_a_cell_that_needs_more_bias_than_the_ceiling_is_not_forced(rehearse):
    r = rehearse("steps:\n  - switch_to: {clamp: current, bias_to: -60 mV, max_bias: 20 pA, if_not_reached: stop}\n")
    assert r.finished.reason == "stopped by a gate"
    assert max(abs(h.holding) for h in r.tape.headers) <= 20e-12


FIND = """
steps:
  - switch_to: {clamp: current, bias_to: -60 mV}
  - find: {name: burst, step: 200 pA .. 400 pA by 25 pA, width: 150 ms, until_spikes: 3..4, every: 8 s}
  - series: {name: bursts, step: burst, width: 150 ms, every: 12 s, before: 1 s, after: 6 s, sweeps: 2}
"""


def test_find_gives_a_confirmed_current_that_the_series_uses(rehearse):
    r = rehearse(FIND)
    (found,) = r.tape.said("found")
    bursts = [h for h in r.tape.headers if h.label == "bursts"]
    assert found.data["spikes"] in (3, 4)
    assert all(h.sweep.command.of("step")[0].amplitude == found.data["current"] for h in bursts)


def test_series_keeps_its_interval_onset_to_onset(rehearse):
    r = rehearse(FIND)
    starts = [h.start for h in r.tape.headers if h.label == "bursts"]
    assert np.diff(starts) == pytest.approx(12.0)


def test_the_first_sweep_of_a_series_keeps_its_interval_from_the_last_search_sweep(rehearse):
    r = rehearse(FIND)
    last_search = max(h.start for h in r.tape.headers if h.label == "burst")
    first = min(h.start for h in r.tape.headers if h.label == "bursts")
    assert first - last_search == pytest.approx(12.0)


def test_a_pause_holds_after_the_sweep_until_the_person_goes_on(rehearse):
    controls, glances = Controls(), []

    def pause_in_first(event):
        if isinstance(event, SweepStarted) and event.header.label == "bursts" and not glances:
            controls.pause()

    def go_on_later(bench):
        wait = bench.clock.wait_until

        def glance(moment):
            glances.extend([moment] if controls.paused else [])
            if len(glances) == 1000:
                controls.resume()
            wait(moment)

        bench.clock.wait_until = glance

    r = rehearse(FIND, controls=controls, observers=[pause_in_first], before=go_on_later)
    starts = [h.start for h in r.tape.headers if h.label == "bursts"]
    assert r.finished.reason == "finished"
    assert starts[1] - starts[0] > 30, "some hundred glances of 50 ms, once the sweep had ended"


STABLE = """
steps:
  - switch_to: {clamp: current, bias_to: -60 mV}
  - series:
      name: baseline
      step: 300 pA
      width: 150 ms
      every: 10 s
      before: 1 s
      after: 3 s
      until_stable: {measure: A_1000, last: 5, drift_below: 90 % per 10 min}
      at_most: 3 min
      if_not_stable: note
"""


def test_series_ends_when_its_measure_is_steady_and_says_so(rehearse):
    r = rehearse(STABLE)
    progress = [e for e in r.events if isinstance(e, SeriesProgress)]
    assert 5 <= progress[-1].done <= 18
    assert r.tape.said("series")[0].text.startswith("baseline: ")


def test_a_drug_counts_from_its_arrival_at_the_bath(rehearse):
    r = rehearse("""
steps:
  - apply: {solution: blocker}
  - switch_to: {clamp: current}
  - series: {name: drug, step: 50 pA, width: 150 ms, every: 10 s, before: 600 ms, after: 2 s,
             for: 30 s, counted_from: arrival}
""")
    conditions = [(h.start, h.condition) for h in r.tape.headers if h.label == "drug"]
    (entry,) = [e for e in r.tape.said("solution") if e.data["solution"] == "blocker"]
    assert entry.data["arrives"] - entry.data["switched"] == pytest.approx(45.0)
    assert all(("arriving" in c) == (t < entry.data["arrives"]) for t, c in conditions)
    assert conditions[-1][0] >= entry.data["arrives"] + 20


def test_a_gate_that_says_stop_ends_the_run_and_keeps_the_data(rehearse):
    r = rehearse("steps:\n  - membrane_test: {average: 3, require: {access_resistance: below 5 MOhm, on_fail: stop}}\n")
    assert r.finished.reason == "stopped by a gate"
    assert "access resistance is" in r.finished.text
    assert r.tape.ends == [(True, None)]


def test_a_gate_that_asks_takes_the_persons_answer(rehearse):
    steps = "steps:\n  - membrane_test: {average: 3, require: {access_resistance: below 5 MOhm, on_fail: ask}}\n"
    assert rehearse(steps, person=Answers("continue")).finished.reason == "finished"
    assert rehearse(steps, person=Answers("stop")).finished.reason == "stopped by a gate"


def test_a_sweep_with_the_wrong_count_is_left_out_of_means_and_kept(rehearse):
    r = rehearse("""
steps:
  - switch_to: {clamp: current, bias_to: -60 mV}
  - series: {name: weak, step: 20 pA, width: 150 ms, every: 5 s, before: 600 ms, after: 2 s, sweeps: 2,
             require: {spikes: 3..4, on_fail: skip}}
""")
    assert len(r.tape.said("rejected")) == 2
    assert all(complete for complete, _ in r.tape.ends)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others(rehearse):
    assert rehearse(STABLE, seed=3).tape.counts() == rehearse(STABLE, seed=3).tape.counts()
    assert rehearse(STABLE, seed=3).tape.counts() != rehearse(STABLE, seed=4).tape.counts()


@pytest.mark.parametrize("block", ["7 ms", "100 ms", "200 ms"])
def test_the_length_of_a_block_changes_no_sample_and_no_number(rehearse, block):
    other = RIG.read_text(encoding="utf-8").replace("block: 20 ms", f"block: {block}")
    a, b = rehearse(FIND), rehearse(FIND, rig=other)
    joined = [[np.concatenate([f.counts for f in frames], axis=1) for frames in t.frames] for t in (a.tape, b.tape)]
    assert all(np.array_equal(x, y) for x, y in zip(*joined, strict=True))
    numbers = [[(m.name, m.value) for m in t.measurements] for t in (a.tape, b.tape)]
    assert sorted(map(repr, numbers[0])) == sorted(map(repr, numbers[1]))


def test_a_protocol_can_record_the_primary_output_alone(rehearse):
    r = rehearse("steps:\n  - hold: {voltage: -70 mV, for: 2 s}\n", channels="[primary]")
    assert r.finished.reason == "finished", r.finished.text
    assert {f.counts.shape[0] for f in r.tape.frames[0]} == {1}


def test_a_prompt_answered_with_stop_ends_the_run(rehearse):
    r = rehearse("steps:\n  - prompt: {question: Is the bottle filled?}\n", person=Answers("stop"))
    assert r.finished.reason == "stopped by the person"
    assert r.person.asked == ["Is the bottle filled?"]


def test_the_bath_temperature_is_read_with_every_sweep(rehearse):
    r = rehearse(FIND)
    assert len(r.tape.temperatures) >= len(r.tape.headers)
    assert all(abs(value - 30) < 1 for _, value in r.tape.temperatures)


def test_after_a_question_sweeps_keep_their_distance(rehearse):
    class Slow(Answers):
        clock = None

        def ask(self, question, options, *, otherwise):
            self.clock.wait_until(self.clock.now() + 300)
            return options[0]

    person = Slow()

    def lend_clock(bench):
        person.clock = bench.clock

    r = rehearse(
        """
steps:
  - switch_to: {clamp: current, bias_to: -60 mV}
  - series: {name: weak, step: 20 pA, width: 150 ms, every: 20 s, before: 600 ms, after: 2 s, sweeps: 5,
             require: {spikes: 3..4, on_fail: ask}}
""",
        person=person,
        before=lend_clock,
    )
    starts = [h.start for h in r.tape.headers if h.label == "weak"]
    assert len(starts) == 5
    assert np.diff(starts)[0] > 300
    assert np.diff(starts)[1:] == pytest.approx(20.0)


def test_a_series_whose_sweeps_are_all_rejected_is_not_steady(rehearse):
    r = rehearse("""
steps:
  - switch_to: {clamp: current}
  - series: {name: weak, step: 20 pA, width: 150 ms, every: 10 s, before: 600 ms, after: 2 s, at_most: 1 min,
             until_stable: {measure: A_1000, last: 4}, if_not_stable: stop, require: {spikes: 3..4, on_fail: skip}}
""")
    assert r.finished.reason == "stopped by a gate"
    assert "'weak' is not steady: 0 of 4 sweeps" in r.finished.text


def test_a_failed_search_says_so_and_what_came_nearest(rehearse):
    r = rehearse("""
steps:
  - switch_to: {clamp: current, bias_to: -60 mV}
  - find: {name: burst, step: 5 pA .. 15 pA by 5 pA, width: 150 ms, until_spikes: 3..4, every: 5 s, if_none: note}
""")
    assert r.tape.said("found") == []
    (entry,) = r.tape.said("not_found")
    assert entry.data == {"name": "burst", "current": 15e-12, "spikes": 0}


def test_a_membrane_test_judges_its_own_mean_and_not_the_hold_before_it():
    vitals = Vitals()
    vitals.take([rs(12e6)] * 6)
    vitals.take([rs(60e6)], averaged=True)
    assert vitals.now("access_resistance") == 60e6


def test_single_values_of_a_resistance_are_smoothed():
    vitals = Vitals()
    vitals.take([rs(v * 1e6) for v in (12, 13, 60, 12, 13)])
    assert vitals.now("access_resistance") == 13e6
    assert vitals.start("access_resistance") == 13e6


def rs(ohms):
    return Measurement("Rs", ohms, "Ohm", 0, 0.0)


def test_nobody_there_means_stop_at_a_gate_that_asks(rehearse):
    steps = "steps:\n  - membrane_test: {average: 3, require: {access_resistance: below 5 MOhm, on_fail: ask}}\n"
    r = rehearse(steps, person=Unattended())
    assert r.finished.reason == "stopped by a gate"


FOLLOWED = """steps:
  - switch_to: {clamp: current, bias_to: -60 mV, tolerance: 1 mV}
  - find: {name: burst, step: 200 pA .. 400 pA by 25 pA, width: 150 ms, until_spikes: 3..3, every: 8 s}
  - switch_to: {clamp: current, bias_to: -84 mV, tolerance: 1 mV}
  - series: {name: kept, step: burst, width: 150 ms, every: 8 s, before: 600 ms, after: 6 s, sweeps: 5,
             follow_spikes: {by: 20 pA, within: 30 pA}}
"""


def test_the_step_current_follows_the_count_of_spikes_within_its_bounds_and_says_so(rehearse):
    r = rehearse(FOLLOWED)
    steps = [h.sweep.command.of("step")[0].amplitude for h in r.tape.headers if h.label == "kept"]
    first = r.tape.said("found")[0].data["current"]
    added = [round((s - first) * 1e12) for s in steps]
    assert added[:3] == [0, 20, 30], "the hyperpolarised cell fires less"
    assert max(added) <= 30
    said = r.tape.said("step_current")
    assert [round((e.data["current"] - first) * 1e12) for e in said][:2] == [20, 30]
    assert said[0].text.startswith("step current ")


def test_spikes_can_be_followed_only_where_a_count_was_asked_for(tmp_path):
    from protocols.errors import InvalidFile
    from protocols.loading import load_protocol
    from tests.kit import HEAD

    path = tmp_path / "wrong.yaml"
    path.write_text(HEAD + FOLLOWED.replace("step: burst,", "step: 300 pA,"), encoding="utf-8")
    with pytest.raises(InvalidFile, match="'follow_spikes' keeps the count of a 'find'"):
        load_protocol(path)
