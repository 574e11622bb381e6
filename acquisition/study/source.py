"""What `compare` must know of a session: a file has it, and so has a run that was never written to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from acquisition.analysis.sweep_numbers import Listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from protocols.protocol import Protocol as Experiment
    from protocols.sweeps import LogEntry, Measurement


class Line(Listed, Protocol):
    """A line of a session's list of sweeps, as far as a study looks at it."""

    @property
    def temperature(self) -> float | None:
        """Of the bath, degC."""


class Source(Protocol):
    """A session as a study sees it; `acquisition.session.reader.Session` says what each part is."""

    @property
    def identifier(self) -> str:
        """The session's UUID."""

    @property
    def session_id(self) -> str:
        """The lab's name of it."""

    @property
    def started(self) -> datetime:
        """When, with time zone."""

    @property
    def subject_id(self) -> str:
        """The animal."""

    @property
    def cell_id(self) -> str:
        """The cell."""

    @property
    def seed(self) -> int | None:
        """Of the simulated cell."""

    @property
    def filtering(self) -> str:
        """The amplifier's output filter, such as 'low-pass 4 kHz'."""

    @property
    def software(self) -> Mapping[str, str]:
        """Package -> version."""

    @property
    def closed(self) -> str | None:
        """Why it ended."""

    @property
    def protocol_text(self) -> str:
        """The protocol file, letter by letter."""

    @property
    def protocol(self) -> Experiment:
        """What that text means."""

    @property
    def sweeps(self) -> Sequence[Line]:
        """Those that were begun and ended, in order."""

    @property
    def measurements(self) -> Sequence[Measurement]:
        """In the order in which they were made."""

    @property
    def log(self) -> Sequence[LogEntry]:
        """What happened, in order."""

    @property
    def rejected(self) -> Mapping[int, str]:
        """Sweep -> why the run left it out."""
