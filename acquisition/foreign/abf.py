"""Axon Binary Format (pCLAMP), through pyABF: versions 1 and 2, episodic and gap-free."""

from __future__ import annotations

import contextlib
import struct
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.foreign.commands import levels_of
from acquisition.foreign.recording import ForeignRecording, ForeignSweep, mode_of
from acquisition.foreign.units import unit_of
from protocols.errors import Refused
from protocols.sweeps import STORED_STEP, Channel

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from acquisition.foreign.commands import Levels
    from acquisition.foreign.units import UnitText

HOLDING_V1 = 1394
"""Byte of fDACHoldingLevel, four floats, in an ABF 1 header: pyABF takes the first epoch's level for it."""
WHOLE_HEADER_V1 = 6144
"""Bytes before the data of an ABF 1 file from version 1.6 on. Older headers end before."""
NO_RAILS = (0.0, 1.0)
"""Coefficients for samples that were floats in the file: their converter's range is not known."""


def read_abf(path: Path, *, channel: int = 0, assumed: UnitText | None = None) -> ForeignRecording:
    """Read one channel of an ABF file.

    Integer samples are kept as counts with the file's own gain, so that ours equal pyABF's; see `channel_of`.

    Parameters
    ----------
    path
        The file.
    channel
        Which input, as pyABF counts, from 0.
    assumed
        What one number of the signal is, where a person knows better than the header.

    Raises
    ------
    Refused
        It cannot be read, has no such channel, or its signal has no unit of voltage or current.
    """
    abf = _opened(path)
    if not 0 <= channel < abf.channelCount:
        names = "; ".join(f"{i} is {n} ({u})" for i, (n, u) in enumerate(zip(abf.adcNames, abf.adcUnits, strict=False)))
        raise Refused(f"{path.name} has no channel {channel}: {names}")
    unit = assumed or unit_of(abf.adcUnits[channel])
    if unit is None:
        raise Refused(
            f"{path.name}: channel {channel} ({abf.adcNames[channel]}) is in '{abf.adcUnits[channel]}', neither a "
            "voltage nor a current. If you know what it is: --assume-units mV"
        )
    raw, bounds = _raw(path, abf), _bounds(abf)
    second = _second_channel(abf, channel, unit)
    levels, why = _commands(abf, channel, bounds)
    sweeps = tuple(
        _sweep(abf, raw, i, channel=channel, second=second, unit=unit, bounds=bounds[i], levels=levels[i])
        for i in range(abf.sweepCount)
    )
    return ForeignRecording(
        path=path,
        form=f"ABF {abf.abfVersion['major']}.{abf.abfVersion['minor']}",
        mode=mode_of(unit),
        channel=channel_of(abf, channel, unit, "primary"),
        rate=_rate(abf),
        sweeps=sweeps,
        header_unit=str(abf.adcUnits[channel]),
        command_unit=unit_of(_at(abf.dacUnits, channel)),
        no_command=why,
        amplifier=_telegraph(abf, channel),
        second=None if second is None else channel_of(abf, second[0], second[1], "secondary"),
        started=abf.abfDateTime if abf.abfDateTime.year > 1970 else None,
        program=str(abf.creator).replace("\x00", "").strip(),
        protocol="" if abf.protocol == "None" else str(abf.protocol),
        tags=tuple((float(t), str(c).strip()) for t, c in zip(abf.tagTimesSec, abf.tagComments, strict=False)),
        assumed=assumed.text if assumed else "",
    )


def channel_of(abf: Any, index: int, unit: UnitText, name: str) -> Channel:
    """Return a channel whose counts become what pyABF says.

    pyABF multiplies in single precision. A count has 16 bits and its gain 24, so their product fits a double, and
    rounding that once gives the same number; only an offset may change its last bit.
    """
    if abf._dtype != np.int16:
        return Channel(name, unit.unit, NO_RAILS)
    gain, offset = (float(np.float32(x[index])) for x in (abf._dataGain, abf._dataOffset))
    return Channel(name, unit.unit, (offset * unit.si, gain * unit.si))


def _opened(path: Path) -> Any:
    if not path.is_file():
        raise Refused(f"{path}: there is no such file")
    try:
        import pyabf
    except ImportError as error:
        raise Refused("reading ABF files needs pyABF: pip install 'patchrig[abf]'") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of missing stimulus files, which are said in our words
            abf = pyabf.ABF(str(path))
            if abf.abfVersion["major"] == 1:
                abf.holdingCommand = _holding_v1(path)
    except Exception as error:  # a damaged file raises whatever it likes
        raise Refused(f"{path} is not an ABF file that pyABF can read, or it is damaged: {error}") from error
    return abf


def _holding_v1(path: Path) -> list[float]:
    with path.open("rb") as file:
        file.seek(HOLDING_V1)
        return list(struct.unpack("<4f", file.read(16)))


def _raw(path: Path, abf: Any) -> NDArray[Any]:
    """Return the samples as they are in the file, (channels, samples)."""
    count = abf.dataPointCount - abf.dataPointCount % abf.channelCount
    flat = np.fromfile(path, dtype=abf._dtype, count=count, offset=abf.dataByteStart)
    return flat.reshape(-1, abf.channelCount).T


