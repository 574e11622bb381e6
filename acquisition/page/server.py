"""The page's server: static files, the screens' requests, and the WebSocket on which a run is seen."""

from __future__ import annotations

import logging
import socket
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import FileResponse, RedirectResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from acquisition.page import screens
from acquisition.page.asking import Facts, Quiet, refused
from acquisition.page.feed import Feed
from acquisition.page.security import Guard, Keys
from acquisition.page.standing_back import stand_back
from acquisition.page.turns import Turns
from acquisition.page.viewer import attend
from acquisition.register import entries
from protocols.errors import PatchrigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp
    from starlette.websockets import WebSocket

    from acquisition.page.desk import Desk

STATIC = Path(__file__).parent / "static"
LOOPBACK = "127.0.0.1"
IDLE = 30.0
"""Seconds without a viewer after which the page of a run that is over closes by itself."""


def app(desk: Desk, keys: Keys, *, port: int, hosts: tuple[str, ...] = (LOOPBACK, "localhost")) -> tuple[ASGIApp, Feed]:
    """Return the application for `desk`, guarded by `keys`, and what it follows; it answers to `hosts` only."""
    feed = Feed(desk)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with feed:
            yield

    async def live(socket: WebSocket) -> None:
        await attend(socket, feed)

    async def here(_: Request) -> Response:
        feed.looked()
        steps = feed.story.programme.steps if feed.story is not None and feed.goes_on else []
        return Facts({"goes_on": feed.goes_on, "steps": [s.state for s in steps]})

    routes = [
        Route("/", lambda _: RedirectResponse(f"/{desk.first}", 303)),
        *(Route(f"/{name}", _screen(name)) for name in screens.NAMES),
        *screens.routes(desk, feed),
        Route("/api/here", here),
        WebSocketRoute("/ws", live),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    inner = Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers={PatchrigError: refused, OSError: refused},
        middleware=[Middleware(Quiet), Middleware(Turns, heavy=screens.HEAVY, is_recording=_is_recording)],
    )
    return Guard(inner, keys, port=port, hosts=hosts), feed


def _is_recording() -> bool:
    """Whether a run goes on on this computer."""
    return any(e.lives for e in entries())


def _screen(name: str) -> Callable[[Request], Response]:
    def page(_: Request) -> Response:
        return FileResponse(STATIC / f"{name}.html")

    return page


def listening(host: str = LOOPBACK, port: int = 0) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one.

    Raises
    ------
    OSError
        The port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.create_server((host, port), family=family)
    made.set_inheritable(False)
    return made


def _in_a_line(record: logging.LogRecord) -> bool:
    """Take the stack of calls out of a message: a stranger's nonsense is worth a line in the terminal of a run."""
    record.exc_info = None
    return True


def serve(desk: Desk, keys: Keys, at: socket.socket, *, hosts: tuple[str, ...], ends_alone: bool = False) -> None:
    """Serve the page on a listening socket until the process is told to end; it gives way to all other processes.

    `ends_alone` ends it, too, when the run is over and nobody has looked for `IDLE` seconds.
    """
    import uvicorn

    stand_back()
    inner, feed = app(desk, keys, port=at.getsockname()[1], hosts=hosts)
    config = uvicorn.Config(
        inner, log_level="warning", access_log=False, ws="websockets-sansio", ws_per_message_deflate=False,
        ws_max_size=1 << 16, ws_ping_interval=20, ws_ping_timeout=20, timeout_graceful_shutdown=1, lifespan="on",
    )  # fmt: skip
    logging.getLogger("uvicorn.error").addFilter(_in_a_line)
    server = uvicorn.Server(config)
    if ends_alone:
        feed.when_idle(IDLE, lambda: setattr(server, "should_exit", True))
    server.run(sockets=[at])
