"""NWB objects as raw HDF5: typed groups, text, time series, and tables that grow.

Raw, because pynwb cannot append to the icephys tables, and because importing it would take a second.
"""

from __future__ import annotations

import math
import uuid
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from acquisition.session.layout import TEXT, Column, TableLayout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SMALL_CHUNK = 128
"""Rows per chunk of a table or a list of texts."""


def typed(item: Any, neurodata_type: str, namespace: str = "core", **attributes: object) -> Any:
    """Make `item` (a group or dataset) an NWB object and return it."""
    item.attrs["namespace"], item.attrs["neurodata_type"] = namespace, neurodata_type
    item.attrs["object_id"] = str(uuid.uuid4())
    for name, value in attributes.items():
        item.attrs[name] = value
    return item


def clean(text: str) -> str:
    """Return `text` without what HDF5 cannot hold (NUL, half characters): a strange message must not end a run."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def put_text(group: Any, name: str, value: str | None) -> None:
    """Write a text if there is one."""
    if value:
        group.create_dataset(name, data=clean(value), dtype=TEXT)


def put_texts(group: Any, name: str, values: Sequence[str]) -> None:
    """Write a list of texts if there are any."""
    if values:
        group.create_dataset(name, data=texts(values), dtype=TEXT)


def texts(values: Sequence[str]) -> Any:
    """Return texts as h5py takes them."""
    out = np.empty(len(values), dtype=object)
    out[:] = [clean(v) for v in values]
    return out


def text_attribute(item: Any, name: str, values: Sequence[str]) -> None:
    """Write a list of texts as an attribute; also an empty one."""
    item.attrs.create(name, np.array(values, dtype=object), dtype=TEXT)


def scratch(file: Any, path: str, notes: str, value: str | None = None) -> Any:
    """Return a new scratch dataset: one text, or a growing list of texts."""
    if value is not None:
        return typed(file.create_dataset(path, data=clean(value), dtype=TEXT), "ScratchData", notes=notes)
    grown = file.create_dataset(path, (0,), maxshape=(None,), chunks=(SMALL_CHUNK,), dtype=TEXT)
    return typed(grown, "ScratchData", notes=notes)


def extend(dataset: Any, values: Any) -> None:
    """Append `values` to a one-dimensional dataset, whose type they have or can be given.

    In HDF5's own terms: h5py's indexing takes four times as long for the one number that a sweep adds to a column.
    """
    new = np.ascontiguousarray(values, dtype=dataset.dtype)
    (before,) = dataset.id.shape
    dataset.id.set_extent((before + len(new),))
    place = dataset.id.get_space()
    place.select_hyperslab((before,), new.shape)
    dataset.id.write(h5py.h5s.create_simple(new.shape), place, new)


def put_data_attributes(data: Any, *, unit: str, conversion: float = 1.0) -> None:
    """Write what every TimeSeries says of its data."""
    data.attrs["unit"] = unit
    data.attrs["conversion"] = np.float64(conversion)
    data.attrs["offset"] = np.float64(0.0)
    data.attrs["resolution"] = np.float64(-1.0)


def put_rate(series: Any, start: float, rate: float) -> None:
    """Write a regular time base: seconds from the session's start, samples per second."""
    starting = series.create_dataset("starting_time", data=np.float64(start))
    starting.attrs["rate"], starting.attrs["unit"] = np.float64(rate), "seconds"


def put_timestamps(series: Any) -> Any:
    """Begin an irregular time base and return it."""
    stamps = series.create_dataset("timestamps", (0,), maxshape=(None,), chunks=(SMALL_CHUNK,), dtype="<f8")
    stamps.attrs["interval"], stamps.attrs["unit"] = np.int32(1), "seconds"
    return stamps


