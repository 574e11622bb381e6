"""The run's door: says what the journal does not know, and takes the person's wishes, on a socket of this computer.

It stands aside of the recording: a thread of its own, which the engine never waits for. It touches no device; wishes
go to `Controls`, where the engine sees them between sample blocks. Who comes in must know the token, which stands in
the run's entry in the register. Messages are lines of JSON.

A client that does not read is dropped when `MOST_UNSENT` bytes wait for it; it may come again and is told everything.
"""

from __future__ import annotations

import itertools
import json
import logging
import secrets
import selectors
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from acquisition.control_lease import ControlLease, Holder
from acquisition.door_words import LONGEST_NAME, Refusal, done
from acquisition.events import (
    Event,
    Logged,
    RunFinished,
    SeriesProgress,
    StepStarted,
    SweepFinished,
    SweepStarted,
    Waiting,
)
from acquisition.questions import Questions
from acquisition.typed_text import typed_text
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from acquisition.controls import Controls
    from drivers.clock import Clock

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
MOST_CLIENTS = 8
MOST_UNSENT = 1 << 18
MOST_LINE = 1 << 14
"""Bytes of one message."""
GLANCE = 0.2
"""Seconds after which it looks by itself whether something has changed, such as a pause from the keyboard."""
ALIVE = 2.0
"""Seconds after which the state is said again though nothing has changed: who hears nothing knows that it is gone."""
KNOCK = 3.0
"""Seconds in which a client must have shown the token."""


