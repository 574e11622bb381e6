"""A recording goes before what else the computer does, as far as the operating system lets it.

The card paces the samples and keeps 10 s of them, so nothing is lost when this process has to wait for its turn. But
then blocks are late: on the screen, in seeing that the mode was turned, in the command after a failure. Why it is done
this way, with figures: docs/decisions/0012-the-recording-goes-first.md.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from acquisition.precedence.way import Way

log = logging.getLogger(__name__)

UNWANTED = "PATCHRIG_NO_PRECEDENCE"
"""Name of the environment variable that, set to anything, leaves the process as it was started."""
EVERY = 0.5
"""Seconds between looks for threads that began meanwhile."""


@contextmanager
def going_first(ways: Sequence[Way] | None = None) -> Iterator[Way | None]:
    """Go before other programs as long as this lasts; gives the way that the system allowed, None if none.

    Parameters
    ----------
    ways
        To be tried in turn; those of this system if left out.
    """
    way = _allowed(ways_here() if ways is None else ways)
    if way is None:
        yield None
        return
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(way, over), name="precedence", daemon=True)
    try:
        keeper.start()
        yield way
    finally:
        over.set()
        keeper.join()
        with suppress(OSError):
            way.give_back()


def ways_here() -> Sequence[Way]:
    """Return the ways of this system, the best first."""
    if UNWANTED in os.environ:
        return ()
    if sys.platform == "linux":
        from acquisition.precedence.linux import NiceThreads, RealTime, danger

        return (NiceThreads(),) if danger() else (RealTime(), NiceThreads())
    from acquisition.precedence.elsewhere import HighClass, NiceProcess

    return (HighClass(),) if os.name == "nt" else (NiceProcess(),)


def advice(way: Way | None) -> str:
    """Return what a person can do to have more than `way`; empty if there is no more."""
    if UNWANTED in os.environ:
        return f"take {UNWANTED} out of the environment"
    if way is not None and way.is_strict:
        return ""
    if sys.platform == "linux":
        from acquisition.precedence.linux import how_to_allow

        return how_to_allow()
    return "close programs that keep the computer busy"


def _allowed(ways: Sequence[Way]) -> Way | None:
    for way in ways:
        try:
            way.take()
        except OSError as error:
            log.debug("%s: %s", way.words, error)
        else:
            return way
    return None


def _keep(way: Way, over: threading.Event) -> None:
    """Let new threads go first, too: this one, for a beginning."""
    while True:
        with suppress(OSError):
            way.take()
        if over.wait(EVERY):
            return
