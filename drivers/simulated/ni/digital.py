"""Digital lines: written and read on demand, line by line or as words; line by line also on a sample clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.simulated.ni import codes
from drivers.simulated.ni.codes import DaqmxError
from drivers.simulated.ni.streaming import stream_out

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from drivers.simulated.ni.board import Board
    from drivers.simulated.ni.task import Task


def write_lines(
    board: Board, task: Task, levels: NDArray[np.uint8], samples: int, timeout: float, *, auto_start: bool
) -> int:
    """Write `levels`, a byte for each line of each channel, grouped by channel; return how many samples were taken.

    Without a sample clock the last sample stays; with one they are played as samples of analogue outputs are.
    """
    _check_output(task)
    lines = task.pins
    if samples < 1 or levels.size != samples * len(lines):
        raise DaqmxError(codes.WRONG_CHANNEL_COUNT, f"Task Name: {task.name}", written=0)
    if task.timing is not None:
        rows = levels.reshape(len(task.channels), samples, -1).swapaxes(1, 2).reshape(len(lines), samples)
        return stream_out(board, task, rows != 0, timeout, auto_start=auto_start)
    board.reserve(task)
    last = levels.reshape(samples, -1)[-1] if samples == 1 else _last_sample(task, levels, samples)
    board.set_lines(dict(zip(lines, (bool(v) for v in last), strict=True)))
    return samples


def _last_sample(task: Task, levels: NDArray[np.uint8], samples: int) -> NDArray[np.uint8]:
    """Return the last sample of data that are grouped by channel, channels all of one width."""
    return levels.reshape(len(task.channels), samples, -1)[:, -1].ravel()


def write_words(board: Board, task: Task, words: NDArray[np.uint32], samples: int) -> None:
    """Write one word per channel, the lowest bit to its first line."""
    _check_output(task)
    _check_on_demand(task)
    board.reserve(task)
    if samples < 1 or words.size != samples * len(task.channels):
        raise DaqmxError(codes.WRONG_CHANNEL_COUNT, f"Task Name: {task.name}", written=0)
    last = words.reshape(len(task.channels), samples)[:, -1]
    board.set_lines(
        {
            line: bool(int(word) >> bit & 1)
            for channel, word in zip(task.channels, last, strict=True)
            for bit, line in enumerate(channel.pins)
        }
    )


def read_lines(board: Board, task: Task) -> tuple[bytes, int]:
    """Return a byte for each line, and how many lines a channel has."""
    _check_readable(board, task)
    width = max(len(c.pins) for c in task.channels)
    return b"".join(bytes(board.lines[p] for p in c.pins).ljust(width, b"\0") for c in task.channels), width


def read_words(board: Board, task: Task) -> list[int]:
    """Return one word for each channel."""
    _check_readable(board, task)
    return [sum(board.lines[p] << bit for bit, p in enumerate(c.pins)) for c in task.channels]


def _check_output(task: Task) -> None:
    if task.kind != "do":
        raise DaqmxError(codes.NO_OUTPUTS, f"Task Name: {task.name}", written=0)


def _check_readable(board: Board, task: Task) -> None:
    if task.kind not in ("di", "do"):
        raise DaqmxError(codes.NO_INPUTS, f"Task Name: {task.name}", read=0)
    _check_on_demand(task)
    board.reserve(task)


def _check_on_demand(task: Task) -> None:
    if task.timing is not None:
        raise DaqmxError(codes.NOT_SUPPORTED, "With a sample clock, write line by line.")
