"""Who has a card on a device server: an idle task there, whose channel's description its owner keeps changing.

Between its sweeps a program holds nothing on the card, and another computer, or another user, would not see it. Tasks
of a device server are everybody's and outlive their programs; so the task's name says that the card is taken, and the
description says by whom, and that he lives. Whoever is silent for too long (asleep, stopped, without a network) loses
the card, and must see that before he acts on it again. The channel's name is its owner's own: a sign of life that was
on its way while the card changed hands does not find the channel, and cannot sign the claim of another.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nidaqmx import GrpcSessionOptions, Task
from nidaqmx.errors import Error
from nidaqmx.grpc_session_options import SessionInitializationBehavior

from drivers.ni.failures import DUPLICATE, NO_SUCH_TASK, CardError, code_of, ours
from drivers.ni.orphans import ID, attached, take_off, task_name
from drivers.ni.owner import Owner, owner_in
from protocols.errors import TakenByAnother

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

CLAIM = "claim"
BEAT = 0.5
"""Seconds between signs of life."""
SILENCE = 3.0
"""Seconds without one after which an owner of whom nothing else is known is taken for dead."""
GONE = (
    "our claim on it is gone: the device server was restarted, or another patchrig had the card while this "
    "program was stopped; nobody knows what it was used for meanwhile"
)


class Claim:
    """A card that is ours on a device server, from `take` to `release`."""

    def __init__(self, device: str, channel: Any, *, wait: Callable[[float], object] = time.sleep) -> None:
        """Take nothing yet; `wait` lets seconds pass while signs of life of another owner are looked for."""
        self._device, self._channel, self._wait = device, channel, wait
        self._name, self._me = task_name(device, CLAIM), Owner()
        self._task: Any = None
        self._place: Any = None
        self._lost: TakenByAnother | None = None
        self._answers = True
        self._beats, self._over = 0, threading.Event()
        self._thread = threading.Thread(target=self._live, name="claim", daemon=True)

    @property
    def owner(self) -> str:
        """Number of whoever has the card by this claim."""
        return self._me.id

    def take(self, kinds: Sequence[str] = (), *, by_force: bool = False) -> None:
        """Have the card; what a dead owner has left there, the claim and its tasks of `kinds`, is taken away.

        Raises
        ------
        TakenByAnother
            A living program has it, and `by_force` is not given.
        CardError
            The card cannot be reached.
        """
        if not self._make():
            told = self._told()
            if not by_force:
                self._refuse_beside_the_living(told)
            dead = owner_in(told)
            left = [task_name(self._device, kind, dead.id) for kind in kinds] if dead else []
            take_off(self._channel, [self._name, *left])
            if not self._make():
                raise self._refusal("somebody else took it at this moment")
        self._thread.start()

    def check(self) -> None:
        """Make sure that the card is ours still; asked before every act on it.

        Raises
        ------
        TakenByAnother
            Another program has taken it, for good: we do not come back when that one has gone.
        CardError
            The claim is gone; `reclaim` may have it again, for the way to rest.
        nidaqmx.errors.Error
            The device server does not answer.
        """
        mine = self._lost is None and self._is_mine()
        if self._lost is not None:
            raise self._lost
        if not mine:
            raise CardError(self._device, GONE, code=NO_SUCH_TASK, task=CLAIM)

    def reclaim(self) -> None:
        """Make sure that no other has the card, for the way to rest; a claim that is gone is made again.

        Where the device server did not answer the last question it is not asked another: that may take seconds.

        Raises
        ------
        TakenByAnother
            Another program has taken it.
        """
        if self._answers and self._lost is None:
            with suppress(Error, CardError):  # those who act are told
                if not self._is_mine() and self._lost is None and not self._make():
                    self._is_mine()  # somebody was quicker
        if self._lost is not None:
            raise self._lost

    def beat(self) -> None:
        """Give a sign of life."""
        self._beats += 1
        self._place.description = self._me.told(self._beats)

    def release(self) -> None:
        """Let go of the card, unless it is another's by now; once more does no harm."""
        task, self._task = self._task, None
        if task is None:
            return
        self._over.set()
        self._thread.join(2 * BEAT)
        with suppress(Error):
            if self._lost is None and self._is_mine():
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
                own = f"claim_{self._me.id[:ID]}"
                self._place = self._task.ai_channels.add_ai_voltage_chan(f"{self._device}/ai0", own)
                self.beat()
            except BaseException:
                with suppress(Error):
                    self._task.close()
                self._task = None
                raise
        return True

    def _is_mine(self) -> bool:
        """Ask the server whether we have the card; whoever else has it is kept in `_lost`."""
        try:
            self._place.description  # noqa: B018  a property that asks; the channel is there as long as the claim is
        except Error as error:
            self._answers = code_of(error) is not None
            if not self._answers:
                raise
            owner = owner_in(self._told())
            if owner is not None and owner.id != self._me.id:
                self._lose(owner)
            elif code_of(error) != NO_SUCH_TASK:
                raise
            return False
        self._answers = True
        return True

    def _lose(self, owner: Owner) -> None:
        words = f"NOT OURS ANY MORE: {owner.words()}, has taken the card while this program gave no sign of life"
        self._lost = TakenByAnother(self._device, f"{words}. Nothing of the rig is touched beside that one")
        log.warning("%s", self._lost)

    def _live(self) -> None:
        missed = 0
        while not self._over.wait(BEAT) and self._lost is None:
            try:
                self.beat()
                missed = 0
            except Error as error:
                if self._is_known_lost():
                    return
                missed += 1
                level = logging.WARNING if missed == 1 else logging.DEBUG
                log.log(level, "%s: a sign of life did not arrive; others may take the card: %s", self._device, error)
            except ValueError:  # gRPC's word for a channel that was closed: the card is not needed any more
                return

    def _is_known_lost(self) -> bool:
        with suppress(Error):
            self._is_mine()
        return self._lost is not None

    # --- another's --------------------------------------------------------------------------------------------

    def _refuse_beside_the_living(self, told: str) -> None:
        owner = owner_in(told)
        if owner is not None and owner.is_known_dead():
            log.warning("%s: taken over from a program that was killed (%s)", self._device, owner.words())
            return
        for _ in range(round(SILENCE / BEAT)):
            self._wait(BEAT)
            if self._told() != told:
                raise self._refusal(owner.words() if owner else "it has just begun")
        who = owner.words() if owner else told or "unnamed"
        log.warning("%s: taken over from a program that gives no sign of life (%s)", self._device, who)

    def _refusal(self, who: str) -> TakenByAnother:
        words = f"another patchrig is measuring with this card: {who}; end that one first"
        return TakenByAnother(self._device, words)

    def _told(self) -> str:
        """Return what stands in the claim; '' if it has gone, or does not say yet whose it is."""
        return _told(self._channel, self._name)


def owner_of(channel: Any, device: str) -> Owner | None:
    """Return whose claim stands on a card, living or dead; None if there is none, or it does not say."""
    return owner_in(_told(channel, task_name(device, CLAIM)))


def _told(channel: Any, name: str) -> str:
    task = attached(channel, name)
    try:
        return str(task.ai_channels[0].description) if task is not None else ""
    except (Error, LookupError):
        return ""
