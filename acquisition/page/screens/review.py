"""What the Review screen asks for."""

from __future__ import annotations

import getpass
import json
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from acquisition.page.review.choosing import choice
from acquisition.page.review.kept import Shelf, is_recording
from acquisition.page.review.windows import Windows
from protocols.errors import PatchrigError, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from acquisition.page.desk import Desk
    from acquisition.page.review.kept import Kept
    from acquisition.session.audit import Decision

LONGEST_REASON = 300
DECISION: dict[str, Decision] = {"reject": "rejected", "restore": "restored"}


def routes(desk: Desk) -> list[BaseRoute]:
    """Return its requests, under /api/review; all take `?session=NAME`, and `windows` where they have been moved."""
    shelf = Shelf()
    if desk.first == "review" and desk.session is not None:  # it is read while the browser starts
        threading.Thread(target=_ahead, args=(shelf, desk.session.absolute()), name="review", daemon=True).start()

    def at(path: str, answer: Callable[[Kept, Request], Response]) -> Route:
        async def answered(request: Request) -> Response:
            return await run_in_threadpool(lambda: answer(_kept(desk, shelf, request), request))

        return Route(f"/api/review/{path}", answered)

    async def decided(request: Request) -> Response:
        told = await request.json()
        return await run_in_threadpool(lambda: _decide(_kept(desk, shelf, request), told))

    return [
        Route("/api/review/sessions", lambda request: _sessions(desk, request)),
        at("session", _session),
        at("sweep", _sweep),
        at("trace", _trace),
        at("measured", _measured),
        at("recomputed", _recomputed),
        at("results", _results),
        at("courses", _courses),
        at("figure.{form}", _figure),
        at("measures.csv", _measures),
        at("trace.csv", _samples),
        Route("/api/review/decide", decided, methods=["POST"]),
    ]


def _ahead(shelf: Shelf, path: Path) -> None:
    """Read a session before it is asked for; who asks is told what is wrong with it."""
    from acquisition.page.review import courses, listing, results, traces  # noqa: F401  they take their time, too

    with suppress(PatchrigError, OSError):
        shelf.get(path)


def _kept(desk: Desk, shelf: Shelf, request: Request) -> Kept:
    alone = getattr(request.state, "role", "watch") != "control"
    return shelf.get(choice(desk).named(request.query_params.get("session"), alone=alone))


def _sessions(desk: Desk, request: Request) -> Response:
    found = choice(desk)
    alone = getattr(request.state, "role", "watch") != "control"
    names = [p.name for p in found.others]
    first = None if found.first is None else found.first.name
    return JSONResponse({"first": first, "names": [first] if alone else names, "watching": alone})


def _session(kept: Kept, _: Request) -> Response:
    from acquisition.page.review.listing import told

    return JSONResponse(told(kept))


def _sweep(kept: Kept, request: Request) -> Response:
    from acquisition.page.review.traces import facts

    return JSONResponse(facts(kept, _index(request)))


def _trace(kept: Kept, request: Request) -> Response:
    from acquisition.page.review.traces import columns

    asked = request.query_params
    try:
        span = (float(asked["start"]), float(asked["stop"])) if "start" in asked else None
        most, number = int(asked.get("columns", 1600)), int(asked.get("id", 0))
    except (ValueError, KeyError) as error:
        raise Refused("ask for a trace with numbers: sweep, and start, stop (s), columns, id") from error
    block = columns(kept, _index(request), number, span, most)
    return Response(block, media_type="application/octet-stream")


def _measured(kept: Kept, request: Request) -> Response:
    from acquisition.page.review.traces import measured

    return JSONResponse(measured(kept, _index(request), _windows(request)))


def _recomputed(kept: Kept, request: Request) -> Response:
    """Answer with a line of JSON per sweep, as they are made; who goes away ends it."""
    from acquisition.page.review.again import recomputed

    def lines() -> Iterator[str]:
        for row in recomputed(kept, windows):
            yield json.dumps(row, allow_nan=False) + "\n"

    windows = _windows(request)
    return StreamingResponse(lines(), media_type="application/x-ndjson")


def _results(kept: Kept, request: Request) -> Response:
    from acquisition.page.review.results import results

    return JSONResponse(results(kept, _windows(request)))


def _courses(kept: Kept, request: Request) -> Response:
    from acquisition.page.review.courses import courses

    return JSONResponse(courses(kept, _windows(request)))


def _figure(kept: Kept, request: Request) -> Response:
    from acquisition.page.review.exports import FORMATS, figure

    form = request.path_params["form"]
    return _file(figure(kept, form), FORMATS[form], f"{kept.path.stem}.{form}")


def _measures(kept: Kept, request: Request) -> Response:
    from acquisition.page.review.exports import measures

    return _file(measures(kept, _windows(request)), "text/csv; charset=utf-8", f"{kept.path.stem}_measures.csv")


def _samples(kept: Kept, request: Request) -> Response:
    from acquisition.page.review.exports import trace

    index = _index(request)
    return _file(trace(kept, index), "text/csv; charset=utf-8", f"{kept.path.stem}_sweep_{index:05d}.csv")


def _decide(kept: Kept, told: Any) -> Response:
    """Leave a sweep out of means or take it back: a line of the review record, with who, when and why."""
    from acquisition.session.audit import decide

    if is_recording(kept.path):
        raise Refused("this session is being recorded: leave sweeps out on the Run screen")
    try:
        sweep, act, reason = int(told["sweep"]), str(told["act"]), str(told["reason"]).strip()[:LONGEST_REASON]
    except (KeyError, TypeError, ValueError) as error:
        raise Refused("say which sweep, the act ('reject' or 'restore') and a reason") from error
    if not reason:
        raise Refused("say why: a decision without a reason means nothing in a year")
    if act not in DECISION or all(s.index != sweep for s in kept.sweeps):
        raise Refused(f"there is no sweep {sweep} to {act}")
    if (sweep in kept.rejected) == (act == "reject"):
        raise Refused(f"sweep {sweep} is {'left out' if act == 'reject' else 'not left out'} already")
    entry = decide(kept.path, kept.identifier, DECISION[act], sweep, reason, who=getpass.getuser())
    return JSONResponse(vars(entry))


def _index(request: Request) -> int:
    try:
        return int(request.query_params["sweep"])
    except (KeyError, ValueError) as error:
        raise Refused("say which sweep: a number") from error


def _windows(request: Request) -> Windows:
    return Windows.parsed(request.query_params.get("windows"))


def _file(content: bytes, media: str, name: str) -> Response:
    return Response(content, media_type=media, headers={"content-disposition": f'attachment; filename="{name}"'})
