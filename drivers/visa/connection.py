"""One way to open an instrument and to talk to it, for all drivers that speak through VISA.

An exchange that fails is tried again on a fresh connection: a plug that was out for a moment, or a byte that was
lost, ends no experiment. What would do harm when it is sent twice says so.
"""

from __future__ import annotations

import logging
import re
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import pyvisa
from pyvisa.constants import BufferOperation, Parity, StatusCode, StopBits
from pyvisa.errors import VisaIOError
from pyvisa.resources import MessageBasedResource, SerialInstrument

from protocols.errors import HardwareError, PatchrigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pyvisa.resources import Resource

    from config.visa import InstrumentOptions

    Reader = Callable[["MessageBasedResource"], bytes]

T = TypeVar("T")

log = logging.getLogger(__name__)

OPENING = 2000
"""Milliseconds in which an address on the network must answer."""
TRIES = 3
"""Of an exchange: one that is lost, one that clears what is left of it at the other end, one that succeeds."""

CURES: Mapping[StatusCode, str] = {
    StatusCode.error_timeout: "no answer: is it on, is its cable in, are baud rate and address as in the rig file?",
    StatusCode.error_resource_not_found: "there is nothing at this address: compare it with 'patchrig devices'",
    StatusCode.error_resource_busy: "another program holds it: close terminal programs and the maker's own software",
    StatusCode.error_resource_locked: "another program has locked it",
    StatusCode.error_connection_lost: "the connection was lost: is the cable in?",
    StatusCode.error_serial_framing: "bytes arrive damaged: is the baud rate as in the rig file?",
    StatusCode.error_serial_parity: "bytes arrive damaged: is the instrument set to 8 bits without parity?",
    StatusCode.error_serial_overrun: "bytes were lost: close other programs that keep this computer busy",
    StatusCode.error_invalid_resource_name: "this is no address of VISA's; 'patchrig devices' lists some",
}
"""VISA's code -> what it means at a rig (VPP-4.3, "Status and error codes")."""


class InstrumentError(HardwareError):
    """An instrument on VISA refused or failed; what was said, and by whom, is kept."""

    def __init__(self, device: str, message: str, *, resource: str = "", command: str = "", code: str = "") -> None:
        """Keep the VISA resource, the command as sent, and the instrument's or VISA's own code."""
        self.resource, self.command, self.code = resource, command, code
        super().__init__(device, message)


class Garbled(ValueError):
    """An answer that cannot be understood. It never leaves a driver: the exchange is repeated, then refused."""


@dataclass(frozen=True)
class Line:
    """How bytes travel: what ends a message, and the setting of a serial port (8 bits, no parity, one stop bit)."""

    end: bytes = b"\n"
    """Last byte of an answer."""
    baud: int = 9600


