"""NWB files of other programs, through pynwb: current clamp, voltage clamp and I=0 series with their stimuli.

NWB says what a number is by `conversion` and `offset`: value = data * conversion + offset, in SI. Its `resolution` is
the smallest difference that means anything, and its `gain` is the amplifier's; neither changes a value.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.foreign.commands import levels_of
from acquisition.foreign.recording import ForeignRecording, ForeignSweep, mode_of
from acquisition.foreign.units import UnitText, unit_of
from protocols.errors import Refused
from protocols.sweeps import STORED_STEP, Channel, ClampMode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from acquisition.foreign.commands import Levels

MODES = {
    "CurrentClampSeries": ClampMode.CURRENT,
    "IZeroClampSeries": ClampMode.ZERO,
    "VoltageClampSeries": ClampMode.VOLTAGE,
}
JITTER = 0.25
"""Of a sample: times further off the grid than this have no one rate."""
NO_RAILS = (0.0, 1.0)
"""Coefficients for samples that are floats in the file: their converter's range is not known."""


@dataclass(frozen=True)
class Kind:
    """What series have in common that are measured together."""

    electrode: str
    mode: ClampMode
    rate: float
    stimulus: str

    @property
    def text(self) -> str:
        """In words, for a list to choose from."""
        said = f", '{self.stimulus}'" if self.stimulus else ""
        return f"{self.electrode} in {self.mode} at {self.rate:g} Hz{said}"


@dataclass(frozen=True)
class Stimulus:
    """The stimulus series of one sweep, and which of its samples."""

    series: Any
    first: int
    count: int | None
    """None: to its end."""


def read_nwb(path: Path, *, channel: int | None = None, assumed: UnitText | None = None) -> ForeignRecording:
    """Read the sweeps of one electrode and one stimulus from an NWB file.

    Parameters
    ----------
    path
        The file.
    channel
        Which of the kinds of sweep in the file, as numbered by the message that lists them; not needed if there is
        one.
    assumed
        What one number of the data is, where a person knows better than the file's `conversion`.

    Raises
    ------
    Refused
        It cannot be read, has no patch-clamp series, or several kinds and no `channel`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pynwb

            with pynwb.NWBHDF5IO(str(path), "r", load_namespaces=True) as io:
                return _recording(io.read(), path, channel, assumed)
    except Refused:
        raise
    except ImportError as error:
        raise Refused("reading NWB files of other programs needs pynwb: pip install pynwb") from error
    except Exception as error:  # a damaged file raises whatever it likes
        raise Refused(f"{path} is not an NWB file that pynwb can read, or it is damaged: {error}") from error


def _recording(nwb: Any, path: Path, channel: int | None, assumed: UnitText | None) -> ForeignRecording:
    found: dict[Kind, list[Any]] = {}
    for series in nwb.acquisition.values():
        if type(series).__name__ in MODES:
            found.setdefault(_kind(series, path.name), []).append(series)
    kind = _chosen(list(found), channel, path.name)
    ordered = sorted(found[kind], key=_start)
    stimuli = _stimuli(nwb, ordered)
    first = ordered[0]
    commands = [s.series for s in stimuli if s is not None]
    return ForeignRecording(
        path=path,
        form=f"NWB {nwb.nwb_version}" if getattr(nwb, "nwb_version", None) else "NWB",
        mode=mode_of(assumed) if assumed else kind.mode,
        channel=_channel(first, assumed),
        rate=kind.rate,
        sweeps=tuple(
            _sweep(s, i, _start(first), stimulus, kind.rate, assumed)
            for i, (s, stimulus) in enumerate(zip(ordered, stimuli, strict=True))
        ),
        header_unit=str(first.unit),
        command_unit=unit_of(commands[0].unit) if commands else None,
        no_command="no stimulus series belongs to each of its sweeps, or none that is made of rectangular steps",
        amplifier=_amplifier(first),
        started=nwb.session_start_time,
        protocol=kind.stimulus,
        assumed=assumed.text if assumed else "",
    )


def _kind(series: Any, name: str) -> Kind:
    electrode = getattr(series.electrode, "name", "electrode")
    described = str(series.stimulus_description or "")
    stimulus = "" if described in ("N/A", "NA") else described
    return Kind(electrode, MODES[type(series).__name__], _rate(series, name), stimulus)


def _chosen(kinds: Sequence[Kind], channel: int | None, name: str) -> Kind:
    if not kinds:
        raise Refused(f"{name} has no CurrentClampSeries or VoltageClampSeries among its acquired data")
    listed = "\n".join(f"  --channel {i}   {k.text}" for i, k in enumerate(kinds))
    if channel is None and len(kinds) > 1:
        raise Refused(f"{name} has {len(kinds)} kinds of sweep; say which to measure:\n{listed}")
    if not 0 <= (channel or 0) < len(kinds):
        raise Refused(f"{name} has no channel {channel}; it has:\n{listed}")
    return kinds[channel or 0]


def _start(series: Any) -> float:
    return float(series.timestamps[0] if series.rate is None else series.starting_time)


def _rate(series: Any, name: str) -> float:
    """Return samples per second, from the times of the samples where the file has those instead."""
    if series.rate is not None:
        return float(series.rate)
    steps = np.diff(np.asarray(series.timestamps, np.float64))
    if not len(steps) or not (steps > 0).all():
        raise Refused(f"{name}: the timestamps of {series.name} do not rise, so it has no sampling rate")
    regular = steps[steps < 1.5 * float(np.median(steps))]
    return round(1 / float(regular.mean()), 3)


def _places(series: Any, rate: float) -> NDArray[np.int64] | None:
    """Return the place of each sample on the grid of `rate`; None where there is nothing to place.

    Raises
    ------
    Refused
        The times lie on no grid.
    """
    if series.rate is not None:
        return None
    exact = (np.asarray(series.timestamps, np.float64) - float(series.timestamps[0])) * rate
    places = np.rint(exact).astype(np.int64)
    # what counts is the distance between neighbours: a rate known to nine digits drifts over a long sweep
    if np.abs(np.diff(exact) - np.diff(places)).max(initial=0.0) > JITTER or (np.diff(places) < 1).any():
        raise Refused(
            f"the timestamps of {series.name} are irregular: they lie on no grid of {rate:g} Hz, and nothing here "
            "resamples. Resample it yourself, and say so in your methods"
        )
    return None if places[-1] == len(places) - 1 else places


def _channel(series: Any, assumed: UnitText | None) -> Channel:
    unit = assumed.unit if assumed else mode_unit(series)
    data = series.data
    if data.dtype != np.int16:
        return Channel("primary", unit, NO_RAILS)
    return Channel("primary", unit, _coefficients(series, assumed))


def mode_unit(series: Any) -> Any:
    """Return the SI unit of a series' response."""
    return MODES[type(series).__name__].response_unit


