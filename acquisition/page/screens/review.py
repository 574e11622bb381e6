"""What the Review screen asks for."""

from __future__ import annotations

import getpass
import json
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from acquisition.page.asking import Facts, posted, seconds, whole
from acquisition.page.decimation import COLUMNS
from acquisition.page.messages import is_number
from acquisition.page.review.choosing import choice
from acquisition.page.review.kept import Shelf, is_recording
from acquisition.page.review.windows import Windows, recorded_windows
from acquisition.typed_text import typed_text
from protocols.errors import PatchrigError, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from acquisition.page.desk import Desk
    from acquisition.page.review.kept import Kept
    from acquisition.session.audit import Decision

HEAVY = tuple(f"/api/review/{name}" for name in ("figure.", "measures.csv", "trace.csv", "recomputed"))
"""What takes seconds of a core."""
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
        told = await posted(request, "{sweep, act, reason}")
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
    return Facts({"first": first, "names": [first] if alone else names, "watching": alone})


def _session(kept: Kept, _: Request) -> Response:
    from acquisition.page.review.listing import told

    return Facts(told(kept))


def _sweep(kept: Kept, request: Request) -> Response:
    from acquisition.page.review.traces import facts

    return Facts(facts(kept, _index(kept, request)))


def _trace(kept: Kept, request: Request) -> Response:
    from acquisition.page.review.traces import columns

    span = None
    if "start" in request.query_params:
        span = (seconds(request, "start"), seconds(request, "stop"))
    most, number = whole(request, "columns", COLUMNS), whole(request, "id", 0)
    block = columns(kept, _index(kept, request), number, span, most)
    return Response(block, media_type="application/octet-stream")


def _measured(kept: Kept, request: Request) -> Response:
    from acquisition.page.review.traces import measured

    return Facts(measured(kept, _index(kept, request), _windows(kept, request)))


def _recomputed(kept: Kept, request: Request) -> Response:
    """Answer with a line of JSON per sweep, as they are made; who goes away ends it."""
    from acquisition.page.review.again import recomputed

    def lines() -> Iterator[str]:
        for row in recomputed(kept, windows):
            yield json.dumps(row, allow_nan=False) + "\n"

    windows = _windows(kept, request)
    return StreamingResponse(lines(), media_type="application/x-ndjson")


def _results(kept: Kept, request: Request) -> Response:
    from acquisition.page.review.results import results

    return Facts(results(kept, _windows(kept, request)))


def _courses(kept: Kept, request: Request) -> Response:
    from acquisition.page.review.courses import courses

    return Facts(courses(kept, _windows(kept, request)))


def _figure(kept: Kept, request: Request) -> Response:
    from acquisition.page.review.exports import FORMATS, figure

    form = request.path_params["form"]
    return _file(figure(kept, form), FORMATS[form], f"{kept.path.stem}.{form}")


def _measures(kept: Kept, request: Request) -> Response:
    from acquisition.page.review.exports import measures

    return _file(measures(kept, _windows(kept, request)), "text/csv; charset=utf-8", f"{kept.path.stem}_measures.csv")


def _samples(kept: Kept, request: Request) -> Response:
    from acquisition.page.review.exports import trace

    index = _index(kept, request)
    return _file(trace(kept, index), "text/csv; charset=utf-8", f"{kept.path.stem}_sweep_{index:05d}.csv")


def _decide(kept: Kept, told: Mapping[str, Any]) -> Response:
    """Leave a sweep out of means or take it back: a line of the review record, with who, when and why."""
    from acquisition.session.audit import decide

    if is_recording(kept.path):
        raise Refused("this session is being recorded: leave sweeps out on the Run screen")
    sweep, act, reason = told.get("sweep"), told.get("act"), typed_text(told.get("reason"), LONGEST_REASON)
    if not is_number(sweep) or not isinstance(act, str):
        raise Refused("say which sweep, the act ('reject' or 'restore') and a reason")
    if not reason:
        raise Refused("say why: a decision without a reason means nothing in a year")
    if act not in DECISION or all(s.index != sweep for s in kept.sweeps):
        raise Refused(f"there is no sweep {sweep} to {typed_text(act, LONGEST_REASON)}")
    if (sweep in kept.rejected) == (act == "reject"):
        raise Refused(f"sweep {sweep} is {'left out' if act == 'reject' else 'not left out'} already")
    entry = decide(kept.path, kept.identifier, DECISION[act], sweep, reason, who=getpass.getuser())
    return Facts(vars(entry))


def _index(kept: Kept, request: Request) -> int:
    index = whole(request, "sweep")
    if all(s.index != index for s in kept.sweeps):
        raise Refused(f"there is no sweep {index} in {kept.path.name}")
    return index


def _windows(kept: Kept, request: Request) -> Windows:
    windows = Windows.parsed(request.query_params.get("windows"))
    windows.check(recorded_windows(kept.settings, kept.layouts))
    return windows


def _file(content: bytes, media: str, name: str) -> Response:
    return Response(content, media_type=media, headers={"content-disposition": f'attachment; filename="{name}"'})
