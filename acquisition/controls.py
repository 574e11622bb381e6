"""The person's hand on a run: stop, pause, next step, a note. Any thread may ask; the engine looks between blocks."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Literal, get_args

from protocols.errors import PatchrigError, StoppedByPerson

Stage = Literal["bath", "patch", "cell", "monitor"]
STAGES: tuple[Stage, ...] = get_args(Stage)
MOST_WISHES = 64
"""Wishes that wait at most; the engine takes them every 50 ms, so that more would be a flood."""


class StepLeft(PatchrigError):
    """The person goes on to the next step."""


class StageOver(PatchrigError):
    """The person watches the pipette in another way from now on, or no longer."""


@dataclass(frozen=True)
class Asked:
    """Something that the person wants written down, or done between sweeps."""

    kind: Literal["mark", "note", "reject", "restore", "solution"]
    text: str = ""
    """Of a mark or note; reason of a rejection; name of a solution."""
    sweep: int | None = None
    asked: float | None = None
    """When the person asked, seconds from the session's start."""


class Controls:
    """Wishes of the person, seen by the engine between sample blocks and while it waits."""

    def __init__(self) -> None:
        """Nothing is wished yet."""
        self._stop_now = threading.Event()
        self._stop_after_sweep = threading.Event()
        self._pause = threading.Event()
        self._skip_finish = threading.Event()
        self._next_step = threading.Event()
        self._lock = threading.Lock()
        self._can_leave = False
        self._stage: Stage | None = None
        self._watching: Stage | None = None
        self._wishes: deque[Asked] = deque()
        self.was_stopped = False
        """Whether a stop was ever wished."""

    def stop(self, *, after_sweep: bool = False) -> None:
        """End the run, now or after this sweep. Asked for again, leave out the protocol's 'finish' as well."""
        self.was_stopped = True
        if self._stop_now.is_set():
            self._skip_finish.set()
        (self._stop_after_sweep if after_sweep else self._stop_now).set()

    def take_back_stop(self) -> bool:
        """Go on after this sweep after all; return False if no stop waits for the end of a sweep."""
        if self.stops != "after sweep":
            return False
        self._stop_after_sweep.clear()
        self.was_stopped = False
        return True

    def pause(self) -> None:
        """Hold after this sweep, at the present holding level."""
        self._pause.set()

    def resume(self) -> None:
        """Go on, with the protocol and not with the pipette."""
        self._stage = None
        self._pause.clear()

    def toggle_pause(self) -> None:
        """Pause, or go on."""
        (self.resume if self.paused else self.pause)()

    @property
    def paused(self) -> bool:
        """Whether a pause is wished."""
        return self._pause.is_set()

    @property
    def stops(self) -> Literal["", "now", "after sweep"]:
        """Which stop is wished."""
        return "now" if self._stop_now.is_set() else "after sweep" if self._stop_after_sweep.is_set() else ""

    # --- steps ------------------------------------------------------------------------------------------------------

    def begin_step(self, *, can_be_left: bool) -> None:
        """Forget what was wished for the step before: another begins."""
        with self._lock:
            self._can_leave = can_be_left
            self._next_step.clear()

    def next_step(self) -> bool:
        """Go on to the next step after this sweep, in a hold at once; return False for a step that others need."""
        with self._lock:
            if self._can_leave:
                self._next_step.set()
            return self._can_leave

    @property
    def can_leave_step(self) -> bool:
        """Whether the present step may be left."""
        return self._can_leave

    @property
    def leaves_step(self) -> bool:
        """Whether that is wished."""
        return self._next_step.is_set()

    # --- the pipette ------------------------------------------------------------------------------------------------

    def watch_pipette(self, stage: Stage | None) -> None:
        """Pause, and play test pulses as `stage` says until told otherwise; None ends them and stays paused."""
        if stage is not None:
            self._pause.set()
        self._stage = stage

    @property
    def stage(self) -> Stage | None:
        """How the pipette is to be watched."""
        return self._stage

    def watching(self, stage: Stage | None) -> None:
        """Say which test pulses are being played: the engine alone."""
        self._watching = stage

    # --- wishes -----------------------------------------------------------------------------------------------------

    def ask(self, asked: Asked) -> bool:
        """Leave a wish; False if too many wait already."""
        with self._lock:
            if len(self._wishes) >= MOST_WISHES:
                return False
            self._wishes.append(asked)
            return True

    def take_wishes(self, *, between_sweeps: bool) -> list[Asked]:
        """Return and forget the wishes that can be fulfilled now; a change of solution waits for a sweep's end."""
        if not self._wishes:
            return []
        with self._lock:
            ripe = [w for w in self._wishes if between_sweeps or w.kind != "solution"]
            self._wishes = deque(w for w in self._wishes if w not in ripe)
            return ripe

    @property
    def solutions_wished(self) -> tuple[str, ...]:
        """Names of the solutions that wait for the end of a sweep."""
        with self._lock:
            return tuple(w.text for w in self._wishes if w.kind == "solution")

    # --- the engine's looks -----------------------------------------------------------------------------------------

    def check_within_sweep(self, kind: str = "") -> None:
        """Raise if the sweep should end in its middle.

        Raises
        ------
        StoppedByPerson
            The run is to end at once.
        StageOver
            The pipette is to be watched in another way.
        StepLeft
            The next step is to begin, and this is a hold, which is one long sweep.
        """
        if self._stop_now.is_set():
            raise StoppedByPerson("at once")
        if self._watching is not None and (self._stage is not self._watching or self._stop_after_sweep.is_set()):
            raise StageOver(f"the pipette was watched ({self._watching})")
        if kind == "hold" and self._next_step.is_set():
            raise StepLeft("left for the next step")

    def check_between_sweeps(self) -> None:
        """Raise `StoppedByPerson` or `StepLeft` if the run, or its step, should end before the next sweep."""
        self.check_within_sweep()
        if self._stop_after_sweep.is_set():
            raise StoppedByPerson("after the sweep")
        if self._next_step.is_set():
            raise StepLeft("left for the next step")

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
        self._stage = None
        self._pause.clear()
