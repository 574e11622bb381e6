"""The server's end of the line to the acquisition process: its state comes in, wishes go out."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acquisition.register import Entry

PATIENCE = 3.0
"""Seconds for an answer of the acquisition process, which gives it at once or not at all."""
SILENT = 8.0
"""Seconds without a word after which the run does not answer any more: it says something every 2."""
AGAIN = 1.0
"""Seconds between tries to be let in."""
NOBODY = (False, "the run does not answer; its recording goes on as it was")
MOST_LINE = 1 << 16
"""Bytes of what the run says at once."""
MOST_ASKED = 1 << 14
"""Bytes of one wish; the door takes no more."""
TOO_LONG = (False, "that is too long for one message")


class Line:
    """A connection to the door of a run; it comes and goes without harm to anybody."""

    def __init__(self, entry: Entry) -> None:
        """Prepare to speak with the run of `entry`."""
        self._port, self._token = entry.door, entry.token
        self._writer: asyncio.StreamWriter | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[tuple[bool, str]]] = {}
        self.status: dict[str, Any] | None = None
        """What the run said of itself last, with 'wall', the Unix time at which it was so; None while unconnected."""
        self.controller: str | None = None
        """The viewer that has control, of this page or another; None if nobody has, or while unconnected."""

    async def keep(self) -> None:
        """Be connected, until cancelled."""
        while self._port:
            with suppress(OSError, ValueError, asyncio.IncompleteReadError):
                await self._listen()
            self._hang_up()
            await asyncio.sleep(AGAIN)

    async def ask(self, act: str, fields: Mapping[str, Any], viewer: str) -> tuple[bool, str]:
        """Ask the run for something that `viewer` wishes, and return whether it will and what it says."""
        if self._writer is None:
            return NOBODY
        number = next(self._numbers)
        wish = {**fields, "do": act, "id": number, "viewer": viewer}
        if len(_as_line(wish)) > MOST_ASKED:
            return TOO_LONG
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await self._say(wish)
            return await asyncio.wait_for(answer, PATIENCE)
        except (OSError, TimeoutError, asyncio.CancelledError):
            return NOBODY
        finally:
            self._waiting.pop(number, None)

    async def _listen(self) -> None:
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=MOST_LINE)
        await self._say({"token": self._token})
        while line := await asyncio.wait_for(reader.readline(), SILENT):
            told = json.loads(line)
            if "status" in told:
                self.status = {**told["status"], "wall": told.get("wall", time.time())}
                self.controller = told.get("controller")
            elif (answer := self._waiting.get(told.get("did"))) is not None and not answer.done():
                answer.set_result((bool(told["ok"]), str(told["text"])))

    async def _say(self, message: Mapping[str, Any]) -> None:
        if self._writer is None:
            raise ConnectionError("not connected")
        self._writer.write(_as_line(message))
        await self._writer.drain()

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer, self.status, self.controller = None, None, None
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_result(NOBODY)


def _as_line(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
