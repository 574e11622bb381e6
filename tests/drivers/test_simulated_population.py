"""Cells and recordings differ as published, by seed, and what the rig file says holds."""

from statistics import mean, stdev

import numpy as np
import pytest

from config.loading import load_rig
from drivers.simulated import kernel
from drivers.simulated.cell import resting_potential
from drivers.simulated.pharmacology import compound, drug_table
from drivers.simulated.population import RECORDING, cell_of, drugs_of, population, populations, recording_of
from drivers.simulated.settings import Simulation, read_settings
from drivers.simulated.truth import burst, respond
from protocols.errors import HardwareError
from protocols.quantities import Percent
from protocols.sweeps import ClampMode
from protocols.waveforms import Pulse, Waveform
from tests.kit import RIG

SEEDS = range(1, 31)


def input_resistance(settings, seed):
    """Return MOhm, by -50 pA for 600 ms."""
    soma = respond(settings, Waveform(20e3, 15_000, 0.0, (Pulse("step", 2_000, 14_000, -50e-12),)), seed=seed)
    return (soma[13_000:14_000].mean() - soma[:2_000].mean()) / -50e-12 * 1e-6


def variation(values):
    """Return the coefficient of variation."""
    return stdev(values) / abs(mean(values))


@pytest.fixture(scope="module")
def slow_ahps():
    """Return of both ages the slow AHP of each cell after the smallest step that makes 3 or 4 spikes, mV."""

    def one(settings, seed):
        for current in range(175, 501, 25):
            found = burst(settings, current * 1e-12, seed=seed, after=1.1)
            if found.spikes in (3, 4):
                return found.sahp * 1e3
        return None

    return {
        name: [a for s in SEEDS if (a := one(Simulation(population=name), s)) is not None]
        for name in ("ca1_young", "ca1_aged")
    }


@pytest.mark.parametrize("name", populations())
def test_every_cell_of_a_population_rests(name):
    settings = Simulation(population=name)
    assert all(-80 < resting_potential(cell_of(settings, seed)) < -55 for seed in range(1, 7))


def test_a_seed_is_a_cell_and_without_variability_all_are_the_same():
    assert cell_of(Simulation(), 1) == cell_of(Simulation(), 1) != cell_of(Simulation(), 2)
    alike = Simulation(variability=Percent(0.0))
    assert cell_of(alike, 1) == cell_of(alike, 2)


def test_half_the_variability_is_half_the_way_to_the_middle():
    """Of logarithms, for a parameter that varies by factors."""
    middle, half, whole = (np.log(cell_of(Simulation(variability=Percent(v)), 5).g_ahp) for v in (0.0, 0.5, 1.0))
    assert half - middle == pytest.approx((whole - middle) / 2)


def test_input_resistance_varies_as_published_between_cells():
    """Oh et al. 1999, n = 28: 24 %, the spread of the animals included."""
    assert 0.10 < variation([input_resistance(Simulation(), seed) for seed in SEEDS]) < 0.30


def test_the_slow_ahp_varies_as_published_between_cells(slow_ahps):
    """Oh et al. 1999, n = 28: 38 % in the amplitude, 77 % in the area."""
    assert 0.22 < variation(slow_ahps["ca1_young"]) < 0.60


def test_nearly_all_cells_can_be_made_to_fire_3_or_4_spikes(slow_ahps):
    assert all(len(found) >= 0.9 * len(SEEDS) for found in slow_ahps.values())


def test_aged_cells_have_the_larger_slow_ahp_and_the_same_input_resistance(slow_ahps):
    """Moyer et al. 2000: no difference in resting potential, time constant or input resistance."""
    assert mean(slow_ahps["ca1_aged"]) < 1.2 * mean(slow_ahps["ca1_young"])
    young, aged = (
        mean(input_resistance(Simulation(population=name), seed) for seed in range(1, 9))
        for name in ("ca1_young", "ca1_aged")
    )
    assert aged == pytest.approx(young, rel=0.12)


def test_a_preset_can_take_the_place_of_the_populations_own():
    named = Simulation(population="ca1_aged", cell="ca1_pyramidal", variability=Percent(0.0))
    assert cell_of(named, 1) == cell_of(Simulation(population="ca1_aged", variability=Percent(0.0)), 1)


def test_an_unknown_population_is_named_with_what_is_known():
    with pytest.raises(HardwareError, match="did you mean 'ca1_young'"):
        population("ca1_yuong")


