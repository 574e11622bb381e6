"""What a stranger, a mistake or a fuzzer may send: it is refused in a sentence, and everybody else goes on."""

from __future__ import annotations

import json
import math
import time
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from acquisition.page.desk import Desk
from acquisition.page.security import Keys
from acquisition.page.server import app
from acquisition.session.audit import audit_path
from acquisition.session.journal_recorder import JournalRecorder
from acquisition.session.writer import SessionWriter
from tests.session.synthetic import make_head
from tests.test_figure import Rig, membrane_test_only

KEYS = Keys("control-key", "watch-key")
HERE, SOCKET = "http://127.0.0.1:8000", "ws://127.0.0.1:8000/ws"
ACTS = (
    "zoom",
    "renew",
    "mark",
    "note",
    "stop",
    "reject",
    "solution",
    "stage",
    "answer",
    "take_control",
    "give_control",
)
FIELDS = ("text", "sweep", "start", "stop", "columns", "reason", "name", "stage", "question", "option", "viewer")
DEEP = "[" * 30_000
SEEN = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TEXT = st.text(st.characters(), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
NUMBERS = st.floats().map(str) | st.integers().map(str) | st.sampled_from(["0", "1", "0.5", "1e999", "-0", "٣", "1_0"])
WINDOWS = st.dictionaries(st.sampled_from(["A_1000", "V_b", "mine"]) | TEXT, JSON, max_size=3).map(json.dumps)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    head = make_head(session_id="20260102T101112-cell1")
    path = tmp_path_factory.mktemp("hostile") / head.file_name
    with SessionWriter(path, head) as writer:
        membrane_test_only(Rig(writer))
    return path


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@contextmanager
def page(session, key=KEYS.control):
    with TestClient(app(Desk(session=session, first="review"), KEYS, port=8000)[0], base_url=HERE) as client:
        client.get("/review", params={"key": key})
        yield client


@pytest.fixture(scope="module")
def client(session, state):
    with page(session) as client:
        yield client


@pytest.fixture(scope="module")
def watching(session, state):
    with page(session, KEYS.watch) as client:
        yield client


class Viewer:
    """A browser's WebSocket, written by hand."""

    def __init__(self, socket):
        self.socket, self.blocks, self._number = socket, [], 1_000_000
        self.told = {}

    def lives(self):
        """Whether a plain wish is answered; return what came before."""
        self._number += 1
        self.socket.send_json({"do": "dance", "id": self._number})
        came = []
        while True:
            told = self.socket.receive()
            if told.get("bytes") is not None:
                self.blocks.append(told["bytes"])
            else:
                came.append(json.loads(told["text"]))
                self.told[came[-1]["is"]] = came[-1]
                if came[-1]["is"] == "did" and came[-1]["id"] == self._number:
                    return came[:-1]

    def waits_for(self, section, **wanted):
        """Return what is told of a section, once its fields are as wanted."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            self.lives()
            told = self.told.get(section)
            if told is not None and all(right(told[field]) for field, right in wanted.items()):
                return told
        raise TimeoutError(f"{section}: {self.told.get(section)}")

    def asks(self, act, **fields):
        return self.sends(json.dumps({"do": act, "id": 5, **fields}))

    def sends(self, text):
        """Send a text and return its answer."""
        self.socket.send_text(text)
        return next(m for m in self.lives() if m["is"] in ("did", "refused"))


@contextmanager
def viewer(client):
    with client.websocket_connect(SOCKET, headers={"origin": HERE}) as socket:
        yield Viewer(socket)


@pytest.mark.parametrize(
    "text",
    [
        *("", "null", "[]", "{", '{"do": 1}', '{"do": "stop", "id": "x"}', '{"do": "mark"}', '"mark"'),
        *(DEEP, '{"do": "mark", "id": 1, "text": ' + "[" * 900 + "]" * 900 + "}"),
        *('{"do": "mark", "id": 1e999}', '{"do": "mark", "id": -1}', '{"do": "mark", "id": 1' + 5000 * "0" + "}"),
        *('{"do": "zoom", "id": 1, "start": NaN}', '{"do": "zoom", "id": 1, "start": 1e308, "stop": -Infinity}'),
        '{"do": "' + "x" * 60_000,
    ],
)
def test_what_is_no_message_is_refused_and_the_socket_lives_on(client, text):
    with viewer(client) as someone:
        assert someone.sends(text)["is"] == "refused"


@pytest.mark.parametrize("stop", [-math.inf, 1e999, math.nan])
def test_a_zoom_to_what_is_no_number_is_refused(client, stop):
    with viewer(client) as someone:
        asked = {"do": "zoom", "id": 1, "sweep": 0, "start": 0.1, "stop": stop, "columns": 100}
        assert someone.sends(json.dumps(asked))["is"] == "refused"
        assert "needs numbers" in someone.sends(json.dumps({**asked, "stop": "1"}))["text"]


def test_a_zoom_beyond_the_sweep_gives_what_there_is(tmp_path, state):
    head = make_head(session_id="20260103T101112-cell1")
    with JournalRecorder(tmp_path / head.file_name, head) as recorder:
        membrane_test_only(Rig(recorder))
        with page(tmp_path / head.file_name) as client, viewer(client) as someone:
            sweep = someone.waits_for("sweep")["sweep"]
            for start, stop in ((-4e9, 4e9), (4e9, -4e9), (4e9, 4e9)):
                asked = {"do": "zoom", "id": 7, "sweep": sweep, "start": start, "stop": stop, "columns": 4e9}
                assert someone.sends(json.dumps(asked))["ok"]
            assert max(map(len, someone.blocks)) <= 48 + 4 * 6 * 4000


def test_half_a_character_reaches_nobody(client):
    with viewer(client) as someone:
        assert "\ud800" not in someone.sends('{"do": "\\ud800dance", "id": 1}')["text"]
        assert not someone.sends('{"do": "mark", "id": 2, "text": "\\ud800"}')["ok"]


def test_bytes_on_the_websocket_are_refused(client):
    with viewer(client) as someone:
        someone.socket.send_bytes(b"\xff\x00")
        assert [m["is"] for m in someone.lives() if m["is"] == "refused"]


def test_any_json_to_any_verb_is_answered(client, watching, caplog):
    with viewer(client) as first, viewer(watching) as second:

        @SEEN
        @given(JSON | st.fixed_dictionaries({"do": st.sampled_from(ACTS), "id": st.integers(0, 9) | JSON},
                                            optional=dict.fromkeys(FIELDS, JSON)))  # fmt: skip
        def send(value):
            for someone in (first, second):
                answer = someone.sends(json.dumps(value))
                assert answer["text"]
                assert not answer.get("ok")  # nobody has a run here

        send()
    assert not caplog.records


GET = {
    "review/sessions": (),
    "review/session": ("session",),
    "review/sweep": ("sweep",),
    "review/trace": ("sweep", "start", "stop", "columns", "id"),
    "review/measured": ("sweep", "windows"),
    "review/recomputed": ("windows",),
    "review/results": ("windows",),
    "review/courses": ("windows",),
    "review/figure.bmp": ("session",),
    "review/measures.csv": ("windows",),
    "review/trace.csv": ("sweep",),
    "protocol/file": ("file", "rig"),
    "rig/facts": ("rig",),
}
PARAMETER = {"windows": WINDOWS | TEXT, "session": TEXT, "file": TEXT, "rig": TEXT}


@pytest.mark.parametrize("path", GET)
def test_any_parameter_of_any_request_is_answered(client, watching, path):
    asked = st.fixed_dictionaries({}, optional={p: PARAMETER.get(p, NUMBERS | TEXT) for p in GET[path]})

    @settings(SEEN, max_examples=25)
    @given(asked)
    def ask(fields):
        fields = {k: v.encode("utf-8", "replace").decode() for k, v in fields.items()}
        for client_ in (client, watching):
            answer = client_.get(f"/api/{path}", params=fields)
            assert answer.status_code in (200, 400), answer.text
            assert answer.status_code == 200 or answer.json()["error"]

    ask()


@pytest.mark.parametrize(
    "fields",
    [
        *({"start": "nan", "stop": "1"}, {"start": "0", "stop": "inf"}, {"start": "0"}),
        *({"id": "4294967296"}, {"id": "-1"}),
        *({"sweep": "-1"}, {"sweep": "99"}, {"sweep": "1e999"}, {"columns": "9" * 5000}),
    ],
)  # fmt: skip
def test_a_trace_of_what_is_not_there_is_refused(client, fields):
    answer = client.get("/api/review/trace", params={"sweep": "0", **fields})
    assert answer.status_code == 400
    assert "say" in answer.json()["error"] or "there is no sweep" in answer.json()["error"]


@pytest.mark.parametrize(("start", "stop"), [("-1e6", "1e6"), ("0.5", "0.1"), ("1e6", "2e6")])
def test_a_span_beyond_the_sweep_gives_what_there_is(client, start, stop):
    answer = client.get("/api/review/trace", params={"sweep": "0", "start": start, "stop": stop})
    assert answer.status_code == 200
    assert len(answer.content) < 1_000_000


POST = ("review/decide", "protocol/check", "protocol/save", "rig/doctor")
KEYS_OF_POSTS = ("sweep", "act", "file", "text", "version")


@pytest.mark.parametrize("path", POST)
def test_any_json_that_is_posted_is_answered_and_changes_nothing(client, session, path):
    # without a reason nothing is decided; with a rig that is none doctor does not begin
    fields = st.fixed_dictionaries(
        {"rig": JSON.filter(lambda v: v is not None)}, optional=dict.fromkeys(KEYS_OF_POSTS, JSON)
    )

    @settings(SEEN, max_examples=40)
    @given(JSON.filter(lambda v: not isinstance(v, dict)) | fields)
    def post(value):
        answer = client.post(f"/api/{path}", content=json.dumps(value), headers={"origin": HERE})
        assert answer.status_code in (200, 400, 409), answer.text

    post()
    assert not audit_path(session).exists()


@pytest.mark.parametrize("path", POST)
@pytest.mark.parametrize("body", [b"", b"\xff", DEEP.encode(), b'{"sweep": 1' + 5000 * b"0" + b"}", b"[]", b"null"])
def test_what_is_posted_and_is_no_object_is_refused(client, path, body):
    answer = client.post(f"/api/{path}", content=body, headers={"origin": HERE})
    assert answer.status_code == 400
    assert "ask with JSON" in answer.json()["error"]


def test_a_reason_with_half_a_character_is_kept_without_it(client, session):
    told = '{"sweep": 0, "act": "reject", "reason": "bubble\\ud800\\u0000"}'
    answer = client.post("/api/review/decide", content=told, headers={"origin": HERE})
    audit_path(session).unlink()
    assert answer.json()["reason"] == "bubble"


def test_what_nobody_foresaw_is_a_sentence_and_no_stack_of_calls(session, state, monkeypatch, caplog, capsys):
    monkeypatch.setattr("acquisition.page.screens.review.choice", lambda desk: 1 / 0)
    with page(session) as client:
        answer = client.get("/api/review/sessions")
    assert answer.status_code == 500
    assert "could not answer" in answer.json()["error"]
    (record,) = (r for r in caplog.records if r.levelname == "ERROR")
    assert record.exc_info is None
    assert "Traceback" not in capsys.readouterr().err
