"""The calls of the C library: their arguments, and what each does to the board.

Prototypes are those of NIDAQmx.h, as `nidaqmx._library_interpreter` declares them; of variadic calls the arguments
that are passed. Strings and arrays are asked for twice: with size 0 for the size, then for the content.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np

from drivers.simulated.ni import attributes, codes, events
from drivers.simulated.ni.c_samples import SAMPLE_CALLS
from drivers.simulated.ni.codes import DaqmxError
from drivers.simulated.ni.memory import store, store_array, store_text
from drivers.simulated.ni.streaming import wait_until_done

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drivers.simulated.ni.board import Board
    from drivers.simulated.ni.c_face import Face
    from drivers.simulated.ni.task import Task

SCALARS: Mapping[str, Any] = {
    "bool": ctypes.c_uint32, "i32": ctypes.c_int32, "u32": ctypes.c_uint32, "u64": ctypes.c_uint64,
    "f64": ctypes.c_double,
}  # fmt: skip
ARRAYS: Mapping[str, Any] = {"f64[]": np.float64, "i32[]": np.int32, "u32[]": np.uint32}
ANY_KIND = (*SCALARS, *ARRAYS, "str")
EVERY_N_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_int32, ctypes.c_uint32, ctypes.c_void_p)
DONE_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_int32, ctypes.c_void_p)


# --- tasks ----------------------------------------------------------------------------------------------------


def _create_task(face: Face, name: bytes, handle: int) -> None:
    task = face.board.create_task((name or b"").decode())
    store(handle, ctypes.c_uint64, face.hand_out(task))


def _clear_task(face: Face, handle: int) -> None:
    face.clear(handle)


def _add_input(face: Face, handle: int, pins: bytes, names: bytes, terminal: int, low: float, high: float) -> None:
    terminal = attributes.RSE if terminal == -1 else terminal
    face.board.add_analogue(face.task(handle), "ai", pins.decode(), (names or b"").decode(), low, high, terminal)


def _add_output(face: Face, handle: int, pins: bytes, names: bytes, low: float, high: float) -> None:
    face.board.add_analogue(face.task(handle), "ao", pins.decode(), (names or b"").decode(), low, high, attributes.RSE)


def _add_lines(face: Face, kind: str, handle: int, lines: bytes, names: bytes, grouping: int) -> None:
    label = (names or b"").decode()
    face.board.add_digital(face.task(handle), kind, lines.decode(), label, per_line=grouping == 0)


def _sample_clock(face: Face, handle: int, source: bytes, rate: float, _edge: int, mode: int, count: int) -> None:
    face.task(handle).set_timing((source or b"").decode(), rate, mode, count)


def _start_trigger(face: Face, handle: int, source: bytes, _edge: int) -> None:
    task = face.task(handle)
    task.check_not_running()
    task.trigger = source.decode()


def _no_start_trigger(face: Face, handle: int) -> None:
    face.task(handle).check_not_running()
    face.task(handle).trigger = ""


def _is_done(face: Face, handle: int, done: int) -> None:
    task = face.task(handle)
    task.raise_error()
    store(done, ctypes.c_uint32, task.is_done)


# --- device and errors ----------------------------------------------------------------------------------------


def _reset(face: Face, device: bytes) -> None:
    _check_device(face, device)
    face.board.reset()


def _self_test(face: Face, device: bytes) -> None:
    _check_device(face, device)


def _check_device(face: Face, device: bytes) -> None:
    if device.decode() != face.board.card.device:
        raise DaqmxError(codes.NO_SUCH_DEVICE, f"Device Specified: {device.decode()}")


def _error_text(_: Face, code: int, pointer: int, size: int) -> int:
    return store_text(pointer, size, codes.TEXTS.get(code, f"Error {code}."))


def _last_error(face: Face, pointer: int, size: int) -> int:
    return store_text(pointer, size, face.last_error[: max(size - 1, 0)])


# --- attributes -----------------------------------------------------------------------------------------------


def _get(family: str, subject: object, number: int, pointer: int, size: int) -> int:
    """Store an attribute; of strings and arrays, return the size where it is 0."""
    found = attributes.attribute(family, number & 0xFFFFFFFF, subject)
    value = found.get(subject)
    if found.kind == "str":
        return store_text(pointer, size & 0xFFFFFFFF, value)
    if found.kind in ARRAYS:
        return store_array(pointer, size & 0xFFFFFFFF, np.array(value, ARRAYS[found.kind]))
    store(pointer, SCALARS[found.kind], value)
    return 0


def _put(family: str, subject: object, number: int, whole: int, real: float) -> None:
    """Set an attribute: whole numbers and pointers arrive in one register, real numbers in another."""
    kind = attributes.attribute(family, number, subject).kind
    value: Any = real
    match kind:
        case "str":
            value = ctypes.string_at(whole).decode()
        case "i32":
            value = ctypes.c_int32(whole & 0xFFFFFFFF).value
        case "u32" | "bool":
            value = whole & 0xFFFFFFFF
        case "u64":
            value = whole
    attributes.put(family, number, subject, value, ANY_KIND)


def _get_of_task(face: Face, family: str, handle: int, number: int, pointer: int, size: int) -> int:
    return _get(family, face.task(handle), number, pointer, size)


def _put_of_task(face: Face, family: str, handle: int, number: int, whole: int, real: float) -> None:
    _put(family, face.task(handle), number, whole, real)


def _channel(face: Face, handle: int, name: bytes) -> attributes.TaskChannel:
    task = face.task(handle)
    return attributes.TaskChannel(task, task.channel((name or b"").decode()))


def _get_of_channel(face: Face, handle: int, name: bytes, number: int, pointer: int, size: int) -> int:
    return _get("Chan", _channel(face, handle, name), number, pointer, size)


def _put_of_channel(face: Face, handle: int, name: bytes, number: int, whole: int, real: float) -> None:
    _put("Chan", _channel(face, handle, name), number, whole, real)


def _get_of_device(face: Face, device: bytes, number: int, pointer: int, size: int) -> int:
    _check_device(face, device)
    return _get("Device", face.board, number, pointer, size)


def _get_of_pin(face: Face, pin: bytes, number: int, pointer: int, size: int) -> int:
    return _get("PhysicalChan", attributes.Pin(face.board, pin.decode()), number, pointer, size)


# --- events ---------------------------------------------------------------------------------------------------


def _every_n_samples(face: Face, handle: int, kind: int, n: int, _options: int, callback: int, data: int) -> None:
    task = face.task(handle)
    if not callback:
        events.unregister(task, "samples")
        return
    events.register(task, "samples")
    call = EVERY_N_CALLBACK(callback)
    face.follow(events.every(face.board, task, n), lambda _: call(handle, kind, n, data))


def _done(face: Face, handle: int, _options: int, callback: int, data: int) -> None:
    task = face.task(handle)
    if not callback:
        events.unregister(task, "done")
        return
    events.register(task, "done")
    call = DONE_CALLBACK(callback)
    face.follow(events.ending(face.board, task), lambda status: call(handle, status, data))


def _on_task(act: Callable[[Board, Task], object]) -> Callable[..., None]:
    def call(face: Face, handle: int) -> None:
        act(face.board, face.task(handle))

    return call


def _of_task(family: str) -> Mapping[str, tuple[str, Callable[..., Any]]]:
    return {
        f"Get{family}Attribute": ("PiPu", lambda face, *a: _get_of_task(face, family, *a)),
        f"Set{family}Attribute": ("PiUd", lambda face, *a: _put_of_task(face, family, *a)),
    }


CALLS: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "SetRuntimeEnvironment": ("ssss", lambda *_: 0),
    "CreateTask": ("sP", _create_task),
    "ClearTask": ("P", _clear_task),
    "StartTask": ("P", _on_task(lambda b, t: b.start(t))),
    "StopTask": ("P", _on_task(lambda b, t: b.stop(t))),
    "TaskControl": ("Pi", lambda face, handle, action: face.board.control(face.task(handle), action)),
    "IsTaskDone": ("PP", _is_done),
    "WaitUntilTaskDone": ("Pd", lambda face, handle, s: wait_until_done(face.board, face.task(handle), s)),
    "CreateAIVoltageChan": ("Pssiddis", lambda face, *a: _add_input(face, *a[:6])),
    "CreateAOVoltageChan": ("Pssddis", lambda face, *a: _add_output(face, *a[:5])),
    "CreateDOChan": ("Pssi", lambda face, *a: _add_lines(face, "do", *a)),
    "CreateDIChan": ("Pssi", lambda face, *a: _add_lines(face, "di", *a)),
    "CfgSampClkTiming": ("PsdiiU", _sample_clock),
    "CfgDigEdgeStartTrig": ("Psi", _start_trigger),
    "DisableStartTrig": ("P", _no_start_trigger),
    "CfgInputBuffer": ("Pu", lambda face, handle, n: _put_of_task(face, "Buffer", handle, 0x186C, n, 0.0)),
    "CfgOutputBuffer": ("Pu", lambda face, handle, n: _put_of_task(face, "Buffer", handle, 0x186D, n, 0.0)),
    **SAMPLE_CALLS,
    "ResetDevice": ("s", _reset),
    "SelfTestDevice": ("s", _self_test),
    "GetErrorString": ("iPu", _error_text),
    "GetExtendedErrorInfo": ("Pu", _last_error),
    "RegisterEveryNSamplesEvent": ("PiuuPP", _every_n_samples),
    "RegisterDoneEvent": ("PuPP", _done),
    **_of_task("Task"), **_of_task("Read"), **_of_task("Write"), **_of_task("Buffer"), **_of_task("Timing"),
    **_of_task("Trig"),
    "GetChanAttribute": ("PsiPu", _get_of_channel),
    "SetChanAttribute": ("PsiUd", _put_of_channel),
    "GetDeviceAttribute": ("siPu", _get_of_device),
    "GetSystemInfoAttribute": ("iPu", lambda face, *a: _get("SystemInfo", face.board, *a)),
    "GetPhysicalChanAttribute": ("siPu", _get_of_pin),
}  # fmt: skip
"""Name without 'DAQmx' -> (arguments, what it does). Arguments: P pointer or handle, s string, i int32, u uInt32 or
bool32, U uInt64, d float64; 'Ud' at the end of a setter stand for the one variadic argument."""
