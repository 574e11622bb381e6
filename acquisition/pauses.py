"""Python's garbage collector, kept from halting a run."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def short_pauses() -> Iterator[None]:
    """Let the collector look only at what is made from now on.

    A full collection looks through all that numerical packages have made when they were imported. That halts every
    thread for 0.1 s, and its favourite moment is after a failure, when the command should go to its safe level.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
