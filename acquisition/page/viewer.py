"""One browser: what it is told, and what it asks for."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocketDisconnect

from acquisition.page.board import as_json

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from acquisition.page.feed import Feed
    from acquisition.page.security import Role

_numbers = itertools.count(1)
LOOKING = frozenset({"zoom"})
"""What a viewer may ask for without having control."""
OF_THE_LEASE = frozenset({"take_control", "give_control", "renew"})


async def attend(socket: WebSocket, feed: Feed) -> None:
    """Serve a viewer until it leaves. It lags by what its own connection lags, and holds up nobody."""
    await socket.accept()
    viewer = Viewer(socket, feed, socket.scope["state"]["role"])
    telling = asyncio.create_task(viewer.tell())
    try:
        await viewer.listen()
    except WebSocketDisconnect:
        pass
    finally:
        telling.cancel()
        feed.lease.give(viewer.name)
        feed.left()
        with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
            await telling


class Viewer:
    """A browser with its place in the story."""

    def __init__(self, socket: WebSocket, feed: Feed, role: Role) -> None:
        """Know nothing yet: the first telling says everything."""
        self._socket, self._feed, self._role = socket, feed, role
        self.name = f"viewer {next(_numbers)}"
        self._seen: dict[str, int] = {}
        self._place: Any = None
        self._you = ""
        feed.came()

    async def tell(self) -> None:
        """Send what is new, at most once per frame."""
        while True:
            await self._tell_who()
            # taken together: a block belongs to the sweep that the board tells of at this moment
            texts = list(self._feed.board.news(self._seen))
            blocks, self._place = self._feed.traces(self._place)
            for text in texts:
                await self._socket.send_text(text)
            for block in blocks:
                await self._socket.send_bytes(block)
            await self._feed.next_frame()

    async def listen(self) -> None:
        """Answer every wish."""
        while True:
            try:
                wish = json.loads(await self._socket.receive_text())
                act, number = str(wish["do"]), int(wish["id"])
            except (ValueError, TypeError, KeyError):
                continue
            ok, text = await self._done(act, wish)
            await self._socket.send_text(as_json({"is": "did", "id": number, "ok": ok, "text": text}))

    async def _done(self, act: str, wish: dict[str, Any]) -> tuple[bool, str]:
        feed, now = self._feed, time.monotonic()
        if act in LOOKING:
            block = feed.zoom(wish)
            if block is not None:
                await self._socket.send_bytes(block)
            return (True, "") if block is not None else (False, "that sweep is not in memory any more")
        if self._role != "control":
            return False, "this link is for watching only"
        if act in OF_THE_LEASE:
            return self._about_control(act, now)
        if not feed.lease.renew(self.name, now):
            return False, f"{feed.lease.current(now)} has control; take it first"
        return await feed.ask(act, {k: v for k, v in wish.items() if k not in ("do", "id")})

    def _about_control(self, act: str, now: float) -> tuple[bool, str]:
        lease = self._feed.lease
        if act == "take_control":
            lease.take(self.name, now)
        elif act == "give_control":
            lease.give(self.name)
        else:
            return lease.renew(self.name, now), ""
        return True, ""

    async def _tell_who(self) -> None:
        holder = self._feed.lease.current(time.monotonic())
        you = as_json(
            {
                "is": "you",
                "role": self._role,
                "viewer": self.name,
                "controller": holder,
                "has_control": holder == self.name,
                "viewers": self._feed.viewers,
            }
        )
        if you != self._you:
            self._you = you
            await self._socket.send_text(you)
