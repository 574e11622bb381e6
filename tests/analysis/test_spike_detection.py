import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.analysis.spikes import SpikeRules, find_spikes
from tests.analysis.synthetic import MV, RATE, spike

REST = -60 * MV


def found(v, rate=RATE, **how):
    return find_spikes(v, rate, SpikeRules(), start=0, stop=len(v) - round(8e-3 * rate), **how)


def at(times, rate=RATE, duration=0.5, **shape):
    t = np.arange(round(duration * rate)) / rate
    return REST + sum((spike(t - x, **shape) for x in times), start=np.zeros(len(t)))


@pytest.mark.parametrize("rate", [10e3, 20e3, 50e3, 100e3])
def test_spikes_are_found_at_their_peaks_at_every_rate(rate):
    times = (0.05, 0.0912, 0.14, 0.2003)
    spikes = found(at(times, rate), rate)
    assert [s.peak_at / rate for s in spikes] == pytest.approx(times, abs=1 / rate)
    assert [s.peak for s in spikes] == pytest.approx([20 * MV] * 4, abs=1.5 * MV)


def test_the_half_width_is_that_of_the_shape():
    (s,) = found(at([0.1], 100e3), 100e3)
    half = np.sqrt(2 * np.log(80 * MV / (0.5 * 80 * MV)))  # of a bell, in its sigmas
    # counted from the threshold, a few mV above rest, so slightly narrower than from rest
    assert s.half_width == pytest.approx(half * (0.3e-3 + 0.6e-3), rel=0.1)


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        ({"height": 30 * MV}, "does not reach -20 mV"),
        ({"width": 4e-3}, "rises too slowly"),
        ({"width": 0.04e-3}, "is too narrow: an artefact"),
    ],
)
def test_what_is_not_an_action_potential_is_not_counted(shape, why):
    assert not found(at([0.1], **shape)), why


def test_a_step_without_a_down_stroke_is_not_a_spike():
    v = np.full(4000, REST)
    v[2000:] = 10 * MV
    assert not found(v)


def test_noise_on_a_depolarisation_block_is_not_counted():
    noise = np.random.default_rng(1).normal(0, 2 * MV, 20_000)
    assert not found(-15 * MV + np.convolve(noise, np.ones(10) / 10, "same"))


def test_a_narrow_jump_at_an_edge_of_the_command_is_not_a_spike_but_a_wide_spike_there_is():
    narrow, wide = at([0.1], height=90 * MV, width=0.22e-3), at([0.1])
    edge = round(0.1 * RATE) - 12
    assert len(found(narrow)) == 1
    assert not found(narrow, edges=(edge,))
    assert len(found(wide, edges=(edge - 12,))) == 1


def test_a_spike_cut_off_by_the_converter_is_known_as_flat():
    v = np.minimum(at([0.1, 0.2]), 5 * MV)
    assert [s.is_flat for s in found(v)] == [True, True]


def test_lost_samples_hide_only_the_spikes_they_touch():
    v = at([0.1, 0.2, 0.3])
    v[4000:4010] = np.nan
    assert [round(s.peak_at / RATE, 3) for s in found(v)] == [0.1, 0.3]


@settings(max_examples=30, deadline=None)
@given(cut=st.integers(100, 9000))
def test_scanning_in_two_parts_finds_the_same_spikes(cut):
    v = at([0.02, 0.05, 0.0533, 0.2, 0.31])
    whole, stop = found(v), len(v) - 160
    first = find_spikes(v, RATE, SpikeRules(), start=0, stop=cut)
    second = find_spikes(v, RATE, SpikeRules(), start=cut, stop=stop, last=first[-1] if first else None)
    assert [s.peak_at for s in [*first, *second]] == [s.peak_at for s in whole]
