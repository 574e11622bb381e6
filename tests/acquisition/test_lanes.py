import threading

import numpy as np
import pytest

from acquisition.events import FrameArrived, Waiting
from acquisition.lanes import LiveLane, WriterLane
from protocols.errors import DiskFull, SessionError
from protocols.sweeps import Frame


class Tape:
    """A recorder that remembers, and fails when told to."""

    def __init__(self, fail_at=None):
        self.calls, self._fail_at = [], fail_at

    def __getattr__(self, name):
        def call(*args, **kwargs):
            if name == self._fail_at:
                raise OSError("no space left on device")
            self.calls.append(name)

        return call


def frame(first=0):
    return Frame(first, np.zeros((1, 10), np.int16))


def test_the_writer_lane_writes_everything_in_order():
    tape = Tape()
    lane = WriterLane(tape, length=4)
    lane.begin_sweep("header")
    for k in range(200):
        lane.samples(frame(10 * k))
    lane.end_sweep()
    lane.close()
    assert tape.calls == ["begin_sweep", *["samples"] * 200, "end_sweep", "close"]


def test_a_full_disk_fails_the_run_with_the_reason():
    lane = WriterLane(Tape(fail_at="samples"))
    lane.samples(frame())
    with pytest.raises(SessionError, match="no space left"):
        lane.close()


def test_a_disk_that_falls_behind_stops_the_run_before_samples_are_lost():
    release = threading.Event()
    tape = Tape()
    tape.samples = lambda _: release.wait()
    lane = WriterLane(tape, length=2, patience=0.01)
    call = [lambda k=k: lane.samples(frame(k)) for k in range(5)]
    with pytest.raises(SessionError, match="behind"):
        [c() for c in call]
    release.set()
    lane.close()


def test_an_observer_that_fails_is_dismissed_and_the_others_go_on():
    seen = []

    def bad(event):
        raise RuntimeError("boom")

    with LiveLane([bad, seen.append], lossless=True) as live:
        live.tell(Waiting(0, 1, "a"))
        live.tell(Waiting(1, 2, "b"))
    assert [e.text for e in seen] == ["a", "b"]


def test_a_slow_observer_costs_sample_blocks_and_the_loss_is_counted():
    release = threading.Event()
    with LiveLane([lambda _: release.wait()], lossless=False, length=8) as live:
        for k in range(100):
            live.tell(FrameArrived(frame(k)))
        assert live.dropped > 80
        release.set()


class Terse:
    """An observer that does nothing with samples, and says so."""

    sees_samples = False

    def __init__(self):
        self.seen = []

    def __call__(self, event):
        self.seen.append(event)


def test_blocks_wake_nobody_where_no_observer_wants_them():
    terse, last = Terse(), Waiting(0, 1, "a")
    with LiveLane([terse], lossless=True) as live:
        live.tell(FrameArrived(frame()))
        live.tell(last)
    assert terse.seen == [last]


def test_an_observer_that_wants_blocks_gets_them_beside_one_that_does_not():
    seen, block = [], FrameArrived(frame())
    with LiveLane([Terse(), seen.append], lossless=True) as live:
        live.tell(block)
    assert seen == [block]


def test_a_full_lane_makes_the_engine_wait_and_loses_nothing():
    release, tape = threading.Event(), Tape()
    write = tape.samples
    tape.samples = lambda f: (release.wait(), write(f))
    lane = WriterLane(tape, length=2, patience=30)
    for k in range(3):
        lane.samples(frame(k))  # one is being written, two wait
    threading.Timer(0.01, release.set).start()
    for k in range(3, 50):
        lane.samples(frame(k))
    lane.close()
    assert tape.calls == ["samples"] * 50 + ["close"]


def test_after_a_failure_the_last_words_are_still_tried():
    tape = Tape(fail_at="samples")
    lane = WriterLane(tape)
    lane.begin_sweep("header")
    lane.samples(frame())
    lane.end_sweep(complete=False, reason="disk full")
    lane.log("stopped")
    with pytest.raises(SessionError, match="no space left"):
        lane.close()
    assert tape.calls == ["begin_sweep", "end_sweep", "log", "close"]


def test_a_session_that_failed_is_not_closed_as_finished():
    class Closing(Tape):
        def close(self, reason):
            self.reason = reason

    tape = Closing(fail_at="measured")
    lane = WriterLane(tape)
    lane.measured([])
    with pytest.raises(SessionError):
        lane.close("finished")
    assert tape.reason.startswith("failed")


def test_a_sweep_that_cannot_be_recorded_is_not_begun():
    lane = WriterLane(Tape(fail_at="begin_sweep"))
    with pytest.raises(SessionError, match="no space left"):
        lane.begin_sweep("header")
    with pytest.raises(SessionError):
        lane.close()


def test_a_sweep_that_begins_while_the_disk_becomes_full_is_told_so_at_once():
    """Without that it waited out the lane's patience, and the person was not asked to make space."""
    tape = Tape()
    lane = WriterLane(tape, patience=30)

    def becomes_full(_frame):
        while lane._queue.empty():  # until the next sweep wants to begin
            pass
        raise DiskFull("the disk is full")

    tape.samples = becomes_full
    lane.samples(frame())
    with pytest.raises(DiskFull):
        lane.begin_sweep("header")
    assert "begin_sweep" not in tape.calls
