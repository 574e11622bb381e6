"""Who may see the page, and who may ask for something: this page can push current into a cell.

Every request needs the right Host, so that no other site's name can be made to point here, and a key; what is more
than looking needs the control key and, like every WebSocket, an Origin that is the page's own. The answers forbid the
browser everything but the page itself.
"""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl, quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

Role = Literal["control", "watch"]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self' {sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}
NO_KEY = "This page needs its whole link, with the key: 'patchrig view' shows it."
OTHER_HOST = "This page does not answer to that name."
OTHER_ORIGIN = "Another page may not ask for that."
WATCHING = "This link is for watching only."


def new_key() -> str:
    """Return a key that nobody guesses."""
    return secrets.token_urlsafe(18)


def cookie_name(port: int) -> str:
    """Return the name of the cookie that keeps a key: browsers give cookies to every port of a computer."""
    return f"patchrig_{port}"


@dataclass(frozen=True)
class Keys:
    """The two keys of a page; who knows one of them has its role."""

    control: str = field(default_factory=new_key, repr=False)
    watch: str = field(default_factory=new_key, repr=False)

    def role(self, key: str) -> Role | None:
        """Return what `key` allows; None if it is none of ours."""
        if hmac.compare_digest(key.encode(), self.control.encode()):
            return "control"
        return "watch" if hmac.compare_digest(key.encode(), self.watch.encode()) else None


class Guard:
    """Stands before an application; `scope["state"]["role"]` tells it who asks."""

    def __init__(self, app: ASGIApp, keys: Keys, *, port: int, hosts: tuple[str, ...]) -> None:
        """Let pass what comes to one of `hosts` (names without port) at `port` with one of `keys`."""
        self._app, self._keys, self._cookie = app, keys, cookie_name(port)
        self._hosts = frozenset(f"{host}:{port}" for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what may not pass, and hand on the rest."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        send = _with_headers(send, host if host in self._hosts else "")
        if host not in self._hosts:
            await _refuse(scope, send, 421, OTHER_HOST)
        elif (key := dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("key")) and scope["type"] == "http":
            await self._let_in(scope, send, key, self._role(headers))
        else:
            await self._check(scope, receive, send, headers)

    def _role(self, headers: Mapping[str, str]) -> Role | None:
        """Return what the browser's cookie allows."""
        return self._keys.role(_cookie(headers.get("cookie", ""), self._cookie))

    async def _let_in(self, scope: Scope, send: Send, key: str, had: Role | None) -> None:
        """Keep a good key as a cookie, and take it out of the address; who `had` control keeps it."""
        role = self._keys.role(key)
        if role is None:
            await _refuse(scope, send, 403, NO_KEY)
            return
        rest = urlencode([(k, v) for k, v in parse_qsl(scope["query_string"].decode("latin-1")) if k != "key"])
        headers = [(b"location", (_local(scope["path"]) + (f"?{rest}" if rest else "")).encode())]
        if had != "control" or role == "control":
            # Lax: a link from somebody's mail must work; what asks for something needs our Origin besides
            headers.append((b"set-cookie", f"{self._cookie}={key}; Path=/; HttpOnly; SameSite=Lax".encode()))
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body"})

    async def _check(self, scope: Scope, receive: Receive, send: Send, headers: Mapping[str, str]) -> None:
        role = self._role(headers)
        origin, own = headers.get("origin"), (f"http://{headers['host']}", f"https://{headers['host']}")
        looks_only = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if role is None:
            await _refuse(scope, send, 403, NO_KEY)
        elif not looks_only and origin not in own:
            await _refuse(scope, send, 403, OTHER_ORIGIN)
        elif scope["type"] == "http" and not looks_only and role != "control":
            await _refuse(scope, send, 403, WATCHING)
        else:
            scope.setdefault("state", {})["role"] = role
            await self._app(scope, receive, send)


def _local(path: str) -> str:
    """Return a path on this server: two slashes, or a backslash, at its beginning would name another computer."""
    return "/" + quote(path.lstrip("/\\"))


def _cookie(text: str, name: str) -> str:
    try:
        found = SimpleCookie(text).get(name)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _with_headers(send: Send, host: str) -> Send:
    """Return `send`, with the headers that every answer has."""
    sockets = f"ws://{host} wss://{host}" if host else ""
    extra = [
        (k.encode(), v.encode())
        for k, v in {**HEADERS, "content-security-policy": POLICY.format(sockets=sockets)}.items()
    ]

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name for name, _ in message.get("headers", [])}
            message["headers"] = [*message.get("headers", []), *(h for h in extra if h[0] not in given)]
        await send(message)

    return sent


async def _refuse(scope: Scope, send: Send, status: int, words: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4403, "reason": words})
        return
    body = json.dumps({"error": words}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
