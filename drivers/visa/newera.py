"""The packets of New Era's syringe pumps (NE-1000 manual, "RS-232 Protocol", p. 33-35).

Basic mode: '<address><command>' CR, answered by STX '<address><status><data>' ETX. Safe mode: both ways STX, a length
that counts itself and all that follows, the text, a CRC-16 CCITT of the text, ETX.
"""

from __future__ import annotations

import re
from binascii import crc_hqx
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.visa.connection import Garbled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyvisa.resources import MessageBasedResource

STX, ETX = b"\x02", b"\x03"
AROUND = 4
"""Bytes that a packet of safe mode counts beside its text: length, checksum (2) and ETX."""

ALARMS: Mapping[str, str] = {
    "R": "its power was interrupted",
    "S": "its motor stalled: is the syringe empty, the line clogged, the plunger jammed?",
    "T": "it stopped by itself, because it heard nothing from the computer",
    "E": "its pumping program is wrong",
    "O": "its pumping program has no such phase",
}
ERRORS: Mapping[str, str] = {
    "": "it does not know the command",
    "NA": "it cannot do this now; while it pumps, most settings are locked",
    "OOR": "the value is out of its range; highest and lowest rate depend on the syringe's diameter",
    "COM": "what it received was damaged",
    "IGN": "it ignored the command, because a phase was starting",
}
DAMAGED = ("", "COM")
"""Errors of a command that was damaged on its way: ours are all known to the pump."""
RUNNING = "IWX"
"""Infusing, withdrawing, purging; S, P, T, U: stopped, paused, in a timed pause, waiting for a trigger."""

_TEXT = re.compile(r"(?P<address>\d\d)(?:A\?(?P<alarm>[RSTEO])|(?P<status>[IWSPTUX])(?P<data>.*))", re.ASCII)


@dataclass(frozen=True)
class Reply:
    """What the pump answered: either an alarm, or its status and the data that was asked for."""

    status: str
    data: str = ""
    alarm: str = ""

    @property
    def error(self) -> str | None:
        """The code of a refusal, '' for an unknown command; None if it was none."""
        return self.data[1:] if self.data.startswith("?") else None


def basic(text: str) -> bytes:
    """Return a command of basic mode."""
    return text.encode("ascii") + b"\r"


def safe(text: str) -> bytes:
    """Return a command of safe mode."""
    body = text.encode("ascii")
    return STX + bytes([len(body) + AROUND]) + body + crc_hqx(body, 0).to_bytes(2, "big") + ETX


def read_safe(opened: MessageBasedResource) -> bytes:
    """Read one packet of safe mode; the checksum may contain any byte, so its length says where it ends.

    Raises
    ------
    Garbled
        What comes is no packet, or damaged.
    """
    start, length = bytes(opened.read_bytes(2))
    if start != STX[0] or length <= AROUND:
        raise Garbled(f"a packet cannot begin with {start:#04x} {length:#04x}")
    rest = bytes(opened.read_bytes(length - 1))
    body, checksum, end = rest[:-3], rest[-3:-1], rest[-1:]
    if end != ETX or crc_hqx(body, 0) != int.from_bytes(checksum, "big"):
        raise Garbled(f"{rest!r} was damaged on its way")
    return STX + body


def reply(packet: bytes, address: int) -> Reply:
    """Return what `packet` (STX and text) says.

    Raises
    ------
    Garbled
        It is no answer, another pump's, or says that the command was damaged.
    """
    match = _TEXT.fullmatch(packet.removeprefix(STX).decode("latin-1"))
    if not packet.startswith(STX) or match is None:
        raise Garbled(f"{packet!r} is no answer of a pump")
    if int(match["address"]) != address:
        raise Garbled(f"pump {match['address']} answered, not pump {address:02d}")
    answer = Reply(match["status"] or "", match["data"] or "", match["alarm"] or "")
    if answer.error in DAMAGED:
        raise Garbled(f"the pump says: {ERRORS[answer.error]}")
    return answer
