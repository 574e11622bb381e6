"""One browser: what it is told, and what it asks for."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocketDisconnect

from acquisition.page.board import as_json
from acquisition.page.messages import Unreadable, message

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from acquisition.page.feed import Feed
    from acquisition.page.messages import Message
    from acquisition.page.security import Role

_numbers = itertools.count(1)
LOOKING = frozenset({"zoom"})
"""What a viewer may ask for without having control."""
MOST_VIEWERS = 24
"""Viewers of a server beyond which no other may come to watch; who has the control key always may."""
FULL, FULL_WORDS = 1013, "too many watch this run already; try again later"
"""Code of the WebSocket's end: try again later."""


async def attend(socket: WebSocket, feed: Feed) -> None:
    """Serve a viewer until it leaves. It lags by what its own connection lags, and holds up nobody."""
    await socket.accept()
    role: Role = socket.scope["state"]["role"]
    if role != "control" and feed.viewers >= MOST_VIEWERS:
        await socket.close(FULL, FULL_WORDS)
        return
    viewer = Viewer(socket, feed, role)
    telling = asyncio.create_task(viewer.tell())
    try:
        await viewer.listen()
    except (WebSocketDisconnect, RuntimeError):  # it left, perhaps while it was answered
        pass
    finally:
        telling.cancel()
        feed.left()
        with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
            await telling
        if role == "control":
            await feed.ask("give_control", {}, viewer.name)


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
        """Answer every wish; what is none is refused, and the next one is waited for."""
        while True:
            text = await self._received()
            try:
                wish = message(text)
            except Unreadable as refusal:
                await self._say({"is": "refused", "text": str(refusal)})
                continue
            try:
                ok, words = await self._done(wish)
            except Unreadable as refusal:
                ok, words = False, str(refusal)
            await self._say({"is": "did", "id": wish.number, "ok": ok, "text": words})

    async def _received(self) -> str:
        """Return the next text; '' for bytes, which nobody of ours sends."""
        told = await self._socket.receive()
        if told["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(told.get("code", 1005))
        return told.get("text") or ""

    async def _say(self, facts: dict[str, Any]) -> None:
        await self._socket.send_text(as_json(facts))

    async def _done(self, wish: Message) -> tuple[bool, str]:
        if wish.act in LOOKING:
            return await self._looked_closely(wish)
        if self._role != "control":
            return False, "this link is for watching only"
        return await self._feed.ask(wish.act, wish.fields, self.name)

    async def _looked_closely(self, wish: Message) -> tuple[bool, str]:
        async with self._feed.close_looks(self._role):
            block = self._feed.zoom(wish)
        if block is None:
            return False, "that sweep is not in memory any more"
        await self._socket.send_bytes(block)
        return True, ""

    async def _tell_who(self) -> None:
        controller = self._feed.controller
        you = as_json(
            {
                "is": "you",
                "role": self._role,
                "viewer": self.name,
                "controller": controller,
                "has_control": controller == self.name,
                "viewers": self._feed.viewers,
            }
        )
        if you != self._you:
            self._you = you
            await self._socket.send_text(you)