class Table:
    """A DynamicTable that grows. Rows wait in memory until `write`; the table appears with its first row.

    A column that has only missing values so far does not exist; when it gets a value it is filled up with them.
    """

    def __init__(self, file: Any, layout: TableLayout) -> None:
        """Write nothing yet."""
        self._file, self._layout = file, layout
        self._columns = {c.name: c for c in layout.columns}
        self._waiting: list[Mapping[str, Any]] = []
        self._written = 0
        self._made: dict[str, Any] = {}
        """Datasets of the table, by name, kept open: HDF5 is slow to find one by its path."""

    def __len__(self) -> int:
        """Rows, those in memory included."""
        return self._written + len(self._waiting)

    def add(self, **values: Any) -> int:
        """Append a row and return its number. A ragged column takes a list."""
        self._waiting.append(values)
        return len(self) - 1

    def write(self) -> None:
        """Write the rows that wait."""
        if not self._waiting:
            return
        if not self._made:
            self._create()
        extend(self._made["id"], np.arange(self._written, len(self), dtype="<i4"))
        for column in self._layout.columns:
            self._write_column(column, [row.get(column.name, column.missing) for row in self._waiting])
        self._written += len(self._waiting)
        self._waiting.clear()

    def set(self, name: str, row: int, value: Any) -> None:
        """Change one value of a row that was written."""
        if name not in self._made:
            self._create_column(self._columns[name])
        self._made[name][row] = value

    def extend_last(self, name: str, value: int) -> None:
        """Add `value` to the list in the last row of a ragged column."""
        listed = self._made[name]
        extend(listed, [value])
        self._made[f"{name}_index"][-1] = listed.shape[0]

    def _create(self) -> None:
        layout = self._layout
        group = self._file.create_group(layout.path)
        typed(group, layout.neurodata_type, layout.namespace, description=layout.description)
        text_attribute(group, "colnames", ())
        if layout.categories:
            text_attribute(group, "categories", layout.categories)
        ids = group.create_dataset("id", (0,), maxshape=(None,), chunks=(SMALL_CHUNK,), dtype="<i4")
        self._made["id"] = typed(ids, "ElementIdentifiers", "hdmf-common")

    def _write_column(self, column: Column, values: list[Any]) -> None:
        if column.name not in self._made:
            if column.missing is not None and all(_same(v, column.missing) for v in values):
                return
            self._create_column(column)
        data = self._made[column.name]
        if not column.is_ragged:
            extend(data, _array(values, column.dtype))
            return
        before = data.shape[0]
        extend(data, _array([v for row in values for v in row], column.dtype))
        extend(self._made[f"{column.name}_index"], before + np.cumsum([len(row) for row in values]))

    def _create_column(self, column: Column) -> None:
        """Create a column, filled up with missing values for the rows that are there."""
        group, (namespace, kind) = self._file[self._layout.path], column.kind
        size = {"maxshape": (None,), "chunks": (SMALL_CHUNK,)}
        data = group.create_dataset(column.name, (0,), dtype=column.dtype, **size)
        typed(data, kind, namespace, description=column.description)
        if column.target is not None:
            data.attrs["table"] = self._file[column.target].ref
        if column.is_ragged:
            index = group.create_dataset(f"{column.name}_index", (0,), dtype="<u4", **size)
            typed(index, "VectorIndex", "hdmf-common", description=f"Index for {column.name}", target=data.ref)
            self._made[f"{column.name}_index"] = index
        elif self._written:
            extend(data, _array([column.missing] * self._written, column.dtype))
        self._made[column.name] = data
        names = [c.name for c in self._layout.columns if c.name in self._made]
        text_attribute(group, "colnames", names)


def _same(value: object, missing: object) -> bool:
    """Return whether `value` stands for 'not known'."""
    if isinstance(value, float) and isinstance(missing, float) and math.isnan(missing):
        return math.isnan(value)
    return value == missing


def _array(values: list[Any], dtype: Any) -> Any:
    """Return `values` as what h5py takes for a column of `dtype`."""
    return texts(values) if dtype is TEXT else np.array(values, dtype=dtype)
