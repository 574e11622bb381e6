"""One sweep while it is being written: counts gather in memory and go to the file in slices."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from acquisition.session import layout
from acquisition.session.objects import clean, put_data_attributes, put_rate, typed
from protocols.errors import SessionError
from protocols.sweeps import ClampMode, Unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from protocols.sweeps import Channel, Frame, SweepHeader
    from protocols.waveforms import Waveform

RESPONSE = {
    ClampMode.VOLTAGE: "VoltageClampSeries",
    ClampMode.CURRENT: "CurrentClampSeries",
    ClampMode.ZERO: "IZeroClampSeries",
}
COMMAND = {ClampMode.VOLTAGE: "VoltageClampStimulusSeries", ClampMode.CURRENT: "CurrentClampStimulusSeries"}

VOLTAGE_CLAMP_FIELDS: Mapping[str, tuple[str, str, float]] = {
    "whole_cell_capacitance": ("whole_cell_capacitance_comp", "farads", 1.0),
    "whole_cell_series_resistance": ("whole_cell_series_resistance_comp", "ohms", 1.0),
    "resistance_correction": ("resistance_comp_correction", "percent", 100.0),
    "resistance_prediction": ("resistance_comp_prediction", "percent", 100.0),
}
"""Amplifier state -> NWB field, its unit, factor."""
CURRENT_CLAMP_FIELDS = ("bridge_balance", "capacitance_compensation")
COMPRESSION: Mapping[str, Any] = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}
"""Every program can undo these without a plug-in."""


class SweepRecording:
    """Takes a sweep's frames and writes its series. Samples lost between frames are NaN, never invented."""

    def __init__(self, file: Any, header: SweepHeader) -> None:
        """Write nothing yet: a sweep without samples leaves no empty series."""
        self.header, self._file = header, file
        self._counts = np.empty((len(header.channels), layout.SLICE), dtype=np.int16)
        self._waiting = self._written = 0
        self._data: dict[str, Any] = {}
        self._hash = sha256()
        self.gaps: list[tuple[int, int]] = []

    @property
    def n_samples(self) -> int:
        """Samples per channel so far, gaps included."""
        return self._written + self._waiting

    @property
    def n_dropped(self) -> int:
        """Samples per channel that were lost."""
        return sum(stop - start for start, stop in self.gaps)

    @property
    def sha256(self) -> str:
        """Of the counts, samples by channels, whatever the frames' lengths were."""
        return self._hash.hexdigest()

    def take(self, frame: Frame) -> bool:
        """Add `frame`; return whether a slice went to the file."""
        self._check(frame)
        if frame.first > self.n_samples:
            self._leave_gap(frame.first)
        self._hash.update(np.ascontiguousarray(frame.counts.T, dtype="<i2").data)
        taken, before = 0, self._written
        while taken < frame.n_samples:
            n = min(frame.n_samples - taken, layout.SLICE - self._waiting)
            self._counts[:, self._waiting : self._waiting + n] = frame.counts[:, taken : taken + n]
            taken, self._waiting = taken + n, self._waiting + n
            if self._waiting == layout.SLICE:
                self.write()
        return self._written > before

    def write(self) -> None:
        """Write what waits in memory."""
        if not self._waiting:
            return
        for channel, counts in zip(self.header.channels, self._counts, strict=True):
            data = self._series(channel)
            data.resize((self.n_samples,))
            data[self._written :] = channel.stored(counts[: self._waiting])
        self._written, self._waiting = self.n_samples, 0

    def _check(self, frame: Frame) -> None:
        index, channels = self.header.sweep.index, len(self.header.channels)
        if frame.counts.ndim != 2 or len(frame.counts) != channels:
            raise SessionError(f"sweep {index} has {channels} channels, a frame came with shape {frame.counts.shape}")
        if frame.counts.dtype != np.int16:
            raise SessionError(f"sweep {index}: counts must be int16, a frame came with {frame.counts.dtype}")
        if frame.first < self.n_samples:
            msg = f"sweep {index}: a frame starts at {frame.first}, but {self.n_samples} samples are here already"
            raise SessionError(msg)

    def _leave_gap(self, first: int) -> None:
        """Go on at sample `first`; unwritten samples of a series read as NaN."""
        self.write()
        self.gaps.append((self._written, first))
        self._written = first

    def _series(self, channel: Channel) -> Any:
        if channel.name not in self._data:
            self._data[channel.name] = new_response(self._file, self.header, channel)
        return self._data[channel.name]


