"""Tasks that a killed program has left on a device server, where they hold the card and its outputs for ever.

A program's tasks die with it on its own computer; a device server keeps them. Ours have names, so that they can be
found: whoever is alive fetches its samples block by block, so a task whose samples pile up belongs to nobody.
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

    Returns whether they are gone. Outputs keep their levels.
    """
    if _is_fetched(channel, inputs):
        return False
    for name in names:
        if (task := _attached(channel, name)) is not None:
            _clear(task)
    log.warning("tasks of a program that was killed were taken off the card")
    return True


def _is_fetched(channel: Any, name: str) -> bool:
    """Return whether a task runs and somebody reads from it."""
    task = _attached(channel, name)
    if task is None:
        return False
    stream = task.in_stream
    try:
        waiting = int(stream.total_samp_per_chan_acquired) - int(stream.curr_read_pos)
        return waiting < PILE * float(task.timing.samp_clk_rate)
    except DaqError:
        return False  # it has broken down, or was never started


def _attached(channel: Any, name: str) -> Task | None:
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
