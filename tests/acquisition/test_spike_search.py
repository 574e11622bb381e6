from statistics import median

import numpy as np
import pytest

from acquisition.steps.find import SpikeSearch

GRID = tuple(round(200 + 25 * k) * 1e-12 for k in range(9))


def trials(search: SpikeSearch, cell) -> int:
    count = 0
    while (current := search.next()) is not None:
        search.saw(current, cell(current))
        count += 1
        assert count < 40, "the search does not end"
    return count


def neuron(rheobase: float, gain: float, noise: float = 0.0, seed: int = 0):
    rng = np.random.default_rng(seed)
    return lambda current: max(0, int((current - rheobase) / gain + noise * rng.standard_normal()))


def test_a_current_in_the_middle_of_the_range_needs_only_its_confirmation():
    search = SpikeSearch(GRID, 3, 4, confirm=2)
    assert trials(search, lambda _: 4) == 2
    assert search.found.current == GRID[4]
    assert search.found.spikes == 4


@pytest.mark.parametrize("right", range(9))
def test_every_current_of_the_grid_can_be_found(right):
    search = SpikeSearch(GRID, 3, 4, confirm=2)
    trials(search, lambda i: 3 if i == GRID[right] else (1 if i < GRID[right] else 8))
    assert search.found.current == GRID[right]


def test_a_current_on_the_border_between_two_counts_gives_way_to_its_neighbour():
    answers = iter([3, 4, 4, 4])
    search = SpikeSearch(GRID, 3, 4, confirm=2)
    trials(search, lambda _: next(answers))
    assert search.found.current != GRID[4]
    assert search.found.spikes == 4


def test_a_cell_that_never_fires_is_not_found_and_the_search_ends():
    search = SpikeSearch(GRID, 3, 4, confirm=2)
    trials(search, lambda _: 0)
    assert search.found is None
    assert search.second_best is None


def test_a_cell_with_borders_everywhere_still_gets_a_usable_current():
    flip = iter([3, 4] * 20)
    search = SpikeSearch(GRID, 3, 4, confirm=2)
    trials(search, lambda _: next(flip))
    assert search.found is None
    assert search.second_best.spikes in (3, 4)


def test_the_median_search_over_a_population_takes_at_most_five_sweeps():
    rng = np.random.default_rng(7)
    counts = []
    for seed in range(300):
        cell = neuron(rng.uniform(50, 180) * 1e-12, rng.uniform(30, 70) * 1e-12, noise=0.1, seed=seed)
        counts.append(trials(SpikeSearch(GRID, 3, 4, confirm=2), cell))
    assert median(counts) <= 5
