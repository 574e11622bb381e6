"""How much work who asks may give the server: what takes seconds is done one at a time, watching links come last.

The server shares its computer with the recording. Who has the control key may ask for a figure at any time; a link
for watching may not while a cell is recorded, and all such links together never have more than `AT_ONCE` requests in
work. Who does not come to his turn within `PATIENCE` seconds is answered 429.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from acquisition.page.asking import Facts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

AT_ONCE = 2
"""Requests of watching links in work at once."""
MOST_WAITING = 16
"""Requests that wait for one turn; the next is answered at once."""
PATIENCE = 5.0
"""Seconds that a request waits for its turn: who moves a window twice has his first request ended by the second."""
LATER = 5
"""Seconds after which to try again, as the answer says."""
BUSY = "the page is at work on what was asked before; try again in a moment"
RECORDING = "a cell is being recorded, and this link is for watching only: ask again when the run is over"


class Turns:
    """Stands before the screens, behind the guard."""

    def __init__(self, app: ASGIApp, *, heavy: Sequence[str], is_recording: Callable[[], bool]) -> None:
        """Let one at a time ask for what begins with one of `heavy`."""
        self._app, self._heavy, self._is_recording = app, tuple(heavy), is_recording
        # of each role its own: who watches keeps nobody who has control from a figure
        self._heavy_turns = {"control": Turn(1), "watch": Turn(1)}
        self._watching = Turn(AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer now, in a moment, or not at all."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith("/api/"):
            await self._app(scope, receive, send)
            return
        role = scope.get("state", {}).get("role", "watch")
        is_heavy = path.startswith(self._heavy)
        if is_heavy and role != "control" and await asyncio.to_thread(self._is_recording):
            await _later(RECORDING)(scope, receive, send)
        elif is_heavy:
            await self._in_turn(self._heavy_turns[role], scope, receive, send)
        elif role != "control":
            await self._in_turn(self._watching, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _in_turn(self, turn: Turn, scope: Scope, receive: Receive, send: Send) -> None:
        if not await turn.comes():
            await _later(BUSY)(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            turn.over()


class Turn:
    """Lets `n` at once do something; others wait, but neither many nor long."""

    def __init__(self, n: int) -> None:
        """Let nobody wait yet."""
        self._free, self._waiting = asyncio.Semaphore(n), 0

    async def comes(self) -> bool:
        """Return whether it is one's turn; then `over` ends it."""
        if self._waiting >= MOST_WAITING:
            return False
        self._waiting += 1
        try:
            await asyncio.wait_for(self._free.acquire(), PATIENCE)
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
        return True

    def over(self) -> None:
        """Let the next one begin."""
        self._free.release()


def _later(words: str) -> Facts:
    return Facts({"error": words}, 429, headers={"retry-after": str(LATER)})
