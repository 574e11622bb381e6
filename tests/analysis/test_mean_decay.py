import numpy as np
import pytest

from acquisition.analysis.mean_decay import fit_mean

MV = 1e-3
T = (np.arange(500) + 0.5) * 0.01


def noise(seed=0, sd=0.03 * MV):
    return np.random.default_rng(seed).normal(0, sd, len(T))


@pytest.mark.parametrize("seed", range(5))
def test_one_exponential_is_not_taken_for_two(seed):
    found = fit_mean(T, -3 * MV * np.exp(-T / 1.2) + noise(seed))
    assert found.taus == pytest.approx((1.2,), rel=0.05)
    assert found.text.startswith("decays with 1.2")


@pytest.mark.parametrize("seed", range(5))
def test_two_exponentials_are_told_apart(seed):
    found = fit_mean(T, -2 * MV * np.exp(-T / 0.2) - 3 * MV * np.exp(-T / 1.5) + noise(seed))
    assert found.taus == pytest.approx((0.2, 1.5), rel=0.15)
    assert found.sizes == pytest.approx((-2 * MV, -3 * MV), rel=0.15)
    assert found.gain > 10


def test_nothing_decays_in_too_few_points():
    assert fit_mean(T[:5], -MV * np.exp(-T[:5])) is None
