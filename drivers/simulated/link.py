"""The side door to a served board: a line of JSON for a question, a line for the answer, on loopback.

Amplifier and bath belong to the same world as the board, but in a laboratory they have doors of their own: the
MultiClamp library, a serial port, a person's hand. What stands in for those asks here.

    {"op": "amplifier.mode", "mode": "current clamp"}
    {"ok": true, "mode": "current clamp"}
"""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import threading
from typing import TYPE_CHECKING, Any, Self

from drivers.clock import Clock
from protocols.errors import HardwareError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Answer = Callable[[dict[str, Any]], dict[str, Any]]

LONGEST_LINE = 1 << 20
"""Bytes; a longer question is cut off with the connection."""
PATIENCE = 60.0
"""Seconds a client waits for an answer: an hour of the cell's life is lived through in less."""
STRETCH = 10.0
"""Seconds of the board's time asked for at once, well below a client's patience."""


class _Asked(socketserver.StreamRequestHandler):
    """One client: question after question until it goes."""

    server: _Listener

    def handle(self) -> None:
        """Answer line by line."""
        with contextlib.suppress(ConnectionError):
            while line := self.rfile.readline(LONGEST_LINE):
                self.wfile.write(_answered(self.server.answers, line) + b"\n")


def _answered(answers: Mapping[str, Answer], line: bytes) -> bytes:
    try:
        question = json.loads(line)
        op = question.pop("op")
        if op not in answers:
            raise KeyError(op)
        reply = {"ok": True, **answers[op](question)}
    except KeyError as error:
        reply = {"ok": False, "error": f"no such thing as {error}; there are {', '.join(answers)}"}
    except Exception as error:  # noqa: BLE001  whatever a question breaks, the next one must be answered
        reply = {"ok": False, "error": f"{type(error).__name__}: {error}"}
    return json.dumps(reply).encode()


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    answers: Mapping[str, Answer]


class LinkServer:
    """Answers on one port, from `with` to its end."""

    def __init__(self, answers: Mapping[str, Answer], port: int = 0, host: str = "127.0.0.1") -> None:
        """Take what can be asked; port 0 is any that is free."""
        self._answers, self._host, self.port = answers, host, port

    def __enter__(self) -> Self:
        """Listen.

        Raises
        ------
        HardwareError
            The port cannot be had.
        """
        try:
            self._listener = _Listener((self._host, self.port), _Asked)
        except OSError as error:
            raise HardwareError("link", f"port {self.port} cannot be listened on ({error}); is it in use?") from error
        self._listener.answers = self._answers
        self.port = int(self._listener.server_address[1])
        threading.Thread(target=self._listener.serve_forever, args=(0.05,), name="link", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        self._listener.shutdown()
        self._listener.server_close()


class Link:
    """Asks a served board. One connection, one question at a time, from any thread."""

    def __init__(self, address: str) -> None:
        """Connect to 'host:port'.

        Raises
        ------
        HardwareError
            Nobody answers there.
        """
        host, _, port = address.rpartition(":")
        try:
            self._socket = socket.create_connection((host or "127.0.0.1", int(port)), PATIENCE)
        except (OSError, ValueError) as error:
            raise HardwareError(
                "link", f"no served board at '{address}' ({error}); start patchrig serve-board"
            ) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines, self._lock = self._socket.makefile("rb"), threading.Lock()

    def ask(self, op: str, **question: Any) -> dict[str, Any]:
        """Return the answer.

        Raises
        ------
        HardwareError
            The board refuses, or is gone.
        """
        with self._lock:
            try:
                self._socket.sendall(json.dumps({"op": op, **question}).encode() + b"\n")
                line = self._lines.readline()
            except OSError as error:
                raise HardwareError("link", f"the served board does not answer any more ({error})") from error
        if not line:
            raise HardwareError("link", "the served board has gone")
        reply: dict[str, Any] = json.loads(line)
        if not reply.pop("ok"):
            raise HardwareError("link", str(reply.get("error")))
        return reply

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._socket.close()

    def __enter__(self) -> Self:
        """Stay connected for a while."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self.close()


class LinkClock(Clock):
    """The served board's clock: what waits by it moves a board whose time is on demand."""

    is_wall_time = True
    """As far as the board's devices are concerned: their time is this one."""

    def __init__(self, link: Link) -> None:
        """Begin at the board's present moment."""
        self._link = link
        self._start = self._moment()

    def _moment(self) -> float:
        return float(self._link.ask("clock.now")["now"])

    def now(self) -> float:
        """Return seconds of the board's time since construction."""
        return self._moment() - self._start

    def wait_until(self, moment: float) -> None:
        """Return when the board's time has come to `moment`."""
        now = self.now()
        while now < moment:
            now = min(moment, now + STRETCH)
            self._link.ask("clock.wait_until", moment=self._start + now)
