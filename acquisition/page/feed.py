"""The server's heart: follows a run, frame by frame, and has ready what viewers lack."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from acquisition.page.board import Board
from acquisition.page.decimation import column_width, columns_of
from acquisition.page.following import Following, followed
from acquisition.page.line import NOBODY, Line
from acquisition.page.messages import numbers
from acquisition.page.present import packed
from acquisition.page.telling import Teller
from protocols.errors import PatchrigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from types import TracebackType

    from acquisition.page.desk import Desk
    from acquisition.page.messages import Message
    from acquisition.page.security import Role
    from acquisition.page.story import Story
    from acquisition.register import Entry

log = logging.getLogger(__name__)

FRAME = 1 / 30
"""Seconds between frames: more would cost the recording punctuality and show nothing."""
SEARCH = 0.3
"""Seconds between looks for a run."""
LOOK = 1.0
"""Seconds between looks whether the run lives and how full the disk is."""
BETWEEN_LOOKS = 0.1
"""Seconds between close looks of those who only watch, all together: each costs some milliseconds."""
LEAST_COLUMNS, MOST_COLUMNS = 10, 4000
"""Of a stretch that somebody looks at closely."""
Place = tuple[int, int, int, int]
"""Generation of the story, sweep, window, and columns that a viewer has."""


class Feed:
    """One run, for any number of viewers."""

    def __init__(self, desk: Desk) -> None:
        """Follow nothing yet."""
        self._desk = desk
        self.board, self.viewers = Board(), 0
        self._following: Following | None = None
        self._line: Line | None = None
        self._teller: Teller | None = None
        self._frame, self._close_looks = asyncio.Event(), asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._generation = 0
        self._has_failed = False
        self._lives, self._looked = True, 0.0
        self._free: int | None = None
        self._busy = time.monotonic()
        self._idle: tuple[float, Callable[[], None]] | None = None

    async def __aenter__(self) -> Self:
        """Begin to follow."""
        self.board.put("status", _nothing(self._desk))
        self._tasks.append(asyncio.create_task(self._run()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop following."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._following is not None:
            self._following.close()

    def came(self) -> None:
        """Count a viewer that came."""
        self.viewers += 1

    def left(self) -> None:
        """Count a viewer that left."""
        self.viewers -= 1

    def looked(self) -> None:
        """Note that somebody looks at a screen that has no WebSocket."""
        self._busy = time.monotonic()

    @property
    def story(self) -> Story | None:
        """What is known of the run; None if there is none."""
        return None if self._following is None else self._following.story

    @property
    def entry(self) -> Entry | None:
        """What the register says of the run; None if there is none, or it was over when it was found."""
        return None if self._following is None else self._following.entry

    @property
    def goes_on(self) -> bool:
        """Whether a run goes on."""
        return self._following is not None and not self.is_over

    def when_idle(self, seconds: float, act: Callable[[], None]) -> None:
        """Call `act` once nobody has looked for `seconds` at a run that is over."""
        self._idle = (seconds, act)

    async def next_frame(self) -> None:
        """Return when there may be something new."""
        await self._frame.wait()

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to follow any more."""
        following = self._following
        return following is not None and (
            following.story is None or following.story.closed is not None or not self._lives
        )

    @property
    def controller(self) -> str | None:
        """Who has control, of all viewers of all pages of the run: the run itself keeps the lease."""
        return None if self._line is None else self._line.controller

    async def ask(self, act: str, fields: Mapping[str, Any], viewer: str) -> tuple[bool, str]:
        """Ask the run for something that `viewer` wishes."""
        if self._line is None:
            return (False, "the run is over") if self.is_over else NOBODY
        return await self._line.ask(act, fields, viewer)

    def traces(self, place: Place | None) -> tuple[list[bytes], Place | None]:
        """Return blocks of the present sweep that a viewer at `place` lacks, and where it is then."""
        story = None if self._following is None else self._following.story
        if story is None or story.present is None:
            return [], place
        present = story.present
        here = (self._generation, present.header.sweep.index, present.window)
        blocks = []
        have = place[3] if place is not None and place[:3] == here else 0
        if (place is None or place[0] != self._generation) and story.before is not None:
            blocks.append(story.before)
        block = present.block(have)
        if block is not None:
            blocks.append(block)
            have = min(c.complete for c in present.columns)
        return blocks, (*here, have)

    @asynccontextmanager
    async def close_looks(self, role: Role) -> AsyncIterator[None]:
        """Let who has the control key look closely at once, and all who watch one after another, with a pause."""
        if role == "control":
            yield
            return
        async with self._close_looks:
            yield
            await asyncio.sleep(BETWEEN_LOOKS)

    def zoom(self, wish: Message) -> bytes | None:
        """Return a stretch of the present window at another resolution; None if it is not that sweep any more.

        Raises
        ------
        Unreadable
            The wish lacks a number. Beyond the window there is nothing: what is asked of that is left out.
        """
        sweep, start, stop, columns = numbers(wish, "sweep", "start", "stop", "columns")
        story = None if self._following is None else self._following.story
        present = None if story is None else story.present
        if present is None or present.header.sweep.index != sweep:
            return None
        offset = present.window * present.window_n
        first, last = (max(0, min(round(t * present.rate) - offset, present.window_n)) for t in (start, stop))
        width = column_width(max(1, last - first), round(min(MOST_COLUMNS, max(LEAST_COLUMNS, columns))))
        rows = np.concatenate([columns_of(c.samples[first : max(first, last)], width) for c in present.columns])
        place = ((offset + first) / present.rate, width / present.rate)
        return packed("zoom", (present.header.sweep.index, wish.number, 0), rows, present.wall, place)

    async def _run(self) -> None:
        """Find a run, follow it to its end, and go on to the next."""
        while self._desk.first == "review" and not self.viewers:  # a file is looked at; its journal can wait
            self._rest()
            await asyncio.sleep(SEARCH)
        while True:
            try:
                found = await asyncio.to_thread(followed, self._desk)
            except (PatchrigError, OSError) as error:
                self.board.put("status", {**_nothing(self._desk), "state": "unreadable", "text": str(error)})
                found = None
            if found is None:
                self._rest()
                self._beat()
                await asyncio.sleep(SEARCH)
                continue
            try:
                await self._follow(found)
            except Exception:
                log.exception("the page lost its run, and looks for it again")
                await asyncio.sleep(LOOK)

    async def _follow(self, following: Following) -> None:
        """Follow one run until another has begun."""
        self._take(following)
        entry = following.entry
        self._line = Line(entry) if entry is not None and entry.door else None
        keeping = None if self._line is None else asyncio.create_task(self._line.keep())
        try:
            due = time.monotonic()
            while not (self.is_over and await self._another(following)):
                await self._one_frame(following)
                due = max(due + FRAME, time.monotonic())
                await asyncio.sleep(due - time.monotonic())
        finally:
            if keeping is not None:
                keeping.cancel()
            self._line = None
            following.close()

    async def _one_frame(self, following: Following) -> None:
        try:
            following.read()
        except PatchrigError as error:
            log.warning("%s", error)
        now = time.monotonic()
        if now - self._looked > LOOK:
            self._looked = now
            self._lives, self._free = await asyncio.to_thread(lambda: (following.lives, following.free()))
        self._tell(following)
        self._rest()
        self._beat()

    def _tell(self, following: Following) -> None:
        """Write the story onto the board. A part that fails is a line on stderr: the others are told all the same."""
        story = following.story
        if story is None or self._teller is None:
            return
        self.board.put("status", self._status(following))
        try:
            self._teller.tell(story, self._now(following), self._free, following.size)
        except Exception:
            if not self._has_failed:
                log.exception("a part of the page could not be made")
            self._has_failed = True

    def _rest(self) -> None:
        """Note whether anybody looks or anything goes on; end if neither has been so for long."""
        if self.viewers or self.goes_on:
            self._busy = time.monotonic()
        elif self._idle is not None and time.monotonic() - self._busy > self._idle[0]:
            self._idle[1]()

    def _take(self, following: Following) -> None:
        self._following, self._generation = following, self._generation + 1
        self.board.clear()
        self._teller = Teller(self.board, following.session)
        self._lives, self._looked = True, 0.0

    async def _another(self, following: Following) -> bool:
        """Return whether a run has begun that should be followed instead; looked at once a second."""
        if self._desk.session is not None or time.monotonic() - self._looked > 0.05:
            return False
        from acquisition.page.following import find

        found = await asyncio.to_thread(find, self._desk)
        return found is not None and found.session != following.session

    def _now(self, following: Following) -> float:
        """Return the session's time."""
        story = following.story
        latest = 0.0 if story is None else story.latest
        said = None if self._line is None else self._line.status
        if said is None or said.get("speed") is None:
            return latest
        return max(latest, float(said["now"]) + (time.time() - float(said["wall"])) * float(said["speed"]))

    def _status(self, following: Following) -> dict[str, Any]:
        """Return what the run said of itself, or else what its journal shows."""
        story, said = following.story, None if self._line is None else self._line.status
        if story is None:
            return _nothing(self._desk)
        if story.closed is not None or not self._lives:
            state = "over" if story.closed is not None else "lost"
            text = (
                _ending(following)
                if story.closed is not None
                else "the run has died; its recording is complete to its last sample"
            )
            return {
                **_nothing(self._desk),
                "state": state,
                "text": text,
                "now": story.latest,
                "sweep": len(story.sweeps),
            }
        if said is not None:
            return {**said, "sweep": len(story.sweeps)}
        recording = bool(story.sweeps) and story.sweeps[-1].end is None
        state = "recording" if recording else "waiting"
        words = "" if self._line is None else "no answer from the run: watching only"
        facts = {
            "state": state,
            "text": words,
            "now": story.latest,
            "wall": time.time() // 1,
            "sweep": len(story.sweeps),
        }
        return {**_nothing(self._desk), **facts, "label": story.sweeps[-1].label if story.sweeps else ""}

    def _beat(self) -> None:
        """Wake all viewers once."""
        self._frame.set()
        self._frame = asyncio.Event()


def _ending(following: Following) -> str:
    story = following.story
    last = next((e for e in reversed(story.log) if e.kind == "end"), None) if story else None
    return last.text if last else "the run is over"


def _nothing(desk: Desk) -> dict[str, Any]:
    """Return the status while there is no run."""
    words = "no run is on this computer; begin one with 'patchrig run PROTOCOL --view'"
    if desk.pid is not None or desk.session is not None:
        words = "waiting for the run to begin"
    return {
        "state": "none", "text": words, "now": None, "wall": None, "speed": 1.0, "until": None, "sweep": 0, "label": "",
        "series": None, "question": None, "stage": None, "can": [], "wishes": [],
    }  # fmt: skip