class Door:
    """Opened with `with`; an observer of the run; gives its state to whoever has the token.

    It keeps the lease of control as well: whatever number of pages shows the run, there is one door.
    """

    def __init__(self, controls: Controls, *, tick: Callable[[], float] = time.monotonic) -> None:
        """Open nothing yet; `tick` gives seconds of a clock that goes on whatever the run's does."""
        self.controls, self.control, self.tick = controls, ControlLease(), tick
        self.solutions: tuple[str, ...] = ()
        """Names of the solutions that the person may ask for."""
        self.questions = Questions(self.ring)
        self._token = secrets.token_urlsafe(18)
        self._clock: Clock | None = None
        self._speed: float | None = None
        self._facts: dict[str, Any] = {
            "state": "starting",
            "text": "the rig is being opened",
            "label": "",
            "series": None,
            "until": None,
        }
        self._has_begun = False
        self._mode: ClampMode | None = None
        self._clients: dict[socket.socket, _Client] = {}
        self._numbers = itertools.count(1)
        self._said = ""
        self._over = threading.Event()

    def __enter__(self) -> Self:
        """Listen, on a free port of the loopback address."""
        self._listens = socket.create_server((LOOPBACK, 0))
        self._listens.setblocking(False)
        self._bell, self._ringer = socket.socketpair()
        self._bell.setblocking(False)
        self._ringer.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listens, selectors.EVENT_READ)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._work, name="door", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; who is connected sees the connection end."""
        self._over.set()
        self.ring()
        self._thread.join()
        for part in (*self._clients, self._listens, self._bell, self._ringer):
            part.close()
        self._selector.close()

    @property
    def address(self) -> tuple[int, str]:
        """Port and token."""
        return self._listens.getsockname()[1], self._token

    def begins(self, clock: Clock, speed: float | None, *, solutions: tuple[str, ...]) -> None:
        """Take the run's clock and the names of its solutions; `speed` as in `Wish`."""
        self._clock, self._speed, self.solutions = clock, speed, solutions

    def __call__(self, event: Event) -> None:
        """Take note of `event`: an observer of the run."""
        facts = dict(self._facts)
        match event:
            case StepStarted(verb=verb, text=text):
                self._has_begun = True
                facts |= {"state": "waiting", "text": text, "until": None, "series": None, "verb": verb}
            case SweepStarted(header):
                self._mode = header.sweep.mode
                facts |= {
                    "state": "recording",
                    "label": header.label,
                    "text": "",
                    "until": header.start + header.sweep.command.duration,
                }
            case SweepFinished():
                facts |= {"state": "waiting", "until": None}
            case SeriesProgress(name=name, done=played, expected=expected):
                facts |= {"series": {"name": name, "done": played, "expected": expected}}
            case Waiting(until=until, text=text):
                facts |= {"state": "waiting", "until": until, "text": text}
            case Logged(entry) if entry.kind == "mode":
                self._mode = next((m for m in ClampMode if str(m) == entry.data.get("after")), None)
            case RunFinished(text=text):
                facts |= {"state": "over", "text": text, "until": None}
            case _:
                return
        self._facts = facts
        self.ring()

    def ring(self) -> None:
        """Let the thread look now."""
        with suppress(OSError):  # full: it is ringing already
            self._ringer.send(b"!")

    @property
    def now(self) -> float:
        """Seconds from the session's start."""
        return 0.0 if self._clock is None else self._clock.now()

    @property
    def has_begun(self) -> bool:
        """Whether the first step of the protocol has begun."""
        return self._has_begun

    @property
    def mode(self) -> ClampMode | None:
        """The clamp mode; None before it was told."""
        return self._mode

    def controller(self, page: int) -> str | None:
        """Return what `page`, the number of a connection, calls the viewer that has control; None if nobody has."""
        holder = self.control.current(self.tick())
        return None if holder is None else holder.called_on(page)

    def status(self) -> dict[str, Any]:
        """Return what viewers are told of the run."""
        controls, facts, question = self.controls, self._facts, self.questions.pending
        state = facts["state"]
        if question is not None:
            state = "asking"
        elif controls.paused and state in ("waiting", "starting"):
            state = "paused"
        return {
            **facts, "state": state, "speed": self._speed, "question": question, "stage": controls.stage,
            "can": self._can(state), "wishes": self._wishes(state), "before_protocol": not self._has_begun,
        }  # fmt: skip

    def _can(self, state: str) -> list[str]:
        if state == "over":
            return []
        controls = self.controls
        watches = self._mode in (None, ClampMode.VOLTAGE)
        return [
            *(["stop", "mark", "note", "reject", "restore", "solution"]),
            "go_on" if controls.paused else "pause",
            *(["next_step"] if controls.can_leave_step else []),
            *(["stage"] if watches else []),
            *(["answer"] if state == "asking" else []),
            *(["take_back_stop"] if controls.stops == "after sweep" else []),
        ]

    def _wishes(self, state: str) -> list[str]:
        """Return what was asked for and is not done yet, in words."""
        controls = self.controls
        found = [f"solution {name} after this sweep" for name in controls.solutions_wished]
        if controls.paused and state == "recording" and controls.stage is None:
            found.append("pause after this sweep")
        if controls.leaves_step:
            found.append("next step after this sweep")
        if controls.stops:
            found.append("stop after this sweep" if controls.stops == "after sweep" else "stopping")
        return found

    # --- the thread -------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._over.is_set():
            for key, _ in self._selector.select(GLANCE):
                if key.fileobj is self._listens:
                    self._let_in()
                elif key.fileobj is self._bell:
                    with suppress(OSError):
                        self._bell.recv(4096)
                elif isinstance(key.fileobj, socket.socket):
                    self._hear(key.fileobj)
            self._tell()

    def _let_in(self) -> None:
        with suppress(OSError):
            client, _ = self._listens.accept()
            if len(self._clients) >= MOST_CLIENTS:
                client.close()
                return
            client.setblocking(False)
            self._clients[client] = _Client(next(self._numbers), self.tick())
            self._selector.register(client, selectors.EVENT_READ)

    def _hear(self, socket_: socket.socket) -> None:
        client = self._clients[socket_]
        try:
            got = socket_.recv(MOST_LINE)
        except BlockingIOError:
            return
        except OSError:
            got = b""
        client.heard += got
        if not got or len(client.heard) > 4 * MOST_LINE:
            self._drop(socket_)
            return
        *lines, client.heard = client.heard.split(b"\n")
        for line in lines:
            if not self._is_answered(client, line):
                self._drop(socket_)
                return

    def _is_answered(self, client: _Client, line: bytes) -> bool:
        try:
            return self._answer(client, line)
        except Exception as error:
            # whatever a stranger sends costs him his connection, never the others theirs
            log.warning("a message at the door could not be read (%s)", type(error).__name__)
            log.debug("it came so far:", exc_info=True)
            return False

    def _answer(self, client: _Client, line: bytes) -> bool:
        """Take one message; return False to send its sender away."""
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            return False
        if not isinstance(told, dict):
            return False
        if not client.is_known:
            shown = str(told.get("token", "")).encode("utf-8", "replace")
            client.is_known = secrets.compare_digest(shown, self._token.encode())
            client.is_new = True
            return client.is_known
        who = Holder(client.number, typed_text(told.get("viewer"), LONGEST_NAME))
        try:
            ok, text = True, done(str(told.get("do")), told, self, who)
        except Refusal as refusal:
            ok, text = False, str(refusal)
        client.unsent += json.dumps({"did": told.get("id"), "ok": ok, "text": text}).encode() + b"\n"
        return True

    def _tell(self) -> None:
        """Send the state to those who lack it."""
        status, now = self.status(), self.tick()
        said = f"{json.dumps(status)} {self.control.current(now)}"
        for socket_, client in tuple(self._clients.items()):
            if not client.is_known and now > client.since + KNOCK:
                self._drop(socket_)
                continue
            if client.is_known and (client.is_new or said != self._said or now > client.told + ALIVE):
                told = {
                    "status": {**status, "now": self.now},
                    "controller": self.controller(client.number),
                    "wall": time.time(),
                }
                client.unsent += json.dumps(told).encode() + b"\n"
                client.is_new, client.told = False, now
            self._send(socket_, client)
        self._said = said

    def _send(self, socket_: socket.socket, client: _Client) -> None:
        if not client.unsent:
            return
        try:
            sent = socket_.send(client.unsent)
            client.unsent = client.unsent[sent:]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(socket_)
            return
        if len(client.unsent) > MOST_UNSENT:
            self._drop(socket_)

    def _drop(self, socket_: socket.socket) -> None:
        if (client := self._clients.pop(socket_, None)) is not None:
            self.control.gone(client.number)
            self._selector.unregister(socket_)
            socket_.close()


class _Client:
    """Somebody who is connected."""

    def __init__(self, number: int, now: float) -> None:
        self.number = number
        self.heard = self.unsent = b""
        self.is_known = self.is_new = False
        self.since = self.told = now
