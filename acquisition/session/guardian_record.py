"""What a guardian had to do, written beside the session file, and in words for a person."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003  read at run time by those who make records
from typing import Any

ENDS = {
    "killed": "the run was killed",
    "hung": "the run hung and was ended",
    "hangs": "the run hangs and could not be ended",
    "asked": "the run could not put the rig to rest",
    "left": "the run ended without putting the rig to rest",
}
"""How a run came to need its guardian -> in words."""
NO_WAIT = ("asked", "left")
"""Ends of which the run itself is the reason, and nothing that it waited for."""


@dataclass(frozen=True)
class Record:
    """One act of a guardian."""

    run: str
    """What had become of the run: a key of `ENDS`."""
    at_rest: bool
    not_done: tuple[str, ...]
    """What could not be done, in words."""
    seconds: float
    """From the end of the lease to rest, or to the latest try."""
    doing: str = ""
    """What the run had announced: 'a mode switch', 'an answer'; empty if nothing."""
    time: str = ""
    """ISO 8601."""

    def words(self) -> str:
        """Return what happened as one sentence."""
        while_ = f" while it waited for {self.doing}" if self.doing and self.run not in NO_WAIT else ""
        done = f"the guardian had the rig at rest {self.seconds:.1f} s later"
        if not self.at_rest:
            done = f"the guardian could not put the rig to rest. NOT AT REST: {'; '.join(self.not_done)}"
        moment = f"{self.time}: " if self.time else ""
        return f"{moment}{ENDS.get(self.run, self.run)}{while_}; {done}"


def record_of(nwb: Path) -> Path:
    """Return where the guardian of a session writes what it had to do."""
    return nwb.with_name(nwb.name + ".guardian.json")


def write(path: Path, record: Record) -> None:
    """Write down what happened, at once and whole.

    Raises
    ------
    OSError
        It cannot be written.
    """
    told = asdict(record) | {"time": datetime.now(UTC).isoformat(timespec="milliseconds")}
    beside = path.with_name(path.name + ".tmp")
    beside.write_text(json.dumps(told, indent=1), encoding="utf-8")
    beside.replace(path)


def record_from(told: dict[str, Any]) -> Record:
    """Return the record that was written as `told`."""
    return Record(**told | {"not_done": tuple(told["not_done"])})


def read(path: Path) -> Record | None:
    """Return what a guardian wrote; None if it had nothing to do, or what it wrote cannot be read."""
    try:
        return record_from(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
