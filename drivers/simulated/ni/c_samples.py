"""The C library's calls that move samples."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np

from drivers.simulated.ni import codes, digital
from drivers.simulated.ni.codes import DaqmxError
from drivers.simulated.ni.memory import array_at, store
from drivers.simulated.ni.streaming import read_counts, volts_of, write_volts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drivers.simulated.ni.buffers import Counts
    from drivers.simulated.ni.c_face import Face
    from drivers.simulated.ni.task import Task


def _read(face: Face, handle: int, n: int, timeout: float, got: int) -> tuple[Task, Counts, DaqmxError | None]:
    task = face.task(handle)
    store(got, ctypes.c_int32, 0)
    try:
        return task, read_counts(face.board, task, n, timeout), None
    except DaqmxError as error:
        if error.counts is None:
            raise
        return task, error.counts, error


def _deliver(samples: Any, fill: int, array: int, size: int, got: int, short: DaqmxError | None) -> None:
    if samples.size > size:
        raise DaqmxError(codes.READ_BUFFER_TOO_SMALL)
    out = np.ascontiguousarray(samples if fill == 0 else samples.T)
    ctypes.memmove(array, out.ctypes.data, out.nbytes)
    store(got, ctypes.c_int32, samples.shape[1])
    if short is not None:
        raise short


def _read_volts(
    face: Face, handle: int, n: int, timeout: float, fill: int, array: int, size: int, got: int, _: int
) -> None:
    task, counts, short = _read(face, handle, n, timeout, got)
    _deliver(volts_of(task, counts), fill, array, size, got, short)


def _read_raw(
    face: Face, handle: int, n: int, timeout: float, fill: int, array: int, size: int, got: int, _: int
) -> None:
    _task, counts, short = _read(face, handle, n, timeout, got)
    _deliver(counts, fill, array, size, got, short)


def _read_one(face: Face, handle: int, timeout: float, value: int, _: int) -> None:
    task = face.task(handle)
    if len(task.channels) != 1:
        raise DaqmxError(codes.NOT_ONE_CHANNEL, f"Task Name: {task.name}")
    volts = volts_of(task, read_counts(face.board, task, 1, timeout))
    store(value, ctypes.c_double, float(volts[0, 0]))


def _write_volts(
    face: Face, handle: int, n: int, auto: int, timeout: float, layout: int, array: int, written: int, _: int
) -> None:
    task = face.task(handle)
    channels = max(len(task.channels), 1)
    flat = array_at(array, np.float64, n * channels)
    volts = flat.reshape(channels, n) if layout == 0 else flat.reshape(n, channels).T
    try:
        done = write_volts(face.board, task, volts, timeout, auto_start=bool(auto))
    except DaqmxError as error:
        store(written, ctypes.c_int32, error.written or 0)
        raise
    store(written, ctypes.c_int32, done)


def _write_one(face: Face, handle: int, auto: int, timeout: float, value: float, _: int) -> None:
    write_volts(face.board, face.task(handle), np.array([[value]]), timeout, auto_start=bool(auto))


def _write_lines(
    face: Face, handle: int, n: int, auto: int, timeout: float, _layout: int, array: int, written: int, _: int
) -> None:
    task = face.task(handle)
    levels = array_at(array, np.uint8, n * len(task.pins))
    try:
        done = digital.write_lines(face.board, task, levels, n, timeout, auto_start=bool(auto))
    except DaqmxError as error:
        store(written, ctypes.c_int32, error.written or 0)
        raise
    store(written, ctypes.c_int32, done)


def _write_words(
    face: Face, handle: int, n: int, _auto: int, _timeout: float, _layout: int, array: int, written: int, _: int
) -> None:
    task = face.task(handle)
    digital.write_words(face.board, task, array_at(array, np.uint32, n * len(task.channels)), n)
    store(written, ctypes.c_int32, n)


def _write_word(face: Face, handle: int, _auto: int, _timeout: float, value: int, _: int) -> None:
    digital.write_words(face.board, face.task(handle), np.array([value], np.uint32), 1)


def _read_lines(
    face: Face, handle: int, _n: int, _timeout: float, _fill: int, array: int, size: int, got: int, width: int, _: int
) -> None:
    levels, bytes_per_channel = digital.read_lines(face.board, face.task(handle))
    if len(levels) > size:
        raise DaqmxError(codes.READ_BUFFER_TOO_SMALL)
    ctypes.memmove(array, levels, len(levels))
    store(got, ctypes.c_int32, 1)
    store(width, ctypes.c_int32, bytes_per_channel)


def _read_words(
    face: Face, handle: int, _n: int, _timeout: float, _fill: int, array: int, size: int, got: int, _: int
) -> None:
    words = np.array(digital.read_words(face.board, face.task(handle)), np.uint32)
    if len(words) > size:
        raise DaqmxError(codes.READ_BUFFER_TOO_SMALL)
    ctypes.memmove(array, words.ctypes.data, words.nbytes)
    store(got, ctypes.c_int32, 1)


def _read_word(face: Face, handle: int, _timeout: float, value: int, _: int) -> None:
    store(value, ctypes.c_uint32, digital.read_words(face.board, face.task(handle))[0])


SAMPLE_CALLS: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "ReadAnalogF64": ("PidiPuPP", _read_volts),
    "ReadAnalogScalarF64": ("PdPP", _read_one),
    "ReadBinaryI16": ("PidiPuPP", _read_raw),
    "WriteAnalogF64": ("PiudiPPP", _write_volts),
    "WriteAnalogScalarF64": ("PuddP", _write_one),
    "WriteDigitalLines": ("PiudiPPP", _write_lines),
    "WriteDigitalU32": ("PiudiPPP", _write_words),
    "WriteDigitalScalarU32": ("PuduP", _write_word),
    "ReadDigitalLines": ("PidiPuPPP", _read_lines),
    "ReadDigitalU32": ("PidiPuPP", _read_words),
    "ReadDigitalScalarU32": ("PdPP", _read_word),
}  # fmt: skip
"""As `c_calls.CALLS`."""
