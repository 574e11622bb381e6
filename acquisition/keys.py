"""Single keys during a run, where there is a keyboard: space pauses and goes on, s stops after the sweep."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

GLANCE = 0.1
"""Seconds between looks at the keyboard."""


class Keys:
    """Calls an action when its key is pressed. Without a keyboard it does nothing.

    On POSIX the terminal is put into a mode in which keys come at once and Ctrl-C still interrupts; it is put back on
    every way out. The branch for Windows is not tested there.
    """

    def __init__(self, actions: Mapping[str, Callable[[], None]]) -> None:
        """Listen to nothing yet."""
        self._actions = actions
        self._listening = threading.Event()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._before: Any = None

    def __enter__(self) -> Self:
        """Begin to listen, if there is a keyboard."""
        if sys.stdin.isatty():
            self._take()
            self._thread = threading.Thread(target=self._listen, name="keys", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the keyboard back."""
        self._over.set()
        if self._thread is not None:
            self._give_back()
            self._thread.join()

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Leave the keyboard to somebody who asks a question."""
        if self._thread is None:
            yield
            return
        self._give_back()
        try:
            yield
        finally:
            self._take()

    def _take(self) -> None:
        if sys.platform != "win32":
            import termios
            import tty

            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        self._listening.set()

    def _give_back(self) -> None:
        self._listening.clear()
        if sys.platform != "win32":
            import termios

            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def _listen(self) -> None:
        while not self._over.wait(0 if self._listening.is_set() else GLANCE):
            if self._listening.is_set() and (key := _pressed()) and (act := self._actions.get(key)):
                act()


def _pressed() -> str | None:
    """Return a key if one is pressed within a glance."""
    if sys.platform == "win32":
        import msvcrt
        import time

        time.sleep(GLANCE)
        return msvcrt.getwch() if msvcrt.kbhit() else None
    import os
    import select

    ready, _, _ = select.select([sys.stdin], [], [], GLANCE)
    return os.read(sys.stdin.fileno(), 1).decode(errors="replace") if ready else None
