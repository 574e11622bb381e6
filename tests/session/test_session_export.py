from __future__ import annotations

import polars
import pytest

from acquisition.session.export import sweep_frame, to_csv, to_parquet
from acquisition.session.reader import open_session


@pytest.fixture(scope="module")
def session(recorded):
    with open_session(recorded[0]) as session:
        yield session


@pytest.fixture(scope="module")
def rows(session):
    return sweep_frame(session).rows(named=True)


def test_one_row_per_sweep(rows):
    assert [r["sweep"] for r in rows] == list(range(10))


def test_measures_have_the_fields_units_in_their_names(rows):
    assert rows[3]["A_1000_mV"] == pytest.approx(-2.097)
    assert rows[3]["Rin_MOhm"] == pytest.approx(101.0)
    assert rows[3]["n_ap"] == 3.0
    assert rows[3]["step_pA"] == pytest.approx(300.0)
    assert rows[3]["holding_pA"] == pytest.approx(-35.0)
    assert rows[0]["holding_mV"] == pytest.approx(-70.0)
    assert rows[0]["holding_pA"] is rows[0]["step_pA"] is None


def test_a_measure_made_several_times_is_its_median(rows):
    assert rows[0]["Rs_MOhm"] == pytest.approx(14.2)


def test_what_could_not_be_measured_is_empty_and_flagged(rows):
    assert rows[3]["D50_ms"] is None
    assert rows[3]["flags"] == "ap_count; late_spikes; window_incomplete"


def test_sweeps_left_out_say_why(rows):
    assert [r["sweep"] for r in rows if not r["kept"]] == [2, 3, 4, 5, 8, 9]
    assert rows[4]["reason"] == "2 spikes"
    assert rows[8]["reason"] == "stopped by the person"
    assert rows[3]["reason"] == "ap_count; late_spikes"
    assert rows[0]["reason"] is None


def test_what_the_table_keeps_is_what_the_summary_accepts(session, rows):
    from acquisition.analysis.summary import gather

    numbers = gather(session.sweeps, session.measurements, session.rejected)
    bursts = [s for s in numbers if any(m.name == "A_1000" for m in s.measurements)]
    assert [s.is_accepted for s in bursts] == [rows[s.index]["kept"] for s in bursts]


def test_csv_and_parquet_hold_the_same(session, tmp_path):
    to_csv(session, tmp_path / "t.csv")
    to_parquet(session, tmp_path / "t.parquet")
    parquet = polars.read_parquet(tmp_path / "t.parquet")
    assert parquet.equals(sweep_frame(session))
    csv = polars.read_csv(tmp_path / "t.csv")
    assert csv["A_1000_mV"].to_list() == parquet["A_1000_mV"].to_list()