def _rate(abf: Any) -> float:
    """Return samples per second and channel; pyABF's own is cut to a whole number."""
    if abf.abfVersion["major"] == 1:
        return 1e6 / float(abf._headerV1.fADCSampleInterval * abf.channelCount)
    return 1e6 / float(abf._protocolSection.fADCSequenceInterval)


def _bounds(abf: Any) -> list[tuple[int, int]]:
    """Return first sample and one past the last of each sweep."""
    lengths = [abf.sweepPointCount] * abf.sweepCount
    if _has_lengths_of_its_own(abf):
        lengths = [n // abf.channelCount for n in abf._synchArraySection.lLength[: abf.sweepCount]]
    stops = np.cumsum(lengths).tolist()
    return list(zip([0, *stops[:-1]], stops, strict=True))


def _has_lengths_of_its_own(abf: Any) -> bool:
    synch = getattr(abf, "_synchArraySection", None)
    return abf.sweepCount > 1 and synch is not None and len(set(synch.lLength)) > 1


def _sweep(
    abf: Any,
    raw: NDArray[Any],
    number: int,
    *,
    channel: int,
    second: tuple[int, UnitText] | None,
    unit: UnitText,
    bounds: tuple[int, int],
    levels: Levels | None,
) -> ForeignSweep:
    part = slice(*bounds)
    start = number * float(abf.sweepIntervalSec)
    if _has_lengths_of_its_own(abf):
        start = abf._synchArraySection.lStart[number] / abf.dataRate
    if abf._dtype != np.int16:
        factor = unit.si / STORED_STEP[unit.unit]
        return ForeignSweep(number, start, (raw[channel, part] * factor).astype(np.float32), levels)
    counts = raw[channel, part].astype(np.int16)
    stored = channel_of(abf, channel, unit, "primary").stored(counts)
    beside = None if second is None else raw[second[0], part].astype(np.int16)
    return ForeignSweep(number, start, stored, levels, counts, beside)


def _second_channel(abf: Any, channel: int, unit: UnitText) -> tuple[int, UnitText] | None:
    """Return the other signal of the amplifier, if there is exactly one channel that could be it."""
    if abf._dtype != np.int16:
        return None
    units = [(i, unit_of(abf.adcUnits[i])) for i in range(abf.channelCount) if i != channel]
    found = [(i, u) for i, u in units if u is not None and u.unit != unit.unit]
    return found[0] if len(found) == 1 else None


def _commands(abf: Any, channel: int, bounds: list[tuple[int, int]]) -> tuple[list[Levels | None], str]:
    """Return what was commanded in each sweep, and why not if that is not known."""
    nothing: list[Levels | None] = [None] * abf.sweepCount
    unit = unit_of(_at(abf.dacUnits, channel))
    if unit is None:
        return nothing, f"the unit of its command ('{_at(abf.dacUnits, channel)}') is neither a voltage nor a current"
    if why := _why_no_command(abf, channel):
        return nothing, why
    made = [_command(abf, channel, i, unit.si, stop - first) for i, (first, stop) in enumerate(bounds)]
    if any(c is None for c in made):
        return nothing, "its command comes from a stimulus file that is not there, or is not made of rectangular steps"
    return made, ""


def _why_no_command(abf: Any, channel: int) -> str | None:
    if _is_cut(abf):
        return "its header is of a kind older than ABF 1.6, from which its command cannot be read"
    if abf.nOperationMode == 3:
        return "it is a gap-free recording, whose command is not in the file"
    if _has_lengths_of_its_own(abf):
        return "its sweeps differ in length, and pyABF cannot tell their commands"
    if not _is_generated(abf, channel):
        return "its waveform generator was off for this channel, so its command is not in the file"
    return None


def _is_cut(abf: Any) -> bool:
    return bool(abf.abfVersion["major"] == 1 and abf.dataByteStart < WHOLE_HEADER_V1)


def _is_generated(abf: Any, channel: int) -> bool:
    section = abf._headerV1 if abf.abfVersion["major"] == 1 else abf._dacSection
    return bool(_at(section.nWaveformEnable, channel) and _at(section.nWaveformSource, channel))


def _command(abf: Any, channel: int, sweep: int, si: float, n_samples: int) -> Levels | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        abf.setSweep(sweep, channel=channel)
        command = np.asarray(abf.sweepC, np.float64) * si
    return levels_of(command, abf.dataRate) if len(command) == n_samples else None


def _telegraph(abf: Any, channel: int) -> dict[str, float | str]:
    """Return what the amplifier told of itself."""
    if _is_cut(abf):
        return {}
    header = abf._headerV1 if abf.abfVersion["major"] == 1 else abf._adcSection
    index = abf._headerV1.nADCSamplingSeq[channel] if abf.abfVersion["major"] == 1 else channel
    found: dict[str, float | str] = {}
    if _at(header.nTelegraphEnable, index) == 1:
        corner = _at(header.fTelegraphFilter, index)
        if corner is not None and 1 <= corner < 1e6:  # 100 kHz and more stand for 'bypassed'
            found["low_pass"] = float(corner)
    return found


def _at(values: Any, index: int) -> Any:
    with contextlib.suppress(TypeError, IndexError):
        return values[index]
    return None