def _coefficients(series: Any, assumed: UnitText | None) -> tuple[float, float]:
    if assumed is not None:
        return 0.0, assumed.si
    return float(series.offset or 0.0), float(series.conversion)


def _sweep(
    series: Any, number: int, begin: float, stimulus: Stimulus | None, rate: float, assumed: UnitText | None
) -> ForeignSweep:
    channel, data = _channel(series, assumed), np.asarray(series.data)
    if data.ndim != 1:
        raise Refused(f"{series.name} has {data.ndim} dimensions; a sweep has one")
    offset, factor = _coefficients(series, assumed)
    if data.dtype == np.int16:
        stored = channel.stored(data)
    else:
        stored = ((data.astype(np.float64) * factor + offset) / STORED_STEP[channel.unit]).astype(np.float32)
    places = _places(series, rate)
    if places is not None:  # lost samples are NaN: nothing is interpolated
        whole = np.full(int(places[-1]) + 1, np.nan, np.float32)
        whole[places] = stored
        stored = whole
    return ForeignSweep(number, _start(series) - begin, stored, _levels(stimulus, len(stored), rate))


def _levels(stimulus: Stimulus | None, n_samples: int, rate: float) -> Levels | None:
    if stimulus is None or (stimulus.series.rate is not None and stimulus.series.rate != rate):
        return None
    series = stimulus.series
    stop = None if stimulus.count is None else stimulus.first + stimulus.count
    data = np.asarray(series.data[stimulus.first : stop], np.float64)
    if len(data) != n_samples:
        return None
    return levels_of(data * float(series.conversion) + float(series.offset or 0.0), rate)


def _stimuli(nwb: Any, responses: Sequence[Any]) -> list[Stimulus | None]:
    """Return the stimulus of each response: as the table of recordings says, or by the sweep's number."""
    told = _told_by_table(nwb)
    by_number = {}
    for series in nwb.stimulus.values():
        if type(series).__name__.endswith("ClampStimulusSeries") and series.sweep_number is not None:
            by_number[getattr(series.electrode, "name", ""), int(series.sweep_number)] = Stimulus(series, 0, None)
    return [told.get(r.object_id) or by_number.get(_number(r)) for r in responses]


def _number(series: Any) -> tuple[str, int]:
    number = -1 if series.sweep_number is None else int(series.sweep_number)
    return getattr(series.electrode, "name", ""), number


def _told_by_table(nwb: Any) -> dict[str, Stimulus]:
    table = nwb.intracellular_recordings
    if table is None:
        return {}
    found = {}
    for i in range(len(table)):
        response = table["responses"]["response"][i]
        stimulus = table["stimuli"]["stimulus"][i]
        if stimulus.idx_start >= 0 and type(stimulus.timeseries).__name__.endswith("ClampStimulusSeries"):
            played = Stimulus(stimulus.timeseries, int(stimulus.idx_start), int(stimulus.count))
            found[response.timeseries.object_id] = played
    return found


def _amplifier(series: Any) -> dict[str, float | str]:
    """Return what the file says of the amplifier that a measure needs."""
    bridge = getattr(series, "bridge_balance", None)
    return {} if bridge is None or not np.isfinite(bridge) else {"bridge_balance": float(bridge)}
