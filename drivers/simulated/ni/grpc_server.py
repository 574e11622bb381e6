"""The board as NI's gRPC Device Server shows one: what `nidaqmx` calls with `grpc_options`.

Calls that are not in the tables answer UNIMPLEMENTED, which the client turns into an error; nothing passes silently.
Errors end a call with status UNKNOWN, the code in the trailer `ni-error` and counts in `ni-samps-per-chan-read` and
`-written` (github ni/grpc-device, source/server/converters.h).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
import session_pb2 as sessions
from nidaqmx._stubs import nidaqmx_pb2 as pb

from drivers.simulated.ni import events
from drivers.simulated.ni.codes import DaqmxError
from drivers.simulated.ni.grpc_calls import CALLS, SessionRefused, attribute_calls, counted_as
from protocols.errors import HardwareError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from drivers.simulated.ni.board import Board
    from drivers.simulated.ni.grpc_calls import Call

SERVICE = "nidaqmx_grpc.NiDAQmx"
SESSIONS = "nidevice_grpc.SessionUtilities"
"""The device server's own service: the way to a board whose tasks were left behind by a client that is dead."""
WORKERS = 16
"""Calls at a time; a registered event holds one."""
OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0))
"""gRPC's own limit is 4 MiB; a port that is taken is an error."""


def _fail(context: Any, error: DaqmxError) -> None:
    trailer = [("ni-error", str(error.code))]
    if error.read is not None:
        trailer.append(("ni-samps-per-chan-read", str(error.read)))
    if error.written is not None:
        trailer.append(("ni-samps-per-chan-written", str(error.written)))
    context.set_trailing_metadata(tuple(trailer))
    context.abort(grpc.StatusCode.UNKNOWN, error.text)


def _unary(board: Board, name: str, call: Call) -> Any:
    counted = counted_as(name)

    def handle(request: Any, context: Any) -> Any:
        try:
            with board.present(counted):
                return call(board, request)
        except DaqmxError as error:
            _fail(context, error)
        except SessionRefused as refused:
            context.abort(getattr(grpc.StatusCode, refused.status), refused.text)

    return grpc.unary_unary_rpc_method_handler(handle, getattr(pb, f"{name}Request").FromString, _as_bytes)


def _as_bytes(answer: Any) -> bytes:
    return answer if isinstance(answer, bytes) else bytes(answer.SerializeToString())


def _stream(board: Board, name: str, follow: Callable[..., Iterator[Any]]) -> Any:
    def handle(request: Any, context: Any) -> Iterator[Any]:
        try:
            with board.present(name):
                steps = follow(board, board.task(request.task.name), request)
            context.send_initial_metadata(())  # the client waits for it before it goes on
            for answer in steps:
                if not context.is_active():
                    return
                if answer is not None:
                    yield answer
        except DaqmxError as error:
            _fail(context, error)

    return grpc.unary_stream_rpc_method_handler(handle, getattr(pb, f"{name}Request").FromString, _as_bytes)


def _session_calls(board: Board) -> dict[str, Any]:
    """Return ResetServer, which closes all sessions (outputs stay where they are), and EnumerateDevices."""

    def reset(_: Any, __: Any) -> Any:
        with board.present("ResetServer"):
            for task in list(board.tasks.values()):
                board.clear(task)
        return sessions.ResetServerResponse(is_server_reset=True)

    def enumerate_devices(_: Any, __: Any) -> Any:
        card = board.card
        one = sessions.DeviceProperties(
            name=card.device, model=card.product, vendor="NI", serial_number=f"{card.serial:08X}"
        )
        return sessions.EnumerateDevicesResponse(devices=[one])

    return {
        name: grpc.unary_unary_rpc_method_handler(act, getattr(sessions, f"{name}Request").FromString, _as_bytes)
        for name, act in (("ResetServer", reset), ("EnumerateDevices", enumerate_devices))
    }


class GrpcServer:
    """Serves one board on one address, from `with` to its end."""

    def __init__(self, board: Board, address: str = "127.0.0.1:0") -> None:
        """Take the address; port 0 is any that is free."""
        self._board, self._wanted, self.address = board, address, address
        self._server = grpc.server(ThreadPoolExecutor(WORKERS, thread_name_prefix="ni-board"), options=OPTIONS)

    def __enter__(self) -> GrpcServer:
        """Listen.

        Raises
        ------
        HardwareError
            The address cannot be had.
        """
        calls = {name: _unary(self._board, name, c) for name, c in {**CALLS, **attribute_calls()}.items()}
        calls |= {name: _unary(self._board, name, c) for name, c in events.UNREGISTERING.items()}
        calls |= {name: _stream(self._board, name, f) for name, f in events.REGISTERING.items()}
        services = ((SERVICE, calls), (SESSIONS, _session_calls(self._board)))
        self._server.add_generic_rpc_handlers(
            tuple(grpc.method_handlers_generic_handler(name, handlers) for name, handlers in services)
        )
        host, _, _ = self._wanted.rpartition(":")
        try:
            port = self._server.add_insecure_port(self._wanted)
        except RuntimeError as error:
            raise HardwareError("served board", f"{self._wanted} cannot be listened on; is it in use?") from error
        self.address = f"{host}:{port}"
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening; calls under way are cut off."""
        self._server.stop(0).wait()
