import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acquisition.acceptance import is_accepted
from acquisition.analysis.analyser import Declared, Settings, SweepAnalyser, analyse
from acquisition.analysis.settings import Aim
from protocols.loading import load_protocol
from protocols.measures import ACCOMPANYING, STANDARD_MEASURES
from protocols.sweeps import ClampMode, RecordedSweep
from protocols.waveforms import Pulse, Waveform
from tests.analysis.synthetic import (
    MV,
    PA,
    RATE,
    burst_command,
    header,
    hold_command,
    patch_current,
    recorded,
    spike,
    voltage,
)
from tests.kit import ROOT

FOUR = (1.52, 1.55, 1.58, 1.62)
WANTED = Settings(target_spikes=(3, 4), declared=(Declared("sAHP", "mean", 0.95, 1.05),))


def burst(**how):
    command = burst_command()
    return recorded(header(command), voltage(command, **{"spikes": FOUR, "noise": 0.2 * MV, **how}))


def hold():
    command = hold_command(duration=2.5, every=0.4)
    return recorded(header(command, mode=ClampMode.VOLTAGE, kind="hold"), patch_current(command))


def membrane_test():
    command = hold_command(duration=1.2, every=0.2)
    return recorded(header(command, mode=ClampMode.VOLTAGE, kind="membrane_test"), patch_current(command))


SWEEPS = {
    "burst": burst(),
    "burst with spikes everywhere": burst(spikes=(0.4, 1.2, 1.494, *FOUR, 1.652, 1.6562, 2.5, 3.4, 7.9, 7.993)),
    "hold": hold(),
    "membrane test": membrane_test(),
}


def in_blocks(sweep, sizes, settings=WANTED):
    """Measure `sweep` fed in blocks of `sizes`, over and over; with the sample at which each number came."""
    analyser, made, first, i = SweepAnalyser(sweep.header, settings), [], 0, 0
    stored = sweep.stored["primary"]
    while first < len(stored):
        size = sizes[i % len(sizes)]
        made += analyser.feed(first, {"primary": stored[first : first + size]})
        first, i = first + size, i + 1
    return made + analyser.finish(complete=sweep.complete)


def facts(measurements):
    return [repr(m) for m in measurements]


