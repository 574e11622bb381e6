"""What a session file knows before the first sweep: whose, which animal and cell, which protocol on which rig."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from config.knobs import corner_of
from protocols.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from config.rig import Rig
    from protocols.protocol import Protocol


@dataclass(frozen=True)
class SessionHead:
    """The session's identity and everything needed to repeat it."""

    protocol: Protocol
    protocol_text: str
    """The protocol file, letter by letter."""
    rig: Rig
    rig_text: str
    """The rig file, letter by letter."""
    identifier: str
    """A UUID; never used twice."""
    session_id: str
    """The lab's own name of the session; no slashes."""
    started: datetime
    """With its time zone."""
    experimenter: tuple[str, ...] = ()
    """Each 'Last, First'."""
    subject_id: str = "unknown"
    cell_id: str = "cell1"
    seed: int | None = None
    """Of the simulated cell; None on a real rig."""
    software: Mapping[str, str] = field(default_factory=dict)
    """Package -> version."""
    notes: str | None = None

    def __post_init__(self) -> None:
        """Refuse what would make a file that archives do not take, or whose start nobody could tell later.

        Raises
        ------
        SessionError
            A name is empty or has a slash, or the start has no time zone.
        """
        for name in ("identifier", "session_id", "subject_id", "cell_id"):
            value = getattr(self, name)
            if not value.strip() or "/" in value or "\\" in value:
                raise SessionError(f"{name} must be a name without slashes, such as 'R17'; it is '{value}'")
        if self.started.tzinfo is None:
            raise SessionError("a session's start needs a time zone, such as datetime.now().astimezone()")

    @property
    def filtering(self) -> str:
        """The amplifier's output filter, such as 'low-pass 4 kHz'."""
        return f"low-pass {corner_of(self.protocol, self.rig)}"

    @property
    def file_name(self) -> str:
        """Name after the convention of the DANDI archive: sub-<id>_ses-<id>_icephys.nwb."""
        return f"sub-{_label(self.subject_id)}_ses-{_label(self.session_id)}_icephys.nwb"


def _label(text: str) -> str:
    """Return `text` with all that a file name of the convention may not hold replaced by '-'."""
    return re.sub(r"[^A-Za-z0-9-]+", "-", text).strip("-") or "unknown"
