"""Opens a session file for review: the list of sweeps and numbers at once, samples when they are asked for."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import h5py
import numpy as np

from acquisition.acceptance import rejected_of
from acquisition.session import layout
from acquisition.session.audit import Audit, read_audit
from acquisition.session.counts import CountsOf
from acquisition.session.guardian_record import Record, read, record_from, record_of
from acquisition.session.headers import entry_of, header_of
from protocols.errors import SessionError
from protocols.sweeps import ClampMode, Measurement, RecordedSweep
from protocols.waveforms import TtlPulse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from numpy.typing import NDArray

    from protocols.protocol import Protocol
    from protocols.sweeps import Channel, LogEntry, SweepHeader

EVERYTHING = slice(None)
LOOKS, GLANCE = 20, 0.01
"""How often to try to open a file that is locked, and seconds in between."""


@dataclass(frozen=True)
class SweepInfo:
    """A line of the list of sweeps."""

    index: int
    label: str
    kind: str
    run: int
    condition: str
    mode: ClampMode
    rate: float
    start: float
    """Seconds from the session's start."""
    n_samples: int
    """Recorded, gaps included; fewer than planned if the sweep ended early."""
    complete: bool
    reason: str | None
    """Why it ended early."""
    holding: float
    """SI of the mode."""
    step: float | None
    """Amplitude of the first step above the holding level, SI; None without a step."""
    temperature: float | None
    """degC."""
    sha256: str