def new_response(file: Any, header: SweepHeader, channel: Channel) -> Any:
    """Create the series of one recorded channel and return its empty data."""
    primary, mode = channel.name == "primary", header.sweep.mode
    series = file.create_group(layout.response_path(header.sweep.index, channel.name))
    words = f"{channel.name} output of the amplifier in {mode}"
    if not primary:
        typed(series, "TimeSeries", description=f"{words}: the other signal", comments=comments(header))
    else:
        typed(series, RESPONSE[mode], description=words, comments=comments(header))
        _put_patch_clamp(series, header, "N/A" if mode is ClampMode.ZERO else header.label)
        _put_amplifier(series, header)
    return _new_data(series, header.sweep.n_samples, channel.unit, start=header.start, rate=header.sweep.rate)


def new_command(file: Any, path: str, header: SweepHeader, n_samples: int) -> Any:
    """Write the command of a sweep, as far as it was played, and return its series."""
    series = typed(
        file.create_group(path), COMMAND[header.sweep.mode], description="command", comments=comments(header)
    )
    _put_patch_clamp(series, header, header.label)
    unit, waveform = header.sweep.mode.command_unit, header.sweep.command
    data = _new_data(series, n_samples, unit, start=header.start, rate=waveform.rate)
    data.resize((n_samples,))
    for first in range(0, n_samples, layout.SLICE):
        stop = min(first + layout.SLICE, n_samples)
        data[first:stop] = stored_command(waveform, unit, first, stop - first)
    return series


def stored_command(waveform: Waveform, unit: Unit, first: int, count: int) -> NDArray[np.float32]:
    """Return part of a command as float32 mV or pA."""
    return (waveform.values(first, count) / layout.conversion(unit)).astype(np.float32)


def comments(header: SweepHeader) -> str:
    """Return the note by which neo makes one segment of each sweep."""
    return json.dumps({"block": "session", "segment": f"sweep_{header.sweep.index:05d}"})


def _new_data(series: Any, n_samples: int, unit: Unit, *, start: float, rate: float) -> Any:
    chunk = max(1, min(layout.CHUNK, n_samples))
    shape: dict[str, Any] = {"shape": (0,), "maxshape": (None,), "chunks": (chunk,)}
    data = series.create_dataset("data", dtype="<f4", fillvalue=np.float32("nan"), **shape, **COMPRESSION)
    put_data_attributes(data, unit=layout.UNIT_NAME[unit], conversion=layout.conversion(unit))
    put_rate(series, start, rate)
    return data


def _put_patch_clamp(series: Any, header: SweepHeader, stimulus: str) -> None:
    series.attrs["stimulus_description"] = clean(stimulus)
    series.attrs["sweep_number"] = np.uint32(header.sweep.index)
    series["electrode"] = h5py.SoftLink(f"/{layout.ELECTRODE}")


def _put_amplifier(series: Any, header: SweepHeader) -> None:
    """Write the amplifier's own words into NWB's fields for them."""
    state, mode = header.amplifier, header.sweep.mode
    if "primary_gain" in state:
        series.create_dataset("gain", data=np.float32(state["primary_gain"]))
    match mode:
        case ClampMode.VOLTAGE:
            for key, (name, unit, factor) in VOLTAGE_CLAMP_FIELDS.items():
                if key in state:
                    value = np.float32(float(state[key]) * factor)
                    series.create_dataset(name, data=value).attrs["unit"] = unit
        case ClampMode.CURRENT:
            series.create_dataset("bias_current", data=np.float32(header.holding))
            for key in CURRENT_CLAMP_FIELDS:
                if key in state:
                    series.create_dataset(key, data=np.float32(state[key]))
        case ClampMode.ZERO:
            for key in ("bias_current", *CURRENT_CLAMP_FIELDS):
                series.create_dataset(key, data=np.float32(0.0))