@pytest.mark.parametrize("name", SWEEPS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
@given(sizes=st.lists(st.integers(37, 60_000), min_size=1, max_size=5))
def test_blocks_of_any_size_give_the_same_numbers_in_the_same_order(name, sizes):
    assert facts(in_blocks(SWEEPS[name], sizes)) == facts(analyse(SWEEPS[name], WANTED))


@settings(max_examples=12, deadline=None)
@given(stop=st.integers(1, 160_000), size=st.integers(200, 50_000))
def test_an_aborted_sweep_gives_the_same_numbers_live_and_from_the_file(stop, size):
    whole = SWEEPS["burst with spikes everywhere"]
    cut = RecordedSweep(whole.header, {"primary": whole.stored["primary"][:stop]}, complete=False)
    assert facts(in_blocks(cut, [size])) == facts(analyse(cut, WANTED))


@pytest.mark.parametrize("stop", [0, 20_000, 31_000, 40_000, 53_000, 54_000, 100_000])
def test_an_incomplete_window_is_nan_and_flagged_and_a_complete_one_is_as_ever(stop):
    whole = SWEEPS["burst"]
    cut = RecordedSweep(whole.header, {"primary": whole.stored["primary"][:stop]}, complete=False)
    ever = {m.name: m for m in analyse(whole, WANTED)}
    for m in analyse(cut, WANTED):
        if "window_incomplete" in m.flags:
            assert np.isnan(m.value), m.name
        elif m.name not in ("n_late", "D50", "V_end"):
            assert m.value == ever[m.name].value, m.name
    assert {m.name for m in analyse(cut, WANTED)} == set(ever)


@pytest.mark.parametrize("stop", [0, 29_000, 31_000, 54_000, 160_000])
@pytest.mark.parametrize("amplitude", [0.0, 300 * PA])
@pytest.mark.parametrize("spikes", [(), FOUR, tuple(1.0 + 0.02 * i for i in range(24))])
def test_a_number_that_could_not_be_made_says_why(stop, amplitude, spikes):
    command = burst_command(amplitude=amplitude)
    whole = recorded(header(command), voltage(command, spikes=spikes))
    cut = RecordedSweep(whole.header, {"primary": whole.stored["primary"][:stop]}, complete=False)
    wanted = Settings(declared=(Declared("tiny", "peak_up", 0.1, 0.101), Declared("early", "mean", -2.0, -1.9)))
    silent = [m.name for m in analyse(cut, wanted) if np.isnan(m.value) and not m.flags]
    assert silent == []


def test_a_1000_is_final_within_twenty_milliseconds_of_its_window():
    sweep = SWEEPS["burst"]
    analyser, block = SweepAnalyser(sweep.header, WANTED), 20
    for first in range(0, 160_000, block):
        names = [m.name for m in analyser.feed(first, {"primary": sweep.stored["primary"][first : first + block]})]
        if "A_1000" in names:
            assert 0 <= (first + block) / RATE - (1.65 + 1.05) <= 0.02
            return
    pytest.fail("A_1000 never came")


def test_in_mid_sweep_the_count_the_depth_and_the_way_back_can_be_seen():
    sweep, seen = SWEEPS["burst"], {}
    analyser = SweepAnalyser(sweep.header, WANTED)
    stored = sweep.stored["primary"]
    for first in range(0, 160_000, 1000):
        analyser.feed(first, {"primary": stored[first : first + 1000]})
        seen[first + 1000] = analyser.so_far()
    final = {m.name: m.value for m in analyse(sweep, WANTED)}
    assert [seen[round(t * RATE)].spikes for t in (1.5, 1.55, 1.6, 1.65)] == [0, 1, 3, 4]
    depths = [seen[n].lowest for n in seen if n > 1.75 * RATE]
    assert depths == sorted(depths, reverse=True)
    assert depths[-1] == final["A_pk"]
    assert np.isnan(seen[round(2.0 * RATE)].d50)
    assert seen[160_000].d50 == pytest.approx(final["D50"], abs=0.01)


def test_looking_at_a_sweep_in_the_making_changes_no_number():
    sweep = SWEEPS["burst with spikes everywhere"]
    analyser, made, stored = SweepAnalyser(sweep.header, WANTED), [], sweep.stored["primary"]
    for first in range(0, 160_000, 997):
        made += analyser.feed(first, {"primary": stored[first : first + 997]})
        analyser.so_far()
    assert facts(made + analyser.finish()) == facts(analyse(sweep, WANTED))


def test_the_standard_family_is_made():
    made = {m.name for m in analyse(SWEEPS["burst"], WANTED)} | {m.name for m in analyse(SWEEPS["hold"], WANTED)}
    assert set(STANDARD_MEASURES) <= made
    assert made - set(STANDARD_MEASURES) - {"sAHP"} == set(ACCOMPANYING)
    assert {"sAHP", "bridge_residual", "ap_threshold", "R_total", "V_end", "n_late"} <= made


def test_a_current_clamp_sweep_without_a_step_gives_its_bias_only():
    head = header(Waveform(RATE, 20_000, 35 * PA), kind="switch_to")
    (only,) = analyse(recorded(head, np.full(20_000, -60 * MV)), WANTED)
    assert (only.name, only.value) == ("I_hold", 35 * PA)


# --- edge cases, each named after its flag ---------------------------------------------------------------------------


def made(sweep, wanted=WANTED):
    return {m.name: m for m in analyse(sweep, wanted)}


def test_no_spikes():
    m = made(burst(spikes=()))
    assert (m["n_ap"].value, m["n_ap"].flags) == (0, ("no_spikes", "ap_count"))
    assert np.isfinite(m["A_1000"].value)
    assert "no_spikes" in m["A_1000"].flags


def test_ap_count():
    m = made(burst(spikes=(1.52, 1.55)))
    assert m["n_ap"].flags == ("ap_count",)
    assert m["A_1000"].flags == ("ap_count",)
    assert made(burst())["n_ap"].flags == ()


def test_late_spikes_spoil_the_windows_they_reach_and_are_counted_apart():
    m = made(burst(spikes=(*FOUR, 3.52)))
    assert (m["n_ap"].value, m["n_late"].value) == (4, 1)
    assert m["n_late"].flags == ("late_spikes",)
    flagged = {n for n in m if n.startswith("A_") and "late_spikes" in m[n].flags}
    assert flagged == {"A_1900", "A_2000"}
    assert "late_spikes" in m["S_fix"].flags


def test_a_spike_just_after_the_step_still_belongs_to_it():
    m = made(burst(spikes=(1.52, 1.55, 1.58, 1.6535)))
    assert (m["n_ap"].value, m["n_late"].value) == (4, 0)


def test_baseline_spikes():
    clean, m = made(burst()), made(burst(spikes=(1.2, *FOUR)))
    assert m["n_base"].value == 1
    assert m["n_base"].flags == m["V_b"].flags == ("baseline_spikes",)
    assert m["V_b"].value == pytest.approx(clean["V_b"].value, abs=0.1 * MV)


@pytest.mark.parametrize(
    ("rest", "flags"), [(-60.5, ()), (-62.2, ("vhold",)), (-57.8, ("vhold",)), (-64, ("vhold", "vhold_far"))]
)
def test_vhold(rest, flags):
    wanted = Settings(aims={"baseline": Aim((3, 4), -60 * MV)})
    assert made(burst(rest=rest * MV, noise=0.0), wanted)["V_b"].flags == flags


def test_no_ahp_has_an_amplitude_but_no_duration():
    m = made(burst(size=-3 * MV))
    assert m["A_1000"].value > 0
    assert "no_ahp" in m["A_pk"].flags
    assert np.isnan(m["D50"].value)
    assert "no_ahp" in m["D50"].flags


def test_an_ahp_that_does_not_come_back_is_censored():
    command = burst_command()
    v = voltage(command, spikes=FOUR)
    v[33_400:] = -64 * MV
    m = made(recorded(header(command), v))
    assert np.isnan(m["D50"].value)
    assert m["D50"].flags == ("censored",)
    assert m["D50"].window == pytest.approx((1.66, 7.2))
    assert m["V_end"].flags == ("drift", "not_recovered")


def test_a_sweep_that_ends_above_its_baseline_is_left_out_because_no_ahp_does_that():
    command = burst_command()
    v = voltage(command, spikes=FOUR)
    v[60_000:] = -50 * MV
    m = made(recorded(header(command), v))
    assert m["V_end"].flags == ("drift", "risen")
    assert not is_accepted(m.values(), "A_1000")


def test_clipped_peaks_are_nan_and_slow_measures_are_kept():
    command = burst_command()
    m = made(recorded(header(command), np.minimum(voltage(command, spikes=FOUR), 10 * MV)))
    assert np.isnan(m["ap_peak"].value)
    assert m["ap_peak"].flags == ("clipped",)
    assert np.isfinite(m["A_1000"].value)


def test_a_window_at_the_rail_of_the_converter_is_clipped():
    command = burst_command()
    v = voltage(command, spikes=FOUR)
    v[53_000:53_010] = -0.2
    m = made(recorded(header(command), v))
    assert np.isnan(m["A_1000"].value)
    assert m["A_1000"].flags == ("clipped",)
    assert np.isfinite(m["A_800"].value)


def test_a_gap_makes_its_windows_nan_and_is_never_filled():
    sweep = SWEEPS["burst"]
    analyser, stored = SweepAnalyser(sweep.header, WANTED), sweep.stored["primary"]
    found = analyser.feed(0, {"primary": stored[:53_000]}) + analyser.feed(53_100, {"primary": stored[53_100:]})
    m = {x.name: x for x in found + analyser.finish()}
    assert m["A_1000"].flags == ("gap",)
    assert np.isnan(m["A_1000"].value)
    assert m["A_800"].value == made(sweep)["A_800"].value


def test_a_test_pulse_shortly_before_the_baseline_is_flagged():
    pulses = (Pulse("test_pulse", 10_000, 14_000, -50 * PA), Pulse("step", 30_000, 33_000, 300 * PA))
    command = Waveform(RATE, 160_000, 100 * PA, pulses)
    assert made(recorded(header(command), voltage(command, spikes=FOUR)))["V_b"].flags == ("test_pulse_near",)


def test_a_window_that_reaches_into_the_test_pulse_is_incomplete():
    command = burst_command(after=2.3)
    m = made(recorded(header(command), voltage(command, spikes=FOUR)))
    assert m["A_1400"].flags == ()
    assert m["A_1500"].flags == ("window_incomplete",)


def test_what_the_command_leaves_no_room_for_is_not_asked_for():
    command = burst_command(after=1.5)
    command = Waveform(RATE, command.n_samples, command.holding, tuple(p for p in command.pulses if p.role == "step"))
    found = made(recorded(header(command), voltage(command, spikes=FOUR)))
    assert {"A_1000", "A_1400", "A_pk", "D50", "sAHP"} <= set(found)
    assert set(found).isdisjoint({"A_1500", "A_2000", "A_5000", "S_fix"})
    assert not any("window_incomplete" in m.flags for m in found.values())


@pytest.mark.parametrize("after", [0.2, 0.7, 1.5])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
@given(share=st.floats(0.01, 1.0), size=st.integers(200, 50_000))
def test_a_short_sweep_gives_the_same_numbers_live_and_from_the_file(after, share, size):
    command = Waveform(RATE, round((1.65 + after) * RATE), 100 * PA, (Pulse("step", 30_000, 33_000, 300 * PA),))
    whole = recorded(header(command), voltage(command, spikes=FOUR, noise=0.2 * MV))
    part = {"primary": whole.stored["primary"][: round(share * command.n_samples)]}
    cut = RecordedSweep(whole.header, part, complete=False)
    assert facts(in_blocks(cut, [size])) == facts(analyse(cut, WANTED))
    assert {m.name for m in analyse(cut, WANTED)} == set(made(whole))


def test_a_baseline_that_was_not_recorded_is_incomplete():
    command = burst_command(before=0.3)
    spikes = tuple(t - 1.2 for t in FOUR)
    m = made(recorded(header(command), voltage(command, spikes=spikes)))
    assert m["V_b"].flags == m["A_1000"].flags == ("window_incomplete",)
    assert m["n_ap"].value == 4


def test_where_spikes_spoil_the_start_of_the_step_and_the_test_pulse_the_access_resistance_is_read_at_the_steps_end():
    command = burst_command()
    (pulse,) = command.of("test_pulse")
    t = np.arange(command.n_samples) / RATE
    spikes = sum(spike(t - at) for at in (1.503, pulse.start / RATE + 0.002, pulse.stop / RATE + 0.002))
    m = made(recorded(header(command), voltage(command, jump=5e6) + spikes))
    assert np.isnan(m["bridge_residual"].value)
    assert m["Rs"].value == pytest.approx(17e6, abs=0.5e6)
    assert m["Rs"].flags == ("spike_at_edge",)
    assert m["Rs"].window == m["bridge_residual_off"].window


END_OF_STEP = {
    "quiet": lambda t: 0 * t,
    "a spike": lambda t: spike(t - 1.6485),
    "a spike about to come": lambda t: np.where(t < 1.65, 4 * MV * np.exp(np.minimum(t - 1.65, 0) / 0.5e-3), 0.0),
}


@pytest.mark.parametrize("end", END_OF_STEP)
def test_where_a_spike_spoils_the_start_of_the_step_the_access_resistance_is_the_median_of_the_other_edges(end):
    """At the step's end alone a spike that was cut off in its rise would make several MOhm of nothing."""
    command = burst_command()
    t = np.arange(command.n_samples) / RATE
    whole = recorded(header(command), voltage(command, jump=5e6) + spike(t - 1.503) + END_OF_STEP[end](t))
    m = made(whole)
    assert np.isnan(m["bridge_residual"].value)
    assert m["Rs"].value == pytest.approx(17e6, abs=1e6)
    assert m["Rs"].flags == ("spike_at_edge",)
    assert m["Rs"].window[1] > command.of("test_pulse")[0].stop / RATE
    assert facts(in_blocks(whole, [377])) == facts(analyse(whole, WANTED))
    assert [x.name for x in analyse(whole, WANTED)].count("Rs") == 1


def test_without_a_test_pulse_an_access_resistance_that_no_edge_shows_has_no_value():
    command = Waveform(RATE, 80_000, 100 * PA, (Pulse("step", 30_000, 33_000, 300 * PA),))
    t = np.arange(command.n_samples) / RATE
    m = made(recorded(header(command), voltage(command) + spike(t - 1.503) + spike(t - 1.6485)))
    assert np.isnan(m["Rs"].value)
    assert m["Rs"].flags == ("spike_at_edge",)


# --- settings ---------------------------------------------------------------------------------------------------------


def test_settings_come_from_the_protocol():
    found = Settings.of(load_protocol(ROOT / "protocols" / "library" / "sahp_l_type_block.yaml"))
    assert found.declared == (Declared("sAHP", "mean", 0.95, 1.05, "step_end", minus_baseline=True),)
    assert found.aim("burst") == found.aim("drug") == Aim((3, 4), -60 * MV)
    assert found.aim("hold -70 mV") == Aim()


def test_a_series_over_a_range_of_currents_aims_for_no_count():
    found = Settings.of(load_protocol(ROOT / "protocols" / "library" / "f_i_curve.yaml"))
    assert found.aim("f_i").spikes is None
