"""A sweep's header, and a line of the log, as JSON that comes back equal to the last bit.

Python writes a float as the shortest text that reads back as the same float, so JSON loses nothing. The text is ASCII:
HDF5 could not hold every character that a device or an operating system can put into a message.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from protocols.sweeps import Channel, ClampMode, LogEntry, Sweep, SweepHeader
from protocols.waveforms import Pulse, TtlPulse, Waveform


def header_text(header: SweepHeader) -> str:
    """Return `header` as JSON."""
    return _json(asdict(header))


def header_of(text: str) -> SweepHeader:
    """Return the header that `header_text` was given."""
    raw = json.loads(text)
    sweep = raw.pop("sweep")
    command = sweep.pop("command")
    pulses = tuple(Pulse(**p) for p in command.pop("pulses"))
    channels = (Channel(c["name"], c["unit"], tuple(c["coefficients"])) for c in raw.pop("channels"))
    return SweepHeader(
        sweep=Sweep(
            sweep["index"],
            ClampMode(sweep["mode"]),
            Waveform(**command, pulses=pulses),
            tuple(TtlPulse(**p) for p in sweep.get("ttl", ())),  # sessions before TTL lines have none
        ),
        channels=tuple(channels),
        **raw,
    )


def entry_text(entry: LogEntry) -> str:
    """Return `entry` as JSON."""
    return _json({"time": entry.time, "kind": entry.kind, "text": entry.text, "data": dict(entry.data)})


def entry_of(text: str) -> LogEntry:
    """Return the entry that `entry_text` was given."""
    return LogEntry(**json.loads(text))


def _json(value: Any) -> str:
    return json.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    """Return numpy's numbers and arrays as Python's, anything else as text: a log line must not end a run."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else str(value)
