"""Parts of the report that stand alone: lines of text, the band of a curve, numbers in words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.study.curve_band import band
from acquisition.study.design import By
from acquisition.study.findings import compare_cells
from acquisition.study.measures import concentration_interval
from acquisition.study.model_sheets import wash_sheet
from acquisition.study.sheets import once
from acquisition.study.typesetting import broken, width_of
from acquisition.study.words import interval, listed, signed, tight
from tests.study.records import cell, drug

WORDS = st.lists(st.text("abcdefgh µΩ−".replace(" ", ""), min_size=1, max_size=12), min_size=1, max_size=30)


@settings(max_examples=40, deadline=None)
@given(words=WORDS, width=st.floats(0.5, 4.0))
def test_broken_lines_keep_every_word_and_fit(words, width):
    lines = broken(" ".join(words), width, 9.0)
    assert " ".join(lines) == " ".join(words)
    assert all(width_of(line, 9.0) <= width for line in lines if " " in line)


def test_a_number_stays_with_its_unit():
    assert broken("aaaa 5\u00a0mV", 0.4, 9.0) == ["aaaa", "5\u00a0mV"]
    assert tight("from 200 pA to 1 µM, 95 % of 4 cells") == "from 200\u00a0pA to 1\u00a0µM, 95\u00a0% of 4 cells"
    assert tight("n = 4 cells / 1 animal") == "n = 4 cells / 1 animal".replace(" ", "\u00a0")


@pytest.fixture(scope="module")
def response():
    random = np.random.default_rng(3)
    cells = []
    for molar in (1e-8, 1e-7, 1e-6, 1e-5, 1e-4):
        blocked = 0.5 / (1 + 3e-7 / molar)
        for i in range(4):
            after = -4e-3 * (1 - blocked) + 0.1e-3 * random.normal()
            cells.append(cell(f"{molar}-{i}", -4e-3, after, solution=drug(molar)))
    return compare_cells(cells, By.COMPOUND, resamples=200).responses[0]


def test_the_band_holds_the_fit_and_the_truth(response):
    c = np.logspace(-8.5, -3.5, 60)
    low, high = band(response, c)
    fitted, truth = response.fit.inhibition(c), 50 / (1 + 3e-7 / c)
    assert np.all((low <= fitted) & (fitted <= high))
    assert np.mean((low <= truth) & (truth <= high)) > 0.9


def test_far_above_the_ic50_the_band_is_the_interval_of_the_top(response):
    low, high = band(response, np.array([1.0]))
    assert (low[0], high[0]) == pytest.approx(response.fit.top_interval, abs=0.5)


def test_wash_out_says_how_much_came_back(study):
    from acquisition.study.cell import Rules
    from acquisition.study.gathering import find_sessions, gather_cells

    cells = gather_cells(find_sessions([study]), Rules(), workers=1).cells
    rows = {row[0]: row for row in wash_sheet(compare_cells(cells, resamples=200)).rows}
    assert rows["MEM 1003 1 µM"][1:3] == ("3", "50")
    assert rows["vehicle"][4] == "90"


def test_a_repeated_first_column_is_left_empty():
    assert once([("a", "1"), ("a", "2"), ("b", "1")]) == (("a", "1"), ("", "2"), ("b", "1"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (signed(-1.234, 2), "−1.23"),
        (signed(1.2, 1, plus=True), "+1.2"),
        (signed(-0.0001, 2, plus=True), "0.00"),
        (signed(math.nan, 2), "not determined"),
        (interval((2.0, -1.0), 1), "−1.0 to 2.0"),
        (interval((-1e-3, 2e-3), 1, 1e3), "−1.0 to 2.0"),
        (interval((0.0, math.inf), 1), "0.0 to ∞"),
        (interval((math.nan, 1.0), 1), "not determined"),
        (concentration_interval((8e-8, 2e-7), 1.3e-7), "0.08 to 0.2 µM"),
        (concentration_interval((0.0, math.inf), 1e-6), "0 to ∞ µM"),
        (listed(["a", "b", "c"]), "a, b and c"),
        (listed([]), ""),
    ],
)
def test_numbers_are_printed_as_a_journal_would(text, wanted):
    assert text == wanted
