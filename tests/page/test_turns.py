"""How much work the page does for whom: one heavy thing at a time, and none for watchers while a cell is recorded."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from starlette.testclient import TestClient

from acquisition.page import turns
from acquisition.page.desk import Desk
from acquisition.page.security import Keys
from acquisition.page.server import app
from acquisition.page.turns import AT_ONCE, BUSY, MOST_WAITING, RECORDING, Turns
from acquisition.register import registered
from acquisition.session.writer import SessionWriter
from tests.kit import RIG
from tests.session.synthetic import make_head
from tests.test_figure import Rig, membrane_test_only

FIGURE, LIGHT = "/api/review/figure.svg", "/api/review/session"


def lived(story):
    """Run `story` to its end in a thread of its own: a browser's loop may be at work in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, story()).result()


class Work:
    """A screen whose answers take until they are let go."""

    def __init__(self, *, is_recording=False):
        self.begun, self.go = 0, asyncio.Event()
        self.turns = Turns(self, heavy=("/api/review/figure.",), is_recording=lambda: is_recording)

    async def __call__(self, scope, receive, send):
        self.begun += 1
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def asks(self, path, role="control"):
        """Return status and error."""
        sent = []

        async def send(told):
            sent.append(told)

        scope = {"type": "http", "path": path, "state": {"role": role}}
        await self.turns(scope, None, send)
        return sent[0]["status"], json.loads(sent[1]["body"]).get("error", "")


async def begun(work, n):
    while work.begun < n:
        await asyncio.sleep(0)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE", 0.01)


def test_a_second_figure_is_told_to_wait(impatient):
    async def story():
        work = Work()
        first = asyncio.create_task(work.asks(FIGURE))
        await begun(work, 1)
        assert await work.asks(FIGURE) == (429, BUSY)
        assert work.begun == 1
        work.go.set()
        assert (await first)[0] == 200
        assert (await work.asks(FIGURE))[0] == 200

    lived(story)


def test_a_second_figure_comes_when_the_first_is_done():
    async def story():
        work = Work()
        both = [asyncio.create_task(work.asks(FIGURE)) for _ in range(2)]
        await begun(work, 1)
        work.go.set()
        assert [status for status, _ in await asyncio.gather(*both)] == [200, 200]

    lived(story)


def test_who_watches_keeps_nobody_who_has_control_from_a_figure(impatient):
    async def story():
        work = Work()
        watching = asyncio.create_task(work.asks(FIGURE, "watch"))
        await begun(work, 1)
        mine = asyncio.create_task(work.asks(FIGURE))
        await begun(work, 2)
        work.go.set()
        assert [status for status, _ in await asyncio.gather(watching, mine)] == [200, 200]

    lived(story)


def test_a_request_that_was_given_up_lets_the_next_one_begin(impatient):
    async def story():
        work = Work()
        first = asyncio.create_task(work.asks(FIGURE))
        await begun(work, 1)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        work.go.set()
        assert (await work.asks(FIGURE))[0] == 200

    lived(story)


def test_watching_links_together_have_few_requests_in_work(impatient):
    async def story():
        work = Work()
        many = [asyncio.create_task(work.asks(LIGHT, "watch")) for _ in range(AT_ONCE + MOST_WAITING + 3)]
        done, _ = await asyncio.wait(many[AT_ONCE:])
        assert {task.result() for task in done} == {(429, BUSY)}
        assert work.begun == AT_ONCE
        work.go.set()
        assert (await many[0])[0] == 200

    lived(story)


@pytest.mark.parametrize(("role", "answer"), [("watch", (429, RECORDING)), ("control", (200, ""))])
def test_while_a_cell_is_recorded_figures_are_for_who_has_control(role, answer):
    async def story():
        work = Work(is_recording=True)
        work.go.set()
        assert await work.asks(FIGURE, role) == answer
        assert (await work.asks(LIGHT, role))[0] == 200

    lived(story)


def test_a_watching_link_has_no_table_while_a_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    head = make_head(session_id="20260102T101112-cell1")
    with SessionWriter(tmp_path / head.file_name, head) as writer:
        membrane_test_only(Rig(writer))
    keys = Keys("control-key", "watch-key")
    page, _ = app(Desk(session=tmp_path / head.file_name, first="review"), keys, port=8000)
    with TestClient(page, base_url="http://127.0.0.1:8000") as client:
        client.get("/review", params={"key": keys.watch})
        with registered(RIG, "a rig", tmp_path / "other.nwb", SimpleNamespace(all=())):
            answer = client.get("/api/review/measures.csv")
            assert (answer.status_code, answer.json()["error"]) == (429, RECORDING)
            assert answer.headers["retry-after"]
            assert client.get(LIGHT).status_code == 200
        assert client.get("/api/review/measures.csv").status_code == 200
