from __future__ import annotations

from datetime import datetime

import pytest

from acquisition.session.metadata import iso_age, slices_text
from protocols.errors import SessionError
from protocols.protocol import Subject
from tests.session.synthetic import make_head


@pytest.mark.parametrize(
    ("age", "iso"),
    [("24 months", "P24M"), ("22 .. 26 months", "P22M/P26M"), ("6..8 weeks", "P6W/P8W"), ("1 years", "P1Y")],
)
def test_age_becomes_iso_8601(age, iso):
    assert iso_age(Subject(strain="Fischer 344", sex="male", age=age)) == iso


def test_file_name_follows_the_archives_convention():
    head = make_head(subject_id="R 17_b", session_id="20260102T101112-cell_1")
    assert head.file_name == "sub-R-17-b_ses-20260102T101112-cell-1_icephys.nwb"


def test_a_start_without_time_zone_is_refused():
    with pytest.raises(SessionError, match="time zone"):
        make_head(started=datetime(2026, 1, 2))


def test_slice_says_thickness_and_bath():
    text = slices_text(make_head().protocol)
    assert "400 µm" in text
    assert "30 °C" in text


@pytest.mark.parametrize("name", ["", " ", "a/b", "a\\b"])
def test_names_that_no_archive_takes_are_refused(name):
    with pytest.raises(SessionError, match="subject_id must be a name without slashes"):
        make_head(subject_id=name)
