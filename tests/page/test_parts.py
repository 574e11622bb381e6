"""What the page is made of: columns, the board, who has control, who may come in."""

from __future__ import annotations

import numpy as np
import pytest

from acquisition.control_lease import SECONDS, ControlLease, Holder
from acquisition.page.board import Board, as_json
from acquisition.page.decimation import Columns, column_width, columns_of
from acquisition.typed_text import typed_text


@pytest.mark.parametrize("block", [1, 7, 400, 10_000])
def test_columns_are_the_same_whatever_the_blocks(block):
    trace = np.random.default_rng(1).normal(size=10_000).astype(np.float32)
    made = Columns(len(trace), 7)
    for first in range(0, len(trace), block):
        made.feed(first, trace[first : first + block])
    np.testing.assert_array_equal(made.rows, columns_of(trace, 7))
    assert made.complete == made.rows.shape[1]


def test_a_spike_of_one_sample_is_in_its_column():
    trace = np.zeros(160_000, np.float32)
    trace[77_777] = 40
    width = column_width(len(trace))
    low, high, mean = columns_of(trace, width)
    assert high[77_777 // width] == 40
    assert low.max() == 0
    assert mean[77_777 // width] == pytest.approx(40 / width)
    assert len(low) <= 1000


def test_lost_samples_are_left_out_and_a_column_without_others_is_nan():
    trace = np.array([1, 3, np.nan, 5, np.nan, np.nan], np.float32)
    np.testing.assert_array_equal(columns_of(trace, 2), [[1, 5, np.nan], [3, 5, np.nan], [2, 5, np.nan]])


def test_only_columns_that_no_later_sample_changes_are_complete():
    made = Columns(100, 10)
    made.feed(0, np.ones(25, np.float32))
    assert made.complete == 2


def test_a_viewer_is_told_a_section_once_and_a_new_viewer_everything():
    board, old = Board(), {}
    board.put("status", {"state": "waiting"})
    assert [*board.news(old)] == ['{"is":"status","state":"waiting"}']
    board.put("status", {"state": "waiting"})
    assert [*board.news(old)] == []
    assert len([*board.news({})]) == 1


def test_of_a_list_only_what_is_new_or_changed_is_told_with_what_is_behind_it():
    board, seen = Board(), {}
    board.put_rows("sweeps", "rows", [1, 2, 3])
    assert [*board.news(seen)] == ['{"is":"sweeps","from":0,"rows":[1,2,3]}']
    board.put_rows("sweeps", "rows", [1, 9, 3, 4])
    assert [*board.news(seen)] == ['{"is":"sweeps","from":1,"rows":[9,3,4]}']
    board.put_rows("sweeps", "rows", [])
    assert [*board.news(seen)] == ['{"is":"sweeps","from":0,"rows":[]}']


def test_numbers_that_are_none_are_null():
    assert as_json({"a": float("nan"), "b": [float("inf"), 1.5]}) == '{"a":null,"b":[null,1.5]}'


def test_what_is_no_character_is_a_question_mark_and_harms_no_viewer():
    assert as_json({"text": "a\ud800b µm"}) == '{"text":"a?b µm"}'


A, B = Holder(1, "viewer 1"), Holder(2, "viewer 1")
"""Two pages that show one run, each with a first viewer."""


def test_control_is_with_one_viewer_until_it_falls_silent():
    lease = ControlLease()
    assert lease.renew(A, 0.0)
    assert not lease.renew(B, 1.0)
    assert lease.renew(B, 1.0 + SECONDS)
    lease.take(A, 8.0)
    assert lease.current(8.1) == A
    lease.give(A)
    assert lease.current(8.2) is None


def test_control_is_free_when_the_server_of_its_page_is_gone():
    lease = ControlLease()
    lease.take(A, 0.0)
    lease.gone(B.page)
    assert lease.current(1.0) == A
    lease.gone(A.page)
    assert lease.current(1.0) is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("bubble \ud800 in the line", "bubble  in the line"),
        ("a\0b\x1b[2Jc", "ab[2Jc"),
        ("  µ\n", "µ"),
        (7, ""),
        (None, ""),
    ],
)
def test_a_text_is_kept_without_what_no_file_keeps(given, kept):
    assert typed_text(given, 100) == kept
    assert len(typed_text("x" * 300, 100)) == 100
