"""Opens the page: in this process, or for a run in a process of its own that is started again when it dies."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any

from acquisition.page.security import Keys, cookie_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from acquisition.page.desk import Desk

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
LIVES = 5
"""Servers that are started for one run. One after another dying has a reason that another will not mend."""
GLANCE = 0.3
"""Seconds between looks whether the server lives."""
LATE = 10.0
"""Seconds after which a page that does not answer yet is worth a word."""
NO_PAGE = "the page's server ended {} times and is not started again; 'patchrig view' opens another"
QUIET = "PATCHRIG_NO_BROWSER"
"""Environment variable that keeps the browser closed."""


@dataclass(frozen=True)
class Address:
    """Where the page is, and the keys to it."""

    port: int
    host: str = LOOPBACK
    """Address that it listens at."""
    hosts: tuple[str, ...] = (LOOPBACK, "localhost")
    """Names that it answers to."""
    keys: Keys = field(default_factory=Keys)

    def link(self, screen: str = "") -> str:
        """Return the link with which a person has control."""
        return f"http://{LOOPBACK}:{self.port}/{screen}?key={self.keys.control}"

    def watching(self) -> list[str]:
        """Return links for watching only, for others on the network."""
        names = [h for h in self.hosts if h not in (LOOPBACK, "localhost")] or [LOOPBACK]
        return [f"http://{name}:{self.port}/?key={self.keys.watch}" for name in names]


def address(port: int = 0, *, share: bool = False) -> Address:
    """Return an address with a free port; `share` listens on the network, too."""
    if not share:
        return Address(port or _free_port())
    name = socket.gethostname()
    found = {name, f"{name}.local"}
    with suppress(OSError):
        found |= set(socket.gethostbyname_ex(name)[2])
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; says which of our addresses the network sees
        found.add(probe.getsockname()[0])
    others = sorted(h for h in found if not h.startswith("127."))
    return Address(port or _free_port(), "0.0.0.0", (LOOPBACK, "localhost", *others))


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as probe:
        return int(probe.getsockname()[1])


def show(link: str) -> None:
    """Open `link` in the person's browser, unless the environment forbids it."""
    if os.environ.get(QUIET):
        return
    import webbrowser

    with suppress(webbrowser.Error):
        webbrowser.open(link)


def answers(at: Address) -> bool:
    """Whether our server answers at an address, and not another program."""
    line = HTTPConnection(LOOPBACK, at.port, timeout=1.0)
    try:
        line.request("GET", "/api/here", headers={"cookie": f"{cookie_name(at.port)}={at.keys.control}"})
        return line.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        line.close()


class Announcement:
    """What is said of a page: `ready` once it answers, `late` once if that takes long."""

    def __init__(self, at: Address, *, ready: Callable[[], None], late: Callable[[], None]) -> None:
        """Begin to wait."""
        self._at, self._ready, self._late, self._began = at, ready, late, time.monotonic()
        self.is_made = self.is_late = False
        """Whether the page has answered; whether it was said that it takes long."""

    def look(self) -> None:
        """Say what is to be said now."""
        if self.is_made:
            return
        if answers(self._at):
            self.is_made = True
            self._ready()
        elif not self.is_late and time.monotonic() - self._began > LATE:
            self.is_late = True
            self._late()


@contextmanager
def announced(announcement: Announcement) -> Iterator[None]:
    """Look for a page that this process is about to serve, until it answers or this ends."""
    over = threading.Event()

    def look() -> None:
        while not announcement.is_made and not over.wait(GLANCE):
            announcement.look()

    looks = threading.Thread(target=look, name="announcement", daemon=True)
    looks.start()
    try:
        yield
    finally:
        over.set()
        looks.join()


@contextmanager
def beside(desk: Desk, at: Address, *, ready: Callable[[], None], late: Callable[[], None]) -> Iterator[None]:
    """Keep a server for `desk` in a process of its own for as long as this lasts.

    It is started again when it dies, at the same address, so that browsers find it again. Afterwards it is left to
    those who look at it, and ends by itself when nobody does. `ready` is called once it answers, `late` if it does
    not in some seconds, both in a thread of their own: nobody waits for a page, except who has nothing else to do.
    """
    keeper = _Keeper(desk, at, Announcement(at, ready=ready, late=late))
    try:
        yield
    finally:
        keeper.leave()


class _Keeper:
    def __init__(self, desk: Desk, at: Address, announcement: Announcement) -> None:
        self._announcement = announcement
        self._told = json.dumps(_as_json(desk, at)).encode() + b"\n"
        self._over = threading.Event()
        self._server = self._start()
        self._thread = threading.Thread(target=self._keep, name="page", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Look after the server no more, once it has answered: the page of a short run comes after its end."""
        self._over.set()
        self._thread.join()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "acquisition.page"]
        # a group of its own: Ctrl-C is for the run, and the page shows how that ends
        apart: dict[str, Any] = (
            {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
            if os.name == "nt"
            else {"start_new_session": True}
        )
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, **apart)
        if server.stdin is not None:
            with suppress(OSError), server.stdin as pipe:
                pipe.write(self._told)
        return server

    def _keep(self) -> None:
        lives = LIVES
        while lives:
            if self._over.wait(GLANCE):
                if self._has_said:
                    return
                time.sleep(GLANCE)
            if self._server.poll() is None:
                self._announcement.look()
            elif lives := lives - 1:
                log.warning("the page's server ended; another is started. The recording is not affected")
                self._server = self._start()
            else:
                log.warning(NO_PAGE.format(LIVES))

    @property
    def _has_said(self) -> bool:
        return self._announcement.is_made or self._announcement.is_late


def _as_json(desk: Desk, at: Address) -> dict[str, Any]:
    def text(path: Path | None) -> str | None:
        return None if path is None else str(path.absolute())

    return {
        "session": text(desk.session), "pid": desk.pid, "protocol": text(desk.protocol), "rig": text(desk.rig),
        "folder": str(desk.folder.absolute()), "first": desk.first, "control": at.keys.control, "watch": at.keys.watch,
        "host": at.host, "port": at.port, "hosts": at.hosts,
    }  # fmt: skip
