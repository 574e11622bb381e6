"""One program at a time has a card on a device server, between sweeps as well; what the dead leave is taken away."""

import logging
import os
import subprocess
import sys
from contextlib import closing, contextmanager
from dataclasses import replace
from types import SimpleNamespace

import grpc
import pytest
from nidaqmx.errors import DaqError

from acquisition.bench import Bench
from acquisition.rest import hold_at_once, put_to_rest
from drivers.build import Context
from drivers.ni import claim as claims
from drivers.ni.claim import Claim
from drivers.ni.connection import OURS
from drivers.ni.daq import daq
from drivers.ni.failures import CardError
from drivers.ni.lines import perfusion
from drivers.ni.owner import Owner
from protocols.errors import TakenByAnother
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
    task = board.create_task(NAME)
    board.add_analogue(task, "ai", "Dev1/ai0", "", -10, 10, 0)
    task.descriptions["Dev1/ai0"] = replace(Owner(), **facts).told(1)


def test_a_claimed_card_is_refused_to_a_second_program_which_is_told_whose_it_is(bench, channel):
    with claimed(channel) as first:
        second = Claim("Dev1", channel, wait=lambda _: first.beat())
        with pytest.raises(
            TakenByAnother, match=r"another patchrig is measuring with this card: process \d+ on .+, since"
        ):
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
            with pytest.raises(TakenByAnother, match="another patchrig is measuring with this card"):
                other(bench, make).__enter__()
        with closing(bench.frames(LONG)) as frames:
            next(frames)
            with pytest.raises(TakenByAnother, match="another patchrig is measuring"):
                other(bench).__enter__()
            assert next(frames).n_samples == 1000


def test_a_task_on_demand_of_a_living_program_is_not_taken_away():
    with opened(ni_rig()) as bench:
        task = bench.daq._way.task("command output")
        with pytest.raises(TakenByAnother, match="another patchrig is measuring"):
            other(bench).__enter__()
        assert [name[:-8] for name in bench.tasks] == ["patchrig_Dev1_command_output_"]
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
    with pytest.raises(CardError, match="our claim on it is gone"):
        next(frames)


def die(card, bench, pid):
    """Let a card's program give no more signs of life, as if it had been process `pid`."""
    sleep(card)
    me = card._way._claim._me
    bench.board.tasks[NAME].descriptions[f"claim_{me.id[:8]}"] = replace(me, pid=pid).told(0)


def sleep(card):
    """Let a card's program give no more signs of life, and do nothing until the test wakes it."""
    claim = card._way._claim
    claim._over.set()
    claim._thread.join()


def hurried(monkeypatch):
    """Take a silent owner for dead at once: what is left when seconds pass."""
    monkeypatch.setattr(claims, "SILENCE", 0.0)


def test_safe_by_force_takes_the_card_from_a_program_that_lives():
    with opened(ni_rig()) as bench, other(bench, by_force=True) as card:
        card.park(-60e-3, bench.gains)
        assert bench.board.levels["ao0"] == pytest.approx(-3.0, abs=1e-3)


# --- a claim that was lost ----------------------------------------------------------------------------------------


@pytest.fixture
def robbed(monkeypatch):
    """Return a bench with its card open, that slept until another program had taken the card, and that other's card."""
    hurried(monkeypatch)
    with opened(ni_rig()) as bench:
        sleep(bench.daq)
        with other(bench) as card:
            card.park(-65e-3, bench.gains)
            yield bench, card


def stands(bench):
    return bench.board.levels["ao0"]


def test_a_program_that_slept_and_lost_its_card_is_told_whose_it_is_and_writes_nothing(robbed):
    bench, _ = robbed
    for act in (lambda: bench.daq.park(-60e-3, bench.gains), lambda: list(bench.frames(LONG)), bench.daq.check_ours):
        with pytest.raises(TakenByAnother, match=r"NOT OURS ANY MORE: process \d+ on .+, since .+ has taken the card"):
            act()
    assert stands(bench) == pytest.approx(-3.25, abs=1e-3)


class Lease:
    """Hears what the guardian is told."""

    def __init__(self):
        self.left = None

    def rested(self, left):
        self.left = left


def test_a_run_that_lost_its_card_touches_nothing_of_the_rig_and_lets_its_guardian_go(robbed):
    bench, _ = robbed
    rig = SimpleNamespace(daq=bench.daq)  # no amplifier, no valves, no pump: nothing that could be touched
    hold_at_once(rig, bench.context.rig.safe, bench.gains)
    (left,) = put_to_rest(rig, bench.context.rig.safe, bench.gains)
    assert left.startswith("Dev1: NOT OURS ANY MORE: process ")
    run = SimpleNamespace(devices=rig, lease=Lease(), taken="")
    assert Bench.rest(run) == []
    assert run.lease.left == []
    assert run.taken == left
    assert stands(bench) == pytest.approx(-3.25, abs=1e-3)


