"""Opens a recording of another program, whatever its format, and asks whether its numbers can be what they are called.

What is refused names the numbers; a person who knows better says so with `--assume-units`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquisition.foreign.parts import commanded_rest
from acquisition.foreign.plausible import doubts
from acquisition.foreign.units import assumed_unit
from protocols.errors import Refused, SessionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from acquisition.foreign.recording import ForeignRecording

AXON, HDF5 = (b"ABF ", b"ABF2"), b"\x89HDF"


def read(path: Path, *, channel: int | None = None, assume: str | None = None) -> ForeignRecording:
    """Read one channel of a recording.

    Parameters
    ----------
    path
        An ABF or NWB file.
    channel
        Which input of an ABF file, from 0; which kind of sweep of an NWB file. Left out: the first, or the only one.
    assume
        What one number of the signal is, such as 'mV', where the file is wrong.

    Raises
    ------
    Refused
        It cannot be read, or is a patchrig session; the message says which, and what to do.
    """
    assumed = assumed_unit(assume) if assume else None
    match _signature(path):
        case start if start in AXON:
            from acquisition.foreign.abf import read_abf

            return read_abf(path, channel=channel or 0, assumed=assumed)
        case start if start == HDF5:
            from acquisition.foreign.nwb import read_nwb

            _must_not_be_ours(path)
            return read_nwb(path, channel=channel, assumed=assumed)
        case _:
            raise Refused(
                f"{path} is neither an ABF nor an NWB file. Samples from elsewhere: in Python, "
                "patchrig.analyse(voltage, rate=20000, step=(0.5, 0.65))"
            )


def _signature(path: Path) -> bytes:
    if not path.is_file():
        raise Refused(f"{path}: there is no such file")
    with path.open("rb") as file:
        return file.read(4)


def _must_not_be_ours(path: Path) -> None:
    """Refuse a session of patchrig, which has its measures already."""
    from acquisition.session.reader import open_session

    try:
        open_session(path).close()
    except SessionError as error:
        if "session format" not in str(error):  # of a newer patchrig: ours, all the same
            return
        raise
    raise Refused(f"{path.name} is a patchrig session and has its measures in it: patchrig review {path}")


def doubts_of(recording: ForeignRecording, spike_heights: Sequence[float] = ()) -> tuple[str, ...]:
    """Return what speaks against the file's units and mode, each with its numbers; empty is good."""
    rest = [s.stored[commanded_rest(recording, i)] for i, s in enumerate(recording.sweeps)]
    levels = [v for s in recording.sweeps if s.levels is not None for v in s.levels.values]
    return doubts(
        recording.mode,
        recording.channel.si(np.concatenate([s.stored for s in recording.sweeps])),
        baseline=recording.channel.si(np.concatenate(rest)),
        command_unit=recording.command_unit.unit if recording.command_unit else None,
        command=(min(levels), max(levels)) if levels else None,
        spike_heights=spike_heights,
    )


def words_of(recording: ForeignRecording, found: Sequence[str], *, is_final: bool = False) -> str:
    """Return doubts as one message, with the cure unless there is none."""
    signal = f"{recording.path.name} is called {recording.mode} in '{recording.header_unit}' ({_numbers(recording)})"
    if recording.assumed:
        return f"{signal}, taken as {recording.assumed}; but {'; '.join(found)}"
    if is_final:
        return f"{signal}, but {'; '.join(found)}. A session would carry these numbers on as true; none is made"
    return (
        f"{signal}, but {'; '.join(found)}. Units, gain or mode in the file are wrong; nothing is measured. "
        "If you know what one number is, say so: --assume-units mV (or '0.05 mV' where the gain is wrong too)"
    )


def _numbers(recording: ForeignRecording) -> str:
    """Return the range of a file's numbers, in mV or pA."""
    values = np.concatenate([s.stored for s in recording.sweeps])
    unit = "pA" if recording.channel.unit == "A" else "mV"
    low, middle, high = np.nanmin(values), np.nanmedian(values), np.nanmax(values)
    return f"{low:.4g} to {high:.4g} {unit}, median {middle:.4g}"
