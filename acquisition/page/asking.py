"""How the screens read what they are asked, and answer: facts as JSON, refusals as a sentence."""

from __future__ import annotations

import json
import logging
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.websockets import WebSocketDisconnect

from acquisition.page.messages import MOST_NUMBER, Unreadable, loaded
from protocols.errors import Refused
from protocols.loading import MOST_BYTES

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

MOST_BODY = 4 * MOST_BYTES
"""Bytes of what is posted: a protocol file, in JSON."""

FAILED = "the page could not answer that; the terminal in which it was opened says why"


class Facts(JSONResponse):
    """JSON that every browser reads, whatever characters the names of files have."""

    def render(self, content: Any) -> bytes:
        """Return the bytes of `content`."""
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


async def posted(request: Request, like: str) -> dict[str, Any]:
    """Return the object that was posted; `like` says how it should look.

    Raises
    ------
    Refused
        It is nothing of the kind, or far too large.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY:
            raise Refused(f"more than {MOST_BODY / 1e6:.0f} MB is no {like}")
    try:
        told = loaded(body)
    except Unreadable:
        told = None
    if not isinstance(told, dict):
        raise Refused(f"ask with JSON: {like}")
    return told


def whole(request: Request, name: str, otherwise: int | None = None) -> int:
    """Return a whole number that is asked with, not negative.

    Raises
    ------
    Refused
        It is missing, or no such number.
    """
    text = request.query_params.get(name)
    if text is None and otherwise is not None:
        return otherwise
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST_NUMBER))):
        raise Refused(f"say which {name}: a number from 0 on")
    if int(text) > MOST_NUMBER:
        raise Refused(f"say which {name}: a number up to {MOST_NUMBER}")
    return int(text)


def seconds(request: Request, name: str) -> float:
    """Return a time that is asked with.

    Raises
    ------
    Refused
        It is missing, or no finite number.
    """
    try:
        found = float(request.query_params[name])
    except (KeyError, ValueError):
        found = math.nan
    if not abs(found) <= MOST_NUMBER:  # not even a number is not, either
        raise Refused(f"say {name} as a number of seconds")
    return found


def refused(_: Request, error: Exception) -> Response:
    """Answer with one of our sentences."""
    return Facts({"error": str(error)}, 400)


class Quiet:
    """Stands before an application, and answers what nobody foresaw with a sentence.

    It is a line in the log, not a stack of calls: a terminal in which a run goes on is no place for that.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Stand before `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, and answer if the application does not."""
        has_begun = False

        async def sent(told: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(told)

        try:
            await self._app(scope, receive, sent)
        except (ClientDisconnect, WebSocketDisconnect):
            pass
        except Exception as error:
            log.error("the page could not answer %s (%s: %s)", scope.get("path"), type(error).__name__, error)
            log.debug("it came so far:", exc_info=True)
            if scope["type"] == "http" and not has_begun:
                await Facts({"error": FAILED}, 500)(scope, receive, send)
            elif scope["type"] == "websocket":
                with suppress(RuntimeError):
                    await send({"type": "websocket.close", "code": 1011, "reason": FAILED})
