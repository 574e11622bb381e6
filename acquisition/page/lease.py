"""Which viewer has control: one at a time, for as long as it says so."""

from __future__ import annotations

from dataclasses import dataclass

SECONDS = 6.0
"""A lease lasts this long after it was renewed; viewers renew it every two seconds."""


@dataclass
class ControlLease:
    """Held by one viewer; any other with the control key may take it."""

    holder: str | None = None
    until: float = 0.0

    def take(self, viewer: str, now: float) -> None:
        """Give control to `viewer`, whoever had it."""
        self.holder, self.until = viewer, now + SECONDS

    def renew(self, viewer: str, now: float) -> bool:
        """Keep control, or take it if nobody has it; return whether `viewer` has it now."""
        if self.current(now) in (None, viewer):
            self.take(viewer, now)
        return self.holder == viewer

    def give(self, viewer: str) -> None:
        """Leave control to whoever wants it."""
        if self.holder == viewer:
            self.holder = None

    def current(self, now: float) -> str | None:
        """Return who has control now."""
        return self.holder if self.holder is not None and now < self.until else None
