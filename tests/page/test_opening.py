"""How a page is opened: its link comes when it answers, and its server stands back behind the recording."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections import deque
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace

import psutil
import pytest
from starlette.testclient import TestClient
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from acquisition.controls import Controls
from acquisition.door import Door
from acquisition.page import opening
from acquisition.page.desk import Desk
from acquisition.page.opening import LOOPBACK, Announcement, address, answers, beside
from acquisition.page.security import Keys, cookie_name
from acquisition.page.server import app
from acquisition.page.standing_back import NICE
from acquisition.register import registered
from acquisition.session.journal_recorder import JournalRecorder
from drivers.clock import DemandClock
from tests.kit import RIG
from tests.page.test_hostile import HERE, SOCKET, Viewer
from tests.session.synthetic import make_head
from tests.test_figure import Rig, membrane_test_only

PATIENCE = 60.0
"""Seconds that a server may take to come on a loaded computer."""


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@contextmanager
def served(folder, said):
    """Keep a page as a run does, and end its server; what is said of it, with whether it answered, goes to `said`."""
    at, came = address(), threading.Event()

    def ready():
        said.append(("ready", answers(at)))
        came.set()

    with beside(Desk(folder=folder), at, ready=ready, late=lambda: said.append(("late", answers(at)))):
        (server,) = (c for c in psutil.Process().children() if "acquisition.page" in c.cmdline())
        assert came.wait(PATIENCE)
    try:
        yield at, server
    finally:
        server.kill()
        server.wait()


def test_the_link_comes_when_the_server_answers_and_the_server_stands_back(tmp_path):
    said = []
    with served(tmp_path, said) as (_, server):
        assert said[-1] == ("ready", True)
        assert os.name == "nt" or server.nice() == max(NICE, psutil.Process().nice())


def test_bytes_that_are_no_text_are_a_line_in_the_terminal_and_no_stack_of_calls(tmp_path, capfd):
    with served(tmp_path, []) as (at, _):
        here, headers = f"127.0.0.1:{at.port}", {"cookie": f"{cookie_name(at.port)}={at.keys.control}"}
        with connect(f"ws://{here}/ws", origin=f"http://{here}", additional_headers=headers) as line:
            line.socket.sendall(b"\x81\x84\0\0\0\0\xff\xff\xff\xff")  # a frame of text, masked with nothing
            with pytest.raises(ConnectionClosedError):
                deque(line, maxlen=0)
        assert answers(at)
    said = capfd.readouterr().err
    assert "Invalid UTF-8" in said
    assert "Traceback" not in said


def test_a_page_that_does_not_come_is_said_once_and_the_link_comes_when_it_does(monkeypatch):
    said, comes = [], [False]
    monkeypatch.setattr(opening, "answers", lambda at: comes[0])
    announcement = Announcement(address(), ready=lambda: said.append("ready"), late=lambda: said.append("late"))
    announcement.look()
    assert said == []
    monkeypatch.setattr(opening, "LATE", -1.0)
    announcement.look()
    announcement.look()
    assert said == ["late"]
    comes[0] = True
    announcement.look()
    announcement.look()
    assert said == ["late", "ready"]


def test_another_program_at_the_port_is_not_taken_for_the_page():
    with socket.create_server((LOOPBACK, 0)) as other:
        at = address(other.getsockname()[1])
        threading.Thread(target=lambda: other.accept()[0].sendall(b"HTTP/1.1 403 no\r\n\r\n"), daemon=True).start()
        assert not answers(at)


def test_a_port_that_is_taken_is_said_in_a_sentence():
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        told = f'{{"host": "{LOOPBACK}", "port": {port}, "hosts": [], "control": "a", "watch": "b"}}\n'
        done = subprocess.run(
            [sys.executable, "-m", "acquisition.page"], input=told, capture_output=True, text=True, check=False
        )
    assert done.returncode != 0
    assert f"the page cannot be at port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_pages_of_one_run_have_one_control(tmp_path):
    """`run --view`, and `view` in another terminal: two servers."""
    keys, head = Keys("control-key", "watch-key"), make_head(session_id="20260104T101112-cell1")
    nwb = tmp_path / head.file_name
    with ExitStack() as stack:
        membrane_test_only(Rig(stack.enter_context(JournalRecorder(nwb, head))))
        door = stack.enter_context(Door(Controls()))
        door.begins(DemandClock(), None, solutions=("acsf",))
        stack.enter_context(registered(RIG, "a rig", nwb, SimpleNamespace(all=()), door=door.address))
        viewers = []
        for _ in range(2):
            page = TestClient(app(Desk(session=nwb), keys, port=8000)[0], base_url=HERE)
            client = stack.enter_context(page)
            client.get("/run", params={"key": keys.control})
            connected = client.websocket_connect(SOCKET, headers={"origin": HERE})
            viewers.append(Viewer(stack.enter_context(connected)))
        first, second = viewers
        for viewer in viewers:
            viewer.waits_for("status", can=lambda can: "pause" in can)
        assert first.asks("take_control")["ok"]
        assert first.waits_for("you", has_control=bool)
        assert "of another page" in second.waits_for("you", controller=bool)["controller"]
        assert "has control; take it first" in second.asks("pause")["text"]
        assert not door.controls.paused
        assert second.asks("take_control")["ok"]
        assert second.asks("pause")["ok"]
        assert door.controls.paused
        assert not first.waits_for("you", has_control=lambda has: not has)["has_control"]
        assert not first.asks("go_on")["ok"]
