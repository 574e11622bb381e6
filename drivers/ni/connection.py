"""The way to NI-DAQmx: the library of this computer, or NI's gRPC Device Server on another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nidaqmx import GrpcSessionOptions, Task
from nidaqmx.errors import Error
from nidaqmx.grpc_session_options import SessionInitializationBehavior
from nidaqmx.system import Device

from config.ni import NiDaqOptions, options_of
from drivers.ni.claim import Claim
from drivers.ni.failures import DUPLICATE, code_of, ours
from drivers.ni.orphans import take_away, task_name
from protocols.errors import HardwareError

if TYPE_CHECKING:
    from drivers.build import Context


INPUTS, OUTPUT, VALVES, TTL = "inputs", "command output", "valves", "TTL lines"
"""What our tasks are called in messages."""
OURS = (INPUTS, OUTPUT, VALVES, TTL)


class Connection:
    """One card's NI-DAQmx, opened when the first device needs it and closed after the last."""

    def __init__(self, device: str, address: str | None, *, by_force: bool = False) -> None:
        """Keep the card's name in NI-DAQmx, and 'host:port' of the device server (None: this computer).

        `by_force` takes the card from whoever has it.
        """
        self.device, self.address, self._by_force = device, address, by_force
        self._users: set[str] = set()
        self._names: set[str] = set()
        self._channel: Any = None
        self._claim: Claim | None = None

    def join(self, user: str) -> None:
        """Say that `user` needs the card from now on. On a device server it is claimed until the last one leaves.

        Raises
        ------
        CardError
            A living program, of whatever computer, has the card on that server.
        """
        if not self._users and self.address is not None:
            self._channel = _channel(self.device, self.address)
            claim = Claim(self.device, self._channel)
            try:
                claim.take([task_name(self.device, what) for what in OURS], by_force=self._by_force)
            except BaseException:
                self._close()
                raise
            self._claim = claim
        self._users.add(user)

    def look(self) -> None:
        """Open the way to the card for questions alone; nothing is claimed, and `leave` closes it."""
        if not self._users and self.address is not None:
            self._channel = _channel(self.device, self.address)

    def leave(self, user: str) -> None:
        """Say that `user` does not need it any more; once more does no harm."""
        self._users.discard(user)
        if not self._users:
            self._close()

    def _close(self) -> None:
        if self._claim is not None:
            self._claim.release()
        if self._channel is not None:
            self._channel.close()
        self._claim = self._channel = None

    def task(self, what: str) -> Task:
        """Return a new, empty task; `what` names it in messages. The caller closes it.

        Raises
        ------
        CardError
            A living program has such a task on the card, or the card cannot be reached.
        """
        name = task_name(self.device, what)
        self._names.add(name)
        with ours(self.device, what):
            try:
                return Task(name, grpc_options=self._options(name))
            except Error as error:
                if code_of(error) != DUPLICATE or not self._freed():
                    raise
                return Task(name, grpc_options=self._options(name))

    def _freed(self) -> bool:
        """Take away what a killed program has left; return False if its owner lives."""
        names = {task_name(self.device, what) for what in OURS} | self._names
        return self._channel is not None and take_away(self._channel, task_name(self.device, INPUTS), sorted(names))

    def card(self) -> Device:
        """Return the card, to be asked about itself."""
        with ours(self.device):
            return Device(self.device, grpc_options=self._options())

    def pin(self, pin: str) -> str:
        """Return a connector's full name; one that names its card keeps it: 'ai0', 'Dev2/ai0', 'port0/line1'."""
        names_its_card = pin.count("/") == (2 if "port" in pin else 1)
        return pin if names_its_card else f"{self.device}/{pin}"

    def _options(self, name: str = "") -> GrpcSessionOptions | None:
        if self.address is None:
            return None
        if self._channel is None:
            raise HardwareError(self.device, "the connection to the device server is closed")
        # new: by default the server would hand out a task of that name that somebody else has there
        new = SessionInitializationBehavior.INITIALIZE_SERVER_SESSION
        return GrpcSessionOptions(self._channel, name, initialization_behavior=new)


def connection(context: Context) -> Connection:
    """Return the way to the card that the rig file names; devices on one card share it by `context.shared`.

    Raises
    ------
    HardwareError
        The rig's converter card is not one of NI's, or its options are wrong.
    """
    daq = context.rig.daq
    if daq.driver != "nidaqmx":
        words = (
            f"the rig's card is driven by '{daq.driver}'; lines and inputs of an NI card need 'daq: driver: nidaqmx'"
        )
        raise HardwareError(daq.device, words)
    return Connection(daq.device, options_of("daq", NiDaqOptions, daq.options).grpc, by_force=context.by_force)


def _channel(device: str, address: str) -> Any:
    try:
        from drivers.ni.remote import open_channel
    except ImportError as error:
        raise HardwareError(device, "a device server is reached with gRPC: pip install 'nidaqmx[grpc]'") from error
    return open_channel(address)
