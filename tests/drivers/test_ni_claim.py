"""One program at a time has a card on a device server, between sweeps as well; what the dead leave is taken away."""

import json
import subprocess
import sys
from contextlib import closing, contextmanager

import grpc
import pytest

from drivers.build import Context
from drivers.ni import claim as claims
from drivers.ni.claim import Claim, Owner
from drivers.ni.daq import daq
from drivers.ni.failures import CardError
from drivers.ni.lines import perfusion
from protocols.sweeps import Sweep
from protocols.waveforms import Waveform
from tests.drivers.ni_bench import ni_rig, opened, served

LONG = Waveform(20e3, 100_000, -60e-3)
NAME = "patchrig_Dev1_claim"


@pytest.fixture
def bench():
    with served(ni_rig()) as bench:
        yield bench


@pytest.fixture
def channel(bench):
    with grpc.insecure_channel(bench.server.address) as channel:
        yield channel


@contextmanager
def claimed(channel, **how):
    claim = Claim("Dev1", channel, **how)
    claim.take()
    try:
        yield claim
    finally:
        claim.release()


def nobody_waits(seconds):
    raise AssertionError(f"{seconds} s were waited for")


@pytest.fixture
def ended():
    """The number of a process of this computer that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left_by(board, **facts):
    """Leave a claim as a program does that can do no more."""
    owner = {**vars(Owner()), **facts}
    task = board.create_task(NAME)
    board.add_analogue(task, "ai", "Dev1/ai0", "", -10, 10, 0)
    task.descriptions["Dev1/ai0"] = json.dumps({**owner, "beat": 1})


def test_a_claimed_card_is_refused_to_a_second_program_which_is_told_whose_it_is(bench, channel):
    with claimed(channel) as first:
        second = Claim("Dev1", channel, wait=lambda _: first.beat())
        with pytest.raises(CardError, match=r"another patchrig is measuring with this card: process \d+ on .+, since"):
            second.take()
        second.release()
        assert list(bench.board.tasks) == [NAME]
    assert not bench.board.tasks


def test_a_released_card_is_free_at_once(channel):
    with claimed(channel):
        pass
    with claimed(channel, wait=nobody_waits):
        pass


def test_the_claim_of_a_process_of_this_computer_that_has_ended_is_taken_over_at_once(bench, channel, ended):
    left_by(bench.board, pid=ended)
    with claimed(channel, wait=nobody_waits):
        assert list(bench.board.tasks) == [NAME]


def test_the_claim_of_another_computer_is_taken_over_when_it_gives_no_sign_of_life(bench, channel):
    left_by(bench.board, host="elsewhere")
    waited = []
    with claimed(channel, wait=waited.append):
        assert sum(waited) == claims.SILENCE


def test_a_claim_of_which_nothing_is_told_yet_is_taken_over_only_after_silence(bench, channel):
    bench.board.create_task(NAME)
    waited = []
    with claimed(channel, wait=waited.append):
        assert sum(waited) == claims.SILENCE


def test_a_card_is_taken_by_force_from_the_living_who_does_not_take_it_back(bench, channel):
    with claimed(channel):
        by_force = Claim("Dev1", channel, wait=nobody_waits)
        by_force.take(by_force=True)
    assert list(bench.board.tasks) == [NAME]
    by_force.release()
    assert not bench.board.tasks


# --- the drivers --------------------------------------------------------------------------------------------------


def other(bench, make=daq, **how):
    return make(Context(bench.context.rig, bench.clock, 1, **how))


def test_another_program_is_refused_while_a_sweep_is_played_and_between_sweeps():
    with opened(ni_rig()) as bench:
        for make in (daq, perfusion):
            with pytest.raises(CardError, match="another patchrig is measuring with this card"):
                other(bench, make).__enter__()
        with closing(bench.frames(LONG)) as frames:
            next(frames)
            with pytest.raises(CardError, match="another patchrig is measuring"):
                other(bench).__enter__()
            assert next(frames).n_samples == 1000


def test_a_task_on_demand_of_a_living_program_is_not_taken_away():
    with opened(ni_rig()) as bench:
        task = bench.daq._way.task("command output")
        with pytest.raises(CardError, match="another patchrig is measuring"):
            other(bench).__enter__()
        assert bench.tasks == ["patchrig_Dev1_command_output"]
        task.close()


def test_tasks_of_a_killed_program_are_taken_off_the_card_and_its_outputs_can_be_parked(bench, ended):
    killed = other(bench)
    killed.__enter__()
    frames = killed.play(Sweep(0, bench.gains.mode, LONG), bench.gains)
    next(frames)
    die(killed, bench, ended)
    with other(bench) as card:
        assert not bench.tasks
        card.park(-60e-3, bench.gains)
        assert bench.board.levels["ao0"] == pytest.approx(-3.0, abs=1e-3)
    with pytest.raises(CardError, match="the task is gone"):
        next(frames)


def die(card, bench, pid):
    """Let a card's program give no more signs of life, as if it had been process `pid`."""
    claim = card._way._claim
    claim._over.set()
    claim._thread.join()
    bench.board.tasks[NAME].descriptions["Dev1/ai0"] = json.dumps({**vars(claim._me), "pid": pid, "beat": 0})


def test_safe_by_force_takes_the_card_from_a_program_that_lives():
    with opened(ni_rig()) as bench, other(bench, by_force=True) as card:
        card.park(-60e-3, bench.gains)
        assert bench.board.levels["ao0"] == pytest.approx(-3.0, abs=1e-3)
