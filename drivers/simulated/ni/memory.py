"""What C gives and takes by pointers."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from drivers.simulated.ni import codes
from drivers.simulated.ni.codes import DaqmxError


def store(pointer: int | None, kind: Any, value: Any) -> None:
    """Write one number where a pointer says; null is nowhere."""
    if pointer:
        kind.from_address(pointer).value = value


def store_text(pointer: int | None, size: int, text: str) -> int:
    """Write a string; with size 0, return the size it needs."""
    raw = text.encode() + b"\0"
    if size == 0:
        return len(raw)
    if size < len(raw):
        raise DaqmxError(codes.BUFFER_TOO_SMALL_FOR_STRING)
    ctypes.memmove(pointer or 0, raw, len(raw))
    return 0


def store_array(pointer: int | None, size: int, values: Any) -> int:
    """Write a NumPy array; with size 0, return the size it needs, in elements."""
    if size == 0:
        return len(values)
    if size < len(values):
        raise DaqmxError(codes.ARRAY_TOO_SMALL)
    ctypes.memmove(pointer or 0, values.ctypes.data, values.nbytes)
    return 0


def array_at(pointer: int | None, kind: Any, n: int) -> Any:
    """Return a copy of `n` numbers from a pointer on."""
    return np.frombuffer(ctypes.string_at(pointer or 0, n * np.dtype(kind).itemsize), kind)
