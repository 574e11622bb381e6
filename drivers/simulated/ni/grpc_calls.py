"""The calls of NI's gRPC Device Server: what each message does to the board.

Messages are those that NI ships with `nidaqmx`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from nidaqmx._stubs import nidaqmx_pb2 as pb

from drivers.simulated.ni import attributes, codes, digital
from drivers.simulated.ni.codes import DaqmxError
from drivers.simulated.ni.streaming import read_counts, volts_of, wait_until_done, write_volts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drivers.simulated.ni.board import Board
    from drivers.simulated.ni.buffers import Counts
    from drivers.simulated.ni.task import Task

NEW, ATTACH = 1, 2
"""SESSION_INITIALIZATION_BEHAVIOR_INITIALIZE_NEW and _ATTACH_TO_EXISTING; 0 attaches where there is something."""
BY_CHANNEL = 0
PER_LINE = 0
TYPES: Mapping[str, tuple[str, ...]] = {
    "Bool": ("bool",), "Double": ("f64",), "DoubleArray": ("f64[]",), "Int32": ("i32",), "Int32Array": ("i32[]",),
    "String": ("str",), "UInt32": ("u32",), "UInt64": ("u64",),
}  # fmt: skip
"""How a call's name ends -> the kinds of attribute it may fetch."""
SUBJECTS = ("Task", "Read", "Write", "Buffer", "Timing", "Trig", "Chan", "Device", "SystemInfo", "PhysicalChan")
SETTABLE = ("Read", "Write", "Buffer", "Timing", "Trig", "Chan")

Call = Any
"""A function of (board, request) that returns a response, or its bytes."""


def _task(board: Board, request: Any) -> Task:
    return board.task(request.task.name)


# --- life of a task ---------------------------------------------------------------------------------------------------


class SessionRefused(Exception):
    """The server itself refuses, before any driver: a gRPC status without a code of NI-DAQmx."""

    def __init__(self, status: str, text: str) -> None:
        """Keep the status, as `grpc.StatusCode` names it."""
        super().__init__(text)
        self.status, self.text = status, text


def _create_task(board: Board, r: Any) -> Any:
    """Create a task or attach to the session of that name (ni/grpc-device, nifake_service_tests.cpp)."""
    name, there = r.session_name, bool(r.session_name) and r.session_name in board.tasks
    if there and r.initialization_behavior == NEW:
        raise SessionRefused("ALREADY_EXISTS", f"Cannot initialize '{name}' when a session already exists.")
    if not there and r.initialization_behavior == ATTACH:
        raise SessionRefused("FAILED_PRECONDITION", f"Cannot attach to '{name}' because a session does not exist.")
    task = board.tasks[name] if there else board.create_task(name)
    return pb.CreateTaskResponse(task={"name": task.name}, new_session_initialized=not there)


def _add_input(board: Board, r: Any) -> Any:
    low, high, terminal = r.min_val, r.max_val, r.terminal_config_raw or r.terminal_config
    board.add_analogue(
        _task(board, r), "ai", r.physical_channel, r.name_to_assign_to_channel, low, high,
        attributes.RSE if terminal == -1 else terminal,
    )  # fmt: skip
    return pb.CreateAIVoltageChanResponse()


def _add_output(board: Board, r: Any) -> Any:
    board.add_analogue(
        _task(board, r), "ao", r.physical_channel, r.name_to_assign_to_channel, r.min_val, r.max_val, attributes.RSE
    )
    return pb.CreateAOVoltageChanResponse()


def _add_lines(kind: str, response: Callable[[], Any]) -> Call:
    def call(board: Board, r: Any) -> Any:
        grouping = r.line_grouping_raw or r.line_grouping
        task = _task(board, r)
        board.add_digital(task, kind, r.lines, r.name_to_assign_to_lines, per_line=grouping == PER_LINE)
        return response()

    return call


def _sample_clock(board: Board, r: Any) -> Any:
    _task(board, r).set_timing(r.source, r.rate, r.sample_mode_raw or r.sample_mode, r.samps_per_chan)
    return pb.CfgSampClkTimingResponse()


def _start_trigger(board: Board, r: Any) -> Any:
    task = _task(board, r)
    task.check_not_running()
    task.trigger = r.trigger_source
    return pb.CfgDigEdgeStartTrigResponse()


def _no_start_trigger(board: Board, r: Any) -> Any:
    task = _task(board, r)
    task.check_not_running()
    task.trigger = ""
    return pb.DisableStartTrigResponse()


def _buffer(number: int, response: Callable[[], Any]) -> Call:
    def call(board: Board, r: Any) -> Any:
        attributes.put("Buffer", number, _task(board, r), r.num_samps_per_chan, ("u32",))
        return response()

    return call


