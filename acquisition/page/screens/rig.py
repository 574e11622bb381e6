"""What the Rig screen asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.routing import Route

from acquisition.page.asking import Facts, posted
from acquisition.page.documents import Document, documents, named
from acquisition.page.rig.doctor import Examination, stored, why_not
from acquisition.register import entries
from protocols.errors import InvalidFile, Refused

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from acquisition.page.desk import Desk
    from acquisition.page.feed import Feed

CONFLICT = 409
LIKE = "{rig}"


def routes(desk: Desk, feed: Feed) -> list[BaseRoute]:
    """Return its requests, under /api/rig; `rig` names a document, the first one if left out."""
    examination = Examination(desk.folder if desk.pid is not None else desk.folder / "data")

    async def facts(request: Request) -> Response:
        asked, alone = request.query_params.get("rig"), _is_watching(request)
        told = await run_in_threadpool(_facts, desk, asked, _run_file(feed), alone)
        return Facts({**told, "busy": await run_in_threadpool(_busy), "examination": examination.told()})

    async def live(_: Request) -> Response:
        feed.looked()
        run, busy = await _present(feed), await run_in_threadpool(_busy)
        return Facts({"run": run, "busy": busy, "examination": examination.told()})

    async def doctor(request: Request) -> Response:
        name = (await posted(request, LIKE)).get("rig")
        if name is not None and not isinstance(name, str):
            raise Refused(f"ask with JSON: {LIKE}")
        try:
            document = await run_in_threadpool(_named, desk, name, alone=False)
            path = _path(document, _run_file(feed))
            if path is None:
                raise Refused(why_not(None))
            examination.begin(path)
        except Refused as error:
            return Facts({"error": str(error)}, CONFLICT)
        return Facts(examination.told())

    return [
        Route("/api/rig/facts", facts),
        Route("/api/rig/live", live),
        Route("/api/rig/doctor", doctor, methods=["POST"]),
    ]


def _busy() -> list[str]:
    """Return the names of all sessions that go on on this computer."""
    return [e.session.name for e in entries() if e.lives]


def _is_watching(request: Request) -> bool:
    return getattr(request.state, "role", "watch") != "control"


def _named(desk: Desk, name: str | None, *, alone: bool) -> Document:
    return named(documents(desk, "rig"), name, alone=alone)


def _run_file(feed: Feed) -> Path | None:
    """Return the rig file of the run that goes on."""
    return feed.entry.rig_file if feed.goes_on and feed.entry is not None else None


def _path(document: Document, of_run: Path | None) -> Path | None:
    return of_run if document.group == "run" else document.path


def _facts(desk: Desk, name: str | None, of_run: Path | None, alone: bool) -> dict[str, Any]:
    """Return what a rig file says, or what is wrong with it, with what doctor said of that rig."""
    offered = documents(desk, "rig")
    document = named(offered, name, alone=alone)
    path = _path(document, of_run)
    return {
        "rigs": [{"id": d.id, "group": d.group, "title": d.title} for d in (offered[:1] if alone else offered)],
        "id": document.id,
        "name": document.title if alone else str(path or document.title),
        "watching": alone,
        **_read(document),
        "doctor": stored(path),
        "why_not": "this link is for watching only" if alone else why_not(path),
    }


def _read(document: Document) -> dict[str, Any]:
    from acquisition.page.rig.facts import facts
    from config.loading import rig_from_text

    try:
        return {"facts": facts(rig_from_text(document.text, document.name)), "problems": ""}
    except InvalidFile as error:
        return {"facts": None, "problems": str(error)}


async def _present(feed: Feed) -> dict[str, Any] | None:
    """Return what the run shows; made in the feed's own thread, for the story changes there."""
    from acquisition.page.board import known
    from acquisition.page.rig.present import present

    story, entry = feed.story, feed.entry
    if story is None or not feed.goes_on:
        return None
    return dict(known(present(story, entry, "" if entry is None else entry.session.name)))
