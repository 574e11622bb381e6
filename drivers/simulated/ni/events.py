"""Software events: every n samples, and the end of a task. Over gRPC each registration is a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nidaqmx._stubs import nidaqmx_pb2 as pb

from drivers.simulated.ni import codes
from drivers.simulated.ni.codes import DaqmxError
from drivers.simulated.ni.task import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from drivers.simulated.ni.board import Board
    from drivers.simulated.ni.task import Task

GLANCE = 0.02
"""Seconds of a person's time between looks at a task where nothing happens."""


def register(task: Task, event: str) -> None:
    """Note a registration; the driver takes one per event, and none in flight."""
    if task.state in (State.ARMED, State.RUNNING):
        raise DaqmxError(codes.REGISTERED_WHILE_RUNNING, f"Task Name: {task.name}")
    if event in task.events:
        raise DaqmxError(codes.EVENT_REGISTERED_TWICE, f"Task Name: {task.name}")
    task.events.add(event)


def unregister(task: Task, event: str) -> None:
    """Forget a registration."""
    if task.state in (State.ARMED, State.RUNNING):
        raise DaqmxError(codes.UNREGISTERED_WHILE_RUNNING, f"Task Name: {task.name}")
    task.events.discard(event)


def every(board: Board, task: Task, n: int) -> Iterator[int | None]:
    """Yield 0 each time `n` samples more have come, and None at looks in between."""
    following = n
    while board.tasks.get(task.name) is task and "samples" in task.events:
        with board.lock:
            if board.pace.passes_by_itself:
                board.advance()
            due = task.state is State.RUNNING and task.position >= following
            if due:
                following += n
            else:
                following = following if task.state is State.RUNNING else n
                board.changed.wait(GLANCE)
        yield 0 if due else None


def ending(board: Board, task: Task) -> Iterator[int | None]:
    """Yield the error code, 0 for none, once the task has ended by itself, and None at looks before."""
    while board.tasks.get(task.name) is task and "done" in task.events:
        with board.lock:
            if board.pace.passes_by_itself:
                board.advance()
            by_itself = task.state is State.RUNNING and task.timing is not None and task.is_done
            ended = by_itself or task.state is State.BROKEN
            status = task.error.code if task.error else 0
            if not ended:
                board.changed.wait(GLANCE)
        yield status if ended else None
        if ended:
            return


def _follow_samples(board: Board, task: Task, r: Any) -> Iterator[Any]:
    register(task, "samples")
    kind, n = r.every_n_samples_event_type_raw, r.n_samples
    answer = pb.RegisterEveryNSamplesEventResponse(every_n_samples_event_type_raw=kind, n_samples=n)
    return (None if status is None else answer for status in every(board, task, n))


def _follow_end(board: Board, task: Task, _: Any) -> Iterator[Any]:
    register(task, "done")
    return (None if status is None else pb.RegisterDoneEventResponse(status=status) for status in ending(board, task))


REGISTERING: Mapping[str, Callable[..., Iterator[Any]]] = {
    "RegisterEveryNSamplesEvent": _follow_samples,
    "RegisterDoneEvent": _follow_end,
}


def _unregister_samples(board: Board, r: Any) -> Any:
    unregister(board.task(r.task.name), "samples")
    return pb.UnregisterEveryNSamplesEventResponse()


def _unregister_end(board: Board, r: Any) -> Any:
    unregister(board.task(r.task.name), "done")
    return pb.UnregisterDoneEventResponse()


UNREGISTERING: Mapping[str, Callable[[Board, Any], Any]] = {
    "UnregisterEveryNSamplesEvent": _unregister_samples,
    "UnregisterDoneEvent": _unregister_end,
}
