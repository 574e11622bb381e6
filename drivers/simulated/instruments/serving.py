"""A wire to an emulated instrument, on a pseudo-terminal or a loopback socket, and what can go wrong on it."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import tempfile
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

AT_ONCE = 4096
"""Bytes per read."""


class Instrument(ABC):
    """What answers at the end of a wire."""

    @abstractmethod
    def receive(self, data: bytes) -> bytes:
        """Take bytes as they come, in any pieces, and return what is said to them."""


@dataclass
class Faults:
    """What goes wrong on the wire from now on, and how often. Counts run down to 0."""

    mute: int = 0
    """Answers that do not arrive."""
    shorten: int = 0
    """Answers that lose their last three bytes."""
    garble: int = 0
    """Answers of which every byte has a wrong bit."""
    deafen: int = 0
    """Messages to the instrument that lose their last byte."""

    def before(self, data: bytes) -> bytes:
        """Return what arrives of a message."""
        return data[:-1] if self._used("deafen") else data

    def after(self, answer: bytes) -> bytes:
        """Return what arrives of an answer."""
        if not answer or self._used("mute"):
            return b""
        if self._used("shorten"):
            return answer[:-3]
        return bytes(byte ^ 0x40 for byte in answer) if self._used("garble") else answer

    def _used(self, fault: str) -> bool:
        left: int = getattr(self, fault)
        setattr(self, fault, max(0, left - 1))
        return left > 0


class Wire(ABC):
    """Serves one instrument from `with` to its end; `unplug` and `plug` pull the cable and put it back."""

    def __init__(self, instrument: Instrument) -> None:
        """Connect nothing yet."""
        self.instrument, self.faults = instrument, Faults()
        self._thread: threading.Thread | None = None

    @property
    @abstractmethod
    def resource(self) -> str:
        """The VISA resource that a driver opens."""

    def __enter__(self) -> Self:
        """Plug in."""
        self.plug()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Unplug."""
        self.unplug()

    def plug(self) -> None:
        """Answer from now on, at the same address as ever."""
        self._pulled, self._pull = socket.socketpair()
        self._connect()
        self._thread = threading.Thread(target=self._serve, name="instrument", daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        """Hang up and answer no more."""
        if self._thread is None:
            return
        self._pull.send(b"x")
        self._thread.join()
        self._thread = None
        self._disconnect()
        self._pulled.close()
        self._pull.close()

    def _answer(self, data: bytes) -> bytes:
        return self.faults.after(self.instrument.receive(self.faults.before(data)))

    def _ready(self, *sources: int) -> set[int] | None:
        """Wait until a source has something; None: the cable is pulled."""
        pulled = self._pulled.fileno()
        ready, _, _ = select.select([pulled, *sources], [], [])
        return None if pulled in ready else set(ready)

    def _say(self, answer: bytes, target: int, write: Callable[[bytes], int]) -> None:
        """Write as fast as the client reads; one that does not read must not keep the cable in."""
        while answer:
            pulled, _, _ = select.select([self._pulled], [target], [])
            if pulled:
                return
            answer = answer[write(answer) :]

    @abstractmethod
    def _connect(self) -> None:
        """Make the place where clients come."""

    @abstractmethod
    def _disconnect(self) -> None:
        """Remove it."""

    @abstractmethod
    def _serve(self) -> None:
        """Answer until the cable is pulled."""


class OnPty(Wire):
    """On a pseudo-terminal, which a driver takes for a serial port; not on Windows."""

    def __init__(self, instrument: Instrument) -> None:
        """Choose a name that stays when the cable is pulled."""
        super().__init__(instrument)
        self._folder = tempfile.TemporaryDirectory(prefix="instrument-")
        self._port = Path(self._folder.name) / "port"
        self._ends: tuple[int, int] = (-1, -1)

    @property
    def resource(self) -> str:
        """The serial port."""
        return f"ASRL{self._port}::INSTR"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Unplug and remove the port."""
        self.unplug()
        self._folder.cleanup()

    def _connect(self) -> None:
        import pty  # not on Windows
        import tty

        ours, theirs = pty.openpty()
        tty.setraw(ours)
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        # the other end stays open here as well: without it, reading fails whenever no client is there
        self._ends = (ours, theirs)
        self._port.unlink(missing_ok=True)
        self._port.symlink_to(os.ttyname(theirs))

    def _disconnect(self) -> None:
        self._port.unlink(missing_ok=True)
        for end in self._ends:
            os.close(end)

    def _serve(self) -> None:
        ours = self._ends[0]
        while self._ready(ours) is not None:
            self._say(self._answer(os.read(ours, AT_ONCE)), ours, partial(os.write, ours))


class OnSocket(Wire):
    """On a loopback socket, as behind a serial device server or a network instrument."""

    def __init__(self, instrument: Instrument, port: int = 0) -> None:
        """Port 0 is any that is free; it stays the same when the cable is pulled."""
        super().__init__(instrument)
        self.port = port
        self._listener: socket.socket | None = None

    @property
    def resource(self) -> str:
        """The socket."""
        return f"TCPIP::127.0.0.1::{self.port}::SOCKET"

    def _connect(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = int(self._listener.getsockname()[1])

    def _disconnect(self) -> None:
        if self._listener is not None:
            self._listener.close()

    def _serve(self) -> None:
        """Serve one client at a time, the newest: a driver that reconnects has given up its old connection."""
        listener, client = self._listener, None
        assert listener is not None
        while (ready := self._ready(listener.fileno(), *([client.fileno()] if client else []))) is not None:
            if client is not None and client.fileno() in ready:  # what it still had to say comes before a newer one
                client = client if self._exchange(client) else None
            elif listener.fileno() in ready:
                if client is not None:
                    client.close()
                client, _ = listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client.setblocking(False)
        if client is not None:
            client.close()

    def _exchange(self, client: socket.socket) -> bool:
        """Answer one piece; return whether the client is still there."""
        with contextlib.suppress(ConnectionError):
            if data := client.recv(AT_ONCE):
                self._say(self._answer(data), client.fileno(), client.send)
                return True
        client.close()
        return False
