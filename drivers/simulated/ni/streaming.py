"""Reading from and writing to a task: what waits, what is short, what fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drivers.simulated.ni import codes
from drivers.simulated.ni.buffers import OutputBuffer
from drivers.simulated.ni.card import STEPS
from drivers.simulated.ni.codes import DaqmxError
from drivers.simulated.ni.task import (
    DO_NOT_REGENERATE,
    FIRST_SAMPLE,
    NEWEST,
    READ_POSITION,
    State,
    Task,
)

if TYPE_CHECKING:
    from drivers.simulated.ni.board import Board
    from drivers.simulated.ni.buffers import Counts, Volts


def read_counts(board: Board, task: Task, n: int, timeout: float) -> Counts:
    """Return converter counts (channels, n); n = -1 is all there are, or all of a finite task.

    Raises
    ------
    DaqmxError
        With -200284, `counts` are those that had come before `timeout` seconds were over.
    """
    if task.kind != "ai":
        raise DaqmxError(codes.NO_INPUTS, f"Task Name: {task.name}", read=0)
    if task.timing is None:
        return _read_now(board, task, max(n, 1))
    _ready(board, task)
    first, n = _stretch(task, n)
    deadline = board.pace.deadline(timeout)
    while task.input.acquired < first + n:
        now = board.pace.now()
        if now >= deadline:
            return _short(task, first)
        moment = task.moment_of(first + n) if task.state is State.RUNNING else deadline
        board.pace.wait(board.changed, min(moment, deadline))
        board.advance()
        _check_alive(board, task)
    return _taken(task, first, n)


def _ready(board: Board, task: Task) -> None:
    """Start the task if need be, and refuse where nothing can come any more."""
    task.raise_error()
    if task.state < State.ARMED and not (task.finite and task.input.acquired):
        board.start(task)
    elif task.state < State.ARMED and task.read_position >= task.input.acquired:
        raise DaqmxError(codes.NEVER_AVAILABLE, f"Task Name: {task.name}", read=0)


def _stretch(task: Task, n: int) -> tuple[int, int]:
    """Return the first sample wanted and how many."""
    bases = {FIRST_SAMPLE: 0, READ_POSITION: task.read_position, NEWEST: task.input.acquired}
    if task.relative_to not in bases:
        raise DaqmxError(codes.NOT_SUPPORTED, f"RelativeTo: {task.relative_to}", read=0)
    first = max(0, bases[task.relative_to] + task.offset)
    if n < 0:
        end = task.timing.count if task.timing is not None and task.finite else task.input.acquired
        n = max(0, end - first)
    if task.finite and task.timing is not None and first + n > task.timing.count:
        raise DaqmxError(codes.NEVER_AVAILABLE, f"Task Name: {task.name}", read=0)
    return first, n


def _check_alive(board: Board, task: Task) -> None:
    """Raise if the task was cleared, broken or stopped meanwhile."""
    if board.tasks.get(task.name) is not task:
        raise DaqmxError(codes.INVALID_TASK, read=0)
    task.raise_error()
    if task.state < State.ARMED:
        raise DaqmxError(codes.STOPPED_MEANWHILE, f"Task Name: {task.name}", read=0)


def _short(task: Task, first: int) -> Counts:
    """Raise with what has come in time."""
    counts = _taken(task, first, max(0, task.input.acquired - first))
    n = counts.shape[1]
    raise DaqmxError(codes.NOT_YET_AVAILABLE, f"Task Name: {task.name}", read=n, counts=counts)


def _taken(task: Task, first: int, n: int) -> Counts:
    if first < task.input.oldest:
        raise DaqmxError(codes.NO_LONGER_AVAILABLE, f"Task Name: {task.name}", read=0)
    task.read_position = first + n
    return task.input.take(first, n)


def _read_now(board: Board, task: Task, n: int) -> Counts:
    """Convert `n` times, as fast as software does; here that takes no time."""
    board.reserve(task)
    values = np.array([board.preparation.glance(pin, board.potentials) for pin in task.pins])
    counts = np.clip(np.round(values / task.steps), -STEPS, STEPS - 1).astype(np.int16)
    return np.repeat(counts[:, None], n, axis=1)


def volts_of(task: Task, counts: Counts) -> Volts:
    """Return counts (channels, n) in volts."""
    return counts * task.steps[:, None]


def write_volts(board: Board, task: Task, volts: Volts, timeout: float, *, auto_start: bool) -> int:
    """Write `volts` (channels, n), waiting up to `timeout` seconds for space; return how many were written."""
    _check_block(task, volts)
    if task.timing is None:
        return _write_now(board, task, volts, auto_start=auto_start)
    return stream_out(board, task, volts, timeout, auto_start=auto_start)


def stream_out(board: Board, task: Task, rows: Volts, timeout: float, *, auto_start: bool) -> int:
    """Append `rows` (pins, n) to what a clocked output will play, as `write_volts` does."""
    if task.error is not None:
        raise DaqmxError(task.error.code, f"Task Name: {task.name}", written=0)
    if task.played_out and task.state < State.ARMED:
        task.output, task.played_out, task.position = OutputBuffer(len(task.pins)), False, 0
    if task.output_size is None:
        task.output_size = rows.shape[1]
    done = _pour(board, task, rows, board.pace.deadline(timeout), auto_start=auto_start)
    if auto_start and task.state < State.ARMED:
        board.start(task)
    return done


def _check_block(task: Task, volts: Volts) -> None:
    if task.kind != "ao":
        raise DaqmxError(codes.NO_OUTPUTS, f"Task Name: {task.name}", written=0)
    if volts.shape[0] != len(task.channels):
        raise DaqmxError(codes.WRONG_CHANNEL_COUNT, f"Task Name: {task.name}", written=0)
    for channel, row in zip(task.channels, volts, strict=True):
        if row.size and (not np.isfinite(row).all() or row.min() < channel.low or row.max() > channel.high):
            raise DaqmxError(codes.VALUE_OUT_OF_RANGE, f"Channel Name: {channel.name}", written=0)


def _write_now(board: Board, task: Task, volts: Volts, *, auto_start: bool) -> int:
    board.reserve(task)
    if task.state is not State.RUNNING and not auto_start:
        raise DaqmxError(
            codes.NOT_STARTED, f"Task Name: {task.name} is not started and auto-start is false.", written=0
        )
    board.set_levels(dict(zip(task.pins, volts[:, -1], strict=True)))
    return int(volts.shape[1])


def _pour(board: Board, task: Task, volts: Volts, deadline: float, *, auto_start: bool) -> int:
    """Move samples into the buffer as space comes free."""
    done, total = 0, int(volts.shape[1])
    while True:
        n = max(0, min(task.space, total - done))
        task.output.append(volts[:, done : done + n].copy())
        done += n
        if done == total:
            return done
        if task.state < State.ARMED and auto_start:
            board.start(task)
        elif task.state < State.ARMED or task.regeneration != DO_NOT_REGENERATE or board.pace.now() >= deadline:
            raise DaqmxError(codes.NOT_YET_WRITTEN, f"Task Name: {task.name}", written=done)
        board.pace.wait(board.changed, min(_space_comes(board, task, total - done), deadline))
        board.advance()
        if task.error is not None:
            raise DaqmxError(task.error.code, f"Task Name: {task.name}", written=done)


def _space_comes(board: Board, task: Task, wanted: int) -> float:
    """Return when `wanted` samples have been played, by the clock that plays them."""
    wanted = min(wanted, task.output_size or wanted)
    clock = board.running(task.clocked_by) if task.clocked_by not in (None, task.kind) else task
    if clock is None or clock.state is not State.RUNNING:
        return float("inf")
    return clock.moment_of(clock.position + wanted)


def wait_until_done(board: Board, task: Task, timeout: float) -> None:
    """Return when the task has done all it will do."""
    deadline = board.pace.deadline(timeout)
    while not task.is_done:
        if board.pace.now() >= deadline:
            raise DaqmxError(codes.NOT_DONE, f"Task Name: {task.name}")
        own = task.plays and task.finite and task.clocked_by in (None, task.kind)
        end = task.moment_of(task.timing.count) if own and task.timing is not None else deadline
        board.pace.wait(board.changed, min(end, deadline))
        board.advance()
    task.raise_error()
