"""The difference waveform recovers what was added to a formula cell, and agrees with the measures."""

import numpy as np
import pytest

from acquisition.analysis.analyser import Settings, analyse
from acquisition.analysis.mean_waveform import difference_waveform, mean_waveform
from tests.analysis.synthetic import MV, RATE, ahp, burst_command, header, recorded, voltage


def made(size, n, *, rate=RATE, noise=0.0, before=1.5, rest=-60 * MV, seed=0, after=6.35):
    """`n` sweeps of a cell with an AHP of `size`, each with its baseline."""
    command = burst_command(rate, before=before, after=after)
    out = []
    for i in range(n):
        v = voltage(command, size=size, noise=noise, seed=seed + i, spikes=(before + 0.03, before + 0.08), rest=rest)
        on = command.of("step")[0].start
        first, stop = on - round(0.510 * rate), on - round(0.010 * rate)
        out.append((recorded(header(command), v), v[first:stop].mean()))
    return out


def window(d, values, first, stop):
    return values[(d.time > first) & (d.time < stop)]


def test_the_difference_is_what_the_drug_took_away():
    d = difference_waveform(made(3 * MV, 3), made(1 * MV, 2))
    truth = ahp(d.time, size=1 * MV) - ahp(d.time, size=3 * MV)
    after = d.time > 0.02
    assert d.difference[after] == pytest.approx(truth[after], abs=2e-6)
    assert (d.n_before, d.n_after) == (3, 2)
    assert d.step == pytest.approx(0.15)


def test_a_cell_that_depolarised_between_the_phases_shows_no_difference_for_that():
    d = difference_waveform(made(2 * MV, 2), made(2 * MV, 2, rest=-58 * MV))
    assert d.difference[d.time > 0.02] == pytest.approx(0.0, abs=2e-6)


def test_sweeps_are_aligned_at_the_end_of_their_step_whatever_came_before_it():
    d = difference_waveform(made(3 * MV, 2, before=1.5), made(1 * MV, 2, before=0.6003))
    truth = ahp(d.time, size=1 * MV) - ahp(d.time, size=3 * MV)
    after = d.time > 0.02
    assert d.difference[after] == pytest.approx(truth[after], abs=5e-6)
    assert d.time[0] == pytest.approx(-0.70, abs=0.01)


def test_the_waveform_ends_before_the_test_pulse_and_with_the_shortest_sweep():
    long, short = made(3 * MV, 1), made(3 * MV, 1, after=3.0)
    assert mean_waveform(long).time[-1] == pytest.approx(6.35 - 0.8, abs=0.002)
    assert difference_waveform(long, short).time[-1] == pytest.approx(3.0 - 0.8, abs=0.002)


@pytest.mark.parametrize("rate", [10_000.0, 20_000.0, 50_000.0])
def test_its_mean_around_one_second_is_the_difference_of_the_measure(rate):
    phases = [made(size, 3, rate=rate, noise=0.3 * MV, seed=s) for size, s in ((3 * MV, 1), (1 * MV, 11))]
    measured = [[{m.name: m.value for m in analyse(sweep, Settings())} for sweep, _ in phase] for phase in phases]
    pairs = [
        [(sweep, numbers["V_b"]) for (sweep, _), numbers in zip(phase, many, strict=True)]
        for phase, many in zip(phases, measured, strict=True)
    ]
    d = difference_waveform(*pairs)
    wanted = np.subtract(*(np.mean([n["A_1000"] for n in many]) for many in measured[::-1]))
    assert window(d, d.difference, 0.95, 1.05).mean() == pytest.approx(wanted, abs=1e-9)


def test_the_standard_error_is_that_between_sweeps():
    d = difference_waveform(made(3 * MV, 8, noise=0.3 * MV), made(1 * MV, 8, noise=0.3 * MV, seed=50))
    assert window(d, d.sem, 2.0, 5.0).mean() == pytest.approx(0.3 * MV * np.sqrt(2 / 8), rel=0.25)
    assert not mean_waveform(made(3 * MV, 1)).sem.any()


def test_lost_samples_stay_lost():
    ((sweep, level),) = made(3 * MV, 1)
    end = sweep.command.of("step")[0].stop
    sweep.stored["primary"][end + 20_000 : end + 20_400] = np.nan
    w = mean_waveform([(sweep, level)])
    assert np.isnan(w.mean[(w.time > 1.0) & (w.time < 1.02)]).all()
    assert np.isfinite(w.mean[w.time > 1.03]).all()


def test_a_phase_without_sweeps_has_no_mean():
    with pytest.raises(ValueError, match="at least one sweep"):
        difference_waveform([], made(3 * MV, 1))
