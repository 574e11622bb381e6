"""Which viewer of a run has control: one over all pages that show it, for as long as it says so."""

from __future__ import annotations

from dataclasses import dataclass

SECONDS = 6.0
"""A lease lasts this long after it was renewed; viewers renew it every two seconds."""


@dataclass(frozen=True)
class Holder:
    """A viewer, as the run knows it."""

    page: int
    """Number of the connection on which the server of its page asks."""
    viewer: str
    """What that server calls it."""

    def called_on(self, page: int) -> str:
        """Return what `page` calls it."""
        return self.viewer if page == self.page else f"{self.viewer} of another page"


@dataclass
class ControlLease:
    """Held by one viewer; any other with the control key may take it. Times in seconds of one clock."""

    holder: Holder | None = None
    until: float = 0.0

    def take(self, who: Holder, now: float) -> None:
        """Give control to `who`, whoever had it."""
        self.holder, self.until = who, now + SECONDS

    def renew(self, who: Holder, now: float) -> bool:
        """Keep control, or take it if nobody has it; return whether `who` has it now."""
        if self.current(now) in (None, who):
            self.take(who, now)
        return self.holder == who

    def give(self, who: Holder) -> None:
        """Leave control to whoever wants it."""
        if self.holder == who:
            self.holder = None

    def gone(self, page: int) -> None:
        """Take control back from the viewers of a page whose server is gone."""
        if self.holder is not None and self.holder.page == page:
            self.holder = None

    def current(self, now: float) -> Holder | None:
        """Return who has control now."""
        return self.holder if self.holder is not None and now < self.until else None
