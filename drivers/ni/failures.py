"""NI-DAQmx's errors in the words of a person at the rig; nothing else of nidaqmx's leaves these drivers."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nidaqmx.errors import (
    DaqError,
    DaqNotFoundError,
    DaqNotSupportedError,
    DaqReadError,
    DaqWriteError,
    Error,
    RpcError,
)

from protocols.errors import HardwareError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

log = logging.getLogger(__name__)

DUPLICATE = -200089
NOT_YET_ACQUIRED = -200284
OVERWRITTEN = -200279
STOPPED_BY_OVERFLOW = (-200361, -200010, -209829, -200222, -200613, -200714)
"""Memory of the card or buffer of the computer: the inputs have stopped and there is no going on."""
STARVED = -200290
NOT_SUPPORTED = (-200197, -200452, -200233)
"""The card, or its driver, does not know the property."""
NO_SUCH_CHANNEL = (-200170, -200431)

INSTALL = (
    "NI-DAQmx is not installed on this computer: run 'python -m nidaqmx installdriver' as administrator, or name "
    "the computer with the card in the rig file (daq: options: {grpc: 'host:31763'})"
)

SLOW = "this computer did not fetch samples in time: a longer 'input_buffer', or less load on the computer"

LONGEST = 120
"""Letters of a vendor's own text in a message."""

CURES: Mapping[int, str] = {
    -50103: "the card is busy with another task: close NI MAX's test panels and other programs that use it",
    -88709: "the task was stopped from elsewhere",
    -88710: "the task was aborted: was the card reset or unplugged?",
    -89137: "the clock's or trigger's route is in use: close other programs that use the card",
    -200010: "the card's own input memory overflowed: fewer channels, a lower rate, or the card on a faster port",
    -200016: "the card's own output memory ran empty: a lower rate, or the card on a faster port",
    -200018: "the output converter ran empty: a lower rate",
    -200045: "the card is gone: is it plugged in and powered?",
    -200077: "the card refuses the value: compare rates, ranges and terminals of the rig file with its manual",
    -200088: "the task is gone: was the device server restarted?",
    -200089: "another patchrig is measuring with this card",
    -200170: "the card has no such connector: compare the rig file's pins with 'patchrig devices'",
    -200220: "there is no card of this name: compare 'daq: device' with NI MAX or 'patchrig devices'",
    -200222: SLOW,
    -200278: "more samples were asked for than the sweep has",
    -200279: SLOW,
    -200284: "the card delivers no samples: its sample clock or start trigger does not come",
    -200290: "the output ran out of samples, because this computer stalled for longer than the 'lead'",
    -200292: "the card takes no more output samples: its sample clock does not come",
    -200361: "the card's own input memory overflowed: fewer channels, a lower rate, or the card on a faster port",
    -200462: "the output was started without samples",
    -200489: "a connector is named twice",
    -200547: "more samples were written than the output's buffer holds",
    -200560: "the task did not end in time: its sample clock does not come",
    -200561: "a level is beyond the output's range",
    -200587: "the digital lines are reserved by another task: close NI MAX's test panels",
    -200621: "the card's own output memory ran empty: a lower rate, or the card on a faster port",
    -200613: SLOW,
    -200714: SLOW,
    -201003: "the card is gone: is it plugged in and powered?",
}
"""DAQmx error -> what it means at a rig (names in nidaqmx.error_codes.DAQmxErrors)."""


class CardError(HardwareError):
    """NI-DAQmx refused or failed; everything it said is kept."""

    def __init__(
        self,
        device: str,
        message: str,
        *,
        code: int | None = None,
        task: str = "",
        channels: tuple[str, ...] = (),
        samples: int | None = None,
        said: str = "",
    ) -> None:
        """Keep NI-DAQmx's code (None: it did not come from the card), and what was being done with what.

        `samples` counts those per channel that were read or written before the failure; `said` is the vendor's text.
        """
        super().__init__(device, message)
        self.code, self.task, self.channels, self.samples, self.said = code, task, channels, samples, said


@contextmanager
def ours(device: str, task: str = "", channels: tuple[str, ...] = (), samples: int | None = None) -> Iterator[None]:
    """Turn whatever nidaqmx raises inside into a `CardError`; `task` is what we call it in messages."""
    try:
        yield
    except Error as error:
        log.debug("NI-DAQmx says: %s", error)
        raise _failure(error, device, task, channels, samples) from error


def code_of(error: BaseException | None) -> int | None:
    """Return NI-DAQmx's code of an error of ours or of theirs, None for others."""
    if isinstance(error, CardError):
        return error.code
    if isinstance(error, RpcError) and getattr(error.rpc_code, "name", "") == "ALREADY_EXISTS":
        return DUPLICATE  # the device server says so itself, without a code of NI-DAQmx
    return int(error.error_code) if isinstance(error, DaqError) else None


def _failure(error: Error, device: str, task: str, channels: tuple[str, ...], samples: int | None) -> CardError:
    if isinstance(error, DaqReadError):
        samples = int(error.samps_per_chan_read)
    if isinstance(error, DaqWriteError):
        samples = int(error.samps_per_chan_written)
    about = f"{task} ({', '.join(channels)}): " if channels else f"{task}: " if task else ""
    code, told = code_of(error), about + _words(error)
    return CardError(device, told, code=code, task=task, channels=channels, samples=samples, said=str(error))


def _words(error: Error) -> str:
    """Return what happened, what to do, and NI's own code for whoever looks it up."""
    if isinstance(error, DaqNotFoundError | DaqNotSupportedError):
        return INSTALL
    if isinstance(error, RpcError):
        return _server_words(error)
    first = _first_words(str(error))
    if not isinstance(error, DaqError):
        return first
    cure = CURES.get(error.error_code)
    return f"{cure} (NI-DAQmx {error.error_code})" if cure else f"{first} (NI-DAQmx {error.error_code})"


def _server_words(error: RpcError) -> str:
    code = getattr(error.rpc_code, "name", str(error.rpc_code))
    match code:
        case "UNAVAILABLE":
            return "the device server does not answer: is it running there, and do address, port and firewall agree?"
        case "DEADLINE_EXCEEDED":
            return "the device server took the call and never answered: restart it; check the network"
        case "ALREADY_EXISTS":
            return CURES[DUPLICATE]
        case "UNIMPLEMENTED":
            return f"the device server is too old for this: {_first_words(str(error.description))}"
    return f"the device server failed ({code}): {_first_words(str(error.description))}; restart it"


def _first_words(text: str) -> str:
    """Return the first line of what a vendor says, cut off where nobody would read on; all of it is in `said`."""
    first = next(iter(text.splitlines()), "")
    return first if len(first) <= LONGEST else f"{first[:LONGEST].rsplit(' ', 1)[0]} ..."
