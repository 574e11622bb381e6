"""One board behind the C library: handles, errors of each thread, threads that call back."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from drivers.simulated.ni import codes
from drivers.simulated.ni.codes import DaqmxError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from drivers.simulated.ni.board import Board
    from drivers.simulated.ni.task import Task

FIRST_HANDLE = 0x7F0000001000
"""Wider than 32 bits, as handles are in a 64-bit process: whoever cuts them in half is found out."""
SOFTWARE_FAULT = -50150


class Face:
    """Answers the calls; knows which handle is which task."""

    def __init__(self, board: Board) -> None:
        """Keep the board."""
        self.board, self.answered = board, 0
        self._handles: dict[int, Task] = {}
        self._next = FIRST_HANDLE
        self._said = threading.local()
        self._threads: list[threading.Thread] = []
        self._closed = threading.Event()

    def answer(self, name: str, act: Callable[..., Any], *arguments: Any) -> int:
        """Do what C asks and return the error code, or a size where one was asked for."""
        self.answered += 1
        try:
            with self.board.present(name):
                return int(act(self, *arguments) or 0)
        except DaqmxError as error:
            self._said.text = error.text
            return error.code
        except Exception as error:  # noqa: BLE001  ctypes would print it and go on with garbage
            self._said.text = f"{type(error).__name__}: {error}"
            return SOFTWARE_FAULT

    @property
    def last_error(self) -> str:
        """What went wrong last in this thread."""
        return str(getattr(self._said, "text", ""))

    def close(self) -> None:
        """Abort all tasks, as the driver does when its process ends; outputs stay where they are."""
        self._closed.set()
        with self.board.present():
            for task in list(self._handles.values()):
                if self.board.tasks.get(task.name) is task:
                    self.board.clear(task)
        for thread in self._threads:
            thread.join(1.0)

    def hand_out(self, task: Task) -> int:
        """Return a new handle for `task`."""
        self._next += 0x10
        self._handles[self._next] = task
        return self._next

    def clear(self, handle: int | None) -> None:
        """Clear a task and take its handle back."""
        self.board.clear(self.task(handle))
        self._handles.pop(handle or 0, None)

    def task(self, handle: int | None) -> Task:
        """Return the task of a handle."""
        task = self._handles.get(handle or 0)
        if task is None or self.board.tasks.get(task.name) is not task:
            raise DaqmxError(codes.INVALID_TASK)
        return task

    def follow(self, happenings: Iterator[int | None], tell: Callable[[int], object]) -> None:
        """Call back from a thread of the library's, as the driver does."""

        def run() -> None:
            for status in happenings:
                if self._closed.is_set():
                    return
                if status is not None:
                    tell(status)

        thread = threading.Thread(target=run, name="ni-board-events", daemon=True)
        self._threads.append(thread)
        thread.start()
