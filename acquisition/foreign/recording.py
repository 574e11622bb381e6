"""What every reader makes of a file: one signal, sweep by sweep, with what was commanded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from acquisition.foreign.commands import Levels
    from acquisition.foreign.units import UnitText
    from protocols.sweeps import Channel


@dataclass(frozen=True)
class ForeignSweep:
    """One sweep of a file."""

    number: int
    """As the recording program counts, from 0."""
    start: float
    """Seconds from the file's beginning."""
    stored: NDArray[np.float32]
    """(samples,), mV or pA; lost ones are NaN."""
    levels: Levels | None
    """What was commanded; None if the file does not say, or not in rectangles."""
    counts: NDArray[np.int16] | None = None
    """(samples,) of the converter, where the file has them."""
    second: NDArray[np.int16] | None = None
    """(samples,) counts of the other signal, if it was recorded as well."""


@dataclass(frozen=True)
class ForeignRecording:
    """One channel of a file that another program recorded."""

    path: Path
    form: str
    """Such as 'ABF 2.6'."""
    mode: ClampMode
    channel: Channel
    rate: float
    sweeps: tuple[ForeignSweep, ...]
    header_unit: str
    """Of the response, as the file says."""
    command_unit: UnitText | None = None
    """Of the command, as the file says."""
    no_command: str = ""
    """Why sweeps have no levels: 'the waveform generator was off'."""
    amplifier: Mapping[str, float | str] = field(default_factory=dict)
    """Keys as in `drivers.base.AmplifierState`, as far as the file says."""
    second: Channel | None = None
    started: datetime | None = None
    program: str = ""
    """That recorded it."""
    protocol: str = ""
    """Its name in that program."""
    tags: tuple[tuple[float, str], ...] = ()
    """Seconds from the file's beginning, and what was written."""
    assumed: str = ""
    """The unit that a person gave instead of the file's."""

    @property
    def has_command(self) -> bool:
        """Whether it is known what was commanded in every sweep."""
        return all(s.levels is not None for s in self.sweeps)


def mode_of(unit: UnitText) -> ClampMode:
    """Return the clamp mode in which an amplifier's primary output has this unit."""
    return ClampMode.VOLTAGE if unit.unit == "A" else ClampMode.CURRENT


def listed(numbers: Iterable[object]) -> str:
    """Return 'a, b, c' for a message."""
    return ", ".join(str(n) for n in numbers)
