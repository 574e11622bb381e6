"""What can be asked of NI-DAQmx without touching a channel: its version, its cards, tasks that were left there."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nidaqmx import GrpcSessionOptions, Task
from nidaqmx.errors import Error
from nidaqmx.grpc_session_options import SessionInitializationBehavior
from nidaqmx.system import System

from config.ni import NiDaqOptions, options_of
from drivers.ni.claim import CLAIM
from drivers.ni.connection import OURS, connection
from drivers.ni.failures import ours
from drivers.ni.orphans import task_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drivers.build import Context


def driver_seen(context: Context) -> str:
    """Return in words which NI-DAQmx answers, and which cards it sees.

    Raises
    ------
    CardError
        There is none, or the device server does not answer.
    """
    daq = context.rig.daq
    with _server(context) as channel, ours(daq.device):
        system = System.local() if channel is None else System.remote(GrpcSessionOptions(channel, ""))
        version = ".".join(str(part) for part in system.driver_version)
        cards = ", ".join(f"{d.name} ({d.product_type})" for d in system.devices) or "no card"
    return f"NI-DAQmx {version}{_where(context)} sees {cards}"


def tasks_left(context: Context) -> list[str]:
    """Return the names of our tasks on the device server. There should be none between runs.

    On this computer tasks die with their program; nothing needs looking for there.
    """
    with _server(context) as channel:
        if channel is None:
            return []
        names = [task_name(context.rig.daq.device, what) for what in (*OURS, CLAIM)]
        return [name for name in names if _is_there(channel, name)]


def card_seen(context: Context) -> str:
    """Return the card in words: what it is and how many connectors it has.

    Raises
    ------
    CardError
        It is not there.
    """
    from drivers.ni.capabilities import read_capabilities

    way = connection(context)
    way.look()
    try:
        card = read_capabilities(way)
    finally:
        way.leave("look")
    rate = f", {card.single_rate / 1e3:g} kHz with one input" if card.single_rate else ""
    serial = f", serial {card.serial:X}" if card.serial else ""
    return (
        f"{card.product}{serial}: {len(card.inputs)} inputs, {len(card.outputs)} outputs, "
        f"{len(card.lines)} digital lines{rate}"
    )


def _where(context: Context) -> str:
    address = options_of("daq", NiDaqOptions, context.rig.daq.options).grpc
    return f" at {address}" if address else ""


@contextmanager
def _server(context: Context) -> Iterator[Any]:
    """Give a channel to the device server that the rig file names; None without one."""
    address = options_of("daq", NiDaqOptions, context.rig.daq.options).grpc
    if address is None:
        yield None
        return
    from drivers.ni.remote import open_channel

    channel = open_channel(address)
    try:
        yield channel
    finally:
        channel.close()


def _is_there(channel: Any, name: str) -> bool:
    attach = SessionInitializationBehavior.ATTACH_TO_SERVER_SESSION
    try:
        Task(name, grpc_options=GrpcSessionOptions(channel, name, initialization_behavior=attach))
    except Error:
        return False
    return True