def test_the_recording_of_a_cell_is_drawn_and_what_the_rig_file_says_holds():
    left_out, written = Simulation(), read_settings({"series_resistance": "15 MOhm", "seal": "2 GOhm"})
    drawn = [recording_of(left_out, seed) for seed in SEEDS]
    assert len({float(r.series_resistance) for r in drawn}) == len(drawn)
    assert {float(recording_of(written, seed).series_resistance) for seed in SEEDS} == {15e6}
    assert {float(recording_of(written, seed).seal) for seed in SEEDS} == {2e9}
    assert recording_of(left_out, 3) == recording_of(left_out, 3)


def test_without_variability_the_recording_is_as_the_settings_have_it():
    alike = Simulation(variability=Percent(0.0))
    assert recording_of(alike, 4) == alike


@pytest.mark.parametrize("name", populations())
def test_a_population_draws_around_the_settings_defaults(name):
    for key, drawn in population(name).recording.items():
        default = getattr(Simulation(), key)
        assert key in RECORDING
        assert default is None or drawn.median == pytest.approx(float(default))


@pytest.mark.parametrize("name", populations())
def test_every_recording_drawn_is_one_that_could_be_written(name):
    for seed in range(1, 201):
        r = recording_of(Simulation(population=name), seed)
        assert 5e6 < r.series_resistance < 30e6
        assert r.seal > 0.8e9
        assert r.sahp_run_down is None or r.sahp_run_down > 600
        assert 0 < r.spontaneous_spikes < 0.05


def spikes(v):
    return np.count_nonzero((v[:-1] < -0.02) & (v[1:] >= -0.02))


def test_spikes_that_nobody_asked_for_come_at_their_rate(opened):
    r = opened({"variability": "0 %", "spontaneous_spikes": "1 Hz", "epsp_rate": None})
    r.switch(ClampMode.CURRENT, 60e-12)
    r.wait(2.0)
    assert spikes(r.hold(60e-12, 60.0)["primary"]) == pytest.approx(60, abs=25)


def test_without_them_a_held_cell_is_silent(opened):
    r = opened({"variability": "0 %"})
    r.switch(ClampMode.CURRENT, 60e-12)
    r.wait(2.0)
    assert spikes(r.hold(60e-12, 30.0)["primary"]) == 0


def test_the_resting_potential_drifts_as_told(opened, still):
    readings = []
    for drift in ("0 mV", "0.5 mV"):
        r = opened({**still, "rest_drift": drift})
        r.switch(ClampMode.CURRENT)
        r.wait(120.0)
        readings.append(r.hold(0.0, 0.5)["primary"].mean())
    assert 0.3e-3 < readings[1] - readings[0] < 1.1e-3


def test_cells_answer_differently_to_the_same_drug_and_without_variability_alike():
    def blocks(variability):
        settings = Simulation(variability=Percent(variability))
        return [compound("MEM 1003", drugs_of(settings, s)).left("g_l_type", 100e-9) for s in SEEDS]

    assert 0.1 < stdev(blocks(1.0)) < 0.3
    assert set(blocks(0.0)) == {compound("MEM 1003").left("g_l_type", 100e-9)}


def test_a_block_stays_between_none_and_all_whoever_the_cell_is():
    drawn = [action for seed in range(1, 201) for drug in drugs_of(Simulation(), seed) for action in drug.acts]
    assert all(-1 < action.effect < 0 for action in drawn if action.conductance != "g_l_type")
    assert all(-1 < action.effect <= 1.5 for action in drawn)


def test_two_cells_have_two_tables_of_drugs_and_one_seed_has_one():
    tables = [drug_table(drugs_of(Simulation(), seed))[:, [kernel.HALF, kernel.EFFECT]] for seed in (1, 2, 1)]
    assert not np.allclose(tables[0], tables[1])
    assert np.array_equal(tables[0], tables[2])


def test_recordings_run_down_differently_and_the_l_type_current_too():
    """As a part lost in 10 min: SDs of a few per cent."""
    drawn = [recording_of(Simulation(), seed) for seed in range(1, 201)]
    for key in ("sahp_run_down", "run_down"):
        lost = [0.0 if (tau := getattr(r, key)) is None else 1 - np.exp(-600 / float(tau)) for r in drawn]
        assert 0.01 < stdev(lost) < 0.06
        assert 0.01 < mean(lost) < 0.08


def test_what_the_rig_file_turns_off_is_not_drawn(tmp_path):
    off = "{sahp_run_down: off, run_down: off, epsp_rate: off, spontaneous_spikes: off}"
    before, _ = RIG.read_text("utf-8").split("simulation:")
    (tmp_path / "rig.yaml").write_text(f"{before}simulation: {off}\n", "utf-8")
    written = read_settings(load_rig(tmp_path / "rig.yaml").simulation)
    drawn = [recording_of(written, seed) for seed in SEEDS]
    assert {(r.sahp_run_down, r.run_down, r.epsp_rate, r.spontaneous_spikes) for r in drawn} == {(None,) * 4}
