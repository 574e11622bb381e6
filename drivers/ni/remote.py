"""The gRPC channel to a device server, with an end to every call. Imported only when a rig file names a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER_WITHIN = 10.0
"""Seconds for a call beyond those it may wait at the card; a dead network is noticed then."""
OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
"""gRPC's own limit of 4 MiB is less than a second of eight channels at 200 kHz."""


class CallDetails(grpc.ClientCallDetails):  # type: ignore[misc]
    """What a call is made of."""

    def __init__(self, method: str, timeout: float, metadata: Any, credentials: Any) -> None:
        """Keep it."""
        self.method, self.timeout, self.metadata, self.credentials = method, timeout, metadata, credentials
        self.wait_for_ready: bool | None = None
        self.compression: Any = None


class Deadline(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]
    """Gives every call an end: nidaqmx itself would wait for a dead network for ever."""

    def intercept_unary_unary(self, call: Callable[[Any, Any], Any], details: Any, request: Any) -> Any:
        """Make the call, but not for longer than it may take."""
        within = max(0.0, getattr(request, "timeout", 0.0)) + ANSWER_WITHIN
        return call(CallDetails(details.method, within, details.metadata, details.credentials), request)


def open_channel(address: str) -> Any:
    """Return a channel to the server at 'host:port'; the first call connects."""
    return grpc.intercept_channel(grpc.insecure_channel(address, options=OPTIONS), Deadline())
