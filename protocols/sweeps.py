"""What one trial is: the command that will be played, the samples that came back, the numbers made of them.

Everything above this room (drivers, session, analysis, engine) speaks in these types, so that none of them
needs to know the others. A plain number is SI; temperatures alone are degrees Celsius, as on every rig.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from protocols.waveforms import TtlPulse, check_ttl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from protocols.waveforms import Waveform

Unit = Literal["V", "A"]

STORED_STEP: Mapping[Unit, float] = {"V": 1e-3, "A": 1e-12}
"""SI value of 1 in the stored numbers: files hold mV and pA, as the field's programs and readers expect."""


class ClampMode(StrEnum):
    """What the amplifier controls."""

    VOLTAGE = "voltage clamp"
    CURRENT = "current clamp"
    ZERO = "zero current"

    @property
    def command_unit(self) -> Unit:
        """Unit of the command: volts in voltage clamp, amperes otherwise."""
        return "V" if self is ClampMode.VOLTAGE else "A"

    @property
    def response_unit(self) -> Unit:
        """Unit of the primary output: amperes in voltage clamp, volts otherwise."""
        return "A" if self is ClampMode.VOLTAGE else "V"


@dataclass(frozen=True)
class Channel:
    """One recorded input and how its converter counts become physical values."""

    name: str
    """The rig's name of the input: 'primary', 'secondary'."""
    unit: Unit
    coefficients: tuple[float, ...]
    """Polynomial from counts to SI, lowest order first: (offset, SI per count, ...)."""

    def stored(self, counts: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return `counts` as the float32 mV or pA that the session file holds.

        Live analysis starts from these numbers too; that is why a live value can be recomputed bit for bit.
        """
        *lower, highest = (c / self.step for c in self.coefficients)
        x = counts.astype(np.float64)
        made = highest + 0.0 * x
        for c in reversed(lower):  # Horner's scheme, in place: numpy's polyval takes four times as long for a block
            made *= x
            made += c
        return made.astype(np.float32)

    @property
    def step(self) -> float:
        """SI value of 1 in the stored numbers."""
        return STORED_STEP[self.unit]

    def si(self, stored: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return stored values (mV, pA) as SI (V, A)."""
        return stored.astype(np.float64) * self.step


@dataclass(frozen=True)
class Sweep:
    """One trial to be played: known in full before the first sample leaves the card."""

    index: int
    mode: ClampMode
    command: Waveform
    """Absolute command in SI, holding included; its rate is the sweep's rate."""
    ttl: tuple[TtlPulse, ...] = ()
    """Pulses on digital lines, in order, counted in samples of the command; no line is high outside of them."""

    def __post_init__(self) -> None:
        """Refuse TTL pulses that overlap or leave the sweep."""
        if self.ttl:
            check_ttl(self.ttl, self.n_samples)

    @property
    def rate(self) -> float:
        """Samples per second."""
        return self.command.rate

    @property
    def n_samples(self) -> int:
        """Length of the sweep in samples."""
        return self.command.n_samples


@dataclass(frozen=True)
class Frame:
    """A block of consecutive samples, exactly as converted.

    `first` counts from the start of the sweep; a frame that starts later than the last one ended shows a gap.
    """

    first: int
    counts: NDArray[np.int16]  # (channels, samples)

    @property
    def n_samples(self) -> int:
        """Samples per channel."""
        return int(self.counts.shape[1])


@dataclass(frozen=True)
class SweepHeader:
    """All that is known about a sweep before its first sample; enough to make sense of the samples alone."""

    sweep: Sweep
    start: float
    """Seconds from the session's start to the first sample."""
    label: str
    """Name of the step that asked for it: 'baseline', 'burst', 'hold -70 mV'."""
    kind: str
    """The step's verb: 'hold', 'membrane_test', 'find', 'series'."""
    run: int
    """Which execution of which step: sweeps of one run belong together."""
    condition: str
    """What the cell experiences: 'ACSF', '(Rac)-MEM 1003 1 µM (arriving)'."""
    channels: tuple[Channel, ...]
    holding: float
    """Command outside all pulses, SI of the mode."""
    amplifier: Mapping[str, float | str] = field(default_factory=dict)
    """Telegraphed settings at the start: keys as in `drivers.base.AmplifierState`."""
    temperature: float | None = None
    """Bath, degC."""


@dataclass(frozen=True)
class RecordedSweep:
    """A finished sweep as analysers and reviewers see it, live or from the file."""

    header: SweepHeader
    stored: Mapping[str, NDArray[np.float32]]
    """Channel name -> samples in mV or pA, exactly as in the file."""
    complete: bool = True

    @property
    def rate(self) -> float:
        """Samples per second."""
        return self.header.sweep.rate

    @property
    def command(self) -> Waveform:
        """The command that was played."""
        return self.header.sweep.command

    @property
    def primary(self) -> NDArray[np.float64]:
        """The primary output in SI: V in current clamp, A in voltage clamp."""
        channel = next(c for c in self.header.channels if c.name == "primary")
        return channel.si(self.stored["primary"])

    @property
    def time(self) -> NDArray[np.float64]:
        """Seconds from the first sample."""
        return np.arange(len(self.stored["primary"])) / self.rate


@dataclass(frozen=True)
class Measurement:
    """One number made from one sweep, with all that is needed to make it again."""

    name: str
    """Symbol of the measure: 'A_1000', 'Rin', 'n_ap'."""
    value: float
    """SI (temperatures degC); NaN when it could not be measured, and then a flag says why."""
    unit: str
    """SI unit: 'V', 'A', 'Ohm', 'F', 's', 'V s', '1'."""
    sweep: int
    time: float
    """Seconds from the session's start to the middle of the window (of the event, for counts)."""
    window: tuple[float, float] | None = None
    """Seconds from the sweep's first sample."""
    flags: tuple[str, ...] = ()
    """Names of the flags raised; empty is good."""
    analyser: str = ""
    """Name, version and parameters of the code that made it."""


@dataclass(frozen=True)
class LogEntry:
    """One line of the session's log: what happened, when, with its particulars."""

    time: float
    """Seconds from the session's start."""
    kind: str
    """'mode', 'solution', 'gate', 'note', 'bias', 'stopped', ..."""
    text: str
    """The sentence a person reads."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Particulars, JSON-able, SI."""
