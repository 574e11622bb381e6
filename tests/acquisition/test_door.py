"""The run's door, knocked at through a real socket."""

from __future__ import annotations

import json
import os
import socket
import threading
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.control_lease import SECONDS
from acquisition.controls import Controls
from acquisition.door import Door
from acquisition.door_words import WORDS
from acquisition.events import SeriesProgress, StepStarted, Waiting
from acquisition.person import AtTheDoor
from acquisition.register import entries, registered
from drivers.clock import DemandClock
from protocols.errors import StoppedByPerson
from tests.kit import RIG


class Caller:
    """Somebody at the other end."""

    def __init__(self, door, token=None):
        port, known = door.address
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.lines = self.socket.makefile("rw", encoding="utf-8")
        self.say(token=known if token is None else token)

    def say(self, **message):
        self.lines.write(json.dumps(message) + "\n")
        self.lines.flush()

    def hears(self, wanted):
        """Return the next message that has the key `wanted`; None when the line is cut."""
        while line := self.lines.readline():
            if wanted in (told := json.loads(line)):
                return told[wanted] if wanted == "status" else told
        return None

    def hears_controller(self, called):
        """Wait until that viewer has control."""
        while (told := self.hears("controller")) and told["controller"] != called:
            pass
        return told is not None

    def hears_status(self, **facts):
        """Return the next status with these facts."""
        while (status := self.hears("status")) and any(status[k] != v for k, v in facts.items()):
            pass
        return status

    def asks(self, act, **fields):
        self.say(do=act, id=1, **fields)
        told = self.hears("did")
        return told["ok"], told["text"]

    def close(self):
        self.lines.close()
        self.socket.close()


@pytest.fixture
def controls():
    return Controls()


@pytest.fixture
def tick():
    """The clock of the lease, moved by hand."""
    return [0.0]


@pytest.fixture
def door(controls, tick):
    with Door(controls, tick=lambda: tick[0]) as door:
        door.begins(DemandClock(), None, solutions=("acsf", "blocker"))
        yield door


@pytest.fixture
def caller(door):
    caller = Caller(door)
    yield caller
    caller.close()


def test_without_the_token_the_line_is_cut(door):
    stranger = Caller(door, token="guessed")
    assert stranger.hears("status") is None
    stranger.close()


@pytest.mark.parametrize(
    "noise", [b"hello\n", b"[1]\n", b"\xff\xfe\n", b"x" * 100_000, b'{"token": "\\ud800"}\n', b"[" * 20_000 + b"\n"]
)
def test_noise_cuts_the_line_and_harms_nobody(door, caller, noise):
    with socket.create_connection(("127.0.0.1", door.address[0]), 5) as stranger:
        try:
            stranger.sendall(noise)
            assert stranger.recv(10) == b""
        except ConnectionError:
            pass
    assert caller.asks("mark") == (True, "marked")


def test_a_solution_of_endless_name_is_not_taken(caller):
    assert not caller.asks("solution", name="x" * 40_000)[0]


def test_a_solution_that_the_rig_does_not_have_is_refused_with_those_that_it_has(controls, caller):
    ok, text = caller.asks("solution", name="bicuculline")
    assert not ok
    assert text == "there is no solution 'bicuculline' on this rig; there are: acsf, blocker"
    assert caller.asks("solution", name=["acsf"]) == (False, "say which solution: acsf, blocker")
    assert controls.solutions_wished == ()


def test_a_caller_is_told_the_state_at_once_and_again_when_it_changes(door, caller):
    assert caller.hears("status")["state"] == "starting"
    door(StepStarted(1.0, 1, 2, "series", "series 'baseline'"))
    assert caller.hears_status(state="waiting")["text"] == "series 'baseline'"
    door(SeriesProgress("baseline", 3, 9))
    assert caller.hears_status(state="waiting")["series"] == {"name": "baseline", "done": 3, "expected": 9}
    door(Waiting(2.0, 30.0, "next sweep"))
    assert caller.hears_status(text="next sweep")["until"] == 30.0


def test_a_pause_from_elsewhere_is_seen(door, controls, caller):
    door(Waiting(2.0, 30.0, "next sweep"))
    controls.pause()
    assert "go_on" in caller.hears_status(state="paused")["can"]


def test_wishes_reach_the_controls(controls, caller):
    assert caller.asks("pause")[0]
    assert controls.paused
    assert caller.asks("go_on")[0]
    assert not controls.paused
    assert caller.asks("stop", when="after sweep")[0]
    assert controls.stops == "after sweep"
    assert caller.asks("reject", sweep=3, reason="bubble")[0]
    assert caller.asks("solution", name="blocker")[0]
    assert [(w.kind, w.text, w.sweep) for w in controls.take_wishes(between_sweeps=True)] == [
        ("reject", "bubble", 3),
        ("solution", "blocker", None),
    ]


