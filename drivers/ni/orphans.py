"""Our tasks on a device server, where a killed program leaves them to hold the card and its outputs for ever.

A program's tasks die with it on its own computer; a device server keeps them. Ours have names, so that they can be
found, and their owner in the names: a task is reached by its name alone, so a program that has slept while another took
the card would otherwise read, write and clear that one's tasks. Whether an owner lives, its claim says (see `claim`).
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from nidaqmx import GrpcSessionOptions, Task
from nidaqmx.errors import Error
from nidaqmx.grpc_session_options import SessionInitializationBehavior

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger(__name__)

ID = 8
"""Digits of its owner's number in a task's name."""


def task_name(device: str, what: str, owner: str = "") -> str:
    """Return the name of the task that does `what` on a card for the owner of that number, as NI-DAQmx allows names."""
    return re.sub(r"\W", "_", f"patchrig_{device}_{what}" + (f"_{owner[:ID]}" if owner else ""))


def take_off(channel: Any, names: Sequence[str]) -> None:
    """Clear those of the tasks `names` that are there. Only for names of the dead. Outputs keep their levels."""
    found = [task for name in names if (task := attached(channel, name)) is not None]
    for task in found:
        _clear(task)
    if found:
        log.warning("tasks of a program that was killed were taken off the card")


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