def _on_task(act: Callable[[Board, Task], object], response: Callable[[], Any]) -> Call:
    def call(board: Board, r: Any) -> Any:
        act(board, _task(board, r))
        return response()

    return call


def _control(board: Board, r: Any) -> Any:
    board.control(_task(board, r), r.action_raw or r.action)
    return pb.TaskControlResponse()


def _is_done(board: Board, r: Any) -> Any:
    task = _task(board, r)
    task.raise_error()
    return pb.IsTaskDoneResponse(is_task_done=task.is_done)


def _wait_done(board: Board, r: Any) -> Any:
    wait_until_done(board, _task(board, r), r.time_to_wait)
    return pb.WaitUntilTaskDoneResponse()


# --- samples ----------------------------------------------------------------------------------------------------------


def _read(board: Board, r: Any) -> tuple[Task, Counts, int]:
    """Return (task, counts, status); samples that came in time are delivered with the status -200284."""
    task = _task(board, r)
    try:
        counts, status = read_counts(board, task, r.num_samps_per_chan, r.timeout), 0
    except DaqmxError as error:
        if error.counts is None:
            raise
        counts, status = error.counts, error.code
    if hasattr(r, "array_size_in_samps") and counts.size > r.array_size_in_samps:
        raise DaqmxError(codes.READ_BUFFER_TOO_SMALL, read=0)
    return task, counts, status


def _laid_out(samples: Any, r: Any) -> Any:
    """Return samples (channels, n) in the order the client wants: rows or columns one after the other."""
    by_channel = (r.fill_mode_raw or r.fill_mode) == BY_CHANNEL
    return np.ascontiguousarray(samples if by_channel else samples.T)


def _read_volts(board: Board, r: Any) -> bytes:
    task, counts, status = _read(board, r)
    head = pb.ReadAnalogF64Response(status=status, samps_per_chan_read=counts.shape[1])
    # field 2 as packed doubles, appended by hand: one copy instead of a Python object for each sample
    raw = _laid_out(volts_of(task, counts), r).tobytes()
    return b"".join((head.SerializeToString(), b"\x12", _varint(len(raw)), raw))


def _varint(n: int) -> bytes:
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def _read_raw(board: Board, r: Any) -> Any:
    _, counts, status = _read(board, r)
    answer = pb.ReadBinaryI16Response(status=status, samps_per_chan_read=counts.shape[1])
    answer.read_array.extend(_laid_out(counts, r).ravel().tolist())
    return answer


def _read_one(board: Board, r: Any) -> Any:
    task = _task(board, r)
    if len(task.channels) != 1:
        raise DaqmxError(codes.NOT_ONE_CHANNEL, f"Task Name: {task.name}", read=0)
    return pb.ReadAnalogScalarF64Response(value=float(volts_of(task, read_counts(board, task, 1, r.timeout))[0, 0]))


def _write_volts(board: Board, r: Any) -> Any:
    task = _task(board, r)
    flat, channels = np.array(r.write_array, np.float64), len(task.channels)
    if channels == 0 or flat.size != channels * r.num_samps_per_chan:
        raise DaqmxError(codes.WRONG_CHANNEL_COUNT, f"Task Name: {task.name}", written=0)
    by_channel = (r.data_layout_raw or r.data_layout) == BY_CHANNEL
    volts = flat.reshape(channels, -1) if by_channel else flat.reshape(-1, channels).T
    return pb.WriteAnalogF64Response(
        samps_per_chan_written=write_volts(board, task, volts, r.timeout, auto_start=r.auto_start)
    )


def _write_one(board: Board, r: Any) -> Any:
    write_volts(board, _task(board, r), np.array([[r.value]]), r.timeout, auto_start=r.auto_start)
    return pb.WriteAnalogScalarF64Response()


def _write_lines(board: Board, r: Any) -> Any:
    task = _task(board, r)
    levels = np.frombuffer(r.write_array, np.uint8)
    done = digital.write_lines(board, task, levels, r.num_samps_per_chan, r.timeout, auto_start=r.auto_start)
    return pb.WriteDigitalLinesResponse(samps_per_chan_written=done)


def _write_ports(board: Board, r: Any) -> Any:
    task = _task(board, r)
    digital.write_words(board, task, np.array(r.write_array, np.uint32), r.num_samps_per_chan)
    return pb.WriteDigitalU32Response(samps_per_chan_written=r.num_samps_per_chan)


def _write_port(board: Board, r: Any) -> Any:
    digital.write_words(board, _task(board, r), np.array([r.value], np.uint32), 1)
    return pb.WriteDigitalScalarU32Response()


def _read_lines(board: Board, r: Any) -> Any:
    task = _task(board, r)
    levels, width = digital.read_lines(board, task)
    return pb.ReadDigitalLinesResponse(read_array=levels, samps_per_chan_read=1, num_bytes_per_samp=width)