class Connection:
    """One instrument. Calls from several threads take turns, so that an answer meets its own question."""

    def __init__(self, device: str, options: InstrumentOptions, line: Line) -> None:
        """Take the instrument's name for messages, and where and how to reach it; open nothing."""
        self.device, self.resource = device, resource_name(options.resource)
        self._library, self._line = options.visa_library, line
        self._timeout = float(options.timeout)
        self._lock = threading.RLock()
        self._open: MessageBasedResource | None = None

    def open(self) -> None:
        """Connect; does nothing if connected.

        Raises
        ------
        InstrumentError
            There is nothing at the address, or something else holds it.
        """
        with self._lock:
            self._opened()

    def close(self) -> None:
        """Disconnect; never raises."""
        with self._lock:
            opened, self._open = self._open, None
            if opened is not None:
                # pyvisa-py lets through whatever its transports raise when the cable is out
                with suppress(Exception):
                    opened.close()

    def tell(self, command: bytes) -> None:
        """Send `command`, to which there is no answer.

        Raises
        ------
        InstrumentError
            It could not be sent, however often it was tried.
        """
        self._tried(command, lambda opened: self._write(opened, command), TRIES, _shown(command))

    def ask(
        self,
        command: bytes,
        understand: Callable[[bytes], T],
        *,
        read: Reader | None = None,
        again: bool = True,
        called: str = "",
    ) -> T:
        """Send `command` and return what `understand` makes of the answer.

        Parameters
        ----------
        command
            As sent, with its end.
        understand
            Takes the answer without its end; raises `Garbled` if that is no answer to `command`.
        read
            Reads the answer where a message has another end than the line's.
        again
            Whether to try again; not for a command that toggles something.
        called
            The question in messages, where the command as sent is no text for people.

        Raises
        ------
        InstrumentError
            No answer, or none that can be understood, however often it was tried.
        """

        def exchange(opened: MessageBasedResource) -> T:
            self._discard_input(opened)
            self._write(opened, command)
            return understand((read or self._message)(opened))

        return self._tried(command, exchange, TRIES if again else 1, called or _shown(command))

    def refused(self, message: str, *, command: bytes = b"", code: str = "") -> InstrumentError:
        """Return the error of an instrument that answers and refuses."""
        sent = _shown(command)
        return InstrumentError(self.device, message, resource=self.resource, command=sent, code=code)

    def _tried(self, command: bytes, exchange: Callable[[MessageBasedResource], T], tries: int, called: str) -> T:
        """Return what `exchange` gives. A failure that was mended is noted; one that was not is for the caller."""
        with self._lock:
            try:
                opened = self._opened()
                with _transport():
                    return exchange(opened)
            except (VisaIOError, OSError, Garbled) as error:
                self.close()
                failure = self._failure(command, error, called)
                if tries == 1:
                    raise failure from error
            mended = self._tried(command, exchange, tries - 1, called)
            log.warning("%s; tried once more, it went well", failure)
            return mended

    def _opened(self) -> MessageBasedResource:
        if self._open is None:
            self._open = self._connect()
        return self._open

    def _connect(self) -> MessageBasedResource:
        try:
            opened = pyvisa.ResourceManager(self._library).open_resource(self.resource, open_timeout=OPENING)
        except Exception as error:  # pyvisa-py lets through whatever its transports raise, also plain Exception
            raise self._failure(b"", error) from error
        try:
            return self._configured(opened)
        except Exception as error:  # such as termios.error of a port that cannot be set to this baud rate
            opened.close()
            raise self._failure(b"", error) from error

    def _configured(self, opened: Resource) -> MessageBasedResource:
        if not isinstance(opened, MessageBasedResource):
            raise TypeError("it takes no messages")
        opened.timeout = 1e3 * self._timeout
        opened.read_termination = self._line.end.decode("latin-1")
        if isinstance(opened, SerialInstrument):
            opened.baud_rate, opened.data_bits = self._line.baud, 8
            opened.parity, opened.stop_bits = Parity.none, StopBits.one
        return opened

    @staticmethod
    def _write(opened: MessageBasedResource, command: bytes) -> None:
        opened.write_raw(command)

    def _message(self, opened: MessageBasedResource) -> bytes:
        return bytes(opened.read_raw()).removesuffix(self._line.end)

    @staticmethod
    def _discard_input(opened: MessageBasedResource) -> None:
        """Forget what a serial instrument said unasked, or too late; a network's connection is renewed instead."""
        if isinstance(opened, SerialInstrument):
            # simulated instruments of pyvisa-sim have no such buffer
            with suppress(NotImplementedError, AttributeError):
                opened.flush(BufferOperation.discard_read_buffer)

    def _failure(self, command: bytes, error: Exception, called: str = "") -> InstrumentError:
        """Return `error` in the words of a person at the rig."""
        code = _code(error)
        plain = f"{' '.join(str(error).split())}: is it on, is its cable in, is the address as in 'patchrig devices'?"
        reason = CURES.get(code, plain) if code is not None else plain
        said = f" to '{called}'" if called else ""
        name = code.name if code is not None else ""
        return InstrumentError(
            self.device,
            f"{self.resource}{said}: {reason}",
            resource=self.resource,
            command=_shown(command),
            code=name,
        )


@contextmanager
def _transport() -> Iterator[None]:
    """Turn what pyvisa-py lets through from its transports into an OSError.

    A serial port whose cable is out raises termios.error, which is none.
    """
    try:
        yield
    except (VisaIOError, OSError, Garbled, PatchrigError):
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


def _code(error: Exception) -> StatusCode | None:
    """Return VISA's code, if it is one of the standard's; pyvisa-sim gives the bare number."""
    with suppress(ValueError):
        return StatusCode(error.error_code) if isinstance(error, VisaIOError) else None
    return None


def resource_name(text: str) -> str:
    """Return the VISA resource for `text`, which may be a serial port as the system calls it."""
    if port := re.fullmatch(r"COM(\d+)", text):
        return f"ASRL{port[1]}::INSTR"
    return f"ASRL{text}::INSTR" if text.startswith("/dev/") else text


def _shown(command: bytes) -> str:
    """Return a command for a message: control characters and checksums as escapes, its end left out."""
    return command.rstrip(b"\r\n").decode("latin-1").encode("unicode_escape").decode("ascii")