def test_a_program_that_lost_its_card_does_not_take_it_back_when_the_other_has_gone(robbed):
    bench, card = robbed
    with pytest.raises(TakenByAnother):
        bench.daq.check_ours()
    card.__exit__(None, None, None)
    for act in (bench.daq.check_ours, bench.daq.reclaim):
        with pytest.raises(TakenByAnother):
            act()
    assert not bench.board.tasks


def test_a_sweep_that_slept_does_not_take_the_new_owners_samples_nor_clear_its_tasks(monkeypatch):
    hurried(monkeypatch)
    with opened(ni_rig()) as bench:
        slept = bench.frames(LONG)
        next(slept)
        sleep(bench.daq)
        with other(bench) as card, closing(card.play(Sweep(0, bench.gains.mode, LONG), bench.gains)) as frames:
            assert next(frames).first == 0
            there = bench.tasks
            with pytest.raises(TakenByAnother, match="NOT OURS ANY MORE"):
                next(slept)
            assert bench.tasks == there
            assert next(frames).first == 1000


def test_a_beat_that_finds_another_owner_does_not_sign_his_claim_and_is_told(channel, caplog):
    first = Claim("Dev1", channel)
    first.take()
    with caplog.at_level(logging.WARNING):
        by_force = Claim("Dev1", channel)
        by_force.take(by_force=True)
        first._thread.join(5.0)
    assert "NOT OURS ANY MORE" in caplog.text
    with pytest.raises(DaqError):
        first.beat()  # one that was on its way while the card changed hands
    by_force.check()
    first.release()
    by_force.check()
    by_force.release()


def test_beats_that_do_not_arrive_are_told_once(bench, caplog):
    with claimed(grpc.insecure_channel(bench.server.address)) as claim:
        with caplog.at_level(logging.WARNING):
            bench.server.__exit__()
            while not (told := caplog.text):
                claim._over.wait(0.01)
        assert "a sign of life did not arrive; others may take the card" in told


def test_a_claim_that_a_restarted_server_forgot_ends_the_run_and_is_had_again_for_the_way_to_rest():
    with opened(ni_rig()) as bench:
        sleep(bench.daq)
        with bench.board.lock:
            bench.board.clear(bench.board.tasks[NAME])
        for _ in range(2):
            with pytest.raises(CardError, match="the device server was restarted"):
                bench.daq.park(-60e-3, bench.gains)
        bench.daq.reclaim()
        bench.daq.park(-60e-3, bench.gains)
        assert stands(bench) == pytest.approx(-3.0, abs=1e-3)
    assert not bench.board.tasks


def test_a_living_run_that_fetches_late_keeps_its_tasks():
    with opened(ni_rig()) as bench, closing(bench.frames(LONG)) as frames:
        next(frames)
        with bench.board.lock:
            bench.clock.wait_until(bench.clock.now() + 3.0)  # of samples that nobody has fetched
        there = bench.tasks
        with pytest.raises(TakenByAnother, match="another patchrig is measuring"):
            other(bench).__enter__()
        assert bench.tasks == there
        assert next(frames).first == 1000


# --- who is proved to be dead -------------------------------------------------------------------------------------


def test_a_process_of_that_number_in_another_system_of_the_same_name_is_not_known_to_be_dead(bench, channel, ended):
    left_by(bench.board, pid=ended, system="a container")
    waited = []
    with claimed(channel, wait=waited.append):
        assert sum(waited) == claims.SILENCE


@pytest.mark.parametrize(
    ("facts", "dead"),
    [
        ({}, False),
        ({"began": "1"}, True),
        ({"began": ""}, False),
        ({"system": ""}, False),
        ({"began": "1", "system": "x"}, False),
    ],
)
@pytest.mark.skipif(not Owner().system, reason="this system cannot be told from others")
def test_only_a_process_that_is_proved_to_have_ended_is_known_to_be_dead(facts, dead):
    assert replace(Owner(), pid=os.getpid(), **facts).is_known_dead() is dead


def test_the_owner_in_a_claim_is_who_wrote_it():
    assert claims.owner_in(Owner().told(3)) is not None
    assert claims.owner_in("{}") is None


def test_what_a_dead_program_leaves_is_found_by_its_claim(bench, channel, ended):
    dead = replace(Owner(), pid=ended)
    bench.board.create_task(f"patchrig_Dev1_inputs_{dead.id[:8]}")
    left_by(bench.board, **vars(dead))
    claim = Claim("Dev1", channel, wait=nobody_waits)
    claim.take(OURS)
    assert list(bench.board.tasks) == [NAME]
    claim.release()
