"""An overrun through NI's own client: what was lost is a gap in the session file, with its length; nothing else is."""

import numpy as np
import pytest

from acquisition.session.recovery import open_recovered
from acquisition.watching import joined
from tests.rig_faults.lab import rig, run

STEPS = "steps:\n  - hold: {voltage: -60 mV, for: 4 s}\n"
SHORT_BUFFER = ("input_buffer: 10 s", "input_buffer: 200 ms")
"""Below the length of the stall; the output's lead is above it, so inputs are lost while the output goes on."""
STALL = 0.6
RATE = 20_000


def stalled(built):
    built.fault("ReadBinaryI16", stall=STALL)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    with rig(changes=[SHORT_BUFFER]) as built:
        seen = run(built, tmp_path_factory.mktemp("gap"), STEPS, amid=stalled)
    assert seen.finished.reason == "finished"
    with open_recovered(seen.session) as opened:
        yield opened


def lost(session):
    """Return the first lost sample and the first that is there again."""
    nan = np.isnan(session.sweep(0).stored["primary"])
    return int(nan.argmax()), int(len(nan) - nan[::-1].argmax())


def test_lost_samples_are_nan_and_all_others_are_there(session):
    first, stop = lost(session)
    for row in session.sweep(0).stored.values():
        assert len(row) == 4 * RATE
        assert np.isnan(row[first:stop]).all()
        assert np.isfinite(row[:first]).all()
        assert np.isfinite(row[stop:]).all()


def test_the_gap_is_as_long_as_the_stall_less_what_was_still_in_the_buffer(session):
    first, stop = lost(session)
    assert first >= 5_000
    assert (STALL - 0.2) * RATE <= stop - first <= STALL * RATE


def test_the_gap_stands_in_invalid_times_with_its_length(session):
    first, stop = lost(session)
    table, start = session._file["intervals/invalid_times"], session.sweeps[0].start
    assert table["start_time"][:].tolist() == pytest.approx([start + first / RATE])
    assert table["stop_time"][:].tolist() == pytest.approx([start + stop / RATE])


def test_the_log_tells_the_gap(session):
    first, stop = lost(session)
    told = [e for e in session.log if "lost_from" in e.data]
    assert [(e.data["lost_from"], e.data["lost_to"]) for e in told] == [(first, stop)]
    assert f"{stop - first} samples" in told[0].text


def test_the_samples_after_the_gap_are_those_of_their_time(session):
    """A shifted sweep would show the holding step's onset elsewhere: the level before and after is the same cell's."""
    first, stop = lost(session)
    row = session.sweep(0).stored["secondary"]
    assert np.nanmean(row[first - 1000 : first]) == pytest.approx(np.nanmean(row[stop : stop + 1000]), abs=0.5)
    assert session.is_intact(0)


def test_a_sweep_that_is_kept_in_memory_has_its_gap_where_it_was():
    blocks = [(0, np.ones(3)), (5, np.full(2, 2.0))]
    whole = joined([(first, {"primary": row.astype(np.float32)}) for first, row in blocks])["primary"]
    np.testing.assert_array_equal(whole, np.array([1, 1, 1, np.nan, np.nan, 2, 2], np.float32))
    assert joined([]) == {}