class Session:
    """A session file, open for reading. Use it with `with`; everything is read when it is first asked for."""

    def __init__(self, path: Path, file: Any, facts: Mapping[str, Any]) -> None:
        """Made by `open_session`."""
        self.path, self._file, self._facts = path, file, facts

    def __enter__(self) -> Self:
        """Do nothing: the file is open already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file; what was read stays."""
        self._file.close()

    def reopened(self) -> Session:
        """Return the session with its file open once more; what was read of it is not read again.

        Raises
        ------
        SessionError
            The file is gone, in use or damaged.
        """
        again = open_session(self.path)
        again.__dict__.update({name: read for name, read in self.__dict__.items() if name != "_file"})
        return again

    # --- head ---------------------------------------------------------------------------------------------------

    @property
    def identifier(self) -> str:
        """The session's UUID."""
        return self._text("identifier")

    @property
    def session_id(self) -> str:
        """The lab's name of the session."""
        return self._text("general/session_id")

    @property
    def started(self) -> datetime:
        """When, with time zone."""
        return datetime.fromisoformat(self._text("session_start_time"))

    @property
    def experimenter(self) -> tuple[str, ...]:
        """Each 'Last, First'."""
        return tuple(self._texts("general/experimenter"))

    @property
    def subject_id(self) -> str:
        """The animal."""
        return self._text("general/subject/subject_id")

    @property
    def cell_id(self) -> str:
        """The cell."""
        return self._text(f"{layout.ELECTRODE}/cell_id")

    @property
    def filtering(self) -> str:
        """The amplifier's output filter as it was, such as 'low-pass 4 kHz'."""
        path = f"{layout.ELECTRODE}/filtering"
        return self._text(path) if path in self._h5 else ""

    @property
    def notes(self) -> str | None:
        """What the experimenter wrote beforehand."""
        return self._text("general/notes") if "general/notes" in self._h5 else None

    @property
    def seed(self) -> int | None:
        """Of the simulated cell."""
        seed = self._facts.get("seed")
        return None if seed is None else int(seed)

    @property
    def software(self) -> dict[str, str]:
        """Package -> version."""
        return dict(self._facts.get("software", {}))

    @property
    def closed(self) -> str | None:
        """Why the session ended; None if it still runs or was cut off."""
        return self._text(layout.CLOSED) if layout.CLOSED in self._h5 else None

    @property
    def seal(self) -> dict[str, Any] | None:
        """The verdict of the check at the session's end; None if there was none."""
        return dict(json.loads(self._text(layout.SEAL))) if layout.SEAL in self._h5 else None

    @property
    def guardian(self) -> Record | None:
        """What a guardian did when the run could not; it stands beside the file until the session is sealed."""
        if layout.GUARDIAN in self._h5:
            return record_from(json.loads(self._text(layout.GUARDIAN)))
        return read(record_of(self.path))

    @property
    def protocol_text(self) -> str:
        """The protocol file, letter by letter."""
        return self._text(layout.PROTOCOL)

    @property
    def rig_text(self) -> str:
        """The rig file, letter by letter."""
        return self._text(layout.RIG)

    @cached_property
    def protocol(self) -> Protocol:
        """The protocol, as this version of the suite understands its text."""
        from protocols.loading import load_text
        from protocols.protocol import Protocol

        return load_text(self.protocol_text, f"{self.path.name}: protocol", Protocol)

    # --- lists --------------------------------------------------------------------------------------------------

    @cached_property
    def sweeps(self) -> tuple[SweepInfo, ...]:
        """All sweeps that were begun and ended, in order."""
        c = self._columns(layout.SWEEPS)
        return tuple(
            SweepInfo(
                index=int(c["sweep"][i]),
                label=c["label"][i],
                kind=c["kind"][i],
                run=int(c["run"][i]),
                condition=c["condition"][i],
                mode=ClampMode(c["clamp_mode"][i]),
                rate=float(c["rate"][i]),
                start=float(c["start_time"][i]),
                n_samples=int(c["n_samples"][i]),
                complete=bool(c["complete"][i]),
                reason=c["reason"][i] or None,
                holding=float(c["holding"][i]),
                step=_known(c["step"][i]),
                temperature=_known(c["temperature"][i]),
                sha256=c["sha256"][i],
            )
            for i in range(len(c["sweep"]))
        )

    @cached_property
    def measurements(self) -> tuple[Measurement, ...]:
        """All numbers, in the order in which they were made."""
        c = self._columns(layout.MEASURES)
        lists = [c[column.name] for column in layout.MEASURES.columns]
        return tuple(_measurement(row) for row in zip(*lists, strict=True))

    @cached_property
    def log(self) -> tuple[LogEntry, ...]:
        """What happened, in order."""
        return tuple(entry_of(line) for line in self._texts(layout.LOG_ENTRIES))

    @cached_property
    def temperatures(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times (s from the session's start) and bath temperatures (degC), each (readings,)."""
        if layout.TEMPERATURE not in self._h5:
            return np.empty(0), np.empty(0)
        series = self._h5[layout.TEMPERATURE]
        values = series["data"][:]
        if "timestamps" in series:
            return series["timestamps"][:], values
        start = series["starting_time"]
        return start[()] + np.arange(len(values)) / start.attrs["rate"], values

    @cached_property
    def ttl(self) -> dict[int, tuple[TtlPulse, ...]]:
        """Sweep -> pulses that were played on digital lines, in its samples; an interrupted one as far as it went."""
        c = self._columns(layout.TTL)
        found: dict[int, list[TtlPulse]] = {}
        for sweep, *pulse in zip(c["sweep"], c["line"], c["first_sample"], c["end_sample"], strict=True):
            found.setdefault(int(sweep), []).append(TtlPulse(*pulse))
        return {sweep: tuple(pulses) for sweep, pulses in found.items()}

    @cached_property
    def rejected(self) -> dict[int, str]:
        """Sweep -> why it is left out of means: what a gate or a person said during the run, or somebody in review."""
        return rejected_of((*self.log, *(e.as_log(self.started) for e in self.audit.entries)))

    @cached_property
    def audit(self) -> Audit:
        """What people decided about the sweeps after the session; it stands beside the file."""
        return read_audit(self.path, self.identifier)

    # --- sweeps -------------------------------------------------------------------------------------------------

    def sweep(self, index: int) -> RecordedSweep:
        """Return one sweep, equal to the last bit to what live analysis saw. Lost samples are NaN.

        Raises
        ------
        SessionError
            There is no such sweep, or its samples are damaged.
        """
        row = self._row(index)
        header = self.header(index)
        stored = {c.name: self._samples(header, c) for c in header.channels}
        return RecordedSweep(header, stored, self.sweeps[row].complete)

    def header(self, index: int) -> SweepHeader:
        """Return all that was known about a sweep before its first sample."""
        return header_of(self._texts(layout.SWEEP_HEADERS)[self._row(index)])

    def is_intact(self, index: int) -> bool:
        """Return whether the stored samples of a sweep give the hash of the counts that came from the converter.

        Raises
        ------
        SessionError
            The samples cannot be read.
        """
        sweep, header = self.sweeps[self._row(index)], self.header(index)
        counts_of = [CountsOf(c) for c in header.channels]
        digest = sha256()
        for first in range(0, sweep.n_samples, layout.SLICE):
            part = slice(first, min(first + layout.SLICE, sweep.n_samples))
            stored = [self._samples(header, c, part) for c in header.channels]
            if any(len(values) != part.stop - part.start for values in stored):
                return False
            counts = [of(values) for of, values in zip(counts_of, stored, strict=True)]
            if len({len(c) for c in counts}) > 1:
                return False
            digest.update(np.ascontiguousarray(np.stack(counts, axis=1), dtype="<i2").data)
        self._n_read |= {f"{layout.response_path(index, c.name)}/data": sweep.n_samples for c in header.channels}
        return digest.hexdigest() == sweep.sha256

    def damages(self) -> Iterator[tuple[str, Exception]]:
        """Read every object of the file, and yield the names of those that cannot be read, with the reason.

        Samples that `is_intact` has read before are not decompressed once more.
        """
        names: list[str] = []
        self._h5.visit(names.append)
        for name in names:
            try:
                _read_through(self._h5[name], after=self._n_read.get(name, 0))
            except Exception as error:  # noqa: BLE001  a damaged HDF5 file raises whatever it likes
                yield name, error

    @cached_property
    def _n_read(self) -> dict[str, int]:
        """Name of a sweep's samples -> how many of them, from the first on, `is_intact` has read."""
        return {}

    def _row(self, index: int) -> int:
        if index not in self._rows:
            count = f"{len(self.sweeps)} sweeps, the last is {self.sweeps[-1].index}" if self.sweeps else "no sweeps"
            raise SessionError(f"{self.path.name} has no sweep {index}; it has {count}")
        return self._rows[index]

    @cached_property
    def _rows(self) -> dict[int, int]:
        return {s.index: row for row, s in enumerate(self.sweeps)}

    def _samples(self, header: SweepHeader, channel: Channel, part: slice = EVERYTHING) -> NDArray[np.float32]:
        path = layout.response_path(header.sweep.index, channel.name)
        if path not in self._h5:
            return np.empty(0, np.float32)
        try:
            samples: NDArray[np.float32] = self._h5[path]["data"][part]
        except OSError as error:
            msg = f"{self.path.name}: the samples of sweep {header.sweep.index} ({channel.name}) are damaged: {error}"
            raise SessionError(msg) from error
        return samples

    # --- HDF5 ---------------------------------------------------------------------------------------------------

    @property
    def _h5(self) -> Any:
        if not self._file:
            raise SessionError(f"{self.path.name} is closed; ask for what you need while it is open, inside its 'with'")
        return self._file

    def _text(self, path: str) -> str:
        return str(self._h5[path].asstr()[()])

    def _texts(self, path: str) -> list[str]:
        if path not in self._lists:
            self._lists[path] = self._h5[path].asstr()[:].tolist() if path in self._h5 else []
        return self._lists[path]

    @cached_property
    def _lists(self) -> dict[str, list[str]]:
        return {}

    def _columns(self, table: layout.TableLayout) -> dict[str, list[Any]]:
        """Return a table's columns; one that was never created is all missing values."""
        if table.path not in self._h5:
            return {c.name: [] for c in table.columns}
        group = self._h5[table.path]
        n = group["id"].shape[0]
        return {c.name: _values(group[c.name]) if c.name in group else [c.missing] * n for c in table.columns}


def open_session(path: Path | str) -> Session:
    """Open a session file of this suite.

    Raises
    ------
    SessionError
        The file is missing, is in use, or is not one of ours; the message says which.
    """
    path = Path(path)
    if not path.is_file():
        raise SessionError(f"{path}: there is no such file" if not path.exists() else f"{path} is not a file")
    try:
        file = _opened(path)
    except BlockingIOError as error:
        raise SessionError(f"{path} is being written by another program; try again when it has finished") from error
    except PermissionError as error:
        msg = f"{path} may not be read: it is another person's, or another program has it open"
        raise SessionError(msg) from error
    except OSError as error:
        raise SessionError(f"{path} is not an NWB file, or it is damaged: {error}") from error
    try:
        return Session(path, file, _facts(path, file))
    except SessionError:
        file.close()
        raise


def _opened(path: Path) -> Any:
    """Open the file; the packer locks it for less than a millisecond per sweep, so a lock deserves a second look."""
    for _ in range(LOOKS):
        try:
            return h5py.File(path, "r")
        except BlockingIOError:
            time.sleep(GLANCE)
    return h5py.File(path, "r")


def _facts(path: Path, file: Any) -> dict[str, Any]:
    """Return what our writer said of the file, or say why it is not for us."""
    if "nwb_version" not in file.attrs:
        raise SessionError(f"{path} is an HDF5 file but not NWB")
    try:
        facts = json.loads(file[layout.COLLECTION].asstr()[()])
        found = facts["patchrig_session_format"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        msg = f"{path} is an NWB file, but not one that patchrig recorded; open it with pynwb or Neurosift"
        raise SessionError(msg) from error
    if found != layout.FORMAT:
        msg = f"{path} has session format {found}; this version reads format {layout.FORMAT}. Use a newer patchrig"
        raise SessionError(msg)
    return dict(facts)


def _values(data: Any) -> list[Any]:
    """Return a column as a list of Python values."""
    info = h5py.check_string_dtype(data.dtype)
    return list((data.asstr()[:] if info else data[:]).tolist())


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _measurement(row: tuple[Any, ...]) -> Measurement:
    """Return a row of the table of measures, in the order of `layout.MEASURES`, as what it was."""
    name, value, unit, sweep, time, start, stop, flags, analyser = row
    window = None if np.isnan(start) else (start, stop)
    raised = tuple(flags.split(layout.FLAG_SEPARATOR)) if flags else ()
    return Measurement(name, value, unit, sweep, time, window, raised, analyser)


def _read_through(item: Any, *, after: int = 0) -> None:
    """Read an object's attributes and, of a dataset, every value, or those of a list after the first few."""
    dict(item.attrs)
    if isinstance(item, h5py.Dataset):
        for first in range(after, item.shape[0] if item.shape else 1, layout.SLICE):
            item[first : first + layout.SLICE] if item.shape else item[()]
