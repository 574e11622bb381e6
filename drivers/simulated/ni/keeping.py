"""Who looks after the cell while no client asks."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drivers.simulated.ni.board import Board

BREATH = 0.05
"""Seconds of a person's time between looks."""


@contextmanager
def kept_alive(board: Board) -> Iterator[None]:
    """Let the cell live through wall time as it passes, so that no caller has to wait for an hour's life at once."""
    if not board.pace.passes_by_itself:
        yield
        return
    ended = threading.Event()

    def breathe() -> None:
        while not ended.wait(BREATH):
            with board.lock:
                board.advance()

    thread = threading.Thread(target=breathe, name="cell", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
