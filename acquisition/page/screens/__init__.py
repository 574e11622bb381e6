"""The screens' own requests: each module gives `routes(desk)`, all under /api/ and its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquisition.page.screens import protocol, review, rig

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from acquisition.page.desk import Desk
    from acquisition.page.feed import Feed

HEAVY = review.HEAVY
"""What the paths of requests that take seconds begin with."""
NAMES = ("run", "review", "protocol", "rig")


def routes(desk: Desk, feed: Feed) -> list[BaseRoute]:
    """Return the requests of all screens; the Run screen has none, it lives on the WebSocket."""
    return [*review.routes(desk), *protocol.routes(desk), *rig.routes(desk, feed)]
