"""Who may see the page and who may ask for something, asked of the real application."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from acquisition.page.desk import Desk
from acquisition.page.security import Keys
from acquisition.page.server import app

KEYS = Keys("control-key", "watch-key")
HERE, SOCKET = "http://127.0.0.1:8000", "ws://127.0.0.1:8000/ws"


@pytest.fixture
def client(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with TestClient(app(Desk(), KEYS, port=8000)[0], base_url=HERE, follow_redirects=False) as client:
        yield client


def let_in(client, key=KEYS.control):
    assert client.get("/run", params={"key": key}).status_code == 303


@pytest.mark.parametrize("path", ["/", "/run", "/static/js/wire.js", "/api/review/sweeps"])
def test_without_a_key_nothing_is_shown(client, path):
    answer = client.get(path)
    assert answer.status_code == 403
    assert "whole link" in answer.json()["error"]


def test_the_key_becomes_a_cookie_and_leaves_the_address(client):
    answer = client.get("/run", params={"key": KEYS.watch, "theme": "light"})
    assert answer.headers["location"] == "/run?theme=light"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=Lax" in answer.headers["set-cookie"]
    assert client.get("/run").status_code == 200


def test_a_wrong_key_is_refused(client):
    assert client.get("/run", params={"key": "guessed"}).status_code == 403


@pytest.mark.parametrize("path", ["//evil.example", "///evil.example/run", "/%5Cevil.example", "//%5C/evil.example"])
def test_a_link_with_a_key_leads_to_no_other_computer(client, path):
    answer = client.get(f"{HERE}{path}", params={"key": KEYS.control})
    assert answer.headers["location"].startswith("/evil.example")


def test_a_link_with_a_key_writes_no_header(client):
    answer = client.get("/run%0d%0aset-cookie:%20a=b", params={"key": KEYS.control})
    assert answer.headers["location"] == "/run%0D%0Aset-cookie%3A%20a%3Db"
    assert "a=b" not in answer.headers["set-cookie"]


def test_a_watching_link_opened_beside_the_page_takes_no_control_away(client):
    let_in(client, KEYS.control)
    let_in(client, KEYS.watch)
    with client.websocket_connect(SOCKET, headers={"origin": HERE}) as socket:
        assert socket.receive_json()["role"] == "control"


def test_a_link_with_control_opened_by_who_watches_gives_it(client):
    let_in(client, KEYS.watch)
    let_in(client, KEYS.control)
    with client.websocket_connect(SOCKET, headers={"origin": HERE}) as socket:
        assert socket.receive_json()["role"] == "control"


@pytest.mark.parametrize("host", ["evil.example:8000", "127.0.0.1:9999", "localhost.evil.example:8000", ""])
def test_another_name_for_this_computer_is_refused(client, host):
    let_in(client)
    assert client.get("/run", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:9999", "null", None])
def test_a_websocket_of_another_page_is_refused(client, origin):
    let_in(client)
    headers = {"origin": origin} if origin else {}
    with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect(SOCKET, headers=headers):
        pass
    assert "Another page" in refused.value.reason


def test_only_control_may_ask_for_more_than_looking(client):
    let_in(client, KEYS.watch)
    answer = client.post("/api/review/reject", headers={"origin": HERE}, json={})
    assert answer.status_code == 403
    assert "watching only" in answer.json()["error"]


def test_another_page_cannot_post(client):
    let_in(client)
    assert client.post("/api/review/reject", headers={"origin": "http://evil.example"}, json={}).status_code == 403


def test_the_policy_forbids_everything_but_the_page_itself(client):
    let_in(client)
    headers = client.get("/run").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http:" not in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_a_viewer_that_comes_is_told_its_role_and_that_there_is_no_run(client):
    let_in(client, KEYS.watch)
    with client.websocket_connect(SOCKET, headers={"origin": HERE}) as socket:
        told = {m["is"]: m for m in (socket.receive_json(), socket.receive_json())}
        assert told["you"]["role"] == "watch"
        assert told["status"]["state"] == "none"
        socket.send_json({"do": "stop", "id": 7, "when": "now"})
        assert socket.receive_json() == {"is": "did", "id": 7, "ok": False, "text": "this link is for watching only"}


def test_beyond_some_viewers_nobody_else_may_watch_and_who_has_control_may(client, monkeypatch):
    monkeypatch.setattr("acquisition.page.viewer.MOST_VIEWERS", 1)
    let_in(client, KEYS.watch)
    with client.websocket_connect(SOCKET, headers={"origin": HERE}) as first:
        assert first.receive_json()["is"] == "you"
        with (
            client.websocket_connect(SOCKET, headers={"origin": HERE}) as second,
            pytest.raises(WebSocketDisconnect) as refused,
        ):
            second.receive_json()
        assert "too many watch" in refused.value.reason
        let_in(client, KEYS.control)
        with client.websocket_connect(SOCKET, headers={"origin": HERE}) as third:
            assert third.receive_json()["role"] == "control"


def test_nonsense_on_the_websocket_is_passed_over(client):
    let_in(client)
    with client.websocket_connect(SOCKET, headers={"origin": HERE}) as socket:
        for text in ("", "[]", "{", '{"do": 1}', '{"do": "stop", "id": "x"}', "null"):
            socket.send_text(text)
        socket.send_json({"do": "dance", "id": 1})
        told = socket.receive_json()
        while told["is"] != "did":
            told = socket.receive_json()
        assert not told["ok"]