@pytest.mark.parametrize(
    ("act", "fields", "why"),
    [
        ("dance", {}, "nobody here can 'dance'"),
        ("note", {"text": "  "}, "needs words"),
        ("reject", {"sweep": 3, "reason": ""}, "say why"),
        ("reject", {"sweep": True, "reason": "x"}, "which sweep"),
        ("reject", {"sweep": -1, "reason": "x"}, "which sweep"),
        ("stage", {"stage": "moon"}, "no stage 'moon'"),
        ("next_step", {}, "cannot be left"),
        ("answer", {"question": 1, "option": "yes"}, "answered already"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(caller, act, fields, why):
    ok, text = caller.asks(act, **fields)
    assert not ok
    assert why in text


def test_the_bath_stage_ends_with_the_first_step(door, caller):
    assert caller.asks("stage", stage="bath")[0]
    door(StepStarted(1.0, 1, 2, "hold", "hold"))
    assert "before the protocol begins" in caller.asks("stage", stage="bath")[1]


def test_a_stop_after_this_sweep_can_be_taken_back(controls, caller):
    assert caller.asks("take_back_stop") == (False, "no stop waits that could be taken back")
    caller.asks("stop", when="after sweep")
    assert "take_back_stop" in caller.hears_status(wishes=["stop after this sweep"])["can"]
    assert caller.asks("take_back_stop")[0]
    assert controls.stops == ""
    assert caller.hears_status(wishes=[])
    caller.asks("stop", when="now")
    assert not caller.asks("take_back_stop")[0]


def test_two_pages_of_a_run_have_one_control(door, controls, caller):
    other = Caller(door)
    assert caller.asks("take_control", viewer="viewer 1")[0]
    assert other.asks("pause", viewer="viewer 1") == (False, "viewer 1 of another page has control; take it first")
    assert caller.asks("pause", viewer="viewer 2") == (False, "viewer 1 has control; take it first")
    assert not controls.paused
    assert other.asks("take_control", viewer="viewer 1")[0]
    assert not caller.asks("renew", viewer="viewer 1")[0]
    assert other.asks("pause", viewer="viewer 1")[0]
    other.close()


def test_every_page_is_told_who_has_control(door, caller):
    other = Caller(door)
    caller.asks("take_control", viewer="viewer 3")
    assert caller.hears_controller("viewer 3")
    assert other.hears_controller("viewer 3 of another page")
    caller.asks("give_control", viewer="viewer 3")
    assert other.hears_controller(None)
    other.close()


def test_control_is_free_when_the_server_that_had_it_is_killed(door, caller):
    killed = Caller(door)
    killed.asks("take_control", viewer="viewer 1")
    assert caller.hears_controller("viewer 1 of another page")
    killed.close()
    assert caller.hears_controller(None)
    assert caller.asks("mark", viewer="viewer 1")[0]


def test_control_is_free_when_its_viewer_has_fallen_silent(door, caller, tick):
    silent = Caller(door)
    silent.asks("take_control", viewer="viewer 1")
    tick[0] = SECONDS - 0.1
    assert not caller.asks("mark", viewer="viewer 1")[0]
    tick[0] = SECONDS
    assert caller.asks("mark", viewer="viewer 1")[0]
    silent.close()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("text", "sweep", "reason", "name", "stage", "question", "option", "viewer", "when"), JSON),
)


def test_whatever_is_asked_is_answered_and_the_log_stays_short(door, caller, caplog):
    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(act=st.sampled_from((*WORDS, "take_control", "give_control", "renew")) | st.text(max_size=20), fields=FIELDS)
    def ask(act, fields):
        # the acts of one wish are done with by the next, as the engine would
        door.controls.take_wishes(between_sweeps=True)
        ok, text = caller.asks(act, **fields)
        assert isinstance(ok, bool)
        text.encode()

    ask()
    assert not caplog.records


def test_a_question_waits_for_its_answer(door, caller):
    answers = []
    asking = threading.Thread(
        target=lambda: answers.append(AtTheDoor(door).ask("Full?", ("yes", "no"), otherwise="no"))
    )
    asking.start()
    question = caller.hears_status(state="asking")["question"]
    assert question["options"] == ["yes", "no"]
    assert caller.asks("answer", question=question["id"] + 1, option="yes")[0] is False
    assert caller.asks("answer", question=question["id"], option="maybe")[0] is False
    assert caller.asks("answer", question=question["id"], option="yes")[0]
    asking.join(5)
    assert answers == ["yes"]
    assert caller.hears_status(question=None)


def test_stopping_the_run_answers_every_question(door, controls):
    controls.stop()
    with pytest.raises(StoppedByPerson):
        AtTheDoor(door).ask("Full?", ("yes", "no"), otherwise="no")


def test_a_caller_who_does_not_read_is_dropped_and_the_door_stays_open(door, caller):
    deaf = Caller(door)
    deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    try:
        for _ in range(20_000):
            deaf.say(do="dance", id=1)
    except ConnectionError:
        pass
    assert caller.asks("mark") == (True, "marked")


def test_only_the_user_can_read_the_token(tmp_path, door):
    devices = SimpleNamespace(all=())
    with registered(RIG, "a rig", tmp_path / "a.nwb", devices, tmp_path, door=door.address):
        (entry,) = entries(tmp_path)
        assert (entry.door, entry.token) == door.address
        assert entry.token not in repr(entry)
        assert os.name == "nt" or entry.file.stat().st_mode & 0o077 == 0
