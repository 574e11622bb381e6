"""What the journal's frames hold, as bytes and back: every value comes back equal to the last bit.

    SESSION      JSON: the session's head, protocol and rig letter by letter
    SWEEP_BEGIN  JSON: the sweep's header, as in `headers`
    DATA         number of the first sample u8 | int16 samples x channels
    SWEEP_END    JSON: sweep, complete, reason, sha256, n_samples, status
    MEASURED     JSON: list of measurements
    LOG          JSON: the entry's text, hash of the line before, hash of both
    TEMPERATURE  time f8 | degC f8
    CLOSE        JSON: reason

Python's JSON writes NaN as NaN and every other float as the shortest text that reads back as the same float.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.session.head import SessionHead
from acquisition.session.headers import entry_of, entry_text
from config.rig import Rig
from protocols.errors import SessionError
from protocols.loading import load_text
from protocols.protocol import Protocol
from protocols.sweeps import Frame, Measurement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from protocols.sweeps import LogEntry

JOURNAL_FORMAT = 1
"""Version of the payloads."""
_FIRST = struct.Struct("<Q")
_TEMPERATURE = struct.Struct("<dd")
_LOADED = ("protocol", "rig")
"""What is made from its text."""


@dataclass(frozen=True)
class SweepEnd:
    """How a sweep ended."""

    sweep: int
    complete: bool
    reason: str | None
    sha256: str
    """Of the counts, samples by channels, without those that were lost."""
    n_samples: int
    """Per channel, gaps included."""
    status: str
    """'complete', 'incomplete', or 'disk_full'."""


def head_text(head: SessionHead) -> str:
    """Return everything from which the session's head can be made again."""
    facts = {f.name: getattr(head, f.name) for f in fields(head) if f.name not in _LOADED}
    facts |= {"started": head.started.isoformat(), "software": dict(head.software)}
    return json.dumps({"journal_format": JOURNAL_FORMAT, **facts}, default=str)


def head_of(text: str) -> SessionHead:
    """Return the head that `head_text` was given.

    Raises
    ------
    SessionError
        The journal is of a later version.
    InvalidFile
        This version of the suite does not understand the protocol or the rig.
    """
    facts = json.loads(text)
    if (found := facts.pop("journal_format", None)) != JOURNAL_FORMAT:
        msg = f"the journal has format {found}; this version reads format {JOURNAL_FORMAT}. Use a newer patchrig"
        raise SessionError(msg)
    facts["started"] = datetime.fromisoformat(facts["started"])
    facts["experimenter"] = tuple(facts["experimenter"])
    # without the linter: what was good enough to be run must be good enough to be recovered by a stricter version
    return SessionHead(
        protocol=load_text(facts["protocol_text"], "the journal's protocol", Protocol),
        rig=load_text(facts["rig_text"], "the journal's rig", Rig),
        **facts,
    )


def data_parts(frame: Frame) -> tuple[bytes, memoryview]:
    """Return the payload of a block of samples, in two parts; the second is what is hashed."""
    return _FIRST.pack(frame.first), np.ascontiguousarray(frame.counts.T, dtype="<i2").data


def frame_of(payload: bytes, n_channels: int) -> Frame:
    """Return the block of samples, (channels, samples)."""
    counts = np.frombuffer(payload, dtype="<i2", offset=_FIRST.size).reshape(-1, n_channels)
    return Frame(_FIRST.unpack_from(payload)[0], counts.T.astype(np.int16, copy=False))


def end_text(end: SweepEnd) -> str:
    """Return `end` as JSON."""
    return json.dumps(asdict(end))


def end_of(text: str | bytes) -> SweepEnd:
    """Return the end that `end_text` was given."""
    return SweepEnd(**json.loads(text))


def measured_text(measurements: Sequence[Measurement]) -> str:
    """Return measurements as JSON."""
    return json.dumps([asdict(m) for m in measurements], default=_plain)


def measured_of(text: str | bytes) -> list[Measurement]:
    """Return the measurements that `measured_text` was given."""
    return [_measurement(raw) for raw in json.loads(text)]


def log_text(entry: LogEntry, before: str) -> tuple[str, str]:
    """Return `entry` as a link of the chain, and its hash; `before` is the hash of the line before it.

    Whoever changes a line, or takes one out, would have to change every hash after it.
    """
    text = entry_text(entry)
    made = link(before, text)
    return json.dumps({"entry": text, "prev_hash": before, "hash": made}), made


def log_of(text: str | bytes) -> LogEntry:
    """Return the entry that `log_text` was given."""
    return entry_of(json.loads(text)["entry"])


def link(before: str, text: str) -> str:
    """Return the SHA-256 that ties a line to the one before it; the first is tied to the session's head."""
    return sha256((before + text).encode()).hexdigest()


def broken_link(head: str, lines: Iterable[str | bytes]) -> int | None:
    """Return the number of the first log line that the chain does not hold; None if it holds all.

    Parameters
    ----------
    head
        Text of the SESSION frame, to which the first line is tied.
    lines
        Payloads of the LOG frames, in order.
    """
    before = link("", head)
    for number, line in enumerate(lines):
        raw = json.loads(line)
        if raw["prev_hash"] != before or raw["hash"] != link(before, raw["entry"]):
            return number
        before = raw["hash"]
    return None


def temperature_bytes(time: float, value: float) -> bytes:
    """Return a reading of the bath (seconds, degC)."""
    return _TEMPERATURE.pack(time, value)


def temperature_of(payload: bytes) -> tuple[float, float]:
    """Return time and degC."""
    time, value = _TEMPERATURE.unpack(payload)
    return time, value


def close_text(reason: str) -> str:
    """Return why the session ended, as JSON."""
    return json.dumps({"reason": reason})


def close_of(text: str | bytes) -> str:
    """Return why the session ended."""
    return str(json.loads(text)["reason"])


def _measurement(raw: dict[str, Any]) -> Measurement:
    window = raw["window"]
    return Measurement(**raw | {"window": window and tuple(window), "flags": tuple(raw["flags"])})


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else str(value)
