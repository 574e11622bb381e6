"""What the Protocol screen asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.routing import Route

from acquisition.page.asking import Facts, posted
from acquisition.page.documents import Document, documents, named
from protocols.errors import PatchrigError, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from acquisition.page.desk import Desk
    from config.rig import Rig

CONFLICT = 409
LIKE = "{file, rig, text}"


def routes(desk: Desk) -> list[BaseRoute]:
    """Return its requests, under /api/protocol; `file` and `rig` name documents, the first ones if left out."""

    async def files(request: Request) -> Response:
        return Facts(await run_in_threadpool(_files, desk, _is_watching(request)))

    async def opened(request: Request) -> Response:
        asked, alone = request.query_params, _is_watching(request)
        return Facts(await run_in_threadpool(_opened, desk, asked, alone))

    async def checked(request: Request) -> Response:
        return Facts(await run_in_threadpool(_checked, desk, await _asked(request)))

    async def saved(request: Request) -> Response:
        return await run_in_threadpool(_saved, desk, await _asked(request))

    return [
        Route("/api/protocol/files", files),
        Route("/api/protocol/file", opened),
        Route("/api/protocol/check", checked, methods=["POST"]),
        Route("/api/protocol/save", saved, methods=["POST"]),
    ]


def _is_watching(request: Request) -> bool:
    return getattr(request.state, "role", "watch") != "control"


async def _asked(request: Request) -> dict[str, Any]:
    told = await posted(request, LIKE)
    text, version = told.get("text"), told.get("version", "")
    if any(not isinstance(part, str) for part in (text, version)) or not _is_name(told, "file", "rig"):
        raise Refused(f"ask with JSON: {LIKE}")
    return {**told, "text": str(text).encode("utf-8", "replace").decode()}


def _is_name(told: Mapping[str, Any], *names: str) -> bool:
    return all(told.get(name) is None or isinstance(told[name], str) for name in names)


def _files(desk: Desk, alone: bool) -> dict[str, Any]:
    def told(found: list[Document]) -> list[dict[str, str]]:
        return [{"id": d.id, "group": d.group, "title": d.title} for d in (found[:1] if alone else found)]

    return {"protocols": told(documents(desk, "protocol")), "rigs": told(documents(desk, "rig")), "watching": alone}


def _opened(desk: Desk, asked: Mapping[str, str], alone: bool) -> dict[str, Any]:
    from acquisition.page.protocol.examining import examined
    from acquisition.page.protocol.saving import version, why_not

    document = named(documents(desk, "protocol"), asked.get("file"), alone=alone)
    text = document.text
    of, rig = _rig(desk, asked.get("rig"), alone=alone)
    return {
        "rig": of,
        "id": document.id,
        "group": document.group,
        "title": document.title,
        "name": document.title if alone else document.name,
        "text": text,
        "version": version(text),
        "read_only": "this link is for watching only" if alone else why_not(document),
        "checked": examined(text, document.name, rig),
    }


def _checked(desk: Desk, asked: Mapping[str, Any]) -> dict[str, Any]:
    from acquisition.page.protocol.examining import examined

    document = named(documents(desk, "protocol"), asked.get("file"), alone=False)
    _, rig = _rig(desk, asked.get("rig"), alone=False)
    return examined(asked["text"], document.name, rig)


def _saved(desk: Desk, asked: Mapping[str, Any]) -> Response:
    from acquisition.page.protocol.saving import save

    document = named(documents(desk, "protocol"), asked.get("file"), alone=False)
    try:
        return Facts({"version": save(document, asked["text"], str(asked.get("version")))})
    except Refused as error:
        return Facts({"error": str(error)}, CONFLICT)


def _rig(desk: Desk, name: str | None, *, alone: bool) -> tuple[str, Rig]:
    """Return id and rig of what is asked for; without a name of the first that can be read: most projects have one."""
    from config.loading import rig_from_text

    offered = documents(desk, "rig")
    if name is not None:
        document = named(offered, name, alone=alone)
        return document.id, rig_from_text(document.text, document.name)
    for document in offered:
        try:
            return document.id, rig_from_text(document.text, document.name)
        except PatchrigError:
            continue
    raise Refused("there is no rig file that can be read")