def _read_ports(board: Board, r: Any) -> Any:
    words = digital.read_words(board, _task(board, r))
    return pb.ReadDigitalU32Response(read_array=words, samps_per_chan_read=1)


def _read_port(board: Board, r: Any) -> Any:
    return pb.ReadDigitalScalarU32Response(value=digital.read_words(board, _task(board, r))[0])


# --- the device -------------------------------------------------------------------------------------------------------


def _reset(board: Board, r: Any) -> Any:
    _check_device(board, r.device_name)
    board.reset()
    return pb.ResetDeviceResponse()


def _self_test(board: Board, r: Any) -> Any:
    _check_device(board, r.device_name)
    return pb.SelfTestDeviceResponse()


def _check_device(board: Board, name: str) -> None:
    if name != board.card.device:
        raise DaqmxError(codes.NO_SUCH_DEVICE, f"Device Specified: {name}")


def _error_text(_: Board, r: Any) -> Any:
    return pb.GetErrorStringResponse(error_string=codes.TEXTS.get(r.error_code, f"Error {r.error_code}."))


CALLS: Mapping[str, Call] = {
    "CreateTask": _create_task,
    "ClearTask": _on_task(lambda b, t: b.clear(t), pb.ClearTaskResponse),
    "StartTask": _on_task(lambda b, t: b.start(t), pb.StartTaskResponse),
    "StopTask": _on_task(lambda b, t: b.stop(t), pb.StopTaskResponse),
    "TaskControl": _control,
    "IsTaskDone": _is_done,
    "WaitUntilTaskDone": _wait_done,
    "CreateAIVoltageChan": _add_input,
    "CreateAOVoltageChan": _add_output,
    "CreateDOChan": _add_lines("do", pb.CreateDOChanResponse),
    "CreateDIChan": _add_lines("di", pb.CreateDIChanResponse),
    "CfgSampClkTiming": _sample_clock,
    "CfgDigEdgeStartTrig": _start_trigger,
    "DisableStartTrig": _no_start_trigger,
    "CfgInputBuffer": _buffer(0x186C, pb.CfgInputBufferResponse),
    "CfgOutputBuffer": _buffer(0x186D, pb.CfgOutputBufferResponse),
    "ReadAnalogF64": _read_volts,
    "ReadAnalogScalarF64": _read_one,
    "ReadBinaryI16": _read_raw,
    "WriteAnalogF64": _write_volts,
    "WriteAnalogScalarF64": _write_one,
    "WriteDigitalLines": _write_lines,
    "WriteDigitalU32": _write_ports,
    "WriteDigitalScalarU32": _write_port,
    "ReadDigitalLines": _read_lines,
    "ReadDigitalU32": _read_ports,
    "ReadDigitalScalarU32": _read_port,
    "ResetDevice": _reset,
    "SelfTestDevice": _self_test,
    "GetErrorString": _error_text,
}
"""All calls but those for attributes and events."""


# --- attributes -------------------------------------------------------------------------------------------------------


def _subject(board: Board, family: str, r: Any) -> object:
    match family:
        case "SystemInfo":
            return board
        case "Device":
            _check_device(board, r.device_name)
            return board
        case "PhysicalChan":
            return attributes.Pin(board, r.physical_channel)
        case "Chan":
            task = _task(board, r)
            return attributes.TaskChannel(task, task.channel(r.channel))
        case _:
            return _task(board, r)


def _getter(family: str, ending: str) -> Call:
    response: Any = getattr(pb, f"Get{family}Attribute{ending}Response", None)
    raw = ending.startswith("Int32") and response is not None and "value_raw" in response.DESCRIPTOR.fields_by_name

    def call(board: Board, r: Any) -> Any:
        value = attributes.get(family, r.attribute_raw or r.attribute, _subject(board, family, r), TYPES[ending])
        return response(**{"value_raw" if raw else "value": value})

    return call


def _setter(family: str, ending: str) -> Call:
    response: Any = getattr(pb, f"Set{family}Attribute{ending}Response", None)

    def call(board: Board, r: Any) -> Any:
        value = (r.value_raw or r.value) if hasattr(r, "value_raw") else r.value
        attributes.put(family, r.attribute_raw or r.attribute, _subject(board, family, r), value, TYPES[ending])
        return response()

    return call


def attribute_calls() -> dict[str, Call]:
    """Return a call for each family and type that NI's service has."""
    made = {f"Get{family}Attribute{ending}": _getter(family, ending) for family in SUBJECTS for ending in TYPES}
    made |= {f"Set{family}Attribute{ending}": _setter(family, ending) for family in SETTABLE for ending in TYPES}
    return {name: call for name, call in made.items() if hasattr(pb, f"{name}Request")}


def counted_as(name: str) -> str:
    """Return a call's name in fault tables: attribute calls without the type, as the C library has them."""
    head, found, _ = name.partition("Attribute")
    return head + found
