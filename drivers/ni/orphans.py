"""Tasks that a killed program has left on a device server, where they hold the card and its outputs for ever.

A program's tasks die with it on its own computer; a device server keeps them. Ours have names, so that they can be
found. Whether their program lives, its claim says (see `claim`). Besides, whoever is alive fetches its samples block by
block: tasks beside inputs that are fetched are left alone.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from nidaqmx import GrpcSessionOptions, Task
from nidaqmx.errors import DaqError, Error
from nidaqmx.grpc_session_options import SessionInitializationBehavior

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger(__name__)

PILE = 1.0
"""Seconds of samples that nobody fetched; a living program fetches every 20 to 100 ms."""


def task_name(device: str, what: str) -> str:
    """Return the name of our task that does `what` on a card, as NI-DAQmx allows names."""
    return re.sub(r"\W", "_", f"patchrig_{device}_{what}")


def take_away(channel: Any, inputs: str, names: Sequence[str]) -> bool:
    """Clear the tasks `names` at the server behind `channel` if nobody fetches the samples of the task `inputs`.

    Only for whoever has claimed the card. Returns whether they are gone. Outputs keep their levels.
    """
    if _is_fetched(channel, inputs):
        return False
    take_off(channel, names)
    return True


def take_off(channel: Any, names: Sequence[str]) -> None:
    """Clear those of the tasks `names` that are there, whosever they are. Outputs keep their levels."""
    found = [task for name in names if (task := attached(channel, name)) is not None]
    for task in found:
        _clear(task)
    if found:
        log.warning("tasks of a program that was killed were taken off the card")


def _is_fetched(channel: Any, name: str) -> bool:
    """Return whether a task runs and somebody reads from it."""
    task = attached(channel, name)
    if task is None:
        return False
    stream = task.in_stream
    try:
        waiting = int(stream.total_samp_per_chan_acquired) - int(stream.curr_read_pos)
        return waiting < PILE * float(task.timing.samp_clk_rate)
    except DaqError:
        return False  # it has broken down, or was never started


def attached(channel: Any, name: str) -> Task | None:
    """Return the task of that name at the server; None if there is none."""
    attach = SessionInitializationBehavior.ATTACH_TO_SERVER_SESSION
    try:
        return Task(name, grpc_options=GrpcSessionOptions(channel, name, initialization_behavior=attach))
    except Error:
        return None


def _clear(task: Task) -> None:
    for act in (task.stop, task.close):
        try:
            act()
        except Error as error:
            log.debug("a task that was left: %s", error)
