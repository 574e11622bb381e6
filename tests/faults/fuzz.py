"""Damage to a journal: whatever happens to its bytes, what is read is the truth up to the damage."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from acquisition.session import payloads
from acquisition.session.headers import header_of
from acquisition.session.journal import Kind, Record, journal_path, scan
from acquisition.session.journal_recorder import JournalRecorder
from tests.faults.lab import HEAD, Progress, play

if TYPE_CHECKING:
    from pathlib import Path

PAGE = 4096
WAYS = ("cut", "flip", "zeros", "noise")
CHANNELS = 2


def journal(folder: Path, sweeps: int = 3) -> Path:
    """Record a short session and return its journal."""
    with JournalRecorder(folder / "fuzz.nwb", HEAD, ballast=0) as recorder:
        play(recorder, Progress(), sweeps, lambda: None)
    return journal_path(folder / "fuzz.nwb")


def damaged(whole: bytes, dice: random.Random) -> tuple[bytes, int]:
    """Return the bytes with one kind of damage, and where the first changed byte is."""
    way, place = dice.choice(WAYS), dice.randrange(len(whole))
    data = bytearray(whole)
    match way:
        case "cut":
            return whole[:place], place
        case "flip":
            data[place] ^= 1 << dice.randrange(8)
        case _:
            start = place - place % PAGE
            n = len(data[start : start + PAGE])
            data[start : start + n] = bytes(n) if way == "zeros" else dice.randbytes(n)
    changed = next((k for k, (a, b) in enumerate(zip(whole, data, strict=True)) if a != b), len(whole))
    return bytes(data), changed


def decode(record: Record) -> object:
    """Return what a frame holds."""
    text = record.payload
    match record.kind:
        case Kind.SESSION:
            return payloads.head_of(text.decode())
        case Kind.SWEEP_BEGIN:
            return header_of(text.decode())
        case Kind.DATA:
            return payloads.frame_of(text, CHANNELS)
        case Kind.SWEEP_END:
            return payloads.end_of(text)
        case Kind.MEASURED:
            return payloads.measured_of(text)
        case Kind.LOG:
            return payloads.log_of(text)
        case Kind.TEMPERATURE:
            return payloads.temperature_of(text)
        case Kind.CLOSE:
            return payloads.close_of(text)
        case _:
            return None


def fuzz(folder: Path, number: int, seed: int = 0) -> dict[str, int]:
    """Damage a journal `number` times; return how often something was read that was not written, or too little."""
    path = journal(folder)
    whole, truth = path.read_bytes(), list(scan(path))
    for record in truth:
        decode(record)
    found = {"damaged": number, "wrong frames": 0, "stopped before the damage": 0, "exceptions": 0}
    victim = folder / "damaged.journal"
    for k in range(number):
        data, place = damaged(whole, random.Random(seed + k))
        victim.write_bytes(data)
        try:
            read = list(scan(victim))
        except Exception:  # noqa: BLE001  counted: none is allowed
            found["exceptions"] += 1
            continue
        found["wrong frames"] += read != truth[: len(read)]
        found["stopped before the damage"] += any(r.stop <= place for r in truth[len(read) :])
    victim.unlink(missing_ok=True)
    return found
