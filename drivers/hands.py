"""The hands of the person at the rig: some knobs no program can turn."""

from __future__ import annotations

import logging
from typing import Protocol

log = logging.getLogger(__name__)


class Hands(Protocol):
    """Someone who turns knobs when told, or nobody."""

    def tell(self, text: str) -> None:
        """Show what is to be done, and return at once: the doing is seen by telegraph."""

    def confirm(self, text: str) -> bool:
        """Show what is to be done, wait, and return whether the person says it is done."""


class Nobody:
    """What is to be done is logged; nobody confirms it."""

    def tell(self, text: str) -> None:
        """Log."""
        log.warning("%s", text)

    def confirm(self, text: str) -> bool:
        """Log; the answer is no."""
        log.warning("%s (nobody is there to confirm it)", text)
        return False
