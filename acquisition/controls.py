"""The person's hand on a run: stop, pause, go on. Any thread may ask; the engine looks between blocks."""

from __future__ import annotations

import threading

from protocols.errors import StoppedByPerson


class Controls:
    """Wishes of the person, seen by the engine between sample blocks and while it waits."""

    def __init__(self) -> None:
        """Nothing is wished yet."""
        self._stop_now = threading.Event()
        self._stop_after_sweep = threading.Event()
        self._pause = threading.Event()
        self._skip_finish = threading.Event()
        self.was_stopped = False
        """Whether a stop was ever wished."""

    def stop(self, *, after_sweep: bool = False) -> None:
        """End the run, now or after this sweep. Asked for again, leave out the protocol's 'finish' as well."""
        self.was_stopped = True
        if self._stop_now.is_set():
            self._skip_finish.set()
        (self._stop_after_sweep if after_sweep else self._stop_now).set()

    def pause(self) -> None:
        """Hold after this sweep, at the present holding level."""
        self._pause.set()

    def resume(self) -> None:
        """Go on."""
        self._pause.clear()

    def toggle_pause(self) -> None:
        """Pause, or go on."""
        (self.resume if self.paused else self.pause)()

    @property
    def paused(self) -> bool:
        """Whether a pause is wished."""
        return self._pause.is_set()

    def check_within_sweep(self) -> None:
        """Raise `StoppedByPerson` if the run should end in mid-sweep."""
        if self._stop_now.is_set():
            raise StoppedByPerson("at once")

    def check_between_sweeps(self) -> None:
        """Raise `StoppedByPerson` if the run should end before the next sweep."""
        self.check_within_sweep()
        if self._stop_after_sweep.is_set():
            raise StoppedByPerson("after the sweep")

    def begin_finish(self) -> None:
        """Forget the stop that led here, so that the protocol's 'finish' can run.

        Raises
        ------
        StoppedByPerson
            The person asked twice: 'finish' is left out.
        """
        if self._skip_finish.is_set():
            raise StoppedByPerson("stopped again by the person: 'finish' is left out")
        self._stop_now.clear()
        self._stop_after_sweep.clear()
        self._pause.clear()
