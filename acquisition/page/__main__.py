"""The page's server as a process of its own: `python -m acquisition.page`; what it serves comes on standard input."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from acquisition.page.desk import Desk
from acquisition.page.security import Keys
from acquisition.page.server import listening, serve


def main() -> None:
    """Serve what the one line of JSON on standard input says, until told to end or nobody is left."""
    told = json.loads(sys.stdin.readline())
    desk = Desk(
        session=_path(told.get("session")), pid=told.get("pid"), protocol=_path(told.get("protocol")),
        rig=_path(told.get("rig")), folder=Path(told.get("folder", ".")), first=told.get("first", "run"),
    )  # fmt: skip
    try:
        at = listening(told["host"], told["port"])
    except OSError as error:
        sys.exit(f"the page cannot be at port {told['port']}: {error.strerror}. Choose another with --port")
    serve(desk, Keys(told["control"], told["watch"]), at, hosts=tuple(told["hosts"]), ends_alone=True)


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


if __name__ == "__main__":
    main()
