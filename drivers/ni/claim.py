"""Who has a card on a device server: an idle task there, whose description its owner keeps changing.

Between its sweeps a program holds nothing on the card, and another computer, or another user, would not see it. Tasks
of a device server are everybody's and outlive their programs; so the name says that the card is taken, and the
description says by whom, and that he lives.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from nidaqmx import GrpcSessionOptions, Task
from nidaqmx.errors import Error
from nidaqmx.grpc_session_options import SessionInitializationBehavior

from drivers.ni.failures import DUPLICATE, CardError, code_of, ours
from drivers.ni.orphans import attached, take_off, task_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

CLAIM = "claim"
BEAT = 0.5
"""Seconds between signs of life."""
SILENCE = 3.0
"""Seconds without one after which an owner on another computer is taken for dead."""


@dataclass(frozen=True)
class Owner:
    """A program that has a card."""

    id: str = field(default_factory=lambda: uuid4().hex)
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=platform.node)
    since: str = field(default_factory=lambda: datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"))

    def words(self) -> str:
        """Return who it is."""
        return f"process {self.pid} on {self.host or 'a computer without a name'}, since {self.since}"

    def is_known_dead(self) -> bool:
        """Return whether it was a process of this computer that has ended; False also where nobody can say."""
        return self.host == platform.node() and _has_ended(self.pid)


class Claim:
    """A card that is ours on a device server, from `take` to `release`."""

    def __init__(self, device: str, channel: Any, *, wait: Callable[[float], object] = time.sleep) -> None:
        """Take nothing yet; `wait` lets seconds pass while signs of life of another owner are looked for."""
        self._device, self._channel, self._wait = device, channel, wait
        self._name, self._me = task_name(device, CLAIM), Owner()
        self._task: Any = None
        self._place: Any = None
        self._beats, self._over = 0, threading.Event()
        self._thread = threading.Thread(target=self._live, name="claim", daemon=True)

    def take(self, tasks: Sequence[str] = (), *, by_force: bool = False) -> None:
        """Have the card; what a dead owner has left there, the claim and `tasks`, is taken away.

        Raises
        ------
        CardError
            A living program has it, and `by_force` is not given; or the card cannot be reached.
        """
        if not self._make():
            if not by_force:
                self._refuse_beside_the_living()
            take_off(self._channel, [self._name, *tasks])
            if not self._make():
                raise self._refusal("somebody else took it at this moment")
        self._thread.start()

    def beat(self) -> None:
        """Give a sign of life."""
        self._beats += 1
        told = json.dumps({**asdict(self._me), "beat": self._beats})
        self._place.description = told

    def release(self) -> None:
        """Let go of the card, unless somebody took it by force; once more does no harm."""
        task, self._task = self._task, None
        if task is None:
            return
        self._over.set()
        self._thread.join(2 * BEAT)
        if _owner(_told(attached(self._channel, self._name))) in (self._me, None):
            with suppress(Error):
                task.close()

    # --- ours -------------------------------------------------------------------------------------------------

    def _make(self) -> bool:
        """Make the task; return False if there is one."""
        new = SessionInitializationBehavior.INITIALIZE_SERVER_SESSION
        with ours(self._device, "card"):
            options = GrpcSessionOptions(self._channel, self._name, initialization_behavior=new)
            try:
                self._task = Task(self._name, grpc_options=options)
            except Error as error:
                if code_of(error) != DUPLICATE:
                    raise
                return False
            try:
                # a channel has a place for a text; a task that is never started holds nothing of the card
                self._place = self._task.ai_channels.add_ai_voltage_chan(f"{self._device}/ai0")
                self.beat()
            except BaseException:
                with suppress(Error):
                    self._task.close()
                self._task = None
                raise
        return True

    def _live(self) -> None:
        while not self._over.wait(BEAT):
            try:
                self.beat()
            except Error as error:
                log.debug("a sign of life did not arrive: %s", error)

    # --- another's --------------------------------------------------------------------------------------------

    def _refuse_beside_the_living(self) -> None:
        told = _told(attached(self._channel, self._name))
        owner = _owner(told)
        if owner is not None and owner.is_known_dead():
            log.warning("%s: taken over from a program that was killed (%s)", self._device, owner.words())
            return
        for _ in range(round(SILENCE / BEAT)):
            self._wait(BEAT)
            if _told(attached(self._channel, self._name)) != told:
                raise self._refusal(owner.words() if owner else "it has just begun")
        log.warning("%s: taken over from a program that gives no sign of life (%s)", self._device, told or "unnamed")

    def _refusal(self, who: str) -> CardError:
        words = f"another patchrig is measuring with this card: {who}; end that one first"
        return CardError(self._device, words, code=DUPLICATE, task=CLAIM)


def _told(task: Any) -> str:
    """Return what stands in a claim; '' if it has gone, or does not say yet whose it is."""
    try:
        return str(task.ai_channels[0].description) if task is not None else ""
    except (Error, LookupError):
        return ""


def _owner(told: str) -> Owner | None:
    try:
        facts = json.loads(told)
        return Owner(str(facts["id"]), int(facts["pid"]), str(facts["host"]), str(facts["since"]))
    except (ValueError, KeyError, TypeError):
        return None


def _has_ended(pid: int) -> bool:
    """Return whether no process of this computer has the number; on Windows nobody asks, and nobody can say."""
    if os.name != "posix":
        return False  # there os.kill would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    with suppress(OSError, IndexError):  # one that has ended, and that its parent has not asked about yet
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    return False
